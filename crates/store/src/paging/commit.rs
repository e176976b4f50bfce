//! What follows from inputs, in one transaction.

use model::{AlertId, AlertVerdict, Name, Notification, NotificationLine, Source, UnixMillis};
use rusqlite::{Transaction, params};

use super::{AlarmRow, ReportStep, RulingRow, account, inbox, reports};
use crate::{Store, StoreError, outbox, public, records::feedback};

/// A message with what it says of each of its alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The message; it is due from [`model::NotificationState::Due`] on.
    pub notification: Notification,
    /// What it says, the worst alert first.
    pub lines: Vec<NotificationLine>,
    /// The other installation for whose word it waits until it is due, if it does.
    pub held_for: Option<Name>,
}

/// Where an alert is among people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// Alert.
    pub alert: AlertId,
    /// In one word.
    pub stage: &'static str,
    /// Since when.
    pub at: UnixMillis,
    /// The person who put it there, if one did.
    pub by: Option<Name>,
    /// Whether it goes on.
    pub is_open: bool,
}

/// Everything that follows from the inputs after `from` up to `applied`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PagingStep {
    /// Newest input applied before: must be the stored one.
    pub from: u64,
    /// Newest input applied now; as `from` when only time passed.
    pub applied: u64,
    /// Inputs that were not taken, and why.
    pub refused: Vec<(u64, String)>,
    /// Rows of the pager's memory, by key.
    pub rows: Vec<(String, String)>,
    /// Keys of rows that are no more.
    pub gone: Vec<String>,
    /// Alerts that changed their place among people.
    pub stages: Vec<StageRow>,
    /// For the outbox. One that is on record already is left as it is.
    pub messages: Vec<OutboxMessage>,
    /// Alerts that changed and that the public may hear of.
    pub public: Vec<AlertId>,
    /// Groups whose pages need not be delivered any more, and why not.
    pub needless: Vec<([u8; 16], String)>,
    /// What people said of the quality of alerts. Of one that is not on record any more nothing is
    /// kept.
    pub verdicts: Vec<AlertVerdict>,
    /// What was decided.
    pub rulings: Vec<RulingRow>,
    /// What is wrong with the paging itself.
    pub alarms: Vec<AlarmRow>,
    /// What this program reports about itself.
    pub reports: Vec<ReportStep>,
    /// Wall time.
    pub at: UnixMillis,
}

impl Store {
    /// Commits what follows from inputs: all of it, or nothing. Gives the messages that were not on
    /// record yet.
    ///
    /// # Errors
    /// [`StoreError::InboxMismatch`] when the inputs were applied before, or others are missing
    /// before them.
    pub fn commit_paging(&self, step: &PagingStep) -> Result<u64, StoreError> {
        self.write("commit what the pager decided", |tx, _| {
            let stored = inbox::applied(tx)?;
            if step.from != stored || step.applied < step.from {
                let (from, to) = (step.from, step.applied);
                return Err(StoreError::InboxMismatch { from, to, stored });
            }
            apply(tx, step)
        })
    }

    /// All that the pager remembers: rows by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pager_rows(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read("read the pager's memory", |tx| {
            let mut statement = tx.prepare("SELECT key, row FROM pager_rows ORDER BY key")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Rows of the pager's memory whose key begins so, at most `limit`, by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pager_rows_of(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read some of the pager's memory", |tx| {
            // The character after all others: no key goes on with it.
            let end = format!("{prefix}\u{10ffff}");
            let mut statement = tx.prepare_cached(
                "SELECT key, row FROM pager_rows WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            )?;
            let rows = statement
                .query_map(params![prefix, end, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Puts a message into the outbox. What it is headed by must be on record, because it is what the
/// message tells; one of which nothing is on record cannot be told, and that is an alarm.
fn send(tx: &Transaction<'_>, message: &OutboxMessage, at: UnixMillis) -> Result<u64, StoreError> {
    let mut is_known = tx.prepare_cached("SELECT 1 FROM alerts WHERE id = ?1")?;
    for line in &message.lines {
        if is_known.exists([line.alert.0.as_slice()])? {
            let NotificationLine { alert, kind, sequence, .. } = *line;
            let head = Notification { alert, kind, sequence, ..message.notification.clone() };
            let added = outbox::insert(tx, &head, &message.lines)?;
            if let Some(twin) = message.held_for.as_ref().filter(|_| added > 0) {
                tx.prepare_cached("UPDATE notifications SET held_for = ?2 WHERE id = ?1")?
                    .execute(params![head.id.0.as_slice(), twin.as_str()])?;
            }
            return Ok(added);
        }
    }
    let text = format!(
        "message {} to {} is about alerts that are not on record, it cannot be told",
        message.notification.id, message.notification.receiver
    );
    tracing::error!(text);
    account::add_alarm(tx, &AlarmRow { at, text, json: "null".to_owned() })?;
    Ok(0)
}

fn apply(tx: &Transaction<'_>, step: &PagingStep) -> Result<u64, StoreError> {
    for (key, row) in &step.rows {
        tx.prepare_cached(
            "INSERT INTO pager_rows (key, row) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET row = excluded.row",
        )?
        .execute(params![key, row])?;
    }
    for key in &step.gone {
        tx.prepare_cached("DELETE FROM pager_rows WHERE key = ?1")?.execute([key])?;
    }
    for stage in &step.stages {
        tx.prepare_cached(
            "UPDATE alerts SET stage = ?2, stage_at = ?3, stage_by = ?4, is_open = ?5 WHERE id = ?1",
        )?
        .execute(params![
            stage.alert.0.as_slice(),
            stage.stage,
            stage.at.0,
            stage.by.as_ref().map(Name::as_str),
            stage.is_open
        ])?;
    }
    for verdict in &step.verdicts {
        feedback::insert(tx, verdict)?;
    }
    for alert in &step.public {
        public::touch(tx, *alert, step.at)?;
    }
    let mut added = 0;
    for message in &step.messages {
        added += send(tx, message, step.at)?;
    }
    for (group, why) in &step.needless {
        outbox::drop_pages(tx, group, why, step.at)?;
    }
    for ruling in &step.rulings {
        account::add_ruling(tx, ruling)?;
    }
    reports::apply(tx, Source::OWN, &step.reports)?;
    for alarm in &step.alarms {
        account::add_alarm(tx, alarm)?;
    }
    for (sequence, why) in &step.refused {
        tx.prepare_cached("UPDATE pager_inbox SET refused = ?2 WHERE sequence = ?1")?
            .execute(params![i64::try_from(*sequence).unwrap_or(i64::MAX), why])?;
    }
    if step.applied > step.from {
        tx.prepare_cached("UPDATE pager_checkpoint SET applied = ?1")?
            .execute([i64::try_from(step.applied).unwrap_or(i64::MAX)])?;
    }
    Ok(added)
}
