//! Failed of all calls, judged two ways: one bucket that is unlikely, and buckets that are each a
//! little too bad.

use serde::{Deserialize, Serialize};

use super::{Calibration, FailedRatio, OwnLimit, RunningSum, learning_pace, ln};

/// Calls before statistics are watched: a share that is hardly known makes anything unlikely.
const SETTLED_CALLS: u64 = 100;

/// What is usual for the failures of one function, and how far from it is too far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FailedShare {
    ratio: FailedRatio,
    sum: RunningSum,
    /// Of the bucket's tail, as -ln p, and of the running sum.
    own: [OwnLimit; 2],
}

/// What a bucket of calls says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failures {
    /// How far out, as a share of the limit: at 1 it is told.
    pub score: f64,
    /// Whether it is the running sum that is furthest out, and not this bucket by itself.
    pub is_lasting: bool,
}

impl FailedShare {
    /// Usual share, its spread, and the calls behind them.
    pub fn ratio(&self) -> &FailedRatio {
        &self.ratio
    }

    /// The smallest share that is told in a bucket of so many calls.
    pub fn upper(&self, calls: u64, alpha: f64) -> f64 {
        self.ratio.upper(calls, libm::exp(-self.own[0].limit(-ln(alpha))))
    }

    /// Judges a bucket, which may still be filling; `None` below the calls that say something.
    /// `alpha` is the chance of an innocent bucket beyond the limits.
    pub fn judge(&self, failed: u64, calls: u64, alpha: f64) -> Option<Failures> {
        let [tail, sum] = self.statistics(failed, calls)?;
        let theory = -ln(alpha);
        let (tail, sum) = (tail / self.own[0].limit(theory), sum / self.own[1].limit(theory));
        Some(Failures { score: tail.max(sum), is_lasting: sum > tail })
    }

    /// Learns from a full bucket that can be judged; `caution` in (0, 1] slows learning. The largest
    /// statistics of a block of buckets when it filled one: [`FailedShare::calibrate`] is due.
    pub fn learn(&mut self, failed: u64, calls: u64, caution: f64, alpha: f64) -> Option<[f64; 2]> {
        let statistics = self.statistics(failed, calls)?;
        let theory = -ln(alpha);
        let score = self.judge(failed, calls, alpha)?.score;
        let mut due = None;
        if self.ratio.observations() >= SETTLED_CALLS {
            let [tail, sum] = statistics;
            due = self.own[0].push(tail, theory).zip(self.own[1].push(sum, theory));
        }
        let limit = self.own[1].limit(theory);
        self.sum.push(failed, calls, self.ratio.mean(), limit);
        self.ratio.learn(failed, calls, caution * learning_pace(score));
        due.map(|(tail, sum)| [tail, sum])
    }

    /// Takes the limits anew, with a full block more in the calibrations.
    pub fn calibrate(&mut self, past: &mut [Calibration; 2], due: [f64; 2], alpha: f64) {
        // Two statistics share one promise. Both are logarithms of chances: one in e^h exceeds h.
        let arl0 = 2.0 / alpha;
        for ((own, past), due) in self.own.iter_mut().zip(past).zip(due) {
            own.calibrate(past, due, arl0, ln);
        }
    }

    /// Forgets what added up: an episode that is over begins nothing.
    pub fn settle(&mut self) {
        self.sum = RunningSum::default();
    }

    fn statistics(&self, failed: u64, calls: u64) -> Option<[f64; 2]> {
        let p = self.ratio.tail(failed, calls)?;
        let is_up = failed as f64 > self.ratio.mean() * calls as f64;
        let tail = if is_up { -ln(p.max(f64::MIN_POSITIVE)) } else { 0.0 };
        Some([tail, self.sum.with(failed, calls, self.ratio.mean())])
    }
}
