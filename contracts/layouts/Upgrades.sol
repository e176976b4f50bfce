// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

// One deployed vault and its possible successors. Each successor has one thing wrong, said in its
// first line, or nothing; the registry's tests judge all of them against `Vault`.

abstract contract Initializable {
    /// @custom:storage-location erc7201:bellwether.storage.Initializable
    struct InitializableStorage { uint64 initialized; bool initializing; }

    // The root of erc7201:bellwether.storage.Initializable.
    bytes32 private constant ROOT =
        0x669d089357134c0a563f1a9e9b10e4552647271a05aa32607f7d498424ecaf00;

    function _initializable() private pure returns (InitializableStorage storage $) {
        assembly { $.slot := ROOT }
    }

    modifier initializer() {
        InitializableStorage storage $ = _initializable();
        require($.initialized == 0, "initialized");
        $.initialized = 1;
        _;
    }

    modifier reinitializer(uint64 version) {
        InitializableStorage storage $ = _initializable();
        require($.initialized < version, "initialized");
        $.initialized = version;
        _;
    }

    function _disableInitializers() internal { _initializable().initialized = type(uint64).max; }
}

abstract contract Upgradeable is Initializable {
    bytes32 private constant IMPLEMENTATION =
        0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    address internal admin;
    uint256[49] private __gap;

    function proxiableUUID() external pure returns (bytes32) { return IMPLEMENTATION; }

    function upgradeToAndCall(address next, bytes calldata call) external payable {
        require(msg.sender == admin, "admin");
        assembly { sstore(IMPLEMENTATION, next) }
        if (call.length > 0) {
            (bool ok,) = next.delegatecall(call);
            require(ok, "call");
        }
    }
}

type Price is uint128;
enum Phase { Open, Closed }

abstract contract Storage is Upgradeable {
    struct Account { uint128 shares; uint64 since; }

    mapping(address => Account) internal accounts;
    uint128 internal totalShares;
    Price internal price;
    address internal asset;
    Phase internal phase;
    uint256 transient internal lock;

    function initialize(address first) external initializer { admin = first; asset = first; }

    function deposit(uint128 shares) external {
        require(lock == 0 && phase == Phase.Open, "locked");
        lock = 1;
        accounts[msg.sender].shares += shares;
        accounts[msg.sender].since = uint64(block.timestamp);
        totalShares += shares;
        lock = 0;
    }

    function close() external { require(msg.sender == admin, "admin"); phase = Phase.Closed; }
    function state() external view returns (uint128, Price, address, Phase) {
        return (totalShares, price, asset, phase);
    }
}

contract Vault is Storage {
    constructor() { _disableInitializers(); }
}

// Nothing: appends, and grows the value of a mapping by nothing.
contract VaultAppends is Storage {
    uint256 internal fee;
    mapping(bytes32 => bool) internal seen;

    constructor() { _disableInitializers(); }
    function upgraded() external reinitializer(2) { fee = 5; }
}

// A function that starts the vault anew has no guard.
contract VaultUnguarded is Storage {
    constructor() { _disableInitializers(); }
    function initialize(address first, address second) external { admin = first; asset = second; }
}

// Anybody can initialise the implementation.
contract VaultOpen is Storage {}

// The constructor writes storage that no proxy has.
contract VaultConstructs is Storage {
    constructor() { _disableInitializers(); _setUp(msg.sender); }
    function _setUp(address first) private { admin = first; }
}

// A variable has a value that no proxy has.
contract VaultInitialValue is Storage {
    uint256 internal fee = 5;
    uint256 internal constant FEE_MAX = 10;
    constructor() { _disableInitializers(); }
    function feeNow() external view returns (uint256) { return fee; }
}

// A value is in the code.
contract VaultImmutable is Storage {
    address internal immutable ROUTER;
    constructor(address router) { ROUTER = router; _disableInitializers(); }
    function router() external view returns (address) { return ROUTER; }
}

// Anybody can end it.
contract VaultEnds is Storage {
    constructor() { _disableInitializers(); }
    function end() external { selfdestruct(payable(msg.sender)); }
}

// It runs whatever code it is given.
contract VaultDelegates is Storage {
    constructor() { _disableInitializers(); }
    function run(address code, bytes calldata input) external { (bool ok,) = code.delegatecall(input); require(ok); }
}

// It keeps a pointer into its code.
contract VaultPoints is Storage {
    function() internal next;
    constructor() { _disableInitializers(); }
    function choose() external { next = _one; }
    function go() external { next(); }
    function _one() private { totalShares = 1; }
}

// A namespace with a name that takes the place of the proxy's implementation.
contract VaultBase is Storage layout at 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc {
    constructor() { _disableInitializers(); }
}

// No way to a further upgrade, and other storage besides.
contract VaultForEver is Initializable {
    struct Account { uint128 shares; uint64 since; }
    address internal admin;
    uint256[49] private __gap;
    mapping(address => Account) internal accounts;
    uint128 internal totalShares;
    Price internal price;
    address internal asset;
    Phase internal phase;
    uint256 transient internal lock;
    constructor() { _disableInitializers(); }
    function initialize(address first) external initializer { admin = first; asset = first; phase = Phase.Open; }
    function deposit(uint128 shares) external {
        accounts[msg.sender].shares += shares;
        totalShares += shares;
        lock = 1;
    }
    function state() external view returns (uint128, Price, address, Phase) {
        return (totalShares, price, asset, phase);
    }
}
