//! What the pager was told, what it decided about groups, what was wrong with it.
//!
//! These belong to no network, so their age is wall time, but never more than the chain's: a network
//! that stands still forgets nothing. Whichever network looks removes them and counts them as its own.

use model::{Name, UnixMillis};
use rusqlite::{Transaction, params};

use super::{Now, Pass, Record, Retention, note};
use crate::StoreError;

/// Rows of one kind removed in one transaction at most: a fraction of a second.
const ROWS_MAX: i64 = 1_000;

/// Removes what is older than the limits. What alerts and messages were told is soon of no use to
/// anybody; what people said is kept as long as what they spoke of.
pub(super) fn forget(
    tx: &Transaction<'_>,
    network: &Name,
    limits: &Retention,
    now: &Now,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let before = |kept_s: u64| {
        let kept_ms = i64::try_from(kept_s).unwrap_or(i64::MAX).saturating_mul(1_000);
        let chain = UnixMillis::from(now.before(kept_s));
        UnixMillis(now.wall.0.saturating_sub(kept_ms)).min(chain).0
    };
    let (long, short) = (before(limits.findings_s), before(limits.events_s.min(limits.findings_s)));
    let inputs = tx
        .prepare_cached(
            "DELETE FROM pager_inbox WHERE sequence IN (
                 SELECT sequence FROM pager_inbox
                 WHERE sequence <= (SELECT applied FROM pager_checkpoint)
                   AND (kind IN ('alert', 'delivered') AND at < ?2
                        OR kind NOT IN ('alert', 'delivered') AND at < ?1)
                 ORDER BY sequence LIMIT ?3)",
        )?
        .execute(params![long, short, ROWS_MAX])?;
    let words = tx
        .prepare_cached(
            "DELETE FROM twin_words WHERE (alert, receiver, person, kind, sequence, twin) IN (
                 SELECT alert, receiver, person, kind, sequence, twin FROM twin_words
                 WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![long, ROWS_MAX])?;
    let said = tx
        .prepare_cached(
            "DELETE FROM twin_said WHERE (twin, number) IN (
                 SELECT twin, number FROM twin_said WHERE at < ?1 LIMIT ?2)",
        )?
        .execute(params![long, ROWS_MAX])?;
    let rulings = tx
        .prepare_cached(
            "DELETE FROM rulings WHERE id IN (
                 SELECT id FROM rulings WHERE alert IS NULL AND at < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![long, ROWS_MAX])?;
    let alarms = tx
        .prepare_cached(
            "DELETE FROM paging_alarms WHERE id IN (
                 SELECT id FROM paging_alarms WHERE at < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![long, ROWS_MAX])?;
    let up_to = now.before(limits.findings_s);
    for (what, removed) in
        [(Record::PagerInputs, inputs + words + said), (Record::Decisions, rulings + alarms)]
    {
        pass.has_more |= removed as i64 >= ROWS_MAX;
        note(tx, network, what, removed as u64, up_to, now.wall)?;
        pass.add(what, removed as u64);
    }
    Ok(())
}
