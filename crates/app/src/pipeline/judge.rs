//! From the event log into findings, alerts and messages: one step at a time.
//!
//! The judge is the only writer of a network's checkpoint. It reads events from there, folds the
//! detectors and the alert book over them, and commits everything that follows in one transaction.
//! If that fails, what is in memory is thrown away and read again from the store: memory never runs
//! ahead of the disk.

use std::sync::Arc;

use alert::{
    Action, AlertBook, AlertInput, KEPT_S, Policy, Reason, life::Truth, pager, plan::Plan,
};
use detect::{Engine, Judgement, MonitorError, MonitorSpec, RestoreError, elsewhere::Elsewhere};
use model::{
    Alert, AlertState, ChainEvent, CoverageResult, Decision, Finding, Name, Position, Stage,
    UnixMillis,
};
use registry::Registry;
use store::{BlockSamples, EventLog, Input, Step, Store, StoreError};

use crate::{
    canary::{self, Canaries, Point},
    outside::{self, Bots},
    paging,
};

/// Events judged and committed in one transaction at the most: while catching up, one disk flush
/// serves so many blocks; at the head there is one.
const STEP_EVENTS_MAX: usize = 64;

/// What the judge of one network needs to know; replaced as a whole when files change.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What is guarded.
    pub registry: Arc<Registry>,
    /// What people want to know.
    pub monitors: Arc<Vec<MonitorSpec>>,
    /// Which findings are one alert, and how far monitors may go.
    pub policy: Arc<Policy>,
    /// Who hears what.
    pub plan: Arc<Plan>,
    /// Detectors that are not ours.
    pub outside: Arc<Vec<outside::Spec>>,
}

/// Why a network cannot be judged at the moment.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The store refused to read or write.
    #[error("judging {network}")]
    Store {
        /// Network.
        network: Name,
        /// What the store said.
        source: StoreError,
    },
    /// The detectors' state cannot be read back.
    #[error("restoring the detectors' state of {network}")]
    Restore {
        /// Network.
        network: Name,
        /// What is wrong with it.
        source: RestoreError,
    },
    /// The monitors do not compile. They were checked when the configuration was read, so this says
    /// that the check and the judge disagree.
    #[error("monitors of {network}: {}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Monitors {
        /// Network.
        network: Name,
        /// All of them.
        errors: Vec<MonitorError>,
    },
    /// A mistake of ours; nothing of the step was committed.
    #[error("the judge panicked: {0}")]
    Panicked(String),
}

/// What one call of [`Judge::advance`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Advance {
    /// Events judged.
    pub events: usize,
    /// Findings made.
    pub findings: usize,
    /// What the pager was told.
    pub inputs: usize,
    /// Whether more events may be waiting.
    pub is_behind: bool,
}

/// What the judges of other networks have committed.
struct Beside<'a>(&'a Store);

impl std::fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beside")
    }
}

impl Elsewhere for Beside<'_> {
    fn stored(&self, network: &Name, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        // The next key in the order of bytes: nothing but the key itself lies in between.
        let end = [key, &[0]].concat();
        let rows = self.0.detector_state_between(network, (key, &end));
        let rows = rows.map_err(|error| format!("the state of {network}: {error}"))?;
        Ok(rows.into_iter().next().and_then(|row| row.value))
    }
}

/// The judge of one network.
pub struct Judge {
    network: Name,
    store: Store,
    rules: Rules,
    engine: Engine,
    book: AlertBook,
    /// The policy as the book needs it: which findings are one alert.
    membership: Policy,
    position: Position,
    bots: Bots,
    /// Say whether a block should bring a canary.
    canaries: Canaries,
}

impl Judge {
    /// Reads everything back as of the stored checkpoint.
    ///
    /// # Errors
    /// [`JudgeError`].
    pub fn open(network: Name, store: Store, rules: Rules) -> Result<Self, JudgeError> {
        let in_store = |source| JudgeError::Store { network: network.clone(), source };
        let mut engine = Engine::new(rules.registry.clone(), rules.monitors.as_ref().clone())
            .map_err(|errors| JudgeError::Monitors { network: network.clone(), errors })?;
        let state = store.detector_state(&network).map_err(in_store)?;
        engine
            .restore(&network, state.entries, state.undo)
            .map_err(|source| JudgeError::Restore { network: network.clone(), source })?;
        // Before the first block that this version judges: the ledger must know who that was.
        let roster = engine.roster(&network);
        store.put_roster(&network, engine.monitors_version(), &roster).map_err(in_store)?;
        let checkpoint = store.checkpoint(&network).map_err(in_store)?;
        let position = checkpoint.map_or(Position::default(), |c| c.position);
        let alerts = store.open_alerts(&network, KEPT_S).map_err(in_store)?;
        let book = AlertBook::restore(alerts);
        let bots = Bots::of(&rules.outside, &network);
        let window_s = rules.policy.group_window_s;
        let membership = Policy { group_window_s: window_s, ..Policy::default() };
        let canaries = Canaries::default();
        Ok(Self { network, store, rules, engine, book, membership, position, bots, canaries })
    }

    /// Also sends canaries, when they are due.
    #[must_use]
    pub fn with_canaries(mut self, canaries: Canaries) -> Self {
        self.canaries = canaries;
        self
    }

    /// Network.
    pub fn network(&self) -> &Name {
        &self.network
    }

    /// The detectors, to ask which reads they want.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Judges what is waiting in the event log, at most [`STEP_EVENTS_MAX`] events, and commits it.
    ///
    /// # Errors
    /// [`JudgeError`]; nothing was committed then, and the judge must be opened anew, because its
    /// memory may be ahead of the disk.
    pub fn advance(&mut self, now: UnixMillis) -> Result<Advance, JudgeError> {
        let (advance, _) = self.advance_step(now)?;
        Ok(advance)
    }

    fn advance_step(&mut self, now: UnixMillis) -> Result<(Advance, Vec<Finding>), JudgeError> {
        let in_store = |source| JudgeError::Store { network: self.network.clone(), source };
        let log = self.store.event_log();
        let events = log.read(&self.network, self.position, STEP_EVENTS_MAX).map_err(in_store)?;
        let mut done = Advance { is_behind: events.len() == STEP_EVENTS_MAX, ..Advance::default() };
        let mut steps = Vec::with_capacity(events.len());
        let mut head = None;
        let mut has_canary = false;
        for (position, event) in &events {
            let mut step = self.step(*position, event, &mut head, now);
            has_canary = has_canary || self.send_canary(event, &mut step, now);
            done.findings += step.findings.len();
            steps.push(step);
        }
        done.events = steps.len();
        if let Some(last) = steps.last() {
            let checkpoint = last.checkpoint;
            self.store
                .commit_all(&steps)
                .map_err(|source| JudgeError::Store { network: self.network.clone(), source })?;
            let flown = steps.iter().flat_map(|step| &step.alerts).map(|alert| alert.id);
            if has_canary {
                self.canaries.pass(flown, Point::Stored);
            }
            done.inputs = steps.iter().map(|step| step.inputs.len()).sum();
            self.position = checkpoint;
        }
        Ok((done, steps.into_iter().flat_map(|step| step.findings).collect()))
    }

    /// As [`Judge::advance`], giving the findings themselves.
    ///
    /// # Errors
    /// As [`Judge::advance`].
    pub fn advance_with(&mut self, now: UnixMillis) -> Result<Vec<Finding>, JudgeError> {
        let (_, findings) = self.advance_step(now)?;
        Ok(findings)
    }

    /// Everything that follows from one event.
    fn step(
        &mut self,
        position: Position,
        event: &ChainEvent,
        head: &mut Option<model::BlockRef>,
        now: UnixMillis,
    ) -> Step {
        let beside = Beside(&self.store);
        let mut judgement = self.engine.apply_beside(position, event, &beside);
        self.ask_outside(event, &mut judgement);
        *head = event.head().or(*head);
        let mut step = Step::new(
            self.network.clone(),
            position,
            position.next(),
            self.engine.monitors_version(),
        );
        self.alert(&judgement, now, &mut step);
        let block = match event {
            ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle) => {
                Some(bundle.block_ref())
            }
            _ => *head,
        };
        if let (Some(block), false) = (block, judgement.samples.is_empty()) {
            step.samples.push(BlockSamples { block, samples: judgement.samples });
        }
        step.reverted = judgement.reverted;
        step.findings = judgement.findings;
        step.coverage = judgement.coverage;
        step.finalized = judgement.finalized;
        step.state.push(judgement.state);
        step
    }

    /// Adds a canary to what a judged block brings, when one is due: at most one in a transaction, so
    /// that a judge that catches up sends no flock of them.
    fn send_canary(&self, event: &ChainEvent, step: &mut Step, now: UnixMillis) -> bool {
        let (ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle)) = event else {
            return false;
        };
        let block = bundle.block_ref();
        let is_judged = |row: &model::BlockCoverage| {
            row.block == block && matches!(row.result, CoverageResult::Judged { .. })
        };
        if !step.coverage.iter().any(is_judged) || !self.canaries.is_due(&self.network) {
            return false;
        }
        let when = (block, bundle.header.timestamp);
        let Some(made) = canary::made(&self.network, when, &self.membership, now) else {
            tracing::error!(network = %self.network, "the alert book makes no alert of a canary");
            return false;
        };
        self.canaries.made(&self.network, made.alert.id, block);
        step.alerts.push(made.alert);
        step.inputs.push(made.input);
        step.decisions.extend(made.decisions);
        true
    }

    /// What detectors that are not ours say of a block, beside our own.
    fn ask_outside(&mut self, event: &ChainEvent, judgement: &mut Judgement) {
        let (ChainEvent::Committed(bundle) | ChainEvent::Recovered(bundle)) = event else { return };
        if self.bots.is_empty() {
            return;
        }
        let (findings, blind) = self.bots.judge(bundle, &self.rules.registry);
        judgement.findings.extend(findings);
        for row in &mut judgement.coverage {
            if let CoverageResult::Judged { monitors_judged, blind: known } = &mut row.result {
                *monitors_judged += (self.bots.len() - blind.len()) as u32;
                known.extend(blind.iter().cloned());
            }
        }
    }

    /// What people get to hear of it.
    fn alert(&mut self, judgement: &Judgement, now: UnixMillis, step: &mut Step) {
        let network = || self.network.clone();
        let mut inputs = Vec::new();
        if !judgement.reverted.is_empty() {
            inputs.push(AlertInput::Reverted {
                network: network(),
                undone: judgement.reverted.clone(),
            });
        }
        if !judgement.findings.is_empty() {
            inputs.push(AlertInput::Findings {
                network: network(),
                findings: judgement.findings.clone(),
            });
        }
        if let Some(block) = judgement.finalized {
            inputs.push(AlertInput::Finalized { network: network(), block });
        }
        let outcome = self.tell(inputs, now);
        step.alerts = outcome.alerts;
        step.inputs = outcome.inputs;
        step.decisions = outcome.decisions;
    }

    /// What the alert book makes of it, in order.
    pub(super) fn tell(&mut self, inputs: Vec<AlertInput>, now: UnixMillis) -> Changed {
        let mut all = Changed::default();
        for input in inputs {
            let about = About::of(&input);
            let outcome = self.book.apply(input, &self.membership, now);
            for alert in &outcome.alerts {
                self.tell_pager(alert, &about, now, &mut all);
            }
            all.alerts.extend(outcome.alerts);
            // Who hears of it is the pager's to decide, and to account for.
            let is_membership = |decision: &Decision| {
                decision.action == Action::Group
                    || matches!(decision.reason, Reason::StillStands { .. })
            };
            all.decisions.extend(outcome.decisions.into_iter().filter(is_membership));
        }
        all
    }

    /// Puts an alert as it is now into the pager's inbox, unless its monitor is in shadow. That an
    /// alert is over is told in any case: whoever heard of it before must hear that, too.
    fn tell_pager(&self, alert: &Alert, about: &About, now: UnixMillis, all: &mut Changed) {
        let stage = self.rules.policy.stage(&alert.monitor);
        let is_over = alert.state == AlertState::Retracted;
        if stage == Stage::Shadow && !is_over {
            let is_new = alert.created_at == now;
            all.decisions.extend(is_new.then_some(Decision {
                alert: alert.id,
                receiver: None,
                at: now,
                action: Action::Withhold,
                reason: Reason::InShadow,
            }));
            return;
        }
        let truth = if is_over { about.end } else { alert.state.into() };
        let facts = paging::facts(alert, truth, &about.because, stage, &self.rules.registry);
        all.inputs.push(paging::stored(&pager::Input::Alert(facts), now));
    }

    /// Asks the store; what it refuses is told with the network's name.
    pub(super) fn in_store<T>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, JudgeError> {
        ask(&self.store)
            .map_err(|source| JudgeError::Store { network: self.network.clone(), source })
    }
}

/// What an input of the alert book changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Alerts as they are now.
    pub(super) alerts: Vec<Alert>,
    /// What the pager is told of them.
    pub(super) inputs: Vec<Input>,
    /// Which findings are one alert, and why.
    pub(super) decisions: Vec<Decision>,
}

/// Why alerts changed, in words for people.
struct About {
    because: String,
    /// What it means when nothing is left of an alert.
    end: Truth,
}

impl About {
    fn of(input: &AlertInput) -> Self {
        let (because, end) = match input {
            AlertInput::Findings { findings, .. } | AlertInput::Lasting { findings, .. } => {
                let block = findings.last().map(|finding| finding.origin.block);
                let because = match block {
                    Some(block) => format!("found in block {block}"),
                    None => "found".to_owned(),
                };
                (because, Truth::Retracted)
            }
            AlertInput::Reverted { undone, .. } => {
                let because = match undone.iter().min() {
                    Some(block) => format!("block {block} left the chain"),
                    None => "blocks left the chain".to_owned(),
                };
                (because, Truth::Retracted)
            }
            AlertInput::PutRight { how, .. } => (how.clone(), Truth::Ended),
            AlertInput::Finalized { block, .. } => {
                (format!("final with block {block}"), Truth::Retracted)
            }
            AlertInput::Tick => ("time passed".to_owned(), Truth::Retracted),
        };
        Self { because, end }
    }
}
