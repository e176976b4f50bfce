//! The stage for timeline tests: a chain per network, a virtual clock, and a transcript of what the
//! alert engine decided.
//!
//! Wall time and chain time both start at [`START_S`] and are the same unless a block says otherwise.

use std::fmt::Write as _;

use bellwether_alert::{Action, AlertBook, AlertInput, Outcome, Policy};
use model::{
    Alert, AlertId, Anchor, B256, BlockRef, Confidence, Evidence, Finding, FindingId, Name, Origin,
    Severity, UnixMillis, UnixSeconds,
};

pub(crate) const START_S: u64 = 1_800_000_000;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A finding of monitor `drain` about `deployment`, known by `what`.
pub(crate) fn finding(
    network: &str,
    deployment: &str,
    what: &str,
    severity: Severity,
    block: BlockRef,
    timestamp: UnixSeconds,
) -> Finding {
    let (monitor, network) = (name("drain"), name(network));
    // The transaction, not the block, is the identity: it can be mined again on another branch.
    let anchor = Anchor::Episode { entity: what.to_owned(), began: UnixSeconds(0) };
    Finding {
        id: FindingId::derive(&monitor, 1, &network, &anchor, deployment),
        detector: "expression".to_owned(),
        monitor,
        version: 1,
        network,
        deployment: Some(name(deployment)),
        address: None,
        severity,
        confidence: Confidence::Proven,
        title: format!("{what} on {deployment}"),
        origin: Origin { block, timestamp, tx: None, log_index: None, frame: None },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    }
}

fn hole(
    network: &str,
    what: &str,
    severity: Severity,
    block: BlockRef,
    timestamp: UnixSeconds,
) -> Finding {
    finding(network, "ledger", what, severity, block, timestamp)
}

/// A play on the virtual clock.
pub(crate) struct Play {
    pub(crate) book: AlertBook,
    pub(crate) policy: Policy,
    now_s: u64,
    network: &'static str,
    /// Blocks of the current branch, per network.
    chains: Vec<(&'static str, Vec<BlockRef>)>,
    branch: u8,
    alerts: Vec<AlertId>,
    transcript: String,
}

impl Play {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            book: AlertBook::new(),
            policy,
            now_s: 0,
            network: "mainnet",
            chains: Vec::new(),
            branch: 0,
            alerts: Vec::new(),
            transcript: String::new(),
        }
    }

    /// Sets the clock, in seconds since the start.
    pub(crate) fn at(&mut self, now_s: u64) -> &mut Self {
        assert!(now_s >= self.now_s, "time does not run backwards");
        self.now_s = now_s;
        self
    }

    /// Goes on with another network.
    pub(crate) fn on(&mut self, network: &'static str) -> &mut Self {
        self.network = network;
        self
    }

    fn chain(&mut self) -> &mut Vec<BlockRef> {
        let network = self.network;
        let at = self.chains.iter().position(|(n, _)| *n == network).unwrap_or_else(|| {
            self.chains.push((network, Vec::new()));
            self.chains.len() - 1
        });
        &mut self.chains[at].1
    }

    /// The next block, with what is found in it: deployment, what, severity.
    pub(crate) fn block(&mut self, found: &[(&str, &str, Severity)]) -> &mut Self {
        let branch = self.branch;
        let chain = self.chain();
        let number = 100 + chain.len() as u64;
        let mut hash = B256::with_last_byte(branch);
        hash[..8].copy_from_slice(&number.to_be_bytes());
        let block = BlockRef { number, hash };
        chain.push(block);
        let at = UnixSeconds(START_S + self.now_s);
        let findings = found
            .iter()
            .map(|(about, what, severity)| finding(self.network, about, what, *severity, block, at))
            .collect();
        self.apply(AlertInput::Findings { network: name(self.network), findings })
    }

    /// Something lasting is found, known by each `what`, resting on the head.
    pub(crate) fn lasting(&mut self, found: &[(&str, Severity)]) -> &mut Self {
        let block = *self.chain().last().unwrap();
        let at = UnixSeconds(START_S + self.now_s);
        let findings =
            found.iter().map(|(what, severity)| hole(self.network, what, *severity, block, at));
        let findings = findings.collect();
        self.apply(AlertInput::Lasting { network: name(self.network), findings })
    }

    /// Something lasting is put right.
    pub(crate) fn put_right(&mut self, what: &str, how: &str) -> &mut Self {
        let block = *self.chain().last().unwrap();
        let finding = hole(self.network, what, Severity::Info, block, UnixSeconds(0));
        let (network, how) = (name(self.network), how.to_owned());
        self.apply(AlertInput::PutRight { network, findings: vec![finding.id], how })
    }

    /// The newest `depth` blocks leave the chain.
    pub(crate) fn revert(&mut self, depth: usize) -> &mut Self {
        self.branch += 1;
        let chain = self.chain();
        let undone = chain.split_off(chain.len() - depth).into_iter().rev().collect();
        self.apply(AlertInput::Reverted { network: name(self.network), undone })
    }

    /// The head becomes final.
    pub(crate) fn finalize(&mut self) -> &mut Self {
        let block = *self.chain().last().unwrap();
        self.apply(AlertInput::Finalized { network: name(self.network), block })
    }

    /// The clock strikes.
    pub(crate) fn tick(&mut self) -> &mut Self {
        self.apply(AlertInput::Tick)
    }

    fn apply(&mut self, input: AlertInput) -> &mut Self {
        let now = UnixMillis(((START_S + self.now_s) * 1000) as i64);
        let outcome = self.book.apply(input, &self.policy, now);
        self.write(&outcome);
        self
    }

    fn write(&mut self, outcome: &Outcome) {
        for decision in &outcome.decisions {
            let number = self.number(decision.alert);
            let who = decision.receiver.as_ref().map_or("-".to_owned(), ToString::to_string);
            let what = match decision.action {
                Action::Notify(kind) => kind.as_str().to_uppercase(),
                Action::Withhold => "withheld".to_owned(),
                Action::Hold { until } => {
                    format!("held until {}", clock(until.0 as u64 / 1000 - START_S))
                }
                Action::Group => "grouped".to_owned(),
            };
            let clock = clock(self.now_s);
            writeln!(self.transcript, "{clock} alert {number} {who}: {what}, {}", decision.reason)
                .unwrap();
        }
    }

    fn number(&mut self, alert: AlertId) -> usize {
        self.alerts.iter().position(|known| *known == alert).unwrap_or_else(|| {
            self.alerts.push(alert);
            self.alerts.len() - 1
        }) + 1
    }

    /// The `number`-th alert of the play.
    pub(crate) fn alert(&self, number: usize) -> &Alert {
        self.book.get(self.alerts[number - 1]).unwrap()
    }

    /// What was decided since the last call.
    pub(crate) fn transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
