//! What factories had so far. Each child is one row under its running number, so that the children
//! of a network can be put back in the order in which they came.

use std::sync::Arc;

use model::{Address, B256, BlockBundle, BlockRef, Name};
use registry::{ChildSource, EventAbi, Registry};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{Arrival, Creation, News, Place, Refusal, Unread};
use crate::state::{Key, Kind, StateTable};

/// Most children of one factory that are watched: more than the pairs of the three largest
/// automated market makers' test networks together, and some 60 MB. Further ones are told and make
/// the monitors of that factory blind; they are never dropped in silence.
pub const CHILDREN_MAX: u64 = 200_000;

/// A child of a factory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offspring {
    /// The factory.
    pub factory: Address,
    /// Which of the factory's children it is, counted from 1.
    pub number: u64,
    /// The child.
    pub address: Address,
    /// Block of its creation.
    pub born: BlockRef,
    /// Transaction of its creation.
    pub tx: B256,
}

/// How many there are: of one factory, or of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Children so far.
    pub count: u64,
}

impl Offspring {
    /// Key of the network's child with this running number, counted from 0.
    pub(crate) fn key(running: u64) -> Key {
        Key::new(Kind::Offspring).with(&running.to_be_bytes())
    }
}

impl Census {
    /// Key of the network's count.
    pub(crate) fn of_all() -> Key {
        Key::new(Kind::Census)
    }

    /// Key of one factory's count.
    pub(crate) fn of(factory: Address) -> Key {
        Key::new(Kind::Census).address(factory)
    }
}

/// Lays a remembered child over what is declared. One whose factory is declared no longer, or that
/// is declared itself by now, is left out.
pub(crate) fn overlay(known: &mut Registry, network: &Name, child: &Offspring) -> Option<u32> {
    let factory = known.index_at(network, child.factory)?;
    known.adopt(factory, child.number, child.address, child.born.number)
}

/// Finds the children that a block brings, remembers them, and lays them over what is known.
pub(crate) fn adopt(
    bundle: &BlockBundle,
    creations: Vec<Creation>,
    known: &mut Registry,
    guarded: &mut FxHashMap<Address, u32>,
    memory: &mut StateTable,
) -> News {
    let (mut seen, unread) = seen(bundle, &creations, known, guarded);
    seen.sort_unstable_by_key(|seen| seen.place);
    let mut news = News { creations, unread, ..News::default() };
    for Seen { factory, address, place } in seen {
        // A planned or declared contract is guarded by its own entry; a child is created once.
        if guarded.contains_key(&address) {
            continue;
        }
        let parent = known.deployment(factory).address;
        let of_factory = Census::of(parent);
        let so_far = memory.get::<Census>(&of_factory).map_or(0, |census| census.count);
        if so_far >= CHILDREN_MAX {
            news.refused.push(Refusal { factory, address, place });
            continue;
        }
        let number = so_far + 1;
        let Some(child) = known.adopt(factory, number, address, bundle.header.number) else {
            continue;
        };
        let running = memory.get::<Census>(&Census::of_all()).map_or(0, |census| census.count);
        memory.entry(of_factory, Census::default).count = number;
        memory.entry(Census::of_all(), Census::default).count = running + 1;
        let tx = match place {
            Place::Frame { tx, .. } | Place::Log { tx, .. } => tx,
            Place::State => unreachable!("children are seen in frames and logs"),
        };
        let tx = bundle.transactions[tx as usize].hash;
        let born = bundle.block_ref();
        memory.entry(Offspring::key(running), || Offspring {
            factory: parent,
            number,
            address,
            born,
            tx,
        });
        guarded.insert(address, child);
        news.arrivals.push(Arrival { child, factory, place });
    }
    news
}

struct Seen {
    factory: u32,
    address: Address,
    place: Place,
}

fn seen(
    bundle: &BlockBundle,
    creations: &[Creation],
    known: &Registry,
    guarded: &FxHashMap<Address, u32>,
) -> (Vec<Seen>, Vec<Unread>) {
    let source_of = |address: &Address| {
        let factory = *guarded.get(address)?;
        Some((factory, &known.template(factory)?.source))
    };
    let by_frame = creations.iter().filter_map(|creation| match source_of(&creation.creator)? {
        (factory, ChildSource::Frames) => Some(Seen {
            factory,
            address: creation.address,
            place: Place::Frame { tx: creation.tx, index: creation.frame },
        }),
        (_, ChildSource::Event { .. }) => None,
    });
    let mut seen: Vec<Seen> = by_frame.collect();
    let mut unread = Vec::new();
    if !known.factories().is_empty() {
        for (tx, transaction) in (0u32..).zip(&bundle.transactions) {
            for (ordinal, log) in (0u32..).zip(&transaction.logs) {
                let Some((factory, ChildSource::Event { event, argument })) =
                    source_of(&log.address)
                else {
                    continue;
                };
                if log.topic0() != event.topic0 {
                    continue;
                }
                match told(event, *argument, log) {
                    Ok(address) => {
                        seen.push(Seen { factory, address, place: Place::Log { tx, ordinal } });
                    }
                    Err(why) => unread.push(Unread { factory, why }),
                }
            }
        }
    }
    (seen, unread)
}

/// The address that a log of the factory's event tells.
fn told(event: &Arc<EventAbi>, argument: usize, log: &model::Log) -> Result<Address, String> {
    let decoded = event.decode(log).map_err(|error| error.to_string())?;
    let address = decoded.args.get(argument).and_then(|argument| argument.as_address());
    address.ok_or_else(|| format!("argument {argument} of {} is no address", event.name))
}
