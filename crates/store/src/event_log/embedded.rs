//! The log in the store's own database: durable when `append` returns.
//!
//! ```text
//! log_topics  network → first position, next position, finalized
//! log_events  (network, position) → kind, block, event (format byte + postcard)
//! log_chain   (network, height) → hash, parent hash, quarantine
//! ```
//!
//! `log_chain` is maintained in the transaction of the append, so a restart reads a few rows instead
//! of decoding thousands of blocks. Being in one file with the checkpoint, a backup of the store is
//! a backup of both at one moment.

use std::sync::Arc;

use model::{B256, BlindReason, BlockBundle, BlockNumber, ChainEvent, Name, Position};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    CANONICAL_BLOCKS_MAX, CanonicalTail, ChainChange, EventLog, EventSummary, QuarantinedBlock,
    READ_BYTES_MAX, TailBlock, check_network, format, oldest_kept, summary,
};
use crate::{
    Store, StoreError,
    codec::{self, block, fixed, unsigned},
    error::{height, integer},
};

const EVENTS: &str = "log_events";
const CHAIN: &str = "log_chain";
const TOPICS: &str = "log_topics";

/// The event log inside a [`Store`].
#[derive(Debug, Clone)]
pub struct EmbeddedLog {
    store: Store,
}

impl Store {
    /// The event log kept in this database.
    pub fn event_log(&self) -> EmbeddedLog {
        EmbeddedLog { store: self.clone() }
    }
}

impl EmbeddedLog {
    /// The newest events of a network, newest first, without their bodies.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn newest(&self, network: &Name, limit: usize) -> Result<Vec<EventSummary>, StoreError> {
        self.store.read("list the newest events", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT position, kind, block_number, block_hash FROM log_events
                 WHERE network = ?1 ORDER BY position DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![network.as_str(), limit_of(limit)])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                let position = row.get(0)?;
                let key = key(network, position);
                let hash: Vec<u8> = row.get(3)?;
                events.push(EventSummary {
                    position: Position(unsigned(position, EVENTS, &key)?),
                    kind: row.get(1)?,
                    block: block(row.get(2)?, &hash, EVENTS, &key)?,
                });
            }
            Ok(events)
        })
    }
}

impl EmbeddedLog {
    /// A block of the past as it was judged, if the log still holds it: the one that the ledger has
    /// at this height. `None` also for a block in quarantine.
    ///
    /// # Errors
    /// When the log cannot be read or the event is corrupt.
    pub fn judged_block(
        &self,
        network: &Name,
        number: BlockNumber,
    ) -> Result<Option<Arc<BlockBundle>>, StoreError> {
        let body: Option<Vec<u8>> = self.store.read("read a block of the event log", |tx| {
            let body = tx
                .prepare_cached(
                    "SELECT event FROM log_events JOIN coverage USING (network, block_number, block_hash)
                     WHERE network = ?1 AND block_number = ?2 AND kind IN ('committed', 'recovered')
                     ORDER BY position DESC LIMIT 1",
                )?
                .query_row(params![network.as_str(), height(number)?], |row| row.get(0))
                .optional()?;
            Ok(body)
        })?;
        let Some(body) = body else { return Ok(None) };
        match format::decode(&body, EVENTS, format!("{network} block {number}"))? {
            ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => Ok(Some(bundle)),
            _ => Ok(None),
        }
    }
}

/// Removes the events before a position that the log has reached.
pub(crate) fn remove_before(
    tx: &Transaction<'_>,
    network: &Name,
    position: i64,
) -> Result<(), StoreError> {
    let before = params![network.as_str(), position];
    tx.prepare_cached("DELETE FROM log_events WHERE network = ?1 AND position < ?2")?
        .execute(before)?;
    tx.prepare_cached("UPDATE log_topics SET first_position = ?2 WHERE network = ?1")?
        .execute(before)?;
    Ok(())
}

impl EventLog for EmbeddedLog {
    fn append(&self, network: &Name, events: &[ChainEvent]) -> Result<Position, StoreError> {
        check_network(network, events)?;
        if events.is_empty() {
            return self.end(network);
        }
        // Encoding is most of the work: done before the writer is taken.
        let mut bodies = Vec::with_capacity(events.len());
        for event in events {
            bodies.push(format::encode(EVENTS, event)?);
        }
        self.store.write("append to the event log", |tx, _| {
            tx.prepare_cached(
                "INSERT INTO log_topics (network, first_position, next_position) VALUES (?1, 0, 0)
                 ON CONFLICT DO NOTHING",
            )?
            .execute([network.as_str()])?;
            let first = bounds(tx, network)?.1;
            let mut insert = tx.prepare_cached(
                "INSERT INTO log_events (network, position, kind, block_number, block_hash, event)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut position = first.0;
            for (event, body) in events.iter().zip(bodies) {
                let (kind, block) = summary(event);
                let at = integer("position", position)?;
                let number = height(block.number)?;
                insert.execute(params![
                    network.as_str(),
                    at,
                    kind,
                    number,
                    block.hash.as_slice(),
                    body
                ])?;
                change(tx, network, ChainChange::from(event))?;
                position += 1;
            }
            tx.prepare_cached("UPDATE log_topics SET next_position = ?2 WHERE network = ?1")?
                .execute(params![network.as_str(), integer("position", position)?])?;
            Ok(first)
        })
    }

    fn read(
        &self,
        network: &Name,
        from: Position,
        limit: usize,
    ) -> Result<Vec<(Position, ChainEvent)>, StoreError> {
        let bodies = self.store.read("read the event log", |tx| {
            let (start, _) = bounds(tx, network)?;
            if from < start {
                return Err(StoreError::Truncated { network: network.clone(), from, start });
            }
            let mut statement = tx.prepare_cached(
                "SELECT position, event FROM log_events
                 WHERE network = ?1 AND position >= ?2 ORDER BY position LIMIT ?3",
            )?;
            let from = integer("position", from.0)?;
            let mut rows = statement.query(params![network.as_str(), from, limit_of(limit)])?;
            let mut bodies: Vec<(i64, Vec<u8>)> = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let body: Vec<u8> = row.get(1)?;
                bytes += body.len();
                if bytes > READ_BYTES_MAX && !bodies.is_empty() {
                    break;
                }
                bodies.push((row.get(0)?, body));
            }
            Ok(bodies)
        })?;
        let mut events = Vec::with_capacity(bodies.len());
        for (expected, (position, body)) in (from.0..).zip(bodies) {
            let key = key(network, position);
            if position != integer("position", expected)? {
                let reason = format_args!("position {expected} is missing before it");
                return Err(StoreError::corrupt(EVENTS, key, reason));
            }
            events.push((Position(expected), format::decode(&body, EVENTS, key)?));
        }
        Ok(events)
    }

    fn start(&self, network: &Name) -> Result<Position, StoreError> {
        self.store.read("read the event log's start", |tx| Ok(bounds(tx, network)?.0))
    }

    fn end(&self, network: &Name) -> Result<Position, StoreError> {
        self.store.read("read the event log's end", |tx| Ok(bounds(tx, network)?.1))
    }

    fn truncate(&self, network: &Name, before: Position) -> Result<(), StoreError> {
        self.store.write("truncate the event log", |tx, _| {
            let (start, end) = bounds(tx, network)?;
            if before > end {
                return Err(StoreError::TruncateBeyondEnd {
                    network: network.clone(),
                    before,
                    end,
                });
            }
            if before <= start {
                return Ok(());
            }
            remove_before(tx, network, integer("position", before.0)?)
        })
    }

    fn networks(&self) -> Result<Vec<Name>, StoreError> {
        self.store.read("list the event log's networks", |tx| {
            let mut statement =
                tx.prepare_cached("SELECT network FROM log_topics ORDER BY network")?;
            let mut rows = statement.query([])?;
            let mut networks = Vec::new();
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                networks.push(codec::name(&text, TOPICS, &text)?);
            }
            Ok(networks)
        })
    }

    fn canonical_tail(&self, network: &Name, n: usize) -> Result<CanonicalTail, StoreError> {
        self.store.read("read the canonical tail", |tx| tail(tx, network, n))
    }
}

/// First and next position of a topic; a network without one has an empty topic.
fn bounds(tx: &Transaction<'_>, network: &Name) -> Result<(Position, Position), StoreError> {
    let stored: Option<(i64, i64)> = tx
        .prepare_cached("SELECT first_position, next_position FROM log_topics WHERE network = ?1")?
        .query_row([network.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (start, end) = stored.unwrap_or_default();
    Ok((Position(unsigned(start, TOPICS, network)?), Position(unsigned(end, TOPICS, network)?)))
}

fn change(tx: &Transaction<'_>, network: &Name, change: ChainChange<'_>) -> Result<(), StoreError> {
    let name = network.as_str();
    match change {
        ChainChange::Join { block, parent_hash, quarantine } => {
            let quarantine = quarantine.map(|reason| codec::encode(CHAIN, reason)).transpose()?;
            let number = height(block.number)?;
            tx.prepare_cached(
                "INSERT OR REPLACE INTO log_chain
                 (network, block_number, block_hash, parent_hash, quarantine)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                name,
                number,
                block.hash.as_slice(),
                parent_hash.as_slice(),
                quarantine
            ])?;
            tx.prepare_cached(
                "DELETE FROM log_chain
                 WHERE network = ?1 AND block_number < ?2 AND quarantine IS NULL",
            )?
            .execute(params![name, height(oldest_kept(block.number))?])?;
        }
        ChainChange::Leave { ancestor } => {
            let number = height(ancestor.number)?;
            tx.prepare_cached("DELETE FROM log_chain WHERE network = ?1 AND block_number > ?2")?
                .execute(params![name, number])?;
            tx.prepare_cached(
                "UPDATE log_topics SET finalized_number = ?2, finalized_hash = ?3
                 WHERE network = ?1 AND finalized_number > ?2",
            )?
            .execute(params![name, number, ancestor.hash.as_slice()])?;
        }
        ChainChange::Finalize { block } => {
            tx.prepare_cached(
                "UPDATE log_topics SET finalized_number = ?2, finalized_hash = ?3
                 WHERE network = ?1 AND ifnull(finalized_number <= ?2, TRUE)",
            )?
            .execute(params![name, height(block.number)?, block.hash.as_slice()])?;
        }
        ChainChange::Recover { block } => {
            tx.prepare_cached(
                "UPDATE log_chain SET quarantine = NULL
                 WHERE network = ?1 AND block_number = ?2 AND block_hash = ?3",
            )?
            .execute(params![name, height(block.number)?, block.hash.as_slice()])?;
        }
    }
    Ok(())
}

fn tail(tx: &Transaction<'_>, network: &Name, n: usize) -> Result<CanonicalTail, StoreError> {
    let name = network.as_str();
    let n = limit_of(n.min(CANONICAL_BLOCKS_MAX));
    let mut tail = CanonicalTail::default();
    let finalized: Option<(Option<i64>, Option<Vec<u8>>)> = tx
        .prepare_cached(
            "SELECT finalized_number, finalized_hash FROM log_topics WHERE network = ?1",
        )?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((Some(number), Some(hash))) = finalized {
        tail.finalized = Some(block(number, &hash, TOPICS, network)?);
    }

    let mut newest = tx.prepare_cached(
        "SELECT block_number, block_hash, parent_hash FROM log_chain
         WHERE network = ?1 AND block_number > ?3 - ?4 ORDER BY block_number DESC LIMIT ?2",
    )?;
    let head: Option<i64> = tx
        .prepare_cached("SELECT max(block_number) FROM log_chain WHERE network = ?1")?
        .query_row([name], |row| row.get(0))?;
    let window = CANONICAL_BLOCKS_MAX as i64;
    let mut rows = newest.query(params![name, n, head.unwrap_or(0), window])?;
    while let Some(row) = rows.next()? {
        let (number, hash, parent): (i64, Vec<u8>, Vec<u8>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = format!("{network} block {number}");
        let parent_hash = B256::from(fixed::<32>(&parent, CHAIN, &key)?);
        tail.blocks.push(TailBlock { block: block(number, &hash, CHAIN, key)?, parent_hash });
    }
    tail.blocks.reverse();

    let mut quarantined = tx.prepare_cached(
        "SELECT block_number, block_hash, parent_hash, quarantine FROM log_chain
         WHERE network = ?1 AND quarantine IS NOT NULL ORDER BY block_number LIMIT ?2",
    )?;
    let mut rows = quarantined.query(params![name, n])?;
    while let Some(row) = rows.next()? {
        let (number, hash): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let (parent, reason): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
        let key = format!("{network} block {number}");
        let reason: BlindReason = codec::decode(&reason, CHAIN, &key)?;
        let parent_hash = B256::from(fixed::<32>(&parent, CHAIN, &key)?);
        let block = block(number, &hash, CHAIN, key)?;
        tail.quarantined.push(QuarantinedBlock { block, parent_hash, reason });
    }
    let total: i64 = tx
        .prepare_cached(
            "SELECT count(*) FROM log_chain WHERE network = ?1 AND quarantine IS NOT NULL",
        )?
        .query_row([name], |row| row.get(0))?;
    tail.quarantined_total = unsigned(total, CHAIN, network)?;
    Ok(tail)
}

fn key(network: &Name, position: i64) -> String {
    format!("{network} position {position}")
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
