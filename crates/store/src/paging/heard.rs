//! Who was told and called about what, to be counted.

use std::collections::BTreeMap;

use model::{Alert, AlertId, Name, UnixMillis};
use rusqlite::{Transaction, params};

use super::{RulingRow, account};
use crate::{
    Store, StoreError,
    codec::{fixed, name, printed},
    records::alerts,
};

const LINES: &str = "notification_alerts";

/// Words about alerts that one look goes through: a thousand alerts a day over a month, each told to
/// four. What is older than the newest so many is left out, and the look says from when on it is whole.
pub const HEARD_MAX: usize = 120_000;

/// One alert in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardRow {
    /// When it was decided.
    pub at: UnixMillis,
    /// The receiver.
    pub receiver: Name,
    /// The person that was called; `None`: all who read the receiver.
    pub person: Option<Name>,
    /// The alert.
    pub alert: AlertId,
    /// The group that spoke; `None`: a summary of several.
    pub team: Option<[u8; 16]>,
}

/// What is known of an alert that people heard of.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardAlert {
    /// The alert.
    pub alert: Alert,
    /// Where it is among people, in one word.
    pub stage: Option<String>,
    /// What was decided about it alone, in order; at most a thousand.
    pub rulings: Vec<RulingRow>,
}

/// All that people heard of in a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeardOf {
    /// In order of time.
    pub rows: Vec<HeardRow>,
    /// The alerts they are about; one that is not kept any more is missing.
    pub alerts: BTreeMap<AlertId, HeardAlert>,
    /// When there was more than [`HEARD_MAX`]: from when on this is whole.
    pub whole_since: Option<UnixMillis>,
}

impl Store {
    /// Who was told and called about what within `from..to`. Drills are left out, because people agreed to
    /// them, and canaries, which people do not hear of.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn heard_of(&self, from: UnixMillis, to: UnixMillis) -> Result<HeardOf, StoreError> {
        self.read("read what people heard of", |tx| {
            let mut rows = rows(tx, from, to)?;
            let whole_since = (rows.len() > HEARD_MAX).then(|| rows[HEARD_MAX - 1].at);
            rows.truncate(HEARD_MAX);
            rows.reverse();
            let mut alerts = BTreeMap::new();
            for row in &rows {
                if !alerts.contains_key(&row.alert)
                    && let Some(alert) = about(tx, row.alert)?
                {
                    alerts.insert(row.alert, alert);
                }
            }
            Ok(HeardOf { rows, alerts, whole_since })
        })
    }
}

/// The newest first, one more than are shown.
fn rows(
    tx: &Transaction<'_>,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Vec<HeardRow>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT n.decided_at, n.receiver, n.person, line.alert, n.team
         FROM notifications AS n JOIN notification_alerts AS line ON line.notification = n.id
         LEFT JOIN alerts ON alerts.id = line.alert
         WHERE n.decided_at >= ?1 AND n.decided_at < ?2
           AND line.kind NOT IN ('closed', 'retracted') AND alerts.apart IS NULL
         ORDER BY n.number DESC, line.place DESC LIMIT ?3",
    )?;
    let mut found = statement.query(params![from.0, to.0, HEARD_MAX as i64 + 1])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let alert: Vec<u8> = row.get(3)?;
        let team: Option<Vec<u8>> = row.get(4)?;
        let (receiver, person): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        let key = || printed(&alert);
        rows.push(HeardRow {
            at: UnixMillis(row.get(0)?),
            receiver: name(&receiver, LINES, key())?,
            person: person.map(|person| name(&person, LINES, key())).transpose()?,
            team: team.map(|team| fixed(&team, LINES, key())).transpose()?,
            alert: AlertId(fixed(&alert, LINES, key())?),
        });
    }
    Ok(rows)
}

fn about(tx: &Transaction<'_>, id: AlertId) -> Result<Option<HeardAlert>, StoreError> {
    let mut statement = tx.prepare_cached("SELECT id, body, stage FROM alerts WHERE id = ?1")?;
    let mut found = statement.query([id.0.as_slice()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (alert, stage) = (alerts::alert(row)?, row.get(2)?);
    Ok(Some(HeardAlert { alert, stage, rulings: account::about_alone(tx, id)? }))
}
