//! Which detector of ours looks for what a bot calls its findings.

/// Words of a bot's alert id or name, and the detector of ours that finds the same thing.
const KIN: &[(&[&str], &str)] = &[
    (&["reentran"], "flow/reentrant_call"),
    (
        &["flashloan", "flash-loan", "flash_loan", "price-manipulation"],
        "oracle/price_moved_in_transaction",
    ),
    (&["oracle", "price-feed", "stale"], "oracle/feed_late"),
    (&["upgrade", "proxy", "implementation"], "change/proxy_upgraded"),
    (&["role", "owner", "admin"], "access/role_change"),
    (&["parameter", "config", "setting"], "change/parameter_update"),
    (
        &["tornado", "mixer", "sanction", "ofac", "attacker", "scam", "phish"],
        "reputation/known_bad_address",
    ),
    (
        &["drain", "outflow", "tvl", "large-transfer", "large-balance", "withdraw"],
        "liquidity/outflow_exceeds_share",
    ),
    (&["failed", "revert"], "telemetry/failed_calls_rise"),
    (&["gas"], "telemetry/gas_unusual"),
    (&["reorg"], "chain/reorg"),
];

/// The detector that finds what a bot calls by this id and name, when the words tell.
pub fn kin(alert_id: &str, name: &str) -> Option<&'static str> {
    let words = format!("{alert_id} {name}").to_lowercase().replace([' ', '_'], "-");
    let is_meant =
        |of: &&(&[&str], &str)| of.0.iter().any(|word| words.contains(&word.replace('_', "-")));
    KIN.iter().find(is_meant).map(|(_, detector)| *detector)
}
