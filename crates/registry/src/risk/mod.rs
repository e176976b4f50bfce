//! Many events, three risk indicators.
//!
//! Contracts that implement `IRiskEvents` say `RoleChange`, `ParameterUpdate` and `OracleLag`
//! themselves. Most contracts say the same in other words: OpenZeppelin's access control and
//! proxies, Safe, ds-auth, Aragon, Compound and Chainlink each have their own. Here all of them
//! become one record, so that a detector knows none of them.
//!
//! Only the log is looked at, not the ABI of the contract: the events below mean the same wherever
//! they appear. Which arguments are indexed is not part of a signature hash, and implementations
//! differ in it, so any split between topics and data is read as long as the words fit their types.

mod record; //  the normalised record
mod sources; // which events there are and what each means
mod split; //   arguments out of topics and data, for any choice of indexed ones

use std::sync::LazyLock;

use alloy_primitives::B256;
use model::Log;
use rustc_hash::FxHashMap;

pub use record::{
    Indicator, OperationCall, OracleUpdate, OracleUpdateKind, Parameter, ParameterUpdate,
    RiskEvent, RiskKind, RoleChange, RoleChangeKind, Stage,
};
pub use sources::Source;

use crate::Undecoded;

/// `RoleChange(bytes32 role, address account, address sender, bool granted, bytes32 reason)`.
pub const ROLE_CHANGE: &str = "RoleChange(bytes32 indexed role, address indexed account, address indexed sender, bool granted, bytes32 reason)";
/// `ParameterUpdate(bytes32 parameter, address sender, bytes oldValue, bytes newValue)`.
pub const PARAMETER_UPDATE: &str = "ParameterUpdate(bytes32 indexed parameter, address indexed sender, bytes oldValue, bytes newValue)";
/// `OracleLag(address feed, uint256 updatedAt, uint256 heartbeat, uint256 lag)`, all in seconds.
pub const ORACLE_LAG: &str =
    "OracleLag(address indexed feed, uint256 updatedAt, uint256 heartbeat, uint256 lag)";

static BY_TOPIC: LazyLock<FxHashMap<B256, &'static Source>> = LazyLock::new(|| {
    let sources = sources::all();
    sources.iter().filter_map(|source| Some((source.event.topic0?, source))).collect()
});

/// All events that are understood.
pub fn sources() -> &'static [Source] {
    sources::all()
}

/// Reads a log as a risk event; `Ok(None)` when its signature is none of those understood.
///
/// # Errors
/// [`Undecoded::Malformed`] when the signature is understood but topics and data do not fit it in
/// any way. On a contract that is guarded this is a reason to be blind, not quiet.
pub fn read(log: &Log) -> Result<Option<RiskEvent>, Undecoded> {
    let Some(source) = log.topic0().and_then(|topic0| BY_TOPIC.get(&topic0).copied()) else {
        return Ok(None);
    };
    let malformed =
        || Undecoded::Malformed(format!("topics or data of {}", source.event.signature));
    let args = split::arguments(&source.event, log).ok_or_else(malformed)?;
    let kind = source.normalize(&args).ok_or_else(malformed)?;
    Ok(Some(RiskEvent { contract: log.address, source, kind }))
}

/// [`read`] for addresses that nobody guards, where a log that does not fit its signature is only
/// somebody's odd contract.
pub fn normalize(log: &Log) -> Option<RiskEvent> {
    read(log).ok().flatten()
}

#[cfg(test)]
mod tests;
