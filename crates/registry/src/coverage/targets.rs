//! What must be watched.

use std::{collections::BTreeSet, sync::LazyLock};

use alloy_json_abi::StateMutability;
use model::B256;
use rustc_hash::FxHashMap;

use crate::{
    Class, Deployment,
    risk::{self, Indicator},
};

/// What can go wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Threat {
    /// It is called by whom, or with what, it should not be.
    Misuse,
    /// It is called, fails or costs unlike before.
    Anomaly,
    /// Somebody gets power over it.
    Takeover,
    /// How it works changes.
    Change,
    /// Money leaves.
    Drain,
    /// It says nothing any more.
    Silence,
    /// What it says is made up.
    Manipulation,
}

impl Threat {
    /// All threats.
    pub const ALL: [Self; 7] = [
        Self::Misuse,
        Self::Anomaly,
        Self::Takeover,
        Self::Change,
        Self::Drain,
        Self::Silence,
        Self::Manipulation,
    ];

    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Misuse => "misuse",
            Self::Anomaly => "anomaly",
            Self::Takeover => "takeover",
            Self::Change => "change",
            Self::Drain => "drain",
            Self::Silence => "silence",
            Self::Manipulation => "manipulation",
        }
    }
}

/// What kind of thing is to be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A function that may write state.
    Entry([u8; 4]),
    /// Calls that no function is for.
    Fallback,
    /// Ether that comes without calldata.
    Receive,
    /// The contract's own interface is not known: it can be called in ways that nobody listed.
    UnknownCode,
    /// An event that says who may do what.
    Role(B256),
    /// An event that says how it works from now on.
    Setting(B256),
    /// The money it holds.
    Money,
    /// The answers that others rely on.
    Feed,
}

impl TargetKind {
    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entry(_) => "entry",
            Self::Fallback => "fallback",
            Self::Receive => "receive",
            Self::UnknownCode => "unknown_code",
            Self::Role(_) => "role",
            Self::Setting(_) => "setting",
            Self::Money => "money",
            Self::Feed => "dependency",
        }
    }

    /// The threats that apply to it.
    pub fn threats(self) -> &'static [Threat] {
        match self {
            Self::Entry(_) | Self::Fallback => &[Threat::Misuse, Threat::Anomaly],
            Self::Receive | Self::UnknownCode => &[Threat::Misuse],
            Self::Role(_) => &[Threat::Takeover],
            Self::Setting(_) => &[Threat::Change],
            Self::Money => &[Threat::Drain],
            Self::Feed => &[Threat::Silence, Threat::Manipulation],
        }
    }
}

/// Something of one deployment that must be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// What people call it: a signature, `its money`.
    pub name: String,
}

static INDICATORS: LazyLock<FxHashMap<B256, Indicator>> = LazyLock::new(|| {
    let sources = risk::sources().iter();
    sources.filter_map(|source| Some((source.event.topic0?, source.indicator()))).collect()
});

/// What of a deployment must be watched, as far as its interface and its file tell.
pub fn targets(deployment: &Deployment) -> Vec<Target> {
    let abi = &deployment.abi;
    let mut targets = Vec::new();
    let mut add = |kind, name: &str| targets.push(Target { kind, name: name.to_owned() });
    let mut selectors = BTreeSet::new();
    for function in abi.functions() {
        let is_reader =
            matches!(function.mutability, StateMutability::View | StateMutability::Pure);
        if !is_reader && selectors.insert(function.selector) {
            add(TargetKind::Entry(function.selector), &function.signature);
        }
    }
    if abi.has_fallback() {
        add(TargetKind::Fallback, "calls that no function is for");
    }
    if abi.has_receive() {
        add(TargetKind::Receive, "plain ether");
    }
    if !deployment.abi_known {
        add(TargetKind::UnknownCode, "functions that no ABI names");
    }
    let mut topics = BTreeSet::new();
    for event in abi.events() {
        let Some(topic0) = event.topic0.filter(|topic0| topics.insert(*topic0)) else { continue };
        match INDICATORS.get(&topic0) {
            Some(Indicator::RoleChange) => add(TargetKind::Role(topic0), &event.signature),
            Some(Indicator::ParameterUpdate) => add(TargetKind::Setting(topic0), &event.signature),
            // What a feed says is one target, however many events it uses.
            Some(Indicator::OracleLag) | None => {}
        }
    }
    if holds_money(deployment) {
        add(TargetKind::Money, "its money");
    }
    if deployment.class == Class::Oracle || deployment.oracle.is_some() {
        add(TargetKind::Feed, "its answers");
    }
    targets
}

/// Whether contracts of this class hold other people's money.
fn holds_money(deployment: &Deployment) -> bool {
    match deployment.class {
        Class::Vault
        | Class::Pool
        | Class::Bridge
        | Class::InsuranceFund
        | Class::Treasury
        | Class::Staking
        | Class::Multisig => true,
        // A user who states what its loss would cost says that it holds something.
        Class::Contract | Class::Proxy | Class::Router | Class::Factory => {
            deployment.value_at_risk.is_some()
        }
        Class::Token | Class::Oracle | Class::Governor | Class::Timelock | Class::AccessControl => {
            false
        }
    }
}
