//! What people answered to messages, the keys that sign what they answer with, and up to where the
//! inboxes of chats were read.

use model::{Name, Secret, UnixMillis};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Input, Store, StoreError,
    codec::{self, fixed, printed},
    paging,
};

const ANSWERS: &str = "answers";
const KEYS: &str = "answer_keys";

/// A key that signs links and buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKey {
    /// Counts up, and is never used again.
    pub id: i64,
    /// When it was made, wall time.
    pub made_at: UnixMillis,
    /// 32 bytes.
    pub key: Secret<Vec<u8>>,
}

/// What a person answered to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    /// The message whose button or link it was.
    pub message: [u8; 16],
    /// Which button; the caller's number.
    pub wish: u8,
    /// Who.
    pub by: Name,
    /// When, wall time.
    pub at: UnixMillis,
    /// Over what (`mail link`, `slack`).
    pub via: String,
}

impl Store {
    /// The keys that sign answers, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn answer_keys(&self) -> Result<Vec<AnswerKey>, StoreError> {
        self.read("read the keys of answers", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT id, made_at, key FROM answer_keys ORDER BY id")?;
            let mut rows = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let (id, key): (i64, Vec<u8>) = (row.get(0)?, row.get(2)?);
                fixed::<32>(&key, KEYS, id)?;
                let made_at = UnixMillis(row.get(1)?);
                keys.push(AnswerKey { id, made_at, key: Secret::new(key) });
            }
            Ok(keys)
        })
    }

    /// Keeps one more key and forgets those made before `forgotten_before`; the new key's number.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add_answer_key(
        &self,
        key: &Secret<Vec<u8>>,
        made_at: UnixMillis,
        forgotten_before: UnixMillis,
    ) -> Result<i64, StoreError> {
        self.write("keep a key of answers", |tx, _| {
            // A number that was used must not come back, so the new row goes in first.
            tx.prepare_cached("INSERT INTO answer_keys (made_at, key) VALUES (?1, ?2)")?
                .execute(params![made_at.0, key.reveal()])?;
            let id = tx.last_insert_rowid();
            tx.prepare_cached("DELETE FROM answer_keys WHERE made_at < ?1 AND id <> ?2")?
                .execute(params![forgotten_before.0, id])?;
            Ok(id)
        })
    }

    /// Puts an answer on record, and what the pager is told of it into its inbox, both or neither;
    /// unless the same person answered with the same button before, or `people_max` people did: then
    /// what is on record is given back as the inner error, oldest first.
    ///
    /// # Errors
    /// When the database cannot be written or a row is corrupt.
    pub fn add_answer(
        &self,
        answer: &AnswerRecord,
        people_max: usize,
        inputs: &[Input],
    ) -> Result<Result<(), Vec<AnswerRecord>>, StoreError> {
        self.write("keep an answer", |tx, _| {
            let known = answers_with(tx, answer.message, answer.wish)?;
            if known.len() >= people_max || known.iter().any(|known| known.by == answer.by) {
                return Ok(Err(known));
            }
            tx.prepare_cached(
                "INSERT INTO answers (message, wish, by, at, via) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                answer.message.as_slice(),
                answer.wish,
                answer.by.as_str(),
                answer.at.0,
                answer.via
            ])?;
            for input in inputs {
                paging::insert(tx, input)?;
            }
            Ok(Ok(()))
        })
    }

    /// What people answered with one button of a message, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn answers(&self, message: [u8; 16], wish: u8) -> Result<Vec<AnswerRecord>, StoreError> {
        self.read("read answers", |tx| answers_with(tx, message, wish))
    }

    /// Up to where a chat's inbox was read; `None` when it never was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer_offset(&self, source: &str) -> Result<Option<i64>, StoreError> {
        self.read("read the offset of an inbox", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT next FROM answer_offsets WHERE source = ?1")?;
            Ok(statement.query_row([source], |row| row.get(0)).optional()?)
        })
    }

    /// Remembers up to where a chat's inbox was read.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_answer_offset(&self, source: &str, next: i64) -> Result<(), StoreError> {
        self.write("keep the offset of an inbox", |tx, _| {
            tx.prepare_cached(
                "INSERT INTO answer_offsets (source, next) VALUES (?1, ?2)
                 ON CONFLICT (source) DO UPDATE SET next = excluded.next",
            )?
            .execute(params![source, next])?;
            Ok(())
        })
    }
}

fn answers_with(
    tx: &Transaction<'_>,
    message: [u8; 16],
    wish: u8,
) -> Result<Vec<AnswerRecord>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT by, at, via FROM answers WHERE message = ?1 AND wish = ?2 ORDER BY at, by",
    )?;
    let mut rows = statement.query(params![message.as_slice(), wish])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        let by: String = row.get(0)?;
        let by = codec::name(&by, ANSWERS, printed(&message))?;
        known.push(AnswerRecord {
            message,
            wish,
            by,
            at: UnixMillis(row.get(1)?),
            via: row.get(2)?,
        });
    }
    Ok(known)
}
