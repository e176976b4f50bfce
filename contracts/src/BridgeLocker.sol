// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {MeridianToken} from "./MeridianToken.sol";
import {Roles} from "./Roles.sol";

/// Locks mUSD that travels to another chain and releases what comes back, on a relayer's word.
contract BridgeLocker is Roles {
    bytes32 public constant RELAYER_ROLE = keccak256("RELAYER_ROLE");

    MeridianToken public immutable token;
    uint256 public nonce;
    uint256 public locked;
    mapping(bytes32 => bool) public released;

    event Locked(
        bytes32 indexed id, address indexed from, uint256 amount, uint256 destinationChain, bytes32 recipient
    );
    event Released(bytes32 indexed id, address indexed to, uint256 amount, uint256 sourceChain);

    error AlreadyReleased(bytes32 id);

    constructor(address admin, address relayer, MeridianToken token_) {
        token = token_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(RELAYER_ROLE, relayer);
    }

    function lock(uint256 amount, uint256 destinationChain, bytes32 recipient) external returns (bytes32 id) {
        id = keccak256(abi.encode(block.chainid, ++nonce));
        locked += amount;
        token.transferFrom(msg.sender, address(this), amount);
        emit Locked(id, msg.sender, amount, destinationChain, recipient);
    }

    /// Weakness: nothing proves that `id` was ever burnt on `sourceChain`.
    function release(bytes32 id, address to, uint256 amount, uint256 sourceChain) external onlyRole(RELAYER_ROLE) {
        if (released[id]) revert AlreadyReleased(id);
        released[id] = true;
        locked -= amount;
        token.transfer(to, amount);
        emit Released(id, to, amount, sourceChain);
    }
}
