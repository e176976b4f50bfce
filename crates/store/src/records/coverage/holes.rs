//! Holes that were seen: when, who was told, when they were closed.

use model::{FindingId, Name, OpenHole, UnixMillis, UnixSeconds};
use rusqlite::{Row, Transaction, params};

use crate::{Record, Store, StoreError, codec, retention};

const TABLE: &str = "coverage_holes";

/// Closed holes that are kept for each network: a page's worth of history many times over.
const CLOSED_KEPT_MAX: i64 = 1_000;

/// A hole on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoleRecord {
    /// Number in the store; `None` for one that is not there yet.
    pub id: Option<i64>,
    /// The hole as last seen.
    pub hole: OpenHole,
    /// The finding that told of it, once it had been open for long enough.
    pub finding: Option<FindingId>,
    /// Wall time at which it was found closed; `None` while it is open.
    pub closed_at: Option<UnixMillis>,
}

impl Store {
    /// The holes of a network that are open, in the order in which they were seen.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn open_holes(&self, network: &Name) -> Result<Vec<HoleRecord>, StoreError> {
        self.holes(
            network,
            "SELECT id, closed_at, finding, body FROM coverage_holes
             WHERE network = ?1 AND closed_at IS NULL ORDER BY id LIMIT ?2",
            i64::MAX,
        )
    }

    /// The holes of a network that were closed last, newest first; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn closed_holes(
        &self,
        network: &Name,
        limit: usize,
    ) -> Result<Vec<HoleRecord>, StoreError> {
        self.holes(
            network,
            "SELECT id, closed_at, finding, body FROM coverage_holes
             WHERE network = ?1 AND closed_at IS NOT NULL ORDER BY closed_at DESC, id DESC LIMIT ?2",
            i64::try_from(limit).unwrap_or(i64::MAX),
        )
    }

    fn holes(&self, network: &Name, sql: &str, limit: i64) -> Result<Vec<HoleRecord>, StoreError> {
        self.read("read holes", |tx| {
            let mut statement = tx.prepare_cached(sql)?;
            let mut rows = statement.query(params![network.as_str(), limit])?;
            let mut holes = Vec::new();
            while let Some(row) = rows.next()? {
                holes.push(record(row)?);
            }
            Ok(holes)
        })
    }
}

/// Writes a hole as it is now.
pub(crate) fn put(tx: &Transaction<'_>, record: &HoleRecord) -> Result<(), StoreError> {
    let hole = &record.hole;
    tx.prepare_cached(
        "INSERT INTO coverage_holes (id, network, seen_at, closed_at, finding, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET closed_at = excluded.closed_at, finding = excluded.finding,
             body = excluded.body",
    )?
    .execute(params![
        record.id,
        hole.network.as_str(),
        hole.seen_at.0,
        record.closed_at.map(|at| at.0),
        record.finding.map(|id| id.0.to_vec()),
        codec::encode(TABLE, hole)?,
    ])?;
    if let Some(closed_at) = record.closed_at {
        let removed = tx.prepare_cached(
            "DELETE FROM coverage_holes WHERE network = ?1 AND closed_at IS NOT NULL AND id <= (
                 SELECT id FROM coverage_holes WHERE network = ?1 AND closed_at IS NOT NULL
                 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![hole.network.as_str(), CLOSED_KEPT_MAX])?;
        let up_to = UnixSeconds((closed_at.0.max(0) / 1_000).unsigned_abs());
        let what = Record::ClosedHoles;
        retention::note(tx, &hole.network, what, removed as u64, up_to, closed_at)?;
    }
    Ok(())
}

/// A row of `id, closed_at, finding, body`.
fn record(row: &Row<'_>) -> Result<HoleRecord, StoreError> {
    let id: i64 = row.get(0)?;
    let (closed_at, finding): (Option<i64>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?);
    let body: Vec<u8> = row.get(3)?;
    let finding = finding.map(|bytes| codec::fixed::<16>(&bytes, TABLE, id)).transpose()?;
    Ok(HoleRecord {
        id: Some(id),
        hole: codec::decode(&body, TABLE, id)?,
        finding: finding.map(FindingId),
        closed_at: closed_at.map(UnixMillis),
    })
}

/// Decodes every hole; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT id, closed_at, finding, body FROM coverage_holes")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = record(row) {
            problem(error);
        }
    }
    Ok(())
}
