//! What is kept for how long, and what is told of the rest.
//!
//! Limits are in the chain's own time: a network that stands still forgets nothing, and a replay of
//! last year does not forget it while it runs. What goes is counted in the same transaction, so the
//! store always knows what it once knew. What is still open never goes, however old: blocks in
//! quarantine, holes, provisional alerts, messages under way, and what belongs to them. The ledger's
//! ranges are no part of retention: they grow with what changes, not with blocks.

mod blocks; //  events of the log, rows of the ledger
mod paging; //  what the pager was told, what it decided about groups
mod records; // findings, alerts and what was decided about them

use model::{BlockRef, Name, Position, UnixMillis, UnixSeconds};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    RAW_RETENTION_S, Store, StoreError, checkpoint,
    codec::{self, unsigned},
    error::{height, integer},
    series,
};

const TABLE: &str = "forgotten";

const DAY_S: u64 = 86_400;

/// How long what is on record is kept: seconds of chain time before the newest final block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Whole blocks in the event log. What was not judged yet stays.
    pub events_s: u64,
    /// The ledger's rows, one a block; at least as long as events, whose age they tell. Its ranges
    /// stay.
    pub coverage_s: u64,
    /// Findings, alerts, decisions, messages.
    pub findings_s: u64,
    /// Points of series.
    pub samples_s: u64,
}

impl Default for Retention {
    /// A week of blocks, as deep as holes are filled without being asked; a month of rows and points;
    /// findings for four hundred days, so that a yearly review has its whole year.
    fn default() -> Self {
        Self {
            events_s: 7 * DAY_S,
            coverage_s: 30 * DAY_S,
            findings_s: 400 * DAY_S,
            samples_s: RAW_RETENTION_S,
        }
    }
}

/// A kind of record that retention removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Record {
    /// Events of the log.
    Events,
    /// The ledger's rows, one a block.
    Coverage,
    /// Findings.
    Findings,
    /// Alerts.
    Alerts,
    /// What was decided about alerts, and why.
    Decisions,
    /// Messages, with their attempts.
    Messages,
    /// Points of series.
    Samples,
    /// Holes that were closed, beyond the newest thousand.
    ClosedHoles,
    /// What the pager was told and has applied: people's words as long as findings, the rest as long
    /// as events.
    PagerInputs,
}

impl Record {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Events,
        Self::Coverage,
        Self::Findings,
        Self::Alerts,
        Self::Decisions,
        Self::Messages,
        Self::Samples,
        Self::ClosedHoles,
        Self::PagerInputs,
    ];

    /// The word for it, stable for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Coverage => "coverage",
            Self::Findings => "findings",
            Self::Alerts => "alerts",
            Self::Decisions => "decisions",
            Self::Messages => "messages",
            Self::Samples => "samples",
            Self::ClosedHoles => "closed_holes",
            Self::PagerInputs => "pager_inputs",
        }
    }
}

/// What retention removed of one kind since the store was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Kind.
    pub what: Record,
    /// How many.
    pub removed: u64,
    /// Chain time: what is older than this may be gone.
    pub up_to: UnixSeconds,
    /// Wall time of the last removal.
    pub at: UnixMillis,
}

/// What one call of [`Store::forget`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// What was removed; kinds of which nothing was are left out.
    pub removed: Vec<(Record, u64)>,
    /// Whether there is more to remove: call again.
    pub has_more: bool,
}

impl Pass {
    fn add(&mut self, what: Record, removed: u64) {
        if removed > 0 {
            self.removed.push((what, removed));
        }
    }
}

/// What a network's limits are measured from.
struct Now {
    /// Newest final block, and its time.
    finalized: BlockRef,
    chain: UnixSeconds,
    /// Next event to judge.
    position: Position,
    wall: UnixMillis,
}

impl Now {
    fn before(&self, kept_s: u64) -> UnixSeconds {
        UnixSeconds(self.chain.0.saturating_sub(kept_s))
    }
}

impl Store {
    /// Removes what is older than the limits, some thousand records at most, and counts it. Before
    /// a block is final nothing is removed.
    ///
    /// # Errors
    /// When the database cannot be written or a row is corrupt; nothing is removed then.
    pub fn forget(
        &self,
        network: &Name,
        limits: &Retention,
        now: UnixMillis,
    ) -> Result<Pass, StoreError> {
        self.write("remove what is older than its retention", |tx, _| {
            let mut pass = Pass::default();
            let wall = UnixSeconds(u64::try_from(now.0 / 1_000).unwrap_or_default());
            let before = UnixSeconds(wall.0.saturating_sub(limits.findings_s));
            records::reports(tx, network, before, now, &mut pass)?;
            let Some(now) = moment(tx, network, now)? else { return Ok(pass) };
            // Events first: the rows tell how old they are.
            blocks::events(tx, network, now.before(limits.events_s), &now, &mut pass)?;
            let rows_s = limits.coverage_s.max(limits.events_s);
            blocks::coverage(tx, network, now.before(rows_s), &now, &mut pass)?;
            records::alerts(tx, network, now.before(limits.findings_s), &now, &mut pass)?;
            paging::forget(tx, network, limits, &now, &mut pass)?;
            let before = now.before(limits.samples_s);
            let pruned = series::prune(tx, network, before)?;
            note(tx, network, Record::Samples, pruned.points, before, now.wall)?;
            pass.add(Record::Samples, pruned.points);
            pass.has_more |= pruned.has_more;
            Ok(pass)
        })
    }

    /// What retention removed of a network since the store was made.
    ///
    /// # Errors
    /// When the database cannot be read or a row is corrupt.
    pub fn forgotten(&self, network: &Name) -> Result<Vec<Forgotten>, StoreError> {
        self.read("read what was forgotten", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT removed, up_to, at FROM forgotten WHERE network = ?1 AND what = ?2",
            )?;
            let mut forgotten = Vec::new();
            for what in Record::ALL {
                let row: Option<(i64, i64, i64)> = statement
                    .query_row(params![network.as_str(), what.as_str()], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()?;
                let Some((removed, up_to, at)) = row else { continue };
                forgotten.push(Forgotten {
                    what,
                    removed: unsigned(removed, TABLE, network)?,
                    up_to: UnixSeconds(unsigned(up_to, TABLE, network)?),
                    at: UnixMillis(at),
                });
            }
            Ok(forgotten)
        })
    }
}

/// `None` before a block is final.
fn moment(
    tx: &Transaction<'_>,
    network: &Name,
    wall: UnixMillis,
) -> Result<Option<Now>, StoreError> {
    let Some(checkpoint) = checkpoint::load(tx, network)? else { return Ok(None) };
    let Some(finalized) = checkpoint.finalized else { return Ok(None) };
    let at: Option<i64> = tx
        .prepare_cached(
            "SELECT at FROM coverage WHERE network = ?1 AND block_number <= ?2 AND at IS NOT NULL
             ORDER BY block_number DESC LIMIT 1",
        )?
        .query_row(params![network.as_str(), height(finalized.number)?], |row| row.get(0))
        .optional()?;
    let Some(at) = at else { return Ok(None) };
    let chain = UnixSeconds(unsigned(at, TABLE, network)?);
    Ok(Some(Now { finalized, chain, position: checkpoint.position, wall }))
}

/// Counts what was removed.
pub(crate) fn note(
    tx: &Transaction<'_>,
    network: &Name,
    what: Record,
    removed: u64,
    up_to: UnixSeconds,
    at: UnixMillis,
) -> Result<(), StoreError> {
    if removed == 0 {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO forgotten (network, what, removed, up_to, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET removed = removed + excluded.removed,
             up_to = max(up_to, excluded.up_to), at = excluded.at",
    )?
    .execute(params![
        network.as_str(),
        what.as_str(),
        integer("removed", removed)?,
        codec::seconds(up_to),
        at.0
    ])?;
    Ok(())
}
