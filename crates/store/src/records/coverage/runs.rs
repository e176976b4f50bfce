//! Runs: blocks that were judged alike, as ranges.
//!
//! The runs of a network are a function of its rows: two neighbouring heights are in one run exactly
//! when version, blind monitors and quarantine of their rows are equal. A block that joins or leaves
//! touches at most two runs, whatever the number of monitors, so the ledger costs the same per block
//! with ten monitors and with ten thousand.

use model::{BlindMonitor, BlindReason, BlockNumber, Name};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::intern;
use crate::{StoreError, error::height};

/// A run, as far as joining and leaving need it.
struct Run {
    id: i64,
    first: i64,
    last: i64,
    monitors_version: i64,
    blind: Option<i64>,
    quarantine: Option<Vec<u8>>,
}

/// What a block's row says, as a run knows it.
pub(super) struct Alike<'a> {
    pub(super) monitors_version: u64,
    pub(super) blind: &'a [BlindMonitor],
    pub(super) quarantine: Option<&'a [u8]>,
    pub(super) endpoint: Option<&'a Name>,
}

/// A block's row was written where none was.
pub(super) fn join(
    tx: &Transaction<'_>,
    network: &Name,
    number: BlockNumber,
    alike: &Alike<'_>,
    blind_list: Option<i64>,
) -> Result<(), StoreError> {
    let number = height(number)?;
    let version = alike.monitors_version.cast_signed();
    let blind = if is_warming_up(alike.blind) {
        let without_counts: Vec<BlindMonitor> = alike.blind.iter().map(without_count).collect();
        Some(intern(tx, &without_counts)?)
    } else {
        blind_list
    };
    let mut statement = tx.prepare_cached(
        "SELECT id, first, last, monitors_version, blind, quarantine FROM coverage_runs
         WHERE network = ?1 AND first <= ?2 + 1 ORDER BY first DESC LIMIT 2",
    )?;
    let mut rows = statement.query(params![network.as_str(), number])?;
    let (mut below, mut above) = (None, None);
    while let Some(row) = rows.next()? {
        let run = run(row)?;
        let is_alike = run.monitors_version == version
            && run.blind == blind
            && run.quarantine.as_deref() == alike.quarantine;
        if is_alike && run.first == number + 1 {
            above = Some(run);
        } else if is_alike && run.last == number - 1 {
            below = Some(run);
        }
    }
    let run = match (below, above) {
        (Some(below), Some(above)) => {
            tx.prepare_cached(
                "INSERT INTO coverage_served (run, endpoint, blocks)
                 SELECT ?1, endpoint, blocks FROM coverage_served WHERE run = ?2
                 ON CONFLICT DO UPDATE SET blocks = blocks + excluded.blocks",
            )?
            .execute([below.id, above.id])?;
            delete(tx, above.id)?;
            stretch(tx, below.id, below.first, above.last)?;
            below.id
        }
        (Some(below), None) => {
            stretch(tx, below.id, below.first, number)?;
            below.id
        }
        (None, Some(above)) => {
            stretch(tx, above.id, number, above.last)?;
            above.id
        }
        (None, None) => {
            tx.prepare_cached(
                "INSERT INTO coverage_runs
                 (network, first, last, monitors_version, blind, quarantine)
                 VALUES (?1, ?2, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                network.as_str(),
                number,
                version,
                blind,
                alike.quarantine
            ])?;
            tx.last_insert_rowid()
        }
    };
    if let Some(endpoint) = alike.endpoint {
        tx.prepare_cached(
            "INSERT INTO coverage_served (run, endpoint, blocks) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET blocks = blocks + 1",
        )?
        .execute(params![run, endpoint.as_str()])?;
    }
    Ok(())
}

/// A block's row was deleted, or is about to be replaced. `endpoint` is who had served it.
pub(super) fn leave(
    tx: &Transaction<'_>,
    network: &Name,
    number: BlockNumber,
    endpoint: Option<&str>,
) -> Result<(), StoreError> {
    let number = height(number)?;
    let found = tx
        .prepare_cached(
            "SELECT id, first, last, monitors_version, blind, quarantine FROM coverage_runs
             WHERE network = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![network.as_str(), number], |row| Ok(run(row)))
        .optional()?
        .transpose()?;
    let Some(run) = found.filter(|run| number <= run.last) else { return Ok(()) };
    if run.first == run.last {
        return delete(tx, run.id);
    }
    if let Some(endpoint) = endpoint {
        tx.prepare_cached(
            "UPDATE coverage_served SET blocks = blocks - 1 WHERE run = ?1 AND endpoint = ?2",
        )?
        .execute(params![run.id, endpoint])?;
        tx.prepare_cached("DELETE FROM coverage_served WHERE run = ?1 AND blocks = 0")?
            .execute([run.id])?;
    }
    if number == run.last {
        return stretch(tx, run.id, run.first, number - 1);
    }
    if number == run.first {
        return stretch(tx, run.id, number + 1, run.last);
    }
    split(tx, network, &run, number)
}

/// A block in the middle left: only one of a run in quarantine does, because a reorg takes from the
/// end. Such runs are short, and the served blocks are counted anew.
fn split(tx: &Transaction<'_>, network: &Name, run: &Run, number: i64) -> Result<(), StoreError> {
    stretch(tx, run.id, run.first, number - 1)?;
    tx.prepare_cached(
        "INSERT INTO coverage_runs (network, first, last, monitors_version, blind, quarantine)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        network.as_str(),
        number + 1,
        run.last,
        run.monitors_version,
        run.blind,
        run.quarantine
    ])?;
    let above = tx.last_insert_rowid();
    tx.prepare_cached("DELETE FROM coverage_served WHERE run = ?1")?.execute([run.id])?;
    for (id, first, last) in [(run.id, run.first, number - 1), (above, number + 1, run.last)] {
        tx.prepare_cached(
            "INSERT INTO coverage_served (run, endpoint, blocks)
             SELECT ?1, endpoint, count(*) FROM coverage
             WHERE network = ?2 AND block_number BETWEEN ?3 AND ?4 AND endpoint IS NOT NULL
             GROUP BY endpoint",
        )?
        .execute(params![id, network.as_str(), first, last])?;
    }
    Ok(())
}

fn stretch(tx: &Transaction<'_>, id: i64, first: i64, last: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE coverage_runs SET first = ?2, last = ?3 WHERE id = ?1")?
        .execute([id, first, last])?;
    Ok(())
}

fn delete(tx: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM coverage_served WHERE run = ?1")?.execute([id])?;
    tx.prepare_cached("DELETE FROM coverage_runs WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// A row of `id, first, last, monitors_version, blind, quarantine`.
fn run(row: &Row<'_>) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.get(0)?,
        first: row.get(1)?,
        last: row.get(2)?,
        monitors_version: row.get(3)?,
        blind: row.get(4)?,
        quarantine: row.get(5)?,
    })
}

fn is_warming_up(blind: &[BlindMonitor]) -> bool {
    blind.iter().any(|b| matches!(b.reason, BlindReason::WarmingUp { .. }))
}

/// How far a warm-up has come is another number in each block; that there is one is what blocks
/// have in common.
fn without_count(blind: &BlindMonitor) -> BlindMonitor {
    let reason = match &blind.reason {
        BlindReason::WarmingUp { needed, .. } => {
            BlindReason::WarmingUp { seen: 0, needed: *needed }
        }
        reason => reason.clone(),
    };
    BlindMonitor { monitor: blind.monitor.clone(), reason }
}
