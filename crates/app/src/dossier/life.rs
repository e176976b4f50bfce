//! Where in its life a contract is, and what it was before.

use std::collections::BTreeMap;

use detect::chronicle::{self, Chronicle};
use model::{Address, B256, Name, StateEntry};
use registry::{
    Deployment, Registry,
    gap::{Clearance, gap},
    lifecycle::{Move, Stage},
    lineage::{Delegate, Since},
};

use super::Party;

/// Children of a factory that a dossier lists, newest first; the API lists no more either.
pub const CHILDREN_LISTED_MAX: usize = 20;

/// Deployments with the same code that a dossier names.
const CLONES_LISTED_MAX: usize = 20;

/// Where in its life a contract is, and what it was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// Stage, as of the newest judged block.
    pub stage: Stage,
    /// Block of the move into it; `None` when it was in it when it was first judged.
    pub stage_since: Option<u64>,
    /// How it came there, oldest first.
    pub moves: Vec<Since<Move>>,
    /// First block that was judged in its name.
    pub known_since: Option<u64>,
    /// How the time before that stands: `no-gap`, `gap-open`, `gap-unknown` or `gap-cleared`.
    pub gap: &'static str,
    /// Blocks of the gap, when it is open and known.
    pub gap_blocks: Option<(u64, Option<u64>)>,
    /// Who created it, when that was seen.
    pub creator: Option<Creator>,
    /// The factory that it came from, and its number there.
    pub factory: Option<(Name, u64)>,
    /// Its children, when it is a factory.
    pub children: Option<Children>,
    /// Codes it had, newest first; a hash of `None` is no code.
    pub codes: Vec<Since<Option<B256>>>,
    /// What it delegated to, newest first.
    pub delegates: Vec<Delegated>,
    /// Older codes and delegates that were dropped.
    pub dropped: u64,
    /// Facets with the number of functions that each answers, when it is a diamond.
    pub facets: Vec<(Party, usize)>,
    /// Other deployments with the same code.
    pub clones: Vec<Name>,
    /// How many more there are than [`Life::clones`] names.
    pub clones_more: usize,
}

/// Who created a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creator {
    /// The account or contract.
    pub by: Party,
    /// Who sent the transaction.
    pub sender: Party,
    /// The transaction.
    pub tx: B256,
    /// Its block.
    pub block: u64,
}

/// What a proxy delegated to from a block on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegated {
    /// `implementation` or `beacon`.
    pub kind: &'static str,
    /// To whom.
    pub to: Party,
    /// From this block on.
    pub block: u64,
}

/// The children of a factory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    /// How many there are.
    pub count: usize,
    /// The newest, newest first.
    pub newest: Vec<(Name, Address)>,
}

/// What the store remembers of the lives on one network.
#[derive(Debug)]
pub(super) struct Lives {
    /// What is declared, with the children of factories.
    pub(super) registry: Registry,
    pub(super) chronicles: BTreeMap<Address, Chronicle>,
}

impl Lives {
    pub(super) fn read(registry: &Registry, network: &Name, entries: &[StateEntry]) -> Self {
        Self {
            registry: chronicle::with_children(registry, network, entries),
            chronicles: chronicle::chronicles(entries).into_iter().collect(),
        }
    }

    /// The factory of a child.
    pub(super) fn factory(&self, deployment: &Deployment) -> Option<(Name, u64)> {
        let index = self.registry.index_at(&deployment.network, deployment.address)?;
        let child = self.registry.child(index)?;
        Some((self.registry.deployment(child.factory).label.clone(), child.number))
    }

    pub(super) fn of(&self, deployment: &Deployment, clearances: &[Clearance]) -> Option<Life> {
        let chronicle = self.chronicles.get(&deployment.address)?;
        let (network, lineage) = (&deployment.network, &chronicle.lineage);
        let party = |address| Party::new(&self.registry, network, address);
        let born = lineage.birth.map(|birth| birth.block.number);
        let known_since = chronicle.watched_since.map(|block| block.number);
        let index = self.registry.index_of(&deployment.label);
        let is_armed = born.is_none()
            && deployment.first_block.is_none()
            && index.is_some_and(|index| self.registry.planned(index).is_some());
        let first_block = deployment.first_block.or(born);
        // What does not exist yet has nothing behind it.
        let gap = match is_armed {
            true => registry::gap::Gap::None,
            false => gap(deployment, first_block, known_since, clearances),
        };
        let delegates = lineage.delegates.iter().rev().map(|since| {
            let (kind, to) = match since.what {
                Delegate::Implementation(to) => ("implementation", to),
                Delegate::Beacon(to) => ("beacon", to),
            };
            Delegated { kind, to: party(to), block: since.block.number }
        });
        let mut facets: BTreeMap<Address, usize> = BTreeMap::new();
        for facet in lineage.facets.values() {
            *facets.entry(*facet).or_default() += 1;
        }
        let mut clones = self.clones(deployment, lineage.code.now().flatten());
        let clones_more = clones.len().saturating_sub(CLONES_LISTED_MAX);
        clones.truncate(CLONES_LISTED_MAX);
        Some(Life {
            stage: chronicle.life.stage(),
            stage_since: chronicle.moves.back().map(|since| since.block.number),
            moves: chronicle.moves.iter().copied().collect(),
            known_since,
            gap: gap.as_str(),
            gap_blocks: match gap {
                registry::gap::Gap::Open { from, to } => Some((from, to)),
                _ => None,
            },
            creator: lineage.birth.map(|birth| Creator {
                by: party(birth.creator),
                sender: party(birth.sender),
                tx: birth.tx,
                block: birth.block.number,
            }),
            factory: self.factory(deployment),
            children: index.and_then(|index| self.children(index)),
            codes: lineage.code.iter().rev().copied().collect(),
            delegates: delegates.collect(),
            dropped: lineage.code.dropped() + lineage.delegates.dropped(),
            facets: facets.into_iter().map(|(facet, count)| (party(facet), count)).collect(),
            clones,
            clones_more,
        })
    }

    fn children(&self, factory: u32) -> Option<Children> {
        self.registry.template(factory)?;
        let of_it = || self.registry.children().iter().filter(|child| child.factory == factory);
        let newest = of_it().rev().take(CHILDREN_LISTED_MAX);
        let newest = newest.map(|c| (c.deployment.label.clone(), c.deployment.address)).collect();
        Some(Children { count: of_it().count(), newest })
    }

    fn clones(&self, deployment: &Deployment, code: Option<B256>) -> Vec<Name> {
        let Some(code) = code else { return Vec::new() };
        let same = self.chronicles.iter().filter(|(address, other)| {
            **address != deployment.address && other.lineage.code.now() == Some(Some(code))
        });
        let named = same.filter_map(|(address, _)| self.registry.at(&deployment.network, *address));
        named.map(|other| other.label.clone()).collect()
    }
}
