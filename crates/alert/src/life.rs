//! The life of an alert among people.
//!
//! ```text
//!   provisional → open → acknowledged → promoted | resolved | benign | duplicate
//!        └──────────┴──────────┴─ any of them → retracted
//! ```
//!
//! Two things decide where it is: the chain (what it says holds, holds no more, is void) and what
//! people said. People's words arrive in any order and more than once — a keypad, a chat button and a
//! mail link may all carry the same one — so where an alert is depends on when each was said, never on
//! the order in which they came: acknowledgements are a set, and of verdicts the latest counts.

use std::collections::BTreeMap;

use model::{AlertId, Name, UnixMillis};
use serde::{Deserialize, Serialize};

/// Steps that one alert remembers: a day of somebody changing their mind every five minutes. Beyond
/// it the second oldest leaves, and is counted.
pub const STEPS_MAX: usize = 288;

/// An alert that comes back within this time of being void is the same news to those who
/// acknowledged it: 10 min, in which a transaction of a lost block is mined again.
pub const HOLD_S: u64 = 10 * 60;

/// What the chain says of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// It rests on blocks that can still be reverted.
    Provisional,
    /// It is final.
    Confirmed,
    /// It ended by itself: its cause is gone, but it was true.
    Ended,
    /// It left the chain or was void: it never was.
    Retracted,
}

impl From<model::AlertState> for Truth {
    fn from(state: model::AlertState) -> Self {
        match state {
            model::AlertState::Provisional => Self::Provisional,
            // What no chain says no chain takes back.
            model::AlertState::Confirmed | model::AlertState::Reported => Self::Confirmed,
            model::AlertState::Retracted => Self::Retracted,
        }
    }
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Told, but its blocks can still be reverted.
    Provisional,
    /// Final, and nobody is on it yet.
    Open,
    /// Somebody is on it.
    Acknowledged,
    /// It became an incident, which has its own people.
    Promoted,
    /// Over.
    Resolved,
    /// Somebody looked: nothing bad.
    Benign,
    /// The same as another alert.
    Duplicate,
    /// Void.
    Retracted,
}

impl Stage {
    /// The word used in pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Promoted => "promoted",
            Self::Resolved => "resolved",
            Self::Benign => "benign",
            Self::Duplicate => "duplicate",
            Self::Retracted => "retracted",
        }
    }

    /// Whether it goes on.
    pub fn is_firing(self) -> bool {
        matches!(self, Self::Provisional | Self::Open | Self::Acknowledged | Self::Promoted)
    }

    /// Whether it waits for somebody: only such alerts page.
    pub fn is_unattended(self) -> bool {
        matches!(self, Self::Provisional | Self::Open)
    }
}

/// Who took a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// What happened on the chain, or in the system that sent the alert.
    Chain,
    /// This program, because of one of its limits.
    Watcher,
    /// A person.
    Person(Name),
}

/// What a person says about an alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// I am on it.
    Acknowledge,
    /// It is an incident.
    Promote {
        /// Which one.
        incident: String,
    },
    /// It is over.
    Resolve,
    /// It is nothing bad.
    Benign,
    /// It is the same as another one.
    Duplicate {
        /// That one.
        of: AlertId,
    },
    /// It is not over: whoever is on call should look (again).
    Reopen,
}

impl Deed {
    /// The word used in commands, pages and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Promote { .. } => "promote",
            Self::Resolve => "resolve",
            Self::Benign => "benign",
            Self::Duplicate { .. } => "duplicate",
            Self::Reopen => "reopen",
        }
    }

    fn stage(&self) -> Option<Stage> {
        match self {
            Self::Acknowledge => Some(Stage::Acknowledged),
            Self::Promote { .. } => Some(Stage::Promoted),
            Self::Resolve => Some(Stage::Resolved),
            Self::Benign => Some(Stage::Benign),
            Self::Duplicate { .. } => Some(Stage::Duplicate),
            Self::Reopen => None,
        }
    }
}

/// One step of a life.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub actor: Actor,
    /// What they said; `None`: the chain moved it.
    pub deed: Option<Deed>,
    /// Where the chain moved it.
    pub truth: Option<Truth>,
    /// Why.
    pub reason: String,
}

/// What became of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It moved the alert.
    Moved {
        /// From here.
        from: Stage,
        /// To here.
        to: Stage,
    },
    /// It is written down and changes nothing: somebody was there before, or something later
    /// counts.
    Noted(Stage),
    /// The same person said the same before.
    Known(Stage),
}

/// A verdict of a person, with its time; of several the latest counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Word {
    at: UnixMillis,
    by: Actor,
    deed: Deed,
}

/// Where an alert is, and how it came there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    truth: Truth,
    /// When the chain last said that it holds no more.
    void_since: Option<UnixMillis>,
    /// Who acknowledged, and when first and last: what was said before the alert was opened anew
    /// counts no more, whichever of the two is heard first.
    acknowledged: BTreeMap<Name, (UnixMillis, UnixMillis)>,
    /// The latest that closed or promoted it.
    verdict: Option<Word>,
    /// What was said up to here about being on it or over counts no more.
    opened_at: UnixMillis,
    steps: Vec<Step>,
    /// Steps that were forgotten.
    forgotten: u64,
}

impl Life {
    /// A life that begins.
    pub fn new(truth: Truth, at: UnixMillis, reason: &str) -> Self {
        let mut life = Self {
            truth,
            void_since: None,
            acknowledged: BTreeMap::new(),
            verdict: None,
            opened_at: UnixMillis(i64::MIN),
            steps: Vec::new(),
            forgotten: 0,
        };
        life.write(Step {
            at,
            actor: Actor::Chain,
            deed: None,
            truth: Some(truth),
            reason: reason.to_owned(),
        });
        life
    }

    /// Where it is.
    pub fn stage(&self) -> Stage {
        if self.truth == Truth::Retracted {
            return Stage::Retracted;
        }
        if let Some(stage) = self.verdict().and_then(|word| word.deed.stage()) {
            return stage;
        }
        match self.truth {
            Truth::Ended => Stage::Resolved,
            _ if self.acknowledgements().next().is_some() => Stage::Acknowledged,
            Truth::Provisional => Stage::Provisional,
            Truth::Confirmed | Truth::Retracted => Stage::Open,
        }
    }

    /// What the chain says.
    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// Who is on it since when, the first one first.
    pub fn acknowledgements(&self) -> impl Iterator<Item = (&Name, UnixMillis)> {
        let mut counting: Vec<_> = self
            .acknowledged
            .iter()
            .filter(|(_, (_, last))| *last >= self.opened_at)
            .map(|(person, (first, last))| {
                (person, if *first >= self.opened_at { *first } else { *last })
            })
            .collect();
        counting.sort_by_key(|(person, at)| (*at, *person));
        counting.into_iter()
    }

    /// The steps, in order of time.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn verdict(&self) -> Option<&Word> {
        self.verdict.as_ref().filter(|word| word.at >= self.opened_at)
    }

    /// Hears a person.
    pub fn hear(&mut self, by: &Name, deed: Deed, at: UnixMillis, reason: &str) -> Heard {
        let from = self.stage();
        let actor = Actor::Person(by.clone());
        let is_known = match &deed {
            Deed::Acknowledge => self.acknowledgements().any(|(person, _)| person == by),
            _ => self.steps.iter().any(|step| {
                (step.at, &step.actor, step.deed.as_ref()) == (at, &actor, Some(&deed))
            }),
        };
        match &deed {
            Deed::Acknowledge => {
                let said = self.acknowledged.entry(by.clone()).or_insert((at, at));
                *said = (said.0.min(at), said.1.max(at));
            }
            Deed::Reopen => self.opened_at = self.opened_at.max(at),
            _ => {
                let word = Word { at, by: actor.clone(), deed: deed.clone() };
                self.verdict = self.verdict.take().max(Some(word));
            }
        }
        if is_known {
            return Heard::Known(from);
        }
        let reason = reason.to_owned();
        self.write(Step { at, actor, deed: Some(deed), truth: None, reason });
        self.heard(from)
    }

    fn heard(&self, from: Stage) -> Heard {
        let to = self.stage();
        if to == from { Heard::Noted(to) } else { Heard::Moved { from, to } }
    }

    /// The chain says something else now. What it says again after having ended opens the alert
    /// anew, with two exceptions: somebody's acknowledgement holds for [`HOLD_S`], and a verdict of
    /// "benign" or "duplicate" is about what happened, wherever it is mined.
    pub fn turn(&mut self, truth: Truth, at: UnixMillis, reason: &str) -> Heard {
        let from = self.stage();
        if truth == self.truth {
            return Heard::Known(from);
        }
        let is_over = |truth| matches!(truth, Truth::Ended | Truth::Retracted);
        if is_over(truth) {
            self.void_since = Some(at);
        } else if is_over(self.truth) {
            let hold_ms = HOLD_S as i64 * 1_000;
            let is_held = self.void_since.is_some_and(|since| at.millis_since(since) <= hold_ms);
            if !is_held {
                self.open(at);
            }
        }
        self.truth = truth;
        let reason = reason.to_owned();
        self.write(Step { at, actor: Actor::Chain, deed: None, truth: Some(truth), reason });
        self.heard(from)
    }

    /// Nobody said anything about it and nothing renewed it for too long: it is over until something
    /// does.
    pub fn expire(&mut self, at: UnixMillis, reason: &str) -> Heard {
        let from = self.stage();
        let (actor, deed) = (Actor::Watcher, Deed::Resolve);
        let word = Word { at, by: actor.clone(), deed: deed.clone() };
        self.verdict = self.verdict.take().max(Some(word));
        let reason = reason.to_owned();
        self.write(Step { at, actor, deed: Some(deed), truth: None, reason });
        self.heard(from)
    }

    /// The chain shows more of what a person called over.
    pub fn reopen(&mut self, at: UnixMillis, reason: &str) -> Heard {
        let from = self.stage();
        self.open(at);
        // What was said in the very millisecond was said before this was known.
        self.opened_at = at.plus(1);
        let (actor, deed) = (Actor::Chain, Some(Deed::Reopen));
        self.write(Step { at, actor, deed, truth: None, reason: reason.to_owned() });
        self.heard(from)
    }

    fn open(&mut self, at: UnixMillis) {
        let lasts = self
            .verdict()
            .is_some_and(|word| matches!(word.deed, Deed::Benign | Deed::Duplicate { .. }));
        if !lasts {
            self.opened_at = self.opened_at.max(at);
        }
    }

    /// In order of time, so that the account does not depend on which word came first.
    fn write(&mut self, step: Step) {
        let place = self.steps.partition_point(|other| *other <= step);
        self.steps.insert(place, step);
        if self.steps.len() > STEPS_MAX {
            self.steps.remove(1);
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn at(s: i64) -> UnixMillis {
        UnixMillis(s * 1_000)
    }

    #[test]
    fn a_life_goes_from_provisional_to_an_incident_and_its_account_says_who_and_why() {
        let mut life = Life::new(Truth::Provisional, at(0), "first finding");
        assert_eq!(life.stage(), Stage::Provisional);
        life.turn(Truth::Confirmed, at(700), "final with block 9");
        assert_eq!(life.stage(), Stage::Open);
        let heard = life.hear(&name("ann"), Deed::Acknowledge, at(705), "keypad");
        assert_eq!(heard, Heard::Moved { from: Stage::Open, to: Stage::Acknowledged });
        let promote = Deed::Promote { incident: "i-7".to_owned() };
        life.hear(&name("ann"), promote, at(900), "funds are leaving");
        assert_eq!(life.stage(), Stage::Promoted);
        assert_eq!(life.steps().len(), 4);
        assert_eq!(life.steps()[3].actor, Actor::Person(name("ann")));
        assert_eq!(life.steps()[3].reason, "funds are leaving");
    }

    #[test]
    fn the_same_acknowledgement_from_keypad_and_mail_is_one() {
        let mut life = Life::new(Truth::Confirmed, at(0), "");
        life.hear(&name("ann"), Deed::Acknowledge, at(10), "keypad");
        let again = life.hear(&name("ann"), Deed::Acknowledge, at(12), "mail");
        assert_eq!(again, Heard::Known(Stage::Acknowledged));
        let other = life.hear(&name("bob"), Deed::Acknowledge, at(5), "chat");
        assert_eq!(other, Heard::Noted(Stage::Acknowledged));
        let on_it: Vec<_> = life.acknowledgements().map(|(who, _)| who.as_str()).collect();
        assert_eq!(on_it, ["bob", "ann"], "the first one first, whoever was heard first");
    }

    #[test]
    fn an_acknowledgement_holds_over_a_reorg_and_not_over_a_day() {
        let mut life = Life::new(Truth::Provisional, at(0), "");
        life.hear(&name("ann"), Deed::Acknowledge, at(5), "");
        life.turn(Truth::Retracted, at(12), "");
        assert_eq!(life.stage(), Stage::Retracted);
        life.turn(Truth::Provisional, at(24), "");
        assert_eq!(life.stage(), Stage::Acknowledged);
        life.turn(Truth::Retracted, at(30), "");
        life.turn(Truth::Provisional, at(30 + 86_400), "");
        assert_eq!(life.stage(), Stage::Provisional, "it is news again");
    }

    #[test]
    fn what_is_benign_stays_so_when_it_is_mined_again() {
        let mut life = Life::new(Truth::Provisional, at(0), "");
        life.hear(&name("ann"), Deed::Benign, at(5), "our own migration");
        life.turn(Truth::Retracted, at(12), "");
        life.turn(Truth::Provisional, at(86_400), "");
        assert_eq!(life.stage(), Stage::Benign);
    }

    #[test]
    fn what_was_called_over_and_goes_on_is_open_again() {
        let mut life = Life::new(Truth::Confirmed, at(0), "");
        life.hear(&name("ann"), Deed::Acknowledge, at(1), "");
        life.hear(&name("ann"), Deed::Resolve, at(5), "");
        assert_eq!(life.stage(), Stage::Resolved);
        life.reopen(at(60), "two more findings");
        assert_eq!(life.stage(), Stage::Open, "who was on it thought it was over");
        life.hear(&name("bob"), Deed::Resolve, at(59), "late");
        assert_eq!(life.stage(), Stage::Open, "said before it went on");
    }

    #[test]
    fn a_life_does_not_grow_without_end() {
        let mut life = Life::new(Truth::Confirmed, at(0), "");
        for s in 1..=2 * STEPS_MAX as i64 {
            life.hear(
                &name("ann"),
                if s % 2 == 0 { Deed::Resolve } else { Deed::Reopen },
                at(s),
                "",
            );
        }
        assert_eq!(life.steps().len(), STEPS_MAX);
        assert_eq!(life.forgotten as usize, STEPS_MAX + 1);
        assert_eq!(life.steps()[0].truth, Some(Truth::Confirmed), "how it began is kept");
    }

    fn words() -> impl Strategy<Value = Vec<(usize, usize, i64)>> {
        proptest::collection::vec((0..3usize, 0..6usize, 0..20i64), 0..8)
    }

    proptest! {
        /// People's words may come in any order, and each of them twice.
        #[test]
        fn where_it_is_does_not_depend_on_which_word_came_first(
            words in words(), order in any::<prop::sample::Index>(), twice in any::<bool>(),
        ) {
            let deeds = [
                Deed::Acknowledge,
                Deed::Promote { incident: "i-1".to_owned() },
                Deed::Resolve,
                Deed::Benign,
                Deed::Duplicate { of: AlertId([7; 16]) },
                Deed::Reopen,
            ];
            let live = |words: &[(usize, usize, i64)]| {
                let mut life = Life::new(Truth::Confirmed, at(0), "");
                for (who, deed, s) in words {
                    let by = name(["ann", "bob", "cy"][*who]);
                    life.hear(&by, deeds[*deed].clone(), at(*s), "said");
                }
                life
            };
            let mut other = words.clone();
            if twice {
                other.extend(words.iter().copied());
            }
            let by = if other.is_empty() { 0 } else { order.index(other.len()) };
            other.rotate_left(by);
            if by % 2 == 1 {
                other.reverse();
            }
            prop_assert_eq!(live(&words).stage(), live(&other).stage());
        }
    }
}
