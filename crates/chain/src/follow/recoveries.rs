//! When quarantined blocks are tried again, in the background.

use std::{collections::HashMap, sync::Arc, time::Duration};

use model::{BlockBundle, BlockRef};
use tokio::time::Instant;

use super::{cursor::Cursor, task::Task};
use crate::{At, Missing, Source, Want, config::Timing};

/// When to try each quarantined block again. One is tried at a time.
#[derive(Debug)]
pub(super) struct Recoveries {
    due: HashMap<BlockRef, Due>,
    running: Option<(BlockRef, Task<Result<BlockBundle, Missing>>)>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    attempts: u32,
    at: Instant,
}

impl Recoveries {
    /// Everything in quarantine is due at once.
    pub(super) fn new(cursor: &Cursor, now: Instant) -> Self {
        let blocks = cursor.quarantined.iter().map(|entry| entry.link.block);
        let due = blocks.map(|block| (block, Due { attempts: 0, at: now })).collect();
        Self { due, running: None }
    }

    pub(super) fn schedule(
        &mut self,
        block: BlockRef,
        attempts: u32,
        timing: &Timing,
        now: Instant,
    ) {
        let pause_ms = timing.recovery_base_ms.saturating_mul(1 << attempts.min(20));
        let pause = Duration::from_millis(pause_ms.min(timing.recovery_max_ms));
        self.due.insert(block, Due { attempts, at: now + pause });
    }

    pub(super) fn again(&mut self, block: BlockRef, timing: &Timing, now: Instant) {
        let attempts = self.due.get(&block).map_or(0, |due| due.attempts);
        self.schedule(block, attempts.saturating_add(1), timing, now);
    }

    pub(super) fn forget(&mut self, block: BlockRef) {
        self.due.remove(&block);
    }

    /// Starts the one that has been due the longest, unless one is running.
    pub(super) fn start_due<S: Source>(&mut self, source: &Arc<S>, want: Want, now: Instant) {
        if self.running.is_some() {
            return;
        }
        let due = self.due.iter().filter(|(_, due)| due.at <= now).min_by_key(|(_, due)| due.at);
        let Some((&block, _)) = due else { return };
        let source = source.clone();
        let fetch = Task::spawn(async move { source.bundle(At::Block(block), &want).await });
        self.running = Some((block, fetch));
    }

    /// Time until the next one is due.
    pub(super) fn next_due_in(&self, now: Instant) -> Duration {
        let next = self.due.values().map(|due| due.at).min();
        match next {
            Some(at) if self.running.is_none() => at.saturating_duration_since(now),
            _ => Duration::MAX,
        }
    }

    /// Waits for the one that is running; for ever when none is.
    pub(super) async fn finished(&mut self) -> (BlockRef, Result<BlockBundle, Missing>) {
        let Some((block, fetch)) = &mut self.running else { return std::future::pending().await };
        let finished = (*block, fetch.await);
        self.running = None;
        finished
    }
}
