//! What is at stake with each dependency: balances and prices, read now and then.
//!
//! The readings are those of [`registry::dependencies::Declared::readings`], each made once in
//! [`READ_EVERY_BLOCKS`] blocks, spread evenly. What a reading told last is remembered with its
//! block, so that a finding can say how old its money is.

use std::num::NonZeroU32;

use alloy_primitives::U256;
use model::{BlockBundle, BlockNumber, Name, PlannedRead};
use registry::{
    Registry,
    dependencies::{Dependency, Exposure, Reading},
};
use serde::{Deserialize, Serialize};

use crate::state::{Key, Kind, StateTable};

/// How often balances and prices are read: five minutes of mainnet, fifty seconds of a chain with
/// two-second blocks.
pub const READ_EVERY_BLOCKS: NonZeroU32 = NonZeroU32::new(25).expect("25 is not zero");

/// What a reading told last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stake {
    value: U256,
    /// The block after which it was so.
    at: BlockNumber,
}

/// Things that fall due once in so many blocks, found without looking at those that do not: a block
/// costs what is due in it.
#[derive(Debug)]
pub(crate) struct Schedule<T> {
    every: NonZeroU32,
    by_phase: Vec<Vec<T>>,
}

impl<T> Schedule<T> {
    /// Each thing with the read that tells when it is due.
    pub(crate) fn new(
        every: NonZeroU32,
        things: impl IntoIterator<Item = (PlannedRead, T)>,
    ) -> Self {
        let mut by_phase: Vec<Vec<T>> = Vec::new();
        by_phase.resize_with(every.get() as usize, Vec::new);
        for (read, thing) in things {
            by_phase[read.phase() as usize].push(thing);
        }
        Self { every, by_phase }
    }

    /// What is due after a block.
    pub(crate) fn due(&self, number: BlockNumber) -> &[T] {
        &self.by_phase[(number % u64::from(self.every.get())) as usize]
    }
}

/// The readings of one network.
#[derive(Debug)]
pub(crate) struct Stakes {
    readings: Vec<Reading>,
    schedule: Schedule<Reading>,
}

impl Stakes {
    /// Everything that has to be read on a network; nothing when nobody wants it.
    pub(crate) fn new(registry: &Registry, network: &Name, is_wanted: bool) -> Self {
        let readings = match is_wanted {
            true => registry.dependencies().readings(network, registry),
            false => Vec::new(),
        };
        let planned = readings.iter().map(|reading| (plan(reading), *reading));
        let schedule = Schedule::new(READ_EVERY_BLOCKS, planned);
        Self { readings, schedule }
    }

    /// What to ask of the node.
    pub(crate) fn reads(&self) -> impl Iterator<Item = PlannedRead> {
        self.readings.iter().map(plan)
    }

    /// Remembers what was due in a block and answered.
    pub(crate) fn take(&self, bundle: &BlockBundle, memory: &mut StateTable) {
        let number = bundle.header.number;
        for reading in self.schedule.due(number) {
            let model::ReadRequest::Call { to, input } = reading.request() else { continue };
            let Some(Ok(answer)) = bundle.read(to, &input) else { continue };
            if let Some(value) = reading.value(answer) {
                *memory.entry(key(reading), Stake::default) = Stake { value, at: number };
            }
        }
    }
}

fn plan(reading: &Reading) -> PlannedRead {
    reading.request().every(READ_EVERY_BLOCKS)
}

fn key(reading: &Reading) -> Key {
    match reading {
        Reading::Held { token, holder } => {
            Key::new(Kind::Stake).with(&[0]).address(*token).address(*holder)
        }
        Reading::Price { feed, .. } => Key::new(Kind::Stake).with(&[1]).address(*feed),
    }
}

/// What would be lost with a dependency, its share of everything that is locked, and the block of
/// the oldest reading that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtStake {
    pub(crate) exposure: Exposure,
    pub(crate) share: Option<f64>,
    pub(crate) oldest: Option<BlockNumber>,
}

/// What is at stake with a dependency, as far as it was read.
pub(crate) fn at_stake(of: &Dependency, registry: &Registry, memory: &StateTable) -> AtStake {
    let book = registry.dependencies();
    let oldest = std::cell::Cell::new(None::<BlockNumber>);
    let read = |reading: &Reading| {
        let stake = memory.get::<Stake>(&key(reading))?;
        oldest.set(Some(oldest.get().map_or(stake.at, |at| at.min(stake.at))));
        Some(stake.value)
    };
    let exposure = book.exposure(of, registry, &read);
    let oldest_of_exposure = oldest.get();
    let tvl = book.tvl_cents(&of.network, registry, &read).filter(|tvl| !tvl.is_zero());
    let share = exposure.cents().zip(tvl).map(|(own, all)| f64::from(own) / f64::from(all));
    AtStake { exposure, share, oldest: oldest_of_exposure }
}

/// What is locked on a network in cents, as stated or as it was read last.
pub(crate) fn locked_cents(
    network: &Name,
    registry: &Registry,
    memory: &StateTable,
) -> Option<U256> {
    let read = |reading: &Reading| memory.get::<Stake>(&key(reading)).map(|stake| stake.value);
    registry.dependencies().tvl_cents(network, registry, &read)
}

/// What a token costs, as stated or as it was read last: of this block at the newest, else of one
/// before it.
pub(crate) fn price_of(
    terms: &registry::dependencies::TokenTerms,
    registry: &Registry,
    memory: &StateTable,
) -> Option<registry::dependencies::Price> {
    let read = |reading: &Reading| memory.get::<Stake>(&key(reading)).map(|stake| stake.value);
    registry.dependencies().price(terms, &read)
}
