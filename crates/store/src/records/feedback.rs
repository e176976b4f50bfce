//! What people said: verdicts on alerts, and what really happened. Only ever added to.

use std::collections::BTreeMap;

use model::{AlertId, AlertVerdict, Incident, Name};
use rusqlite::{Row, Transaction, params};

use crate::{
    Store, StoreError,
    codec::{self, printed},
};

const VERDICTS: &str = "verdicts";
const INCIDENTS: &str = "incidents";

impl Store {
    /// Keeps what a person said of an alert. What was said before stays on record.
    ///
    /// # Errors
    /// When there is no such alert, or the database cannot be written.
    pub fn add_verdict(&self, verdict: &AlertVerdict) -> Result<(), StoreError> {
        self.write("keep a verdict", |tx, _| match insert(tx, verdict)? {
            true => Ok(()),
            false => Err(StoreError::NoAlert(verdict.alert)),
        })
    }

    /// Everything that was said of an alert, oldest first: the last one holds.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn verdicts_on(&self, alert: AlertId) -> Result<Vec<AlertVerdict>, StoreError> {
        self.read("read verdicts", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT id, body FROM verdicts WHERE alert = ?1 ORDER BY id")?;
            let mut rows = statement.query([alert.0.as_slice()])?;
            let mut verdicts = Vec::new();
            while let Some(row) = rows.next()? {
                verdicts.push(verdict(row)?);
            }
            Ok(verdicts)
        })
    }

    /// What holds of each alert that a person said something of; what was taken back is left out.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn verdicts(&self) -> Result<BTreeMap<AlertId, AlertVerdict>, StoreError> {
        self.read("read all verdicts", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, body FROM verdicts
                 WHERE id IN (SELECT max(id) FROM verdicts GROUP BY alert)",
            )?;
            let mut rows = statement.query([])?;
            let mut verdicts = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let verdict = verdict(row)?;
                if verdict.assessment.is_some() {
                    verdicts.insert(verdict.alert, verdict);
                }
            }
            Ok(verdicts)
        })
    }

    /// Keeps what really happened. What was said under the same name before stays on record.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add_incident(&self, incident: &Incident) -> Result<(), StoreError> {
        let body = codec::encode(INCIDENTS, incident)?;
        self.write("keep an incident", |tx, _| {
            tx.prepare_cached("INSERT INTO incidents (name, at, body) VALUES (?1, ?2, ?3)")?
                .execute(params![incident.name.as_str(), incident.at.0, body])?;
            Ok(())
        })
    }

    /// What holds of each incident, by name; what was taken back is left out.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn incidents(&self) -> Result<BTreeMap<Name, Incident>, StoreError> {
        self.read("read incidents", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, body FROM incidents
                 WHERE id IN (SELECT max(id) FROM incidents GROUP BY name)",
            )?;
            let mut rows = statement.query([])?;
            let mut incidents = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let incident = incident(row)?;
                if !incident.is_withdrawn {
                    incidents.insert(incident.name.clone(), incident);
                }
            }
            Ok(incidents)
        })
    }
}

/// Keeps a verdict, if its alert is on record; whether it is.
pub(crate) fn insert(tx: &Transaction<'_>, verdict: &AlertVerdict) -> Result<bool, StoreError> {
    let id = verdict.alert.0.as_slice();
    if !tx.prepare_cached("SELECT 1 FROM alerts WHERE id = ?1")?.exists([id])? {
        return Ok(false);
    }
    tx.prepare_cached("INSERT INTO verdicts (alert, at, body) VALUES (?1, ?2, ?3)")?
        .execute(params![id, verdict.at.0, codec::encode(VERDICTS, verdict)?])?;
    Ok(true)
}

/// Decodes every row; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT id, body, alert FROM verdicts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let alert: Vec<u8> = row.get(2)?;
        match verdict(row) {
            Ok(verdict) if verdict.alert.0 == *alert => {}
            Ok(verdict) => problem(StoreError::corrupt(
                VERDICTS,
                printed(&alert),
                format_args!("body is of alert {}", verdict.alert),
            )),
            Err(error) => problem(error),
        }
    }
    let mut statement = tx.prepare("SELECT id, body FROM incidents")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = incident(row) {
            problem(error);
        }
    }
    Ok(())
}

/// A row of `id, body`.
fn verdict(row: &Row<'_>) -> Result<AlertVerdict, StoreError> {
    let id: i64 = row.get(0)?;
    let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    codec::decode(body, VERDICTS, id)
}

/// A row of `id, body`.
fn incident(row: &Row<'_>) -> Result<Incident, StoreError> {
    let id: i64 = row.get(0)?;
    let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    codec::decode(body, INCIDENTS, id)
}
