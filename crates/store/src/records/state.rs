//! What detectors remember, and the way back from each block that can still be reverted.

use model::{BlockNumber, BlockRef, Name, StateChange, StateEntry, StateUndo};
use rusqlite::{Transaction, params};

use crate::{Store, StoreError, codec, error::height};

const UNDO: &str = "undo";

/// The state of all detectors of one network, as of its checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetectorState {
    /// Entries, by key; every value is present.
    pub entries: Vec<StateEntry>,
    /// Ways back, oldest block first.
    pub undo: Vec<StateUndo>,
}

impl Store {
    /// The detectors' state of a network, as of its checkpoint.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn detector_state(&self, network: &Name) -> Result<DetectorState, StoreError> {
        self.read("read the detectors' state", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT key, value FROM state WHERE network = ?1 ORDER BY key")?;
            let entry = |row: &rusqlite::Row<'_>| {
                Ok(StateEntry { key: row.get(0)?, value: Some(row.get(1)?) })
            };
            let entries = statement
                .query_map([network.as_str()], entry)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(DetectorState { entries, undo: undo(tx, network)? })
        })
    }
}

impl Store {
    /// Entries of a network whose keys lie between two, the second excluded: those of a few kinds,
    /// without the many of all others.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn detector_state_between(
        &self,
        network: &Name,
        (from, to): (&[u8], &[u8]),
    ) -> Result<Vec<StateEntry>, StoreError> {
        self.read("read part of the detectors' state", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT key, value FROM state
                 WHERE network = ?1 AND key >= ?2 AND key < ?3 ORDER BY key",
            )?;
            let entry = |row: &rusqlite::Row<'_>| {
                Ok(StateEntry { key: row.get(0)?, value: Some(row.get(1)?) })
            };
            let entries = statement.query_map(params![network.as_str(), from, to], entry)?;
            Ok(entries.collect::<rusqlite::Result<Vec<_>>>()?)
        })
    }
}

/// Applies one change, in the order of its fields' meaning: ways back that are done with go first,
/// so that a block which returned can leave its own anew.
pub(crate) fn apply(tx: &Transaction<'_>, change: &StateChange) -> Result<(), StoreError> {
    let network = change.network.as_str();
    drop_undo(tx, &change.network, &change.undo_dropped)?;
    let mut put = tx.prepare_cached(
        "INSERT INTO state (network, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM state WHERE network = ?1 AND key = ?2")?;
    for entry in &change.entries {
        match &entry.value {
            Some(value) => put.execute(params![network, entry.key, value])?,
            None => remove.execute(params![network, entry.key])?,
        };
    }
    if let Some(undo) = &change.undo {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO undo (network, block_number, block_hash, body)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            network,
            height(undo.block.number)?,
            undo.block.hash.as_slice(),
            codec::encode(UNDO, &undo.entries)?,
        ])?;
    }
    Ok(())
}

/// Drops the ways back from these blocks.
pub(crate) fn drop_undo(
    tx: &Transaction<'_>,
    network: &Name,
    blocks: &[BlockRef],
) -> Result<(), StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM undo WHERE network = ?1 AND block_number = ?2 AND block_hash = ?3",
    )?;
    for block in blocks {
        let number = height(block.number)?;
        delete.execute(params![network.as_str(), number, block.hash.as_slice()])?;
    }
    Ok(())
}

/// Drops the ways back from final blocks.
pub(crate) fn drop_undo_up_to(
    tx: &Transaction<'_>,
    network: &Name,
    number: BlockNumber,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM undo WHERE network = ?1 AND block_number <= ?2")?
        .execute(params![network.as_str(), height(number)?])?;
    Ok(())
}

fn undo(tx: &Transaction<'_>, network: &Name) -> Result<Vec<StateUndo>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT block_number, block_hash, body FROM undo WHERE network = ?1
         ORDER BY block_number, block_hash",
    )?;
    let mut rows = statement.query([network.as_str()])?;
    let mut undo = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, hash): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let key = format!("{network} block {number}");
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let entries = codec::decode(body, UNDO, &key)?;
        undo.push(StateUndo { block: codec::block(number, &hash, UNDO, key)?, entries });
    }
    Ok(undo)
}

/// Decodes every way back; calls `problem` for each network where one cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    network: &Name,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    match undo(tx, network) {
        Ok(_) => Ok(()),
        Err(error @ (StoreError::Corrupt { .. } | StoreError::UnknownFormat { .. })) => {
            problem(error);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
