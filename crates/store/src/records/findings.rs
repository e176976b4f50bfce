//! Findings, and whether the chain still supports them.

use model::{
    BlockNumber, BlockRef, Finding, FindingId, FindingStatus, Name, Severity, UnixSeconds,
};
use rusqlite::{Row, Transaction, named_params, params};

use super::{
    page::{self, Cursor, Page},
    severity_rank,
};
use crate::{
    Store, StoreError,
    codec::{self, printed},
    error::height,
};

const TABLE: &str = "findings";

/// A finding and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRecord {
    /// What was found; its origin is the block it was found on last.
    pub finding: Finding,
    /// Whether the chain still supports it.
    pub status: FindingStatus,
}

/// Which findings to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Of this network.
    pub network: Option<Name>,
    /// Of this monitor.
    pub monitor: Option<Name>,
    /// About this deployment.
    pub deployment: Option<Name>,
    /// With this status.
    pub status: Option<FindingStatus>,
    /// At least this bad.
    pub severity_min: Option<Severity>,
    /// Block time not before this.
    pub since: Option<UnixSeconds>,
    /// Block time before this.
    pub until: Option<UnixSeconds>,
}

impl Store {
    /// One finding.
    ///
    /// # Errors
    /// When the database cannot be read or the row is corrupt.
    pub fn finding(&self, id: FindingId) -> Result<Option<FindingRecord>, StoreError> {
        self.read("read a finding", |tx| load(tx, id))
    }

    /// Findings by block time, newest first.
    ///
    /// # Errors
    /// When `limit` is 0 or more than [`crate::PAGE_MAX`], or a row is corrupt.
    pub fn findings(
        &self,
        filter: &FindingFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<FindingRecord>, StoreError> {
        let fetch = page::fetch(limit)?;
        let before = page::before(after);
        self.read("list findings", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, status, body, at FROM findings
                 WHERE (at, id) < (:at, :id) AND at >= :since AND at < :until
                   AND (:network IS NULL OR network = :network)
                   AND (:monitor IS NULL OR monitor = :monitor)
                   AND (:deployment IS NULL OR deployment = :deployment)
                   AND (:status IS NULL OR status = :status)
                   AND severity >= :severity_min
                 ORDER BY at DESC, id DESC LIMIT :fetch",
            )?;
            let mut rows = statement.query(named_params! {
                ":at": before.at,
                ":id": before.id.as_slice(),
                ":since": filter.since.map_or(0, codec::seconds),
                ":until": filter.until.map_or(i64::MAX, codec::seconds),
                ":network": filter.network.as_ref().map(Name::as_str),
                ":monitor": filter.monitor.as_ref().map(Name::as_str),
                ":deployment": filter.deployment.as_ref().map(Name::as_str),
                ":status": filter.status.map(status_column),
                ":severity_min": filter.severity_min.map_or(0, severity_rank),
                ":fetch": fetch,
            })?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let record = record(row)?;
                found.push((Cursor { at: row.get(3)?, id: record.finding.id.0 }, record));
            }
            Ok(page::page(found, limit))
        })
    }
}

/// Reads one finding.
pub(crate) fn load(
    tx: &Transaction<'_>,
    id: FindingId,
) -> Result<Option<FindingRecord>, StoreError> {
    let mut statement = tx.prepare_cached("SELECT id, status, body FROM findings WHERE id = ?1")?;
    let mut rows = statement.query([id.0.as_slice()])?;
    rows.next()?.map(record).transpose()
}

/// Records a finding as tentative. The same finding made again stands on its new block from now
/// on, whatever became of the one before.
pub(crate) fn upsert(tx: &Transaction<'_>, finding: &Finding) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO findings
         (id, network, monitor, deployment, severity, status, block_number, block_hash, at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET network = excluded.network, monitor = excluded.monitor,
             deployment = excluded.deployment, severity = excluded.severity,
             status = excluded.status, block_number = excluded.block_number,
             block_hash = excluded.block_hash, at = excluded.at, body = excluded.body",
    )?
    .execute(params![
        finding.id.0.as_slice(),
        finding.network.as_str(),
        finding.monitor.as_str(),
        finding.deployment.as_ref().map(Name::as_str),
        severity_rank(finding.severity),
        height(finding.origin.block.number)?,
        finding.origin.block.hash.as_slice(),
        codec::seconds(finding.origin.timestamp),
        codec::encode(TABLE, finding)?,
    ])?;
    Ok(())
}

/// Retracts the findings that stand on these blocks; returns how many.
pub(crate) fn retract(
    tx: &Transaction<'_>,
    network: &Name,
    blocks: &[BlockRef],
) -> Result<u64, StoreError> {
    let mut statement = tx.prepare_cached(
        "UPDATE findings SET status = 2
         WHERE network = ?1 AND block_hash = ?2 AND status <> 2",
    )?;
    let mut retracted = 0;
    for block in blocks {
        retracted += statement.execute(params![network.as_str(), block.hash.as_slice()])? as u64;
    }
    Ok(retracted)
}

/// Retracts these findings, whatever block they are on; returns how many stood.
pub(crate) fn withdraw(tx: &Transaction<'_>, ids: &[FindingId]) -> Result<u64, StoreError> {
    let mut statement =
        tx.prepare_cached("UPDATE findings SET status = 2 WHERE id = ?1 AND status <> 2")?;
    let mut withdrawn = 0;
    for id in ids {
        withdrawn += statement.execute([id.0.as_slice()])? as u64;
    }
    Ok(withdrawn)
}

/// Confirms the tentative findings up to a height; returns how many.
pub(crate) fn confirm(
    tx: &Transaction<'_>,
    network: &Name,
    up_to: BlockNumber,
) -> Result<u64, StoreError> {
    let confirmed = tx
        .prepare_cached(
            "UPDATE findings SET status = 1
             WHERE network = ?1 AND block_number <= ?2 AND status = 0",
        )?
        .execute(params![network.as_str(), height(up_to)?])?;
    Ok(confirmed as u64)
}

/// Decodes every finding; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<u64, StoreError> {
    let mut statement = tx.prepare("SELECT id, status, body FROM findings")?;
    let mut rows = statement.query([])?;
    let mut checked = 0;
    while let Some(row) = rows.next()? {
        checked += 1;
        if let Err(error) = record(row) {
            problem(error);
        }
    }
    Ok(checked)
}

/// A row of `id, status, body`.
fn record(row: &Row<'_>) -> Result<FindingRecord, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    let status = match row.get(1)? {
        0 => FindingStatus::Tentative,
        1 => FindingStatus::Confirmed,
        2 => FindingStatus::Retracted,
        other => {
            let reason = format_args!("unknown status {other}");
            return Err(StoreError::corrupt(TABLE, printed(&id), reason));
        }
    };
    let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let finding: Finding = codec::decode(body, TABLE, printed(&id))?;
    if finding.id.0 != *id {
        let reason = format_args!("body is of finding {}", finding.id);
        return Err(StoreError::corrupt(TABLE, printed(&id), reason));
    }
    Ok(FindingRecord { finding, status })
}

fn status_column(status: FindingStatus) -> i64 {
    match status {
        FindingStatus::Tentative => 0,
        FindingStatus::Confirmed => 1,
        FindingStatus::Retracted => 2,
    }
}
