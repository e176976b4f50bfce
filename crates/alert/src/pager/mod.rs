//! The pager: from alerts to the people who hear of them, until somebody is on it.
//!
//! ```text
//!  Input::{Alert, Said, Silence…, Delivered, Failed, Tick} + Plan + wall time
//!        │
//!        ▼
//!  take     an alert's card: its facts, its life, whom it was told to; the ways it takes
//!        │
//!        ▼
//!  flush    its groups speak: at once when it pages, else after group_wait, then each
//!        │  group_interval, and again after repeat_interval; the worst groups first
//!        ▼
//!  page     escalations climb until somebody acknowledges
//!        │
//!        ▼
//!  storm    what a reader does not bear is summarised, critical alerts first
//!        │
//!        ▼
//!  Outcome { messages, rulings, alarms, rows }    for the caller to store in one transaction
//! ```
//!
//! Groups, silences, inhibition and repeats mean what they mean in Alertmanager. Where they differ,
//! it is on purpose:
//! * what pages, and every critical alert, does not wait for its group, and a retraction neither;
//! * an alert that somebody acknowledged is not repeated, and never pages again by itself;
//! * one reader hears of an alert once, however many of its ways lead there;
//! * an alert that was told before a silence is not told again when it ends;
//! * quiet hours do not apply to critical alerts, and a silence does not hide what looks like an
//!   attack unless two people signed it;
//! * much more of the same is told (each time the findings have doubled), and less is not;
//! * what is over is told even while a silence hides it, to those who know of it, and to nobody else;
//! * a cause that somebody silenced hides nothing;
//! * an empty `group_by` is one group for all, also below a branch that groups.
//!
//! `tests/alertmanager` plays the same alerts through both, and shows each difference that can be
//! seen from outside.
//!
//! Three laws hold and are tested as properties: a pager restored from its rows at any point goes on
//! as if it had never stopped; an input decided twice from the same rows makes messages of the same
//! ids; and people's words may come in any order.

mod age; //     what is let go
mod apart; //   what is real, drills and canaries
mod facts; //   what is known about an alert
mod flush; //   groups speak
mod ids; //     groups, messages, readers
mod message; // what goes to the outbox
mod own; //     what is wrong with the paging itself, as alerts
mod page; //    escalations climb
mod rest; //    when groups have nothing to say
mod rows; //    what is stored, and how it comes back
mod state; //   what is remembered
mod storm; //   what a reader bears
mod take; //    alerts, words, silences in
mod why; //     decisions with reasons

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use model::{AlertId, Name, UnixMillis};

use crate::{
    life::Deed,
    plan::Plan,
    quiet::{Silence, SilenceFault, Sources},
    route::Path,
};

pub use age::{CARD_KEPT_S, CARDS_MAX, STALE_S};
pub use apart::{DRILL_S_MAX, Pagers, Side, Sides};
pub use facts::Facts;
pub use ids::{GroupId, MessageId, Whom};
pub use message::{LINES_MAX, Line, Message, MessageKind, News};
pub use own::{FAILING, QUIET_S, Stands, Trouble};
pub use state::{Card, Desk, Group, Key, ROWS_VERSION, RestoreError, Row, Stored, Week};
pub use storm::{QUEUE_MAX, SUMMARY_CRITICAL_S, SUMMARY_S};
pub use take::{FLAPS, FLAPS_WITHIN_S};
pub use why::{Alarm, OnCallBy, Ruling, Verdict, Why};

/// What happened.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// An alert is like this now.
    Alert(Facts),
    /// A person said something about alerts.
    Said {
        /// Which: those that the message spoke of whose button was pressed.
        alerts: Vec<AlertId>,
        /// Who.
        by: Name,
        /// What.
        deed: Deed,
        /// When it was said; it may come later than something said after it.
        at: UnixMillis,
        /// In which words.
        reason: String,
    },
    /// Somebody asks for quiet.
    Silence(Silence),
    /// Another person signs a silence.
    Sign {
        /// Silence.
        silence: Name,
        /// Who.
        by: Name,
    },
    /// A silence ends now.
    Unsilence {
        /// Silence.
        silence: Name,
    },
    /// A channel says that a message arrived.
    Delivered {
        /// Message.
        message: MessageId,
    },
    /// A channel says that a message cannot be delivered.
    Failed {
        /// Message.
        message: MessageId,
        /// For whom it was.
        whom: Whom,
        /// Why not.
        error: String,
    },
    /// Nothing but time passed; see [`Pager::next_due`].
    Tick,
}

/// An input that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The silence is wrong.
    #[error(transparent)]
    Silence(#[from] SilenceFault),
    /// There is no such silence any more.
    #[error("there is no silence {0}")]
    NoSilence(Name),
    /// A silence of this name is in force; it must be ended first.
    #[error("silence {0} exists already")]
    SilenceExists(Name),
    /// Nobody knows the alert (any more).
    #[error("there is no alert {0}")]
    NoAlert(AlertId),
    /// More silences than anybody could oversee.
    #[error("there are {0} silences already")]
    TooManySilences(usize),
}

/// What follows from an input; to be stored in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// For the outbox, those about the worst alerts first.
    pub messages: Vec<Message>,
    /// What was decided, and why.
    pub rulings: Vec<Ruling>,
    /// What is wrong with the paging itself.
    pub alarms: Vec<Alarm>,
    /// What was not taken.
    pub refused: Vec<Refusal>,
    /// Rows that changed.
    pub rows: Vec<Row>,
    /// Rows that are to be removed.
    pub gone: Vec<Key>,
}

/// What may be due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A silence ended.
    Lift(Name),
    /// A group speaks.
    Flush(GroupId),
    /// An escalation climbs, or a page had no receipt.
    Climb(GroupId),
    /// A reader gets a summary.
    Summary(Whom),
}

/// All that is remembered of all alerts, and the plan.
#[derive(Debug, Clone)]
pub struct Pager {
    plan: Arc<Plan>,
    cards: BTreeMap<AlertId, Card>,
    groups: BTreeMap<GroupId, Group>,
    desks: BTreeMap<Whom, Desk>,
    silences: BTreeMap<Name, Silence>,
    weeks: BTreeMap<Path, Week>,
    /// What is due when. Follows from the rest.
    due: BTreeSet<(UnixMillis, Due)>,
    /// Which alerts could hide others. Follows from the rest.
    sources: Sources,
    /// Which groups wait for word of which page. Follows from the rest.
    pages: HashMap<MessageId, BTreeSet<GroupId>>,
    /// The hour in which old cards were let go last.
    swept: i64,
    /// The hour in which room was made last.
    crowded: Option<i64>,
    /// Rows that this step changed.
    changed: BTreeSet<Key>,
}

impl Pager {
    /// A pager that knows of no alerts.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            cards: BTreeMap::new(),
            groups: BTreeMap::new(),
            desks: BTreeMap::new(),
            silences: BTreeMap::new(),
            weeks: BTreeMap::new(),
            due: BTreeSet::new(),
            sources: Sources::default(),
            pages: HashMap::new(),
            swept: i64::MIN,
            crowded: None,
            changed: BTreeSet::new(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// One alert.
    pub fn card(&self, alert: AlertId) -> Option<&Card> {
        self.cards.get(&alert)
    }

    /// The alerts that are remembered.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.cards.values()
    }

    /// One group.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The silences that have not ended.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// Whether there is a silence of this name that has not ended.
    pub(crate) fn has_silence(&self, name: &Name) -> bool {
        self.silences.contains_key(name)
    }

    /// Whether somebody is called by this message, and word of it matters.
    pub(crate) fn awaits(&self, message: MessageId) -> bool {
        self.pages.contains_key(&message)
    }

    /// When the next [`Input::Tick`] has something to do; `None`: nothing waits.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes in what happened and does all that is due; `now` is wall time.
    pub fn apply(&mut self, input: Input, now: UnixMillis) -> Outcome {
        self.apply_all([input], now).0
    }

    /// Takes in what happened together, such as all that one block brought, and then does all that is
    /// due, so that a group speaks once of all of it. Gives beside the outcome which inputs were not
    /// taken, by their place.
    pub fn apply_all(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        now: UnixMillis,
    ) -> (Outcome, Vec<(usize, Refusal)>) {
        let mut outcome = Outcome::default();
        let mut refused = Vec::new();
        for (at, input) in inputs.into_iter().enumerate() {
            let before = outcome.refused.len();
            self.take(input, now, &mut outcome);
            refused.extend(outcome.refused[before..].iter().map(|refusal| (at, refusal.clone())));
        }
        self.sweep(now, &mut outcome);
        self.do_what_is_due(now, &mut outcome);
        outcome.messages.sort_by_key(|message| std::cmp::Reverse(message.severity));
        self.write_rows(&mut outcome);
        (outcome, refused)
    }

    fn take(&mut self, input: Input, now: UnixMillis, outcome: &mut Outcome) {
        match input {
            Input::Alert(facts) => self.alert(facts, now, outcome),
            Input::Said { alerts, by, deed, at, reason } => {
                for alert in alerts {
                    self.said(alert, &by, &deed, at.min(now), &reason, now, outcome);
                }
            }
            Input::Silence(silence) => self.silence(silence, outcome),
            Input::Sign { silence, by } => self.sign(&silence, &by, now, outcome),
            Input::Unsilence { silence } => {
                if self.silences.contains_key(&silence) {
                    self.lift(&silence, now);
                } else {
                    outcome.refused.push(Refusal::NoSilence(silence));
                }
            }
            Input::Delivered { message } => self.delivered(message),
            Input::Failed { message, whom, error } => {
                self.failed(message, whom, error, now, outcome);
            }
            Input::Tick => {}
        }
    }

    /// Another plan: alerts that go on are routed anew, and who was told of them stays told. What
    /// becomes due by it is done with the next input: words that people said meanwhile may be
    /// waiting, and whoever said "I am on it" must not be called once more.
    pub fn replan(&mut self, plan: Arc<Plan>, now: UnixMillis) -> Outcome {
        let mut outcome = Outcome::default();
        self.plan = plan;
        self.sources = Sources::default();
        let cards: Vec<AlertId> = self.cards.keys().copied().collect();
        for alert in &cards {
            self.reroute(*alert, now, &mut outcome);
        }
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        for group in groups {
            self.rest(group);
        }
        outcome.messages.sort_by_key(|message| std::cmp::Reverse(message.severity));
        self.write_rows(&mut outcome);
        outcome
    }

    fn do_what_is_due(&mut self, now: UnixMillis, outcome: &mut Outcome) {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let later = self.due.split_off(&(now.plus(1), Due::Lift(first_name())));
            let due = std::mem::replace(&mut self.due, later);
            let mut flushes = Vec::new();
            let mut rest = BTreeSet::new();
            for (at, due) in due {
                match due {
                    Due::Lift(silence) => self.lift(&silence, now),
                    Due::Flush(group) => {
                        if let Some(group) = self.groups.get_mut(&group) {
                            group.wakes_at = None;
                        }
                        flushes.push((std::cmp::Reverse(self.worst(group)), at, group));
                    }
                    // After all groups spoke: pages tell what is known by then.
                    later => {
                        rest.insert(later);
                    }
                }
            }
            flushes.sort_unstable();
            for (.., group) in flushes {
                self.flush(group, now, outcome);
            }
            for due in rest {
                match due {
                    Due::Climb(group) => self.climb(group, now, outcome),
                    Due::Summary(whom) => self.summarise(&whom, now, outcome),
                    Due::Lift(_) | Due::Flush(_) => {}
                }
            }
        }
    }

    /// Plans something, once: what was planned for another time is forgotten.
    fn schedule(&mut self, due: Due, was: Option<UnixMillis>, at: Option<UnixMillis>) {
        if let Some(was) = was {
            self.due.remove(&(was, due.clone()));
        }
        if let Some(at) = at {
            self.due.insert((at, due));
        }
    }
}

/// The least name, to split what is due between two moments.
fn first_name() -> Name {
    Name::new("0").expect("a digit is a name")
}

/// Milliseconds, without overflow.
fn ms(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)
}
