//! What goes on outside of every chain: which alert each report is on record as, and until when.
//!
//! A source says again and again what goes on, so what is open is looked up by the source's own
//! fingerprint, and alert, row and what the pager is told change in one transaction.

use model::{Alert, AlertId, UnixMillis};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Input, inbox};
use crate::{Store, StoreError, codec, records::alerts};

const TABLE: &str = "reports";

/// What one source goes on reporting, to be changed in one transaction.
#[derive(Debug)]
pub struct Reports<'tx> {
    tx: &'tx Transaction<'tx>,
    source: &'tx str,
}

/// What becomes of one thing that this program reports about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportStep {
    /// What it is known by.
    pub fingerprint: String,
    /// The alert that it is on record as.
    pub alert: Alert,
    /// It goes on: until then, or without an end that is known; `None`: it is over.
    pub goes_on: Option<Option<UnixMillis>>,
    /// What the pager is told.
    pub input: Option<Input>,
}

impl Store {
    /// Changes what `source` goes on reporting: all of it, or nothing.
    ///
    /// # Errors
    /// What `change` returns, or when the database cannot be written; nothing is changed then.
    pub fn change_reports<T>(
        &self,
        source: &str,
        change: impl FnOnce(&Reports<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write("change what a source reports", |tx, _| change(&Reports { tx, source }))
    }

    /// Ends what was to be over by `now` unless it was said again, at most `limit` at once; `told`
    /// makes what the pager hears of it. Gives how many ended.
    ///
    /// # Errors
    /// When the database cannot be written or a row is corrupt; nothing ended then.
    pub fn end_reports(
        &self,
        now: UnixMillis,
        limit: usize,
        told: impl Fn(&Alert) -> Input,
    ) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let due =
            "SELECT source, fingerprint FROM reports WHERE until <= ?1 ORDER BY until LIMIT ?2";
        // Looked up first: hardly ever is anything due, and a reader keeps nobody waiting.
        let is_due = self.read("look for reports that are over", |tx| {
            Ok(tx.prepare_cached(due)?.exists(params![now.0, 1])?)
        })?;
        if !is_due {
            return Ok(0);
        }
        self.write("end reports", |tx, _| {
            let mut statement = tx.prepare_cached(due)?;
            let rows = statement.query_map(params![now.0, limit], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
            for (source, fingerprint) in &rows {
                let reports = Reports { tx, source };
                if let Some(alert) = reports.open(fingerprint)? {
                    reports.tell(&told(&alert))?;
                }
                reports.forget(fingerprint)?;
            }
            Ok(rows.len())
        })
    }

    /// The alert that goes on under a fingerprint of a source.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn open_report(
        &self,
        source: &str,
        fingerprint: &str,
    ) -> Result<Option<Alert>, StoreError> {
        self.read("read what a source reports", |tx| Reports { tx, source }.open(fingerprint))
    }

    /// Fingerprints of what a source reports without an end that is known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports_without_end(&self, source: &str) -> Result<Vec<String>, StoreError> {
        self.read("read what a source reports", |tx| {
            let sql = "SELECT fingerprint FROM reports WHERE source = ?1 AND until IS NULL";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([source], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many reports of a source go on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports_open(&self, source: &str) -> Result<u64, StoreError> {
        self.read("count what a source reports", |tx| Reports { tx, source }.count())
    }
}

impl Reports<'_> {
    /// The alert that goes on under this fingerprint.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn open(&self, fingerprint: &str) -> Result<Option<Alert>, StoreError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT alerts.id, body FROM reports JOIN alerts ON alerts.id = reports.alert
             WHERE reports.source = ?1 AND fingerprint = ?2",
        )?;
        let mut rows = statement.query([self.source, fingerprint])?;
        rows.next()?.map(alerts::alert).transpose()
    }

    /// How many go on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        let count = self
            .tx
            .prepare_cached("SELECT count(*) FROM reports WHERE source = ?1")?
            .query_row([self.source], |row| row.get(0))?;
        codec::unsigned(count, TABLE, self.source)
    }

    /// Whether there is such an alert on record, of whatever origin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_on_record(&self, alert: AlertId) -> Result<bool, StoreError> {
        let found = self
            .tx
            .prepare_cached("SELECT 1 FROM alerts WHERE id = ?1")?
            .query_row([alert.0.as_slice()], |_| Ok(()))
            .optional()?;
        Ok(found.is_some())
    }

    /// Puts an alert on record that begins or goes on under this fingerprint; at `until` it is over
    /// unless it is kept again before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep(
        &self,
        fingerprint: &str,
        alert: &Alert,
        until: Option<UnixMillis>,
    ) -> Result<(), StoreError> {
        alerts::upsert(self.tx, alert)?;
        self.tx
            .prepare_cached(
                "INSERT INTO reports (source, fingerprint, alert, until) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET alert = excluded.alert, until = excluded.until",
            )?
            .execute(params![
                self.source,
                fingerprint,
                alert.id.0.as_slice(),
                until.map(|until| until.0)
            ])?;
        Ok(())
    }

    /// What goes on under this fingerprint is over.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget(&self, fingerprint: &str) -> Result<(), StoreError> {
        self.tx
            .prepare_cached("DELETE FROM reports WHERE source = ?1 AND fingerprint = ?2")?
            .execute([self.source, fingerprint])?;
        Ok(())
    }

    /// Tells the pager.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn tell(&self, input: &Input) -> Result<(), StoreError> {
        inbox::insert(self.tx, input).map(drop)
    }
}

/// Applies what this program reports about itself.
pub(super) fn apply(
    tx: &Transaction<'_>,
    source: &str,
    steps: &[ReportStep],
) -> Result<(), StoreError> {
    let reports = Reports { tx, source };
    for step in steps {
        match step.goes_on {
            Some(until) => reports.keep(&step.fingerprint, &step.alert, until)?,
            None => reports.forget(&step.fingerprint)?,
        }
        if let Some(input) = &step.input {
            reports.tell(input)?;
        }
    }
    Ok(())
}
