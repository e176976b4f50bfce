//! Messages that wait for the other's word, and what became of them.

use model::{Name, Notification, NotificationId, NotificationLine, UnixMillis};
use rusqlite::params;

use super::{TwinWord, words::words_about};
use crate::{
    Input, RulingRow, Store, StoreError,
    codec::{self, unsigned},
    outbox, paging,
};

/// Alerts of one message that are compared with another installation's words; one that speaks of
/// more is never taken to be told.
const LINES_MAX: usize = 10_000;

/// A message that was not delivered, with what other installations told about its alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessage {
    /// The message.
    pub notification: Notification,
    /// What it says.
    pub lines: Vec<NotificationLine>,
    /// The networks of its alerts.
    pub networks: Vec<Name>,
    /// For whose word it waits, if it does.
    pub held_for: Option<Name>,
    /// What others told.
    pub spoken: Vec<(Name, TwinWord)>,
}

/// What becomes of a message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It is sent now.
    Send,
    /// It waits (on).
    Hold {
        /// For whose word.
        twin: Name,
        /// Not longer than this.
        until: UnixMillis,
    },
    /// It is never sent.
    Told {
        /// What goes on record instead of our own receipt.
        receipt: String,
        /// What the pager is told of it.
        report: Option<Input>,
    },
}

/// What becomes of messages that wait, with the reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleaseStep {
    /// What becomes of each.
    pub released: Vec<(NotificationId, Release)>,
    /// Why.
    pub rulings: Vec<RulingRow>,
    /// Wall time.
    pub at: UnixMillis,
}

impl Store {
    /// Messages that were not delivered and wait for another installation's word, or could have been
    /// told by one: oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn waiting_for_twins(&self, limit: usize) -> Result<Vec<WaitingMessage>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what waits for twins", |tx| {
            let mut statement = tx.prepare_cached(concat!(
                "SELECT ",
                outbox::columns!(),
                ", n.held_for FROM notifications AS n
                 WHERE n.state = 0 AND (n.held_for IS NOT NULL OR EXISTS (
                     SELECT 1 FROM notification_alerts AS line
                     JOIN twin_words AS word ON word.alert = line.alert
                         AND word.receiver = n.receiver AND word.person = ifnull(n.person, '')
                     WHERE line.notification = n.id))
                 ORDER BY n.number LIMIT ?1"
            ))?;
            let mut network_of = tx.prepare_cached("SELECT network FROM alerts WHERE id = ?1")?;
            let mut rows = statement.query([limit])?;
            let mut waiting = Vec::new();
            while let Some(row) = rows.next()? {
                let notification = outbox::notification(row)?;
                let held_for: Option<String> = row.get(15)?;
                let held_for = held_for
                    .map(|twin| codec::name(&twin, "notifications", notification.id))
                    .transpose()?;
                let lines = outbox::lines(tx, notification.id, LINES_MAX)?;
                let (mut networks, mut spoken) = (Vec::new(), Vec::new());
                for line in &lines {
                    words_about(tx, line.alert, &mut spoken)?;
                    let mut found = network_of.query([line.alert.0.as_slice()])?;
                    let Some(found) = found.next()? else { continue };
                    let network: String = found.get(0)?;
                    networks.push(codec::name(&network, "alerts", line.alert)?);
                }
                networks.sort_unstable();
                networks.dedup();
                waiting.push(WaitingMessage { notification, lines, networks, held_for, spoken });
            }
            Ok(waiting)
        })
    }

    /// Commits what becomes of messages that wait; one that was settled meanwhile stays settled.
    /// Gives how many changed.
    ///
    /// # Errors
    /// When the database cannot be written; nothing changed then.
    pub fn release(&self, step: &ReleaseStep) -> Result<u64, StoreError> {
        self.write("release what waits for twins", |tx, _| {
            let mut changed = 0;
            for (id, release) in &step.released {
                let id = id.0.as_slice();
                let count = match release {
                    // One that waits for a retry goes on waiting for it.
                    Release::Send => tx
                        .prepare_cached(
                            "UPDATE notifications SET held_for = NULL,
                                 at = CASE attempts WHEN 0 THEN min(at, ?2) ELSE at END
                             WHERE id = ?1 AND state = 0",
                        )?
                        .execute(params![id, step.at.0])?,
                    Release::Hold { twin, until } => tx
                        .prepare_cached(
                            "UPDATE notifications SET held_for = ?2, at = ?3
                             WHERE id = ?1 AND state = 0 AND attempts = 0",
                        )?
                        .execute(params![id, twin.as_str(), until.0])?,
                    Release::Told { receipt, report } => {
                        let count = tx
                            .prepare_cached(
                                "UPDATE notifications SET state = 1, at = ?2, detail = ?3
                                 WHERE id = ?1 AND state = 0",
                            )?
                            .execute(params![id, step.at.0, receipt])?;
                        if let Some(report) = report.as_ref().filter(|_| count == 1) {
                            paging::insert(tx, report)?;
                        }
                        count
                    }
                };
                changed += unsigned::<u64>(count as i64, "notifications", "count")?;
            }
            for ruling in &step.rulings {
                paging::add_ruling(tx, ruling)?;
            }
            Ok(changed)
        })
    }
}
