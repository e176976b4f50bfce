//! What is usual at this time of day, or of the week.

use serde::{Deserialize, Serialize};

use super::level::Level;

/// Seconds of a day and of a week.
const DAY_S: i64 = 86_400;
const WEEK_S: i64 = 7 * DAY_S;

/// Five minutes of the day; an hour of the week.
const DAY_SLOTS: usize = 288;
const WEEK_SLOTS: usize = 168;

/// Weight of a new value in its slot, once the slot has seen a few.
const PACE: f64 = 0.2;

/// Values of a slot that are averaged plainly.
const PLAIN: u8 = 3;

/// Weight of a new error in the comparison of the rhythms.
const ERROR_PACE: f64 = 0.002;

/// A rhythm is used once its errors are this much smaller than without it.
const WORTH_IT: f64 = 0.9;

/// One cycle, cut into slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cycle {
    length_s: i64,
    slots: Vec<Slot>,
    /// Mean absolute error of its forecasts.
    error: f64,
    /// Mean absolute error without it, over the same values.
    error_without: f64,
    judged: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Slot {
    mean: f64,
    seen: u8,
}

impl Cycle {
    fn new(length_s: i64, slots: usize) -> Self {
        Self {
            length_s,
            slots: vec![Slot { mean: 0.0, seen: 0 }; slots],
            error: 0.0,
            error_without: 0.0,
            judged: 0,
        }
    }

    fn slot(&self, at: i64) -> usize {
        let within = at.rem_euclid(self.length_s) as usize;
        within * self.slots.len() / self.length_s as usize
    }

    fn forecast(&self, at: i64) -> Option<f64> {
        let slot = self.slots[self.slot(at)];
        (slot.seen > 0).then_some(slot.mean)
    }

    fn is_worth_it(&self) -> bool {
        self.judged as usize >= self.slots.len() / 4 && self.error < WORTH_IT * self.error_without
    }

    fn learn(&mut self, at: i64, x: f64, level: f64, limit: f64) {
        if let Some(forecast) = self.forecast(at) {
            self.judged = self.judged.saturating_add(1);
            let pace = ERROR_PACE.max(1.0 / f64::from(self.judged));
            let capped = |error: f64| error.abs().min(limit);
            self.error += pace * (capped(x - forecast) - self.error);
            self.error_without += pace * (capped(x - level) - self.error_without);
        }
        let slot = self.slot(at);
        let slot = &mut self.slots[slot];
        slot.seen = slot.seen.saturating_add(1);
        let deviation = x - slot.mean;
        if slot.seen <= PLAIN {
            slot.mean += deviation / f64::from(slot.seen);
        } else {
            slot.mean += PACE * deviation.clamp(-limit, limit);
        }
    }
}

/// Daily and weekly rhythm, learned side by side; the better one is used, and none where neither
/// forecasts better than the level alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    day: Cycle,
    week: Cycle,
    residual: Level,
    first_at: Option<i64>,
}

/// Which rhythm a forecast rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rhythm {
    /// The time of the day.
    Day,
    /// The hour of the week.
    Week,
}

impl Season {
    pub(super) fn new() -> Self {
        Self {
            day: Cycle::new(DAY_S, DAY_SLOTS),
            week: Cycle::new(WEEK_S, WEEK_SLOTS),
            residual: Level::new(0.002, 0.002),
            first_at: None,
        }
    }

    /// Whether a state that was read has the form that this code indexes into.
    pub(super) fn is_sound(&self) -> bool {
        let has = |cycle: &Cycle, length_s, slots| {
            cycle.length_s == length_s && cycle.slots.len() == slots
        };
        has(&self.day, DAY_S, DAY_SLOTS) && has(&self.week, WEEK_S, WEEK_SLOTS)
    }

    /// What is usual at this time, if the series has a rhythm.
    pub(super) fn forecast(&self, at: i64) -> Option<(f64, Rhythm)> {
        let seen_s = at.saturating_sub(self.first_at?);
        let week = (seen_s > 2 * WEEK_S && self.week.is_worth_it())
            .then(|| self.week.forecast(at))
            .flatten()
            .map(|x| (x, Rhythm::Week));
        let day = (seen_s > DAY_S && self.day.is_worth_it())
            .then(|| self.day.forecast(at))
            .flatten()
            .map(|x| (x, Rhythm::Day));
        if self.week.error < WORTH_IT * self.day.error { week.or(day) } else { day.or(week) }
    }

    /// Spread around the forecasts.
    pub(super) fn spread(&self) -> f64 {
        self.residual.spread()
    }

    /// Learns from a value whose level is `level`; `floor` is the smallest spread believed in.
    pub(super) fn learn(&mut self, at: i64, x: f64, level: f64, floor: f64) {
        self.first_at.get_or_insert(at);
        if let Some((forecast, _)) = self.forecast(at) {
            self.residual.learn(x - forecast, floor);
        }
        let limit = 4.0 * self.residual.spread().max(floor);
        let limit = if self.residual.spread() > 0.0 { limit } else { f64::INFINITY };
        self.day.learn(at, x, level, limit);
        self.week.learn(at, x, level, limit);
    }
}
