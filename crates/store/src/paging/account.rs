//! What was decided, and what was wrong with paging, to be read.

use model::{AlertId, NotificationId, UnixMillis};
use rusqlite::{Row, Transaction, params};

use crate::{
    Store, StoreError,
    codec::{fixed, printed},
};

const RULINGS: &str = "rulings";

/// Rulings that are read of one alert: a week of paging every ten minutes.
const RULINGS_READ_MAX: i64 = 1_000;

/// A decision with its reason, as the pager writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulingRow {
    /// About this alert; `None`: about its group as a whole.
    pub alert: Option<AlertId>,
    /// In this group.
    pub group: Option<[u8; 16]>,
    /// The message that it made.
    pub message: Option<NotificationId>,
    /// When.
    pub at: UnixMillis,
    /// JSON.
    pub json: String,
}

/// Something wrong with the paging itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmRow {
    /// When.
    pub at: UnixMillis,
    /// In words.
    pub text: String,
    /// JSON.
    pub json: String,
}

impl Store {
    /// What was wrong with the paging since then, the newest first; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn paging_alarms(
        &self,
        since: UnixMillis,
        limit: usize,
    ) -> Result<Vec<AlarmRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what is wrong with paging", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT at, text, body FROM paging_alarms WHERE at >= ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map([since.0, limit], |row| {
                Ok(AlarmRow { at: UnixMillis(row.get(0)?), text: row.get(1)?, json: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(crate) fn add_ruling(tx: &Transaction<'_>, ruling: &RulingRow) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO rulings (alert, team, message, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        ruling.alert.as_ref().map(|alert| alert.0.as_slice()),
        ruling.group.as_ref().map(<[u8; 16]>::as_slice),
        ruling.message.as_ref().map(|message| message.0.as_slice()),
        ruling.at.0,
        ruling.json
    ])?;
    Ok(())
}

pub(super) fn add_alarm(tx: &Transaction<'_>, alarm: &AlarmRow) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO paging_alarms (at, text, body) VALUES (?1, ?2, ?3)")?
        .execute(params![alarm.at.0, alarm.text, alarm.json])?;
    Ok(())
}

/// What was decided about an alert, and about its groups since it joined them, in order. What a
/// group was told that was about other alerts is left out.
pub(crate) fn of_alert(tx: &Transaction<'_>, alert: AlertId) -> Result<Vec<RulingRow>, StoreError> {
    let mut statement = tx.prepare_cached(
        "WITH joined AS (SELECT team, min(id) AS first FROM rulings
             WHERE alert = ?1 AND team IS NOT NULL GROUP BY team),
         about AS (
             SELECT id, alert, team, message, at, body FROM rulings WHERE alert = ?1
             UNION ALL
             SELECT id, alert, rulings.team, message, at, body FROM rulings
             JOIN joined ON joined.team = rulings.team
             WHERE rulings.alert IS NULL AND id > first
               AND (message IS NULL OR EXISTS (SELECT 1 FROM notification_alerts AS line
                   WHERE line.alert = ?1 AND line.notification = rulings.message))
             UNION ALL
             SELECT id, rulings.alert, team, message, at, body FROM rulings
             WHERE rulings.alert IS NULL AND team IS NULL AND message IN (
                 SELECT notification FROM notification_alerts WHERE alert = ?1))
         SELECT alert, team, message, at, body
         FROM (SELECT * FROM about ORDER BY id DESC LIMIT ?2) ORDER BY id",
    )?;
    let mut rows = statement.query(params![alert.0.as_slice(), RULINGS_READ_MAX])?;
    let mut rulings = Vec::new();
    while let Some(row) = rows.next()? {
        rulings.push(ruling(row)?);
    }
    Ok(rulings)
}

/// Reads every ruling; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let mut statement = tx.prepare("SELECT alert, team, message, at, body FROM rulings")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = ruling(row) {
            problem(error);
        }
    }
    Ok(())
}

/// A row of `alert, team, message, at, body`.
fn ruling(row: &Row<'_>) -> Result<RulingRow, StoreError> {
    let id = |at: usize| -> Result<Option<[u8; 16]>, StoreError> {
        let bytes: Option<Vec<u8>> = row.get(at)?;
        bytes.map(|bytes| fixed(&bytes, RULINGS, printed(&bytes))).transpose()
    };
    Ok(RulingRow {
        alert: id(0)?.map(AlertId),
        group: id(1)?,
        message: id(2)?.map(NotificationId),
        at: UnixMillis(row.get(3)?),
        json: row.get(4)?,
    })
}
