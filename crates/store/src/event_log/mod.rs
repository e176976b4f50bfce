//! What happened to each chain, in order.
//!
//! One topic a network; a *position* is an offset in it, from 0, without gaps. The contract is
//! Kafka's, so that Kafka can implement it: a batch is appended whole or not at all, a reader asks
//! from a position, retention removes from the front and never renumbers.
//!
//! A reader and the writer of a topic need not know each other. A topic has one writer: the
//! follower of its network.

mod embedded;
mod format;
mod memory;

pub use embedded::EmbeddedLog;
pub(crate) use embedded::remove_before;
pub(crate) use format::FORMATS;
pub use memory::MemoryLog;

use model::{B256, BlindReason, BlockNumber, BlockRef, ChainEvent, Name, Position};

use crate::StoreError;

/// Most bytes of events that one read returns (unless the first event alone is larger): a few
/// hundred busy mainnet blocks with traces. A caller that wants more reads on.
pub const READ_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Canonical blocks that a log keeps for [`EventLog::canonical_tail`]: nine days of mainnet, four
/// and a half hours of a chain with four blocks a second. Deeper than any follower's window.
pub const CANONICAL_BLOCKS_MAX: usize = 65_536;

/// An ordered, durable log of chain events, one topic a network.
pub trait EventLog: Send + Sync {
    /// Appends a batch, whole or not at all, and returns the position of its first event (of the
    /// next event to come, when the batch is empty). When it returns, the batch is durable.
    ///
    /// # Errors
    /// [`StoreError::ForeignNetwork`] when an event is not of `network`.
    fn append(&self, network: &Name, events: &[ChainEvent]) -> Result<Position, StoreError>;

    /// Events from `from` on, in order and without gaps: at most `limit`, and at most about
    /// [`READ_BYTES_MAX`] of them. Empty only at the end (or with a limit of 0).
    ///
    /// # Errors
    /// [`StoreError::Truncated`] when `from` is before [`EventLog::start`]: what was removed is not
    /// skipped in silence.
    fn read(
        &self,
        network: &Name,
        from: Position,
        limit: usize,
    ) -> Result<Vec<(Position, ChainEvent)>, StoreError>;

    /// Position of the oldest event that is kept; the end, when there is none.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn start(&self, network: &Name) -> Result<Position, StoreError>;

    /// Position of the next event to come: 0 for a network without events.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn end(&self, network: &Name) -> Result<Position, StoreError>;

    /// Removes all events before `before` (retention). Never moves [`EventLog::end`], never touches
    /// [`EventLog::canonical_tail`]; going back is no error and does nothing.
    ///
    /// # Errors
    /// [`StoreError::TruncateBeyondEnd`].
    fn truncate(&self, network: &Name, before: Position) -> Result<(), StoreError>;

    /// Networks that have a topic, sorted.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn networks(&self) -> Result<Vec<Name>, StoreError>;

    /// The chain as the log tells it: what a follower needs to go on where it stopped. At most
    /// `n` blocks, and no more than [`CANONICAL_BLOCKS_MAX`].
    ///
    /// # Errors
    /// When the log cannot be read.
    fn canonical_tail(&self, network: &Name, n: usize) -> Result<CanonicalTail, StoreError>;
}

/// One canonical block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailBlock {
    /// Height and hash.
    pub block: BlockRef,
    /// Hash of the block before it.
    pub parent_hash: B256,
}

/// A block that stands in the chain unjudged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedBlock {
    /// Height and hash.
    pub block: BlockRef,
    /// Hash of the block before it.
    pub parent_hash: B256,
    /// Why it could not be judged.
    pub reason: BlindReason,
}

/// The newest canonical blocks of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CanonicalTail {
    /// Blocks, oldest first; those in quarantine among them.
    pub blocks: Vec<TailBlock>,
    /// Newest block said to be final; its ancestors are.
    pub finalized: Option<BlockRef>,
    /// Canonical blocks in quarantine, oldest first, also those older than `blocks`; at most as
    /// many as blocks were asked for.
    pub quarantined: Vec<QuarantinedBlock>,
    /// How many canonical blocks are in quarantine in all.
    pub quarantined_total: u64,
}

impl CanonicalTail {
    /// The head of the chain.
    pub fn head(&self) -> Option<BlockRef> {
        self.blocks.last().map(|tail| tail.block)
    }
}

/// What an event is, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSummary {
    /// Where it is.
    pub position: Position,
    /// `committed`, `reverted`, `finalized`, `quarantined` or `recovered`.
    pub kind: String,
    /// The block it is about; of a reversal, the block that is the head after it.
    pub block: BlockRef,
}

/// The word for an event and the block it is about.
fn summary(event: &ChainEvent) -> (&'static str, BlockRef) {
    match event {
        ChainEvent::Committed(bundle) => ("committed", bundle.block_ref()),
        ChainEvent::Reverted { ancestor, .. } => ("reverted", *ancestor),
        ChainEvent::Finalized { block, .. } => ("finalized", *block),
        ChainEvent::Quarantined { block, .. } => ("quarantined", *block),
        ChainEvent::Recovered(bundle) => ("recovered", bundle.block_ref()),
    }
}

/// How an event changes the chain as the log tells it; the same for every implementation.
enum ChainChange<'a> {
    /// A block joins, in quarantine or not.
    Join { block: BlockRef, parent_hash: B256, quarantine: Option<&'a BlindReason> },
    /// Every block above this one leaves, and finality falls back to it if it was above.
    Leave { ancestor: BlockRef },
    /// Finality moves up to this block; it never moves down.
    Finalize { block: BlockRef },
    /// A block leaves quarantine, if it is still canonical.
    Recover { block: BlockRef },
}

impl<'a> From<&'a ChainEvent> for ChainChange<'a> {
    fn from(event: &'a ChainEvent) -> Self {
        match event {
            ChainEvent::Committed(bundle) => Self::Join {
                block: bundle.block_ref(),
                parent_hash: bundle.header.parent_hash,
                quarantine: None,
            },
            ChainEvent::Quarantined { block, parent_hash, reason, .. } => {
                Self::Join { block: *block, parent_hash: *parent_hash, quarantine: Some(reason) }
            }
            ChainEvent::Reverted { ancestor, .. } => Self::Leave { ancestor: *ancestor },
            ChainEvent::Finalized { block, .. } => Self::Finalize { block: *block },
            ChainEvent::Recovered(bundle) => Self::Recover { block: bundle.block_ref() },
        }
    }
}

/// Heights below this are kept only while in quarantine.
fn oldest_kept(head: BlockNumber) -> BlockNumber {
    head.saturating_add(1).saturating_sub(CANONICAL_BLOCKS_MAX as u64)
}

fn check_network(network: &Name, events: &[ChainEvent]) -> Result<(), StoreError> {
    match events.iter().map(ChainEvent::network).find(|found| *found != network) {
        Some(found) => Err(StoreError::ForeignNetwork {
            what: "event",
            expected: network.clone(),
            found: found.clone(),
        }),
        None => Ok(()),
    }
}
