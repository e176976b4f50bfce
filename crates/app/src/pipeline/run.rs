//! The tasks, how they wake each other, how they stop.

use std::{sync::Arc, time::Duration};

use chain::{NetworkConfig, NetworkStatus};
use model::{Name, ReadPlan};
use store::{Retention, Store};
use tokio::{
    sync::{Notify, broadcast, mpsc, watch},
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use super::{
    backfill::{self, Progress, Request},
    ingest,
    judge::{Judge, JudgeError, Rules},
    retention,
};
use crate::{
    blocking::blocking,
    canary::{self, Canaries},
    clock,
    community::{self, Community},
    coverage::Plan,
    notify::{Receivers, Worker},
    paging,
    pulse::{Stage, Turns},
    twin::Twins,
};

/// Blocks between the follower and the event log. At the head this is minutes of any chain; while
/// catching up it bounds memory to some gigabytes of the busiest blocks with traces, and usually to
/// a few megabytes.
const INGEST_EVENTS_MAX: usize = 32;

/// Rest after a follower or judge failed, before it starts again from what the store holds.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// Requests of the back-fill to the judge at one time: it waits for the answer to each.
const REQUESTS_MAX: usize = 1;

/// How often the judge looks into the event log, should a wake-up get lost.
const LOOK: Duration = Duration::from_secs(1);

/// Listeners of "something changed" that may lag: a page that misses one gets the next.
const CHANGES_MAX: usize = 16;

/// Everything that runs needs.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Where everything is kept.
    pub store: Store,
    /// What is judged, and who hears of it.
    pub rules: Rules,
    /// What is followed.
    pub networks: Vec<NetworkConfig>,
    /// How people are reached.
    pub receivers: Arc<Receivers>,
    /// What must be watched, and how the past is judged.
    pub coverage: Arc<Plan>,
    /// How long what is on record is kept.
    pub retention: Retention,
    /// What the public hears; `None`: nothing.
    pub community: Option<Arc<Community>>,
    /// Other installations that tell the same people.
    pub twins: Twins,
    /// Whether each stage comes round.
    pub turns: Turns,
    /// When canaries come past each stage.
    pub canaries: Canaries,
    /// How often there is one.
    pub canary: canary::Settings,
}

/// The parts of one network, seen from outside.
#[derive(Debug, Clone)]
pub struct NetworkView {
    /// Network.
    pub name: Name,
    /// EIP-155 id.
    pub chain_id: u64,
    /// How following it goes.
    pub following: watch::Receiver<NetworkStatus>,
    /// Why it is not judged at the moment, if so.
    pub judging: watch::Receiver<Option<String>>,
    /// How judging the past goes.
    pub filling: watch::Receiver<Progress>,
}

/// The running pipeline.
#[derive(Debug)]
pub struct Running {
    /// One per network.
    pub networks: Vec<NetworkView>,
    /// Says that something changed, for live pages.
    pub changes: broadcast::Sender<()>,
    stop: watch::Sender<bool>,
    followers: Vec<JoinHandle<()>>,
    /// In the order in which they must end: judges before the pager, the pager before the outbox.
    rest: Vec<JoinHandle<()>>,
    /// Stops the pager, once the judges have said their last.
    stop_paging: watch::Sender<bool>,
    pager: JoinHandle<()>,
    /// Stops the outbox, once the pager has decided its last.
    stop_outbox: watch::Sender<bool>,
    outbox: JoinHandle<()>,
    /// Ends with the outbox; what it has not told it tells at the next start.
    publisher: Option<JoinHandle<()>>,
}

impl Pipeline {
    /// Starts all tasks. `changes` outlives a restart, so that open pages stay connected;
    /// `wake_pager` outlives it, too, because whoever puts something into the inbox has it.
    pub fn start(self, changes: Option<broadcast::Sender<()>>, wake_pager: Arc<Notify>) -> Running {
        let changes = changes.unwrap_or_else(|| broadcast::channel(CHANGES_MAX).0);
        let (stop, stopping) = watch::channel(false);
        let (stop_paging, stopping_paging) = watch::channel(false);
        let (stop_outbox, stopping_outbox) = watch::channel(false);
        let wake_outbox = Arc::new(Notify::new());
        let judges = self.networks.iter().map(|network| Stage::Judge(network.name.clone()));
        self.turns.start(judges.chain([Stage::Pager, Stage::Outbox]), clock::now());
        let (receivers, receivers_view) = watch::channel(self.receivers.clone());
        let names = self.networks.iter().map(|network| network.name.clone());
        self.canaries.start(names, self.canary);
        let pager = tokio::spawn(paging::keep_paging(paging::Parts {
            store: self.store.clone(),
            plan: self.rules.plan.clone(),
            wake: wake_pager.clone(),
            wake_outbox: wake_outbox.clone(),
            is_public: self.community.is_some(),
            changes: changes.clone(),
            twins: self.twins.clone(),
            turns: self.turns.clone(),
            canaries: self.canaries.clone(),
            stopping: stopping_paging,
        }));
        let worker = Worker::new(self.store.outbox(), receivers_view, clock::now)
            .telling(wake_pager.clone())
            .agreeing(self.twins.wake())
            .turning(self.turns.clone())
            .catching(self.canaries.clone());
        let stopping_worker = stopping_outbox.clone();
        let outbox = tokio::spawn(async move {
            // The sender lives as long as the worker, which reads the receivers at each attempt.
            let _receivers = receivers;
            worker.run(wake_outbox, stopping_worker).await;
        });
        let publisher = self.community.clone().map(|community| {
            tokio::spawn(community::keep_publishing(community::Parts {
                store: self.store.clone(),
                community,
                plan: self.rules.plan.clone(),
                changes: changes.subscribe(),
                stopping: stopping_outbox,
            }))
        });
        let mut running = Running {
            networks: Vec::new(),
            changes: changes.clone(),
            stop,
            followers: Vec::new(),
            rest: Vec::new(),
            stop_paging,
            pager,
            stop_outbox,
            outbox,
            publisher,
        };
        for config in &self.networks {
            let network = Network {
                name: config.name.clone(),
                store: self.store.clone(),
                rules: self.rules.clone(),
                wake_judge: Arc::new(Notify::new()),
                wake_pager: wake_pager.clone(),
                turns: self.turns.clone(),
                canaries: self.canaries.clone(),
                changes: changes.clone(),
                stopping: stopping.clone(),
            };
            let (reads_out, reads) = watch::channel(ReadPlan::default());
            let (following_out, following) =
                watch::channel(NetworkStatus::new(config.name.clone()));
            let (judging_out, judging) = watch::channel(None);
            let (filling_out, filling) = watch::channel(Progress::default());
            let (requests_out, requests) = mpsc::channel(REQUESTS_MAX);
            if let Some(plan) = self.coverage.networks.get(&config.name) {
                let parts = backfill::Parts {
                    store: self.store.clone(),
                    config: config.clone(),
                    rules: self.rules.clone(),
                    plan: plan.clone(),
                    backfilling: self.coverage.backfilling,
                    following: following.clone(),
                    judge: requests_out,
                    progress: filling_out,
                    stopping: stopping.clone(),
                };
                running.rest.push(tokio::spawn(backfill::keep_filled(parts)));
            }
            running.rest.push(tokio::spawn(retention::keep_bounded(
                self.store.clone(),
                config.name.clone(),
                self.retention,
                stopping.clone(),
            )));
            let name = config.name.clone();
            running.networks.push(NetworkView {
                name,
                chain_id: config.chain_id,
                following,
                judging,
                filling,
            });
            running.followers.push(tokio::spawn(network.clone().follow(
                config.clone(),
                reads,
                following_out,
            )));
            running.rest.push(tokio::spawn(network.judge(reads_out, judging_out, requests)));
        }
        running
    }
}

impl Running {
    /// Ends all tasks: what is being judged is finished, what is not is judged at the next start.
    pub async fn stop(self) {
        for follower in &self.followers {
            follower.abort();
        }
        // Nobody listening means that all tasks have ended already.
        if self.stop.send(true).is_err() {
            tracing::debug!("all tasks had ended");
        }
        for task in self.rest {
            ended(task).await;
        }
        for (stop, task) in [(self.stop_paging, self.pager), (self.stop_outbox, self.outbox)] {
            if stop.send(true).is_err() {
                tracing::debug!("the task had ended");
            }
            ended(task).await;
        }
        if let Some(publisher) = self.publisher {
            ended(publisher).await;
        }
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task ended badly");
    }
}

/// What the tasks of one network share.
#[derive(Debug, Clone)]
struct Network {
    name: Name,
    store: Store,
    rules: Rules,
    /// Says that the event log grew.
    wake_judge: Arc<Notify>,
    /// Says that the pager's inbox grew.
    wake_pager: Arc<Notify>,
    turns: Turns,
    canaries: Canaries,
    changes: broadcast::Sender<()>,
    stopping: watch::Receiver<bool>,
}

impl Network {
    /// Follower and ingest, started again from the event log whenever one of them ends.
    async fn follow(
        self,
        config: NetworkConfig,
        mut reads: watch::Receiver<ReadPlan>,
        status: watch::Sender<NetworkStatus>,
    ) {
        // A block that is fetched before the judge has said which reads it wants would lack them
        // for good, and be judged half blind. A judge that is gone wants nothing any more.
        if reads.changed().await.is_err() {
            return;
        }
        loop {
            if let Err(error) = self.follow_once(&config, &reads, &status).await {
                tracing::error!(network = %self.name, error = format!("{error:#}"), "following failed");
            }
            sleep(RESTART_AFTER).await;
        }
    }

    async fn follow_once(
        &self,
        config: &NetworkConfig,
        reads: &watch::Receiver<ReadPlan>,
        status: &watch::Sender<NetworkStatus>,
    ) -> anyhow::Result<()> {
        let (store, name) = (self.store.clone(), self.name.clone());
        let window_blocks = config.limits.window_blocks;
        let cursor = spawn_blocking(move || ingest::cursor(&store, &name, window_blocks)).await??;
        let (events_out, events) = mpsc::channel(INGEST_EVENTS_MAX);
        let follower =
            chain::follow(config.clone(), cursor, reads.clone(), events_out, status.clone());
        let ingest = ingest::ingest(
            self.store.clone(),
            self.name.clone(),
            events,
            ingest::Told { wake_judge: self.wake_judge.clone(), canaries: self.canaries.clone() },
        );
        tokio::select! {
            followed = follower => followed?,
            ingested = ingest => ingested?,
        }
        Ok(())
    }

    /// The judge, opened again from the store whenever it fails.
    async fn judge(
        self,
        reads: watch::Sender<ReadPlan>,
        state: watch::Sender<Option<String>>,
        mut requests: mpsc::Receiver<Request>,
    ) {
        while !*self.stopping.borrow() {
            match self.judge_until_stopped(&reads, &state, &mut requests).await {
                Ok(()) => return,
                Err(error) => {
                    let reason = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(network = %self.name, %reason, "judging failed, starting again");
                    self.turns.failed(&Stage::Judge(self.name.clone()), reason.clone());
                    state.send_replace(Some(reason));
                    sleep(RESTART_AFTER).await;
                }
            }
        }
    }

    async fn judge_until_stopped(
        &self,
        reads: &watch::Sender<ReadPlan>,
        state: &watch::Sender<Option<String>>,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Result<(), JudgeError> {
        let (name, store, rules) = (self.name.clone(), self.store.clone(), self.rules.clone());
        let judge = blocking(move || Judge::open(name, store, rules))
            .await
            .map_err(JudgeError::Panicked)??;
        let mut judge = judge.with_canaries(self.canaries.clone());
        reads.send_replace(judge.engine().reads(&self.name));
        let mut stopping = self.stopping.clone();
        let stage = Stage::Judge(self.name.clone());
        loop {
            let (returned, advance) = blocking(move || {
                let advance = judge.advance(clock::now());
                (judge, advance)
            })
            .await
            .map_err(JudgeError::Panicked)?;
            judge = returned;
            let advance = advance?;
            self.turns.turned(&stage, clock::now());
            state.send_if_modified(|state| state.take().is_some());
            if advance.inputs > 0 {
                self.wake_pager.notify_one();
            }
            if advance.events > 0 {
                self.tell_pages();
            }
            if advance.is_behind && !*stopping.borrow() {
                continue;
            }
            tokio::select! {
                _ = stopping.changed() => return Ok(()),
                () = self.wake_judge.notified() => {}
                Some(request) = requests.recv() => {
                    let (returned, inputs) = blocking(move || {
                        let inputs = serve(&mut judge, request);
                        (judge, inputs)
                    })
                    .await
                    .map_err(JudgeError::Panicked)?;
                    judge = returned;
                    if inputs? > 0 {
                        self.wake_pager.notify_one();
                    }
                    self.tell_pages();
                }
                () = sleep(LOOK) => {}
            }
        }
    }

    fn tell_pages(&self) {
        // Without an open page there is nobody to tell.
        let _nobody = self.changes.send(());
    }
}

/// Does what the back-fill asks for; gives how much the pager was told.
fn serve(judge: &mut Judge, request: Request) -> Result<usize, JudgeError> {
    let (inputs, done) = match request {
        Request::Fill(filled, done) => (judge.take_filled(filled, clock::now())?.inputs, done),
        Request::Look(holes, done) => (judge.look_at_holes(&holes, clock::now())?, done),
    };
    // Whoever asked may have been stopped meanwhile.
    done.send(()).ok();
    Ok(inputs)
}
