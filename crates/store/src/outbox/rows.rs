//! Rows of messages and attempts.

use model::{
    AlertId, MessageForm, Name, Notification, NotificationId, NotificationKind, NotificationLine,
    NotificationState, UnixMillis,
};
use rusqlite::{Row, Transaction, params};

use super::Attempt;
use crate::{
    StoreError,
    codec::{self, fixed, printed, unsigned},
    records::{severity_of, severity_rank},
};

pub(super) const TABLE: &str = "notifications";
const ATTEMPTS: &str = "attempts";
const LINES: &str = "notification_alerts";

pub(super) const DUE: i64 = 0;
pub(super) const DELIVERED: i64 = 1;
pub(super) const FAILED: i64 = 2;

/// All columns of a message, in the order in which [`notification`] reads them.
macro_rules! columns {
    () => {
        "n.id, n.alert, n.receiver, n.kind, n.sequence, n.reason, n.decided_at, n.attempts, n.state, \
         n.at, n.detail, n.person, n.form, n.team, n.alerts"
    };
}
pub(crate) use columns;

/// Adds a message unless it is on record; returns how many were added.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    notification: &Notification,
    lines: &[NotificationLine],
) -> Result<u64, StoreError> {
    let (state, at, detail) = match &notification.state {
        NotificationState::Due { not_before } => (DUE, *not_before, ""),
        NotificationState::Delivered { at, receipt } => (DELIVERED, *at, receipt.as_str()),
        NotificationState::Failed { at, reason } => (FAILED, *at, reason.as_str()),
    };
    let added = tx
        .prepare_cached(
            "INSERT INTO notifications (id, alert, receiver, kind, sequence, reason, decided_at,
                                        attempts, state, at, detail, person, form, team, alerts,
                                        number)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                     (SELECT ifnull(max(number), 0) + 1 FROM notifications))
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            notification.id.0.as_slice(),
            notification.alert.0.as_slice(),
            notification.receiver.as_str(),
            notification.kind.as_str(),
            notification.sequence,
            notification.reason,
            notification.decided_at.0,
            notification.attempts,
            state,
            at.0,
            detail,
            notification.person.as_ref().map(Name::as_str),
            notification.form.as_str(),
            notification.group.as_ref().map(<[u8; 16]>::as_slice),
            notification.alerts,
        ])?;
    if added > 0 {
        for (place, line) in (0_i64..).zip(lines) {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO notification_alerts
                     (alert, notification, place, kind, sequence, severity)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                line.alert.0.as_slice(),
                notification.id.0.as_slice(),
                place,
                line.kind.as_str(),
                line.sequence,
                severity_rank(line.severity)
            ])?;
        }
    }
    Ok(added as u64)
}

/// Gives up the pages of a group that are still to be delivered: they would wake somebody for what
/// others are on, or for what is over. One that is on its way right now may still arrive.
pub(crate) fn drop_pages(
    tx: &Transaction<'_>,
    group: &[u8; 16],
    why: &str,
    at: UnixMillis,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE notifications SET state = 2, at = ?2, detail = ?3
         WHERE team = ?1 AND state = 0 AND form = 'page'",
    )?
    .execute(params![group.as_slice(), at.0, why])?;
    Ok(())
}

/// What a message says, the worst alert first; at most `limit` alerts.
pub(crate) fn lines(
    tx: &Transaction<'_>,
    id: NotificationId,
    limit: usize,
) -> Result<Vec<NotificationLine>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT alert, kind, sequence, severity FROM notification_alerts WHERE notification = ?1
         ORDER BY place LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![id.0.as_slice(), limit])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let alert: Vec<u8> = row.get(0)?;
        let kind: String = row.get(1)?;
        let rank = row.get(3)?;
        let unknown = || StoreError::corrupt(LINES, id, format_args!("unknown severity {rank}"));
        lines.push(NotificationLine {
            alert: AlertId(fixed(&alert, LINES, id)?),
            kind: kind_of(&kind, LINES, id)?,
            sequence: unsigned(row.get(2)?, LINES, id)?,
            severity: severity_of(rank).ok_or_else(unknown)?,
        });
    }
    Ok(lines)
}

pub(crate) fn kind_of(
    word: &str,
    table: &'static str,
    key: impl ToString,
) -> Result<NotificationKind, StoreError> {
    let known = NotificationKind::ALL.into_iter().find(|known| known.as_str() == word);
    known.ok_or_else(|| StoreError::corrupt(table, key, format_args!("unknown kind {word:?}")))
}

/// Messages about an alert, by receiver, person and sequence, each with what it says of this one.
pub(crate) fn of_alert(
    tx: &Transaction<'_>,
    alert: AlertId,
) -> Result<Vec<Notification>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT n.id, line.alert, n.receiver, line.kind, line.sequence, n.reason, n.decided_at,
                n.attempts, n.state, n.at, n.detail, n.person, n.form, n.team, n.alerts
         FROM notification_alerts AS line JOIN notifications AS n ON n.id = line.notification
         WHERE line.alert = ?1 ORDER BY n.receiver, n.person, line.sequence, n.number",
    )?;
    let mut rows = statement.query([alert.0.as_slice()])?;
    let mut notifications = Vec::new();
    while let Some(row) = rows.next()? {
        notifications.push(notification(row)?);
    }
    Ok(notifications)
}

/// Attempts to deliver messages about an alert, in order of their start.
pub(crate) fn attempts_of_alert(
    tx: &Transaction<'_>,
    alert: AlertId,
) -> Result<Vec<Attempt>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT notification, number, started_at, ended_at, outcome, attempts.detail
         FROM notification_alerts AS line JOIN attempts USING (notification)
         WHERE line.alert = ?1 ORDER BY started_at, notification, number",
    )?;
    let mut rows = statement.query([alert.0.as_slice()])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(0)?;
        let ended_at: Option<i64> = row.get(3)?;
        attempts.push(Attempt {
            notification: NotificationId(fixed(&id, ATTEMPTS, printed(&id))?),
            number: unsigned(row.get(1)?, ATTEMPTS, printed(&id))?,
            started_at: UnixMillis(row.get(2)?),
            ended_at: ended_at.map(UnixMillis),
            outcome: row.get(4)?,
            detail: row.get(5)?,
        });
    }
    Ok(attempts)
}

/// Decodes every message; calls `problem` for each that cannot be.
pub(crate) fn check(
    tx: &Transaction<'_>,
    problem: &mut impl FnMut(StoreError),
) -> Result<u64, StoreError> {
    let mut statement = tx.prepare(concat!("SELECT ", columns!(), " FROM notifications AS n"))?;
    let mut rows = statement.query([])?;
    let mut checked = 0;
    while let Some(row) = rows.next()? {
        checked += 1;
        if let Err(error) = notification(row) {
            problem(error);
        }
    }
    Ok(checked)
}

/// A row of all [`columns`].
pub(crate) fn notification(row: &Row<'_>) -> Result<Notification, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    let key = printed(&id);
    let alert: Vec<u8> = row.get(1)?;
    let receiver: String = row.get(2)?;
    let kind: String = row.get(3)?;
    let at = UnixMillis(row.get(9)?);
    let kind = kind_of(&kind, TABLE, &key)?;
    let form: String = row.get(12)?;
    let Some(form) = MessageForm::ALL.into_iter().find(|known| known.as_str() == form) else {
        return Err(StoreError::corrupt(TABLE, key, format_args!("unknown form {form:?}")));
    };
    let person: Option<String> = row.get(11)?;
    let group: Option<Vec<u8>> = row.get(13)?;
    let state = match row.get(8)? {
        DUE => NotificationState::Due { not_before: at },
        DELIVERED => NotificationState::Delivered { at, receipt: row.get(10)? },
        FAILED => NotificationState::Failed { at, reason: row.get(10)? },
        other => {
            return Err(StoreError::corrupt(TABLE, key, format_args!("unknown state {other}")));
        }
    };
    Ok(Notification {
        id: NotificationId(fixed(&id, TABLE, &key)?),
        alert: AlertId(fixed(&alert, TABLE, &key)?),
        receiver: codec::name(&receiver, TABLE, &key)?,
        person: person.map(|person| codec::name(&person, TABLE, &key)).transpose()?,
        form,
        group: group.map(|group| fixed(&group, TABLE, &key)).transpose()?,
        alerts: unsigned(row.get(14)?, TABLE, &key)?,
        kind,
        sequence: unsigned(row.get(4)?, TABLE, &key)?,
        reason: row.get(5)?,
        decided_at: UnixMillis(row.get(6)?),
        attempts: unsigned(row.get(7)?, TABLE, &key)?,
        state,
    })
}
