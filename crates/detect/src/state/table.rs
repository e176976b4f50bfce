//! The table itself: values, the journal of each block, undo.

use std::{
    collections::{VecDeque, hash_map::Entry as MapEntry},
    sync::Arc,
};

use model::{BlockRef, Name, StateChange, StateEntry, StateUndo};
use rustc_hash::FxHashMap;

use super::{DecodeError, Key, Remembered, Value};

/// How many blocks can be undone: 3.4 hours of mainnet, 34 minutes of a chain with two-second
/// blocks, several times the finality distance of either. A deeper reorg empties the table (see
/// [`Reverted::TooDeep`]); it never leaves a wrong one.
pub const UNDO_BLOCKS_MAX: usize = 1024;

/// Encoded values that are kept for when the next block changes them again: a few busy blocks' worth,
/// some 2 MB. With more, all are let go at once and encoded anew where they are needed.
const ENCODED_KEPT_MAX: usize = 8_192;

#[derive(Debug, Clone)]
struct Slot {
    /// `None` once removed by the block being applied; purged when the block is committed.
    value: Option<Value>,
    /// The step that touched it last, so that the first touch is told from the later ones.
    touched_in_step: u64,
}

#[derive(Debug)]
struct Undo {
    block: BlockRef,
    prior: Vec<(Key, Option<Value>)>,
}

/// Why stored rows are not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A key that this program never writes.
    #[error("state key 0x{0} has an impossible length")]
    BadKey(String),
    /// A value that cannot be read.
    #[error("could not read stored state under key 0x{key}")]
    BadValue {
        /// Key in hex.
        key: String,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// More undo rows than the journal may hold.
    #[error("{found} undo rows are stored, at most {UNDO_BLOCKS_MAX} are ever written")]
    TooManyUndos {
        /// Rows found.
        found: usize,
    },
    /// The undo rows do not run upwards.
    #[error("undo rows are out of order at block {0}")]
    UndoOrder(BlockRef),
}

/// What became of a request to undo blocks.
#[derive(Debug)]
pub enum Reverted {
    /// The table is as it was before them.
    Exactly(StateChange),
    /// The journal does not reach that far, or names other blocks. The table is empty now:
    /// everything must be learned again, and whoever needs what was forgotten is blind until then.
    TooDeep(StateChange),
}

/// Typed values of one network, keyed by kind and entity, with the way back.
#[derive(Debug)]
pub struct StateTable {
    network: Name,
    slots: FxHashMap<Key, Slot>,
    undos: VecDeque<Undo>,
    /// Priors of the step that is being applied, in order of first touch.
    journal: Vec<(Key, Option<Value>)>,
    /// Counts steps from 1; slots that no step has touched carry 0.
    step: u64,
    /// Values that lately changed, as they were encoded then: what a block must be able to put back
    /// is nearly always what one of the blocks before wrote, and encoding is dear.
    encoded: FxHashMap<Key, Vec<u8>>,
}

impl StateTable {
    /// An empty table.
    pub fn new(network: Name) -> Self {
        Self {
            network,
            slots: FxHashMap::default(),
            undos: VecDeque::new(),
            journal: Vec::new(),
            step: 1,
            encoded: FxHashMap::default(),
        }
    }

    /// The table that these rows were written from, in any order; undo rows are sorted by height and
    /// must not repeat one.
    pub fn restore(
        network: Name,
        entries: impl IntoIterator<Item = StateEntry>,
        undos: impl IntoIterator<Item = StateUndo>,
    ) -> Result<Self, RestoreError> {
        let mut table = Self::new(network);
        for entry in entries {
            if let (key, Some(value)) = read_entry(&entry)? {
                table.slots.insert(key, Slot { value: Some(value), touched_in_step: 0 });
            }
        }
        let mut undos: Vec<StateUndo> = undos.into_iter().collect();
        undos.sort_by_key(|undo| undo.block);
        if undos.len() > UNDO_BLOCKS_MAX {
            return Err(RestoreError::TooManyUndos { found: undos.len() });
        }
        for undo in undos {
            let is_above = table.undos.back().is_none_or(|u| u.block.number < undo.block.number);
            if !is_above {
                return Err(RestoreError::UndoOrder(undo.block));
            }
            let prior = undo.entries.iter().map(read_entry).collect::<Result<_, _>>()?;
            table.undos.push_back(Undo { block: undo.block, prior });
        }
        Ok(table)
    }

    /// Network the values belong to.
    pub fn network(&self) -> &Name {
        &self.network
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.slots.values().filter(|slot| slot.value.is_some()).count()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The newest block that can be undone.
    pub fn newest_undo(&self) -> Option<BlockRef> {
        self.undos.back().map(|undo| undo.block)
    }

    /// The value under a key.
    pub fn get<T: Remembered>(&self, key: &Key) -> Option<&T> {
        T::of(self.slots.get(key)?.value.as_ref()?).map(Arc::as_ref)
    }

    /// The value under a key, to be changed; `fresh` makes it when there is none.
    ///
    /// # Panics
    /// When the key holds another type, which takes a key built with another type's kind.
    pub fn entry<T: Remembered>(&mut self, key: Key, fresh: impl FnOnce() -> T) -> &mut T {
        assert_eq!(key.as_bytes()[0], T::KIND as u8, "a key names the kind of its value");
        let slot = match self.slots.entry(key) {
            MapEntry::Vacant(vacant) => {
                self.journal.push((key, None));
                vacant.insert(Slot { value: None, touched_in_step: self.step })
            }
            MapEntry::Occupied(occupied) => {
                let slot = occupied.into_mut();
                if slot.touched_in_step != self.step {
                    self.journal.push((key, slot.value.clone()));
                    slot.touched_in_step = self.step;
                }
                slot
            }
        };
        let value = slot.value.get_or_insert_with(|| fresh().wrap());
        Arc::make_mut(T::of_mut(value).expect("the kind byte was checked above"))
    }

    /// Forgets the value under a key.
    pub fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.slots.get_mut(key) {
            if slot.touched_in_step != self.step {
                self.journal.push((*key, slot.value.clone()));
                slot.touched_in_step = self.step;
            }
            slot.value = None;
        }
    }

    /// Where the journal of the current step stands, for [`StateTable::roll_back_to`].
    pub fn savepoint(&self) -> usize {
        self.journal.len()
    }

    /// Takes back every first touch since the savepoint: what a detector that failed half-way left.
    /// Exact because a detector writes only keys of its own and is asked once per step.
    pub fn roll_back_to(&mut self, savepoint: usize) {
        while self.journal.len() > savepoint {
            if let Some((key, prior)) = self.journal.pop() {
                self.put_back(key, prior, 0);
            }
        }
    }

    /// Ends the step that applied `block`, which can be undone from now on.
    pub fn commit_block(&mut self, block: BlockRef) -> StateChange {
        let prior = self.take_journal();
        let undo_entries =
            prior.iter().map(|(key, value)| self.prior_entry(key, value.as_ref())).collect();
        let entries = self.encode_current(&prior);
        self.undos.push_back(Undo { block, prior });
        let mut undo_dropped = Vec::new();
        while self.undos.len() > UNDO_BLOCKS_MAX {
            undo_dropped.extend(self.undos.pop_front().map(|undo| undo.block));
        }
        StateChange {
            network: self.network.clone(),
            entries,
            undo: Some(StateUndo { block, entries: undo_entries }),
            undo_dropped,
        }
    }

    /// Ends a step that no reorg will undo (finality moved). Such a step must not touch keys that
    /// blocks touch.
    pub fn commit_final(&mut self, newest_final: BlockRef) -> StateChange {
        let prior = self.take_journal();
        let entries = self.encode_current(&prior);
        let mut undo_dropped = Vec::new();
        while self.undos.front().is_some_and(|undo| undo.block.number <= newest_final.number) {
            undo_dropped.extend(self.undos.pop_front().map(|undo| undo.block));
        }
        StateChange { network: self.network.clone(), entries, undo: None, undo_dropped }
    }

    /// Undoes blocks, newest first. `was_applied` says whether a block that is not in the journal was
    /// ever applied: one from before the start has nothing to undo.
    pub fn revert(
        &mut self,
        undone: &[BlockRef],
        was_applied: impl Fn(BlockRef) -> bool,
    ) -> Reverted {
        self.encoded.clear();
        let mut touched: FxHashMap<Key, ()> = FxHashMap::default();
        let mut dropped = Vec::new();
        for &block in undone {
            match self.undos.back() {
                Some(undo) if undo.block == block => {
                    let undo = self.undos.pop_back().expect("the back was just looked at");
                    for (key, prior) in undo.prior.into_iter().rev() {
                        touched.insert(key, ());
                        self.put_back(key, prior, 0);
                    }
                    dropped.push(block);
                }
                None if !was_applied(block) => {}
                _ => return Reverted::TooDeep(self.clear(dropped, touched.into_keys())),
            }
        }
        let mut keys: Vec<Key> = touched.into_keys().collect();
        keys.sort_unstable();
        let entries = keys.iter().map(|key| entry_of(key, self.value(key))).collect();
        Reverted::Exactly(StateChange {
            network: self.network.clone(),
            entries,
            undo: None,
            undo_dropped: dropped,
        })
    }

    /// The whole table as rows, sorted by key: equal tables give equal rows.
    pub fn to_entries(&self) -> Vec<StateEntry> {
        let mut keys: Vec<&Key> =
            self.slots.iter().filter(|(_, s)| s.value.is_some()).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| entry_of(key, self.value(key))).collect()
    }

    fn clear(
        &mut self,
        mut dropped: Vec<BlockRef>,
        touched: impl Iterator<Item = Key>,
    ) -> StateChange {
        let mut keys: Vec<Key> = self.slots.drain().map(|(key, _)| key).chain(touched).collect();
        keys.sort_unstable();
        keys.dedup();
        dropped.extend(self.undos.drain(..).rev().map(|undo| undo.block));
        StateChange {
            network: self.network.clone(),
            entries: keys.iter().map(|key| entry_of(key, None)).collect(),
            undo: None,
            undo_dropped: dropped,
        }
    }

    fn take_journal(&mut self) -> Vec<(Key, Option<Value>)> {
        self.step += 1;
        let mut prior = std::mem::take(&mut self.journal);
        prior.sort_unstable_by_key(|(key, _)| *key);
        prior
    }

    /// A value as it was before the step: as it was encoded when it was written, if that is kept.
    fn prior_entry(&self, key: &Key, value: Option<&Value>) -> StateEntry {
        match (self.encoded.get(key), value) {
            (Some(bytes), Some(value)) => {
                debug_assert_eq!(*bytes, value.encode(), "kept bytes are those of the value");
                StateEntry { key: key.as_bytes().to_vec(), value: Some(bytes.clone()) }
            }
            _ => entry_of(key, value),
        }
    }

    fn encode_current(&mut self, touched: &[(Key, Option<Value>)]) -> Vec<StateEntry> {
        if self.encoded.len() + touched.len() > ENCODED_KEPT_MAX {
            self.encoded.clear();
        }
        let mut entries = Vec::with_capacity(touched.len());
        for (key, _) in touched {
            let entry = entry_of(key, self.value(key));
            match &entry.value {
                Some(bytes) => drop(self.encoded.insert(*key, bytes.clone())),
                None => drop(self.encoded.remove(key)),
            }
            entries.push(entry);
        }
        for (key, _) in touched {
            if self.slots.get(key).is_some_and(|slot| slot.value.is_none()) {
                self.slots.remove(key);
            }
        }
        entries
    }

    fn value(&self, key: &Key) -> Option<&Value> {
        self.slots.get(key)?.value.as_ref()
    }

    fn put_back(&mut self, key: Key, prior: Option<Value>, touched_in_step: u64) {
        match prior {
            None => drop(self.slots.remove(&key)),
            Some(value) => {
                self.slots.insert(key, Slot { value: Some(value), touched_in_step });
            }
        }
    }
}

fn entry_of(key: &Key, value: Option<&Value>) -> StateEntry {
    StateEntry { key: key.as_bytes().to_vec(), value: value.map(Value::encode) }
}

fn read_entry(entry: &StateEntry) -> Result<(Key, Option<Value>), RestoreError> {
    let in_hex = || hex::encode(&entry.key);
    let key = Key::from_bytes(&entry.key).ok_or_else(|| RestoreError::BadKey(in_hex()))?;
    let value = entry.value.as_deref().map(|bytes| Value::decode(&key, bytes)).transpose();
    Ok((key, value.map_err(|source| RestoreError::BadValue { key: in_hex(), source })?))
}
