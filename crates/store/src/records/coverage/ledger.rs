//! The ledger of a network: runs, rosters and what was judged afterwards.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use model::{
    BackfilledRange, BlindMonitor, BlockNumber, BlockRange, CoverageRun, LedgerRows, Name, Roster,
};
use rusqlite::{Row, Transaction, params};

use super::BLIND;
use crate::{
    Store, StoreError,
    codec::{self, unsigned},
    error::height,
};

/// Newest runs that one reading of the ledger takes in. A healthy network has a handful a year; one
/// whose monitors go blind and back with every block fills this in half a day of mainnet, and what
/// is older is then left out, which [`LedgerRows::from`] says.
pub const LEDGER_RUNS_MAX: usize = 5_000;

const RUNS: &str = "coverage_runs";
const BACKFILLED: &str = "coverage_backfilled";
const ROSTERS: &str = "rosters";

impl Store {
    /// Keeps who the monitors of a version are. Said again, nothing changes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_roster(
        &self,
        network: &Name,
        monitors_version: u64,
        roster: &Roster,
    ) -> Result<(), StoreError> {
        let body = codec::encode(ROSTERS, roster)?;
        self.write("keep a roster", |tx, _| {
            tx.prepare_cached(
                "INSERT INTO rosters (network, monitors_version, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                network.as_str(),
                monitors_version.cast_signed(),
                body
            ])?;
            Ok(())
        })
    }

    /// Everything the ledger knows of a network, at one moment.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn ledger(&self, network: &Name) -> Result<LedgerRows, StoreError> {
        self.read("read the ledger", |tx| {
            let (runs, from) = runs(tx, network)?;
            let backfilled = backfilled(tx, network)?;
            let versions: BTreeSet<u64> = runs
                .iter()
                .map(|run| run.monitors_version)
                .chain(backfilled.iter().map(|range| range.monitors_version))
                .collect();
            let mut rosters = BTreeMap::new();
            for version in versions {
                if let Some(roster) = roster(tx, network, version)? {
                    rosters.insert(version, Arc::new(roster));
                }
            }
            Ok(LedgerRows { from, runs, rosters, backfilled })
        })
    }
}

/// The newest runs, ascending, and the height from which they are complete.
fn runs(
    tx: &Transaction<'_>,
    network: &Name,
) -> Result<(Vec<CoverageRun>, BlockNumber), StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, first, last, monitors_version, blind, quarantine FROM coverage_runs
         WHERE network = ?1 ORDER BY first DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![network.as_str(), LEDGER_RUNS_MAX as i64 + 1])?;
    let mut lists: HashMap<i64, Arc<Vec<BlindMonitor>>> = HashMap::new();
    let nobody: Arc<Vec<BlindMonitor>> = Arc::default();
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, first, last, version): (i64, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (list, quarantine): (Option<i64>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
        let key = format!("{network} blocks {first} to {last}");
        let blind = match list {
            None => nobody.clone(),
            Some(list) => match lists.get(&list) {
                Some(known) => known.clone(),
                None => {
                    let read = Arc::new(blind_list(tx, list)?);
                    lists.insert(list, read.clone());
                    read
                }
            },
        };
        runs.push(CoverageRun {
            range: range(first, last, RUNS, &key)?,
            monitors_version: version.cast_unsigned(),
            blind,
            quarantine: quarantine.map(|body| codec::decode(&body, RUNS, &key)).transpose()?,
            endpoints: served(tx, id, &key)?,
        });
    }
    runs.reverse();
    let mut from = 0;
    if runs.len() > LEDGER_RUNS_MAX {
        runs.remove(0);
        from = runs.first().map_or(0, |run| run.range.first);
    }
    Ok((runs, from))
}

fn blind_list(tx: &Transaction<'_>, id: i64) -> Result<Vec<BlindMonitor>, StoreError> {
    let body: Vec<u8> = tx
        .prepare_cached("SELECT body FROM blind_lists WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    codec::decode(&body, BLIND, id)
}

fn served(tx: &Transaction<'_>, run: i64, key: &str) -> Result<Vec<(Name, u64)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT endpoint, blocks FROM coverage_served WHERE run = ?1 ORDER BY endpoint",
    )?;
    let mut rows = statement.query([run])?;
    let mut endpoints = Vec::new();
    while let Some(row) = rows.next()? {
        let (endpoint, blocks): (String, i64) = (row.get(0)?, row.get(1)?);
        endpoints.push((codec::name(&endpoint, RUNS, key)?, unsigned(blocks, RUNS, key)?));
    }
    Ok(endpoints)
}

fn roster(
    tx: &Transaction<'_>,
    network: &Name,
    version: u64,
) -> Result<Option<Roster>, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT body FROM rosters WHERE network = ?1 AND monitors_version = ?2")?;
    let mut rows = statement.query(params![network.as_str(), version.cast_signed()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let body: Vec<u8> = row.get(0)?;
    codec::decode(&body, ROSTERS, format!("{network} version {version}")).map(Some)
}

fn backfilled(tx: &Transaction<'_>, network: &Name) -> Result<Vec<BackfilledRange>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT monitor, first, last, monitors_version, endpoint, blind FROM coverage_backfilled
         WHERE network = ?1 ORDER BY monitor, first",
    )?;
    let mut rows = statement.query([network.as_str()])?;
    let mut ranges = Vec::new();
    while let Some(row) = rows.next()? {
        ranges.push(backfilled_range(row)?);
    }
    Ok(ranges)
}

/// A row of `monitor, first, last, monitors_version, endpoint, blind`.
fn backfilled_range(row: &Row<'_>) -> Result<BackfilledRange, StoreError> {
    let (monitor, first, last): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let key = format!("monitor {monitor} blocks {first} to {last}");
    let version: i64 = row.get(3)?;
    let (endpoint, blind): (Option<String>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
    Ok(BackfilledRange {
        monitor: codec::name(&monitor, BACKFILLED, &key)?,
        monitors_version: version.cast_unsigned(),
        range: range(first, last, BACKFILLED, &key)?,
        blind: blind.map(|body| codec::decode(&body, BACKFILLED, &key)).transpose()?,
        endpoint: endpoint.map(|text| codec::name(&text, BACKFILLED, &key)).transpose()?,
    })
}

/// Keeps what was judged afterwards. Where ranges of one monitor overlap, the new one holds.
pub(crate) fn insert_backfilled(
    tx: &Transaction<'_>,
    network: &Name,
    new: &BackfilledRange,
) -> Result<(), StoreError> {
    let (first, last) = (height(new.range.first)?, height(new.range.last)?);
    let monitor = new.monitor.as_str();
    let mut statement = tx.prepare_cached(
        "SELECT monitor, first, last, monitors_version, endpoint, blind FROM coverage_backfilled
         WHERE network = ?1 AND monitor = ?2 AND first <= ?4 AND last >= ?3 - 1
         ORDER BY first",
    )?;
    let mut rows = statement.query(params![network.as_str(), monitor, first, last])?;
    let mut touched = Vec::new();
    while let Some(row) = rows.next()? {
        touched.push(backfilled_range(row)?);
    }
    drop(rows);
    let mut joined = new.clone();
    for old in touched {
        tx.prepare_cached(
            "DELETE FROM coverage_backfilled WHERE network = ?1 AND monitor = ?2 AND first = ?3",
        )?
        .execute(params![network.as_str(), monitor, height(old.range.first)?])?;
        let is_alike = old.monitors_version == new.monitors_version
            && old.endpoint == new.endpoint
            && old.blind == new.blind;
        if is_alike {
            joined.range.first = joined.range.first.min(old.range.first);
            joined.range.last = joined.range.last.max(old.range.last);
            continue;
        }
        let below = new.range.first.checked_sub(1);
        let below =
            below.and_then(|last| BlockRange::new(old.range.first, last.min(old.range.last)));
        let above = BlockRange::new(new.range.last + 1, old.range.last);
        for kept in below.into_iter().chain(above) {
            put_backfilled(tx, network, &BackfilledRange { range: kept, ..old.clone() })?;
        }
    }
    put_backfilled(tx, network, &joined)
}

fn put_backfilled(
    tx: &Transaction<'_>,
    network: &Name,
    range: &BackfilledRange,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO coverage_backfilled
         (network, monitor, first, last, monitors_version, endpoint, blind)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        network.as_str(),
        range.monitor.as_str(),
        height(range.range.first)?,
        height(range.range.last)?,
        range.monitors_version.cast_signed(),
        range.endpoint.as_ref().map(Name::as_str),
        range.blind.as_ref().map(|reason| codec::encode(BACKFILLED, reason)).transpose()?,
    ])?;
    Ok(())
}

/// Forgets what was judged afterwards at this height and above: those blocks left the chain.
pub(super) fn cut_backfilled(
    tx: &Transaction<'_>,
    network: &Name,
    from: BlockNumber,
) -> Result<(), StoreError> {
    let from = params![network.as_str(), height(from)?];
    tx.prepare_cached("DELETE FROM coverage_backfilled WHERE network = ?1 AND first >= ?2")?
        .execute(from)?;
    tx.prepare_cached(
        "UPDATE coverage_backfilled SET last = ?2 - 1 WHERE network = ?1 AND last >= ?2",
    )?
    .execute(from)?;
    Ok(())
}

fn range(first: i64, last: i64, table: &'static str, key: &str) -> Result<BlockRange, StoreError> {
    let (first, last) = (unsigned(first, table, key)?, unsigned(last, table, key)?);
    BlockRange::new(first, last)
        .ok_or_else(|| StoreError::corrupt(table, key, "the range ends before it begins"))
}

/// Decodes every roster and every range; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT network, monitors_version, body FROM rosters")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (network, version, body): (String, i64, Vec<u8>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = format!("{network} version {}", version.cast_unsigned());
        if let Err(error) = codec::decode::<Roster>(&body, ROSTERS, key) {
            problem(error);
        }
    }
    let mut statement = tx.prepare(
        "SELECT monitor, first, last, monitors_version, endpoint, blind FROM coverage_backfilled",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = backfilled_range(row) {
            problem(error);
        }
    }
    Ok(())
}
