//! The coverage ledger: what was judged, per block, and what was not.
//!
//! A hole between two rows is a block that nobody accounted for; it is reported as such, never
//! smoothed over.

use std::collections::BTreeMap;

use model::{
    BlindMonitor, BlindReason, BlockCoverage, BlockNumber, BlockRef, CoverageResult, Name,
    UnixSeconds,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{
    Store, StoreError,
    codec::{self, unsigned},
    error::height,
};

const TABLE: &str = "coverage";
const BLIND: &str = "blind_lists";

/// Ranges, and blocks in quarantine, that a summary lists at most; beyond it only counts. A healthy
/// network has one range and no quarantine.
pub const COVERAGE_LISTED_MAX: usize = 1_000;

/// Blocks without a gap between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageRange {
    /// Lowest.
    pub first: BlockNumber,
    /// Highest, itself included.
    pub last: BlockNumber,
}

/// How often a monitor was blind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindCount {
    /// Monitor.
    pub monitor: Name,
    /// Blocks that it could not judge.
    pub blocks: u64,
    /// Why it could not judge the newest of them.
    pub reason: BlindReason,
}

/// What was judged of a network, from some height on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageSummary {
    /// Blocks with a row.
    pub blocks: u64,
    /// Blocks that were judged, by all monitors or by some.
    pub judged: u64,
    /// Blocks that every monitor judged.
    pub judged_by_all: u64,
    /// Blocks in quarantine: nobody judged them.
    pub quarantined: u64,
    /// Blocks between the first and the last row that have none.
    pub missing: u64,
    /// Judged blocks without a gap, ascending; the newest [`COVERAGE_LISTED_MAX`] of them.
    pub judged_ranges: Vec<CoverageRange>,
    /// Gaps between rows, ascending; the newest [`COVERAGE_LISTED_MAX`] of them.
    pub holes: Vec<CoverageRange>,
    /// Rows of blocks in quarantine, ascending; the newest [`COVERAGE_LISTED_MAX`] of them.
    pub quarantine: Vec<BlockCoverage>,
    /// Monitors that were blind, by name.
    pub blind: Vec<BlindCount>,
}

impl Store {
    /// What was judged of a network at `from` and above. Reads one row a block: give it the span
    /// that is shown.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn coverage_summary(
        &self,
        network: &Name,
        from: BlockNumber,
    ) -> Result<CoverageSummary, StoreError> {
        self.read("summarise coverage", |tx| summary(tx, network, from))
    }

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
}

/// Records what became of a block. A row of the same block is replaced (it left quarantine).
pub(crate) fn upsert(tx: &Transaction<'_>, row: &BlockCoverage) -> Result<(), StoreError> {
    let network = row.network.as_str();
    if let Some(stored) = block_at(tx, &row.network, row.block.number)?
        && stored != row.block
    {
        let network = row.network.clone();
        return Err(StoreError::HeightTaken { network, stored, new: row.block });
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
    Ok(())
}

/// Deletes the rows of these blocks.
pub(crate) fn delete(
    tx: &Transaction<'_>,
    network: &Name,
    blocks: &[BlockRef],
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM coverage WHERE network = ?1 AND block_number = ?2 AND block_hash = ?3",
    )?;
    for block in blocks {
        let number = height(block.number)?;
        statement.execute(params![network.as_str(), number, block.hash.as_slice()])?;
    }
    Ok(())
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
    Ok(())
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

fn summary(
    tx: &Transaction<'_>,
    network: &Name,
    from: BlockNumber,
) -> Result<CoverageSummary, StoreError> {
    let mut summary = CoverageSummary::default();
    let span = params![network.as_str(), height(from)?];
    let mut statement = tx.prepare_cached(
        "SELECT block_number, quarantine IS NULL, blind_count FROM coverage
         WHERE network = ?1 AND block_number >= ?2 ORDER BY block_number",
    )?;
    let mut rows = statement.query(span)?;
    let mut last: Option<BlockNumber> = None;
    let mut is_last_judged = false;
    while let Some(row) = rows.next()? {
        let stored: i64 = row.get(0)?;
        let number: BlockNumber = unsigned(stored, TABLE, key(network, stored))?;
        let (is_judged, blind): (bool, i64) = (row.get(1)?, row.get(2)?);
        summary.blocks += 1;
        let is_next = last.is_none_or(|last| last + 1 == number);
        if let Some(last) = last.filter(|_| !is_next) {
            summary.missing += number - last - 1;
            push_newest(&mut summary.holes, CoverageRange { first: last + 1, last: number - 1 });
        }
        if is_judged {
            summary.judged += 1;
            summary.judged_by_all += u64::from(blind == 0);
            match summary.judged_ranges.last_mut() {
                Some(range) if is_last_judged && is_next => range.last = number,
                _ => push_newest(
                    &mut summary.judged_ranges,
                    CoverageRange { first: number, last: number },
                ),
            }
        } else {
            summary.quarantined += 1;
        }
        (last, is_last_judged) = (Some(number), is_judged);
    }
    summary.quarantine = quarantine(tx, network, from)?;
    summary.blind = blind_counts(tx, network, from)?;
    Ok(summary)
}

fn push_newest(ranges: &mut Vec<CoverageRange>, range: CoverageRange) {
    if ranges.len() == COVERAGE_LISTED_MAX {
        ranges.remove(0);
    }
    ranges.push(range);
}

fn quarantine(
    tx: &Transaction<'_>,
    network: &Name,
    from: BlockNumber,
) -> Result<Vec<BlockCoverage>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT block_number, block_hash, at, endpoint, monitors_version, monitors_judged,
                NULL, quarantine
         FROM coverage WHERE network = ?1 AND block_number >= ?2 AND quarantine IS NOT NULL
         ORDER BY block_number DESC LIMIT ?3",
    )?;
    let limit = COVERAGE_LISTED_MAX as i64;
    let mut rows = statement.query(params![network.as_str(), height(from)?, limit])?;
    let mut ledger = Vec::new();
    while let Some(row) = rows.next()? {
        ledger.push(coverage(row, network)?);
    }
    ledger.reverse();
    Ok(ledger)
}

/// Each distinct list is decoded once and counts for every block that has it.
fn blind_counts(
    tx: &Transaction<'_>,
    network: &Name,
    from: BlockNumber,
) -> Result<Vec<BlindCount>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, body, blocks FROM blind_lists JOIN (
             SELECT blind, count(*) AS blocks, max(block_number) AS newest FROM coverage
             WHERE network = ?1 AND block_number >= ?2 AND blind IS NOT NULL GROUP BY blind)
         ON id = blind ORDER BY newest",
    )?;
    let mut rows = statement.query(params![network.as_str(), height(from)?])?;
    let mut counts: BTreeMap<Name, BlindCount> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let body: Vec<u8> = row.get(1)?;
        let blocks: u64 = unsigned(row.get(2)?, TABLE, network)?;
        for BlindMonitor { monitor, reason } in codec::decode::<Vec<_>>(&body, BLIND, id)? {
            let known = counts.remove(&monitor).map_or(0, |count| count.blocks);
            let count = BlindCount { monitor: monitor.clone(), blocks: known + blocks, reason };
            counts.insert(monitor, count);
        }
    }
    Ok(counts.into_values().collect())
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
