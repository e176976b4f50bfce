//! Backtest: what the monitors would have said of blocks that are past, and what people would have
//! heard.
//!
//! ```text
//!  blocks (recorded, past, stored), in order
//!     │ batches of 64
//!     ├──────────────► worker 1: its share of the detectors, every batch ─┐
//!     ├──────────────► worker 2: its share of the detectors, every batch ─┤
//!     └─ whoever is free: the expressions, one batch ─────────────────────┤
//!                                                                         ▼
//!                            merge: batches in order, findings in order of the monitors
//!                                                                         ▼
//!                            the alert book, on block time ──► tally ──► report
//! ```
//!
//! What remembers must see every block in order, so the detectors are shared out among the workers
//! and each folds the whole range: no warm-up is cut short and no state is guessed. What judges a
//! block alone is shared out by ranges of blocks. The result is that of one engine that judges
//! everything in order, however many workers there are; a test holds it to that.
//!
//! Nothing here sends anything, and no clock is read but to say how fast it went.

mod alerts; //  findings in order become alerts, on block time
mod chart; //   alerts over time, one picture a side
mod compare; // champion and challenger
mod merge; //   what workers say, back in order
mod report; //  the result, as people and programs read it
mod speed; //   how fast it went
mod tally; //   what is counted of each monitor
mod work; //    workers and their shares

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use model::{ChainEvent, Name, ReadPlan};

use crate::{
    config::Config,
    replay::{Next, Source},
};

pub use chart::svg;
pub use compare::{Comparison, Pair, Regraded, SideFigures, compare};
pub use report::{AlertRow, BlindRow, Covered, MonitorRow, Quantiles, Rate, Report, Speed};

/// Events judged as one piece of work: a few minutes of mainnet. A constant, because alerts become
/// final with the end of a batch and the result must not depend on the machine.
const BATCH_EVENTS: usize = 64;

/// Batches that wait for a worker: enough to never starve, little enough that traces of busy blocks
/// (tens of megabytes each) fit.
const QUEUE_BATCHES: usize = 2;

/// What is judged by what.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Threads that judge; at least one.
    pub workers: usize,
    /// Alerts that the report tells one by one; all are counted.
    pub first_alerts: usize,
}

/// How far it has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Blocks handed out, refused ones among them.
    pub done: u64,
    /// Blocks in all.
    pub total: u64,
}

/// Events that follow each other, with their place in the whole.
#[derive(Debug, Clone)]
struct Batch {
    number: u64,
    events: std::sync::Arc<[ChainEvent]>,
    /// Blocks between them that could not be had or did not add up.
    refused: u64,
}

/// Judges the blocks of `source` by each configuration, side by side, and reports on each.
///
/// # Errors
/// When monitors do not compile, or the blocks end early.
pub async fn run(
    configs: &[&Config],
    source: Source,
    request: Request,
    mut on_progress: impl FnMut(Progress),
) -> anyhow::Result<Vec<Report>> {
    let network = source.network();
    let sides: Vec<work::Side> = configs
        .iter()
        .map(|config| work::Side::new(config, &network, request.workers))
        .collect::<anyhow::Result<_>>()?;
    // Every side judges the same blocks with the same answers.
    let reads: ReadPlan = ReadPlan::new(sides.iter().flat_map(work::Side::reads).collect());
    let total = source.len();
    let brings_finality = source.brings_finality();
    let mut blocks = source.open(reads);
    let stopwatch = speed::Stopwatch::start();
    let mut feeds: Vec<SyncSender<Batch>> = Vec::new();
    let mut running = Vec::new();
    for (side, config) in sides.into_iter().zip(configs) {
        let (feed, batches): (_, Receiver<Batch>) = sync_channel(QUEUE_BATCHES);
        feeds.push(feed);
        let policy = config.policy.clone();
        let network = network.clone();
        running.push(tokio::task::spawn_blocking(move || {
            side.judge(&network, &policy, batches, brings_finality, request.first_alerts)
        }));
    }
    let mut feeds = Some(feeds);
    let (mut number, mut done, mut refused) = (0, 0, 0);
    let mut waiting: Vec<ChainEvent> = Vec::with_capacity(BATCH_EVENTS);
    let mut broken = None;
    loop {
        let next = blocks.next().await;
        let is_end = next.is_none();
        match next {
            Some(Next::Event(event)) => {
                let is_block = matches!(event, ChainEvent::Committed(_) | ChainEvent::Recovered(_));
                done += u64::from(is_block);
                waiting.push(event);
            }
            Some(Next::Refused { .. }) => {
                done += 1;
                refused += 1;
            }
            Some(Next::Broken(reason)) => broken = Some(reason),
            None => {}
        }
        if waiting.len() == BATCH_EVENTS || is_end && (!waiting.is_empty() || refused > 0) {
            let batch = Batch { number, events: std::mem::take(&mut waiting).into(), refused };
            (number, refused) = (number + 1, 0);
            if let Some(open) = feeds.take() {
                // Waiting for a worker blocks, so it is done where blocking is allowed.
                let sent = tokio::task::spawn_blocking(move || {
                    let is_sent = open.iter().all(|feed| feed.send(batch.clone()).is_ok());
                    is_sent.then_some(open)
                });
                feeds = sent.await.context("handing out blocks")?;
            }
            on_progress(Progress { done, total });
        }
        if is_end || broken.is_some() || feeds.is_none() {
            break;
        }
    }
    drop(feeds);
    let mut reports = Vec::with_capacity(running.len());
    for side in running {
        reports.push(side.await.context("judging past blocks")??);
    }
    if let Some(reason) = broken {
        anyhow::bail!("the blocks ended early: {reason}");
    }
    let speed = stopwatch.stop(done);
    for report in &mut reports {
        report.speed = Some(speed.clone());
    }
    Ok(reports)
}

/// The monitors' names in the order of their declaration, to put findings in order.
fn order(accounts: &[detect::MonitorAccount]) -> std::collections::HashMap<Name, u32> {
    accounts.iter().zip(0..).map(|(account, at)| (account.monitor.clone(), at)).collect()
}
