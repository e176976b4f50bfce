//! The loop, and what all its parts share.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use model::{BlockBundle, BlockNumber, BlockRef, ChainEvent, ReadPlan};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    cursor::Cursor,
    forks::StandingFork,
    quarantine::Setback,
    recoveries::Recoveries,
    status::{Condition, ConditionKind, NetworkStatus, SeenBlock},
};
use crate::{
    Head, Source, Want,
    config::{NetworkConfig, Start},
};

/// Follows one source. Its future is the only one that touches its fields.
pub(super) struct Follower<S> {
    pub(super) source: Arc<S>,
    pub(super) config: NetworkConfig,
    /// Fold of everything told so far.
    pub(super) cursor: Cursor,
    pub(super) reads: watch::Receiver<ReadPlan>,
    pub(super) out: mpsc::Sender<ChainEvent>,
    pub(super) status: watch::Sender<NetworkStatus>,
    /// Blocks of a branch that was judged, still to be fetched by hash: by number, another
    /// endpoint might lead us back to the branch that was left. Oldest first.
    pub(super) plan: VecDeque<BlockRef>,
    /// The block that could not be had the last time.
    pub(super) setback: Option<Setback>,
    /// A branch that contradicts ours and is not believed yet.
    pub(super) fork: Option<StandingFork>,
    pub(super) recoveries: Recoveries,
    /// When to ask for the final block again.
    pub(super) finality_due: Instant,
    /// Where a range ends; `None` follows for ever.
    pub(super) last: Option<BlockNumber>,
}

/// The receiver is gone: nobody listens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// What one step led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more to do at once.
    Again,
    /// Nothing to do before something changes, or this much time passes.
    Rest(Duration),
}

impl<S: Source> Follower<S> {
    pub(super) fn new(
        source: S,
        config: NetworkConfig,
        cursor: Cursor,
        reads: watch::Receiver<ReadPlan>,
        out: mpsc::Sender<ChainEvent>,
        status: watch::Sender<NetworkStatus>,
    ) -> Self {
        let now = Instant::now();
        let recoveries = Recoveries::new(&cursor, now);
        Self {
            source: Arc::new(source),
            config,
            cursor,
            reads,
            out,
            status,
            plan: VecDeque::new(),
            setback: None,
            fork: None,
            recoveries,
            finality_due: now,
            last: None,
        }
    }

    /// Runs until nobody listens, or until the end of the range.
    pub(super) async fn run(&mut self) {
        // `Closed` is how it ends.
        while let Ok(true) = self.turn().await {}
    }

    /// One step, and the wait for the next; `false` at the end of the range.
    async fn turn(&mut self) -> Result<bool, Closed> {
        let step = self.step().await?;
        self.finality().await?;
        self.show_status();
        if self.is_at_end() {
            return Ok(false);
        }
        self.recoveries.start_due(&self.source, self.want(true), Instant::now());
        let pause = match step {
            Step::Again => Duration::ZERO,
            Step::Rest(pause) => pause.min(self.recoveries.next_due_in(Instant::now())),
        };
        let recovered = tokio::select! {
            biased;
            recovered = self.recoveries.finished() => Some(recovered),
            () = self.out.closed() => return Err(Closed),
            () = self.source.changed(), if step != Step::Again => None,
            () = tokio::time::sleep(pause) => None,
        };
        if let Some((block, outcome)) = recovered {
            self.recovered(block, outcome).await?;
        }
        Ok(true)
    }

    fn is_at_end(&self) -> bool {
        match (self.last, self.cursor.head()) {
            (Some(last), Some(head)) => head.number >= last,
            _ => false,
        }
    }

    async fn step(&mut self) -> Result<Step, Closed> {
        let heads = self.source.heads();
        let poll_interval = Duration::from_millis(self.config.timing.poll_interval_ms);
        let Some(best) = heads.iter().max_by_key(|head| head.seen.link.block.number) else {
            self.status.send_modify(|status| status.set(Condition::NoEndpoint));
            return Ok(Step::Rest(poll_interval));
        };
        self.see(best);
        if let Some(setback) = &mut self.setback {
            setback.notice(&heads);
            if let Some(pause) = setback.pause(Instant::now()) {
                return Ok(Step::Rest(pause));
            }
        }
        let best = best.seen.link.block.number;
        let best = self.last.map_or(best, |last| best.min(last));
        let next = self.cursor.next_number().unwrap_or(match self.config.start {
            Start::Head => best,
            Start::Block(number) => number,
        });
        if next > best {
            return self.mind_rivals(&heads).await;
        }
        match self.pass_over(best).await? {
            Some(step) => Ok(step),
            None => self.catch_up(next, best).await,
        }
    }

    fn see(&self, best: &Head) {
        let seen = SeenBlock { block: best.seen.link.block, timestamp: Some(best.seen.timestamp) };
        self.status.send_modify(|status| {
            status.seen = Some(seen);
            status.clear(&[ConditionKind::NoEndpoint]);
        });
    }

    fn show_status(&self) {
        let (endpoints, execution) = (self.source.status(), self.source.execution());
        self.status.send_modify(|status| {
            status.endpoints = endpoints;
            status.execution = execution;
            status.finalized = self.cursor.finalized;
            status.quarantined.clone_from(&self.cursor.quarantined);
        });
    }

    /// What to fetch with each block.
    pub(super) fn want(&self, give_up_traces: bool) -> Want {
        Want { give_up_traces, reads: self.reads.borrow().clone() }
    }

    /// Tells an event and folds it in.
    pub(super) async fn tell(&mut self, event: ChainEvent) -> Result<(), Closed> {
        self.cursor.apply(&event, self.config.limits.window_blocks);
        let timestamp = match &event {
            ChainEvent::Committed(bundle) => Some(bundle.header.timestamp),
            _ => None,
        };
        if let Some(block) = event.head() {
            let told = SeenBlock { block, timestamp };
            self.status.send_modify(|status| status.told = Some(told));
        }
        self.out.send(event).await.map_err(|_| Closed)
    }

    pub(super) async fn commit(&mut self, bundle: BlockBundle) -> Result<(), Closed> {
        self.arrived(bundle.block_ref());
        self.tell(ChainEvent::Committed(Arc::new(bundle))).await
    }

    /// A block took its place: whatever was waiting for it is over.
    pub(super) fn arrived(&mut self, block: BlockRef) {
        if self.plan.front().is_some_and(|planned| planned.number <= block.number) {
            self.plan.pop_front();
        }
        self.setback = None;
        self.fork = None;
        self.status.send_modify(|status| {
            status.clear(&[
                ConditionKind::BlockMissing,
                ConditionKind::QuarantineFull,
                ConditionKind::ForkBelowWindow,
                ConditionKind::Contested,
                ConditionKind::Disagreement,
            ]);
        });
    }
}
