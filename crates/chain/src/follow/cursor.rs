//! Where we are on the chain: what the events so far add up to.
//!
//! A [`Cursor`] is a fold over [`ChainEvent`]s and nothing else, so whoever stores the events can
//! rebuild it, and a follower that resumes from it behaves as one that never stopped.

use std::collections::VecDeque;

use alloy_primitives::B256;
use model::{BlindReason, BlockNumber, BlockRef, ChainEvent, Header};

/// A block and the hash of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    /// The block.
    pub block: BlockRef,
    /// Hash of the block before it.
    pub parent_hash: B256,
}

impl Link {
    /// The block before; block 0 has none.
    pub fn parent(&self) -> Option<BlockRef> {
        Some(BlockRef { number: self.block.number.checked_sub(1)?, hash: self.parent_hash })
    }
}

impl From<&Header> for Link {
    fn from(header: &Header) -> Self {
        Self { block: header.block_ref(), parent_hash: header.parent_hash }
    }
}

/// A block that took its place in the chain unjudged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedBlock {
    /// Where it belongs.
    pub link: Link,
    /// Why it could not be judged.
    pub reason: BlindReason,
}

/// Where we are on one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The newest blocks of our chain, oldest first, without gaps. At most
    /// [`window_blocks`](crate::config::Limits::window_blocks) of them.
    pub recent: VecDeque<Link>,
    /// The block before the oldest of `recent`; the head when `recent` is empty.
    pub base: Option<BlockRef>,
    /// Number of the first block we ever told of. While it is still in `recent`, even a reorg
    /// that starts below it can be told: everything is undone.
    pub first: Option<BlockNumber>,
    /// The newest block that was told to be final.
    pub finalized: Option<BlockRef>,
    /// Blocks of our chain that were not judged, oldest first.
    pub quarantined: Vec<QuarantinedBlock>,
}

impl Cursor {
    /// The block that the next one must follow; `None` before the first.
    pub fn head(&self) -> Option<BlockRef> {
        self.recent.back().map(|link| link.block).or(self.base)
    }

    /// Number of the next block; `None` before the first.
    pub fn next_number(&self) -> Option<BlockNumber> {
        self.head().map(|head| head.number + 1)
    }

    /// Our block at this height, as far back as we remember.
    pub fn at(&self, number: BlockNumber) -> Option<BlockRef> {
        if let Some(base) = self.base.filter(|base| base.number == number) {
            return Some(base);
        }
        let oldest = self.recent.front()?.block.number;
        let place = usize::try_from(number.checked_sub(oldest)?).ok()?;
        self.recent.get(place).map(|link| link.block)
    }

    /// Whether this very block is part of our chain, as far back as we remember.
    pub fn holds(&self, block: BlockRef) -> bool {
        self.at(block.number) == Some(block)
    }

    /// Our blocks above this height, newest first.
    pub fn above(&self, number: BlockNumber) -> Vec<BlockRef> {
        let newest_first = self.recent.iter().rev().map(|link| link.block);
        newest_first.take_while(|block| block.number > number).collect()
    }

    /// Takes one event in. `window_blocks` bounds how many blocks are remembered.
    pub fn apply(&mut self, event: &ChainEvent, window_blocks: usize) {
        match event {
            ChainEvent::Committed(bundle) => self.push(Link::from(&bundle.header), window_blocks),
            ChainEvent::Quarantined { block, parent_hash, reason, .. } => {
                let link = Link { block: *block, parent_hash: *parent_hash };
                self.push(link, window_blocks);
                self.quarantined.push(QuarantinedBlock { link, reason: reason.clone() });
            }
            ChainEvent::Reverted { ancestor, .. } => self.revert_to(*ancestor),
            ChainEvent::Finalized { block, .. } => self.finalized = Some(*block),
            ChainEvent::Recovered(bundle) => {
                let recovered = bundle.block_ref();
                self.quarantined.retain(|entry| entry.link.block != recovered);
            }
        }
    }

    fn push(&mut self, link: Link, window_blocks: usize) {
        self.first.get_or_insert(link.block.number);
        if self.recent.is_empty() {
            self.base = link.parent();
        }
        self.recent.push_back(link);
        while self.recent.len() > window_blocks {
            self.base = self.recent.pop_front().map(|oldest| oldest.block);
        }
    }

    fn revert_to(&mut self, ancestor: BlockRef) {
        while self.recent.back().is_some_and(|link| link.block.number > ancestor.number) {
            self.recent.pop_back();
        }
        if self.recent.is_empty() {
            self.base = Some(ancestor);
        }
        self.quarantined.retain(|entry| entry.link.block.number <= ancestor.number);
        if self.finalized.is_some_and(|block| block.number > ancestor.number) {
            self.finalized = Some(ancestor);
        }
    }
}
