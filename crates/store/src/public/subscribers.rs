//! Who gets mail: those who proved that the address is theirs.

use model::{Name, Secret, UnixMillis};
use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError, codec::fixed};

const TABLE: &str = "public_subscribers";

/// Subscribers of one channel: what one machine mails to in minutes. Further ones are told that the
/// list is full.
pub const SUBSCRIBERS_MAX: i64 = 10_000;

/// Who gets mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Number.
    pub id: i64,
    /// Which list.
    pub channel: String,
    /// Mail address. Personal: on no page and in no log.
    pub address: Secret<String>,
    /// What a link to leave carries.
    pub leave: [u8; 16],
    /// Since when.
    pub confirmed_at: UnixMillis,
}

/// What became of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribed {
    /// They get mail from now on.
    Now,
    /// The link was used before.
    UsedBefore,
    /// There is no room.
    Full,
}

impl Store {
    /// Subscribes an address, once per link: `digest` is the link's, which would run out at
    /// `expires_at`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn subscribe(
        &self,
        channel: &Name,
        address: &Secret<String>,
        leave: [u8; 16],
        (digest, expires_at): ([u8; 32], UnixMillis),
        now: UnixMillis,
    ) -> Result<Subscribed, StoreError> {
        self.write("subscribe an address", |tx, _| {
            tx.execute("DELETE FROM public_links WHERE expires_at < ?1", [now.0])?;
            let is_new = tx.execute(
                "INSERT OR IGNORE INTO public_links (digest, expires_at) VALUES (?1, ?2)",
                params![digest.as_slice(), expires_at.0],
            )?;
            if is_new == 0 {
                return Ok(Subscribed::UsedBefore);
            }
            let count: i64 = tx.query_row(
                "SELECT count(*) FROM public_subscribers WHERE channel = ?1",
                [channel.as_str()],
                |row| row.get(0),
            )?;
            if count >= SUBSCRIBERS_MAX {
                return Ok(Subscribed::Full);
            }
            tx.execute(
                "INSERT OR IGNORE INTO public_subscribers (channel, address, leave, confirmed_at)
                 VALUES (?1, ?2, ?3, ?4)",
                params![channel.as_str(), address.reveal(), leave.as_slice(), now.0],
            )?;
            Ok(Subscribed::Now)
        })
    }

    /// Takes the subscriber off whose link this is, with all that waits for them; whether there was
    /// one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn leave_list(&self, leave: [u8; 16]) -> Result<bool, StoreError> {
        self.unsubscribe("leave = ?1", &[&leave.as_slice()])
    }

    /// Takes an address off all lists; whether it was on one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_subscriber(&self, address: &str) -> Result<bool, StoreError> {
        self.unsubscribe("address = ?1", &[&address])
    }

    fn unsubscribe(&self, which: &str, value: &[&dyn rusqlite::ToSql]) -> Result<bool, StoreError> {
        self.write("take a subscriber off", |tx, _| {
            for table in ["public_messages", "public_told"] {
                tx.execute(
                    &format!(
                        "DELETE FROM {table} WHERE subscriber IN
                         (SELECT id FROM public_subscribers WHERE {which})"
                    ),
                    value,
                )?;
            }
            let gone =
                tx.execute(&format!("DELETE FROM public_subscribers WHERE {which}"), value)?;
            Ok(gone > 0)
        })
    }

    /// One subscriber.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn subscriber(&self, id: i64) -> Result<Option<Subscriber>, StoreError> {
        self.read("read a subscriber", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, channel, address, leave, confirmed_at FROM public_subscribers
                 WHERE id = ?1",
            )?;
            statement.query_row([id], row).optional()?.map(checked).transpose()
        })
    }

    /// Whether the link to leave is somebody's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn may_leave(&self, leave: [u8; 16]) -> Result<bool, StoreError> {
        self.read("read a subscriber's link", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT 1 FROM public_subscribers WHERE leave = ?1")?;
            Ok(statement.exists([leave.as_slice()])?)
        })
    }

    /// Whether an address is on a list.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_subscribed(&self, channel: &Name, address: &str) -> Result<bool, StoreError> {
        self.read("look for a subscriber", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT 1 FROM public_subscribers WHERE channel = ?1 AND address = ?2",
            )?;
            Ok(statement.exists([channel.as_str(), address])?)
        })
    }

    /// All subscribers, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn subscribers(&self) -> Result<Vec<Subscriber>, StoreError> {
        self.read("list subscribers", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, channel, address, leave, confirmed_at FROM public_subscribers
                 ORDER BY id",
            )?;
            let rows = statement.query_map([], row)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(checked).collect()
        })
    }
}

type Raw = (i64, String, String, Vec<u8>, i64);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn checked((id, channel, address, leave, confirmed_at): Raw) -> Result<Subscriber, StoreError> {
    let leave = fixed::<16>(&leave, TABLE, id)?;
    let address = Secret::new(address);
    Ok(Subscriber { id, channel, address, leave, confirmed_at: UnixMillis(confirmed_at) })
}
