//! The pager with its memory on disk: inputs in order, everything that follows in one transaction.

use std::sync::Arc;

use alert::{
    life::{Actor, Life},
    pager::{
        Alarm, Input, Line, Message, MessageKind, Outcome, Pager, Pagers, RestoreError, Row,
        Ruling, Side, Sides, Stored, Verdict,
    },
    plan::Plan,
    route::{Branch, Tree},
};
use model::{
    AlertId, AlertVerdict, MessageForm, Name, Notification, NotificationId, NotificationKind,
    NotificationLine, NotificationState, Provenance, UnixMillis,
};
use store::{AlarmRow, OutboxMessage, PagingStep, RulingRow, StageRow, Store, StoreError};

use super::{inbox, own::Own, verdicts};
use crate::{
    canary::{Canaries, Point},
    reports,
    twin::Twins,
};

/// Inputs applied and committed in one transaction at the most: what one block of an attack brings.
const STEP_INPUTS_MAX: usize = 512;

/// Why nobody can be paged at the moment.
#[derive(Debug, thiserror::Error)]
pub enum PagingError {
    /// The store refused to read or write.
    #[error("paging")]
    Store(#[from] StoreError),
    /// A row of the pager's memory cannot be read.
    #[error("the pager's row {key} cannot be read")]
    Row {
        /// Row.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The rows are not of this program.
    #[error("restoring the pager")]
    Restore(#[from] RestoreError),
    /// A mistake of ours; nothing of the step was committed.
    #[error("the pager panicked: {0}")]
    Panicked(String),
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paged {
    /// Inputs applied.
    pub inputs: usize,
    /// Messages that are new in the outbox.
    pub messages: u64,
    /// Whether more inputs may be waiting.
    pub is_behind: bool,
}

/// What became of the inputs of one step, beside what the pager decided.
#[derive(Debug, Default)]
struct Heard {
    /// Newest of them.
    applied: u64,
    /// Those that were not taken, and why.
    refused: Vec<(u64, String)>,
    /// What people said of the quality of alerts.
    verdicts: Vec<AlertVerdict>,
}

/// The pager of a store. Only one may be at work on it: its memory is what it committed last.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    pagers: Pagers,
    /// Newest input whose effects are committed.
    applied: u64,
    /// Whether the public may hear of alerts.
    is_public: bool,
    /// Other installations that tell the same people.
    twins: Twins,
    /// What is wrong with paging itself.
    own: Own,
    /// When canaries came past here.
    canaries: Canaries,
}

impl Desk {
    /// Reads the pager back as it was when it last committed, and routes what goes on by `plan`.
    ///
    /// # Errors
    /// [`PagingError`].
    pub fn open(store: Store, plan: Arc<Plan>, now: UnixMillis) -> Result<Self, PagingError> {
        Self::open_among(store, plan, Twins::default(), now)
    }

    /// As [`Desk::open`], beside other installations that tell the same people.
    ///
    /// # Errors
    /// [`PagingError`].
    pub fn open_among(
        store: Store,
        plan: Arc<Plan>,
        twins: Twins,
        now: UnixMillis,
    ) -> Result<Self, PagingError> {
        let mut rows: Sides<Vec<Stored>> = Sides::default();
        for (key, json) in store.pager_rows()? {
            let side = Side::of_key(&key);
            let stored: Stored =
                serde_json::from_str(&json).map_err(|source| PagingError::Row { key, source })?;
            rows.of_mut(side).push(stored);
        }
        let applied = store.inbox().applied()?;
        let pagers = Pagers::restore(&plan, rows)?;
        let own = Own::read(&store)?;
        let canaries = Canaries::default();
        let mut desk = Self { store, pagers, applied, is_public: false, twins, own, canaries };
        // The files may have changed while nothing ran.
        let outcomes = desk.pagers.replan(&plan, now);
        let heard = Heard { applied: desk.applied, ..Heard::default() };
        desk.commit(outcomes, heard, now)?;
        Ok(desk)
    }

    /// Also marks what changes for those who tell the public.
    #[must_use]
    pub fn telling_the_public(mut self, is_public: bool) -> Self {
        self.is_public = is_public;
        self
    }

    /// Also notes when canaries come past.
    #[must_use]
    pub fn watching(mut self, canaries: Canaries) -> Self {
        self.canaries = canaries;
        self
    }

    /// The pager of what is real.
    pub fn pager(&self) -> &Pager {
        self.pagers.of(Side::Live)
    }

    /// The pager of drills.
    pub fn drills(&self) -> &Pager {
        self.pagers.of(Side::Drill)
    }

    /// When time alone makes something due.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.pagers.next_due()
    }

    /// Applies what waits in the inbox and does all that is due, in one transaction.
    ///
    /// # Errors
    /// [`PagingError`]; nothing was committed then, and the desk must be opened anew, because its
    /// memory may be ahead of the disk.
    pub fn advance(&mut self, now: UnixMillis) -> Result<Paged, PagingError> {
        reports::end_due(&self.store, now)?;
        let late = self.own.waiting(&self.store, now)?;
        let waiting = self.store.inbox().waiting(STEP_INPUTS_MAX)?;
        let is_due = self.pagers.next_due().is_some_and(|due| due <= now)
            || late.is_some()
            || self.own.has_mended(self.pager(), now);
        if waiting.is_empty() && !is_due {
            return Ok(Paged::default());
        }
        let mut refused = Vec::new();
        let mut inputs = Vec::with_capacity(waiting.len());
        let mut sequences = Vec::with_capacity(waiting.len());
        for taken in &waiting {
            match inbox::read(taken) {
                Ok(input) => {
                    inputs.push(input);
                    sequences.push(taken.sequence);
                }
                Err(error) => {
                    // It must not keep what comes after it from people.
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(sequence = taken.sequence, error, "an input was not taken");
                    refused.push((taken.sequence, error));
                }
            }
        }
        if inputs.is_empty() {
            inputs.push(Input::Tick);
        }
        let flying: Vec<AlertId> = inputs.iter().filter_map(canary).collect();
        self.canaries.pass(flying.iter().copied(), Point::Taken);
        let verdicts = verdicts::verdicts(&self.store, &inputs, now)?;
        let (mut outcomes, not_taken) = self.pagers.apply_all(inputs, now);
        outcomes.live.alarms.extend(late);
        for (at, refusal) in not_taken {
            if let Some(sequence) = sequences.get(at) {
                refused.push((*sequence, refusal.to_string()));
            }
        }
        let told = outcomes.canary.messages.iter().flat_map(|message| &message.lines);
        let decided: Vec<AlertId> = told.map(|line| line.alert).collect();
        self.canaries.pass(decided.iter().copied(), Point::Decided);
        let applied = waiting.last().map_or(self.applied, |taken| taken.sequence);
        let heard = Heard { applied, refused, verdicts };
        let (messages, told_itself) = self.commit(outcomes, heard, now)?;
        self.canaries.pass(decided, Point::Queued);
        let is_behind = waiting.len() == STEP_INPUTS_MAX || told_itself;
        Ok(Paged { inputs: waiting.len(), messages, is_behind })
    }

    /// Commits what was decided. Gives the messages that are new, and whether the pager was told of
    /// itself.
    fn commit(
        &mut self,
        mut outcomes: Sides<Outcome>,
        heard: Heard,
        now: UnixMillis,
    ) -> Result<(u64, bool), PagingError> {
        let Heard { applied, refused, verdicts } = heard;
        let is_nothing = |outcome: &Outcome| {
            outcome.rows.is_empty()
                && outcome.gone.is_empty()
                && outcome.rulings.is_empty()
                && outcome.alarms.is_empty()
        };
        let live = self.pagers.of(Side::Live);
        let reports = self.own.steps(&self.store, live, &outcomes.live.alarms, now)?;
        // A state that lasts is said once.
        let begins = |key: &str| reports.iter().any(|r| r.input.is_some() && r.fingerprint == key);
        outcomes.live.alarms.retain(|a| !a.is_state() || begins(&a.trouble(now).key));
        let is_quiet =
            reports.is_empty() && outcomes.iter().all(|(_, outcome)| is_nothing(outcome));
        if applied == self.applied && is_quiet && refused.is_empty() {
            return Ok((0, false));
        }
        // Drills and canaries are known to this installation alone: nobody else tells them.
        let own = std::mem::take(&mut outcomes.live.messages);
        let (messages, held) = self.hold_back(&own, now)?;
        let public = match self.is_public {
            true => outcomes.live.rows.iter().filter_map(changed_and_real).collect(),
            false => Vec::new(),
        };
        let (from, at) = (self.applied, now);
        let mut step = PagingStep {
            from,
            applied,
            refused,
            verdicts,
            public,
            messages,
            reports,
            at,
            ..PagingStep::default()
        };
        for (side, outcome) in outcomes.each() {
            add(&mut step, side, outcome);
        }
        step.rulings.extend(held.iter().map(ruling));
        let messages = self.store.commit_paging(&step)?;
        self.applied = applied;
        self.own.took(&step.reports);
        if !held.is_empty() {
            self.twins.wake().notify_one();
        }
        Ok((messages, step.reports.iter().any(|report| report.input.is_some())))
    }

    /// The messages for the outbox, those held back that another installation may tell, and why.
    fn hold_back(
        &self,
        messages: &[Message],
        now: UnixMillis,
    ) -> Result<(Vec<OutboxMessage>, Vec<Ruling>), StoreError> {
        let mut rows = Vec::with_capacity(messages.len());
        let mut rulings = Vec::new();
        for sent in messages {
            let mut row = message(sent);
            if !self.twins.is_alone() {
                let networks = sent.lines.iter().filter_map(|line| {
                    let card = self.pagers.card(line.alert)?;
                    // What another system calls a network is none that a twin could be blind on.
                    if !card.facts().labels.get(alert::SOURCE).is_empty() {
                        return None;
                    }
                    Name::new(card.facts().labels.get(alert::NETWORK)).ok()
                });
                let networks: Vec<Name> = networks.collect();
                let alerts: Vec<_> = sent.lines.iter().map(|line| line.alert).collect();
                let spoken = self.store.twin_words(&alerts)?;
                let words: Vec<_> = sent.words().collect();
                let decision = self.twins.decide(&words, &networks, sent.at, spoken, now);
                let step = self.twins.first_step(&decision, now);
                if let Some((twin, until)) = step.held {
                    row.notification.state = NotificationState::Due { not_before: until };
                    row.held_for = Some(twin);
                }
                rulings.extend(step.ruling.map(|(verdict, why)| Ruling {
                    at: now,
                    alert: None,
                    group: sent.group,
                    whom: Some(sent.to.clone()),
                    message: Some(sent.id),
                    verdict,
                    why,
                }));
            }
            rows.push(row);
        }
        Ok((rows, rulings))
    }
}

/// A plan by which nobody hears of anything.
pub fn nobody() -> Plan {
    let root = Branch::new(Name::new("nobody").expect("a plain slug"));
    Plan::new(Tree::new(root).expect("a root alone is a tree"))
}

/// Our own types, whose maps have text keys.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the pager's types have text keys")
}

/// What one pager decided, with its rows under its own keys.
fn add(step: &mut PagingStep, side: Side, outcome: Outcome) {
    let prefix = side.prefix();
    step.stages.extend(outcome.rows.iter().filter_map(stage));
    step.needless.extend(outcome.rulings.iter().filter_map(needless));
    step.messages.extend(outcome.messages.iter().map(message));
    // What is decided about a canary's group goes with no alert, and would stay when it is gone.
    let is_kept = |ruling: &&Ruling| side != Side::Canary || ruling.alert.is_some();
    step.rulings.extend(outcome.rulings.iter().filter(is_kept).map(ruling));
    step.gone.extend(outcome.gone.iter().map(|key| format!("{prefix}{key}")));
    step.rows.extend(
        outcome.rows.into_iter().map(|row| (format!("{prefix}{}", row.key()), json(&row.stored()))),
    );
    for alarm in &outcome.alarms {
        match side {
            Side::Live => {
                tracing::error!(%alarm, "paging is not as it should be");
                step.alarms.push(alarm_row(alarm, step.at));
            }
            // What is wrong in a drill is a result of the drill: nobody is to be alarmed by it.
            Side::Drill => tracing::warn!(%alarm, "a drill did not go as it should"),
            // One that does not arrive is told as such.
            Side::Canary => tracing::warn!(%alarm, "a canary did not go as it should"),
        }
    }
}

fn stage(row: &Row) -> Option<StageRow> {
    let Row::Card(card) = row else { return None };
    let stage = card.life().stage();
    let (at, by) = put_there(card.life());
    let alert = card.facts().alert;
    Some(StageRow { alert, stage: stage.as_str(), at, by, is_open: stage.is_firing() })
}

/// The canary that an input is about.
fn canary(input: &Input) -> Option<AlertId> {
    match input {
        Input::Alert(facts) if facts.provenance == Provenance::Canary => Some(facts.alert),
        _ => None,
    }
}

/// An alert that changed, when it is real: of others the public hears nothing.
fn changed_and_real(row: &Row) -> Option<model::AlertId> {
    let Row::Card(card) = row else { return None };
    card.facts().provenance.is_live().then_some(card.facts().alert)
}

/// Since when an alert is where it is, and the person who put it there.
fn put_there(life: &Life) -> (UnixMillis, Option<Name>) {
    let last = life.steps().last();
    match (life.acknowledgements().next(), last) {
        (Some((by, at)), _) if life.stage() == alert::life::Stage::Acknowledged => {
            (at, Some(by.clone()))
        }
        (_, Some(step)) => {
            let by = match &step.actor {
                Actor::Person(by) => Some(by.clone()),
                Actor::Chain | Actor::Watcher => None,
            };
            (step.at, by)
        }
        (_, None) => (UnixMillis(0), None),
    }
}

/// A group for which nobody needs to be called any more.
fn needless(ruling: &Ruling) -> Option<([u8; 16], String)> {
    let group = ruling.group.filter(|_| ruling.verdict == Verdict::Ended)?;
    Some((group.0, format!("not needed any more: {}", ruling.why)))
}

fn message(message: &Message) -> OutboxMessage {
    let lines: Vec<NotificationLine> = message.lines.iter().map(line).collect();
    let head = lines.first().copied();
    let mut reason = message.why.to_string();
    if !message.shed.is_empty() {
        let shed: Vec<String> =
            message.shed.iter().map(|(severity, n)| format!("{n} {severity}")).collect();
        reason.push_str(&format!("; put off, told later: {}", shed.join(", ")));
    }
    let notification = Notification {
        id: NotificationId(message.id.0),
        alert: head.map_or(model::AlertId([0; 16]), |line| line.alert),
        receiver: message.to.channel.clone(),
        person: message.to.person.clone(),
        form: match message.kind {
            MessageKind::Notice => MessageForm::Notice,
            MessageKind::Page => MessageForm::Page,
            MessageKind::Summary => MessageForm::Summary,
        },
        group: message.group.map(|group| group.0),
        alerts: u32::try_from(lines.len()).unwrap_or(u32::MAX),
        kind: head.map_or(NotificationKind::Updated, |line| line.kind),
        sequence: head.map_or(0, |line| line.sequence),
        reason,
        decided_at: message.at,
        attempts: 0,
        state: NotificationState::Due { not_before: message.at },
    };
    OutboxMessage { notification, lines, held_for: None }
}

fn line(line: &Line) -> NotificationLine {
    let (kind, severity) = (line.news.kind(), line.severity);
    NotificationLine { alert: line.alert, kind, severity, sequence: line.sequence }
}

/// A decision in the form in which it is stored.
pub(crate) fn ruling(ruling: &Ruling) -> RulingRow {
    RulingRow {
        alert: ruling.alert,
        group: ruling.group.map(|group| group.0),
        message: ruling.message.map(|message| NotificationId(message.0)),
        at: ruling.at,
        json: json(ruling),
    }
}

fn alarm_row(alarm: &Alarm, at: UnixMillis) -> AlarmRow {
    AlarmRow { at, text: alarm.to_string(), json: json(alarm) }
}
