//! What is counted of each monitor while blocks go by.

use std::collections::BTreeMap;

use detect::{Dependence, MonitorAccount, quality::poisson_rate};
use model::{BlindReason, BlockBundle, BlockNumber, BlockRef, Finding, Severity, UnixSeconds};

use super::{
    report::{AlertRow, BlindRow, Covered, MonitorRow, Quantiles, Rate},
    speed::Histogram,
    work::Judged,
};

/// Seconds of a week.
const WEEK_S: f64 = 604_800.0;

/// Counts of one configuration.
pub(super) struct Tally {
    blocks: u64,
    refused: u64,
    reverted: u64,
    first: Option<(BlockNumber, UnixSeconds)>,
    last: Option<(BlockNumber, UnixSeconds)>,
    /// Chain time between blocks that follow each other: time in which nothing was missed.
    seconds: u64,
    monitors: Vec<Counts>,
    /// Findings of blocks that can still leave the chain.
    unsettled: Vec<(BlockRef, usize, Severity)>,
    judging: Histogram,
}

#[derive(Default, Clone)]
struct Counts {
    findings: BTreeMap<Severity, u64>,
    blind: BTreeMap<String, u64>,
    blind_blocks: u64,
}

impl Tally {
    pub(super) fn new(monitors: usize) -> Self {
        Self {
            blocks: 0,
            refused: 0,
            reverted: 0,
            first: None,
            last: None,
            seconds: 0,
            monitors: vec![Counts::default(); monitors],
            unsettled: Vec::new(),
            judging: Histogram::default(),
        }
    }

    pub(super) fn block(&mut self, bundle: &BlockBundle, judged: &Judged) {
        let here = (bundle.header.number, bundle.header.timestamp);
        if let Some((number, at)) = self.last
            && number + 1 == here.0
        {
            self.seconds += here.1.seconds_since(at);
        }
        self.first = self.first.or(Some(here));
        self.last = Some(here);
        self.blocks += 1;
        for (monitor, reason) in &judged.blind {
            let counts = &mut self.monitors[*monitor as usize];
            counts.blind_blocks += 1;
            *counts.blind.entry(without_count(reason)).or_default() += 1;
        }
        self.judging.add(judged.judging_ns);
    }

    pub(super) fn refuse(&mut self, blocks: u64) {
        self.refused += blocks;
    }

    pub(super) fn find(&mut self, monitor: usize, finding: &Finding) {
        self.unsettled.push((finding.origin.block, monitor, finding.severity));
    }

    pub(super) fn revert(&mut self, undone: &[BlockRef]) {
        self.reverted += undone.len() as u64;
        self.unsettled.retain(|(block, ..)| !undone.contains(block));
        // The next block follows an older one; the time between was counted before.
        self.last = None;
    }

    /// Counts the findings of blocks up to this height for good.
    pub(super) fn settle(&mut self, up_to: BlockNumber) {
        let monitors = &mut self.monitors;
        self.unsettled.retain(|(block, monitor, severity)| {
            let is_final = block.number <= up_to;
            if is_final {
                *monitors[*monitor].findings.entry(*severity).or_default() += 1;
            }
            !is_final
        });
    }

    pub(super) fn covered(&self) -> Covered {
        let at = |end: Option<(BlockNumber, UnixSeconds)>| end.map(|(_, at)| at);
        let number = |end: Option<(BlockNumber, UnixSeconds)>| end.map(|(number, _)| number);
        Covered {
            blocks: self.blocks,
            refused: self.refused,
            reverted: self.reverted,
            from_block: number(self.first),
            to_block: number(self.last),
            from: at(self.first),
            to: at(self.last),
            seconds: self.seconds,
        }
    }

    pub(super) fn rows(&self, accounts: &[MonitorAccount], alerts: &[AlertRow]) -> Vec<MonitorRow> {
        let of_past = |account: &&MonitorAccount| account.dependence != Dependence::Watch;
        let mut rows = Vec::with_capacity(accounts.len());
        for (account, counts) in
            accounts.iter().zip(&self.monitors).filter(|(account, _)| of_past(account))
        {
            let own = || alerts.iter().filter(|alert| alert.monitor == account.monitor);
            let mut by_severity: BTreeMap<Severity, u64> = BTreeMap::new();
            for alert in own() {
                *by_severity.entry(alert.severity).or_default() += 1;
            }
            let total = own().count() as u64;
            rows.push(MonitorRow {
                monitor: account.monitor.clone(),
                detector: account.detector.clone(),
                version: account.version,
                severity: account.severity,
                findings: counts.findings.clone(),
                alerts: total,
                alerts_by_severity: by_severity,
                alerts_per_week: self.rate(total),
                first_alert_block: own().next().map(|alert| alert.block),
                blocks_judged: self.blocks - counts.blind_blocks,
                blocks_blind: counts.blind_blocks,
                blind: blind_rows(&counts.blind),
            });
        }
        rows
    }

    fn rate(&self, count: u64) -> Option<Rate> {
        let weeks = self.seconds as f64 / WEEK_S;
        let interval = poisson_rate(count, weeks)?;
        Some(Rate { value: count as f64 / weeks, low: interval.low, high: interval.high })
    }

    /// Time that judging one block takes, all monitors together.
    pub(super) fn judging_us(&self) -> Option<Quantiles> {
        let at = |share| self.judging.quantile(share).map(|ns| ns as f64 / 1e3);
        Some(Quantiles { p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }
}

fn blind_rows(blind: &BTreeMap<String, u64>) -> Vec<BlindRow> {
    let mut rows: Vec<BlindRow> = blind
        .iter()
        .map(|(reason, blocks)| BlindRow { reason: reason.clone(), blocks: *blocks })
        .collect();
    rows.sort_by(|a, b| b.blocks.cmp(&a.blocks).then_with(|| a.reason.cmp(&b.reason)));
    rows
}

/// How far a warm-up had come is another number in each block.
fn without_count(reason: &BlindReason) -> String {
    match reason {
        BlindReason::WarmingUp { needed, .. } => format!("warming up ({needed} observations)"),
        reason => reason.to_string(),
    }
}
