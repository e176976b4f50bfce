//! Inputs, in the order in which they came.

use model::UnixMillis;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{Store, StoreError, codec::unsigned};

const TABLE: &str = "pager_inbox";

/// Something that the pager is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What sort of input it is, in one word: how long it is kept depends on it.
    pub kind: &'static str,
    /// When it came, wall time.
    pub at: UnixMillis,
    /// Versioned JSON.
    pub json: String,
}

/// An input as it waits, or waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenInput {
    /// Counts the inputs, from 1.
    pub sequence: u64,
    /// When it came.
    pub at: UnixMillis,
    /// Versioned JSON.
    pub json: String,
    /// Whether it was applied.
    pub is_applied: bool,
    /// Why it was not taken, if so.
    pub refused: Option<String>,
}

/// What the pager is told, durable until it is applied.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: Store,
}

impl Store {
    /// The pager's inbox in this database.
    pub fn inbox(&self) -> Inbox {
        Inbox { store: self.clone() }
    }
}

impl Inbox {
    /// Adds inputs in their order; gives the sequence number of the last one (0: there were none).
    ///
    /// # Errors
    /// When the database cannot be written; nothing was added then.
    pub fn put(&self, inputs: &[Input]) -> Result<u64, StoreError> {
        if inputs.is_empty() {
            return Ok(0);
        }
        self.store.write("put into the pager's inbox", |tx, _| {
            let mut last = 0;
            for input in inputs {
                last = insert(tx, input)?;
            }
            Ok(last)
        })
    }

    /// Newest input whose effects are committed; 0 before the first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn applied(&self) -> Result<u64, StoreError> {
        self.store.read("read how far the pager's inbox was applied", applied)
    }

    /// Inputs that are to be applied, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting(&self, limit: usize) -> Result<Vec<TakenInput>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store.read("read the pager's inbox", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT sequence, at, input, refused, 0 FROM pager_inbox
                 WHERE sequence > (SELECT applied FROM pager_checkpoint) ORDER BY sequence LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], input)?;
            rows.map(|row| row?).collect()
        })
    }

    /// How many inputs wait, and since when the oldest does.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn backlog(&self) -> Result<(u64, Option<UnixMillis>), StoreError> {
        self.store.read("count the pager's inbox", |tx| {
            let (count, oldest): (i64, Option<i64>) = tx
                .prepare_cached(
                    "SELECT count(*), min(at) FROM pager_inbox
                     WHERE sequence > (SELECT applied FROM pager_checkpoint)",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((unsigned(count, TABLE, "count")?, oldest.map(UnixMillis)))
        })
    }

    /// One input, as long as it is kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn get(&self, sequence: u64) -> Result<Option<TakenInput>, StoreError> {
        self.store.read("read an input of the pager", |tx| {
            let found = tx
                .prepare_cached(
                    "SELECT sequence, at, input, refused,
                            sequence <= (SELECT applied FROM pager_checkpoint)
                     FROM pager_inbox WHERE sequence = ?1",
                )?
                .query_row([i64::try_from(sequence).unwrap_or(i64::MAX)], input)
                .optional()?;
            found.transpose()
        })
    }
}

/// Adds an input; gives its sequence number.
pub(crate) fn insert(tx: &Transaction<'_>, input: &Input) -> Result<u64, StoreError> {
    tx.prepare_cached("INSERT INTO pager_inbox (at, kind, input) VALUES (?1, ?2, ?3)")?
        .execute(params![input.at.0, input.kind, input.json])?;
    unsigned(tx.last_insert_rowid(), TABLE, "sequence")
}

pub(super) fn applied(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let applied = tx
        .prepare_cached("SELECT applied FROM pager_checkpoint")?
        .query_row([], |row| row.get(0))?;
    unsigned(applied, "pager_checkpoint", "applied")
}

/// A row of `sequence, at, input, refused, is_applied`.
fn input(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<TakenInput, StoreError>> {
    let sequence: i64 = row.get(0)?;
    let (at, json, refused, is_applied) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(unsigned(sequence, TABLE, sequence).map(|sequence| TakenInput {
        sequence,
        at: UnixMillis(at),
        json,
        is_applied,
        refused,
    }))
}
