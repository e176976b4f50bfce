//! Points of time series at one-second resolution.
//!
//! A point belongs to the block that produced it. Several blocks may share a second (chains with
//! more than one block a second): each leaves its own point under `(series, at, block)`, the value
//! of the second is the highest block's, and when that block is reverted the one below is the value
//! again. So a reversal deletes exactly what the reverted blocks wrote.
//!
//! This is the raw tier, kept for [`RAW_RETENTION_S`] unless told otherwise. The seam for coarser tiers and for remote
//! stores is narrow on purpose: points come in with a step, go out by [`Series::range`] in buckets
//! that know their minimum, maximum, mean, last value and count, and leave by [`Series::prune`].

mod query;
mod write;

pub use query::{
    Bucket, LabelMatcher, MatchOp, RangeQuery, SERIES_PER_QUERY_MAX, SERIES_PER_TOTAL_MAX,
    SeriesPoints, SeriesTotal,
};
pub(crate) use write::{SeriesIds, append, check, delete};

use model::{Name, UnixSeconds};
use rusqlite::{Transaction, params};

use crate::{Store, StoreError, codec};

/// How long points are kept at one-second resolution unless told otherwise: 30 days.
pub const RAW_RETENTION_S: u64 = 30 * 86_400;

/// Points that one call of [`Series::prune`] deletes at most: a fraction of a second, during which
/// steps wait.
pub const PRUNE_ROWS_MAX: usize = 50_000;

/// The time series of a store.
#[derive(Debug, Clone)]
pub struct Series {
    store: Store,
}

/// What one call of [`Series::prune`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Points deleted.
    pub points: u64,
    /// Whether there is more to delete: call again.
    pub has_more: bool,
}

impl Store {
    /// The time series kept in this database.
    pub fn series(&self) -> Series {
        Series { store: self.clone() }
    }
}

impl Series {
    /// Deletes points of a network older than `before`, at most [`PRUNE_ROWS_MAX`].
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn prune(&self, network: &Name, before: UnixSeconds) -> Result<Pruned, StoreError> {
        self.store.write("prune time series", |tx, _| prune(tx, network, before))
    }
}

/// As [`Series::prune`], as part of a transaction.
pub(crate) fn prune(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
) -> Result<Pruned, StoreError> {
    let before = codec::seconds(before);
    let mut ids = tx.prepare_cached("SELECT id FROM series WHERE network = ?1")?;
    let ids = ids.query_map([network.as_str()], |row| row.get::<_, i64>(0))?;
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let mut delete = tx.prepare_cached(
        "DELETE FROM samples WHERE series = ?1 AND (at, block_number) IN (
             SELECT at, block_number FROM samples WHERE series = ?1 AND at < ?2
             ORDER BY at LIMIT ?3)",
    )?;
    let mut left = PRUNE_ROWS_MAX;
    for id in ids {
        left -= delete.execute(params![id, before, left as i64])?;
        if left == 0 {
            return Ok(Pruned { points: PRUNE_ROWS_MAX as u64, has_more: true });
        }
    }
    // Only now: until its last point is gone, a block must stay revertible.
    tx.prepare_cached(
        "DELETE FROM sample_blocks WHERE network = ?1 AND first_at < ?2 AND NOT EXISTS (
             SELECT 1 FROM coverage WHERE coverage.network = sample_blocks.network
               AND coverage.block_number = sample_blocks.block_number AND coverage.at >= ?2)",
    )?
    .execute(params![network.as_str(), before])?;
    Ok(Pruned { points: (PRUNE_ROWS_MAX - left) as u64, has_more: false })
}
