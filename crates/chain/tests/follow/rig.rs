//! Runs the follower against endpoints and checks each event as it comes.

use std::{sync::Arc, time::Duration};

use bellwether_chain::{
    Prove, Source,
    config::{EndpointConfig, Finality, Limits, NetworkConfig, Start, Timing, TraceMode},
    follow,
    follow::{Cursor, NetworkStatus, follow_source},
};
use model::{BlockBundle, BlockRef, ChainEvent, Name, ReadPlan, ReadRequest};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::synthetic::CHAIN_ID;

/// How long a test waits for what must come. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration whose pauses are milliseconds.
pub(crate) fn config(endpoints: Vec<EndpointConfig>) -> NetworkConfig {
    NetworkConfig {
        name: Name::new("testnet").unwrap(),
        chain_id: CHAIN_ID,
        endpoints,
        finality: Finality::Blocks(64),
        start: Start::Block(1),
        traces: TraceMode::Off,
        executor: None,
        // The made-up transactions are signed by nobody.
        prove: Prove { senders: false, ..Prove::everything() },
        cross_check: None,
        timing: Timing {
            poll_interval_ms: 5,
            request_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            retry_base_ms: 2,
            retry_max_ms: 20,
            recovery_base_ms: 5,
            recovery_max_ms: 20,
            reorg_patience_ms: 60,
            finality_interval_ms: 5,
            ws_silence_ms: 10_000,
            execution_timeout_ms: 5_000,
        },
        limits: Limits { attempts_max: 3, parallel_blocks: 4, ..Limits::default() },
    }
}

/// A running follower and everything it told.
pub(crate) struct Rig {
    pub(crate) history: Vec<ChainEvent>,
    /// Fold of the history, as a store would keep it.
    pub(crate) cursor: Cursor,
    pub(crate) status: watch::Receiver<NetworkStatus>,
    pub(crate) reads: watch::Sender<ReadPlan>,
    events: mpsc::Receiver<ChainEvent>,
    task: JoinHandle<()>,
    /// Blocks that were told and not undone.
    chain: Vec<BlockRef>,
    window_blocks: usize,
}

/// The follower's ends of the channels.
struct Wires {
    out: mpsc::Sender<ChainEvent>,
    reads: watch::Receiver<ReadPlan>,
    status: watch::Sender<NetworkStatus>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rig {
    pub(crate) fn start(config: NetworkConfig) -> Self {
        Self::resume(config, None)
    }

    pub(crate) fn resume(config: NetworkConfig, cursor: Option<Cursor>) -> Self {
        Self::with_reads(config, cursor, Vec::new())
    }

    pub(crate) fn with_reads(
        config: NetworkConfig,
        cursor: Option<Cursor>,
        requests: Vec<ReadRequest>,
    ) -> Self {
        Self::with_plan(config, cursor, requests.into_iter().collect())
    }

    pub(crate) fn with_plan(config: NetworkConfig, cursor: Option<Cursor>, plan: ReadPlan) -> Self {
        let (wires, rig) = Self::unstarted(&config, cursor.clone(), plan);
        let task = tokio::spawn(async move {
            let ended = follow(config, cursor, wires.reads, wires.out, wires.status).await;
            ended.expect("the configuration is right");
        });
        rig(task)
    }

    /// On a source that is not made of endpoints.
    pub(crate) fn on(source: impl Source, config: NetworkConfig) -> Self {
        let (wires, rig) = Self::unstarted(&config, None, ReadPlan::default());
        let task =
            tokio::spawn(follow_source(source, config, None, wires.reads, wires.out, wires.status));
        rig(task)
    }

    fn unstarted(
        config: &NetworkConfig,
        cursor: Option<Cursor>,
        plan: ReadPlan,
    ) -> (Wires, impl FnOnce(JoinHandle<()>) -> Self + use<>) {
        let (out, events) = mpsc::channel(4);
        let (reads, reads_seen) = watch::channel(plan);
        let (status_shown, status) = watch::channel(NetworkStatus::new(config.name.clone()));
        let window_blocks = config.limits.window_blocks;
        let cursor = cursor.unwrap_or_default();
        let chain = cursor.base.into_iter().chain(cursor.recent.iter().map(|link| link.block));
        let chain = chain.collect();
        let wires = Wires { out, reads: reads_seen, status: status_shown };
        let rig = move |task| Self {
            history: Vec::new(),
            cursor,
            status,
            reads,
            events,
            task,
            chain,
            window_blocks,
        };
        (wires, rig)
    }

    /// Takes whatever comes for a while.
    pub(crate) async fn take_for(&mut self, while_: Duration) {
        let end = tokio::time::Instant::now() + while_;
        loop {
            let next = tokio::time::timeout_at(end, self.events.recv()).await;
            match next {
                Ok(Some(event)) => drop(self.take(event)),
                Ok(None) => panic!("the follower ended"),
                Err(_) => return,
            };
        }
    }

    /// The next event, checked against all before it.
    pub(crate) async fn next(&mut self) -> ChainEvent {
        let event = match timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the follower ended after {:#?}", self.told()),
            Err(_) => panic!("nothing came after {:#?}\n{:#?}", self.told(), self.status.borrow()),
        };
        self.take(event)
    }

    fn take(&mut self, event: ChainEvent) -> ChainEvent {
        self.check(&event);
        self.cursor.apply(&event, self.window_blocks);
        self.history.push(event.clone());
        event
    }

    /// Takes events until this block is the head.
    pub(crate) async fn until_head(&mut self, head: BlockRef) {
        while self.chain.last() != Some(&head) {
            self.next().await;
        }
    }

    /// Takes events until one is as wanted.
    pub(crate) async fn until(&mut self, is_wanted: impl Fn(&ChainEvent) -> bool) -> ChainEvent {
        loop {
            let event = self.next().await;
            if is_wanted(&event) {
                return event;
            }
        }
    }

    /// Takes events until the block at this height is final.
    pub(crate) async fn until_finalized(&mut self, number: u64) {
        while self.cursor.finalized.is_none_or(|block| block.number < number) {
            self.next().await;
        }
    }

    /// Waits until the status is as wanted. No event may come in the meantime.
    pub(crate) async fn until_status(
        &mut self,
        is_wanted: impl Fn(&NetworkStatus) -> bool,
    ) -> NetworkStatus {
        let mut status = self.status.clone();
        let wanted = timeout(PATIENCE, status.wait_for(|status| is_wanted(status)));
        let seen = tokio::select! {
            seen = wanted => seen,
            event = self.events.recv() => panic!("{:?} came unexpectedly", event.map(|e| brief(&e))),
        };
        match seen {
            Ok(Ok(status)) => status.clone(),
            _ => panic!("the status never came, it is {:#?}", self.status.borrow()),
        }
    }

    /// Waits until the status is as wanted, and takes the events that come in the meantime.
    pub(crate) async fn until_status_or_event(
        &mut self,
        is_wanted: impl Fn(&NetworkStatus) -> bool,
    ) {
        while !is_wanted(&self.status.borrow_and_update()) {
            let mut status = self.status.clone();
            tokio::select! {
                changed = timeout(PATIENCE, status.changed()) => {
                    changed.expect("the status changes in time").expect("the follower runs");
                }
                _ = self.next() => {}
            }
        }
    }

    /// Nothing was told since the last event taken.
    pub(crate) fn assert_nothing_waits(&mut self) {
        if let Ok(event) = self.events.try_recv() {
            panic!("{} was told", brief(&event));
        }
    }

    /// Ends the follower in mid-flight; what a store would have kept.
    pub(crate) fn kill(mut self) -> Cursor {
        self.task.abort();
        std::mem::take(&mut self.cursor)
    }

    /// The history in short.
    pub(crate) fn told(&self) -> Vec<String> {
        self.history.iter().map(brief).collect()
    }

    pub(crate) fn chain(&self) -> &[BlockRef] {
        &self.chain
    }

    pub(crate) fn committed(&self) -> Vec<BlockRef> {
        self.bundles().iter().map(|bundle| bundle.block_ref()).collect()
    }

    /// All bundles told, also those undone later.
    pub(crate) fn bundles(&self) -> Vec<Arc<BlockBundle>> {
        let bundle = |event: &ChainEvent| match event {
            ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => Some(bundle.clone()),
            _ => None,
        };
        self.history.iter().filter_map(bundle).collect()
    }

    pub(crate) fn reverts(&self) -> usize {
        self.history.iter().filter(|event| matches!(event, ChainEvent::Reverted { .. })).count()
    }

    pub(crate) fn quarantined(&self) -> Vec<u64> {
        let number = |event: &ChainEvent| match event {
            ChainEvent::Quarantined { block, .. } => Some(block.number),
            _ => None,
        };
        self.history.iter().filter_map(number).collect()
    }

    /// What the documentation of [`ChainEvent`] promises.
    fn check(&mut self, event: &ChainEvent) {
        let told = |rig: &Self| format!("{:#?}, then {}", rig.told(), brief(event));
        match event {
            ChainEvent::Committed(bundle) => {
                self.push(bundle.block_ref(), bundle.header.parent_hash, event);
            }
            ChainEvent::Quarantined { block, parent_hash, .. } => {
                self.push(*block, *parent_hash, event);
            }
            ChainEvent::Reverted { undone, ancestor, .. } => {
                assert!(!undone.is_empty(), "{}", told(self));
                for block in undone {
                    assert_eq!(self.chain.pop().as_ref(), Some(block), "{}", told(self));
                }
                match self.chain.last() {
                    Some(head) => assert_eq!(head, ancestor, "{}", told(self)),
                    None => self.chain.push(*ancestor),
                }
            }
            ChainEvent::Finalized { block, .. } => {
                assert!(self.chain.contains(block), "{}", told(self));
                let before = self.cursor.finalized.map(|before| before.number);
                assert!(before < Some(block.number), "{}", told(self));
            }
            ChainEvent::Recovered(bundle) => {
                let block = bundle.block_ref();
                let mut waiting = self.cursor.quarantined.iter();
                assert!(waiting.any(|entry| entry.link.block == block), "{}", told(self));
                let place = self.chain.iter().position(|held| *held == block);
                let place = place.unwrap_or_else(|| panic!("{}", told(self)));
                if let Some(below) = place.checked_sub(1) {
                    let parent = self.chain[below].hash;
                    assert_eq!(bundle.header.parent_hash, parent, "{}", told(self));
                }
            }
        }
    }

    fn push(&mut self, block: BlockRef, parent_hash: model::B256, event: &ChainEvent) {
        if let Some(head) = self.chain.last() {
            let follows = head.hash == parent_hash && head.number + 1 == block.number;
            assert!(follows, "{:#?}, then {}", self.told(), brief(event));
        }
        self.chain.push(block);
    }
}

/// An event on one line.
pub(crate) fn brief(event: &ChainEvent) -> String {
    match event {
        ChainEvent::Committed(bundle) => format!("committed {}", bundle.block_ref()),
        ChainEvent::Reverted { undone, ancestor, .. } => {
            format!("reverted {undone:?} to {ancestor}")
        }
        ChainEvent::Finalized { block, .. } => format!("finalized {block}"),
        ChainEvent::Quarantined { block, reason, .. } => format!("quarantined {block}: {reason}"),
        ChainEvent::Recovered(bundle) => format!("recovered {}", bundle.block_ref()),
    }
}

pub(crate) fn is_revert(event: &ChainEvent) -> bool {
    matches!(event, ChainEvent::Reverted { .. })
}

pub(crate) fn is_recovery(event: &ChainEvent) -> bool {
    matches!(event, ChainEvent::Recovered(_))
}
