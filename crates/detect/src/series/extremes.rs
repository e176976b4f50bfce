//! The range of all values so far.

use serde::{Deserialize, Serialize};

/// Values before the range means anything.
const WARM_UP: u32 = 100;

/// One value widens the range by at most this many times its width: an absurd one must not make the
/// series blind to all that is merely large.
const WIDENING_MAX: f64 = 3.0;

/// Smallest and largest value so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extremes {
    low: f64,
    high: f64,
    seen: u32,
}

impl Extremes {
    pub(super) fn new() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, seen: 0 }
    }

    /// Width of the range, 0 before there is one.
    pub(super) fn width(&self) -> f64 {
        (self.high - self.low).max(0.0)
    }

    /// How far `x` lies outside the range, in widths of the range, none smaller than `floor`.
    pub(super) fn exceeded_by(&self, x: f64, floor: f64) -> f64 {
        if self.seen < WARM_UP {
            return 0.0;
        }
        (x - self.high).max(self.low - x).max(0.0) / self.width().max(floor)
    }

    /// Widens the range to `x`.
    pub(super) fn learn(&mut self, x: f64, floor: f64) {
        self.seen = self.seen.saturating_add(1);
        if self.seen < WARM_UP {
            (self.low, self.high) = (self.low.min(x), self.high.max(x));
            return;
        }
        let reach = WIDENING_MAX * self.width().max(floor);
        let x = x.clamp(self.low - reach, self.high + reach);
        (self.low, self.high) = (self.low.min(x), self.high.max(x));
    }
}
