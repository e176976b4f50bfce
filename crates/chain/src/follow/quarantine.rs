//! Blocks that cannot be had: tried again, passed over when the chain has moved on, fetched in the
//! background.

use std::{collections::HashMap, sync::Arc, time::Duration};

use model::{BlindReason, BlockBundle, BlockNumber, BlockRef, ChainEvent, Name};
use tokio::time::Instant;

use super::{
    branch::{Branch, Relation},
    cross_check::CrossChecked,
    cursor::{Cursor, Link},
    follower::{Closed, Follower, Step},
    status::Condition,
};
use crate::{At, Fault, Head, Missing, Source};

/// Blocks in quarantine at the same time. With so many (51 minutes of mainnet) the fault is not in
/// single blocks, and passing over more of them would only hide it: then we wait.
const QUARANTINE_BLOCKS_MAX: usize = 256;

/// Longest text of a reason that is kept.
const REASON_CHARS_MAX: usize = 500;

/// Why a block could not be taken in one round over all endpoints.
#[derive(Debug)]
pub(super) struct Trouble {
    reason: String,
    /// Somebody answered, wrongly: that says something about the block.
    is_answer: bool,
    /// Who was asked.
    asked: Vec<Name>,
}

impl Trouble {
    pub(super) fn from_missing(missing: &Missing) -> Self {
        Self {
            reason: missing.to_string().chars().take(REASON_CHARS_MAX).collect(),
            is_answer: missing.faults.iter().any(|(_, fault)| Fault::is_answer(fault)),
            asked: missing.faults.iter().map(|(endpoint, _)| endpoint.clone()).collect(),
        }
    }

    pub(super) fn disagreement(views: &str) -> Self {
        let reason = format!("endpoints disagree: {views}");
        Self { reason, is_answer: true, asked: Vec::new() }
    }
}

/// The next block cannot be had.
#[derive(Debug)]
pub(super) struct Setback {
    number: BlockNumber,
    /// Rounds so far; they lengthen the pause.
    rounds: u32,
    /// Rounds that say something about the block: it was answered wrongly, or failed while the
    /// endpoint was otherwise there. In an outage none does.
    telling_rounds: u32,
    /// Who was asked in the last round, and when its head had been seen before.
    asked: HashMap<Name, Duration>,
    /// Whether one of them showed its head since.
    is_alive: bool,
    retry_at: Instant,
    /// How it was asked for, what is known of it, and why it could not be had.
    at: At,
    link: Option<Link>,
    reason: String,
}

impl Setback {
    /// How long not to try again.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        self.retry_at.checked_duration_since(now).filter(|pause| !pause.is_zero())
    }

    /// Takes note of who is there.
    pub(super) fn notice(&mut self, heads: &[Head]) {
        self.is_alive |= heads.iter().any(|head| {
            self.asked.get(&head.endpoint).is_some_and(|&before| head.seen.seen_at > before)
        });
    }
}

impl<S: Source> Follower<S> {
    /// Whether the next failure would send this block to quarantine.
    pub(super) fn is_last_attempt(&self, at: At) -> bool {
        let attempts_max = self.config.limits.attempts_max;
        self.setback.as_ref().is_some_and(|setback| {
            setback.number == at.number() && setback.telling_rounds + 1 >= attempts_max
        })
    }

    /// The block at `at` could not be taken: try again later, or pass over it.
    ///
    /// `link` is the block's, when it is known.
    pub(super) async fn set_back(
        &mut self,
        at: At,
        link: Option<Link>,
        trouble: Trouble,
        best: BlockNumber,
    ) -> Result<Step, Closed> {
        let number = at.number();
        let mut setback = match self.setback.take() {
            Some(setback) if setback.number == number => setback,
            _ => Setback {
                number,
                rounds: 0,
                telling_rounds: 0,
                asked: HashMap::new(),
                is_alive: false,
                retry_at: Instant::now(),
                at,
                link,
                reason: String::new(),
            },
        };
        setback.rounds += 1;
        setback.telling_rounds += u32::from(trouble.is_answer || setback.is_alive);
        setback.is_alive = false;
        let heads = self.source.heads();
        let asked = trouble.asked.iter().map(|endpoint| {
            let head = heads.iter().find(|head| head.endpoint == *endpoint);
            let before = setback.asked.get(endpoint).copied().unwrap_or_default();
            (endpoint.clone(), head.map_or(before, |head| head.seen.seen_at))
        });
        setback.asked = asked.collect();
        let pause = self.retry_pause(setback.rounds);
        setback.retry_at = Instant::now() + pause;
        if setback.rounds > 1 && link.is_none() {
            // Whoever showed us the judged branch may be gone: ask for what there is now.
            self.plan.clear();
        }
        (setback.at, setback.link) = (at, link.or(setback.link));
        setback.reason.clone_from(&trouble.reason);
        let (rounds, reason) = (setback.rounds, trouble.reason);
        self.setback = Some(setback);
        tracing::warn!(network = %self.config.name, number, rounds, reason, "block cannot be had");
        self.status.send_modify(|status| status.set(Condition::BlockMissing { number, reason }));
        Ok(self.pass_over(best).await?.unwrap_or(Step::Rest(pause)))
    }

    fn retry_pause(&self, rounds: u32) -> Duration {
        let timing = &self.config.timing;
        let doublings = rounds.saturating_sub(1).min(20);
        let pause_ms = timing.retry_base_ms.saturating_mul(1 << doublings);
        Duration::from_millis(pause_ms.min(timing.retry_max_ms))
    }

    /// Passes over the block that cannot be had, if it was tried often enough, others are built on
    /// it, and it can be named. `None` when it has to be tried again.
    pub(super) async fn pass_over(&mut self, best: BlockNumber) -> Result<Option<Step>, Closed> {
        let Some(setback) = &self.setback else { return Ok(None) };
        let is_hopeless = setback.telling_rounds >= self.config.limits.attempts_max;
        // A range is of the past, so others were built on it even where we do not look at them.
        let is_built_on = best > setback.number || self.last.is_some();
        if !is_hopeless || !is_built_on {
            return Ok(None);
        }
        let (at, link, reason) = (setback.at, setback.link, setback.reason.clone());
        let blocks = self.cursor.quarantined.len();
        if blocks >= QUARANTINE_BLOCKS_MAX {
            self.status.send_modify(|status| status.set(Condition::QuarantineFull { blocks }));
            return Ok(None);
        }
        let link = match link {
            Some(link) => Some(link),
            None => self.place_of(at).await,
        };
        // Without a name for it, its child cannot be told from any other block.
        let Some(link) = link else { return Ok(None) };
        let branch = Branch::new(link);
        if branch.relate(&self.cursor) != Relation::Continues {
            return self.consider(branch).await.map(Some);
        }
        tracing::error!(
            network = %self.config.name, block = %link.block, reason, "block is passed over unjudged"
        );
        self.arrived(link.block);
        self.recoveries.schedule(link.block, 0, &self.config.timing, Instant::now());
        let event = ChainEvent::Quarantined {
            network: self.config.name.clone(),
            block: link.block,
            parent_hash: link.parent_hash,
            reason: BlindReason::Unverified(reason),
        };
        self.tell(event).await?;
        Ok(Some(Step::Again))
    }

    /// Number, hash and parent of a block that cannot be had: from its header, or from its
    /// neighbours' headers.
    async fn place_of(&self, at: At) -> Option<Link> {
        if let Ok(header) = self.source.header(at).await {
            return Some(Link::from(&header));
        }
        let number = at.number();
        let child = self.source.header(At::Number(number + 1)).await.ok()?;
        let block = BlockRef { number, hash: child.parent_hash };
        let parent_hash = match self.cursor.head() {
            Some(head) => head.hash,
            None => self.source.header(At::Number(number.checked_sub(1)?)).await.ok()?.hash,
        };
        Some(Link { block, parent_hash })
    }

    /// A quarantined block was tried again.
    pub(super) async fn recovered(
        &mut self,
        block: BlockRef,
        outcome: Result<BlockBundle, Missing>,
    ) -> Result<(), Closed> {
        let entry = self.cursor.quarantined.iter().find(|entry| entry.link.block == block);
        // Undone by a reorg in the meantime: no longer of interest.
        let Some(entry) = entry.cloned() else {
            self.recoveries.forget(block);
            return Ok(());
        };
        let bundle = match outcome {
            Ok(bundle) => bundle,
            Err(missing) => {
                tracing::info!(network = %self.config.name, %block, %missing, "still in quarantine");
                self.recoveries.again(block, &self.config.timing, Instant::now());
                return Ok(());
            }
        };
        let link = Link::from(&bundle.header);
        if link != entry.link {
            return self.misplaced(link).await;
        }
        let best = self.cursor.head().map_or(block.number, |head| head.number);
        if self.cross_check(link, &bundle.endpoint, best).await != CrossChecked::Agreed {
            self.recoveries.again(block, &self.config.timing, Instant::now());
            return Ok(());
        }
        self.recoveries.forget(block);
        self.tell(ChainEvent::Recovered(Arc::new(bundle))).await
    }

    /// A block that took its place by its child's word alone turns out to have another parent: our
    /// chain below it was left by a reorg that nobody could see. Goes back to where it branched.
    async fn misplaced(&mut self, link: Link) -> Result<(), Closed> {
        let Some(height_below) = link.block.number.checked_sub(1) else { return Ok(()) };
        let mut below: Cursor = self.cursor.clone();
        below.recent.retain(|ours| ours.block.number <= height_below);
        let walked = self.walk(Branch::new(link), &below).await;
        match walked {
            Ok((branch, Relation::Fork { ancestor })) => {
                let above = self.cursor.recent.iter().map(|ours| ours.block);
                let above = above.filter(|ours| ours.number > link.block.number);
                self.plan = branch.upwards().chain(above).collect();
                self.revert_to(ancestor).await
            }
            _ => {
                self.recoveries.again(link.block, &self.config.timing, Instant::now());
                Ok(())
            }
        }
    }
}
