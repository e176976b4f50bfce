//! How many, by kind: what a first screen shows, without reading a single record.

use model::{AlertState, FindingStatus, Severity, UnixSeconds};

use super::severity_of;
use crate::{
    Store, StoreError,
    codec::{self, unsigned},
};

/// Alerts of one state and severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertCount {
    /// State.
    pub state: AlertState,
    /// Severity.
    pub severity: Severity,
    /// How many; never 0.
    pub alerts: u64,
}

/// Findings of one status and severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingCount {
    /// Status.
    pub status: FindingStatus,
    /// Severity.
    pub severity: Severity,
    /// How many; never 0.
    pub findings: u64,
}

impl Store {
    /// Real alerts that opened (block time) at `since` or later, counted by state and severity.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn alert_counts(&self, since: UnixSeconds) -> Result<Vec<AlertCount>, StoreError> {
        const TABLE: &str = "alerts";
        self.read("count alerts", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT state, severity, count(*) FROM alerts WHERE opened_at >= ?1 AND apart IS NULL
                 GROUP BY state, severity ORDER BY state, severity",
            )?;
            let mut rows = statement.query([codec::seconds(since)])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let state = match row.get(0)? {
                    0 => AlertState::Provisional,
                    1 => AlertState::Confirmed,
                    2 => AlertState::Retracted,
                    3 => AlertState::Reported,
                    other => return Err(unknown(TABLE, "state", other)),
                };
                let rank: i64 = row.get(1)?;
                let severity = severity_of(rank).ok_or_else(|| unknown(TABLE, "severity", rank))?;
                counts.push(AlertCount {
                    state,
                    severity,
                    alerts: unsigned(row.get(2)?, TABLE, "count")?,
                });
            }
            Ok(counts)
        })
    }

    /// Findings of blocks at `since` (block time) or later, counted by status and severity.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn finding_counts(&self, since: UnixSeconds) -> Result<Vec<FindingCount>, StoreError> {
        const TABLE: &str = "findings";
        self.read("count findings", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT status, severity, count(*) FROM findings WHERE at >= ?1
                 GROUP BY status, severity ORDER BY status, severity",
            )?;
            let mut rows = statement.query([codec::seconds(since)])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let status = match row.get(0)? {
                    0 => FindingStatus::Tentative,
                    1 => FindingStatus::Confirmed,
                    2 => FindingStatus::Retracted,
                    other => return Err(unknown(TABLE, "status", other)),
                };
                let rank: i64 = row.get(1)?;
                let severity = severity_of(rank).ok_or_else(|| unknown(TABLE, "severity", rank))?;
                counts.push(FindingCount {
                    status,
                    severity,
                    findings: unsigned(row.get(2)?, TABLE, "count")?,
                });
            }
            Ok(counts)
        })
    }
}

fn unknown(table: &'static str, column: &str, found: i64) -> StoreError {
    StoreError::corrupt(table, format!("{column} {found}"), format_args!("unknown {column}"))
}
