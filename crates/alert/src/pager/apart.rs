//! What is real and what is a drill, apart.
//!
//! Two pagers with one plan: one sees what is real and nothing else, the other one drills and nothing
//! else. So a drill takes every step that the real thing would take — routes, groups, storms, calls,
//! acknowledgements — and yet no drill can hide, join, delay or acknowledge anything real, nor the
//! other way round: neither pager has anything of the other one to look at.

use std::{collections::HashMap, sync::Arc};

use model::{AlertId, Name, Provenance, UnixMillis};

use super::{Card, Input, Outcome, Pager, Refusal, RestoreError, Stored};
use crate::{plan::Plan, quiet::Silence};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What is real.
    Live,
    /// Drills, all of them.
    Drill,
}

impl Side {
    /// Where something of this provenance belongs.
    pub fn of(provenance: &Provenance) -> Self {
        if provenance.is_live() { Self::Live } else { Self::Drill }
    }

    /// What the keys of its stored rows begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Drill => "drill/",
        }
    }

    /// The side of a row with this key.
    pub fn of_key(key: &str) -> Self {
        if key.starts_with(Self::Drill.prefix()) { Self::Drill } else { Self::Live }
    }
}

/// One of a kind for each side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sides<T> {
    /// Of what is real.
    pub live: T,
    /// Of drills.
    pub drill: T,
}

impl<T> Sides<T> {
    /// That of one side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Live => &self.live,
            Side::Drill => &self.drill,
        }
    }

    fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Live => &mut self.live,
            Side::Drill => &mut self.drill,
        }
    }

    /// Both, the real one first: what is real is never told later because of a drill.
    pub fn each(self) -> [(Side, T); 2] {
        [(Side::Live, self.live), (Side::Drill, self.drill)]
    }
}

/// A pager for what is real and one for drills; see the module.
#[derive(Debug, Clone)]
pub struct Pagers(Sides<Pager>);

impl Pagers {
    /// Two pagers that know of no alerts.
    pub fn new(plan: &Arc<Plan>) -> Self {
        Self(Sides { live: Pager::new(plan.clone()), drill: Pager::new(plan.clone()) })
    }

    /// The pagers as they were when these rows were stored.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(plan: &Arc<Plan>, rows: Sides<Vec<Stored>>) -> Result<Self, RestoreError> {
        let live = Pager::restore(plan.clone(), rows.live)?;
        let drill = Pager::restore(plan.clone(), rows.drill)?;
        Ok(Self(Sides { live, drill }))
    }

    /// One of the two.
    pub fn of(&self, side: Side) -> &Pager {
        self.0.of(side)
    }

    /// One alert, real or not.
    pub fn card(&self, alert: AlertId) -> Option<&Card> {
        self.0.live.card(alert).or_else(|| self.0.drill.card(alert))
    }

    /// When time alone makes something due.
    pub fn next_due(&self) -> Option<UnixMillis> {
        [self.0.live.next_due(), self.0.drill.next_due()].into_iter().flatten().min()
    }

    /// [`Pager::apply_all`], each input where it belongs.
    pub fn apply_all(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        now: UnixMillis,
    ) -> (Sides<Outcome>, Vec<(usize, Refusal)>) {
        let mut inputs = Sorted::of(&self.0, inputs).inputs;
        let (mut outcomes, mut refused) = (Sides::default(), Vec::new());
        for side in [Side::Live, Side::Drill] {
            let (places, of_side): (Vec<usize>, Vec<Input>) =
                std::mem::take(inputs.of_mut(side)).into_iter().unzip();
            let (outcome, not_taken) = self.0.of_mut(side).apply_all(of_side, now);
            *outcomes.of_mut(side) = outcome;
            refused.extend(not_taken.into_iter().map(|(at, refusal)| (places[at], refusal)));
        }
        refused.sort_by_key(|(at, _)| *at);
        (outcomes, refused)
    }

    /// [`Pager::replan`] of both.
    pub fn replan(&mut self, plan: &Arc<Plan>, now: UnixMillis) -> Sides<Outcome> {
        let live = self.0.live.replan(plan.clone(), now);
        let drill = self.0.drill.replan(plan.clone(), now);
        Sides { live, drill }
    }
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
        for (side, alerts) in (Sides { live, drill }).each() {
            if !alerts.is_empty() {
                let (by, deed, reason) = (by.clone(), deed.clone(), reason.clone());
                let said = Input::Said { alerts, by, deed, at: said_at, reason };
                self.inputs.of_mut(side).push((at, said));
            }
        }
    }

    fn side_of_silence(&self, name: &Name) -> Option<Side> {
        let has = |pager: &Pager| pager.has_silence(name);
        self.silences.get(name).copied().or_else(|| match self.pagers {
            Sides { live, .. } if has(live) => Some(Side::Live),
            Sides { drill, .. } if has(drill) => Some(Side::Drill),
            _ => None,
        })
    }
}

/// A silence is about drills when one of its matchers wants one; then it is about nothing else.
fn side_of(silence: &Silence) -> Side {
    if silence.is_about_drills() { Side::Drill } else { Side::Live }
}
