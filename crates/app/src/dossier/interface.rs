//! What a contract can be asked and can say, each with who watches it.

use alloy_json_abi::StateMutability;
use detect::{MonitorSpec, RuleSpec, Subject};
use model::{B256, Name};
use registry::{Deployment, risk};

/// Functions and events of a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Whether the ABI is the contract's own, or only a class's standard one.
    pub is_known: bool,
    /// Functions that can change its state, by name.
    pub entries: Vec<Entry>,
    /// How many functions only read.
    pub views: usize,
    /// Events, by name.
    pub events: Vec<EventEntry>,
}

/// A function that can change state: what can be done to the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `redeem(uint256)`.
    pub signature: String,
    /// First four bytes of its calldata.
    pub selector: [u8; 4],
    /// Whether native value may come with the call.
    pub is_payable: bool,
    /// Monitors with an expression over calls of this very function.
    pub monitors: Vec<Name>,
}

/// An event: what the contract says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventEntry {
    /// `Redeemed(address,uint256)`.
    pub signature: String,
    /// First topic; `None` when it is anonymous.
    pub topic0: Option<B256>,
    /// The standard whose risk event it is, such as `OpenZeppelin AccessControl`, if it is one of
    /// those that detectors understand.
    pub risk_of: Option<&'static str>,
    /// Monitors with an expression over this very event.
    pub monitors: Vec<Name>,
}

impl Interface {
    /// Of a deployment; empty for an address that nobody declared.
    pub fn of(
        deployment: Option<&Deployment>,
        monitors: &[MonitorSpec],
        factory: Option<&Name>,
    ) -> Self {
        let Some(deployment) = deployment else { return Self::default() };
        let abi = &deployment.abi;
        let on_it = |monitor: &&MonitorSpec| super::watching::is_on(monitor, deployment, factory);
        let expressions: Vec<(&Name, &Subject)> = monitors
            .iter()
            .filter(on_it)
            .filter_map(|monitor| match &monitor.rule {
                RuleSpec::Expression { subject, .. } => Some((&monitor.name, subject)),
                RuleSpec::Detector { .. } => None,
            })
            .collect();
        let names = |is_meant: &dyn Fn(&Subject) -> bool| -> Vec<Name> {
            let meant = expressions.iter().filter(|(_, subject)| is_meant(subject));
            meant.map(|(name, _)| (*name).clone()).collect()
        };
        let changes = |mutability: StateMutability| {
            matches!(mutability, StateMutability::NonPayable | StateMutability::Payable)
        };
        let mut entries: Vec<Entry> = abi
            .functions()
            .filter(|function| changes(function.mutability))
            .map(|function| Entry {
                signature: function.signature.clone(),
                selector: function.selector,
                is_payable: function.mutability == StateMutability::Payable,
                monitors: names(&|subject| {
                    let Subject::Call(text) = subject else { return false };
                    abi.find_function(text).is_ok_and(|found| found.selector == function.selector)
                }),
            })
            .collect();
        entries.sort_by(|a, b| a.signature.cmp(&b.signature));
        let mut events: Vec<EventEntry> = abi
            .events()
            .map(|event| EventEntry {
                signature: event.signature.clone(),
                topic0: event.topic0,
                risk_of: event.topic0.and_then(risk_of),
                monitors: names(&|subject| {
                    let Subject::Event(text) = subject else { return false };
                    abi.find_event(text).is_ok_and(|found| found.signature == event.signature)
                }),
            })
            .collect();
        events.sort_by(|a, b| a.signature.cmp(&b.signature));
        let views = abi.functions().filter(|function| !changes(function.mutability)).count();
        Self { is_known: deployment.abi_known, entries, views, events }
    }
}

fn risk_of(topic0: B256) -> Option<&'static str> {
    let source = risk::sources().iter().find(|source| source.event.topic0 == Some(topic0))?;
    Some(source.family)
}
