// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

// Storage that does not fit that of `Vault`, without anything else being wrong: no proxy code, so
// that only the layout is judged. `Before` is what is deployed.

/// What is deployed.
contract Before {
    enum Kind { Mint, Burn }
    struct Order { uint128 amount; Kind kind; }
    /// @custom:storage-location erc7201:bellwether.storage.Orders
    struct Orders { uint256 count; mapping(uint256 => Order) list; }

    bytes32 private constant ORDERS =
        0x131ecf5f8b6fc67a70f9ed6f1b3ad0cceebcfe64e019ce14ee04592fab0ee500;

    address public owner;
    bool public paused;
    mapping(address => uint256) public balances;
    uint256 public total;
    Kind public last;
    Order internal pending;
    uint256[50] private __gap;
    string public name;

    function orders() internal pure returns (Orders storage $) { assembly { $.slot := ORDERS } }
    function count() external view returns (uint256) { return orders().count; }
    function set(address to, uint256 amount) external {
        owner = to; paused = true; balances[to] = amount; total += amount; last = Kind.Burn; name = "x";
        orders().count += 1;
    }
}

/// Everything that is allowed at once: a name and a type declared, a longer enum of the same size, a
/// member more where a mapping leaves room, two slots of the gap taken, and more at the end.
contract Fits {
    enum Kind { Mint, Burn, Swap }
    struct Order { uint128 amount; Kind kind; }
    struct LongOrder { uint128 amount; Kind kind; address by; uint256 at; }
    /// @custom:storage-location erc7201:bellwether.storage.Orders
    struct Orders { uint256 count; mapping(uint256 => LongOrder) list; uint256 more; }

    bytes32 private constant ORDERS =
        0x131ecf5f8b6fc67a70f9ed6f1b3ad0cceebcfe64e019ce14ee04592fab0ee500;

    /// @custom:oz-renamed-from owner
    address public keeper;
    bool public paused;
    mapping(address => uint256) public balances;
    /// @custom:oz-retyped-from uint256
    bytes32 public total;
    Kind public last;
    Order internal pending;
    uint256 public taken;
    uint256 public also;
    uint256[48] private __gap;
    string public name;
    uint256 public added;

    function orders() internal pure returns (Orders storage $) { assembly { $.slot := ORDERS } }
    function count() external view returns (uint256) { return orders().count; }
    function set(address to, uint256 amount) external {
        keeper = to; paused = true; balances[to] = amount; total = bytes32(amount); last = Kind.Swap; name = "x";
        taken = 1; also = 1; added = 1; orders().count += 1;
    }
}

/// A variable in front.
contract Inserts {
    enum Kind { Mint, Burn }
    struct Order { uint128 amount; Kind kind; }
    /// @custom:storage-location erc7201:bellwether.storage.Orders
    struct Orders { uint256 count; mapping(uint256 => Order) list; }

    bytes32 private constant ORDERS =
        0x131ecf5f8b6fc67a70f9ed6f1b3ad0cceebcfe64e019ce14ee04592fab0ee500;

    uint256 public version;
    address public owner;
    bool public paused;
    mapping(address => uint256) public balances;
    uint256 public total;
    Kind public last;
    Order internal pending;
    uint256[50] private __gap;
    string public name;

    function orders() internal pure returns (Orders storage $) { assembly { $.slot := ORDERS } }
    function count() external view returns (uint256) { return orders().count; }
    function set(address to, uint256 amount) external {
        version = 2; owner = to; paused = true; balances[to] = amount; total += amount; last = Kind.Burn; name = "x";
        orders().count += 1;
    }
}

/// Values of an enum in another order, a struct that grows between others, a wrong annotation, a
/// name that is not declared, a gap that is too long, and another namespace.
contract Breaks {
    enum Kind { Burn, Mint }
    struct Order { uint128 amount; Kind kind; address by; }
    /// @custom:storage-location erc7201:bellwether.storage.OrdersV2
    struct Orders { uint256 count; mapping(uint256 => Order) list; }

    bytes32 private constant ORDERS =
        0xbc8889e7739f6478cc87140e2e8d3e3d8abd4f777992920391e81a44d853aa00;

    address public keeper;
    bool public paused;
    mapping(address => uint256) public balances;
    /// @custom:oz-retyped-from uint128
    bytes32 public total;
    Kind public last;
    Order internal pending;
    uint256[50] private __gap;
    string public name;

    function orders() internal pure returns (Orders storage $) { assembly { $.slot := ORDERS } }
    function count() external view returns (uint256) { return orders().count; }
    function set(address to, uint256 amount) external {
        keeper = to; paused = true; balances[to] = amount; total = bytes32(amount); last = Kind.Burn; name = "x";
        orders().count += 1;
    }
}

/// Variables that are gone: one in the middle and the gap.
contract Drops {
    enum Kind { Mint, Burn }
    struct Order { uint128 amount; Kind kind; }
    /// @custom:storage-location erc7201:bellwether.storage.Orders
    struct Orders { uint256 count; mapping(uint256 => Order) list; }

    bytes32 private constant ORDERS =
        0x131ecf5f8b6fc67a70f9ed6f1b3ad0cceebcfe64e019ce14ee04592fab0ee500;

    address public owner;
    bool public paused;
    mapping(address => uint256) public balances;
    Kind public last;
    Order internal pending;
    string public name;

    function orders() internal pure returns (Orders storage $) { assembly { $.slot := ORDERS } }
    function count() external view returns (uint256) { return orders().count; }
}
