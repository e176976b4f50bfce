//! What kind of thing a deployment is; detectors choose their defaults by it.

use std::{fmt, str::FromStr};

/// Kind of a deployment, as written in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Nothing in particular is known.
    #[default]
    Contract,
    /// A fungible token.
    Token,
    /// Holds deposits and gives shares for them.
    Vault,
    /// Trades or lends out of pooled funds.
    Pool,
    /// Says what something costs.
    Oracle,
    /// Turns votes into calls.
    Governor,
    /// Holds calls back for a while.
    Timelock,
    /// Locks here what is released elsewhere.
    Bridge,
    /// Pays when something else loses money.
    InsuranceFund,
    /// The protocol's own money.
    Treasury,
    /// Keeps who may do what.
    AccessControl,
    /// Several people sign together.
    Multisig,
    /// Delegates to an implementation that can change.
    Proxy,
    /// Creates contracts.
    Factory,
    /// Forwards users' calls to other contracts of the protocol.
    Router,
    /// Locks tokens for rewards.
    Staking,
}

/// A text that names no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown class {0:?} (one of: {allowed})", allowed = Class::ALL.map(Class::as_str).join(", "))]
pub struct ParseClassError(pub String);

impl Class {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Contract,
        Self::Token,
        Self::Vault,
        Self::Pool,
        Self::Oracle,
        Self::Governor,
        Self::Timelock,
        Self::Bridge,
        Self::InsuranceFund,
        Self::Treasury,
        Self::AccessControl,
        Self::Multisig,
        Self::Proxy,
        Self::Factory,
        Self::Router,
        Self::Staking,
    ];

    /// The word used in files, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Token => "token",
            Self::Vault => "vault",
            Self::Pool => "pool",
            Self::Oracle => "oracle",
            Self::Governor => "governor",
            Self::Timelock => "timelock",
            Self::Bridge => "bridge",
            Self::InsuranceFund => "insurance-fund",
            Self::Treasury => "treasury",
            Self::AccessControl => "access-control",
            Self::Multisig => "multisig",
            Self::Proxy => "proxy",
            Self::Factory => "factory",
            Self::Router => "router",
            Self::Staking => "staking",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Class {
    type Err = ParseClassError;
    fn from_str(text: &str) -> Result<Self, ParseClassError> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| ParseClassError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_class_is_read_by_its_own_word_and_others_are_explained() {
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        expect![[r#"unknown class "erc20" (one of: contract, token, vault, pool, oracle, governor, timelock, bridge, insurance-fund, treasury, access-control, multisig, proxy, factory, router, staking)"#]]
            .assert_eq(&"erc20".parse::<Class>().unwrap_err().to_string());
    }
}
