//! Where each alert stands before the public.

use model::{AlertId, Name, UnixMillis};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{Store, StoreError, codec::fixed};

const TABLE: &str = "public_alerts";

/// An alert that must be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicDue {
    /// Which.
    pub alert: AlertId,
    /// Counts its changes: what was decided of an older one does not count as looked at.
    pub touched: i64,
    /// Where it stood, as JSON; `None`: it was never looked at.
    pub body: Option<String>,
}

/// Where an alert stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicEntry {
    /// Which.
    pub alert: AlertId,
    /// When it came to stand there.
    pub updated_at: UnixMillis,
    /// As JSON; `None`: it was never looked at.
    pub body: Option<String>,
}

/// What a channel has to say of an alert from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicTelling {
    /// That it is there, or worse.
    News(Name),
    /// That it is over or void.
    End(Name),
    /// Nothing: it is void, and the channel did not tell it.
    Nothing(Name),
}

/// What follows from one look at an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicStep {
    /// Which.
    pub alert: AlertId,
    /// As [`PublicDue::touched`].
    pub touched: i64,
    /// When to look again though nothing changed.
    pub look_at: Option<UnixMillis>,
    /// Id of its notice, once it is published.
    pub id: Option<[u8; 16]>,
    /// Where it stands, as JSON.
    pub body: Option<String>,
    /// When it came to stand there.
    pub updated_at: UnixMillis,
    /// What channels have to say of it.
    pub tellings: Vec<PublicTelling>,
}

/// Marks an alert to be looked at.
pub(crate) fn touch(
    tx: &Transaction<'_>,
    alert: AlertId,
    at: UnixMillis,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO public_alerts (alert, look_at, updated_at) VALUES (?1, ?2, ?2)
         ON CONFLICT DO UPDATE SET look_at = excluded.look_at, touched = touched + 1",
    )?
    .execute(params![alert.0.as_slice(), at.0])?;
    Ok(())
}

impl Store {
    /// Alerts that must be looked at by `now`, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_due(&self, now: UnixMillis, limit: usize) -> Result<Vec<PublicDue>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what the public may hear of", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT alert, touched, body FROM public_alerts
                 WHERE look_at <= ?1 ORDER BY look_at LIMIT ?2",
            )?;
            let mut rows = statement.query(params![now.0, limit])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let (alert, touched, body) = (alert(row)?, row.get(1)?, row.get(2)?);
                due.push(PublicDue { alert, touched, body });
            }
            Ok(due)
        })
    }

    /// When an alert must be looked at next though nothing changes.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_next_look(&self) -> Result<Option<UnixMillis>, StoreError> {
        self.read("read when the public hears next", |tx| {
            let mut statement = tx.prepare_cached("SELECT min(look_at) FROM public_alerts")?;
            let at: Option<i64> = statement.query_row([], |row| row.get(0))?;
            Ok(at.map(UnixMillis))
        })
    }

    /// Channels that told of an alert.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_tellers(&self, alert: AlertId) -> Result<Vec<String>, StoreError> {
        self.read("read which channels told", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT channel FROM public_told WHERE alert = ?1 AND subscriber = 0",
            )?;
            let rows = statement.query_map([alert.0.as_slice()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Commits what follows from looks at alerts.
    ///
    /// # Errors
    /// When the database cannot be written; nothing is then.
    pub fn commit_public(&self, steps: &[PublicStep]) -> Result<(), StoreError> {
        self.write("commit what the public may hear of", |tx, _| {
            for step in steps {
                commit(tx, step)?;
            }
            Ok(())
        })
    }

    /// The entry of a notice.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_entry(&self, id: [u8; 16]) -> Result<Option<PublicEntry>, StoreError> {
        self.read("read a notice", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT alert, updated_at, body FROM public_alerts WHERE id = ?1",
            )?;
            let mut rows = statement.query([id.as_slice()])?;
            rows.next()?.map(entry).transpose()
        })
    }

    /// The entry of an alert.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_entry_of(&self, alert: AlertId) -> Result<Option<PublicEntry>, StoreError> {
        self.read("read where an alert stands before the public", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT alert, updated_at, body FROM public_alerts WHERE alert = ?1",
            )?;
            let mut rows = statement.query([alert.0.as_slice()])?;
            rows.next()?.map(entry).transpose()
        })
    }

    /// Entries, those that changed last first; with `only_published` those that everybody knows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_entries(
        &self,
        only_published: bool,
        limit: usize,
    ) -> Result<Vec<PublicEntry>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("list what the public heard", |tx| {
            // Two statements, because an index of the published ones serves only who asks for them.
            let sql = if only_published {
                "SELECT alert, updated_at, body FROM public_alerts WHERE id IS NOT NULL
                 ORDER BY updated_at DESC, alert LIMIT ?1"
            } else {
                "SELECT alert, updated_at, body FROM public_alerts
                 ORDER BY updated_at DESC, alert LIMIT ?1"
            };
            let mut statement = tx.prepare_cached(sql)?;
            let mut rows = statement.query([limit])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(entry(row)?);
            }
            Ok(entries)
        })
    }

    /// Forgets entries that were not published and stand still since before `unpublished`, and
    /// published ones since before `published`, with all that is kept of them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_public(
        &self,
        unpublished: UnixMillis,
        published: UnixMillis,
    ) -> Result<usize, StoreError> {
        self.write("forget what the public heard long ago", |tx, _| {
            let old = "(id IS NULL AND look_at IS NULL AND updated_at < ?1)
                       OR (id IS NOT NULL AND updated_at < ?2)";
            for table in ["public_told", "public_queue"] {
                tx.execute(
                    &format!(
                        "DELETE FROM {table}
                         WHERE alert IN (SELECT alert FROM public_alerts WHERE {old})"
                    ),
                    params![unpublished.0, published.0],
                )?;
            }
            let forgotten = tx.execute(
                &format!("DELETE FROM public_alerts WHERE {old}"),
                params![unpublished.0, published.0],
            )?;
            tx.execute(
                "DELETE FROM public_messages WHERE state <> 0 AND decided_at < ?1",
                [unpublished.0],
            )?;
            Ok(forgotten)
        })
    }
}

fn commit(tx: &Transaction<'_>, step: &PublicStep) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE public_alerts SET id = ?2, body = ?3, updated_at = ?4,
             look_at = iif(touched = ?5, ?6, look_at)
         WHERE alert = ?1",
    )?
    .execute(params![
        step.alert.0.as_slice(),
        step.id.as_ref().map(<[u8; 16]>::as_slice),
        step.body,
        step.updated_at.0,
        step.touched,
        step.look_at.map(|at| at.0),
    ])?;
    for telling in &step.tellings {
        let (channel, is_end) = match telling {
            PublicTelling::News(channel) => (channel, false),
            PublicTelling::End(channel) => (channel, true),
            PublicTelling::Nothing(channel) => {
                tx.prepare_cached("DELETE FROM public_queue WHERE channel = ?1 AND alert = ?2")?
                    .execute(params![channel.as_str(), step.alert.0.as_slice()])?;
                continue;
            }
        };
        tx.prepare_cached(
            "INSERT INTO public_queue (channel, alert, is_end, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET is_end = excluded.is_end",
        )?
        .execute(params![
            channel.as_str(),
            step.alert.0.as_slice(),
            is_end,
            step.updated_at.0
        ])?;
    }
    Ok(())
}

fn alert(row: &Row<'_>) -> Result<AlertId, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    Ok(AlertId(fixed::<16>(&id, TABLE, crate::codec::printed(&id))?))
}

fn entry(row: &Row<'_>) -> Result<PublicEntry, StoreError> {
    Ok(PublicEntry { alert: alert(row)?, updated_at: UnixMillis(row.get(1)?), body: row.get(2)? })
}

impl Store {
    /// How much of its allowance a channel has left, as JSON; `None`: it said nothing yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn public_meter(&self, channel: &Name) -> Result<Option<String>, StoreError> {
        self.read("read a channel's allowance", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT body FROM public_meters WHERE channel = ?1")?;
            Ok(statement.query_row([channel.as_str()], |row| row.get(0)).optional()?)
        })
    }
}
