//! Where in its life a contract is, how it came there, and what it was before.

use detect::chronicle::{self, Chronicle};
use model::{Address, BlockRef, Name};
use registry::{
    lifecycle::{Move, Stage},
    lineage::{Lineage, Since},
};
use store::{Store, StoreError};

/// The life of one guarded contract, as far as it was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where in its life it is; [`Stage::meaning`] says it in words.
    pub stage: Stage,
    /// First block that a monitor judged in its name; `None` when none is on it.
    pub watched_since: Option<BlockRef>,
    /// How it came there, oldest first, each with its block and its cause.
    pub moves: Vec<Since<Move>>,
    /// Older moves that are no longer kept.
    pub moves_dropped: u64,
    /// Its creation, every code it had, everything it delegated to, and its facets.
    pub lineage: Lineage,
}

impl Life {
    /// What is remembered of a contract; `None` when no block was judged since it was declared.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(network: &Name, address: Address, store: &Store) -> Result<Option<Self>, StoreError> {
        let (first, after) = chronicle::keys_of(address);
        let entries = store.detector_state_between(network, (&first, &after))?;
        let chronicle = chronicle::chronicles(&entries).into_iter().next();
        Ok(chronicle.map(|(_, chronicle)| chronicle.into()))
    }
}

impl From<Chronicle> for Life {
    fn from(chronicle: Chronicle) -> Self {
        Self {
            stage: chronicle.life.stage(),
            watched_since: chronicle.watched_since,
            moves: chronicle.moves.into(),
            moves_dropped: chronicle.moves_dropped,
            lineage: chronicle.lineage,
        }
    }
}
