// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// A pool as factories make them by the thousand: it takes ether in and swaps it out.
contract ChildPool {
    /// Who created it; an immutable, so that its code differs from the build in 20 bytes.
    address public immutable factory;
    bool public paused;

    event Opened(address indexed factory, uint256 seed);
    event Swapped(address indexed by, uint256 amount);
    event Paused(address account);

    error IsPaused();

    constructor(uint256 seed) {
        factory = msg.sender;
        emit Opened(msg.sender, seed);
    }

    function swap(uint256 amount) external {
        if (paused) revert IsPaused();
        emit Swapped(msg.sender, amount);
    }

    function pause() external {
        paused = true;
        emit Paused(msg.sender);
    }
}

/// Creates pools with CREATE2, one or many in a transaction, and can use one in the transaction that
/// creates it.
contract ChildFactory {
    uint256 public count;

    event PoolCreated(address indexed by, address pool);

    function create(bytes32 salt, uint256 seed) public returns (ChildPool pool) {
        pool = new ChildPool{salt: salt}(seed);
        count += 1;
        emit PoolCreated(msg.sender, address(pool));
    }

    function createAndSwap(bytes32 salt, uint256 seed, uint256 amount) external {
        create(salt, seed).swap(amount);
    }

    function createMany(uint256 many) external {
        for (uint256 at = 0; at < many; at++) {
            create(keccak256(abi.encode(count)), at);
        }
    }
}
