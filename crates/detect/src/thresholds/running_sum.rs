//! A share that rose a little and stays: the running sum of what speaks for it.

use serde::{Deserialize, Serialize};

use super::ln;

/// The shift that is looked for: odds so many times the usual. From one in twenty that is nearly one
/// in four.
const ODDS: f64 = 6.0;

/// Usual shares that are believed in; below, one failure in thousands of calls would be news.
const USUAL_RANGE: (f64, f64) = (0.005, 0.6);

/// A sum stands at most so far beyond its limit: one that grew for hours would take as long to fall.
const BEYOND_LIMIT_MAX: f64 = 3.0;

/// Page's running sum (*Biometrika* 41, 1954) of the log-likelihood ratio of a share of failures with
/// [`ODDS`] times the usual odds against the usual one. While nothing changed it exceeds h less than
/// once in e^h observations (Lorden, *Annals of Mathematical Statistics* 42, 1971).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningSum(f64);

impl RunningSum {
    /// The sum after a bucket, without taking it in.
    pub fn with(&self, failed: u64, calls: u64, usual: f64) -> f64 {
        let usual = usual.clamp(USUAL_RANGE.0, USUAL_RANGE.1);
        let odds = ODDS * usual / (1.0 - usual);
        let risen = odds / (1.0 + odds);
        let passed = calls.saturating_sub(failed) as f64;
        let speaks_for =
            failed as f64 * ln(risen / usual) + passed * ln((1.0 - risen) / (1.0 - usual));
        (self.0 + speaks_for).max(0.0)
    }

    /// Takes a bucket in; `limit` is what the sum is held against.
    pub fn push(&mut self, failed: u64, calls: u64, usual: f64, limit: f64) {
        self.0 = self.with(failed, calls, usual).min(BEYOND_LIMIT_MAX * limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_failures_in_a_row_of_small_buckets_add_up_and_calm_takes_them_back() {
        let (mut sum, limit) = (RunningSum::default(), -ln(1e-4));
        for _ in 0..4 {
            assert!(sum.with(2, 4, 0.05) < 4.0 * limit);
            sum.push(2, 4, 0.05, limit);
        }
        assert!(sum.with(2, 4, 0.05) > limit, "{sum:?}");
        (0..40).for_each(|_| sum.push(0, 5, 0.05, limit));
        assert_eq!(sum, RunningSum::default());
    }

    #[test]
    fn the_usual_share_adds_nothing_in_the_long_run() {
        let mut sum = RunningSum::default();
        for at in 0..10_000_u64 {
            sum.push(u64::from(at % 20 == 0), 1, 0.05, 9.0);
            assert!(sum.with(0, 0, 0.05) < 3.0, "{sum:?}");
        }
    }
}
