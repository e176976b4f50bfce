//! Findings, alerts and what was decided about them.

use std::collections::HashSet;

use model::{AlertId, Name, UnixMillis, UnixSeconds};
use rusqlite::{Transaction, params};

use super::{Now, Pass, Record, note};
use crate::{StoreError, codec, records};

/// Alerts, and findings, removed in one transaction at most: a year of a well-kept installation, and
/// a fraction of a second.
const RECORDS_MAX: usize = 1_000;

/// Removes alerts whose newest finding is older than `before` with everything that was decided and
/// sent about them, then findings as old that no alert refers to. What is still open stays with all
/// that belongs to it: provisional alerts, messages under way, findings about open holes.
pub(super) fn alerts(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
    now: &Now,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let open = findings_of_open_holes(tx, network)?;
    let mut candidates = tx.prepare_cached(
        "SELECT id, body FROM alerts
         WHERE network = ?1 AND last_finding_at < ?2 AND state <> 0
           AND NOT EXISTS (SELECT 1 FROM notification_alerts AS line
               JOIN notifications ON notifications.id = line.notification
               WHERE line.alert = alerts.id AND notifications.state = 0)
         ORDER BY last_finding_at LIMIT ?3",
    )?;
    // As many more as may have to stay.
    let limit = (RECORDS_MAX + open.len()) as i64;
    let mut rows = candidates.query(params![network.as_str(), codec::seconds(before), limit])?;
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        let alert = records::alerts::alert(row)?;
        if !alert.findings.iter().any(|finding| open.contains(finding.id.0.as_slice())) {
            gone.push(alert.id);
        }
    }
    drop(rows);
    gone.truncate(RECORDS_MAX);
    let removed = remove(tx, &gone)?;
    pass.has_more |= gone.len() == RECORDS_MAX;
    let findings = findings(tx, network, before, &open)?;
    pass.has_more |= findings == RECORDS_MAX;
    let findings = [(Record::Findings, findings)];
    for (what, removed) in findings.into_iter().chain(removed) {
        note(tx, network, what, removed as u64, before, now.wall)?;
        pass.add(what, removed as u64);
    }
    Ok(())
}

/// Removes what other systems reported and is over, once it was said last before `before` (wall
/// time), with everything that was decided and sent about it. It is counted with `network`, whose
/// turn it is: it has none of its own.
pub(super) fn reports(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
    at: UnixMillis,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let mut candidates = tx.prepare_cached(
        "SELECT id FROM alerts
         WHERE source IS NOT NULL AND last_finding_at < ?1
           AND NOT EXISTS (SELECT 1 FROM reports WHERE reports.alert = alerts.id)
           AND NOT EXISTS (SELECT 1 FROM notification_alerts AS line
               JOIN notifications ON notifications.id = line.notification
               WHERE line.alert = alerts.id AND notifications.state = 0)
         ORDER BY last_finding_at LIMIT ?2",
    )?;
    let ids = candidates
        .query_map(params![codec::seconds(before), RECORDS_MAX as i64], |row| row.get(0))?;
    let mut gone = Vec::new();
    for id in ids {
        let id: Vec<u8> = id?;
        gone.push(AlertId(codec::fixed(&id, "alerts", codec::printed(&id))?));
    }
    pass.has_more |= gone.len() == RECORDS_MAX;
    for (what, removed) in remove(tx, &gone)? {
        note(tx, network, what, removed as u64, before, at)?;
        pass.add(what, removed as u64);
    }
    Ok(())
}

/// Removes alerts with everything that was decided and sent about them; gives how many of each.
fn remove(tx: &Transaction<'_>, gone: &[AlertId]) -> Result<[(Record, usize); 3], StoreError> {
    let (mut alerts, mut decisions, mut messages) = (0, 0, 0);
    for id in gone {
        let id = id.0.as_slice();
        tx.prepare_cached(
            "DELETE FROM attempts WHERE notification IN (
                 SELECT id FROM notifications WHERE alert = ?1)",
        )?
        .execute([id])?;
        // A message leaves with the worst of its alerts; until then it tells of the others.
        tx.prepare_cached(
            "DELETE FROM notification_alerts WHERE notification IN (
                 SELECT id FROM notifications WHERE alert = ?1)",
        )?
        .execute([id])?;
        messages +=
            tx.prepare_cached("DELETE FROM notifications WHERE alert = ?1")?.execute([id])?;
        decisions += tx.prepare_cached("DELETE FROM rulings WHERE alert = ?1")?.execute([id])?;
        decisions += tx.prepare_cached("DELETE FROM decisions WHERE alert = ?1")?.execute([id])?;
        alerts += tx.prepare_cached("DELETE FROM alerts WHERE id = ?1")?.execute([id])?;
    }
    Ok([(Record::Alerts, alerts), (Record::Decisions, decisions), (Record::Messages, messages)])
}

/// Removes findings; gives how many.
fn findings(
    tx: &Transaction<'_>,
    network: &Name,
    before: UnixSeconds,
    open: &HashSet<Vec<u8>>,
) -> Result<usize, StoreError> {
    let mut kept = open.clone();
    // An alert that goes on for longer than anything is kept still has its first finding.
    let mut long =
        tx.prepare_cached("SELECT id, body FROM alerts WHERE network = ?1 AND opened_at < ?2")?;
    let mut rows = long.query(params![network.as_str(), codec::seconds(before)])?;
    while let Some(row) = rows.next()? {
        let alert = records::alerts::alert(row)?;
        kept.extend(alert.findings.iter().map(|finding| finding.id.0.to_vec()));
    }
    let mut oldest = tx.prepare_cached(
        "SELECT id FROM findings WHERE network = ?1 AND at < ?2 AND status <> 0
         ORDER BY at LIMIT ?3",
    )?;
    let limit = (RECORDS_MAX + kept.len()) as i64;
    let ids = oldest
        .query_map(params![network.as_str(), codec::seconds(before), limit], |row| row.get(0))?;
    let ids = ids.collect::<Result<Vec<Vec<u8>>, _>>()?;
    let mut delete = tx.prepare_cached("DELETE FROM findings WHERE id = ?1")?;
    let mut removed = 0;
    for id in ids.iter().filter(|id| !kept.contains(*id)).take(RECORDS_MAX) {
        removed += delete.execute([id])?;
    }
    Ok(removed)
}

fn findings_of_open_holes(
    tx: &Transaction<'_>,
    network: &Name,
) -> Result<HashSet<Vec<u8>>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT finding FROM coverage_holes
         WHERE network = ?1 AND closed_at IS NULL AND finding IS NOT NULL",
    )?;
    let findings = statement.query_map([network.as_str()], |row| row.get(0))?;
    Ok(findings.collect::<Result<_, _>>()?)
}
