//! Who can call what, through what; what it may do to others; and what of it is not as declared.

use model::{Address, Name, UnixSeconds};
use registry::{
    Registry,
    authority::{DriftItem, Graph, Moment, drift, unknown_before},
};

use super::{Known, Party, Unknown};
use crate::authority::{AllWatched, Watched};

/// Ways and roles that a dossier lists each; `bellwether authority show` lists all.
pub const WAYS_LISTED_MAX: usize = 60;

/// Functions that one role lists.
pub(super) const FUNCTIONS_LISTED_MAX: usize = 12;

/// Authority over a contract, and of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// Monitor that remembers it.
    pub monitor: Name,
    /// As of this block.
    pub at: Moment,
    /// Who holds what over it.
    pub roles: Vec<Held>,
    /// What anybody can make happen to it, heaviest first, by the weakest way.
    pub ways: Vec<Way>,
    /// What it holds over others.
    pub holds: Vec<Held>,
    /// How many roles, ways and holds there are beyond those listed.
    pub more: usize,
    /// Block before which holders are unknown, when they are.
    pub unknown_before: Option<u64>,
    /// What is not as the policy says, worst first; `None` without a policy.
    pub drifts: Option<Vec<DriftItem>>,
    /// What the policy accepts.
    pub accepted: Vec<DriftItem>,
}

/// A role of one over another.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The role, as people write it.
    pub role: String,
    /// The other: the holder of a role over it, the contract of a role that it holds.
    pub other: Party,
    /// What stands behind the holder: `key`, `safe`, `timelock`, `proxy-admin` …
    pub kind: &'static str,
    /// The holder in words, with what makes its power hard to use.
    pub words: String,
    /// Since when, if that was seen.
    pub since: Option<Moment>,
    /// What it is good for, heaviest first.
    pub can: Vec<&'static str>,
    /// Functions meant, where they are known.
    pub functions: Vec<String>,
    /// Functions beyond those.
    pub functions_more: usize,
}

/// What somebody can make happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// What.
    pub can: &'static str,
    /// Who begins it.
    pub principal: Party,
    /// From the principal to the contract, in words.
    pub path: String,
    /// Keys that must sign.
    pub signatures: u64,
    /// Delay on the way, in seconds.
    pub delay_s: u64,
}

impl Power {
    pub(super) fn of(
        network: &Name,
        address: Address,
        registry: &Registry,
        all: &AllWatched,
        now: UnixSeconds,
    ) -> Known<Self> {
        let over = all.over(address);
        let Some(watched) = over.or_else(|| all.widest()) else {
            return Known::No(match all.unreadable.first() {
                Some(of) => Unknown::only(format!(
                    "what {} remembers cannot be read: {}",
                    of.monitor, of.why
                )),
                None => Unknown::new(
                    format!("no monitor of {network} follows who holds what"),
                    "a monitor with detector = \"access/authority_drift\"; bellwether authority show asks the chain now",
                ),
            });
        };
        let power = Self::within(network, address, registry, watched, now);
        if over.is_none() && power.holds.is_empty() {
            let why = format!("{} does not watch who holds power over it", watched.monitor);
            return Known::No(Unknown::new(
                why,
                format!("name it in on of monitor {}", watched.monitor),
            ));
        }
        Known::Yes(power)
    }

    fn within(
        network: &Name,
        address: Address,
        registry: &Registry,
        watched: &Watched,
        now: UnixSeconds,
    ) -> Self {
        let (found, declared) = (&watched.remembered, registry.authority());
        let graph = Graph::new(&found.observed, registry, declared);
        let party =
            |address| Party { address, name: graph.get(address).and_then(|n| n.name.clone()) };
        let held = |edge: &registry::authority::Edge, other: Address| {
            let node = graph.get(edge.holder);
            let functions = &edge.grant.functions;
            Held {
                role: edge.role.words(),
                other: party(other),
                kind: node.map_or("unknown", |node| node.kind.as_str()),
                words: node.map_or_else(|| edge.holder.to_string(), |node| node.words()),
                since: edge.since,
                can: edge.grant.capabilities.iter().map(|c| c.as_str()).collect(),
                functions: functions.iter().take(FUNCTIONS_LISTED_MAX).cloned().collect(),
                functions_more: functions.len().saturating_sub(FUNCTIONS_LISTED_MAX),
            }
        };
        let mut roles: Vec<Held> =
            graph.over(address).map(|edge| held(edge, edge.holder)).collect();
        let of_it = graph.edges().iter().filter(|edge| edge.holder == address);
        let mut holds: Vec<Held> = of_it.map(|edge| held(edge, edge.contract)).collect();
        let mut ways: Vec<Way> = graph
            .effective(address)
            .iter()
            .map(|way| Way {
                can: way.capability.as_str(),
                principal: party(way.path.principal),
                path: way.path.words(&graph),
                signatures: way.path.signatures,
                delay_s: way.path.delay_s,
            })
            .collect();
        let mut more = 0;
        let mut bound = |len: usize| {
            more += len.saturating_sub(WAYS_LISTED_MAX);
            len.min(WAYS_LISTED_MAX)
        };
        roles.truncate(bound(roles.len()));
        holds.truncate(bound(holds.len()));
        ways.truncate(bound(ways.len()));
        let observed = std::slice::from_ref(&found.observed);
        let items = drift(observed, registry, declared, now, &found.history);
        let of_it = items.into_iter().filter(|item| item.key.contract == address);
        let (accepted, open): (Vec<_>, Vec<_>) = of_it.partition(|item| item.accepted.is_some());
        let unknown_before = found.observed.contracts.get(&address).and_then(|held| {
            let deployment = registry.at(network, address)?;
            unknown_before(held, &deployment.abi)
        });
        Self {
            monitor: watched.monitor.clone(),
            at: watched.at,
            roles,
            ways,
            holds,
            more,
            unknown_before,
            drifts: declared.policy.is_some().then_some(open),
            accepted,
        }
    }
}
