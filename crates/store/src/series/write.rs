//! Appending and deleting points.

use std::{collections::HashMap, sync::Arc};

use model::{BlockRef, Name, SeriesKey};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{BlockSamples, StoreError, codec, error::height, step::heights};

const TABLE: &str = "series";

/// Series whose ids are kept in memory: 1,000 contracts with 50 series each, twice. Beyond it the
/// cache starts over.
const SERIES_CACHED_MAX: usize = 100_000;

/// Ids of series as of the last commit, so that a point costs no look-up by text. Lives with the
/// writer.
#[derive(Debug, Default)]
pub(crate) struct SeriesIds {
    by_key: HashMap<Name, HashMap<Arc<SeriesKey>, i64>>,
    /// How many series `by_key` holds.
    len: usize,
    /// Series looked up or made by the open transaction: if it rolls back, an id may never have
    /// been.
    pending: Vec<(Name, Arc<SeriesKey>)>,
}

impl SeriesIds {
    /// The open transaction's ids hold.
    pub(crate) fn committed(&mut self) {
        self.pending.clear();
        if self.len > SERIES_CACHED_MAX {
            *self = Self::default();
        }
    }

    /// The open transaction's ids may not exist.
    pub(crate) fn rolled_back(&mut self) {
        for (network, key) in self.pending.drain(..) {
            if let Some(ids) = self.by_key.get_mut(&network)
                && ids.remove(&key).is_some()
            {
                self.len -= 1;
            }
        }
    }

    fn get(
        &mut self,
        tx: &Transaction<'_>,
        network: &Name,
        key: &Arc<SeriesKey>,
    ) -> Result<i64, StoreError> {
        if let Some(id) = self.by_key.get(network).and_then(|ids| ids.get(key)) {
            return Ok(*id);
        }
        let id = intern(tx, network, key)?;
        self.by_key.entry(network.clone()).or_default().insert(Arc::clone(key), id);
        self.len += 1;
        self.pending.push((network.clone(), Arc::clone(key)));
        Ok(id)
    }
}

fn intern(tx: &Transaction<'_>, network: &Name, key: &SeriesKey) -> Result<i64, StoreError> {
    let body = codec::encode(TABLE, key)?;
    let known: Option<i64> = tx
        .prepare_cached("SELECT id FROM series WHERE network = ?1 AND key = ?2")?
        .query_row(params![network.as_str(), body], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    tx.prepare_cached("INSERT INTO series (network, metric, key) VALUES (?1, ?2, ?3)")?
        .execute(params![network.as_str(), key.metric(), body])?;
    Ok(tx.last_insert_rowid())
}

/// Writes a block's points.
pub(crate) fn append(
    tx: &Transaction<'_>,
    ids: &mut SeriesIds,
    network: &Name,
    block: &BlockSamples,
) -> Result<(), StoreError> {
    let Some(first_at) = block.samples.iter().map(|sample| codec::seconds(sample.at)).min() else {
        return Ok(());
    };
    let number = height(block.block.number)?;
    tx.prepare_cached(
        "INSERT INTO sample_blocks (network, block_number, first_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at)",
    )?
    .execute(params![network.as_str(), number, first_at])?;
    let mut insert = tx.prepare_cached(
        "INSERT OR REPLACE INTO samples (series, at, block_number, value) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for sample in &block.samples {
        let id = ids.get(tx, network, &sample.series)?;
        // SQLite binds NaN as NULL by itself.
        insert.execute(params![id, codec::seconds(sample.at), number, sample.value])?;
    }
    Ok(())
}

/// Deletes exactly the points that these blocks wrote.
pub(crate) fn delete(
    tx: &Transaction<'_>,
    network: &Name,
    blocks: &[BlockRef],
) -> Result<(), StoreError> {
    let mut first_at = tx.prepare_cached(
        "DELETE FROM sample_blocks WHERE network = ?1 AND block_number = ?2 RETURNING first_at",
    )?;
    let mut written = Vec::new();
    let mut oldest = i64::MAX;
    for number in heights(blocks) {
        let number = height(number)?;
        let first: Option<i64> =
            first_at.query_row(params![network.as_str(), number], |row| row.get(0)).optional()?;
        if let Some(first) = first {
            oldest = oldest.min(first);
            written.push(number);
        }
    }
    let (Some(&lowest), Some(&highest)) = (written.first(), written.last()) else {
        return Ok(());
    };
    // Reverted blocks are the top of the chain, so no other block stands between the two.
    tx.prepare_cached(
        "DELETE FROM samples WHERE at >= ?2 AND block_number BETWEEN ?3 AND ?4
           AND series IN (SELECT id FROM series WHERE network = ?1)",
    )?
    .execute(params![network.as_str(), oldest, lowest, highest])?;
    Ok(())
}

/// Decodes every series' key; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT id, key FROM series")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(1)?;
        let id: i64 = row.get(0)?;
        if let Err(error) = codec::decode::<SeriesKey>(&key, TABLE, id) {
            problem(error);
        }
    }
    Ok(())
}
