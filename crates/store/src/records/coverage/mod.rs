//! The coverage ledger: what was judged, per block, and what was not.
//!
//! A hole between two rows is a block that nobody accounted for; it is reported as such, never
//! smoothed over. Beside the rows stand the runs, which say the same of thousands of blocks at once,
//! and what was judged afterwards.

mod holes; //   holes that were seen: when, who was told, when they were closed
mod ledger; //  everything about one network: runs, rosters, what was judged afterwards
mod runs; //    blocks that were judged alike, as ranges
mod summary; // counts over the newest blocks

pub use holes::HoleRecord;
pub(crate) use holes::put as put_hole;
pub use ledger::LEDGER_RUNS_MAX;
pub(crate) use ledger::insert_backfilled;
pub use summary::{BlindCount, COVERAGE_LISTED_MAX, CoverageSummary, JudgedSpan};

use model::{
    BlindMonitor, BlockCoverage, BlockNumber, BlockRef, CoverageResult, Name, UnixSeconds,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{
    Record, Store, StoreError,
    codec::{self, unsigned},
    error::height,
};

const TABLE: &str = "coverage";
const BLIND: &str = "blind_lists";

impl Store {
    /// The ledger's rows of a network, ascending, from a height on; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn coverage(
        &self,
        network: &Name,
        from: BlockNumber,
        limit: usize,
    ) -> Result<Vec<BlockCoverage>, StoreError> {
        self.read("read coverage", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT block_number, block_hash, at, endpoint, monitors_version, monitors_judged,
                        body, quarantine
                 FROM coverage LEFT JOIN blind_lists ON blind_lists.id = coverage.blind
                 WHERE network = ?1 AND block_number >= ?2 ORDER BY block_number LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![network.as_str(), height(from)?, limit])?;
            let mut ledger = Vec::new();
            while let Some(row) = rows.next()? {
                ledger.push(coverage(row, network)?);
            }
            Ok(ledger)
        })
    }

    /// The ledger's newest rows of a network below a height (all heights for `None`), descending;
    /// at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn coverage_newest(
        &self,
        network: &Name,
        before: Option<BlockNumber>,
        limit: usize,
    ) -> Result<Vec<BlockCoverage>, StoreError> {
        self.read("read coverage", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT block_number, block_hash, at, endpoint, monitors_version, monitors_judged,
                        body, quarantine
                 FROM coverage LEFT JOIN blind_lists ON blind_lists.id = coverage.blind
                 WHERE network = ?1 AND block_number < ?2 ORDER BY block_number DESC LIMIT ?3",
            )?;
            let before =
                before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![network.as_str(), before, limit])?;
            let mut ledger = Vec::new();
            while let Some(row) = rows.next()? {
                ledger.push(coverage(row, network)?);
            }
            Ok(ledger)
        })
    }
}

/// Records what became of a block. A row of the same block is replaced (it left quarantine).
pub(crate) fn upsert(tx: &Transaction<'_>, row: &BlockCoverage) -> Result<(), StoreError> {
    let network = row.network.as_str();
    if let Some(stored) = block_at(tx, &row.network, row.block.number)? {
        if stored != row.block {
            let network = row.network.clone();
            return Err(StoreError::HeightTaken { network, stored, new: row.block });
        }
        let endpoint = endpoint_at(tx, &row.network, row.block.number)?;
        runs::leave(tx, &row.network, row.block.number, endpoint.as_deref())?;
    }
    let (judged, blind, quarantine) = match &row.result {
        CoverageResult::Judged { monitors_judged, blind } => (Some(*monitors_judged), blind, None),
        CoverageResult::Quarantined(reason) => {
            (None, &Vec::new(), Some(codec::encode(TABLE, reason)?))
        }
    };
    let blind_list = match blind.as_slice() {
        [] => None,
        blind => Some(intern(tx, blind)?),
    };
    tx.prepare_cached(
        "INSERT OR REPLACE INTO coverage
         (network, block_number, block_hash, at, endpoint, monitors_version, monitors_judged,
          blind_count, blind, quarantine)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        network,
        height(row.block.number)?,
        row.block.hash.as_slice(),
        row.timestamp.map(codec::seconds),
        row.endpoint.as_ref().map(Name::as_str),
        row.monitors_version.cast_signed(),
        judged,
        blind.len() as i64,
        blind_list,
        quarantine,
    ])?;
    let alike = runs::Alike {
        monitors_version: row.monitors_version,
        blind,
        quarantine: quarantine.as_deref(),
        endpoint: row.endpoint.as_ref(),
    };
    runs::join(tx, &row.network, row.block.number, &alike, blind_list)
}

/// Deletes the rows of these blocks.
pub(crate) fn delete(
    tx: &Transaction<'_>,
    network: &Name,
    blocks: &[BlockRef],
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM coverage WHERE network = ?1 AND block_number = ?2 AND block_hash = ?3
         RETURNING endpoint",
    )?;
    for block in blocks {
        let number = height(block.number)?;
        let deleted: Option<Option<String>> = statement
            .query_row(params![network.as_str(), number, block.hash.as_slice()], |row| row.get(0))
            .optional()?;
        match deleted {
            Some(endpoint) => runs::leave(tx, network, block.number, endpoint.as_deref())?,
            // Finality broke so deep that retention has removed the row: its run knows it still.
            None if is_forgotten(tx, network, number)? => {
                runs::leave(tx, network, block.number, None)?;
            }
            None => {}
        }
    }
    match blocks.iter().map(|block| block.number).min() {
        Some(lowest) => ledger::cut_backfilled(tx, network, lowest),
        None => Ok(()),
    }
}

/// Whether retention has removed the rows of this height.
fn is_forgotten(tx: &Transaction<'_>, network: &Name, number: i64) -> Result<bool, StoreError> {
    let floor: Option<Option<i64>> = tx
        .prepare_cached("SELECT block FROM forgotten WHERE network = ?1 AND what = ?2")?
        .query_row(params![network.as_str(), Record::Coverage.as_str()], |row| row.get(0))
        .optional()?;
    Ok(floor.flatten().is_some_and(|floor| number < floor))
}

fn endpoint_at(
    tx: &Transaction<'_>,
    network: &Name,
    number: BlockNumber,
) -> Result<Option<String>, StoreError> {
    let endpoint = tx
        .prepare_cached("SELECT endpoint FROM coverage WHERE network = ?1 AND block_number = ?2")?
        .query_row(params![network.as_str(), height(number)?], |row| row.get(0))
        .optional()?;
    Ok(endpoint.flatten())
}

/// The block on record at a height.
pub(crate) fn block_at(
    tx: &Transaction<'_>,
    network: &Name,
    number: BlockNumber,
) -> Result<Option<BlockRef>, StoreError> {
    let stored: Option<(i64, Vec<u8>)> = tx
        .prepare_cached(
            "SELECT block_number, block_hash FROM coverage
             WHERE network = ?1 AND block_number = ?2",
        )?
        .query_row(params![network.as_str(), height(number)?], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    stored.map(|(at, hash)| codec::block(at, &hash, TABLE, key(network, at))).transpose()
}

/// Decodes every list of blind monitors; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT id, body FROM blind_lists")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(1)?;
        let id: i64 = row.get(0)?;
        if let Err(error) = codec::decode::<Vec<BlindMonitor>>(&body, BLIND, id) {
            problem(error);
        }
    }
    ledger::check(tx, problem)?;
    holes::check(tx, problem)
}

fn intern(tx: &Transaction<'_>, blind: &[BlindMonitor]) -> Result<i64, StoreError> {
    let body = codec::encode(BLIND, &blind)?;
    let known: Option<i64> = tx
        .prepare_cached("SELECT id FROM blind_lists WHERE body = ?1")?
        .query_row([&body], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    tx.prepare_cached("INSERT INTO blind_lists (body) VALUES (?1)")?.execute([&body])?;
    Ok(tx.last_insert_rowid())
}

/// A row of `block_number, block_hash, at, endpoint, monitors_version, monitors_judged, blind list,
/// quarantine`.
fn coverage(row: &Row<'_>, network: &Name) -> Result<BlockCoverage, StoreError> {
    let (number, hash): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let key = key(network, number);
    let at: Option<i64> = row.get(2)?;
    let endpoint: Option<String> = row.get(3)?;
    let version: i64 = row.get(4)?;
    let (judged, blind, quarantine): (Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>) =
        (row.get(5)?, row.get(6)?, row.get(7)?);
    let result = match (judged, quarantine) {
        (Some(judged), None) => CoverageResult::Judged {
            monitors_judged: unsigned(judged, TABLE, &key)?,
            blind: match blind {
                Some(body) => codec::decode(&body, BLIND, &key)?,
                None => Vec::new(),
            },
        },
        (None, Some(reason)) => CoverageResult::Quarantined(codec::decode(&reason, TABLE, &key)?),
        _ => return Err(StoreError::corrupt(TABLE, key, "judged and in quarantine, or neither")),
    };
    Ok(BlockCoverage {
        network: network.clone(),
        block: codec::block(number, &hash, TABLE, &key)?,
        timestamp: at.map(|at| unsigned(at, TABLE, &key)).transpose()?.map(UnixSeconds),
        endpoint: endpoint.map(|text| codec::name(&text, TABLE, &key)).transpose()?,
        monitors_version: version.cast_unsigned(),
        result,
    })
}

fn key(network: &Name, number: i64) -> String {
    format!("{network} block {number}")
}
