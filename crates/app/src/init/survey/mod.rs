//! From one address to everything that belongs to it.
//!
//! A survey begins at addresses that somebody named and goes on to what they run, who controls
//! them, what they use, and what else came from the same hands, until nothing new appears or its
//! bounds are reached. It asks a node and changes nothing. What is ours is looked at whole; what
//! we only depend on is recognised and left at that.

mod authority; // who may do what: read, confirmed, asked for
mod holders; //   holders of power, out of events and answers
mod logs; //      events over long ranges, in pieces as large as the node gives
mod node; //      asking the node
mod origin; //    where contracts come from, and what else came from there
mod walk; //      from address to address

use std::fmt;

use model::{Address, BlockNumber, Secret};
use registry::{
    Class,
    recognise::{Recognition, Trait},
};

use super::Artefacts;
use crate::terminal::Progress;
pub use holders::{Holder, HolderKind};

/// Steps from the given addresses that are taken.
const DEPTH_MAX: usize = 5;
/// Contracts that one survey looks at.
const CONTRACTS_MAX: usize = 96;
/// Addresses that are asked for membership of one contract.
const CANDIDATES_MAX: usize = 256;

/// Whether a contract is the team's to guard, or something it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Used by what is ours: named by it, or in its code.
    Dependency,
    /// Named by the team, from the same hands, or in control of what is ours.
    Ours,
}

/// How an address came to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Somebody named it.
    Given,
    /// Its code runs at another address.
    RunsAt(Address),
    /// It may do something at another address.
    Holds {
        /// What.
        role: String,
        /// Where.
        of: Address,
    },
    /// The account that created what is ours created it as well.
    SameCreator(Address),
    /// Another contract names it.
    Named {
        /// The function that does.
        getter: String,
        /// Whose.
        by: Address,
    },
    /// It is a constant in another contract's code.
    InCodeOf(Address),
}

/// Getters that name parts of the protocol, whoever created them.
const PARTS: [&str; 8] = [
    "timelock",
    "insuranceFund",
    "insurance",
    "safetyModule",
    "treasury",
    "reserve",
    "vault",
    "strategy",
];

impl Reason {
    /// What it makes of the address.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Named { getter, .. } if PARTS.contains(&getter.as_str()) => Standing::Ours,
            Self::Named { .. } | Self::InCodeOf(_) => Standing::Dependency,
            _ => Standing::Ours,
        }
    }
}

/// A contract that a survey found.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// Where.
    pub address: Address,
    /// Whose.
    pub standing: Standing,
    /// How it came to be looked at, first reason first.
    pub reasons: Vec<Reason>,
    /// What it is.
    pub recognition: Recognition,
    /// What its source calls it, when an artefact matches its code.
    pub name: Option<String>,
    /// Whether its whole interface is known from artefacts.
    pub abi_known: bool,
    /// The block that created it.
    pub created_in: Option<BlockNumber>,
    /// The account whose transaction created it.
    pub created_by: Option<Address>,
    /// Who may do what.
    pub holders: Vec<Holder>,
}

impl Surveyed {
    /// What to call it: as its source does, or by what it is.
    pub fn usual_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let recognition = &self.recognition;
        let by_trait = [
            (Trait::UniswapV2Pair, "pair"),
            (Trait::PairShape, "pair"),
            (Trait::Erc3156, "flash-lender"),
            (Trait::AaveV2Pool, "lending-pool"),
            (Trait::AaveV3Pool, "lending-pool"),
            (Trait::CompoundV2Market, "market"),
            (Trait::CompoundV3Market, "market"),
            (Trait::CompoundV2Comptroller, "comptroller"),
            (Trait::ProxyAdmin, "proxy-admin"),
            (Trait::Beacon, "beacon"),
        ];
        let symbol = recognition.token.as_ref().map(|token| {
            token.symbol.chars().filter(char::is_ascii_alphanumeric).take(16).collect::<String>()
        });
        match recognition.class.class {
            Class::Token => match symbol.filter(|symbol| !symbol.is_empty()) {
                Some(symbol) => format!("{}-token", symbol.to_ascii_lowercase()),
                None => "token".to_owned(),
            },
            Class::Contract | Class::Proxy => {
                let address = format!("{:#x}", self.address);
                format!("{}-{}", recognition.class.class, &address[2..8])
            }
            class => {
                let by_trait = by_trait.iter().find(|(is, _)| recognition.is(*is));
                let is_pool = matches!(class, Class::Pool | Class::AccessControl);
                by_trait.filter(|_| is_pool).map_or(class.as_str(), |(_, name)| name).to_owned()
            }
        }
    }
}

/// Everything that a survey found.
#[derive(Debug)]
pub struct Survey {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Its newest block at the beginning.
    pub head: BlockNumber,
    /// Contracts, in the order in which they were found, what is ours first.
    pub contracts: Vec<Surveyed>,
    /// What could not be found out, in words.
    pub gaps: Vec<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("you named it"),
            Self::RunsAt(of) => write!(f, "its code runs at {of}"),
            Self::Holds { role, of } => write!(f, "it holds {role} of {of}"),
            Self::SameCreator(account) => write!(f, "created by {account}, as what you named"),
            Self::Named { getter, by } => write!(f, "{by} names it in {getter}()"),
            Self::InCodeOf(of) => write!(f, "it is in the code of {of}"),
        }
    }
}

/// Looks at everything that belongs to these addresses. Progress is shown on a terminal.
///
/// # Errors
/// When the node cannot be asked at all, or one of the addresses is no contract.
pub async fn survey(
    rpc: &Secret<String>,
    addresses: &[Address],
    artefacts: &Artefacts,
) -> anyhow::Result<Survey> {
    let node = node::Node::open(rpc).await?;
    walk::Walk::new(&node, artefacts, Progress::new()).run(addresses).await
}
