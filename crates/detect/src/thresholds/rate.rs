//! Calls per bucket: a rate that itself varies, and its negative binomial tail.

use serde::{Deserialize, Serialize};

use super::special::negative_binomial_tail;

/// What one bucket keeps of the past: a memory of about 500 buckets.
const KEEP_PER_BUCKET: f64 = 1.0 - 1.0 / 500.0;

/// Before anything was seen: one call per bucket, worth one bucket of experience.
const PRIOR: (f64, f64) = (1.0, 1.0);

/// Buckets further above the mean than this many standard deviations are pulled in before the rate
/// learns from them.
const WINSOR_SIGMA: f64 = 4.0;

/// The usual number of calls in a bucket.
///
/// The rate is Gamma(a, b) with discounted evidence; the spread between buckets is learned beside
/// it, because traffic comes in bursts that no constant rate explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    a: f64,
    b: f64,
    /// Discounted sum of squared deviations from the mean.
    squares: f64,
    n: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { a: PRIOR.0, b: PRIOR.1, squares: 0.0, n: 0 }
    }
}

impl Rate {
    /// Buckets learned from.
    pub fn observations(&self) -> u64 {
        self.n
    }

    /// Usual calls per bucket.
    pub fn mean(&self) -> f64 {
        self.a / self.b
    }

    /// Variance of the next bucket: counting noise plus what is not known about the rate, or what
    /// was seen, whichever is larger.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        (mean + mean / self.b).max(self.squares / self.b)
    }

    /// The chance of at least `calls` in a bucket when nothing changed. Also right for a bucket that
    /// is still filling: what it has already, it will have at its end.
    pub fn tail(&self, calls: u64) -> f64 {
        negative_binomial_tail(calls, self.mean(), self.variance())
    }

    /// The smallest count whose tail is below `alpha`.
    pub fn upper(&self, alpha: f64) -> u64 {
        let (mut low, mut high) = (0, 2);
        while self.tail(high) >= alpha && high < u64::MAX / 4 {
            high *= 2;
        }
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.tail(middle) < alpha { high = middle } else { low = middle }
        }
        high
    }

    /// Learns from a full bucket; `caution` in (0, 1] slows learning.
    pub fn learn(&mut self, calls: u64, caution: f64) {
        let mean = self.mean();
        let most = mean + WINSOR_SIGMA * libm::sqrt(self.variance()) + 1.0;
        let calls = if self.n < 30 { calls as f64 } else { (calls as f64).min(most) };
        let keep = libm::pow(KEEP_PER_BUCKET, caution);
        self.a = (keep * self.a + calls * caution).max(1e-6);
        self.b = keep * self.b + caution;
        self.squares = keep * self.squares + (calls - mean) * (calls - mean) * caution;
        self.n += 1;
    }

    /// Learns that `buckets` passed without a call.
    pub fn learn_silence(&mut self, buckets: u64, caution: f64) {
        // Beyond ten memories nothing is left of the past, however long the silence was.
        for _ in 0..buckets.min(5_000) {
            self.learn(0, caution);
        }
        self.n += buckets.saturating_sub(5_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_unlikely_and_the_usual_traffic_is_not() {
        let mut rate = Rate::default();
        (0..2_000u64).for_each(|i| rate.learn(8 + i * 7919 % 5, 1.0));
        assert!((rate.mean() - 10.0).abs() < 0.1, "{}", rate.mean());
        assert!(rate.tail(12) > 0.05);
        assert!(rate.tail(60) < 1e-6);
        let upper = rate.upper(1e-6);
        assert!(rate.tail(upper) < 1e-6 && rate.tail(upper - 1) >= 1e-6);
    }

    #[test]
    fn bursty_traffic_widens_the_limit() {
        let (mut steady, mut bursty) = (Rate::default(), Rate::default());
        for i in 0..2_000u64 {
            steady.learn(5, 1.0);
            bursty.learn(if i % 10 == 0 { 50 } else { 0 }, 1.0);
        }
        assert!(bursty.upper(1e-6) > 2 * steady.upper(1e-6));
    }
}
