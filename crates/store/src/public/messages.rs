//! What public channels say.

use model::{AlertId, Name, Secret, UnixMillis};
use rusqlite::{Row, params};

use crate::{
    Store, StoreError,
    codec::{self, fixed, printed},
};

const MESSAGES: &str = "public_messages";

/// Something that a channel has yet to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicWaiting {
    /// About this alert.
    pub alert: AlertId,
    /// Whether it ends or takes back what was told.
    pub is_end: bool,
    /// Since when.
    pub since: UnixMillis,
    /// Where the alert stands, as JSON.
    pub body: String,
}

/// What a channel says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicSaid {
    /// The alerts that it tells of.
    pub alerts: Vec<AlertId>,
    /// Whether it ends or takes back what was told: then it goes to those who were told.
    pub is_end: bool,
    /// The message, as JSON.
    pub body: String,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicMessage {
    /// Counts the messages.
    pub number: i64,
    /// Channel.
    pub channel: Name,
    /// Subscriber; 0 for the channel itself.
    pub subscriber: i64,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// Attempts so far.
    pub attempts: u32,
    /// What it says, as JSON.
    pub body: String,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicDelivered {
    /// The message.
    pub message: PublicMessage,
    /// Whose mail it was; `None`: it was for the channel itself, or the subscriber left.
    pub address: Option<Secret<String>>,
    /// What the other side answered.
    pub receipt: String,
}

/// How messages of a channel fare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicMessageCounts {
    /// Channel.
    pub channel: String,
    /// On their way.
    pub due: u64,
    /// Taken by the other side.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
    /// What the other side said last to one that is not delivered.
    pub trouble: Option<String>,
}

impl Store {
    /// What a channel has yet to say, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_queue(
        &self,
        channel: &Name,
        limit: usize,
    ) -> Result<Vec<PublicWaiting>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what a public channel has to say", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT q.alert, q.is_end, q.since, a.body FROM public_queue q
                 JOIN public_alerts a ON a.alert = q.alert
                 WHERE q.channel = ?1 AND a.body IS NOT NULL
                 ORDER BY q.since, q.alert LIMIT ?2",
            )?;
            let mut rows = statement.query(params![channel.as_str(), limit])?;
            let mut waiting = Vec::new();
            while let Some(row) = rows.next()? {
                let id: Vec<u8> = row.get(0)?;
                waiting.push(PublicWaiting {
                    alert: AlertId(fixed::<16>(&id, "public_queue", printed(&id))?),
                    is_end: row.get(1)?,
                    since: UnixMillis(row.get(2)?),
                    body: row.get(3)?,
                });
            }
            Ok(waiting)
        })
    }

    /// Puts what a channel says on its way: to the channel itself, or to its subscribers (all of
    /// them for news, those who were told for an end), and remembers whom it told.
    ///
    /// # Errors
    /// When the database cannot be written; nothing is then.
    pub fn say_in_public(
        &self,
        channel: &Name,
        has_subscribers: bool,
        said: &[PublicSaid],
        meter: &str,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.write("say something in public", |tx, _| {
            for said in said {
                let whom = match (has_subscribers, said.is_end) {
                    (false, _) => "SELECT 0 AS id WHERE ?1 = ?1",
                    (true, false) => "SELECT id FROM public_subscribers WHERE channel = ?1",
                    (true, true) => {
                        "SELECT DISTINCT s.id FROM public_subscribers s
                         JOIN public_told t ON t.subscriber = s.id AND t.channel = s.channel
                         WHERE s.channel = ?1 AND t.alert IN (SELECT alert FROM temp.said)"
                    }
                };
                tx.execute_batch(
                    "CREATE TEMP TABLE IF NOT EXISTS said (alert BLOB PRIMARY KEY);
                     DELETE FROM temp.said",
                )?;
                for alert in &said.alerts {
                    tx.prepare_cached("INSERT OR IGNORE INTO temp.said VALUES (?1)")?
                        .execute([alert.0.as_slice()])?;
                }
                tx.prepare_cached(&format!(
                    "INSERT INTO public_messages (channel, subscriber, decided_at, not_before, body)
                     SELECT ?1, id, ?2, ?2, ?3 FROM ({whom}) ORDER BY id"
                ))?
                .execute(params![channel.as_str(), at.0, said.body])?;
                tx.prepare_cached(&format!(
                    "INSERT OR IGNORE INTO public_told (alert, channel, subscriber)
                     SELECT a.alert, ?1, w.id FROM temp.said a,
                         (SELECT 0 AS id UNION SELECT id FROM ({whom})) w"
                ))?
                .execute([channel.as_str()])?;
                tx.prepare_cached(
                    "DELETE FROM public_queue
                     WHERE channel = ?1 AND alert IN (SELECT alert FROM temp.said)",
                )?
                .execute([channel.as_str()])?;
            }
            tx.prepare_cached(
                "INSERT INTO public_meters (channel, body) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET body = excluded.body",
            )?
            .execute([channel.as_str(), meter])?;
            Ok(())
        })
    }

    /// Messages that may be tried by `now`: the first one of each reader that is not delivered, so
    /// that nobody hears the end before the beginning.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_messages_due(
        &self,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<PublicMessage>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read public messages", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT m.number, m.channel, m.subscriber, m.decided_at, m.attempts, m.body
                 FROM (SELECT min(number) AS number FROM public_messages WHERE state = 0
                       GROUP BY channel, subscriber) f
                 JOIN public_messages m ON m.number = f.number
                 WHERE m.not_before <= ?1 ORDER BY m.number LIMIT ?2",
            )?;
            let mut rows = statement.query(params![now.0, limit])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                due.push(message(row)?);
            }
            Ok(due)
        })
    }

    /// Records what one attempt came to: delivered, to be tried again at `again`, or given up.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn public_attempted(
        &self,
        number: i64,
        is_delivered: bool,
        again: Option<UnixMillis>,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let state = match (is_delivered, again) {
            (true, _) => 1,
            (false, Some(_)) => 0,
            (false, None) => 2,
        };
        let outcome: String = outcome.chars().take(crate::DETAIL_CHARS_MAX).collect();
        self.write("record an attempt of a public message", |tx, _| {
            tx.prepare_cached(
                "UPDATE public_messages SET state = ?2, attempts = attempts + 1, outcome = ?3,
                     not_before = coalesce(?4, not_before)
                 WHERE number = ?1",
            )?
            .execute(params![number, state, outcome, again.map(|at| at.0)])?;
            Ok(())
        })
    }

    /// Messages that this installation delivered and that were decided at `since` or later, the newest
    /// first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_delivered(
        &self,
        since: UnixMillis,
        limit: usize,
    ) -> Result<Vec<PublicDelivered>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what was told in public", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT m.number, m.channel, m.subscriber, m.decided_at, m.attempts, m.body,
                     m.outcome, s.address
                 FROM public_messages m LEFT JOIN public_subscribers s ON s.id = m.subscriber
                 WHERE m.state <> 0 AND m.state = 1 AND m.attempts > 0 AND m.decided_at >= ?1
                 ORDER BY m.decided_at DESC, m.number DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![since.0, limit])?;
            let mut delivered = Vec::new();
            while let Some(row) = rows.next()? {
                delivered.push(PublicDelivered {
                    message: message(row)?,
                    receipt: row.get(6)?,
                    address: row.get::<_, Option<String>>(7)?.map(Secret::new),
                });
            }
            Ok(delivered)
        })
    }

    /// Puts a message off without an attempt.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn hold_public(&self, number: i64, until: UnixMillis) -> Result<(), StoreError> {
        self.write("put a public message off", |tx, _| {
            tx.prepare_cached(
                "UPDATE public_messages SET not_before = ?2 WHERE number = ?1 AND state = 0",
            )?
            .execute(params![number, until.0])?;
            Ok(())
        })
    }

    /// Another installation told it: nothing is left to do, and no attempt was made here.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn public_told_elsewhere(&self, number: i64, by: &str) -> Result<(), StoreError> {
        let by: String = by.chars().take(crate::DETAIL_CHARS_MAX).collect();
        self.write("record what another installation told", |tx, _| {
            tx.prepare_cached(
                "UPDATE public_messages SET state = 1, outcome = ?2 WHERE number = ?1 AND state = 0",
            )?
            .execute(params![number, by])?;
            Ok(())
        })
    }

    /// How messages fare, by channel.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_message_counts(&self) -> Result<Vec<PublicMessageCounts>, StoreError> {
        self.read("count public messages", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT channel, sum(state = 0), sum(state = 1), sum(state = 2),
                     (SELECT outcome FROM public_messages l
                      WHERE l.channel = m.channel AND l.state <> 1 AND l.outcome <> ''
                      ORDER BY l.number DESC LIMIT 1)
                 FROM public_messages m GROUP BY channel ORDER BY channel",
            )?;
            let mut rows = statement.query([])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let count = |at| Ok::<u64, StoreError>(row.get::<_, i64>(at)?.unsigned_abs());
                counts.push(PublicMessageCounts {
                    channel: row.get(0)?,
                    due: count(1)?,
                    delivered: count(2)?,
                    failed: count(3)?,
                    trouble: row.get(4)?,
                });
            }
            Ok(counts)
        })
    }
}

/// A row of `number, channel, subscriber, decided_at, attempts, body`.
fn message(row: &Row<'_>) -> Result<PublicMessage, StoreError> {
    let (number, channel): (i64, String) = (row.get(0)?, row.get(1)?);
    Ok(PublicMessage {
        number,
        channel: codec::name(&channel, MESSAGES, number)?,
        subscriber: row.get(2)?,
        decided_at: UnixMillis(row.get(3)?),
        attempts: row.get(4)?,
        body: row.get(5)?,
    })
}
