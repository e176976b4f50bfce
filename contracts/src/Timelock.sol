// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Roles} from "./Roles.sol";

/// Holds calls back for a while between decision and execution, in the event dialect of the common
/// timelocks.
contract Timelock is Roles {
    bytes32 public constant PROPOSER_ROLE = keccak256("PROPOSER_ROLE");
    bytes32 public constant EXECUTOR_ROLE = keccak256("EXECUTOR_ROLE");

    uint256 public minDelay;
    /// When an operation may run; 0: never scheduled, 1: done.
    mapping(bytes32 => uint256) public readyAt;

    event CallScheduled(
        bytes32 indexed id,
        uint256 indexed index,
        address target,
        uint256 value,
        bytes data,
        bytes32 predecessor,
        uint256 delay
    );
    event CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data);
    event Cancelled(bytes32 indexed id);
    event MinDelayChange(uint256 oldDuration, uint256 newDuration);

    error TimelockInsufficientDelay(uint256 delay, uint256 minDelay);
    error TimelockUnexpectedOperationState(bytes32 id, uint256 readyAt);

    constructor(address admin, uint256 delay) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(DEFAULT_ADMIN_ROLE, address(this));
        minDelay = delay;
        emit MinDelayChange(0, delay);
    }

    receive() external payable {}

    function hashOperation(address target, uint256 value, bytes calldata data, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(target, value, data, bytes32(0), salt));
    }

    function schedule(address target, uint256 value, bytes calldata data, bytes32 salt, uint256 delay)
        external
        onlyRole(PROPOSER_ROLE)
    {
        if (delay < minDelay) revert TimelockInsufficientDelay(delay, minDelay);
        bytes32 id = hashOperation(target, value, data, salt);
        if (readyAt[id] != 0) revert TimelockUnexpectedOperationState(id, readyAt[id]);
        readyAt[id] = block.timestamp + delay;
        emit CallScheduled(id, 0, target, value, data, bytes32(0), delay);
    }

    function cancel(bytes32 id) external onlyRole(PROPOSER_ROLE) {
        if (readyAt[id] <= 1) revert TimelockUnexpectedOperationState(id, readyAt[id]);
        readyAt[id] = 0;
        emit Cancelled(id);
    }

    function execute(address target, uint256 value, bytes calldata data, bytes32 salt)
        external
        payable
        onlyRole(EXECUTOR_ROLE)
    {
        bytes32 id = hashOperation(target, value, data, salt);
        uint256 ready = readyAt[id];
        if (ready <= 1 || ready > block.timestamp) revert TimelockUnexpectedOperationState(id, ready);
        readyAt[id] = 1;
        (bool done, bytes memory result) = target.call{value: value}(data);
        if (!done) {
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
        emit CallExecuted(id, 0, target, value, data);
    }

    function updateDelay(uint256 delay) external {
        require(msg.sender == address(this), "only through itself");
        emit MinDelayChange(minDelay, delay);
        minDelay = delay;
    }
}
