//! One guarded contract.

use std::sync::Arc;

use model::{Address, Name, TokenAmount};

use crate::{Class, ContractAbi};

/// A contract on a network that the user wants guarded.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The user's name for it, unique over all networks.
    pub label: Name,
    /// Network it is on.
    pub network: Name,
    /// Address.
    pub address: Address,
    /// Protocol it belongs to.
    pub protocol: Option<Name>,
    /// Kind of thing it is.
    pub class: Class,
    /// Its interface; of a proxy, merged with what stands behind it.
    pub abi: Arc<ContractAbi>,
    /// Whether `abi` is the contract's own; false when only a class's standard interface is known,
    /// so that an unknown signature is no surprise.
    pub abi_known: bool,
    /// Block that created it.
    pub first_block: Option<u64>,
    /// Money that a total loss would cost, as the user states it.
    pub value_at_risk: Option<TokenAmount>,
    /// How to read its amounts, when it is a token.
    pub token: Option<TokenUnit>,
    /// What its updates are held against, when it is an oracle.
    pub oracle: Option<OracleConfig>,
}

/// How to read amounts of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUnit {
    /// `USDC` …; from the user's files, not from the chain.
    pub symbol: Arc<str>,
    /// How many digits stand after the point; at most 77, the digits of a `uint256`.
    pub decimals: u8,
}

/// What an oracle promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleConfig {
    /// Longest time between two updates, in seconds.
    pub heartbeat_s: u64,
    /// Change that triggers an update earlier; 0.005 is 0.5 %.
    pub deviation: f64,
    /// How many digits of the answer stand after the point.
    pub decimals: u8,
}
