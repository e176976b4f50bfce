//! Why something is a dependency.

use std::fmt;

use model::B256;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::recognise::AUTHORITY_GETTERS;

/// Why one contract relies on another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", content = "by", rename_all = "kebab-case")]
pub enum Reason {
    /// It was called, as traces show.
    Called,
    /// Its code ran in the caller's name, as traces show.
    Delegated,
    /// The contract names it when this function is called.
    Named(String),
    /// It is in this slot of the contract's storage.
    Stored(B256),
    /// It is a constant or immutable of the contract's code.
    InCode,
    /// It was an argument of the contract's creation.
    Constructor,
    /// The contract holds its tokens.
    Holds,
    /// It says what something of the contract costs.
    PricedBy,
    /// It may decide about the contract.
    GovernedBy,
    /// The contract's value crosses chains by it.
    BridgedThrough,
    /// The contract lends to it.
    LendsTo,
}

impl Reason {
    /// What a reason comes to, once it is known what the other contract is: being named by
    /// `oracle()` or called makes a feed what prices us. `None` when it means nothing more.
    pub fn meaning(&self, of: Kind) -> Option<Self> {
        let is_authority = match self {
            Self::Named(getter) => AUTHORITY_GETTERS.contains(&getter.as_str()),
            _ => false,
        };
        match of {
            _ if is_authority => Some(Self::GovernedBy),
            Kind::Feed => Some(Self::PricedBy),
            Kind::Governance => Some(Self::GovernedBy),
            Kind::Bridge => Some(Self::BridgedThrough),
            Kind::Lending => Some(Self::LendsTo),
            Kind::Token | Kind::Market | Kind::Vault | Kind::Contract => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called => f.write_str("called"),
            Self::Delegated => f.write_str("its code runs there"),
            Self::Named(getter) => write!(f, "named by {getter}()"),
            Self::Stored(slot) => write!(f, "in slot {slot}"),
            Self::InCode => f.write_str("in the code"),
            Self::Constructor => f.write_str("given at creation"),
            Self::Holds => f.write_str("held"),
            Self::PricedBy => f.write_str("priced by it"),
            Self::GovernedBy => f.write_str("governed by it"),
            Self::BridgedThrough => f.write_str("bridged through it"),
            Self::LendsTo => f.write_str("lends to it"),
        }
    }
}
