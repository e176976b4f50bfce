//! What a dependency is to us; who watches it follows from that.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Class,
    recognise::{Recognition, Trait},
};

/// What an outside contract is to ours.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Its units are held or owed.
    Token,
    /// It says what something costs.
    Feed,
    /// It lends and takes deposits.
    Lending,
    /// It trades.
    Market,
    /// It decides about us, or about what we rely on.
    Governance,
    /// It carries value to and from other chains.
    Bridge,
    /// It takes deposits and gives shares for them.
    Vault,
    /// Nothing in particular is known.
    #[default]
    Contract,
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?} (one of: {allowed})", allowed = Kind::ALL.map(Kind::as_str).join(", "))]
pub struct ParseKindError(pub String);

impl Kind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Token,
        Self::Feed,
        Self::Lending,
        Self::Market,
        Self::Governance,
        Self::Bridge,
        Self::Vault,
        Self::Contract,
    ];

    /// The word used in files, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Feed => "feed",
            Self::Lending => "lending",
            Self::Market => "market",
            Self::Governance => "governance",
            Self::Bridge => "bridge",
            Self::Vault => "vault",
            Self::Contract => "contract",
        }
    }

    /// What a recognised contract is to those who rely on it.
    pub fn of(recognition: &Recognition) -> Self {
        const LENDING: [Trait; 5] = [
            Trait::AaveV2Pool,
            Trait::AaveV3Pool,
            Trait::CompoundV2Market,
            Trait::CompoundV2Comptroller,
            Trait::CompoundV3Market,
        ];
        // A market that lends usually has a token's interface as well, and says less by it.
        if LENDING.into_iter().any(|is| recognition.is(is)) {
            return Self::Lending;
        }
        match recognition.class.class {
            Class::Token => Self::Token,
            Class::Oracle => Self::Feed,
            Class::Pool | Class::Router => Self::Market,
            Class::Governor | Class::Timelock | Class::Multisig | Class::AccessControl => {
                Self::Governance
            }
            Class::Bridge => Self::Bridge,
            Class::Vault | Class::Staking => Self::Vault,
            Class::Contract
            | Class::InsuranceFund
            | Class::Treasury
            | Class::Proxy
            | Class::Factory => Self::Contract,
        }
    }

    /// The class that a deployment of this kind has.
    pub fn class(self) -> Class {
        match self {
            Self::Token => Class::Token,
            Self::Feed => Class::Oracle,
            Self::Lending | Self::Market => Class::Pool,
            Self::Governance => Class::Governor,
            Self::Bridge => Class::Bridge,
            Self::Vault => Class::Vault,
            Self::Contract => Class::Contract,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ParseKindError;
    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| ParseKindError(text.to_owned()))
    }
}
