//! The outbox: messages on their way to receivers.
//!
//! ```text
//!            due ──► the caller sends ──► delivered      (settled)
//!             ▲                      ├──► failed         (settled)
//!             └── lease ran out,     └──► retry, not before …
//!                 or retry
//! ```
//!
//! Delivery is at least once. Taking a message counts an attempt and leases the message for
//! [`LEASE_MS`]: whoever else asks does not get it, and if whoever took it never reports an outcome,
//! the message is due again when the lease runs out. When the program itself died, nobody waits for
//! that: only one process opens a database, so the next one to do so lets go of all leases. A
//! receiver that sees a message twice recognises it by its id.
//!
//! Messages about one alert to one receiver leave in their order: a retraction never overtakes the
//! message it retracts, even when that one waits for a retry.

mod rows;

use rows::{DELIVERED, DUE, FAILED, TABLE};
pub(crate) use rows::{
    attempts_of_alert, check, columns, drop_pages, insert, kind_of, lines, notification, of_alert,
};

use model::{
    Alert, AlertId, Name, Notification, NotificationId, NotificationLine, NotificationState,
    Provenance, UnixMillis,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::{
    Input, Store, StoreError,
    codec::{self, printed, unsigned},
    paging, records,
};

/// No earlier message to the same people about one of its alerts is still to be delivered.
macro_rules! is_first {
    () => {
        "NOT EXISTS (
             SELECT 1 FROM notification_alerts AS line
             JOIN notification_alerts AS other ON other.alert = line.alert
             JOIN notifications AS earlier ON earlier.id = other.notification
             WHERE line.notification = n.id AND earlier.state = 0 AND other.sequence < line.sequence
               AND earlier.receiver = n.receiver AND earlier.person IS n.person)"
    };
}

/// A message waits while a worse one to the same receiver is tried anew, or was tried last before this
/// one became due: after an outage the worst goes first, although each has its own rest. Once the worse
/// one was tried again, in vain, the milder one may go, so that one which is never taken holds up
/// nobody for longer than its rest.
macro_rules! is_worst {
    () => {
        "NOT EXISTS (
             SELECT 1 FROM stuck
             WHERE stuck.receiver = n.receiver AND stuck.tried < n.at
               AND stuck.severity > (SELECT severity FROM alerts WHERE alerts.id = n.alert))"
    };
}

/// When what failed before was tried last, the longest ago, by receiver and severity; before all time
/// what is due at `?1` or on its way.
macro_rules! stuck {
    () => {
        "WITH stuck AS MATERIALIZED (
             SELECT w.receiver, worse.severity,
                    min(iif(w.at <= ?1 OR last.outcome IS NULL, -1, last.ended_at)) AS tried
             FROM notifications AS w
             JOIN attempts AS last ON last.notification = w.id AND last.number = w.attempts
             JOIN alerts AS worse ON worse.id = w.alert
             WHERE w.state = 0
               AND (last.outcome = 'retry' OR last.outcome IS NULL AND w.attempts > 1)
             GROUP BY w.receiver, worse.severity) "
    };
}

/// A receiver that takes a message again is asked to take what rests for longer than this, one message
/// at a time: half a minute. A shorter rest may be one that the receiver asked for.
pub const REST_CUT_SHORT_MS: i64 = 30_000;

/// How long a taken message is out of reach of others: two minutes, longer than any receiver may
/// take to answer.
pub const LEASE_MS: i64 = 120_000;

/// Characters of a receipt or error that are kept: a mail server's longest answer, not a web
/// server's error page.
pub const DETAIL_CHARS_MAX: usize = 1_000;

/// The outbox of a store.
#[derive(Debug, Clone)]
pub struct Outbox {
    store: Store,
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Message.
    pub notification: NotificationId,
    /// Counts the attempts for this message, from 1.
    pub number: u32,
    /// When the message was taken.
    pub started_at: UnixMillis,
    /// When the outcome was reported; `None` while it runs, or when the program died in it.
    pub ended_at: Option<UnixMillis>,
    /// `delivered`, `retry` or `failed`; `None` as for `ended_at`.
    pub outcome: Option<String>,
    /// Receipt or error.
    pub detail: String,
}

/// How many messages are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting for their first or next attempt, or taken.
    pub due: u64,
    /// Of those, messages that were tried before.
    pub due_tried: u64,
    /// Taken by the receiver's side.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
    /// When the oldest message that is still due was decided.
    pub oldest_due_decided_at: Option<UnixMillis>,
}

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Taken by the receiver's side.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
}

/// Lets go of the messages that a process took which is gone: they are due at once, in their order.
/// What waits for a retry still does.
pub(crate) fn release(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE notifications SET at = taken.started_at
         FROM attempts AS taken
         WHERE state = 0 AND taken.notification = id AND taken.number = attempts
           AND taken.ended_at IS NULL",
        [],
    )
}

impl Store {
    /// The outbox kept in this database.
    pub fn outbox(&self) -> Outbox {
        Outbox { store: self.clone() }
    }
}

impl Outbox {
    /// Takes the messages that are due at `now`, the worst first and then the longest due, and counts an attempt for each.
    /// Report what became of each of them with [`Outbox::delivered`], [`Outbox::retry`] or
    /// [`Outbox::failed`].
    ///
    /// # Errors
    /// When the database cannot be written or a row is corrupt; nothing was taken then.
    pub fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<Notification>, StoreError> {
        self.take(None, now, limit)
    }

    /// As [`Outbox::due`], of the messages to one receiver: who is slow to take its messages keeps
    /// nobody else's waiting.
    ///
    /// # Errors
    /// As [`Outbox::due`].
    pub fn due_to(
        &self,
        receiver: &Name,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        self.take(Some(receiver), now, limit)
    }

    /// Receivers with messages that could be taken at `now`, by name.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn due_receivers(&self, now: UnixMillis) -> Result<Vec<Name>, StoreError> {
        self.store.read("look for receivers of due messages", |tx| {
            let mut statement = tx.prepare_cached(concat!(
                stuck!(),
                "SELECT DISTINCT receiver FROM notifications AS n
                     WHERE state = 0 AND at <= ?1 AND ",
                is_first!(),
                " AND ",
                is_worst!(),
                " ORDER BY receiver"
            ))?;
            let mut rows = statement.query([now.0])?;
            let mut receivers = Vec::new();
            while let Some(row) = rows.next()? {
                let receiver: String = row.get(0)?;
                receivers.push(codec::name(&receiver, TABLE, &receiver)?);
            }
            Ok(receivers)
        })
    }

    fn take(
        &self,
        receiver: Option<&Name>,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let receiver = receiver.map(Name::as_str);
        // Asked often and answered "nothing" nearly always: that must not cost a disk write.
        let is_idle = self.store.read("look for due messages", |tx| {
            let first = tx
                .prepare_cached(
                    "SELECT 1 FROM notifications
                     WHERE state = 0 AND at <= ?1 AND (?2 IS NULL OR receiver = ?2) LIMIT 1",
                )?
                .query_row(params![now.0, receiver], |_| Ok(()))
                .optional()?;
            Ok(first.is_none())
        })?;
        if is_idle {
            return Ok(Vec::new());
        }
        self.store.write("take due messages", |tx, _| {
            let mut statement = tx.prepare_cached(concat!(
                stuck!(),
                "SELECT ",
                columns!(),
                " FROM notifications AS n
                     WHERE state = 0 AND at <= ?1 AND (?3 IS NULL OR receiver = ?3) AND ",
                is_first!(),
                " AND ",
                is_worst!(),
                " ORDER BY (SELECT severity FROM alerts WHERE alerts.id = n.alert) DESC,
                           at, number LIMIT ?2"
            ))?;
            let mut rows = statement.query(params![now.0, limit, receiver])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                taken.push(notification(row)?);
            }
            let until = now.plus(LEASE_MS);
            for notification in &mut taken {
                notification.attempts = notification.attempts.saturating_add(1);
                notification.state = NotificationState::Due { not_before: until };
                let id = notification.id.0.as_slice();
                tx.prepare_cached("UPDATE notifications SET attempts = ?2, at = ?3 WHERE id = ?1")?
                    .execute(params![id, notification.attempts, until.0])?;
                tx.prepare_cached(
                    "INSERT INTO attempts (notification, number, started_at, detail)
                     VALUES (?1, ?2, ?3, '')",
                )?
                .execute(params![id, notification.attempts, now.0])?;
            }
            Ok(taken)
        })
    }

    /// The receiver's side took the message.
    ///
    /// It wins over an earlier report of failure: somebody was told. Reporting it again does
    /// nothing. `report` goes to the pager's inbox in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::UnknownNotification`], or when the database cannot be written.
    pub fn delivered(
        &self,
        id: NotificationId,
        receipt: &str,
        at: UnixMillis,
        report: Option<&Input>,
    ) -> Result<(), StoreError> {
        let receipt = cut(receipt);
        let end = End { outcome: "delivered", detail: &receipt, at, report };
        self.settle("record a delivery", id, &end, |tx| {
            let settled = tx
                .prepare_cached(
                    "UPDATE notifications SET state = 1, at = ?2, detail = ?3
                     WHERE id = ?1 AND state <> 1",
                )?
                .execute(params![id.0.as_slice(), at.0, receipt])?;
            if settled == 1 {
                tx.prepare_cached(
                    "INSERT INTO told (notification)
                     SELECT id FROM notifications WHERE id = ?1 AND receiver <> ?2",
                )?
                .execute(params![id.0.as_slice(), Provenance::SINK])?;
            }
            // The receiver takes messages again, perhaps: the worst that rests is tried next.
            tx.prepare_cached(
                "UPDATE notifications SET at = ?2 WHERE id = (
                     SELECT w.id FROM notifications AS w
                     JOIN attempts AS tried ON tried.notification = w.id AND tried.number = w.attempts
                     JOIN alerts ON alerts.id = w.alert
                     WHERE w.state = 0 AND w.at > ?3 AND tried.outcome = 'retry'
                       AND w.receiver = (SELECT receiver FROM notifications WHERE id = ?1)
                     ORDER BY alerts.severity DESC, w.at, w.number LIMIT 1)",
            )?
            .execute(params![id.0.as_slice(), at.0, at.plus(REST_CUT_SHORT_MS).0])?;
            Ok(settled)
        })
    }

    /// The attempt failed for now; the message is due again at `not_before`. Does nothing to a
    /// message that is settled (a second worker was faster).
    ///
    /// # Errors
    /// [`StoreError::UnknownNotification`], or when the database cannot be written.
    pub fn retry(
        &self,
        id: NotificationId,
        not_before: UnixMillis,
        error: &str,
        at: UnixMillis,
        report: Option<&Input>,
    ) -> Result<(), StoreError> {
        let error = cut(error);
        let end = End { outcome: "retry", detail: &error, at, report };
        self.settle("record a failed attempt", id, &end, |tx| {
            tx.prepare_cached("UPDATE notifications SET at = ?2 WHERE id = ?1 AND state = 0")?
                .execute(params![id.0.as_slice(), not_before.0])
        })
    }

    /// The message will never be taken. Does nothing to a message that is settled.
    ///
    /// # Errors
    /// [`StoreError::UnknownNotification`], or when the database cannot be written.
    pub fn failed(
        &self,
        id: NotificationId,
        reason: &str,
        at: UnixMillis,
        report: Option<&Input>,
    ) -> Result<(), StoreError> {
        let reason = cut(reason);
        let end = End { outcome: "failed", detail: &reason, at, report };
        self.settle("record a failure", id, &end, |tx| {
            tx.prepare_cached(
                "UPDATE notifications SET state = 2, at = ?2, detail = ?3
                 WHERE id = ?1 AND state = 0",
            )?
            .execute(params![id.0.as_slice(), at.0, reason])
        })
    }

    /// The alert that a message is about: what the receiver's adapter renders.
    ///
    /// # Errors
    /// [`StoreError::UnknownNotification`], or when a row is corrupt.
    pub fn alert_of(&self, id: NotificationId) -> Result<Alert, StoreError> {
        self.store.read("read the alert of a message", |tx| {
            let body: Option<(Vec<u8>, Vec<u8>)> = tx
                .prepare_cached(
                    "SELECT alerts.id, alerts.body FROM notifications
                     JOIN alerts ON alerts.id = notifications.alert WHERE notifications.id = ?1",
                )?
                .query_row([id.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((alert, body)) = body else {
                return Err(StoreError::UnknownNotification(id));
            };
            codec::decode_alert(&body, "alerts", printed(&alert))
        })
    }

    /// What a message says, the worst alert first; at most `limit` alerts.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn lines(
        &self,
        id: NotificationId,
        limit: usize,
    ) -> Result<Vec<NotificationLine>, StoreError> {
        self.store.read("read what a message says", |tx| rows::lines(tx, id, limit))
    }

    /// The first message that spoke of an alert to the same people over the same receiver: what later
    /// ones answer. `None` before there is one.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn first_about(
        &self,
        alert: AlertId,
        receiver: &Name,
        person: Option<&Name>,
    ) -> Result<Option<NotificationId>, StoreError> {
        self.store.read("read the first message about an alert", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT n.id FROM notification_alerts AS line
                 JOIN notifications AS n ON n.id = line.notification
                 WHERE line.alert = ?1 AND n.receiver = ?2 AND n.person IS ?3 ORDER BY n.number LIMIT 1",
            )?;
            let mut rows = statement.query(params![alert.0.as_slice(), receiver.as_str(), person.map(Name::as_str)])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let id: Vec<u8> = row.get(0)?;
            codec::fixed(&id, TABLE, printed(&id)).map(|id| Some(NotificationId(id)))
        })
    }

    /// Alerts by their ids, in that order; those that are not on record are left out.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn alerts_of(&self, ids: &[AlertId]) -> Result<Vec<Alert>, StoreError> {
        self.store.read("read the alerts of a message", |tx| {
            let mut statement = tx.prepare_cached("SELECT id, body FROM alerts WHERE id = ?1")?;
            let mut alerts = Vec::with_capacity(ids.len());
            for id in ids {
                let mut rows = statement.query([id.0.as_slice()])?;
                if let Some(row) = rows.next()? {
                    alerts.push(records::alerts::alert(row)?);
                }
            }
            Ok(alerts)
        })
    }

    /// When the next message falls due: how long a worker may rest.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_due_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        self.store.read("look for due messages", |tx| {
            let at: Option<i64> = tx
                .prepare_cached("SELECT min(at) FROM notifications WHERE state = 0")?
                .query_row([], |row| row.get(0))?;
            Ok(at.map(UnixMillis))
        })
    }

    /// How many messages are where; canaries are told to nobody and not counted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self) -> Result<OutboxCounts, StoreError> {
        self.store.read("count messages", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT state, count(*), sum(attempts > 0), min(decided_at)
                 FROM notifications WHERE receiver <> ?1 GROUP BY state",
            )?;
            let mut rows = statement.query([Provenance::SINK])?;
            let mut counts = OutboxCounts::default();
            while let Some(row) = rows.next()? {
                let n = unsigned(row.get(1)?, TABLE, "count")?;
                match row.get(0)? {
                    DUE => {
                        counts.due = n;
                        counts.due_tried = unsigned(row.get(2)?, TABLE, "count")?;
                        counts.oldest_due_decided_at = Some(UnixMillis(row.get(3)?));
                    }
                    DELIVERED => counts.delivered = n,
                    FAILED => counts.failed = n,
                    other => {
                        let reason = "unknown state";
                        return Err(StoreError::corrupt(TABLE, format!("state {other}"), reason));
                    }
                }
            }
            Ok(counts)
        })
    }

    /// How many messages were delivered, and how many given up, at `since` or later.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn settled_since(&self, since: UnixMillis) -> Result<Settled, StoreError> {
        self.store.read("count settled messages", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT coalesce(sum(state = 1), 0), coalesce(sum(state = 2), 0)
                 FROM notifications WHERE state <> 0 AND at >= ?1 AND receiver <> ?2",
            )?;
            let (delivered, failed) = statement
                .query_row(params![since.0, Provenance::SINK], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(Settled {
                delivered: unsigned(delivered, TABLE, "count")?,
                failed: unsigned(failed, TABLE, "count")?,
            })
        })
    }

    /// The receiver of the message that is due for longest, and since when.
    ///
    /// # Errors
    /// When the database cannot be read or the row is corrupt.
    pub fn oldest_due(&self) -> Result<Option<(Name, UnixMillis)>, StoreError> {
        self.store.read("look at the oldest message", |tx| {
            let row: Option<(String, i64)> = tx
                .prepare_cached(
                    "SELECT receiver, decided_at FROM notifications WHERE state = 0
                     ORDER BY decided_at, receiver LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((receiver, at)) = row else { return Ok(None) };
            Ok(Some((codec::name(&receiver, TABLE, at)?, UnixMillis(at))))
        })
    }

    /// Messages that nobody took, newest decision first: still due, or given up. At most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn undelivered(&self, limit: usize) -> Result<Vec<Notification>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store.read("list undelivered messages", |tx| {
            let mut statement = tx.prepare_cached(concat!(
                "SELECT ",
                columns!(),
                " FROM notifications AS n
                     WHERE state <> 1 AND receiver <> ?2 ORDER BY decided_at DESC, id LIMIT ?1"
            ))?;
            let mut rows = statement.query(params![limit, Provenance::SINK])?;
            let mut listed = Vec::new();
            while let Some(row) = rows.next()? {
                listed.push(notification(row)?);
            }
            Ok(listed)
        })
    }

    /// One message.
    ///
    /// # Errors
    /// When the database cannot be read or the row is corrupt.
    pub fn get(&self, id: NotificationId) -> Result<Option<Notification>, StoreError> {
        self.store.read("read a message", |tx| {
            let mut statement = tx.prepare_cached(concat!(
                "SELECT ",
                columns!(),
                " FROM notifications AS n WHERE id = ?1"
            ))?;
            let mut rows = statement.query([id.0.as_slice()])?;
            rows.next()?.map(notification).transpose()
        })
    }

    fn settle(
        &self,
        operation: &'static str,
        id: NotificationId,
        end: &End<'_>,
        update: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<usize>,
    ) -> Result<(), StoreError> {
        self.store.write(operation, |tx, _| {
            let known = tx
                .prepare_cached("SELECT 1 FROM notifications WHERE id = ?1")?
                .query_row([id.0.as_slice()], |_| Ok(()))
                .optional()?;
            if known.is_none() {
                return Err(StoreError::UnknownNotification(id));
            }
            update(tx)?;
            // The newest attempt that has no outcome; none, when it was reported twice.
            tx.prepare_cached(
                "UPDATE attempts SET ended_at = ?2, outcome = ?3, detail = ?4
                 WHERE notification = ?1 AND outcome IS NULL
                   AND number = (SELECT max(number) FROM attempts WHERE notification = ?1)",
            )?
            .execute(params![id.0.as_slice(), end.at.0, end.outcome, end.detail])?;
            if let Some(report) = end.report {
                paging::insert(tx, report)?;
            }
            Ok(())
        })
    }
}

/// How an attempt ended.
struct End<'a> {
    outcome: &'static str,
    detail: &'a str,
    at: UnixMillis,
    /// What the pager is told of it.
    report: Option<&'a Input>,
}

/// At most [`DETAIL_CHARS_MAX`] characters, with a sign that there was more.
fn cut(text: &str) -> String {
    match text.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
