//! Rows of messages and attempts.

use model::{
    AlertId, Notification, NotificationId, NotificationKind, NotificationState, UnixMillis,
};
use rusqlite::{Row, Transaction, params};

use super::Attempt;
use crate::{
    StoreError,
    codec::{self, fixed, printed, unsigned},
};

pub(super) const TABLE: &str = "notifications";
const ATTEMPTS: &str = "attempts";

pub(super) const DUE: i64 = 0;
pub(super) const DELIVERED: i64 = 1;
pub(super) const FAILED: i64 = 2;

/// Adds a message unless it is on record; returns how many were added.
pub(crate) fn insert(tx: &Transaction<'_>, notification: &Notification) -> Result<u64, StoreError> {
    let (state, at, detail) = match &notification.state {
        NotificationState::Due { not_before } => (DUE, *not_before, ""),
        NotificationState::Delivered { at, receipt } => (DELIVERED, *at, receipt.as_str()),
        NotificationState::Failed { at, reason } => (FAILED, *at, reason.as_str()),
    };
    let added = tx
        .prepare_cached(
            "INSERT INTO notifications (id, alert, receiver, kind, sequence, reason, decided_at,
                                        attempts, state, at, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
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
        ])?;
    Ok(added as u64)
}

/// Messages about an alert, by receiver and sequence.
pub(crate) fn of_alert(
    tx: &Transaction<'_>,
    alert: AlertId,
) -> Result<Vec<Notification>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, alert, receiver, kind, sequence, reason, decided_at, attempts, state, at, detail
         FROM notifications WHERE alert = ?1 ORDER BY receiver, sequence",
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
         FROM attempts JOIN notifications ON notifications.id = notification
         WHERE alert = ?1 ORDER BY started_at, notification, number",
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
    let mut statement = tx.prepare(
        "SELECT id, alert, receiver, kind, sequence, reason, decided_at, attempts, state, at, detail
         FROM notifications",
    )?;
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

/// A row of all columns, in the table's order.
pub(super) fn notification(row: &Row<'_>) -> Result<Notification, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    let key = printed(&id);
    let alert: Vec<u8> = row.get(1)?;
    let receiver: String = row.get(2)?;
    let kind: String = row.get(3)?;
    let at = UnixMillis(row.get(9)?);
    let kinds = [
        NotificationKind::Opened,
        NotificationKind::Updated,
        NotificationKind::Confirmed,
        NotificationKind::Retracted,
    ];
    let Some(kind) = kinds.into_iter().find(|known| known.as_str() == kind) else {
        return Err(StoreError::corrupt(TABLE, key, format_args!("unknown kind {kind:?}")));
    };
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
        kind,
        sequence: unsigned(row.get(4)?, TABLE, &key)?,
        reason: row.get(5)?,
        decided_at: UnixMillis(row.get(6)?),
        attempts: unsigned(row.get(7)?, TABLE, &key)?,
        state,
    })
}
