//! Principals and what they hold, on one network at one block.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use alloy_primitives::{Address, B256};
use model::{FactValue, Name};
use serde::{Deserialize, Serialize};

use super::{
    Basis, Declared, Grant, Holdings, Mismatch, Moment, Role, capabilities, role::role_name,
};
use crate::{Class, ContractAbi, Deployment, Registry};

/// What stands behind an address that holds power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// One private key.
    Key,
    /// Several keys that sign together.
    Safe,
    /// Holds calls back for a while.
    Timelock,
    /// Turns votes into calls.
    Governor,
    /// Upgrades proxies for its owner.
    ProxyAdmin,
    /// Some other contract.
    Contract,
    /// Nobody has looked yet.
    Unknown,
}

impl PrincipalKind {
    /// Those that a policy may name.
    pub const DECLARABLE: [Self; 6] =
        [Self::Key, Self::Safe, Self::Timelock, Self::Governor, Self::ProxyAdmin, Self::Contract];

    /// The word used in policies and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Safe => "safe",
            Self::Timelock => "timelock",
            Self::Governor => "governor",
            Self::ProxyAdmin => "proxy-admin",
            Self::Contract => "contract",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PrincipalKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::DECLARABLE.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| {
            let allowed = Self::DECLARABLE.map(Self::as_str).join(", ");
            format!("unknown kind {text:?} (one of: {allowed})")
        })
    }
}

/// What is known of one network's authority at one block.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Network.
    pub network: Name,
    /// Its chain, where that is known.
    pub chain_id: Option<u64>,
    /// As of this block.
    pub at: Moment,
    /// Who holds what, by contract.
    pub contracts: BTreeMap<Address, Holdings>,
    /// What was seen to stand at addresses.
    pub kinds: BTreeMap<Address, PrincipalKind>,
    /// Votes that a governor's decision needs, where it says so.
    pub quorums: BTreeMap<Address, u64>,
    /// Where logs and answers differ, by contract.
    pub mismatches: BTreeMap<Address, Vec<Mismatch>>,
}

impl Observed {
    /// Nothing is known yet.
    pub fn new(network: Name, chain_id: Option<u64>, at: Moment) -> Self {
        Self {
            network,
            chain_id,
            at,
            contracts: BTreeMap::new(),
            kinds: BTreeMap::new(),
            quorums: BTreeMap::new(),
            mismatches: BTreeMap::new(),
        }
    }
}

/// Somebody or something that holds power, or over which power is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Address.
    pub address: Address,
    /// What people call it.
    pub name: Option<String>,
    /// What stands behind it.
    pub kind: PrincipalKind,
    /// Signatures needed, and how many could sign.
    pub signatures: Option<(u64, usize)>,
    /// How long it holds calls back, in seconds.
    pub delay_s: Option<u64>,
}

impl Node {
    /// What to call it in a sentence: its name, else its address, with what makes it hard to use.
    pub fn words(&self) -> String {
        let name = self.name.clone().unwrap_or_else(|| self.address.to_string());
        match (self.kind, self.signatures, self.delay_s) {
            // Its signers were not read.
            (PrincipalKind::Safe, Some((needed, 0)), _) => format!("{name} ({needed} must sign)"),
            (PrincipalKind::Safe, Some((needed, of)), _) => format!("{name} ({needed} of {of})"),
            (PrincipalKind::Governor, Some((needed, _)), _) => format!("{name} ({needed} votes)"),
            (PrincipalKind::Timelock, _, Some(delay_s)) => {
                format!("{name} ({})", FactValue::Seconds(delay_s))
            }
            _ => name,
        }
    }
}

/// One account's power over one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who.
    pub holder: Address,
    /// Over what.
    pub contract: Address,
    /// How.
    pub role: Role,
    /// Since when, if that was seen.
    pub since: Option<Moment>,
    /// What it is good for, with all roles that it may give itself.
    pub grant: Grant,
}

/// Who holds what, on one network.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Network.
    pub network: Name,
    nodes: BTreeMap<Address, Node>,
    edges: Vec<Edge>,
    /// Edges by the contract that they are about.
    over: BTreeMap<Address, Vec<usize>>,
}

impl Graph {
    /// Puts together what was observed with what people call and declare things.
    pub fn new(observed: &Observed, registry: &Registry, declared: &Declared) -> Self {
        let network = &observed.network;
        let mut graph = Self {
            network: network.clone(),
            nodes: BTreeMap::new(),
            edges: Vec::new(),
            over: BTreeMap::new(),
        };
        let empty = ContractAbi::default();
        // Who should hold power but does not is named all the same.
        for principal in declared.policy.iter().flat_map(|policy| &policy.principals) {
            if let Some(&address) = principal.addresses.get(network) {
                graph.node(observed, registry, declared, address);
            }
        }
        for deployment in registry.own().map(|(_, d)| d).filter(|d| d.network == *network) {
            graph.node(observed, registry, declared, deployment.address);
        }
        for (&contract, holdings) in &observed.contracts {
            let deployment = registry.at(network, contract);
            let guards = deployment.and_then(|d| declared.guards.get(&d.label));
            let class = deployment.map_or(Class::Contract, |d| d.class);
            let abi = deployment.map_or(&empty, |d| d.abi.as_ref());
            let of = |role: &Role| capabilities(role, class, abi, guards);
            graph.node(observed, registry, declared, contract);
            for (role, holder, since) in holdings.all() {
                graph.node(observed, registry, declared, holder);
                let grant = closed(role, holdings, abi, &of);
                let at = graph.edges.len();
                graph.over.entry(contract).or_default().push(at);
                graph.edges.push(Edge { holder, contract, role: role.clone(), since, grant });
            }
        }
        graph
    }

    fn node(
        &mut self,
        observed: &Observed,
        registry: &Registry,
        declared: &Declared,
        address: Address,
    ) {
        if self.nodes.contains_key(&address) {
            return;
        }
        let network = &observed.network;
        let principal = declared.policy.as_ref().and_then(|p| p.principal_at(network, address));
        let deployment = registry.at(network, address);
        let holdings = observed.contracts.get(&address);
        let seen = observed.kinds.get(&address).copied();
        let kind = kind_of(deployment, holdings, principal.map(|p| p.kind), seen);
        let signers = holdings.map_or(0, |held| held.of(&Role::Signer).count());
        let signatures = match kind {
            PrincipalKind::Safe => {
                let threshold = holdings.and_then(|held| held.threshold);
                let declared = principal.and_then(|p| p.threshold);
                let of = signers.max(principal.and_then(|p| p.owners.as_ref()).map_or(0, Vec::len));
                threshold.or(declared).map(|needed| (needed, of))
            }
            PrincipalKind::Governor => observed.quorums.get(&address).map(|votes| (*votes, 0)),
            _ => None,
        };
        let delay_s = match kind {
            PrincipalKind::Timelock => holdings
                .and_then(|held| held.min_delay_s)
                .or_else(|| principal.and_then(|p| p.min_delay_s)),
            _ => None,
        };
        let name = match principal {
            Some(principal) => Some(principal.name.to_string()),
            None => registry.label(network, address).map(str::to_owned),
        };
        self.nodes.insert(address, Node { address, name, kind, signatures, delay_s });
    }

    /// Somebody or something, if it is in the graph.
    pub fn get(&self, address: Address) -> Option<&Node> {
        self.nodes.get(&address)
    }

    /// All of them, by address.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// All power, by contract.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Power over one contract.
    pub fn over(&self, contract: Address) -> impl Iterator<Item = &Edge> {
        let places = self.over.get(&contract).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| &self.edges[*at])
    }

    /// What to call an address in a sentence.
    pub fn name(&self, address: Address) -> String {
        let named = self.get(address).and_then(|node| node.name.clone());
        named.unwrap_or_else(|| address.to_string())
    }
}

/// What stands behind an address: what was seen there is believed before what was declared, except
/// that seeing code says little about what the code does.
fn kind_of(
    deployment: Option<&Deployment>,
    holdings: Option<&Holdings>,
    declared: Option<PrincipalKind>,
    seen: Option<PrincipalKind>,
) -> PrincipalKind {
    match seen {
        Some(PrincipalKind::Contract | PrincipalKind::Unknown) | None => {}
        Some(kind) => return kind,
    }
    if let Some(kind) = declared.filter(|kind| *kind != PrincipalKind::Key) {
        return kind;
    }
    let by_class = deployment.and_then(|d| match d.class {
        Class::Timelock => Some(PrincipalKind::Timelock),
        Class::Governor => Some(PrincipalKind::Governor),
        Class::Multisig => Some(PrincipalKind::Safe),
        _ => None,
    });
    let by_shape = holdings.and_then(|held| match () {
        () if held.threshold.is_some() => Some(PrincipalKind::Safe),
        () if held.min_delay_s.is_some() => Some(PrincipalKind::Timelock),
        () => None,
    });
    let contract = deployment.map(|_| PrincipalKind::Contract);
    by_class.or(by_shape).or(contract).or(seen).or(declared).unwrap_or(PrincipalKind::Unknown)
}

/// What a role is good for, with all roles that its holders may give themselves.
fn closed(
    role: &Role,
    holdings: &Holdings,
    abi: &ContractAbi,
    of: &impl Fn(&Role) -> Grant,
) -> Grant {
    let mut whole = of(role);
    let Role::Access(first) = role else { return whole };
    let named = abi.functions().filter(|f| f.inputs.is_empty() && f.name.ends_with("_ROLE"));
    let named = named.filter_map(|f| match Role::access(&f.name) {
        Role::Access(id) => Some(id),
        _ => None,
    });
    let held = holdings.holders.keys().filter_map(|role| match role {
        Role::Access(id) => Some(*id),
        _ => None,
    });
    let all: BTreeSet<B256> = named.chain(held).collect();
    let mut given: BTreeSet<B256> = BTreeSet::from([*first]);
    let mut waiting = vec![*first];
    while let Some(admin) = waiting.pop() {
        for role in all.iter().filter(|role| holdings.admin_of(**role) == admin) {
            if given.insert(*role) {
                waiting.push(*role);
                let grant = of(&Role::Access(*role));
                whole.capabilities.extend(grant.capabilities);
                whole.functions.extend(grant.functions);
                whole.capabilities.insert(super::Capability::Administer);
                if role_name(*role).is_none() {
                    whole.basis = whole.basis.min(Basis::Names);
                }
            }
        }
    }
    whole.functions.sort_unstable();
    whole.functions.dedup();
    whole
}
