//! Judging blocks that are past: the live judge over a store in memory.

mod source; // recorded or past blocks, proven in parallel, in order

use std::sync::Arc;

use alert::Policy;
use anyhow::Context;
use chain::Totals;
use model::{BlindMonitor, BlockNumber, ChainEvent, CoverageResult, Finding, Name, ReadPlan};
use registry::Registry;
use store::{BlindCount, EventLog, Store};

use crate::{
    clock,
    config::Config,
    notify,
    paging::{self, Desk},
    pipeline::{Judge, Rules},
};

pub use source::{Blocks, Next, Source};

/// What one event brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// Findings, in order.
    pub findings: Vec<Finding>,
}

/// A replay under way: the live judge over a store in memory.
pub struct Replay {
    network: Name,
    store: Store,
    judge: Judge,
    desk: Desk,
    totals: Totals,
    refused: u64,
    findings: u64,
    head: Option<model::BlockRef>,
}

impl Replay {
    /// A fresh replay of one network, judged by `config` (by nothing, without one).
    ///
    /// # Errors
    /// When the store in memory cannot be made, or the monitors do not compile.
    pub fn new(network: Name, config: Option<&Config>) -> anyhow::Result<Self> {
        let rules = match config {
            Some(config) => Rules {
                registry: config.registry.clone(),
                monitors: Arc::new(config.monitors.clone()),
                policy: Arc::new(config.policy.clone()),
                plan: config.plan.clone(),
                outside: Arc::new(config.outside.clone()),
            },
            None => Rules {
                registry: Arc::new(Registry::default()),
                monitors: Arc::default(),
                policy: Arc::new(Policy::default()),
                plan: Arc::new(paging::nobody()),
                outside: Arc::default(),
            },
        };
        let store = Store::in_memory().context("making a store in memory")?;
        let desk = Desk::open(store.clone(), rules.plan.clone(), clock::now())?;
        let judge = Judge::open(network.clone(), store.clone(), rules)?;
        let totals = Totals::default();
        Ok(Self { network, store, judge, desk, totals, refused: 0, findings: 0, head: None })
    }

    /// The reads that the detectors want with each block.
    pub fn reads(&self) -> ReadPlan {
        self.judge.engine().reads(&self.network)
    }

    /// Counts and judges one event.
    ///
    /// # Errors
    /// When the store in memory refuses it.
    pub fn judge(&mut self, event: ChainEvent) -> anyhow::Result<Replayed> {
        if let ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) = &event {
            self.totals += Totals::of(bundle);
        }
        self.head = event.head().or(self.head);
        let log = self.store.event_log();
        let position = log.append(&self.network, &[event])?;
        let findings = self.judge.advance_with(clock::now())?;
        while self.desk.advance(clock::now())?.is_behind {}
        // Judged: the body is not needed again, and a long replay must not fill the memory.
        log.truncate(&self.network, position.next())?;
        self.findings += findings.len() as u64;
        Ok(Replayed { findings })
    }

    /// Monitors that could not judge a block that was judged.
    ///
    /// # Errors
    /// When the store in memory refuses it.
    pub fn blind_at(&self, number: BlockNumber) -> anyhow::Result<Vec<BlindMonitor>> {
        let rows = self.store.coverage(&self.network, number, 1)?;
        let of_block = rows.into_iter().filter(|row| row.block.number == number);
        Ok(of_block
            .flat_map(|row| match row.result {
                CoverageResult::Judged { blind, .. } => blind,
                _ => Vec::new(),
            })
            .collect())
    }

    /// Ends the chain: what was seen is final.
    ///
    /// # Errors
    /// When the store in memory refuses it.
    pub fn finish(&mut self) -> anyhow::Result<Replayed> {
        match self.head {
            Some(block) => {
                self.judge(ChainEvent::Finalized { network: self.network.clone(), block })
            }
            None => Ok(Replayed::default()),
        }
    }

    /// Counts a block that could not be proven.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Delivers every message to its receiver, with the usual retries.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub async fn send(&self, config: &Config) -> anyhow::Result<()> {
        notify::deliver_all(&self.store, config).await
    }

    /// Who could not judge what, at a height and above.
    ///
    /// # Errors
    /// When the store in memory cannot be read.
    pub fn blind(&self, from: u64) -> anyhow::Result<Vec<BlindCount>> {
        Ok(self.store.coverage_summary(&self.network, from)?.blind)
    }

    /// Counts of the blocks that were proven.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Blocks that were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Findings so far.
    pub fn findings(&self) -> u64 {
        self.findings
    }

    /// Alerts that the findings made.
    ///
    /// # Errors
    /// When the store in memory cannot be read.
    pub fn alerts(&self) -> anyhow::Result<u64> {
        Ok(self.store.alerts_total()?)
    }
}
