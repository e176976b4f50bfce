// SPDX-License-Identifier: CC0-1.0
pragma solidity ^0.8.0;

/// Events that Meridian must emit for its threats to be seen.
/// Written from the threat map; change that, not this.
interface IMeridianRiskEvents {
    /// role-changes: who may do what has changed, by whom and why. Threats: signer-phished.
    event RoleChange(bytes32 indexed role, address indexed account, address indexed sender, bool granted, bytes32 reason);

    /// role-grants: an account may do more than before. Threats: captured-vote, signer-phished.
    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);

    /// parameter-updates: a setting went from one value to another. Threats: captured-vote.
    event ParameterUpdate(bytes32 indexed parameter, address indexed sender, bytes oldValue, bytes newValue);

    /// upgrades: the code behind the proxy was replaced. Threats: malicious-upgrade.
    event Upgraded(address indexed implementation);

    /// issuance: new mUSD exists. Threats: insider-issues.
    event Issued(address indexed to, uint256 amount);

    /// collateral-out: collateral left the vault. Threats: vault-drained, reentrancy.
    event EtherWithdrawn(address indexed account, uint256 amount);

    /// late-price: a price is older than its feed promises. Threats: feed-stops.
    event OracleLag(address indexed feed, uint256 updatedAt, uint256 heartbeat, uint256 lag);

    /// market-moves: the market's reserves, and so its price, changed. Threats: price-manipulated.
    event Sync(uint112 reserve0, uint112 reserve1);

    /// fund-pays: the insurance fund paid. Threats: reserves-drained.
    event Covered(bytes32 indexed incident, address indexed to, uint256 amount);

    /// bridge-releases: what was locked for another chain left. Threats: reserves-drained.
    event Released(bytes32 indexed id, address indexed to, uint256 amount, uint256 sourceChainId);

    /// scheduled-calls: a change waits in the timelock and can still be cancelled. Threats: malicious-upgrade, captured-vote.
    event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay);
}
