// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Stablecoin} from "./Stablecoin.sol";

/// A bridge of somebody else's: locks here what its relayer releases elsewhere, and back.
contract MessageBridge {
    Stablecoin public immutable token;
    address public immutable relayer;
    uint256 public nonce;
    mapping(bytes32 => bool) public processed;

    event Locked(
        bytes32 indexed id, address indexed from, uint256 amount, uint256 destinationChain, bytes32 recipient
    );
    event Released(bytes32 indexed id, address indexed to, uint256 amount, uint256 sourceChain);

    error NotRelayer(address account);
    error AlreadyProcessed(bytes32 id);

    constructor(Stablecoin token_, address relayer_) {
        token = token_;
        relayer = relayer_;
    }

    function lock(uint256 amount, uint256 destinationChain, bytes32 recipient) external returns (bytes32 id) {
        id = keccak256(abi.encode(block.chainid, ++nonce));
        token.transferFrom(msg.sender, address(this), amount);
        emit Locked(id, msg.sender, amount, destinationChain, recipient);
    }

    function release(bytes32 id, address to, uint256 amount, uint256 sourceChain) external {
        if (msg.sender != relayer) revert NotRelayer(msg.sender);
        if (processed[id]) revert AlreadyProcessed(id);
        processed[id] = true;
        token.transfer(to, amount);
        emit Released(id, to, amount, sourceChain);
    }
}
