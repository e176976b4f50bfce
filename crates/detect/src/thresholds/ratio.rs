//! Failed of all calls: a discounted beta distribution and its beta-binomial tail.

use serde::{Deserialize, Serialize};

use super::special::beta_binomial_tail;

/// What one call keeps of the past: a memory of about 500 calls.
const KEEP_PER_CALL: f64 = 1.0 - 1.0 / 500.0;

/// Before anything was seen: one call in twenty fails, and that is worth ten calls of experience.
const PRIOR: (f64, f64) = (0.5, 9.5);

/// Fewer calls than this are not judged: their ratio says nothing.
const CALLS_MIN: u64 = 5;

/// The share of calls that usually fail, with how sure we are of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedRatio {
    a: f64,
    b: f64,
    n: u64,
}

impl Default for FailedRatio {
    fn default() -> Self {
        Self { a: PRIOR.0, b: PRIOR.1, n: 0 }
    }
}

impl FailedRatio {
    /// Calls learned from.
    pub fn observations(&self) -> u64 {
        self.n
    }

    /// Usual share of failed calls.
    pub fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Standard deviation of what is believed about the share.
    pub fn spread(&self) -> f64 {
        let sum = self.a + self.b;
        libm::sqrt(self.a * self.b / (sum * sum * (sum + 1.0)))
    }

    /// The chance of at least `failed` failures among `calls` calls when nothing changed; `None`
    /// below [`CALLS_MIN`] calls.
    pub fn tail(&self, failed: u64, calls: u64) -> Option<f64> {
        (calls >= CALLS_MIN).then(|| beta_binomial_tail(failed.min(calls), calls, self.a, self.b))
    }

    /// The smallest ratio whose tail is below `alpha` for this many calls; above 1 when even all
    /// failing would not be that unlikely.
    pub fn upper(&self, calls: u64, alpha: f64) -> f64 {
        let calls = calls.max(CALLS_MIN);
        let (mut low, mut high) = (0, calls + 1);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            let is_unlikely = beta_binomial_tail(middle, calls, self.a, self.b) < alpha;
            if is_unlikely { high = middle } else { low = middle }
        }
        high as f64 / calls as f64
    }

    /// Learns from a bucket; `caution` in (0, 1] slows learning.
    pub fn learn(&mut self, failed: u64, calls: u64, caution: f64) {
        let keep = libm::pow(KEEP_PER_CALL, calls as f64 * caution);
        self.a = (keep * self.a + failed as f64 * caution).max(PRIOR.0 * 1e-3);
        self.b =
            (keep * self.b + calls.saturating_sub(failed) as f64 * caution).max(PRIOR.1 * 1e-3);
        self.n += calls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_failures_is_unlikely_and_the_usual_share_is_not() {
        let mut ratio = FailedRatio::default();
        (0..200).for_each(|_| ratio.learn(1, 20, 1.0));
        assert!((ratio.mean() - 0.05).abs() < 0.005, "{}", ratio.mean());
        assert!(ratio.tail(1, 20).unwrap() > 0.5);
        assert!(ratio.tail(15, 20).unwrap() < 1e-6);
        assert_eq!(ratio.tail(4, 4), None, "four calls say nothing");
        let upper = ratio.upper(20, 1e-6);
        assert!(ratio.tail((upper * 20.0).round() as u64, 20).unwrap() < 1e-6);
        assert!(ratio.tail((upper * 20.0).round() as u64 - 1, 20).unwrap() >= 1e-6);
    }

    #[test]
    fn a_contract_that_never_failed_is_not_certain_never_to_fail() {
        let mut ratio = FailedRatio::default();
        (0..10_000).for_each(|_| ratio.learn(0, 10, 1.0));
        assert!(ratio.tail(1, 100).unwrap() > 1e-8, "one failure is no impossibility");
    }
}
