//! The book of alerts: inputs in, outcomes out.

mod forget; // what the book lets go of

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{
    Alert, AlertId, AlertState, BlockRef, Decision, Finding, FindingCount, FindingId, Name,
    Notification, UnixMillis, UnixSeconds,
};

pub use forget::{ALERTS_MAX, KEPT_S};

use crate::{
    Policy,
    fingerprint::{fingerprint, fingerprint_of_lasting},
    membership::{self, FINDINGS_MAX},
    tell::{self, Before, Tell},
};

/// What happened, in the order it happened to us.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertInput {
    /// A block was judged, and this was wrong.
    Findings {
        /// Network.
        network: Name,
        /// In the order in which they were found.
        findings: Vec<Finding>,
    },
    /// Something is wrong until it is put right, such as a hole in the ledger: each finding is an
    /// alert of its own, because each ends by itself ([`AlertInput::PutRight`]).
    Lasting {
        /// Network.
        network: Name,
        /// In the order in which they were found.
        findings: Vec<Finding>,
    },
    /// Blocks left the chain.
    Reverted {
        /// Network.
        network: Name,
        /// Newest first.
        undone: Vec<BlockRef>,
    },
    /// What these findings were about was put right: they do not hold any more, although their
    /// blocks stand.
    PutRight {
        /// Network.
        network: Name,
        /// Findings.
        findings: Vec<FindingId>,
        /// How, in a sentence without its full stop.
        how: String,
    },
    /// All blocks up to this one can no longer be reverted.
    Finalized {
        /// Network.
        network: Name,
        /// Newest final block.
        block: BlockRef,
    },
    /// Nothing but time passed; see [`AlertBook::next_due`].
    Tick,
}

/// What follows from an input; to be stored in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Alerts as they are now, those that changed, the worst first.
    pub alerts: Vec<Alert>,
    /// Messages for the outbox, those about the worst alerts first.
    pub notifications: Vec<Notification>,
    /// What was decided, and why.
    pub decisions: Vec<Decision>,
}

/// The alerts that can still change, of all networks.
#[derive(Debug, Clone)]
pub struct AlertBook {
    alerts: BTreeMap<AlertId, Alert>,
    /// Alerts of one fingerprint, to find the one that a finding belongs to.
    by_fingerprint: HashMap<String, Vec<AlertId>>,
    /// Where the findings stand that are kept one by one, to know one when it comes again.
    standing: HashMap<FindingId, AlertId>,
    /// Alerts with findings that are not final, per network: finality comes with each block and
    /// should not look at anything else.
    unsettled: BTreeMap<Name, BTreeSet<AlertId>>,
    /// Alerts with findings that a receiver waits for.
    waiting: BTreeSet<AlertId>,
    /// Newest finding per network, and when it was last swept.
    newest: BTreeMap<Name, (UnixSeconds, UnixSeconds)>,
    findings_max: usize,
}

impl Default for AlertBook {
    fn default() -> Self {
        Self {
            alerts: BTreeMap::new(),
            by_fingerprint: HashMap::new(),
            standing: HashMap::new(),
            unsettled: BTreeMap::new(),
            waiting: BTreeSet::new(),
            newest: BTreeMap::new(),
            findings_max: FINDINGS_MAX,
        }
    }
}

impl AlertBook {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// The book as it was when these alerts were stored. It needs every alert with a finding in the
    /// last [`KEPT_S`] of its network's chain time and every provisional one; older ones do no harm.
    /// Drills and reports are not of this book: no chain changes anything about them.
    pub fn restore(alerts: impl IntoIterator<Item = Alert>) -> Self {
        let mut book = Self::default();
        for alert in alerts {
            let Some(first) = alert.finding().filter(|first| first.provenance().is_live()) else {
                continue;
            };
            let newest = book.newest.entry(first.network.clone()).or_default();
            newest.0 = newest.0.max(alert.last_finding_at);
            book.enter(alert);
        }
        let networks: Vec<Name> = book.newest.keys().cloned().collect();
        for network in networks {
            book.forget_old(&network);
        }
        book
    }

    /// A book whose alerts keep fewer findings one by one, for tests of what happens beyond.
    #[doc(hidden)]
    #[must_use]
    pub fn with_findings_max(mut self, findings_max: usize) -> Self {
        self.findings_max = findings_max;
        self
    }

    /// The alerts in the book.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// One alert, if it is in the book.
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.alerts.get(&id)
    }

    /// When the next [`AlertInput::Tick`] has something to say; `None`: nothing waits.
    pub fn next_due(&self, policy: &Policy) -> Option<UnixMillis> {
        let waiting = self.waiting.iter().filter_map(|id| self.alerts.get(id));
        waiting.flat_map(tell::waiting).map(|(_, told)| tell::due(told, policy)).min()
    }

    /// Takes in what happened and decides; `now` is wall time.
    pub fn apply(&mut self, input: AlertInput, policy: &Policy, now: UnixMillis) -> Outcome {
        let mut outcome = Outcome::default();
        match input {
            AlertInput::Findings { network, findings } => {
                self.found(&findings, fingerprint, policy, now, &mut outcome);
                self.forget(&network, policy);
            }
            AlertInput::Lasting { network, findings } => {
                self.found(&findings, fingerprint_of_lasting, policy, now, &mut outcome);
                self.forget(&network, policy);
            }
            AlertInput::Reverted { network, undone } => {
                self.reverted(&network, &undone, policy, now, &mut outcome);
            }
            AlertInput::PutRight { network, findings, how } => {
                self.put_right(&network, &findings, &how, policy, now, &mut outcome);
            }
            AlertInput::Finalized { network, block } => {
                self.finalized(&network, block, policy, now, &mut outcome);
            }
            AlertInput::Tick => self.tick(policy, now, &mut outcome),
        }
        outcome
    }

    fn found(
        &mut self,
        findings: &[Finding],
        fingerprint: fn(&Finding) -> String,
        policy: &Policy,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let mut touched: BTreeMap<AlertId, Option<Before>> = BTreeMap::new();
        for of_one_block in findings.chunk_by(|a, b| a.origin.block == b.origin.block) {
            let mut counts: BTreeMap<AlertId, FindingCount> = BTreeMap::new();
            for finding in of_one_block {
                if self.standing.contains_key(&finding.id) {
                    continue;
                }
                let newest = self.newest.entry(finding.network.clone()).or_default();
                newest.0 = newest.0.max(finding.origin.timestamp);
                let fingerprint = fingerprint(finding);
                let home = self.home(&fingerprint, finding, policy.group_window_s);
                let before = home.and_then(|id| self.alerts.get(&id)).map(Before::from);
                let id = home.unwrap_or_else(|| AlertId::derive(&fingerprint, finding.id));
                let (alert, before) = match self.alerts.get_mut(&id) {
                    Some(alert) if before.is_some() => (alert, before),
                    Some(alert) => {
                        let before = Before::from(&*alert);
                        membership::reopen(alert, finding);
                        (alert, Some(before))
                    }
                    None => {
                        self.by_fingerprint.entry(fingerprint.clone()).or_default().push(id);
                        let alert = membership::open(id, fingerprint, finding, now);
                        (self.alerts.entry(id).or_insert(alert), None)
                    }
                };
                if membership::keep(alert, finding, self.findings_max) {
                    self.standing.insert(finding.id, id);
                    touched.entry(id).or_insert(before);
                } else {
                    counts
                        .entry(id)
                        .and_modify(|count| membership::count_in(count, finding))
                        .or_insert_with(|| membership::counted(finding));
                }
            }
            for (id, count) in counts {
                let Some(alert) = self.alerts.get_mut(&id) else { continue };
                let before = Before::from(&*alert);
                if membership::add_count(alert, count) {
                    touched.entry(id).or_insert(Some(before));
                }
            }
        }
        let touched = touched.into_iter().collect();
        self.tell(touched, policy, now, outcome, |tell, alert, before| tell.found(alert, before));
    }

    /// The alert that a finding joins: the one with the last finding before it, if that is close
    /// enough in time.
    fn home(&self, fingerprint: &str, finding: &Finding, window_s: u64) -> Option<AlertId> {
        let at = finding.origin.timestamp;
        let is_close = |last: UnixSeconds| at.seconds_since(last) <= window_s;
        self.by_fingerprint
            .get(fingerprint)?
            .iter()
            .filter_map(|id| self.alerts.get(id))
            .filter(|alert| alert.state != AlertState::Retracted && is_close(alert.last_finding_at))
            .filter_map(|alert| {
                let last = membership::last_before(alert, finding.origin.block.number)?;
                is_close(last.1).then_some((last, alert.id))
            })
            .max()
            .map(|(_, id)| id)
    }

    fn reverted(
        &mut self,
        network: &Name,
        undone: &[BlockRef],
        policy: &Policy,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let Some(&oldest) = undone.iter().min() else { return };
        let undone: HashSet<BlockRef> = undone.iter().copied().collect();
        let mut touched = Vec::new();
        for alert in
            self.alerts.values_mut().filter(|alert| alert.network.as_ref() == Some(network))
        {
            let left = membership::undo(alert, &undone);
            if left.count > 0 {
                touched.push((alert.id, left.count));
            }
            for finding in &left.kept {
                self.standing.remove(finding);
            }
        }
        self.tell(touched, policy, now, outcome, |tell, alert, left| {
            tell.undone(alert, left, oldest);
        });
    }

    fn put_right(
        &mut self,
        network: &Name,
        findings: &[FindingId],
        how: &str,
        policy: &Policy,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let findings: HashSet<FindingId> = findings.iter().copied().collect();
        let homes: BTreeSet<AlertId> =
            findings.iter().filter_map(|id| self.standing.get(id).copied()).collect();
        let mut touched = Vec::new();
        for id in homes {
            let is_there = |alert: &&mut Alert| alert.network.as_ref() == Some(network);
            let Some(alert) = self.alerts.get_mut(&id).filter(is_there) else {
                continue;
            };
            let left = membership::withdraw(alert, &findings);
            touched.push((id, left.count));
            for finding in &left.kept {
                self.standing.remove(finding);
            }
        }
        self.tell(touched, policy, now, outcome, |tell, alert, left| {
            tell.put_right(alert, left, how);
        });
    }

    fn finalized(
        &mut self,
        network: &Name,
        block: BlockRef,
        policy: &Policy,
        now: UnixMillis,
        outcome: &mut Outcome,
    ) {
        let unsettled = self.unsettled.get(network).into_iter().flatten().copied();
        let mut touched = Vec::new();
        for id in unsettled {
            let Some(alert) = self.alerts.get_mut(&id) else { continue };
            let before = alert.state;
            if membership::settle(alert, block.number) {
                touched.push((id, before));
            }
        }
        self.tell(touched, policy, now, outcome, |tell, alert, before| {
            tell.settled(alert, before, block);
        });
    }

    fn tick(&mut self, policy: &Policy, now: UnixMillis, outcome: &mut Outcome) {
        let is_due =
            |alert: &Alert| tell::waiting(alert).any(|(_, told)| now >= tell::due(told, policy));
        let waiting = self.waiting.iter().filter_map(|id| self.alerts.get(id));
        let touched = waiting.filter(|alert| is_due(alert)).map(|alert| (alert.id, ())).collect();
        self.tell(touched, policy, now, outcome, |tell, alert, ()| tell.tick(alert));
    }

    /// Decides about alerts that changed, the worst first, and notes them in the indexes.
    fn tell<B>(
        &mut self,
        mut touched: Vec<(AlertId, B)>,
        policy: &Policy,
        now: UnixMillis,
        outcome: &mut Outcome,
        decide: impl Fn(&mut Tell<'_>, &mut Alert, B),
    ) {
        let severity = |id: &AlertId| self.alerts.get(id).map(|alert| alert.severity);
        touched.sort_by_key(|(id, _)| (std::cmp::Reverse(severity(id)), *id));
        for (id, before) in touched {
            let Some(alert) = self.alerts.get_mut(&id) else { continue };
            decide(&mut Tell { policy, now, outcome }, alert, before);
            outcome.alerts.push(alert.clone());
            self.note(id);
        }
    }

    /// Brings the indexes of alerts that await something up to date with one alert.
    fn note(&mut self, id: AlertId) {
        let Some(alert) = self.alerts.get(&id) else { return };
        let Some(network) = &alert.network else { return };
        let unsettled = self.unsettled.entry(network.clone()).or_default();
        if membership::is_unsettled(alert) {
            unsettled.insert(id);
        } else {
            unsettled.remove(&id);
        }
        if tell::waiting(alert).next().is_some() {
            self.waiting.insert(id);
        } else {
            self.waiting.remove(&id);
        }
    }

    fn enter(&mut self, alert: Alert) {
        let id = alert.id;
        let kept = alert.findings.iter();
        for finding in kept.filter(|kept| kept.status != model::FindingStatus::Retracted) {
            self.standing.insert(finding.id, id);
        }
        self.by_fingerprint.entry(alert.fingerprint.clone()).or_default().push(id);
        self.alerts.insert(id, alert);
        self.note(id);
    }
}
