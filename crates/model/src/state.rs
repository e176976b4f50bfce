//! What a detector's state looks like to the store: keys and bytes, with the way back.

use serde::{Deserialize, Serialize};

use crate::{BlockRef, Name};

/// One entry of detector state: what it is about, and its versioned encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// Key, unique within a network.
    pub key: Vec<u8>,
    /// Encoded value; `None` removes the entry.
    pub value: Option<Vec<u8>>,
}

/// The entries a block replaced, as they were before it: applying them undoes the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUndo {
    /// The block that made the change.
    pub block: BlockRef,
    /// Prior values of every entry that it touched.
    pub entries: Vec<StateEntry>,
}

/// How one chain event changed the detectors' state of a network. Committed in the same
/// transaction as the checkpoint, so that state and position never disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// Network.
    pub network: Name,
    /// Entries to write, in order.
    pub entries: Vec<StateEntry>,
    /// The way back, when the event was a block that can still be reverted.
    pub undo: Option<StateUndo>,
    /// Blocks whose way back is needed no longer: they were just reverted, or are final.
    pub undo_dropped: Vec<BlockRef>,
}
