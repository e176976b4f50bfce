//! Judging the past: blocks that some monitors did not judge, by these monitors alone.
//!
//! ```text
//!   ledger ──holes──► job: newest hole, its monitors ──► blocks (event log, else endpoints)
//!     ▲                                                      │ warm-up first
//!     │                                                      ▼
//!     └── ranges + findings, one transaction a chunk ◄── an engine of its own
//! ```
//!
//! Only final blocks are judged, so nothing has to be taken back. A chunk and its ranges are one
//! transaction: killed at any moment, the hole that is left is what is still to be done, and what
//! was found already is known by its identity. The live judge goes first: a back-fill works when
//! nothing waits, and rests as long as it worked.

mod job; //   which hole is next
mod past; //  blocks of the past, from the event log or the endpoints
mod task; //  looks at the ledger and fills it, beside the live judge

pub use job::{Job, Limits, next_job};
pub use task::{Parts, Progress, Request, keep_filled};

use std::sync::Arc;

use anyhow::Context;
use chain::NetworkConfig;
use detect::{Engine, MonitorSpec};
use model::{
    BackfilledRange, BlindReason, BlockBundle, BlockCoverage, BlockNumber, BlockRange, ChainEvent,
    CoverageResult, Finding, Name, Position,
};
use store::Store;
use tokio::task::spawn_blocking;

use super::{Filled, Rules};
use crate::coverage::NetworkPlan;
use past::{Past, PastBlock};

/// Blocks judged and committed in one transaction: what a kill may cost to do again.
pub const CHUNK_BLOCKS: u64 = 64;

/// A job under way.
pub struct Fill {
    network: Name,
    job: Job,
    /// Names of the job's monitors.
    monitors: Vec<Name>,
    monitors_version: u64,
    /// Judges with the job's monitors alone; `None` only while it is lent to a thread.
    engine: Option<Engine>,
    past: Past,
    /// The next block to judge, of the warm-up at first.
    next: BlockNumber,
}

impl Fill {
    /// Makes ready to judge the blocks of a job.
    ///
    /// # Errors
    /// When the job's monitors do not compile alone.
    pub fn new(
        store: &Store,
        config: &NetworkConfig,
        rules: &Rules,
        plan: &NetworkPlan,
        warm_up_blocks: u64,
        job: Job,
    ) -> anyhow::Result<Self> {
        let network = plan.network.clone();
        let monitors = plan.names(&job.monitors);
        let is_meant = |spec: &&MonitorSpec| monitors.contains(&spec.name);
        let specs = rules.monitors.iter().filter(is_meant).cloned().collect();
        let engine = Engine::new(rules.registry.clone(), specs).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("monitors do not compile: {}", errors.join("; "))
        })?;
        let warm_up = if engine.remembers(&network) { warm_up_blocks } else { 0 };
        let next = job.range.first.saturating_sub(warm_up);
        let past = Past::new(store.clone(), config.clone(), engine.reads(&network), job.range.last);
        let monitors_version = plan.monitors_version;
        Ok(Self { network, job, monitors, monitors_version, engine: Some(engine), past, next })
    }

    /// The next chunk, judged and not committed yet; `None` when the job is done. Blocks that cannot
    /// be had are part of it: their monitors are blind on them.
    ///
    /// # Errors
    /// When blocks cannot be read or fetched at all; what was committed before stays.
    pub async fn next(&mut self) -> anyhow::Result<Option<Filled>> {
        if self.next > self.job.range.last {
            return Ok(None);
        }
        while self.next < self.job.range.first {
            let block = self.past.at(self.next).await?;
            if let PastBlock::Proven(bundle, _) = block {
                self.judge(bundle).await?;
            }
            self.next += 1;
        }
        let first = self.next;
        let last = self.job.range.last.min(first.saturating_add(CHUNK_BLOCKS - 1));
        let mut filled =
            Filled { range: BlockRange { first, last }, ranges: Vec::new(), findings: Vec::new() };
        let mut open: Vec<Option<BackfilledRange>> = vec![None; self.monitors.len()];
        while self.next <= last {
            let number = self.next;
            match self.past.at(number).await? {
                PastBlock::Proven(bundle, endpoint) => {
                    let (findings, coverage) = self.judge(bundle).await?;
                    filled.findings.extend(findings);
                    let blind = blind_of(&coverage);
                    for (monitor, open) in self.monitors.iter().zip(&mut open) {
                        let reason = blind.iter().find(|b| b.monitor == *monitor);
                        let reason = reason.map(|b| without_count(&b.reason));
                        let range = self.range(monitor, number, reason, endpoint.clone());
                        extend(open, range, &mut filled.ranges);
                    }
                }
                PastBlock::NotProven(reason) => {
                    for (monitor, open) in self.monitors.iter().zip(&mut open) {
                        let range = self.range(monitor, number, Some(reason.clone()), None);
                        extend(open, range, &mut filled.ranges);
                    }
                }
            }
            self.next += 1;
        }
        filled.ranges.extend(open.into_iter().flatten());
        Ok(Some(filled))
    }

    /// What is to be done in all.
    pub fn job(&self) -> &Job {
        &self.job
    }

    async fn judge(
        &mut self,
        bundle: Arc<BlockBundle>,
    ) -> anyhow::Result<(Vec<Finding>, Vec<BlockCoverage>)> {
        let mut engine = self.engine.take().context("the engine was lost in a panic")?;
        let block = bundle.block_ref();
        let network = self.network.clone();
        let judged = spawn_blocking(move || {
            let judgement = engine.apply(Position(0), &ChainEvent::Committed(bundle));
            // Nothing here is ever undone.
            engine.apply(Position(0), &ChainEvent::Finalized { network, block });
            (engine, judgement)
        });
        let (engine, judgement) = judged.await.context("judging a block of the past")?;
        self.engine = Some(engine);
        Ok((judgement.findings, judgement.coverage))
    }

    fn range(
        &self,
        monitor: &Name,
        number: BlockNumber,
        blind: Option<BlindReason>,
        endpoint: Option<Name>,
    ) -> BackfilledRange {
        BackfilledRange {
            monitor: monitor.clone(),
            monitors_version: self.monitors_version,
            range: BlockRange::one(number),
            blind,
            endpoint,
        }
    }
}

/// Makes the open range one block longer, or closes it and opens another.
fn extend(
    open: &mut Option<BackfilledRange>,
    block: BackfilledRange,
    closed: &mut Vec<BackfilledRange>,
) {
    match open {
        Some(range) if range.blind == block.blind && range.endpoint == block.endpoint => {
            range.range.last = block.range.last;
        }
        _ => closed.extend(open.replace(block)),
    }
}

fn blind_of(coverage: &[BlockCoverage]) -> &[model::BlindMonitor] {
    match coverage.first().map(|row| &row.result) {
        Some(CoverageResult::Judged { blind, .. }) => blind,
        _ => &[],
    }
}

/// As in the ledger's runs: how far a warm-up had come is another number in each block.
fn without_count(reason: &BlindReason) -> BlindReason {
    match reason {
        BlindReason::WarmingUp { needed, .. } => {
            BlindReason::WarmingUp { seen: 0, needed: *needed }
        }
        reason => reason.clone(),
    }
}
