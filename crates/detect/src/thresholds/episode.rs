//! One thing that goes on for a while is one alert.

use model::UnixSeconds;
use serde::{Deserialize, Serialize};

/// A statistic below this share of its threshold counts as calm.
const CALM_SHARE: f64 = 0.7;

/// Calm observations that end an episode.
const CALM_OBSERVATIONS: u32 = 10;

/// A statistic this many times its threshold makes an open episode worth telling again, once.
const ESCALATION: f64 = 2.0;

/// What governs episodes of one monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpisodeRules {
    /// Seconds of chain time after an episode's end in which a new exceedance reopens it in silence.
    pub refractory_s: u64,
}

impl EpisodeRules {
    /// The larger of 30 minutes and 8 % of the span that a baseline is learned over.
    pub fn for_baseline_span(span_s: u64) -> Self {
        Self { refractory_s: (span_s * 8 / 100).max(1_800) }
    }
}

/// Where a series is between calm and trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Episode {
    /// Nothing unusual.
    #[default]
    Idle,
    /// Something unusual is going on and was told.
    Open {
        /// When it began.
        began: UnixSeconds,
        /// Calm observations in a row so far.
        calm: u32,
        /// Whether it was told again because it grew.
        escalated: bool,
    },
    /// It ended; a new exceedance so soon belongs to it and is not told again.
    Cooling {
        /// When the episode began: its identity, should it go on.
        began: UnixSeconds,
        /// When it may be forgotten.
        until: UnixSeconds,
        /// Whether it was told again because it grew.
        escalated: bool,
    },
}

/// What an observation did to the episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing to tell.
    Silent,
    /// A new episode: tell.
    Opened {
        /// Its beginning.
        began: UnixSeconds,
    },
    /// The open episode became much worse: tell again.
    Escalated {
        /// Its beginning.
        began: UnixSeconds,
    },
    /// It is over.
    Closed {
        /// Its beginning.
        began: UnixSeconds,
    },
}

impl Episode {
    /// Whether baselines must learn slowly now.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Takes one observation at chain time `now`: `score` is the statistic over its threshold.
    pub fn step(&mut self, score: f64, now: UnixSeconds, rules: EpisodeRules) -> Step {
        match *self {
            Self::Idle if score >= 1.0 => self.open(now),
            Self::Cooling { until, .. } if now >= until => {
                *self = Self::Idle;
                self.step(score, now, rules)
            }
            Self::Cooling { began, escalated, .. } if score >= 1.0 => {
                let grew = score >= ESCALATION && !escalated;
                *self = Self::Open { began, calm: 0, escalated: escalated || grew };
                if grew { Step::Escalated { began } } else { Step::Silent }
            }
            Self::Open { began, escalated, .. } if score >= CALM_SHARE => {
                let grew = score >= ESCALATION && !escalated;
                *self = Self::Open { began, calm: 0, escalated: escalated || grew };
                if grew { Step::Escalated { began } } else { Step::Silent }
            }
            Self::Open { began, calm, escalated } if calm + 1 < CALM_OBSERVATIONS => {
                *self = Self::Open { began, calm: calm + 1, escalated };
                Step::Silent
            }
            Self::Open { began, escalated, .. } => {
                let until = UnixSeconds(now.0.saturating_add(rules.refractory_s));
                *self = Self::Cooling { began, until, escalated };
                Step::Closed { began }
            }
            Self::Idle | Self::Cooling { .. } => Step::Silent,
        }
    }

    fn open(&mut self, now: UnixSeconds) -> Step {
        *self = Self::Open { began: now, calm: 0, escalated: false };
        Step::Opened { began: now }
    }

    /// Takes up to [`CALM_OBSERVATIONS`] empty observations that ended at `now`, as when a series
    /// fell silent.
    pub fn silence(&mut self, observations: u64, now: UnixSeconds, rules: EpisodeRules) {
        for _ in 0..observations.min(u64::from(CALM_OBSERVATIONS)) {
            self.step(0.0, now, rules);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: EpisodeRules = EpisodeRules { refractory_s: 1_800 };

    fn told(scores: &[(u64, f64)]) -> Vec<(u64, &'static str)> {
        let mut episode = Episode::default();
        let mut told = Vec::new();
        for &(at, score) in scores {
            match episode.step(score, UnixSeconds(at), RULES) {
                Step::Silent => {}
                Step::Opened { .. } => told.push((at, "opened")),
                Step::Escalated { began } => {
                    assert!(began.0 <= at);
                    told.push((at, "escalated"));
                }
                Step::Closed { .. } => told.push((at, "closed")),
            }
        }
        told
    }

    #[test]
    fn one_long_thing_is_told_once_and_once_more_when_it_doubles() {
        let mut scores: Vec<(u64, f64)> = (0..20).map(|i| (i * 60, 1.2)).collect();
        scores.extend((20..40).map(|i| (i * 60, 2.5)));
        scores.extend((40..60).map(|i| (i * 60, 0.1)));
        assert_eq!(told(&scores), [(0, "opened"), (1_200, "escalated"), (2_940, "closed")]);
    }

    #[test]
    fn hovering_above_seven_tenths_keeps_it_open() {
        let mut scores = vec![(0, 1.0)];
        scores.extend((1..100).map(|i| (i * 60, 0.71)));
        assert_eq!(told(&scores), [(0, "opened")]);
    }

    #[test]
    fn coming_back_within_the_refractory_time_is_the_same_thing() {
        let calm = |from: u64| (0..10).map(move |i| (from + i * 60, 0.0));
        let mut scores = vec![(0, 1.5)];
        scores.extend(calm(60));
        scores.push((1_000, 1.5)); // closed at 600, cooling until 2,400
        scores.extend(calm(1_060));
        scores.push((10_000, 1.5)); // long after
        let expected = [(0, "opened"), (600, "closed"), (1_600, "closed"), (10_000, "opened")];
        assert_eq!(told(&scores), expected);
    }
}
