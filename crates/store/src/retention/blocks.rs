//! Events of the log, and rows of the ledger.

use std::collections::BTreeSet;

use model::{Name, UnixSeconds};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Now, Pass, Record, note};
use crate::{
    StoreError, codec,
    error::{height, integer},
    event_log,
};

/// Events removed in one transaction at most: an hour and a half of mainnet. A block with traces is a
/// megabyte, and its pages are written once more to be free.
const EVENTS_MAX: usize = 500;

/// Rows of the ledger removed in one transaction at most: sixteen hours of mainnet.
const ROWS_MAX: usize = 5_000;

/// Removes events from the front of the log: judged, final, and older than `before`.
pub(super) fn events(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
    now: &Now,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT position, block_number FROM log_events
         WHERE network = ?1 AND position < ?2 ORDER BY position LIMIT ?3",
    )?;
    let judged =
        params![network.as_str(), integer("position", now.position.0)?, EVENTS_MAX as i64 + 1];
    let oldest = statement.query_map(judged, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let oldest = oldest.collect::<Result<Vec<(i64, i64)>, _>>()?;
    let rows_gone: Option<(Option<i64>, i64)> = tx
        .prepare_cached("SELECT block, up_to FROM forgotten WHERE network = ?1 AND what = ?2")?
        .query_row(params![network.as_str(), Record::Coverage.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    // An event of a block without a row of its own (it left the chain, nobody knows its time) is as
    // old as the next that has one.
    let mut time_of = tx.prepare_cached(
        "SELECT at FROM coverage WHERE network = ?1 AND block_number >= ?2 AND at IS NOT NULL
         ORDER BY block_number LIMIT 1",
    )?;
    let (finalized, before_column) = (height(now.finalized.number)?, codec::seconds(before));
    let mut removed = 0;
    for (position, number) in oldest.iter().take(EVENTS_MAX) {
        let is_row_gone = rows_gone.is_some_and(|(floor, up_to)| {
            floor.is_some_and(|floor| *number < floor) && up_to <= before_column
        });
        let at: Option<i64> =
            time_of.query_row(params![network.as_str(), number], |row| row.get(0)).optional()?;
        let is_old = is_row_gone || at.is_some_and(|at| at < before_column);
        if *number >= finalized || !is_old {
            break;
        }
        removed = position + 1;
    }
    let Some((first, _)) = oldest.first().filter(|(first, _)| *first < removed) else {
        return Ok(());
    };
    event_log::remove_before(tx, network, removed)?;
    let count = (removed - first).unsigned_abs();
    pass.has_more |= count == EVENTS_MAX as u64 && oldest.len() > EVENTS_MAX;
    note(tx, network, Record::Events, count, before, now.wall)?;
    pass.add(Record::Events, count);
    Ok(())
}

/// Removes the ledger's rows of final blocks that are older than `before`. A row in quarantine stays:
/// its block may still be judged.
pub(super) fn coverage(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
    now: &Now,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT block_number, at, blind FROM coverage
         WHERE network = ?1 AND block_number < ?2 AND quarantine IS NULL
         ORDER BY block_number LIMIT ?3",
    )?;
    let mut rows = statement.query(params![
        network.as_str(),
        height(now.finalized.number)?,
        ROWS_MAX as i64
    ])?;
    let before_column = codec::seconds(before);
    let (mut last, mut lists) = (None, BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (number, at, blind): (i64, Option<i64>, Option<i64>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if at.is_none_or(|at| at >= before_column) {
            break;
        }
        last = Some(number);
        lists.extend(blind);
    }
    let Some(last) = last else { return Ok(()) };
    let count = tx
        .prepare_cached(
            "DELETE FROM coverage
             WHERE network = ?1 AND block_number <= ?2 AND quarantine IS NULL",
        )?
        .execute(params![network.as_str(), last])?;
    let mut unused = tx.prepare_cached(
        "DELETE FROM blind_lists WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM coverage WHERE blind = ?1)
             AND NOT EXISTS (SELECT 1 FROM coverage_runs WHERE blind = ?1)",
    )?;
    for list in lists {
        unused.execute([list])?;
    }
    note(tx, network, Record::Coverage, count as u64, before, now.wall)?;
    tx.prepare_cached(
        "UPDATE forgotten SET block = max(ifnull(block, 0), ?3) WHERE network = ?1 AND what = ?2",
    )?
    .execute(params![network.as_str(), Record::Coverage.as_str(), last + 1])?;
    pass.has_more |= count >= ROWS_MAX;
    pass.add(Record::Coverage, count as u64);
    Ok(())
}
