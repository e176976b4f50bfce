//! Findings in order become alerts, on block time: the same book that decides live, with the
//! block's time for a clock, so that the result is the same on every machine.

use std::collections::BTreeMap;

use alert::{AlertBook, AlertInput, Outcome, Policy};
use detect::{Dependence, MonitorAccount};
use model::{Alert, AlertId, BlockNumber, BlockRef, ChainEvent, Finding, Name, UnixMillis};

use super::{
    Batch,
    report::{AlertRow, Report},
    tally::Tally,
    work::Judged,
};

/// The alert book with everything that is counted around it.
pub(super) struct Desk<'a> {
    network: Name,
    policy: &'a Policy,
    accounts: &'a [MonitorAccount],
    book: AlertBook,
    alerts: BTreeMap<AlertId, AlertRow>,
    messages: u64,
    tally: Tally,
    first_alerts: usize,
    /// Time of the newest block: what the book takes for the wall clock.
    now: UnixMillis,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        network: &Name,
        policy: &'a Policy,
        accounts: &'a [MonitorAccount],
        first_alerts: usize,
    ) -> Self {
        Self {
            network: network.clone(),
            policy,
            accounts,
            book: AlertBook::new(),
            alerts: BTreeMap::new(),
            messages: 0,
            tally: Tally::new(accounts.len()),
            first_alerts,
            now: UnixMillis(0),
        }
    }

    /// Takes in a batch with what was said of each of its events.
    pub(super) fn take(&mut self, batch: &Batch, judged: Vec<Judged>, brings_finality: bool) {
        self.tally.refuse(batch.refused);
        let mut newest = None;
        for (event, judged) in batch.events.iter().zip(judged) {
            match event {
                ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => {
                    self.now = UnixMillis::from(bundle.header.timestamp);
                    newest = Some(bundle.block_ref());
                    self.tally.block(bundle, &judged);
                }
                ChainEvent::Reverted { undone, .. } => self.revert(undone),
                ChainEvent::Finalized { block, .. } => self.finalize(*block),
                ChainEvent::Quarantined { .. } => self.tally.refuse(1),
            }
            if !judged.findings.is_empty() {
                self.find(judged.findings);
            }
        }
        if let (false, Some(block)) = (brings_finality, newest) {
            self.finalize(block);
        }
    }

    fn find(&mut self, findings: Vec<Finding>) {
        for finding in &findings {
            let at = self.accounts.iter().position(|account| account.monitor == finding.monitor);
            if let Some(at) = at {
                self.tally.find(at, finding);
            }
        }
        let network = self.network.clone();
        self.tell(AlertInput::Findings { network, findings });
    }

    fn revert(&mut self, undone: &[BlockRef]) {
        self.tally.revert(undone);
        let (network, undone) = (self.network.clone(), undone.to_vec());
        self.tell(AlertInput::Reverted { network, undone });
    }

    fn finalize(&mut self, block: BlockRef) {
        self.tally.settle(block.number);
        self.tell(AlertInput::Finalized { network: self.network.clone(), block });
    }

    fn tell(&mut self, input: AlertInput) {
        let outcome: Outcome = self.book.apply(input, self.policy, self.now);
        self.messages += outcome.notifications.len() as u64;
        for alert in outcome.alerts {
            let receivers = self.policy.receivers(&(&alert).into());
            // A book of alerts holds nothing else.
            let Some(first) = alert.finding() else { continue };
            let row = AlertRow::new(&alert, first, receivers.into_iter().cloned().collect());
            self.alerts.insert(alert.id, row);
        }
    }

    /// What came of it all.
    pub(super) fn report(mut self) -> Report {
        self.tally.settle(BlockNumber::MAX);
        let mut alerts: Vec<AlertRow> = self.alerts.into_values().collect();
        alerts.retain(|alert| alert.state != model::AlertState::Retracted);
        alerts.sort_by(|a, b| (a.opened_at, &a.alert).cmp(&(b.opened_at, &b.alert)));
        let is_of_present = |account: &&MonitorAccount| account.dependence == Dependence::Watch;
        let not_judged =
            self.accounts.iter().filter(is_of_present).map(|account| account.monitor.clone());
        let not_judged = not_judged.collect();
        let monitors = self.tally.rows(self.accounts, &alerts);
        Report {
            network: self.network,
            covered: self.tally.covered(),
            monitors,
            alerts: alerts.len() as u64,
            messages: self.messages,
            first_alerts: alerts.iter().take(self.first_alerts).cloned().collect(),
            all_alerts: alerts,
            not_judged,
            judging_us: self.tally.judging_us(),
            speed: None,
        }
    }
}

impl AlertRow {
    fn new(alert: &Alert, first: &Finding, told: Vec<Name>) -> Self {
        Self {
            alert: alert.id.to_string(),
            monitor: alert.monitor.clone(),
            deployment: alert.deployment.clone(),
            fingerprint: alert.fingerprint.clone(),
            state: alert.state,
            severity: alert.severity,
            opened_at: alert.opened_at,
            last_finding_at: alert.last_finding_at,
            block: first.origin.block.number,
            tx: first.origin.tx,
            title: first.title.clone(),
            findings: alert.findings_standing(),
            told,
        }
    }
}
