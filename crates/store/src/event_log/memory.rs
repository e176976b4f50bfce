//! The log in memory: for tests, backtests and replays that keep nothing.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{PoisonError, RwLock},
};

use model::{B256, BlindReason, BlockNumber, BlockRef, ChainEvent, Name, Position};

use super::{
    CANONICAL_BLOCKS_MAX, CanonicalTail, ChainChange, EventLog, QuarantinedBlock, TailBlock,
    check_network, oldest_kept,
};
use crate::StoreError;

/// An event log that lives as long as its handle.
#[derive(Debug, Default)]
pub struct MemoryLog {
    /// One writer at a time; readers see whole batches, because a batch is appended under the lock.
    topics: RwLock<HashMap<Name, Topic>>,
}

#[derive(Debug, Default)]
struct Topic {
    /// Position of `events[0]`.
    start: u64,
    events: VecDeque<ChainEvent>,
    chain: BTreeMap<BlockNumber, Canonical>,
    finalized: Option<BlockRef>,
}

#[derive(Debug)]
struct Canonical {
    hash: B256,
    parent_hash: B256,
    quarantine: Option<BlindReason>,
}

impl MemoryLog {
    /// A log without events.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, network: &Name, read: impl FnOnce(&Topic) -> T) -> T {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        match topics.get(network) {
            Some(topic) => read(topic),
            None => read(&Topic::default()),
        }
    }
}

impl EventLog for MemoryLog {
    fn append(&self, network: &Name, events: &[ChainEvent]) -> Result<Position, StoreError> {
        check_network(network, events)?;
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get_mut(network) else {
            if events.is_empty() {
                return Ok(Position(0));
            }
            topics.entry(network.clone()).or_default().append(events);
            return Ok(Position(0));
        };
        let first = topic.end();
        topic.append(events);
        Ok(first)
    }

    fn read(
        &self,
        network: &Name,
        from: Position,
        limit: usize,
    ) -> Result<Vec<(Position, ChainEvent)>, StoreError> {
        self.with(network, |topic| {
            let Some(skip) = from.0.checked_sub(topic.start) else {
                let start = Position(topic.start);
                return Err(StoreError::Truncated { network: network.clone(), from, start });
            };
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            // The events are shared, not copied: there are no bytes to limit.
            let events = topic.events.iter().skip(skip).take(limit).cloned();
            Ok((from.0..).map(Position).zip(events).collect())
        })
    }

    fn start(&self, network: &Name) -> Result<Position, StoreError> {
        Ok(self.with(network, |topic| Position(topic.start)))
    }

    fn end(&self, network: &Name) -> Result<Position, StoreError> {
        Ok(self.with(network, Topic::end))
    }

    fn truncate(&self, network: &Name, before: Position) -> Result<(), StoreError> {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let end = topics.get(network).map_or(Position(0), Topic::end);
        if before > end {
            return Err(StoreError::TruncateBeyondEnd { network: network.clone(), before, end });
        }
        if let Some(topic) = topics.get_mut(network) {
            while topic.start < before.0 && topic.events.pop_front().is_some() {
                topic.start += 1;
            }
        }
        Ok(())
    }

    fn networks(&self) -> Result<Vec<Name>, StoreError> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut networks: Vec<Name> = topics.keys().cloned().collect();
        networks.sort();
        Ok(networks)
    }

    fn canonical_tail(&self, network: &Name, n: usize) -> Result<CanonicalTail, StoreError> {
        Ok(self.with(network, |topic| topic.tail(n)))
    }
}

impl Topic {
    fn end(&self) -> Position {
        Position(self.start + self.events.len() as u64)
    }

    fn append(&mut self, events: &[ChainEvent]) {
        for event in events {
            self.change(ChainChange::from(event));
            self.events.push_back(event.clone());
        }
    }

    fn change(&mut self, change: ChainChange<'_>) {
        match change {
            ChainChange::Join { block, parent_hash, quarantine } => {
                let quarantine = quarantine.cloned();
                let canonical = Canonical { hash: block.hash, parent_hash, quarantine };
                self.chain.insert(block.number, canonical);
                let oldest = oldest_kept(block.number);
                let too_old = self.chain.range(..oldest).map(|(number, _)| *number);
                // One block joins at a time, so at most one becomes too old; the scan passes over
                // the quarantined ones below it, which are few and bounded by retries.
                let verified: Vec<BlockNumber> =
                    too_old.filter(|n| self.chain[n].quarantine.is_none()).collect();
                for number in verified {
                    self.chain.remove(&number);
                }
            }
            ChainChange::Leave { ancestor } => {
                drop(self.chain.split_off(&ancestor.number.saturating_add(1)));
                if self.finalized.is_some_and(|finalized| finalized.number > ancestor.number) {
                    self.finalized = Some(ancestor);
                }
            }
            ChainChange::Finalize { block } => {
                if self.finalized.is_none_or(|finalized| finalized.number <= block.number) {
                    self.finalized = Some(block);
                }
            }
            ChainChange::Recover { block } => {
                if let Some(canonical) = self.chain.get_mut(&block.number)
                    && canonical.hash == block.hash
                {
                    canonical.quarantine = None;
                }
            }
        }
    }

    fn tail(&self, n: usize) -> CanonicalTail {
        let oldest = self.chain.last_key_value().map_or(0, |(head, _)| oldest_kept(*head));
        let newest = self.chain.range(oldest..).rev().take(n.min(CANONICAL_BLOCKS_MAX));
        let mut blocks: Vec<TailBlock> = newest
            .map(|(&number, canonical)| TailBlock {
                block: BlockRef { number, hash: canonical.hash },
                parent_hash: canonical.parent_hash,
            })
            .collect();
        blocks.reverse();
        let all_quarantined = self.chain.iter().filter_map(|(&number, canonical)| {
            Some(QuarantinedBlock {
                block: BlockRef { number, hash: canonical.hash },
                parent_hash: canonical.parent_hash,
                reason: canonical.quarantine.clone()?,
            })
        });
        let mut quarantined: Vec<QuarantinedBlock> = all_quarantined.collect();
        let quarantined_total = quarantined.len() as u64;
        quarantined.truncate(n);
        CanonicalTail { blocks, finalized: self.finalized, quarantined, quarantined_total }
    }
}
