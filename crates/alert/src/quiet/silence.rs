//! Silences and maintenance windows.
//!
//! Both end. Neither hides what looks like an attack — a critical alert, or one about an outflow
//! above the limit — unless two people signed it: a thief who has one person's access must not be
//! able to make the house quiet.

use std::{collections::BTreeMap, fmt};

use model::{Name, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{DRILL, Labels, Matcher};

/// Longest that a silence lasts: 30 days. What should be quiet for longer is a rule to be changed.
pub const SILENCE_DAYS_MAX: i64 = 30;

/// People who must sign before a silence hides what looks like an attack.
pub const SIGNATURES: usize = 2;

/// What it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceKind {
    /// Somebody wants quiet.
    Silence,
    /// Something is being changed.
    Maintenance {
        /// The change request that says what and why.
        change: String,
    },
}

/// Keeps alerts from people until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// What it is referred to by.
    pub id: Name,
    /// What it is for.
    pub kind: SilenceKind,
    /// Hides alerts that fit all of these.
    pub matchers: Vec<Matcher>,
    /// Begins.
    pub from: UnixMillis,
    /// Ends; not within.
    pub until: UnixMillis,
    /// Who signed it, and when.
    pub signed: BTreeMap<Name, UnixMillis>,
    /// Why.
    pub reason: String,
}

/// Whether a silence hides an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Veil {
    /// It is about something else, or another time.
    None,
    /// It does.
    Hides,
    /// It would, but the alert looks like an attack and too few people signed.
    Unsigned,
}

/// What is wrong with a silence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceFault {
    /// It would hide everything.
    #[error("silence {0} fits every alert: at least one matcher must want a value")]
    TooWide(Name),
    /// It ends before it begins.
    #[error("silence {0} ends before it begins")]
    Backwards(Name),
    /// It lasts longer than one may.
    #[error("silence {0} lasts longer than {SILENCE_DAYS_MAX} days; change the rule instead")]
    TooLong(Name),
    /// Nobody answers for it.
    #[error("silence {0} is signed by nobody")]
    Unsigned(Name),
    /// Nobody could tell why.
    #[error("silence {0} says no reason")]
    NoReason(Name),
    /// A maintenance window without its change.
    #[error("maintenance window {0} names no change request")]
    NoChange(Name),
}

impl Silence {
    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<SilenceFault> {
        let nothing = Labels::default();
        let id = || self.id.clone();
        let is_nameless =
            matches!(&self.kind, SilenceKind::Maintenance { change } if change.trim().is_empty());
        let longest_ms = SILENCE_DAYS_MAX * 86_400_000;
        [
            // A matcher that fits what has no labels takes nothing away.
            (self.matchers.iter().all(|m| m.matches(&nothing)), SilenceFault::TooWide(id())),
            (self.until <= self.from, SilenceFault::Backwards(id())),
            (self.until.millis_since(self.from) > longest_ms, SilenceFault::TooLong(id())),
            (self.signed.is_empty(), SilenceFault::Unsigned(id())),
            (self.reason.trim().is_empty(), SilenceFault::NoReason(id())),
            (is_nameless, SilenceFault::NoChange(id())),
        ]
        .into_iter()
        .filter_map(|(is_wrong, fault)| is_wrong.then_some(fault))
        .collect()
    }

    /// Whether it wants a drill, and so hides drills only: one of its matchers is about the label of
    /// drills and does not fit what has none.
    pub fn is_about_drills(&self) -> bool {
        let nothing = Labels::default();
        self.matchers.iter().any(|m| m.label() == DRILL && !m.matches(&nothing))
    }

    /// Whether it is in force.
    pub fn is_active(&self, now: UnixMillis) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it hides an alert; `is_attack` when that looks like one.
    pub fn veil(&self, labels: &Labels, is_attack: bool, now: UnixMillis) -> Veil {
        if !self.is_active(now) || !self.matchers.iter().all(|m| m.matches(labels)) {
            Veil::None
        } else if is_attack && self.signed.len() < SIGNATURES {
            Veil::Unsigned
        } else {
            Veil::Hides
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SilenceKind::Silence => write!(f, "silence {}", self.id),
            SilenceKind::Maintenance { change } => {
                write!(f, "maintenance window {} (change {change})", self.id)
            }
        }
    }
}

/// Whether an alert looks like an attack, so that no single person can hide it.
pub fn is_attack(severity: Severity, outflow_usd: Option<u64>, limit_usd: u64) -> bool {
    severity >= Severity::Critical || outflow_usd.is_some_and(|outflow| outflow > limit_usd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn silence(matchers: &str, signed: &[&str]) -> Silence {
        Silence {
            id: name("s-1"),
            kind: SilenceKind::Silence,
            matchers: Matcher::list(matchers).unwrap(),
            from: UnixMillis(0),
            until: UnixMillis(3_600_000),
            signed: signed.iter().map(|person| (name(person), UnixMillis(0))).collect(),
            reason: "known noise".to_owned(),
        }
    }

    #[test]
    fn one_person_cannot_hide_an_attack_and_two_can() {
        let labels = Labels::default().with("protocol", "acme");
        let one = silence("protocol=acme", &["ann"]);
        assert_eq!(one.veil(&labels, false, UnixMillis(5)), Veil::Hides);
        assert_eq!(one.veil(&labels, true, UnixMillis(5)), Veil::Unsigned);
        let two = silence("protocol=acme", &["ann", "bob"]);
        assert_eq!(two.veil(&labels, true, UnixMillis(5)), Veil::Hides);
        assert_eq!(two.veil(&labels, true, UnixMillis(3_600_000)), Veil::None, "it is over");
        assert!(is_attack(Severity::Low, Some(1_000_001), 1_000_000));
        assert!(!is_attack(Severity::High, Some(1_000_000), 1_000_000));
    }

    #[test]
    fn what_is_wrong_with_a_silence_is_said_all_at_once() {
        let mut wrong = silence("protocol!=acme, class=~\".*\"", &[]);
        wrong.kind = SilenceKind::Maintenance { change: " ".to_owned() };
        wrong.reason.clear();
        wrong.until = UnixMillis(31 * 86_400_000);
        let said: String = wrong.faults().iter().map(|fault| format!("{fault}\n")).collect();
        expect![[r#"
            silence s-1 fits every alert: at least one matcher must want a value
            silence s-1 lasts longer than 30 days; change the rule instead
            silence s-1 is signed by nobody
            silence s-1 says no reason
            maintenance window s-1 names no change request
        "#]]
        .assert_eq(&said);
        assert_eq!(silence("protocol=acme", &["ann"]).faults(), []);
    }
}
