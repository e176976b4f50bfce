//! What a contract is, as far as is known.

use alloy_primitives::{Address, B256};

use super::{Conclusion, Evidence, Interface, Trait, class, traits};
use crate::{
    ContractAbi,
    proxy::{Proxy, Safe},
};

/// An address that a contract names when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Getter {
    /// Name of the function, or its selector in hex.
    pub name: String,
    /// Its selector.
    pub selector: [u8; 4],
    /// What it answered; never the zero address.
    pub target: Address,
}

/// A role with those who can be listed as its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMembers {
    /// Id of the role.
    pub role: B256,
    /// Its members, as the contract lists them.
    pub members: Vec<Address>,
    /// Whether that is all of them.
    pub is_whole: bool,
}

/// How a token's amounts are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// Its symbol. Untrusted text of the contract.
    pub symbol: String,
    /// Digits after the point.
    pub decimals: u8,
}

/// What a contract is.
#[derive(Debug, Clone)]
pub struct Recognition {
    /// Its class, with the reason.
    pub class: Conclusion,
    /// Everything it is or can do, with the evidence.
    pub traits: Vec<Evidence>,
    /// Which kind of proxy it is.
    pub proxy: Option<Proxy>,
    /// Whether it was known by its bytecode alone.
    pub unverified: bool,
    /// What it answers and emits; of a proxy, with what stands behind it.
    pub interface: Interface,
    /// Hash of its own code; `None` when the code is not known.
    pub code_hash: Option<B256>,
    /// Addresses it names.
    pub getters: Vec<Getter>,
    /// Addresses that are constants of its code.
    pub constants: Vec<Address>,
    /// Roles it has constants for, by name.
    pub roles: Vec<(String, B256)>,
    /// Roles whose members it lists.
    pub members: Vec<RoleMembers>,
    /// Who stands behind it, when it is a Safe.
    pub safe: Option<Safe>,
    /// Seconds that it holds calls back, when it is a timelock.
    pub delay_s: Option<u64>,
    /// How to read its amounts, when it is a token.
    pub token: Option<TokenFacts>,
    /// Digits of its answers after the point, when it is a feed.
    pub feed_decimals: Option<u8>,
    /// What it says of itself, when it is a feed. Untrusted text of the contract.
    pub description: Option<String>,
    /// Seconds between two answers that it promises, when it says so.
    pub heartbeat_s: Option<u64>,
    /// Whether its code can destroy itself.
    pub can_destroy_itself: bool,
    /// What the node did not answer: nothing may be concluded from its absence.
    pub unanswered: Vec<String>,
}

impl Recognition {
    /// Whether it has the trait.
    pub fn is(&self, wanted: Trait) -> bool {
        self.traits.iter().any(|e| e.is == wanted)
    }

    /// What the getter of this name answered.
    pub fn getter(&self, name: &str) -> Option<Address> {
        self.getters.iter().find(|g| g.name == name).map(|g| g.target)
    }
}

/// What an ABI alone shows. `name` is what the source calls the contract.
pub fn by_abi(name: Option<&str>, abi: &ContractAbi) -> Recognition {
    let interface = Interface::of_abi(abi);
    let traits = traits::of_interface(&interface);
    let class = class::conclude(name, &traits, None, interface.functions().len());
    Recognition {
        class,
        traits,
        proxy: None,
        unverified: false,
        interface,
        code_hash: None,
        getters: Vec::new(),
        constants: Vec::new(),
        roles: Vec::new(),
        members: Vec::new(),
        safe: None,
        delay_s: None,
        token: None,
        feed_decimals: None,
        description: None,
        heartbeat_s: None,
        can_destroy_itself: false,
        unanswered: Vec::new(),
    }
}
