//! How far each network was judged.

use model::{BlockRef, Name, Position};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Store, StoreError,
    codec::{self, unsigned},
    error::{height, integer},
};

const TABLE: &str = "checkpoints";

/// How far a network was judged, as of the last committed step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Network.
    pub network: Name,
    /// Position of the next event to judge; everything before it has had its effects.
    pub position: Position,
    /// Version of the set of monitors that judged last.
    pub monitors_version: u64,
    /// Newest final block that judging has seen.
    pub finalized: Option<BlockRef>,
}

impl Store {
    /// How far a network was judged; `None` before its first step.
    ///
    /// # Errors
    /// When the database cannot be read or the row is corrupt.
    pub fn checkpoint(&self, network: &Name) -> Result<Option<Checkpoint>, StoreError> {
        self.read("read a checkpoint", |tx| load(tx, network))
    }

    /// How far every network was judged, by name.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        self.read("read the checkpoints", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT network FROM checkpoints ORDER BY network")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut checkpoints = Vec::new();
            for text in names {
                let text = text?;
                let network = codec::name(&text, TABLE, &text)?;
                checkpoints.extend(load(tx, &network)?);
            }
            Ok(checkpoints)
        })
    }
}

pub(crate) fn load(tx: &Transaction<'_>, network: &Name) -> Result<Option<Checkpoint>, StoreError> {
    type Row = (i64, i64, Option<i64>, Option<Vec<u8>>);
    let row: Option<Row> = tx
        .prepare_cached(
            "SELECT position, monitors_version, finalized_number, finalized_hash
             FROM checkpoints WHERE network = ?1",
        )?
        .query_row([network.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((position, monitors_version, number, hash)) = row else { return Ok(None) };
    let finalized = match (number, hash) {
        (Some(number), Some(hash)) => Some(codec::block(number, &hash, TABLE, network)?),
        (None, None) => None,
        _ => return Err(StoreError::corrupt(TABLE, network, "half a finalized block")),
    };
    Ok(Some(Checkpoint {
        network: network.clone(),
        position: Position(unsigned(position, TABLE, network)?),
        monitors_version: monitors_version.cast_unsigned(),
        finalized,
    }))
}

pub(crate) fn save(tx: &Transaction<'_>, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let number = checkpoint.finalized.map(|block| height(block.number)).transpose()?;
    tx.prepare_cached(
        "INSERT INTO checkpoints
         (network, position, monitors_version, finalized_number, finalized_hash)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET position = excluded.position,
             monitors_version = excluded.monitors_version,
             finalized_number = excluded.finalized_number,
             finalized_hash = excluded.finalized_hash",
    )?
    .execute(params![
        checkpoint.network.as_str(),
        integer("position", checkpoint.position.0)?,
        checkpoint.monitors_version.cast_signed(),
        number,
        checkpoint.finalized.as_ref().map(|block| block.hash.as_slice()),
    ])?;
    Ok(())
}
