//! Looks at the ledger and fills it, beside the live judge.

use std::time::{Duration, Instant};

use chain::{NetworkConfig, NetworkStatus};
use model::{BlockNumber, BlockRange, Name};
use registry::coverage::Ledger;
use store::Store;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::sleep,
};

use super::{Fill, Job, Limits, next_job};
use crate::{
    coverage::{Backfilling, HoleGroup, NetworkPlan, is_told},
    pipeline::{Filled, Rules},
};

/// Shortest rest between two chunks.
const REST_MIN: Duration = Duration::from_millis(5);

/// What the judge is asked to do beside the events. The answer says that it is committed.
#[derive(Debug)]
pub enum Request {
    /// To take in blocks of the past.
    Fill(Filled, oneshot::Sender<()>),
    /// To look at the holes that are open.
    Look(Vec<(HoleGroup, Vec<Name>)>, oneshot::Sender<()>),
}

/// How filling goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blocks that are being judged, and by how many monitors.
    pub job: Option<(BlockRange, usize)>,
    /// The newest of them that is done.
    pub done_up_to: Option<BlockNumber>,
    /// Why filling stopped, until it goes on.
    pub failure: Option<String>,
}

/// What the task works with.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// How blocks are fetched.
    pub config: NetworkConfig,
    /// Who judges.
    pub rules: Rules,
    /// What must be watched.
    pub plan: NetworkPlan,
    /// How the past is judged.
    pub backfilling: Backfilling,
    /// Whether the network is being caught up, which goes first.
    pub following: watch::Receiver<NetworkStatus>,
    /// The judge.
    pub judge: mpsc::Sender<Request>,
    /// How it goes.
    pub progress: watch::Sender<Progress>,
    /// Says when to end.
    pub stopping: watch::Receiver<bool>,
}

/// What one look at the ledger brought.
struct Look {
    holes: Vec<HoleGroup>,
    told: Vec<(HoleGroup, Vec<Name>)>,
    limits: Option<Limits>,
}

/// Why the task cannot go on at the moment.
enum Stop {
    /// Nobody is there to judge any more.
    Gone,
    /// To be tried again after a rest.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Looks at the ledger every so often, has holes told, and fills them one after the other, until
/// told to stop. Never fails: what goes wrong is shown and tried again.
pub async fn keep_filled(mut parts: Parts) {
    let interval = Duration::from_millis(parts.backfilling.look_interval_ms);
    let mut last: Option<Job> = None;
    loop {
        let done = parts.once(&mut last).await;
        match done {
            // There may be more.
            Ok(true) => continue,
            Ok(false) => {}
            Err(Stop::Gone) => return,
            Err(Stop::Failed(error)) => {
                let failure = format!("{error:#}");
                let network = &parts.plan.network;
                tracing::warn!(%network, failure, "filling the ledger failed, trying again later");
                parts.progress.send_modify(|progress| {
                    progress.job = None;
                    progress.failure = Some(failure);
                });
                last = None;
            }
        }
        tokio::select! {
            _ = parts.stopping.changed() => return,
            () = sleep(interval) => {}
        }
    }
}

impl Parts {
    /// One look, and one job if there is one; whether there was.
    async fn once(&mut self, last: &mut Option<Job>) -> Result<bool, Stop> {
        let look = self.look().await?;
        let limits = look.limits.filter(|_| self.backfilling.is_automatic);
        let job = limits.and_then(|limits| next_job(&look.holes, &limits));
        // A job that left its hole open would be done for ever.
        let Some(job) = job.filter(|job| last.as_ref() != Some(job)) else {
            self.progress.send_if_modified(|progress| progress.job.take().is_some());
            return Ok(false);
        };
        self.fill(job.clone()).await?;
        *last = Some(job);
        Ok(true)
    }

    /// Reads the ledger and has the judge look at its holes.
    async fn look(&self) -> Result<Look, Stop> {
        let (store, plan) = (self.store.clone(), self.plan.clone());
        let depth_blocks = self.backfilling.depth_blocks;
        let read = spawn_blocking(move || -> anyhow::Result<Look> {
            let rows = store.ledger(&plan.network)?;
            let ledger = Ledger::new(&rows, &plan.roster);
            let head = ledger.span().map_or(0, |span| span.last);
            let holes = plan.holes(&ledger);
            let told = holes.iter().filter(|hole| is_told(hole, head));
            let told = told.map(|hole| (hole.clone(), plan.names(&hole.monitors))).collect();
            let finalized = store.checkpoint(&plan.network)?.and_then(|c| c.finalized);
            let range = finalized.and_then(|finalized| {
                BlockRange::new(head.saturating_sub(depth_blocks), finalized.number)
            });
            let limits = range.map(|range| Limits { range, head, is_retrying: false });
            Ok(Look { holes, told, limits })
        });
        let look = read.await.map_err(anyhow::Error::new)??;
        self.ask(|done| Request::Look(look.told.clone(), done)).await?;
        Ok(look)
    }

    async fn fill(&mut self, job: Job) -> Result<(), Stop> {
        let warm_up_blocks = self.backfilling.warm_up_blocks;
        let (range, monitors) = (job.range, job.monitors.len());
        let mut fill =
            Fill::new(&self.store, &self.config, &self.rules, &self.plan, warm_up_blocks, job)?;
        let begun = Progress { job: Some((range, monitors)), done_up_to: None, failure: None };
        self.progress.send_replace(begun);
        let mut looked_at = Instant::now();
        loop {
            self.give_way().await?;
            let begun = Instant::now();
            let filled = tokio::select! {
                _ = self.stopping.changed() => return Err(Stop::Gone),
                filled = fill.next() => filled?,
            };
            let Some(filled) = filled else { return Ok(()) };
            let done_up_to = filled.range.last;
            self.ask(|done| Request::Fill(filled, done)).await?;
            self.progress.send_modify(|progress| progress.done_up_to = Some(done_up_to));
            let interval = Duration::from_millis(self.backfilling.look_interval_ms);
            if looked_at.elapsed() >= interval {
                self.look().await?;
                looked_at = Instant::now();
            }
            self.rest(begun.elapsed().max(REST_MIN)).await?;
        }
    }

    /// Waits while the network is being caught up: what happens now goes first.
    async fn give_way(&mut self) -> Result<(), Stop> {
        while self.following.borrow_and_update().catching_up.is_some() {
            tokio::select! {
                _ = self.stopping.changed() => return Err(Stop::Gone),
                changed = self.following.changed() => changed.map_err(|_| Stop::Gone)?,
            }
        }
        Ok(())
    }

    async fn rest(&mut self, pause: Duration) -> Result<(), Stop> {
        tokio::select! {
            _ = self.stopping.changed() => Err(Stop::Gone),
            () = sleep(pause) => Ok(()),
        }
    }

    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) -> Result<(), Stop> {
        let (done, is_done) = oneshot::channel();
        let mut stopping = self.stopping.clone();
        let asked = async {
            self.judge.send(request(done)).await.map_err(|_| Stop::Gone)?;
            let lost = || anyhow::anyhow!("the judge started again meanwhile");
            is_done.await.map_err(|_| Stop::Failed(lost()))
        };
        tokio::select! {
            _ = stopping.changed() => Err(Stop::Gone),
            answer = asked => answer,
        }
    }
}
