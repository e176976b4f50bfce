// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// The three events by which a contract tells its watchers what they would otherwise have to infer:
/// who may do what changed, a setting changed, a price is late.
interface IRiskEvents {
    /// `account` gained (`granted`) or lost `role`, by `sender`; `reason` names the decision behind it.
    event RoleChange(
        bytes32 indexed role, address indexed account, address indexed sender, bool granted, bytes32 reason
    );

    /// `parameter` went from `oldValue` to `newValue` (both ABI-encoded), by `sender`.
    event ParameterUpdate(bytes32 indexed parameter, address indexed sender, bytes oldValue, bytes newValue);

    /// `feed` last changed at `updatedAt`, `lag` seconds ago, though it promises a round every
    /// `heartbeat` seconds.
    event OracleLag(address indexed feed, uint256 updatedAt, uint256 heartbeat, uint256 lag);
}
