//! Chain events: what the event log holds and every detector folds over.

use std::sync::Arc;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{BlindReason, BlockBundle, BlockRef, Name};

/// Offset of a record in one network's event log, from 0, without gaps.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Position(pub u64);

impl Position {
    /// The offset after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One thing that happened to a network, in the order it happened to us.
///
/// `Committed` blocks form a hash chain: each one's parent is the block committed or quarantined
/// before it, once the `Reverted` in between is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainEvent {
    /// A verified block joined the chain.
    Committed(Arc<BlockBundle>),
    /// Blocks left the chain. An ordinary message, not an error.
    Reverted {
        /// Network.
        network: Name,
        /// The blocks undone, newest first; never empty.
        undone: Vec<BlockRef>,
        /// The block that is the head now.
        ancestor: BlockRef,
    },
    /// All blocks up to this one can no longer be reverted.
    Finalized {
        /// Network.
        network: Name,
        /// Newest final block.
        block: BlockRef,
    },
    /// A block takes its place in the chain unjudged: it could not be fetched or proven.
    Quarantined {
        /// Network.
        network: Name,
        /// Where it belongs. The hash is known from its header or from the child's parent hash.
        block: BlockRef,
        /// Hash of the block before it.
        parent_hash: B256,
        /// Why it could not be judged.
        reason: BlindReason,
    },
    /// A block that was quarantined has been fetched and proven after all.
    Recovered(Arc<BlockBundle>),
}

impl ChainEvent {
    /// Which network this happened to.
    pub fn network(&self) -> &Name {
        match self {
            Self::Committed(bundle) | Self::Recovered(bundle) => &bundle.network,
            Self::Reverted { network, .. }
            | Self::Finalized { network, .. }
            | Self::Quarantined { network, .. } => network,
        }
    }

    /// The head of the chain after this event, when the event moves it.
    pub fn head(&self) -> Option<BlockRef> {
        match self {
            Self::Committed(bundle) => Some(bundle.block_ref()),
            Self::Reverted { ancestor, .. } => Some(*ancestor),
            Self::Quarantined { block, .. } => Some(*block),
            Self::Finalized { .. } | Self::Recovered(_) => None,
        }
    }
}
