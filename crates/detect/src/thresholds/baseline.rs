//! What is usual: a level and its spread that an attack cannot drag along.

use serde::{Deserialize, Serialize};

/// Residuals beyond this many spreads are pulled in before anything learns from them.
pub const WINSOR_SIGMA: f64 = 4.0;

/// The second moment of a normal variable that was winsorised at four sigma.
const WINSORISED_VARIANCE: f64 = 0.999;

/// Autocorrelation below this is noise, and correcting for it would add some.
const AUTOCORRELATION_MIN: f64 = 0.2;

/// Observations that are averaged plainly before winsorising begins: until then the spread is too
/// uncertain to call anything an outlier.
const PLAIN_OBSERVATIONS: u64 = 30;

/// Weight of a new observation in the spread and the autocorrelation; half-life 346 observations.
const ETA_SPREAD: f64 = 0.002;

/// How far an observation lies from what was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// Expected value.
    pub expected: f64,
    /// Spread it is measured in.
    pub spread: f64,
    /// (observation - expected) / spread.
    pub u: f64,
}

impl Residual {
    /// The residual pulled in to [`WINSOR_SIGMA`].
    pub fn winsorised(&self) -> f64 {
        self.u.clamp(-WINSOR_SIGMA, WINSOR_SIGMA)
    }
}

/// Level `m`, spread `s` and lag-1 autocorrelation of a series, learned one observation at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Weight of a new observation in the level.
    eta: f64,
    /// Smallest spread believed in: a series that never moves must not make a nothing an outlier.
    spread_min: f64,
    m: f64,
    s2: f64,
    /// Lag-1 autocovariance of deviations from the level, and their variance.
    lag_covariance: f64,
    deviation_variance: f64,
    last_deviation: f64,
    n: u64,
}

impl Level {
    /// A level that has seen nothing. `eta` in (0, 1), `spread_min` > 0 in the unit of the series.
    pub fn new(eta: f64, spread_min: f64) -> Self {
        Self {
            eta,
            spread_min,
            m: 0.0,
            s2: 0.0,
            lag_covariance: 0.0,
            deviation_variance: 0.0,
            last_deviation: 0.0,
            n: 0,
        }
    }

    /// Observations learned from.
    pub fn observations(&self) -> u64 {
        self.n
    }

    /// The level itself.
    pub fn mean(&self) -> f64 {
        self.m
    }

    /// One standard deviation of what the level does not explain.
    pub fn spread(&self) -> f64 {
        libm::sqrt(self.s2).max(self.spread_min)
    }

    /// Lag-1 autocorrelation, 0 when too small to use.
    pub fn autocorrelation(&self) -> f64 {
        if self.n < PLAIN_OBSERVATIONS || self.deviation_variance <= 0.0 {
            return 0.0;
        }
        let phi = (self.lag_covariance / self.deviation_variance).clamp(-0.95, 0.95);
        if phi.abs() > AUTOCORRELATION_MIN { phi } else { 0.0 }
    }

    /// What the next observation should be.
    pub fn expected(&self) -> f64 {
        self.m + self.autocorrelation() * self.last_deviation
    }

    /// How far `x` lies from what is expected, without learning from it.
    pub fn residual(&self, x: f64) -> Residual {
        let (expected, spread) = (self.expected(), self.spread());
        Residual { expected, spread, u: (x - expected) / spread }
    }

    /// Learns from `x`; `caution` in (0, 1] slows learning (one tenth while an episode is open).
    pub fn learn(&mut self, x: f64, caution: f64) {
        if self.n == 0 {
            self.m = x;
            self.n = 1;
            return;
        }
        let residual = self.residual(x);
        let is_plain = self.n < PLAIN_OBSERVATIONS;
        let innovation =
            if is_plain { x - residual.expected } else { residual.spread * residual.winsorised() };
        // A plain average of what there is, until the weight of one observation is that small.
        let first = 1.0 / (self.n + 1) as f64;
        let eta = (self.eta.max(first) * caution).min(1.0);
        let eta_spread = (ETA_SPREAD.max(first) * caution).min(1.0);
        let limit = WINSOR_SIGMA * libm::sqrt(self.deviation_variance).max(residual.spread);
        let raw = x - self.m;
        let deviation = if is_plain { raw } else { raw.clamp(-limit, limit) };
        self.m += eta * innovation;
        let scale = if is_plain { 1.0 } else { WINSORISED_VARIANCE };
        self.s2 += eta_spread * (innovation * innovation / scale - self.s2);
        self.lag_covariance += eta_spread * (deviation * self.last_deviation - self.lag_covariance);
        self.deviation_variance += eta_spread * (deviation * deviation - self.deviation_variance);
        self.last_deviation = deviation;
        self.n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten, with noise in [-0.5, 0.5).
    fn wave(i: u32) -> f64 {
        let hash = (u64::from(i) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = (hash ^ (hash >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        10.0 + (hash >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    }

    #[test]
    fn the_level_is_learned_and_an_attack_cannot_drag_it() {
        let mut level = Level::new(0.01, 1e-6);
        (0..2_000).for_each(|i| level.learn(wave(i), 1.0));
        assert!((level.mean() - 10.0).abs() < 0.05, "{}", level.mean());
        assert!((level.spread() - 0.29).abs() < 0.03, "{}", level.spread());
        let before = level.mean();
        (0..5).for_each(|_| level.learn(1e6, 1.0));
        assert!(level.mean() - before < 0.1, "five absurd values moved it to {}", level.mean());
    }

    #[test]
    fn caution_slows_learning_tenfold() {
        let learned = |caution: f64| {
            let mut level = Level::new(0.01, 1e-6);
            (0..500).for_each(|i| level.learn(wave(i), 1.0));
            let before = level.mean();
            level.learn(10.4, caution);
            level.mean() - before
        };
        assert!((learned(1.0) / learned(0.1) - 10.0).abs() < 1e-6);
    }

    #[test]
    fn autocorrelation_is_seen_and_used() {
        let mut level = Level::new(0.01, 1e-6);
        let mut x = 0.0;
        for i in 0..5_000 {
            x = 0.6 * x + wave(i) - 10.0;
            level.learn(x, 1.0);
        }
        assert!((level.autocorrelation() - 0.6).abs() < 0.15, "{}", level.autocorrelation());
        assert!(
            (level.spread() - 0.29).abs() < 0.05,
            "innovations, not levels: {}",
            level.spread()
        );
    }

    #[test]
    fn a_series_that_never_moves_keeps_the_smallest_spread() {
        let mut level = Level::new(0.05, 0.01);
        (0..100).for_each(|_| level.learn(3.0, 1.0));
        assert_eq!(level.spread(), 0.01);
        assert_eq!(level.residual(3.0).u, 0.0);
    }
}
