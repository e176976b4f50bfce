//! From traits to a class, with how sure that is.

use std::fmt;

use super::{Evidence, Trait};
use crate::{Class, proxy::Proxy};

/// How sure a conclusion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Only its name says so, or nothing does.
    Low,
    /// It has the usual vocabulary.
    Medium,
    /// It has a whole standard interface.
    High,
}

impl Confidence {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "a guess",
            Self::Medium => "likely",
            Self::High => "sure",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of thing a contract is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The class.
    pub class: Class,
    /// How sure.
    pub confidence: Confidence,
    /// In words.
    pub why: String,
}

use Confidence::{High, Low, Medium};

/// Which trait decides, first match first: what a contract is for goes before what it also has, so
/// that a vault whose shares are a token is a vault and a timelock with roles a timelock.
const DECISIVE: &[(Trait, Class, Confidence)] = &[
    (Trait::Safe, Class::Multisig, High),
    (Trait::TimelockController, Class::Timelock, High),
    (Trait::CompoundTimelock, Class::Timelock, High),
    (Trait::Governor, Class::Governor, High),
    (Trait::GovernorBravo, Class::Governor, High),
    (Trait::PriceFeed, Class::Oracle, High),
    (Trait::CanonicalBridge, Class::Bridge, High),
    (Trait::AaveV3Pool, Class::Pool, High),
    (Trait::AaveV2Pool, Class::Pool, High),
    (Trait::CompoundV3Market, Class::Pool, High),
    (Trait::CompoundV2Market, Class::Pool, High),
    (Trait::CompoundV2Comptroller, Class::Pool, High),
    (Trait::UniswapV2Pair, Class::Pool, High),
    (Trait::UniswapV3Pool, Class::Pool, High),
    (Trait::CurvePool, Class::Pool, High),
    (Trait::Erc4626, Class::Vault, High),
    (Trait::Staking, Class::Staking, High),
    (Trait::Router, Class::Router, High),
    (Trait::Factory, Class::Factory, High),
    (Trait::Erc3156, Class::Pool, High),
    (Trait::AccessManager, Class::AccessControl, High),
    (Trait::ProxyAdmin, Class::AccessControl, High),
    (Trait::MultisigShape, Class::Multisig, Medium),
    (Trait::TimelockShape, Class::Timelock, Medium),
    (Trait::GovernorShape, Class::Governor, Medium),
    (Trait::InsuranceFundShape, Class::InsuranceFund, Medium),
    (Trait::LockReleaseBridge, Class::Bridge, Medium),
    (Trait::PairShape, Class::Pool, Medium),
    (Trait::VaultShape, Class::Vault, Medium),
    (Trait::TreasuryShape, Class::Treasury, Medium),
    (Trait::PriceShape, Class::Oracle, Medium),
    (Trait::Erc20, Class::Token, High),
    (Trait::Erc721, Class::Token, High),
    (Trait::Erc1155, Class::Token, High),
    (Trait::Beacon, Class::AccessControl, Medium),
];

/// Words in a contract's name, for contracts that are what they are by name alone.
const NAMES: &[(&str, Class)] = &[
    ("insurance", Class::InsuranceFund),
    ("safetymodule", Class::InsuranceFund),
    ("treasury", Class::Treasury),
    ("timelock", Class::Timelock),
    ("governor", Class::Governor),
    ("bridge", Class::Bridge),
    ("oracle", Class::Oracle),
    ("pricefeed", Class::Oracle),
    ("router", Class::Router),
    ("factory", Class::Factory),
    ("staking", Class::Staking),
    ("vault", Class::Vault),
    ("pool", Class::Pool),
    ("multisig", Class::Multisig),
    ("token", Class::Token),
    ("accessmanager", Class::AccessControl),
    ("accesscontrol", Class::AccessControl),
];

/// Classes that only a name can tell from the standards they are built on.
const NAME_DECIDES: [Class; 2] = [Class::InsuranceFund, Class::Treasury];

/// What the contract is. `name` is what its source calls it, when there is source.
pub(super) fn conclude(
    name: Option<&str>,
    traits: &[Evidence],
    proxy: Option<&Proxy>,
    functions: usize,
) -> Conclusion {
    let plain: String = name
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let by_name = NAMES.iter().find(|(word, _)| plain.contains(word));
    let shown = name.unwrap_or_default();
    let by_trait = DECISIVE.iter().find_map(|(is, class, confidence)| {
        let evidence = traits.iter().find(|e| e.is == *is)?;
        let why = format!("{is}: {}", evidence.why);
        Some(Conclusion { class: *class, confidence: *confidence, why })
    });
    match (by_name, by_trait) {
        (Some((_, class)), Some(found)) if found.class == *class => {
            let why = format!("{}; and its name is {shown}", found.why);
            Conclusion { confidence: High, why, ..found }
        }
        (Some((_, class)), Some(found)) if NAME_DECIDES.contains(class) => {
            let why = format!("its name is {shown}; it also is {}", found.why);
            Conclusion { class: *class, confidence: Medium, why }
        }
        (_, Some(found)) => found,
        (Some((_, class)), None) => Conclusion {
            class: *class,
            confidence: Low,
            why: format!("its name is {shown}; its interface says nothing else"),
        },
        (None, None) => without_trait(traits, proxy, functions),
    }
}

fn without_trait(traits: &[Evidence], proxy: Option<&Proxy>, functions: usize) -> Conclusion {
    if let Some(control) = traits
        .iter()
        .find(|e| e.is == Trait::AccessControl)
        .filter(|_| functions <= ACCESS_FUNCTIONS_MAX)
    {
        return Conclusion {
            class: Class::AccessControl,
            confidence: Medium,
            why: format!("{}: {} and does little else", control.is, control.why),
        };
    }
    if let Some(proxy) = proxy {
        return Conclusion {
            class: Class::Proxy,
            confidence: Medium,
            why: format!("{}; what is behind it is not known", proxy.kind),
        };
    }
    Conclusion {
        class: Class::Contract,
        confidence: Low,
        why: "it answers to no well-known interface".to_owned(),
    }
}

/// Most functions of a contract that keeps roles and nothing else.
const ACCESS_FUNCTIONS_MAX: usize = 10;
