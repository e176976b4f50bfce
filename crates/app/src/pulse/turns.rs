//! The heartbeat of each stage: a stage that does its work comes round at least once a second, also
//! when there is nothing to do. One that does not come round stands still, and nothing that comes
//! after it can say so.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use model::{Name, UnixMillis};

use crate::{
    snapshot::{Code, Reason, Verdict},
    words::span,
};

/// A stage that did not come round for so long stands still: half a minute, as long as a page waits
/// for its receipt, and longer than the largest step of catching up takes.
pub const STALLED_S: u64 = 30;

/// A part of the way from a block to a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Blocks of a network become findings and alerts.
    Judge(Name),
    /// It is decided who hears what.
    Pager,
    /// Messages leave.
    Outbox,
}

impl Stage {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Judge(_) => "judge",
            Self::Pager => "pager",
            Self::Outbox => "outbox",
        }
    }

    /// Its network, if it has one.
    pub fn network(&self) -> Option<&Name> {
        match self {
            Self::Judge(network) => Some(network),
            Self::Pager | Self::Outbox => None,
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            Self::Judge(_) => "judging",
            Self::Pager => "deciding who hears what",
            Self::Outbox => "sending messages",
        }
    }
}

/// When a stage last came round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When, by our clock.
    pub at: UnixMillis,
    /// Why it failed since, if it did.
    pub failure: Option<String>,
}

/// When each stage last came round. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    known: Arc<RwLock<BTreeMap<Stage, Turn>>>,
}

/// A stage as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageState {
    /// Which.
    pub stage: Stage,
    /// How long ago it came round, in seconds.
    pub age_s: u64,
    /// Why it failed since, if it did.
    pub failure: Option<String>,
}

impl StageState {
    /// Whether it stands still: it did not come round for long, or it failed and did not come round
    /// since.
    pub fn is_stalled(&self) -> bool {
        self.age_s >= STALLED_S || self.failure.is_some()
    }
}

impl Turns {
    /// These stages start now, and there are no others.
    pub fn start(&self, stages: impl IntoIterator<Item = Stage>, now: UnixMillis) {
        let new = || Turn { at: now, failure: None };
        let started = stages.into_iter().map(|stage| (stage, new())).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = started;
    }

    /// A stage came round.
    pub fn turned(&self, stage: &Stage, now: UnixMillis) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get_mut(stage) {
            *turn = Turn { at: now, failure: None };
        }
    }

    /// A stage failed: it did not come round, and this is why.
    pub fn failed(&self, stage: &Stage, why: String) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get_mut(stage) {
            turn.failure = Some(why);
        }
    }

    /// All stages as they are now.
    pub fn states(&self, now: UnixMillis) -> Vec<StageState> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let state = |(stage, turn): (&Stage, &Turn)| StageState {
            stage: stage.clone(),
            age_s: (now.millis_since(turn.at).max(0) / 1_000) as u64,
            failure: turn.failure.clone(),
        };
        known.iter().map(state).collect()
    }
}

/// What is wrong with stages that stand still: nothing that is not said means anything then.
pub fn stalled(states: &[StageState]) -> Vec<Reason> {
    let reason = |state: &StageState| {
        let why = state.failure.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let words = state.stage.in_words();
        let text = match state.age_s {
            0..STALLED_S => format!("{words} failed{why}"),
            age_s => format!("{words} stands still for {}{why}", span(age_s)),
        };
        let network = state.stage.network().cloned();
        Reason { network, code: Code::Stalled, verdict: Verdict::No, text }
    };
    states.iter().filter(|state| state.is_stalled()).map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> UnixMillis {
        UnixMillis(1_800_000_000_000 + s * 1_000)
    }

    fn told(turns: &Turns, s: i64) -> Vec<String> {
        let reasons = stalled(&turns.states(at(s)));
        reasons.into_iter().map(|reason| reason.text).collect()
    }

    #[test]
    fn a_stage_that_does_not_come_round_stands_still_and_says_why() {
        let turns = Turns::default();
        let judge = Stage::Judge(Name::new("mainnet").unwrap());
        turns.start([judge.clone(), Stage::Pager, Stage::Outbox], at(0));
        assert!(told(&turns, 29).is_empty());
        turns.turned(&judge, at(25));
        turns.turned(&Stage::Outbox, at(25));
        turns.failed(&Stage::Pager, "database disk image is malformed".to_owned());
        assert_eq!(
            told(&turns, 29),
            ["deciding who hears what failed: database disk image is malformed"],
            "what is known to have failed is not waited for"
        );
        assert_eq!(
            told(&turns, 30),
            ["deciding who hears what stands still for 30 s: database disk image is malformed"]
        );
        assert_eq!(told(&turns, 60).len(), 3, "each for itself");
        turns.turned(&Stage::Pager, at(60));
        assert_eq!(told(&turns, 61).len(), 2, "it came round: what failed before is over");
    }

    #[test]
    fn what_is_not_part_of_the_plan_any_more_is_missed_by_nobody() {
        let turns = Turns::default();
        let judge = Stage::Judge(Name::new("mainnet").unwrap());
        turns.start([judge.clone(), Stage::Pager], at(0));
        turns.start([Stage::Pager], at(10));
        turns.turned(&judge, at(11));
        assert_eq!(turns.states(at(11)).len(), 1);
    }
}
