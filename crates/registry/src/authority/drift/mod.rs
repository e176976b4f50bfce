//! Observed against declared, both ways.
//!
//! A drift is known by its class, contract, role and account ([`DriftKey`]), so that the same
//! deviation seen again is the same item and grows older. How bad it is follows from what the power
//! is worth, how long the deviation has stood and what kind it is:
//!
//! `points = power (0–10) × factor of the class × (1 + min(age in days / 30, 1))`;
//! critical from 10, high from 6, medium from 3, low from 1, else info.

mod held; //  who holds what, one by one
mod shape; // signatures, delays, paths, networks compared

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use alloy_primitives::Address;
use model::{BlockNumber, Name, Severity, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::{
    Declared, Graph, Mismatch, Observed, Policy, Repair, Role, Step, capabilities, repair::Tools,
};
use crate::{Class, ContractAbi, Registry};

/// Power that nobody used for so long could be given up: ninety days.
pub const UNUSED_AFTER_S_DEFAULT: u64 = 90 * 86_400;

/// Age at which a drift counts double, in days.
const AGED_AFTER_DAYS: f64 = 30.0;

/// Kinds of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DriftClass {
    /// Somebody holds what the policy does not allow.
    Extra,
    /// Somebody does not hold what the policy demands.
    Missing,
    /// More hold a role than the policy allows at a time.
    TooMany,
    /// Fewer signatures are enough than the policy demands.
    Threshold,
    /// A single key can replace code or give roles.
    KeyWithAdmin,
    /// Power that nobody has used for a long time.
    Unused,
    /// Somebody who left still holds power.
    Departed,
    /// Logs and answers of the contract differ.
    Unlogged,
    /// One key holds many roles.
    ManyRoles,
    /// Roles that must be apart are held together.
    NotSeparate,
    /// One principal differs between networks.
    Networks,
    /// A timelock holds calls back for less than the policy demands.
    DelayShort,
    /// Code can be replaced without the delay that the policy demands.
    Bypass,
    /// Nobody has read who holds the roles.
    Unknown,
}

impl DriftClass {
    /// All classes.
    pub const ALL: [Self; 14] = [
        Self::Extra,
        Self::Missing,
        Self::TooMany,
        Self::Threshold,
        Self::KeyWithAdmin,
        Self::Unused,
        Self::Departed,
        Self::Unlogged,
        Self::ManyRoles,
        Self::NotSeparate,
        Self::Networks,
        Self::DelayShort,
        Self::Bypass,
        Self::Unknown,
    ];

    /// The word used in policies, pages and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extra => "extra-principal",
            Self::Missing => "missing-principal",
            Self::TooMany => "too-many-holders",
            Self::Threshold => "threshold-lower",
            Self::KeyWithAdmin => "key-with-admin",
            Self::Unused => "unused-privilege",
            Self::Departed => "departed-member",
            Self::Unlogged => "event-less-change",
            Self::ManyRoles => "many-roles-one-key",
            Self::NotSeparate => "roles-not-separate",
            Self::Networks => "networks-differ",
            Self::DelayShort => "delay-too-short",
            Self::Bypass => "timelock-bypassed",
            Self::Unknown => "holders-unknown",
        }
    }

    /// How much of the power's weight counts at once.
    pub fn factor(self) -> f64 {
        match self {
            Self::Extra | Self::Threshold | Self::Departed | Self::Unlogged => 1.0,
            Self::DelayShort => 0.8,
            Self::Bypass => 0.7,
            Self::KeyWithAdmin | Self::NotSeparate | Self::TooMany => 0.6,
            Self::Networks => 0.5,
            Self::Missing | Self::ManyRoles => 0.4,
            Self::Unused => 0.3,
            Self::Unknown => 0.1,
        }
    }
}

impl fmt::Display for DriftClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DriftClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| {
            let allowed = Self::ALL.map(Self::as_str).join(", ");
            format!("unknown class {text:?} (one of: {allowed})")
        })
    }
}

/// What makes a drift the same drift when it is seen again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DriftKey {
    /// Kind.
    pub class: DriftClass,
    /// Network; for a comparison of networks the one that differs.
    pub network: Name,
    /// Contract.
    pub contract: Address,
    /// Role, when it is about one.
    pub role: Option<Role>,
    /// Account, when it is about one.
    pub account: Option<Address>,
}

/// When a drift was first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeen {
    /// Block, when it began with one.
    pub block: Option<BlockNumber>,
    /// Time.
    pub at: UnixSeconds,
}

/// What is remembered from earlier looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When each drift was first seen.
    pub first_seen: BTreeMap<DriftKey, FirstSeen>,
    /// When an account last called a contract over which it holds power.
    pub used: BTreeMap<(Name, Address, Address), UnixSeconds>,
    /// Since when calls are watched; without, nothing is said to be unused.
    pub watched_since: Option<UnixSeconds>,
}

/// One deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftItem {
    /// What makes it the same when it is seen again.
    pub key: DriftKey,
    /// Deployment, when the contract is one.
    pub deployment: Option<Name>,
    /// One sentence.
    pub title: String,
    /// What the power is worth, from 0 to 10.
    pub power: f64,
    /// How bad it is now.
    pub severity: Severity,
    /// When it was first seen.
    pub since: FirstSeen,
    /// How old it is, in seconds.
    pub age_s: u64,
    /// Why it is accepted, if the policy says so.
    pub accepted: Option<String>,
    /// Unsigned transactions that would end it, in order; none where a person must decide.
    pub repairs: Vec<Repair>,
}

/// How bad a drift of this class, power and age is.
pub fn severity(class: DriftClass, power: f64, age_s: u64) -> Severity {
    let age_days = age_s as f64 / 86_400.0;
    let points = power * class.factor() * (1.0 + (age_days / AGED_AFTER_DAYS).min(1.0));
    match points {
        _ if points >= 10.0 => Severity::Critical,
        _ if points >= 6.0 => Severity::High,
        _ if points >= 3.0 => Severity::Medium,
        _ if points >= 1.0 => Severity::Low,
        _ => Severity::Info,
    }
}

/// Everything that deviates, worst first; what the policy accepts stands at the end. `observed` holds
/// one entry for each network.
pub fn drift(
    observed: &[Observed],
    registry: &Registry,
    declared: &Declared,
    now: UnixSeconds,
    history: &History,
) -> Vec<DriftItem> {
    let Some(policy) = &declared.policy else { return Vec::new() };
    let mut items = Vec::new();
    for one in observed {
        let graph = Graph::new(one, registry, declared);
        let reach = reach(&graph);
        let tools = Tools { observed: one, registry, policy, graph: &graph };
        let mut case = Case {
            observed: one,
            registry,
            declared,
            policy,
            graph: &graph,
            reach: &reach,
            tools,
            now,
            history,
            items: Vec::new(),
        };
        held::judge(&mut case);
        shape::judge(&mut case);
        shape::compare_networks(&mut case, observed);
        items.extend(case.items);
    }
    rank(&mut items);
    items
}

/// Worst first; what is accepted last.
pub fn rank(items: &mut [DriftItem]) {
    items.sort_by(|a, b| {
        let order = |item: &DriftItem| (item.accepted.is_some(), Reverse(item.severity));
        order(a).cmp(&order(b)).then(b.power.total_cmp(&a.power)).then_with(|| a.key.cmp(&b.key))
    });
}

/// The most that each account can do through everything that it controls, from 0 to 10.
fn reach(graph: &Graph) -> BTreeMap<Address, f64> {
    let mut reach: BTreeMap<Address, f64> = BTreeMap::new();
    // Each round carries power one step further; longer chains than this are not followed.
    for _ in 0..super::PATH_STEPS_MAX {
        let before = reach.clone();
        for edge in graph.edges() {
            let is_of_safe = matches!(edge.role, Role::Signer | Role::Module | Role::Guard);
            let own = if is_of_safe { 0.0 } else { edge.grant.weight() };
            let through = before.get(&edge.contract).copied().unwrap_or(0.0);
            let passes_on = edge.grant.weight() >= 10.0 || is_of_safe || is_proposer(&edge.role);
            let best = if passes_on { own.max(through) } else { own };
            let known = reach.entry(edge.holder).or_default();
            *known = known.max(best);
        }
        if reach == before {
            break;
        }
    }
    reach
}

fn is_proposer(role: &Role) -> bool {
    role.access_name() == Some("PROPOSER_ROLE")
}

/// One network under judgement.
struct Case<'a> {
    observed: &'a Observed,
    registry: &'a Registry,
    declared: &'a Declared,
    policy: &'a Policy,
    graph: &'a Graph,
    reach: &'a BTreeMap<Address, f64>,
    tools: Tools<'a>,
    now: UnixSeconds,
    history: &'a History,
    items: Vec<DriftItem>,
}

/// A deviation before its age and severity are known.
struct Found {
    class: DriftClass,
    contract: Address,
    role: Option<Role>,
    account: Option<Address>,
    power: f64,
    /// When it began, where the chain or the policy says so.
    began: Option<FirstSeen>,
    title: String,
    repairs: Vec<Repair>,
}

impl Case<'_> {
    fn network(&self) -> &Name {
        &self.observed.network
    }

    fn name(&self, address: Address) -> String {
        self.graph.name(address)
    }

    /// The policy's own word for an address: a principal's name, else a deployment's label.
    fn word(&self, address: Address) -> Option<Name> {
        let principal = self.policy.principal_at(self.network(), address);
        let deployment = || self.registry.at(self.network(), address).map(|d| d.label.clone());
        principal.map(|p| p.name.clone()).or_else(deployment)
    }

    /// What a role of a contract is worth: by itself, or through what the contract controls.
    fn power(&self, contract: Address, role: &Role) -> f64 {
        let edge = self.graph.over(contract).find(|edge| edge.role == *role);
        let own = edge.map(|edge| edge.grant.weight()).unwrap_or_else(|| {
            let deployment = self.registry.at(self.network(), contract);
            let empty = ContractAbi::default();
            let (class, abi) =
                deployment.map_or((Class::Contract, &empty), |d| (d.class, d.abi.as_ref()));
            let guards = deployment.and_then(|d| self.declared.guards.get(&d.label));
            capabilities(role, class, abi, guards).weight()
        });
        let through = self.reach.get(&contract).copied().unwrap_or(0.0);
        match role {
            // A multisig is worth what it controls, and its members what a stray multisig is.
            Role::Signer | Role::Module | Role::Guard => through.max(2.0),
            _ if own >= 10.0 || is_proposer(role) => own.max(through),
            _ => own,
        }
    }

    fn add(&mut self, found: Found) {
        let Found { class, contract, role, account, power, began, title, repairs } = found;
        let network = self.network().clone();
        let key = DriftKey { class, network, contract, role, account };
        let here = FirstSeen { block: Some(self.observed.at.block), at: self.observed.at.at };
        let since = self.history.first_seen.get(&key).copied().or(began).unwrap_or(here);
        let age_s = self.now.seconds_since(since.at);
        let on = self.word(contract);
        let who = account.and_then(|account| self.word(account));
        let exception = self.policy.accepted(class, on.as_ref(), who.as_ref(), self.now);
        let accepted = exception.map(|exception| exception.reason.clone());
        let severity =
            if accepted.is_some() { Severity::Info } else { severity(class, power, age_s) };
        let deployment = self.registry.at(self.network(), contract).map(|d| d.label.clone());
        self.items.push(DriftItem {
            key,
            deployment,
            title,
            power,
            severity,
            since,
            age_s,
            accepted,
            repairs,
        });
    }

    fn mismatches(&self) -> impl Iterator<Item = (Address, &Mismatch)> {
        let each = |(contract, all)| {
            let all: &Vec<Mismatch> = all;
            let contract: &Address = contract;
            all.iter().map(move |mismatch| (*contract, mismatch))
        };
        self.observed.mismatches.iter().flat_map(each)
    }

    /// Contracts that are judged: those that were observed and those that the policy names.
    fn contracts(&self) -> BTreeSet<Address> {
        let named = self.policy.contracts(self.network(), self.registry);
        self.observed.contracts.keys().copied().chain(named).collect()
    }

    /// Principal's path in words.
    fn path_words(&self, steps: &[Step]) -> String {
        let by = |step: &Step| match self.graph.get(step.by) {
            Some(node) => node.words(),
            None => step.by.to_string(),
        };
        steps.iter().map(by).collect::<Vec<_>>().join(" → ")
    }
}
