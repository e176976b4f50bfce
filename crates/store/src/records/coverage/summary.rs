//! The ledger in numbers: ranges, holes, quarantine, who was blind.

use std::collections::BTreeMap;

use model::{BlindMonitor, BlindReason, BlockCoverage, BlockNumber, BlockRange, Name};
use rusqlite::{Transaction, params};

use super::{BLIND, TABLE, coverage, key};
use crate::{
    Store, StoreError,
    codec::{self, unsigned},
    error::height,
};

/// Ranges, and blocks in quarantine, that a summary lists at most; beyond it only counts. A healthy
/// network has one range and no quarantine.
pub const COVERAGE_LISTED_MAX: usize = 1_000;

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
    pub judged_ranges: Vec<BlockRange>,
    /// Gaps between rows, ascending; the newest [`COVERAGE_LISTED_MAX`] of them.
    pub holes: Vec<BlockRange>,
    /// Rows of blocks in quarantine, ascending; the newest [`COVERAGE_LISTED_MAX`] of them.
    pub quarantine: Vec<BlockCoverage>,
    /// Monitors that were blind, by name.
    pub blind: Vec<BlindCount>,
}

/// How much of a network was judged, in blocks and in its own time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JudgedSpan {
    /// Blocks that were judged, by all monitors or by some.
    pub blocks: u64,
    /// Chain time of those blocks, in seconds: of what lies between the first and the last, the share
    /// that was judged.
    pub seconds: u64,
    /// Monitors that were blind, by name.
    pub blind: Vec<BlindCount>,
}

impl Store {
    /// How much of a network was judged, as far as rows are kept.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn judged(&self, network: &Name) -> Result<JudgedSpan, StoreError> {
        self.read("read how much was judged", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT count(monitors_judged), ifnull(max(at) - min(at), 0),
                     ifnull(max(block_number) - min(block_number) + 1, 0)
                 FROM coverage WHERE network = ?1",
            )?;
            let (blocks, span_s, heights) = statement.query_row([network.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })?;
            let blocks: u64 = unsigned(blocks, TABLE, network)?;
            // Times are the chain's claims; one before its parent's gives no time at all.
            let span_s = u64::try_from(span_s).unwrap_or(0);
            let heights: u64 = unsigned(heights, TABLE, network)?;
            let seconds = match heights {
                0 => 0,
                _ => (u128::from(span_s) * u128::from(blocks) / u128::from(heights)) as u64,
            };
            Ok(JudgedSpan { blocks, seconds, blind: blind_counts(tx, network, 0)? })
        })
    }

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
            push_newest(&mut summary.holes, BlockRange { first: last + 1, last: number - 1 });
        }
        if is_judged {
            summary.judged += 1;
            summary.judged_by_all += u64::from(blind == 0);
            match summary.judged_ranges.last_mut() {
                Some(range) if is_last_judged && is_next => range.last = number,
                _ => push_newest(
                    &mut summary.judged_ranges,
                    BlockRange { first: number, last: number },
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

fn push_newest(ranges: &mut Vec<BlockRange>, range: BlockRange) {
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
