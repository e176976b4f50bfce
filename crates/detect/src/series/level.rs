//! What a series usually is and how far it usually strays.

use serde::{Deserialize, Serialize};

/// Deviations beyond this many spreads are pulled in before anything learns from them.
const WINSOR_SPREADS: f64 = 3.0;

/// Observations that are taken as they are: until then the spread is too uncertain to call anything
/// an outlier.
const PLAIN_OBSERVATIONS: u32 = 20;

/// Mean absolute deviation of a normal variable, as a share of its standard deviation: sqrt(2/pi).
const MEAN_ABSOLUTE: f64 = 0.797_884_560_802_865_4;

/// Exponentially weighted level, and spread from the mean absolute deviation, which a few outliers
/// move little. Both average plainly until the weight of one observation has fallen to its pace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Level {
    /// Weight of a new observation in the level and in the spread.
    pace: f64,
    spread_pace: f64,
    mean: f64,
    spread: f64,
    seen: u32,
}

impl Level {
    /// A level that has seen nothing; both paces in (0, 1).
    pub(super) fn new(pace: f64, spread_pace: f64) -> Self {
        Self { pace, spread_pace, mean: 0.0, spread: 0.0, seen: 0 }
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// One standard deviation, were the series normal.
    pub(super) fn spread(&self) -> f64 {
        self.spread
    }

    /// Distance of `x` from the level in spreads, none of them smaller than `floor`.
    pub(super) fn distance(&self, x: f64, floor: f64) -> f64 {
        (x - self.mean) / self.spread.max(floor)
    }

    /// Learns as fast as in the beginning, for the level has moved for good.
    pub(super) fn hurry(&mut self) {
        self.seen = self.seen.min(PLAIN_OBSERVATIONS);
    }

    /// Learns from `x`.
    pub(super) fn learn(&mut self, x: f64, floor: f64) {
        self.seen = self.seen.saturating_add(1);
        if self.seen == 1 {
            self.mean = x;
            return;
        }
        let plain = 1.0 / f64::from(self.seen);
        let limit = if self.seen < PLAIN_OBSERVATIONS {
            f64::INFINITY
        } else {
            WINSOR_SPREADS * self.spread.max(floor)
        };
        let deviation = (x - self.mean).clamp(-limit, limit);
        self.mean += self.pace.max(plain) * deviation;
        let spread = deviation.abs() / MEAN_ABSOLUTE;
        self.spread += self.spread_pace.max(plain) * (spread - self.spread);
    }
}
