//! What is real, drills and canaries, apart.
//!
//! Three pagers: one sees what is real and nothing else, one drills and nothing else, one canaries and
//! nothing else. So each takes every step that the real thing would take — routes, groups, storms,
//! calls, acknowledgements — and yet no drill and no canary can hide, join, delay or acknowledge
//! anything real, nor the other way round: no pager has anything of another one to look at.
//!
//! What is real and drills go by one plan, the user's. Canaries go by a plan that can name nothing but
//! the sink ([`SinkPlan`]), and each new one finds a pager that remembers nothing, so that they take
//! no more room however long the program runs.

use std::{collections::HashMap, sync::Arc};

use model::{AlertId, Name, Provenance, UnixMillis};

use super::{Card, Facts, Input, Key, Outcome, Pager, Refusal, RestoreError, Stored, ms};
use crate::{
    life::Truth,
    plan::{Plan, SinkPlan},
    quiet::Silence,
};

/// How long a drill goes on at most: an hour. Who has not answered by then was not reached, and a
/// drill that somebody forgot must not call people through the night.
pub const DRILL_S_MAX: u64 = 60 * 60;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What is real.
    Live,
    /// Drills, all of them.
    Drill,
    /// Canaries.
    Canary,
}

impl Side {
    /// All sides, the real one first: what is real is never told later because of another.
    pub const ALL: [Self; 3] = [Self::Live, Self::Drill, Self::Canary];

    /// Where something of this provenance belongs.
    pub fn of(provenance: &Provenance) -> Self {
        match provenance {
            Provenance::Live => Self::Live,
            Provenance::Drill { .. } => Self::Drill,
            Provenance::Canary => Self::Canary,
        }
    }

    /// What the keys of its stored rows begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Drill => "drill/",
            Self::Canary => "canary/",
        }
    }

    /// The side of a row with this key.
    pub fn of_key(key: &str) -> Self {
        let apart = [Self::Drill, Self::Canary];
        apart.into_iter().find(|side| key.starts_with(side.prefix())).unwrap_or(Self::Live)
    }
}

/// One of a kind for each side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sides<T> {
    /// Of what is real.
    pub live: T,
    /// Of drills.
    pub drill: T,
    /// Of canaries.
    pub canary: T,
}

impl<T> Sides<T> {
    /// That of one side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Live => &self.live,
            Side::Drill => &self.drill,
            Side::Canary => &self.canary,
        }
    }

    /// That of one side, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Live => &mut self.live,
            Side::Drill => &mut self.drill,
            Side::Canary => &mut self.canary,
        }
    }

    /// All, in the order of [`Side::ALL`].
    pub fn each(self) -> [(Side, T); 3] {
        [(Side::Live, self.live), (Side::Drill, self.drill), (Side::Canary, self.canary)]
    }

    /// All, looked at, in the order of [`Side::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        Side::ALL.into_iter().map(|side| (side, self.of(side)))
    }
}

/// A pager for what is real, one for drills and one for canaries; see the module.
#[derive(Debug, Clone)]
pub struct Pagers {
    sides: Sides<Pager>,
    sink: SinkPlan,
}

impl Pagers {
    /// Pagers that know of no alerts. `plan` is that of what is real and of drills.
    pub fn new(plan: &Arc<Plan>) -> Self {
        let sink = SinkPlan::new();
        let canary = Pager::new(sink.plan().clone());
        let sides =
            Sides { live: Pager::new(plan.clone()), drill: Pager::new(plan.clone()), canary };
        Self { sides, sink }
    }

    /// The pagers as they were when these rows were stored.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(plan: &Arc<Plan>, rows: Sides<Vec<Stored>>) -> Result<Self, RestoreError> {
        let sink = SinkPlan::new();
        let live = Pager::restore(plan.clone(), rows.live)?;
        let drill = Pager::restore(plan.clone(), rows.drill)?;
        let canary = Pager::restore(sink.plan().clone(), rows.canary)?;
        Ok(Self { sides: Sides { live, drill, canary }, sink })
    }

    /// One of them.
    pub fn of(&self, side: Side) -> &Pager {
        self.sides.of(side)
    }

    /// One alert that people may hear of, real or a drill's.
    pub fn card(&self, alert: AlertId) -> Option<&Card> {
        self.sides.live.card(alert).or_else(|| self.sides.drill.card(alert))
    }

    /// When time alone makes something due.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let ends = self.sides.drill.cards().filter_map(ends_at).min();
        self.sides.iter().filter_map(|(_, pager)| pager.next_due()).chain(ends).min()
    }

    /// [`Pager::apply_all`], each input where it belongs.
    pub fn apply_all(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        now: UnixMillis,
    ) -> (Sides<Outcome>, Vec<(usize, Refusal)>) {
        let mut inputs = Sorted::of(&self.sides, inputs).inputs;
        let over: Vec<Input> = self
            .sides
            .drill
            .cards()
            .filter(|card| ends_at(card).is_some_and(|at| at <= now))
            .filter_map(ended)
            .collect();
        let forgotten = self.forget_canaries(!inputs.canary.is_empty());
        let (mut outcomes, mut refused) = (Sides::default(), Vec::new());
        for side in Side::ALL {
            let (places, mut of_side): (Vec<usize>, Vec<Input>) =
                std::mem::take(inputs.of_mut(side)).into_iter().unzip();
            if side == Side::Drill {
                of_side.extend(over.iter().cloned());
            }
            let (outcome, not_taken) = self.sides.of_mut(side).apply_all(of_side, now);
            *outcomes.of_mut(side) = outcome;
            // What ends by itself is always taken.
            refused.extend(
                not_taken.into_iter().filter_map(|(at, why)| Some((*places.get(at)?, why))),
            );
        }
        let canary = &mut outcomes.canary;
        let rewritten = |key: &Key| canary.rows.iter().any(|row| row.key() == *key);
        let gone: Vec<Key> = forgotten.into_iter().filter(|key| !rewritten(key)).collect();
        canary.gone.extend(gone);
        refused.sort_by_key(|(at, _)| *at);
        (outcomes, refused)
    }

    /// Lets go of the canaries before a new one; gives what they are filed under.
    fn forget_canaries(&mut self, has_new: bool) -> Vec<Key> {
        if !has_new {
            return Vec::new();
        }
        let pager = Pager::new(self.sink.plan().clone());
        std::mem::replace(&mut self.sides.canary, pager).keys()
    }

    /// [`Pager::replan`] of what goes by the user's plan.
    pub fn replan(&mut self, plan: &Arc<Plan>, now: UnixMillis) -> Sides<Outcome> {
        let live = self.sides.live.replan(plan.clone(), now);
        let drill = self.sides.drill.replan(plan.clone(), now);
        Sides { live, drill, canary: Outcome::default() }
    }
}

/// When a drill ends by itself; `None`: it ended, or somebody said that it is over.
fn ends_at(card: &Card) -> Option<UnixMillis> {
    let goes_on = card.life().stage().is_firing() && card.facts().truth != Truth::Ended;
    let began = card.life().steps().first().filter(|_| goes_on)?.at;
    Some(began.plus(ms(DRILL_S_MAX)))
}

fn ended(card: &Card) -> Option<Input> {
    ends_at(card)?;
    let because = format!("a drill ends by itself after {} min", DRILL_S_MAX / 60);
    Some(Input::Alert(Facts { truth: Truth::Ended, because, ..card.facts().clone() }))
}

/// Inputs by side, each with its place among all.
struct Sorted<'a> {
    pagers: &'a Sides<Pager>,
    /// Alerts and silences that came with these inputs.
    alerts: HashMap<AlertId, Side>,
    silences: HashMap<Name, Side>,
    inputs: Sides<Vec<(usize, Input)>>,
}

impl<'a> Sorted<'a> {
    fn of(pagers: &'a Sides<Pager>, inputs: impl IntoIterator<Item = Input>) -> Self {
        let (alerts, silences) = (HashMap::new(), HashMap::new());
        let mut sorted = Self { pagers, alerts, silences, inputs: Sides::default() };
        for (at, input) in inputs.into_iter().enumerate() {
            sorted.take(at, input);
        }
        sorted
    }

    fn take(&mut self, at: usize, input: Input) {
        let side = match &input {
            Input::Alert(facts) => {
                let side = Side::of(&facts.provenance);
                self.alerts.insert(facts.alert, side);
                side
            }
            Input::Said { .. } => return self.said(at, input),
            Input::Silence(silence) => {
                // A name means one silence, so that whoever signs it signs what they saw.
                let side = self.side_of_silence(&silence.id).unwrap_or_else(|| side_of(silence));
                self.silences.entry(silence.id.clone()).or_insert(side);
                side
            }
            Input::Sign { silence, .. } | Input::Unsilence { silence } => {
                self.side_of_silence(silence).unwrap_or(Side::Live)
            }
            // Nobody but canaries goes there.
            Input::Failed { whom, .. } if whom.channel.as_str() == Provenance::SINK => Side::Canary,
            // A channel that fails is real, whatever it was to carry.
            Input::Delivered { message } | Input::Failed { message, .. } => {
                match self.pagers.drill.awaits(*message) {
                    true => Side::Drill,
                    false => Side::Live,
                }
            }
            Input::Tick => Side::Live,
        };
        self.inputs.of_mut(side).push((at, input));
    }

    /// A person may speak of several alerts at once; each pager hears of its own.
    fn said(&mut self, at: usize, input: Input) {
        let Input::Said { alerts, by, deed, at: said_at, reason } = input else { return };
        let is_drill = |alert: &AlertId| {
            self.alerts.get(alert).map_or_else(
                || self.pagers.drill.card(*alert).is_some(),
                |side| *side == Side::Drill,
            )
        };
        let (drill, live): (Vec<_>, Vec<_>) = alerts.into_iter().partition(is_drill);
        // A canary is for nobody, so nobody has a word about one: what is said of it is refused.
        for (side, alerts) in [(Side::Live, live), (Side::Drill, drill)] {
            if !alerts.is_empty() {
                let (by, deed, reason) = (by.clone(), deed.clone(), reason.clone());
                let said = Input::Said { alerts, by, deed, at: said_at, reason };
                self.inputs.of_mut(side).push((at, said));
            }
        }
    }

    fn side_of_silence(&self, name: &Name) -> Option<Side> {
        let has = |pager: &Pager| pager.has_silence(name);
        self.silences
            .get(name)
            .copied()
            .or_else(|| self.pagers.iter().find(|(_, pager)| has(pager)).map(|(side, _)| side))
    }
}

/// A silence is about drills when one of its matchers wants one; then it is about nothing else.
fn side_of(silence: &Silence) -> Side {
    if silence.is_about_drills() { Side::Drill } else { Side::Live }
}
