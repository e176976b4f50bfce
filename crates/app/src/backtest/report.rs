//! The result of a backtest, in stable shapes.

use std::collections::BTreeMap;

use model::{AlertState, B256, BlockNumber, Name, Severity, UnixSeconds};
use serde::Serialize;

/// What one configuration would have said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Network of the blocks.
    pub network: Name,
    /// What was judged.
    pub covered: Covered,
    /// Per monitor, in the order of their declaration.
    pub monitors: Vec<MonitorRow>,
    /// Alerts that stand at the end.
    pub alerts: u64,
    /// Messages that the routes would have sent, updates and confirmations among them.
    pub messages: u64,
    /// The first alerts, oldest first.
    pub first_alerts: Vec<AlertRow>,
    /// All alerts, oldest first: for charts and comparisons.
    #[serde(skip)]
    pub all_alerts: Vec<AlertRow>,
    /// Monitors that judge what happens while it is watched, which past blocks do not hold.
    pub not_judged: Vec<Name>,
    /// Time to judge one block, all monitors together, in microseconds. Differs from run to run.
    #[serde(skip)]
    pub judging_us: Option<Quantiles>,
    /// How fast it went. Differs from run to run.
    #[serde(skip)]
    pub speed: Option<Speed>,
}

/// What was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Blocks judged, also those that left the chain later.
    pub blocks: u64,
    /// Blocks that could not be had or did not add up: judged by nobody.
    pub refused: u64,
    /// Blocks that left the chain.
    pub reverted: u64,
    /// Height of the first block.
    pub from_block: Option<BlockNumber>,
    /// Height of the last block.
    pub to_block: Option<BlockNumber>,
    /// Its time.
    pub from: Option<UnixSeconds>,
    /// Its time.
    pub to: Option<UnixSeconds>,
    /// Chain time between blocks that follow each other, in seconds: what rates are per.
    pub seconds: u64,
}

/// What one monitor would have said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitorRow {
    /// Monitor.
    pub monitor: Name,
    /// Detector; `expression` for an expression.
    pub detector: String,
    /// Version of detector and configuration together.
    pub version: u32,
    /// Severity as declared.
    pub severity: Severity,
    /// Findings that stand, by severity.
    pub findings: BTreeMap<Severity, u64>,
    /// Alerts that stand: one for one thing that goes on.
    pub alerts: u64,
    /// The same by severity.
    pub alerts_by_severity: BTreeMap<Severity, u64>,
    /// Alerts per week of chain time; none when no two blocks follow each other.
    pub alerts_per_week: Option<Rate>,
    /// Block of its first alert.
    pub first_alert_block: Option<BlockNumber>,
    /// Blocks it judged.
    pub blocks_judged: u64,
    /// Blocks it could not judge.
    pub blocks_blind: u64,
    /// Why, the most frequent reason first.
    pub blind: Vec<BlindRow>,
}

/// A rate with its exact Poisson interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// As counted.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Why blocks were not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlindRow {
    /// Reason.
    pub reason: String,
    /// Blocks.
    pub blocks: u64,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertRow {
    /// Its id.
    pub alert: String,
    /// Monitor.
    pub monitor: Name,
    /// Deployment it is about.
    pub deployment: Option<Name>,
    /// What makes findings belong together.
    #[serde(skip)]
    pub fingerprint: String,
    /// Where it is in its life at the end.
    #[serde(skip)]
    pub state: AlertState,
    /// Highest severity.
    pub severity: Severity,
    /// Time of its first block.
    pub opened_at: UnixSeconds,
    /// Time of the block of its newest finding.
    pub last_finding_at: UnixSeconds,
    /// Its first block.
    pub block: BlockNumber,
    /// Its first transaction.
    pub tx: Option<B256>,
    /// What happened, by its first finding.
    pub title: String,
    /// Findings that stand.
    pub findings: u64,
    /// Who would have been told.
    pub told: Vec<Name>,
}

/// Quantiles, in the unit of the field that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half are below.
    pub p50: f64,
    /// 95 of 100 are below.
    pub p95: f64,
    /// 99 of 100 are below.
    pub p99: f64,
}

/// How fast it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// Wall time.
    pub wall_s: f64,
    /// CPU time of the whole process, reading and proving included.
    pub cpu_s: f64,
    /// Blocks per second of CPU time.
    pub blocks_per_cpu_s: Option<f64>,
}
