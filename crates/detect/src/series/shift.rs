//! A level that moved and stays.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Page's cumulative sum test in Hinkley's form (Biometrika 41, 1954; 58, 1971), two-sided: how far
/// the sum of `u - drift` has risen above its lowest point, and that of `-u - drift` above its own.
/// For standardised `u`, a rise above 50 at a drift of 0.05 is a change of regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    drift: f64,
    up: f64,
    down: f64,
}

impl PageHinkley {
    /// A test at rest. `drift` > 0 is half of the smallest shift worth finding, in spreads.
    pub fn new(drift: f64) -> Self {
        Self { drift, up: 0.0, down: 0.0 }
    }

    /// Adds a deviation in spreads; the larger of the two statistics, to be held against a limit.
    pub fn push(&mut self, u: f64) -> f64 {
        self.up = (self.up + u - self.drift).max(0.0);
        self.down = (self.down - u - self.drift).max(0.0);
        self.up.max(self.down)
    }

    /// The upward and the downward statistic.
    pub fn statistics(&self) -> (f64, f64) {
        (self.up, self.down)
    }

    /// Begins anew, after the change was told and the level learned again.
    pub fn reset(&mut self) {
        (self.up, self.down) = (0.0, 0.0);
    }
}

/// Where in `recent` (deviations in spreads, oldest first) a shift most likely began, and how likely:
/// the generalised likelihood ratio for a normal mean known before and unknown after, the maximum
/// over k of (sum of the last k)^2 / 2k (Basseville and Nikiforov, Detection of Abrupt Changes, 1993,
/// section 2.4.3). `None` for an empty stretch.
pub fn glr_shift(recent: &VecDeque<f64>) -> Option<GlrShift> {
    let mut sum = 0.0;
    let mut best: Option<GlrShift> = None;
    for (rows, u) in recent.iter().rev().enumerate().map(|(i, u)| (i + 1, u)) {
        sum += u;
        let ratio = sum * sum / (2.0 * rows as f64);
        if best.as_ref().is_none_or(|b| ratio > b.log_ratio) {
            best = Some(GlrShift { rows, shift: sum / rows as f64, log_ratio: ratio });
        }
    }
    best
}

/// A shift found by [`glr_shift`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GlrShift {
    /// Rows since it began.
    pub rows: usize,
    /// Its size in spreads.
    pub shift: f64,
    /// Logarithm of how much likelier the rows are with it than without.
    pub log_ratio: f64,
}
