//! What the creations of a factory are, before there is any.

use std::sync::Arc;

use model::Name;

use crate::{Class, ContractAbi, Deployment, EventAbi, TokenUnit};

/// What every contract is that a factory creates: each becomes a deployment of its own in the block
/// of its creation, named `<prefix>-<number>`, counted from 1.
#[derive(Debug, Clone)]
pub struct ChildTemplate {
    /// First part of the labels.
    pub prefix: Name,
    /// Kind of thing they are.
    pub class: Class,
    /// Their interface.
    pub abi: Arc<ContractAbi>,
    /// Whether `abi` is their own.
    pub abi_known: bool,
    /// How to read their amounts, when they are tokens.
    pub token: Option<TokenUnit>,
    /// How a creation is noticed.
    pub source: ChildSource,
}

/// How the creation of a child is noticed.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildSource {
    /// By the creating call frame; needs traces.
    Frames,
    /// By an event of the factory that tells the child's address; needs only logs.
    Event {
        /// The event.
        event: Arc<EventAbi>,
        /// Which argument is the address.
        argument: usize,
    },
}

impl ChildTemplate {
    /// Longest prefix, in characters: room for the number within a name.
    pub const PREFIX_LEN_MAX: usize = 80;

    /// The label of the child with this number.
    pub fn label(&self, number: u64) -> Name {
        Name::new(&format!("{}-{number}", self.prefix))
            .expect("a prefix of at most 80 characters leaves room for 20 digits")
    }

    /// Whether this label could be a child's.
    pub fn claims(&self, label: &Name) -> bool {
        let rest = label.as_str().strip_prefix(self.prefix.as_str());
        rest.and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|number| number.parse::<u64>().is_ok())
    }

    /// What a child is as a deployment, but for the address, which is that of `factory`: for
    /// compiling what watches children before there is one.
    pub fn prototype(&self, factory: &Deployment) -> Deployment {
        Deployment {
            label: self.prefix.clone(),
            network: factory.network.clone(),
            address: factory.address,
            protocol: factory.protocol.clone(),
            class: self.class,
            abi: self.abi.clone(),
            abi_known: self.abi_known,
            first_block: None,
            value_at_risk: None,
            token: self.token.clone(),
            oracle: None,
        }
    }
}
