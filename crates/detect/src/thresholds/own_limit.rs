//! The limit that a chart's own past gives it, beside the limit of theory.
//!
//! Theory speaks of normal observations; a heavy-tailed series breaks its limits a hundred times too
//! often. So each chart watches itself: the largest statistic of each [`super::CALIBRATION_BLOCK`] of
//! observations goes into a [`Calibration`], and once that is enough, its limit holds wherever it is
//! wider than theory's.
//!
//! - Until then the largest statistic so far, and a quarter more, stands for it: about what one more
//!   such stretch would reach.
//! - A past of n observations says little about what happens once in many times n, and a fitted tail
//!   stretched that far is as often far too wide. It is asked for what it exceeds once in
//!   [`REACH`] n, and theory says how much wider the limit is from there on.
//! - An observation beyond the limit counts as at most [`TRUST`] times the limit: an attack that was
//!   told does not blind the chart for the next one, and a tail that is heavier than thought is still
//!   learned, in steps.

use serde::{Deserialize, Serialize};

use super::calibrate::{BLOCK, Calibration};

/// What stands for a limit until there is one: the largest statistic so far, times this.
const MARGIN: f64 = 1.25;

/// An observation counts as at most this many times the limit.
const TRUST: f64 = 2.0;

/// How much rarer than once in its own length a past is asked about.
const REACH: f64 = 4.0;

/// One chart's view of itself. Small, to go with the chart; the [`Calibration`] behind it changes
/// once in [`CALIBRATION_BLOCK`](super::CALIBRATION_BLOCK) observations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnLimit {
    block_max: f32,
    in_block: u32,
    largest: f32,
    calibrated: Option<f32>,
}

impl OwnLimit {
    /// Whether the past is long enough for a fit.
    pub fn is_calibrated(&self) -> bool {
        self.calibrated.is_some()
    }

    /// The limit, where theory has `theory`.
    pub fn limit(&self, theory: f64) -> f64 {
        let own = match self.calibrated {
            Some(limit) => f64::from(limit),
            None => MARGIN * f64::from(self.largest),
        };
        own.max(theory)
    }

    /// Takes the statistic of one more observation. When that fills a block, the block's largest:
    /// [`OwnLimit::calibrate`] must then be given it.
    pub fn push(&mut self, statistic: f64, theory: f64) -> Option<f64> {
        let most = TRUST * self.limit(theory);
        let statistic = if statistic.is_nan() { 0.0 } else { statistic.clamp(0.0, most) as f32 };
        self.block_max = self.block_max.max(statistic);
        self.largest = self.largest.max(statistic);
        self.in_block += 1;
        if self.in_block < BLOCK {
            return None;
        }
        let largest = f64::from(self.block_max);
        (self.block_max, self.in_block) = (0.0, 0);
        Some(largest)
    }

    /// Puts a full block into the chart's calibration and takes from it the limit whose false alarms
    /// are `arl0` observations apart. `theory` says the limit of theory for any such number.
    pub fn calibrate(
        &mut self,
        past: &mut Calibration,
        block_max: f64,
        arl0: f64,
        theory: impl Fn(f64) -> f64,
    ) {
        past.push_block(block_max);
        let seen = (REACH * past.observations() as f64).min(arl0);
        let wider = (theory(arl0) / theory(seen)).max(1.0);
        if let Some(limit) = past.estimate(seen) {
            self.calibrated = Some((limit * wider) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(statistics: impl Iterator<Item = f64>, theory: f64) -> OwnLimit {
        let (mut own, mut past) = (OwnLimit::default(), Calibration::new());
        for statistic in statistics {
            if let Some(block_max) = own.push(statistic, theory) {
                own.calibrate(&mut past, block_max, 1e4, |_| theory);
            }
        }
        own
    }

    #[test]
    fn a_quiet_chart_keeps_the_limit_of_theory_and_a_loud_one_widens_it() {
        let quiet = fed((0..5_000).map(|i| f64::from(i % 3)), 4.0);
        assert!(quiet.is_calibrated());
        assert_eq!(quiet.limit(4.0), 4.0);
        let learning = fed((0..200).map(|i| f64::from(i % 7)), 4.0);
        assert!(!learning.is_calibrated());
        assert_eq!(learning.limit(4.0), 7.5);
        let loud = fed((0..5_000).map(|i| f64::from(i % 7)), 4.0);
        assert!((6.0..7.0).contains(&loud.limit(4.0)), "{loud:?}");
    }

    #[test]
    fn what_was_told_does_not_blind_the_chart() {
        let calm = |i: u32| f64::from(i % 3);
        let attacked = |i: u32| if i == 3_000 { 1e9 } else { calm(i) };
        let found = fed((0..6_000).map(attacked), 4.0);
        assert!(found.limit(4.0) < 8.0, "{found:?}");
        assert!(fed([f64::NAN, -1.0, f64::INFINITY].into_iter(), 4.0).limit(4.0) <= 10.0);
    }
}
