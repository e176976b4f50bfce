//! What became of each deployment: contracts that a block creates, children that factories have,
//! and the life and lineage of everything guarded.
//!
//! This is kept for every deployment whether or not a monitor asks for it, because it decides what
//! the monitors look at: a child is guarded from the transaction on that creates it. All of it lives
//! in the state table and is undone with its block.

mod children; //  what factories had so far
mod creations; // what one block created
mod record; //    the life and lineage of one deployment
mod tell; //      what one block says about lives and lineages

use model::{Address, Name, StateEntry};
use registry::{Registry, lifecycle::Move, lineage::FacetDiff};

pub use children::{CHILDREN_MAX, Census, Offspring};
pub(crate) use children::{adopt, overlay};
pub use creations::Creation;
pub use record::{Chronicle, MOVES_MAX, OwnCode, PendingUpgrade};
pub(crate) use tell::{Scene, tell};

use crate::state::{Kind, StateTable, Value};

/// What one block changed about deployments, found out before anything is judged.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Contracts that it created, in block order.
    pub creations: Vec<Creation>,
    /// Children that it brought.
    pub arrivals: Vec<Arrival>,
    /// Children beyond [`CHILDREN_MAX`]: they are not watched.
    pub refused: Vec<Refusal>,
    /// Events of factories that should tell a child and cannot be read.
    pub unread: Vec<Unread>,
    /// Deployments that are in another stage of their life now.
    pub moves: Vec<Moved>,
    /// Diamonds whose functions are answered by other facets now.
    pub cuts: Vec<Cut>,
}

/// A diamond whose functions changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where in the block its event is.
    pub place: Place,
    /// What changed.
    pub diff: FacetDiff,
}

/// A child that is guarded from this block on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Number of its deployment.
    pub child: u32,
    /// Number of the factory's deployment.
    pub factory: u32,
    /// Where it was noticed.
    pub place: Place,
}

/// A child that a factory with too many of them has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the factory's deployment.
    pub factory: u32,
    /// The child.
    pub address: Address,
    /// Where it was noticed.
    pub place: Place,
}

/// An event by which a factory tells of a child that nobody can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Number of the factory's deployment.
    pub factory: u32,
    /// Why it cannot be read.
    pub why: String,
}

/// Where in a block something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A call frame.
    Frame {
        /// Position of the transaction in the block.
        tx: u32,
        /// Pre-order index; 0 without traces.
        index: u32,
    },
    /// A log.
    Log {
        /// Position of the transaction in the block.
        tx: u32,
        /// Position among the transaction's logs.
        ordinal: u32,
    },
    /// The state after the block.
    State,
}

/// A deployment that is in another stage of its life now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Number of the deployment.
    pub deployment: u32,
    /// From where to where, and why.
    pub change: Move,
    /// Where in the block the cause is.
    pub place: Place,
}

/// Kinds of state that [`chronicles`] and [`with_children`] read, as the bounds of their keys.
pub const REMEMBERED_KEYS: (&[u8], &[u8]) =
    (&[Kind::Offspring as u8], &[Kind::Chronicle as u8 + 1]);

/// Keys of all chronicles among a network's stored state: the first, and the first after them.
pub const CHRONICLE_KEYS: (&[u8], &[u8]) = (&[Kind::Chronicle as u8], &[Kind::Chronicle as u8 + 1]);

/// Keys of one deployment's chronicle, as [`CHRONICLE_KEYS`].
pub fn keys_of(address: Address) -> (Vec<u8>, Vec<u8>) {
    let first = Chronicle::key(address).as_bytes().to_vec();
    let after = [first.as_slice(), &[0]].concat();
    (first, after)
}

/// The chronicles among a network's stored state, by address. Rows that this version cannot read are
/// left out; restoring the engine reports them.
pub fn chronicles(entries: &[StateEntry]) -> Vec<(Address, Chronicle)> {
    decoded(entries, Kind::Chronicle)
        .filter_map(|(key, value)| match value {
            Value::Chronicle(chronicle) => {
                Some((Address::try_from(key.get(1..21)?).ok()?, chronicle.as_ref().clone()))
            }
            _ => None,
        })
        .collect()
}

/// What is declared, with the children of a network laid over it as its stored state knows them.
pub fn with_children(registry: &Registry, network: &Name, entries: &[StateEntry]) -> Registry {
    let mut known = registry.clone();
    let mut children: Vec<(Vec<u8>, Offspring)> = decoded(entries, Kind::Offspring)
        .filter_map(|(key, value)| match value {
            Value::Offspring(child) => Some((key, child.as_ref().clone())),
            _ => None,
        })
        .collect();
    children.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (_, child) in children {
        overlay(&mut known, network, &child);
    }
    known
}

fn decoded(entries: &[StateEntry], kind: Kind) -> impl Iterator<Item = (Vec<u8>, Value)> {
    entries.iter().filter(move |entry| entry.key.first() == Some(&(kind as u8))).filter_map(|e| {
        let key = crate::state::Key::from_bytes(&e.key)?;
        Some((e.key.clone(), Value::decode(&key, e.value.as_deref()?).ok()?))
    })
}

/// What is remembered of a deployment.
pub fn of(memory: &StateTable, address: Address) -> Option<&Chronicle> {
    memory.get(&Chronicle::key(address))
}
