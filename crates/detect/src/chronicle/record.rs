//! The life and lineage of one deployment.

use std::collections::VecDeque;

use model::{Address, B256, BlockRef, Name};
use registry::{
    lifecycle::{Cause, Lifecycle, Move},
    lineage::{Lineage, Since},
};
use serde::{Deserialize, Serialize};

use crate::state::{Key, Kind};

/// Moves of one deployment that are kept: a pause and an upgrade every month of two years. Older
/// ones are counted; the findings about them stay in the store.
pub const MOVES_MAX: usize = 96;

/// What is remembered of one deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chronicle {
    /// First block that a monitor judged in its name: what was before, nobody watched.
    pub watched_since: Option<BlockRef>,
    /// Where in its life it is.
    pub life: Lifecycle,
    /// How it came there, oldest first.
    pub moves: VecDeque<Since<Move>>,
    /// Older moves that were dropped.
    pub moves_dropped: u64,
    /// What it was before.
    pub lineage: Lineage,
}

impl Chronicle {
    /// Of a deployment that is seen for the first time.
    pub(crate) fn begin(life: Lifecycle) -> Self {
        Self { life, ..Self::default() }
    }

    pub(crate) fn key(address: Address) -> Key {
        Key::new(Kind::Chronicle).address(address)
    }

    /// Takes in what became known.
    pub(crate) fn learn(&mut self, cause: Cause, block: BlockRef) -> Option<Move> {
        if cause == Cause::Watched && self.watched_since.is_none() {
            self.watched_since = Some(block);
        }
        let change = self.life.learn(cause)?;
        if self.moves.len() == MOVES_MAX {
            self.moves.pop_front();
            self.moves_dropped += 1;
        }
        self.moves.push_back(Since { what: change, block });
        Some(change)
    }
}

/// Whose code has a hash: the first deployment of ours that was seen with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCode {
    /// Address of the deployment.
    pub of: Address,
    /// What it was called then.
    pub label: Name,
}

impl OwnCode {
    pub(crate) fn key(hash: B256) -> Key {
        Key::new(Kind::OwnCode).with(hash.as_slice())
    }
}

/// Which deployment a waiting operation of a timelock would upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUpgrade {
    /// Address of the deployment.
    pub of: Address,
}

impl PendingUpgrade {
    pub(crate) fn key(timelock: Address, operation: B256) -> Key {
        Key::new(Kind::PendingUpgrade).address(timelock).with(operation.as_slice())
    }
}
