//! What was told, and what people said: ours for the other, the other's for us.

use model::{AlertId, Name, NotificationKind, Provenance, Severity, UnixMillis};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{
    Input, Store, StoreError,
    codec::{self, fixed, printed, unsigned},
    outbox::kind_of,
    paging,
    records::{severity_of, severity_rank},
};

const WORDS: &str = "twin_words";
const SAID: &str = "twin_said";

/// Kinds of input that people say, as the inbox names them.
const SAID_BY_PEOPLE: &str = "('said', 'silence', 'sign', 'unsilence')";

/// A word that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinWord {
    /// About which alert.
    pub alert: AlertId,
    /// Over which receiver.
    pub receiver: Name,
    /// To whom; `None`: all who read the receiver.
    pub person: Option<Name>,
    /// What.
    pub kind: NotificationKind,
    /// How bad it was said to be.
    pub severity: Severity,
    /// How many words about it the same people had before.
    pub sequence: u32,
    /// When it was delivered; when the attempt began while it is under way.
    pub at: UnixMillis,
    /// What the receiver's side answered; `None` while it is under way.
    pub receipt: Option<String>,
}

/// Something that a person said to another installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinSaid {
    /// Its number in that installation's inbox.
    pub number: u64,
    /// When it was said, by that installation's clock.
    pub at: UnixMillis,
    /// Versioned JSON.
    pub json: String,
}

/// How much of another installation's logs is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TwinCursor {
    /// Newest message that it told.
    pub told: u64,
    /// Newest thing that people said to it.
    pub said: u64,
}

/// What another installation said of itself, and how far its logs are known with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinHeard {
    /// Which.
    pub twin: Name,
    /// What it told.
    pub words: Vec<TwinWord>,
    /// What people said to it.
    pub said: Vec<TwinSaid>,
    /// How far its logs are known now.
    pub cursor: TwinCursor,
}

impl Store {
    /// Messages that this installation delivered after the `after`-th and not before `since`, oldest
    /// first, each word with its message's number; all words of at most `limit` messages.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn told_after(
        &self,
        after: u64,
        since: UnixMillis,
        limit: usize,
    ) -> Result<Vec<(u64, TwinWord)>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what was told", |tx| {
            let mut statement = tx.prepare_cached(
                "WITH newer AS (
                     SELECT told.number, n.* FROM told JOIN notifications AS n ON n.id = told.notification
                     WHERE told.number > ?1 AND n.at >= ?2 ORDER BY told.number LIMIT ?3)
                 SELECT line.alert, newer.receiver, newer.person, line.kind, line.sequence,
                        line.severity, newer.at, newer.detail, newer.number
                 FROM newer JOIN notification_alerts AS line ON line.notification = newer.id
                 ORDER BY newer.number, line.place",
            )?;
            let mut rows = statement.query(params![after, since.0, limit])?;
            let mut words = Vec::new();
            while let Some(row) = rows.next()? {
                words.push((unsigned(row.get(8)?, "told", "number")?, word(row)?));
            }
            Ok(words)
        })
    }

    /// Words whose attempts run now; of at most `limit` alerts.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn under_way(&self, limit: usize) -> Result<Vec<TwinWord>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what is being told", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT line.alert, n.receiver, n.person, line.kind, line.sequence, line.severity,
                        taken.started_at, NULL
                 FROM notifications AS n
                 JOIN attempts AS taken ON taken.notification = n.id AND taken.number = n.attempts
                 JOIN notification_alerts AS line ON line.notification = n.id
                 WHERE n.state = 0 AND taken.ended_at IS NULL AND n.receiver <> ?2 LIMIT ?1",
            )?;
            let mut rows = statement.query(params![limit, Provenance::SINK])?;
            let mut words = Vec::new();
            while let Some(row) = rows.next()? {
                words.push(word(row)?);
            }
            Ok(words)
        })
    }

    /// What people said to this installation after the `after`-th input and not before `since`,
    /// oldest first; at most `limit`. What another installation passed on is not among it.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn said_after(
        &self,
        after: u64,
        since: UnixMillis,
        limit: usize,
    ) -> Result<Vec<TwinSaid>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what people said", |tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT sequence, at, input FROM pager_inbox
                 WHERE kind IN {SAID_BY_PEOPLE} AND sequence > ?1 AND at >= ?2 AND refused IS NULL
                 ORDER BY sequence LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![after, since.0, limit])?;
            let mut said = Vec::new();
            while let Some(row) = rows.next()? {
                let number = unsigned(row.get(0)?, "pager_inbox", "sequence")?;
                said.push(TwinSaid { number, at: UnixMillis(row.get(1)?), json: row.get(2)? });
            }
            Ok(said)
        })
    }

    /// The newest numbers that were ever given in this installation's own logs.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn twin_newest(&self) -> Result<TwinCursor, StoreError> {
        self.read("read the newest numbers for twins", |tx| {
            let newest = |table: &str| -> Result<u64, StoreError> {
                let newest: Option<i64> = tx
                    .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
                    .query_row([table], |row| row.get(0))
                    .optional()?;
                unsigned(newest.unwrap_or_default(), "sqlite_sequence", table)
            };
            Ok(TwinCursor { told: newest("told")?, said: newest("pager_inbox")? })
        })
    }

    /// How much of another installation's logs is known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn twin_cursor(&self, twin: &Name) -> Result<TwinCursor, StoreError> {
        self.read("read how much of a twin is known", |tx| {
            let known = tx
                .prepare_cached("SELECT told, said FROM twin_cursors WHERE twin = ?1")?
                .query_row([twin.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((told, said)) = known else { return Ok(TwinCursor::default()) };
            let number = |number| unsigned(number, "twin_cursors", twin);
            Ok(TwinCursor { told: number(told)?, said: number(said)? })
        })
    }

    /// Keeps what another installation said of itself; what is known already is left as it is.
    ///
    /// # Errors
    /// When the database cannot be written; nothing was kept then.
    pub fn hear_twin(&self, heard: &TwinHeard) -> Result<(), StoreError> {
        let TwinHeard { twin, words, said, cursor } = heard;
        self.write("keep what a twin said", |tx, _| {
            for word in words {
                // Whoever tells the same again does so with a later receipt.
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO twin_words
                         (alert, receiver, person, kind, sequence, twin, severity, at, receipt)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    word.alert.0.as_slice(),
                    word.receiver.as_str(),
                    word.person.as_ref().map_or("", Name::as_str),
                    word.kind.as_str(),
                    word.sequence,
                    twin.as_str(),
                    severity_rank(word.severity),
                    word.at.0,
                    word.receipt.as_deref().unwrap_or_default(),
                ])?;
            }
            for said in said {
                tx.prepare_cached(
                    // Another text under a known number is of another store of the twin.
                    "INSERT INTO twin_said (twin, number, at, input) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET at = excluded.at, input = excluded.input, taken = 0
                         WHERE at <> excluded.at OR input <> excluded.input",
                )?
                .execute(params![
                    twin.as_str(),
                    number(said.number),
                    said.at.0,
                    said.json
                ])?;
            }
            tx.prepare_cached(
                "INSERT INTO twin_cursors (twin, told, said) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET told = excluded.told, said = excluded.said",
            )?
            .execute(params![
                twin.as_str(),
                number(cursor.told),
                number(cursor.said)
            ])?;
            Ok(())
        })
    }

    /// What other installations told about these alerts, each word with who told it.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn twin_words(&self, alerts: &[AlertId]) -> Result<Vec<(Name, TwinWord)>, StoreError> {
        self.read("read what twins told", |tx| {
            let mut words = Vec::new();
            for alert in alerts {
                words_about(tx, *alert, &mut words)?;
            }
            Ok(words)
        })
    }

    /// Those of these alerts that are on record.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alerts_known(&self, alerts: &[AlertId]) -> Result<Vec<AlertId>, StoreError> {
        self.read("look for alerts", |tx| {
            let mut is_known = tx.prepare_cached("SELECT 1 FROM alerts WHERE id = ?1")?;
            let mut known = Vec::new();
            for alert in alerts {
                if is_known.exists([alert.0.as_slice()])? {
                    known.push(*alert);
                }
            }
            Ok(known)
        })
    }

    /// What people said elsewhere that the pager here was not told of, oldest first; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn twin_said(&self, limit: usize) -> Result<Vec<(Name, TwinSaid)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read what was said to twins", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT twin, number, at, input FROM twin_said WHERE taken = 0
                 ORDER BY at, twin, number LIMIT ?1",
            )?;
            let mut rows = statement.query([limit])?;
            let mut said = Vec::new();
            while let Some(row) = rows.next()? {
                let twin: String = row.get(0)?;
                let number = unsigned(row.get(1)?, SAID, &twin)?;
                let at = UnixMillis(row.get(2)?);
                let twin = codec::name(&twin, SAID, number)?;
                said.push((twin, TwinSaid { number, at, json: row.get(3)? }));
            }
            Ok(said)
        })
    }

    /// Tells the pager here what a person said elsewhere; with no input, it need not be told.
    ///
    /// # Errors
    /// When the database cannot be written; nothing changed then.
    pub fn take_twin_said(
        &self,
        twin: &Name,
        said: &TwinSaid,
        input: Option<&Input>,
    ) -> Result<(), StoreError> {
        self.write("take what was said to a twin", |tx, _| {
            let taken = tx
                .prepare_cached(
                    "UPDATE twin_said SET taken = 1 WHERE twin = ?1 AND number = ?2 AND taken = 0",
                )?
                .execute(params![twin.as_str(), number(said.number)])?;
            if let Some(input) = input.filter(|_| taken == 1) {
                paging::insert(tx, input)?;
            }
            Ok(())
        })
    }
}

pub(super) fn words_about(
    tx: &Transaction<'_>,
    alert: AlertId,
    words: &mut Vec<(Name, TwinWord)>,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT alert, receiver, nullif(person, ''), kind, sequence, severity, at, receipt, twin
         FROM twin_words WHERE alert = ?1",
    )?;
    let mut rows = statement.query([alert.0.as_slice()])?;
    while let Some(row) = rows.next()? {
        let twin: String = row.get(8)?;
        words.push((codec::name(&twin, WORDS, alert)?, word(row)?));
    }
    Ok(())
}

/// A row of `alert, receiver, person, kind, sequence, severity, at, receipt`.
fn word(row: &Row<'_>) -> Result<TwinWord, StoreError> {
    let alert: Vec<u8> = row.get(0)?;
    let key = printed(&alert);
    let (receiver, person): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    let kind: String = row.get(3)?;
    let rank = row.get(5)?;
    let unknown = || StoreError::corrupt(WORDS, &key, format_args!("unknown severity {rank}"));
    Ok(TwinWord {
        alert: AlertId(fixed(&alert, WORDS, &key)?),
        receiver: codec::name(&receiver, WORDS, &key)?,
        person: person.map(|person| codec::name(&person, WORDS, &key)).transpose()?,
        kind: kind_of(&kind, WORDS, &key)?,
        sequence: unsigned(row.get(4)?, WORDS, &key)?,
        severity: severity_of(rank).ok_or_else(unknown)?,
        at: UnixMillis(row.get(6)?),
        receipt: row.get(7)?,
    })
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
