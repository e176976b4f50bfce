//! What is remembered of a price feed: its last answer, its rhythm, its runs of equal answers.

use std::collections::VecDeque;

use alloy_primitives::{I256, U256};
use model::{History, Measure, UnixSeconds};
use serde::{Deserialize, Serialize};

/// Intervals between answers that are remembered: ten days of an hourly feed.
const INTERVALS_MAX: usize = 256;

/// Intervals before a heartbeat is learned from them.
pub(super) const INTERVALS_MIN: usize = 50;

/// Share of intervals that a learned heartbeat covers.
pub(super) const LEARNED_QUANTILE: f64 = 0.995;

/// Chance below which a run of equal answers is no accident.
pub(super) const FROZEN_CHANCE: f64 = 1e-6;

/// Answers before the run by which that chance is known.
const FROZEN_ANSWERS_MIN: u64 = 20;

/// What is remembered of one feed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    pub(super) round: U256,
    pub(super) answer: I256,
    pub(super) updated_at: UnixSeconds,
    /// Whether its own events were ever seen: then a missing read hides nothing.
    pub(super) has_events: bool,
    /// Heartbeat that the feed itself stated.
    pub(super) stated_heartbeat_s: Option<u64>,
    pub(super) intervals_s: VecDeque<u32>,
    pub(super) answers: u64,
    pub(super) repeated: u64,
    /// Equal answers in a row.
    pub(super) run: u64,
    pub(super) is_late_told: bool,
    pub(super) is_stale_told: bool,
    pub(super) is_bound_told: bool,
    pub(super) is_frozen_told: bool,
}

/// A round as an event or a read tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) round: U256,
    pub(super) answer: I256,
    pub(super) updated_at: UnixSeconds,
    pub(super) is_complete: bool,
}

impl Feed {
    /// Learns from a round.
    pub(super) fn take(&mut self, round: Round) {
        if self.answers > 0 {
            let interval_s = round.updated_at.seconds_since(self.updated_at);
            if interval_s > 0 {
                if self.intervals_s.len() == INTERVALS_MAX {
                    self.intervals_s.pop_front();
                }
                self.intervals_s.push_back(u32::try_from(interval_s).unwrap_or(u32::MAX));
            }
            if self.answer == round.answer {
                self.repeated += 1;
                self.run += 1;
            } else {
                self.run = 1;
                self.is_frozen_told = false;
            }
        } else {
            self.run = 1;
        }
        self.answers += 1;
        self.round = round.round;
        self.answer = round.answer;
        if round.updated_at > self.updated_at {
            self.updated_at = round.updated_at;
            self.is_late_told = false;
            self.is_stale_told = false;
        }
    }

    /// The chance of the present run of equal answers, when it is too small to be an accident. The
    /// run itself is left out of the history it is held against.
    pub(super) fn frozen_chance(&self) -> Option<f64> {
        let answers_before = self.answers.saturating_sub(self.run);
        if answers_before < FROZEN_ANSWERS_MIN || self.run < 2 {
            return None;
        }
        let repeats = self.run - 1;
        let before = (self.repeated - repeats.min(self.repeated)) as f64;
        let answers = answers_before as f64;
        let chance_of_one = (before + 1.0) / (answers + 2.0);
        let chance = libm::pow(chance_of_one, repeats as f64);
        (chance < FROZEN_CHANCE).then_some(chance)
    }

    /// The interval that nearly all intervals stay within, once there are enough of them.
    pub(super) fn learned_heartbeat_s(&self) -> Option<u64> {
        if self.intervals_s.len() < INTERVALS_MIN {
            return None;
        }
        let mut sorted: Vec<u32> = self.intervals_s.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (LEARNED_QUANTILE * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len()) - 1).map(|s| u64::from(*s))
    }

    /// Time since the last answer against its limit and the intervals seen so far.
    pub(super) fn lag_measure(&self, lag_s: u64, limit_s: u64) -> Measure {
        let n = self.intervals_s.len();
        let history = (n > 1).then(|| {
            let usual = self.intervals_s.iter().map(|s| f64::from(*s)).sum::<f64>() / n as f64;
            let squares =
                self.intervals_s.iter().map(|s| (f64::from(*s) - usual).powi(2)).sum::<f64>();
            History { usual, spread: libm::sqrt(squares / (n - 1) as f64), n: n as u64 }
        });
        Measure {
            name: "time since the last answer".to_owned(),
            unit: "s".to_owned(),
            value: lag_s as f64,
            threshold: limit_s as f64,
            history,
        }
    }
}
