//! Limits from what a chart did while nothing was wrong.
//!
//! Limits from theory ([`super::arl`], [`super::shewhart_limit`]) hold for normal observations. On
//! heavy tails and on what is left of autocorrelation they are broken many times too often. A
//! [`Calibration`] watches the chart's own statistic over an innocent stretch and answers with the
//! limit that it exceeds once in ARL0 observations:
//!
//! - exceedances come in clusters, and a cluster is one alarm: so not the observations count but the
//!   largest statistic of each block of [`BLOCK`] of them;
//! - above a high threshold such maxima follow a generalised Pareto distribution ([`Pareto`]);
//! - a fit to few values may be far too low, so a bootstrap of the blocks gives an upper bound on
//!   the limit. It draws each block a Poisson(1) number of times (Hanley and MacGibbon, *Computer
//!   Methods and Programs in Biomedicine* 83, 2006) with numbers that are always the same.

use serde::{Deserialize, Serialize};

use super::Pareto;

/// Observations of which the largest statistic counts once: longer than a cluster of exceedances
/// and than the rest after an alarm. At one observation a minute fifty minutes.
pub const BLOCK: u32 = 50;

/// Largest block maxima kept. In blocks of fifty minutes they are what a limit of ARL0 10,000 is
/// read from over up to two and a half years.
const KEPT: usize = 128;

/// Share of the blocks that a tail is fitted to, until [`KEPT`] is less.
const TAIL_SHARE: f64 = 0.2;

/// Fewest values that a tail is fitted to: five hundred blocks' worth would be better, fifty do.
const FIT_MIN: usize = 10;

/// Repetitions of the bootstrap, and the one of them in order that bounds the limit: 95 %.
const REPETITIONS: usize = 200;
const BOUND: usize = 190;

/// What a chart's statistic did while nothing was wrong, in constant memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Largest statistic of the block being filled, and observations in it.
    block_max: f32,
    in_block: u32,
    blocks: u64,
    /// Largest block maxima, descending.
    largest: Vec<f32>,
}

/// A limit that innocent observations exceed once in ARL0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The best guess: as often too low as too high.
    pub estimate: f64,
    /// What 95 % of the bootstrap's repetitions stay below. On short stretches of heavy tails that is
    /// enough less often than in 95 of 100: see `docs/anomaly.md`.
    pub upper: f64,
}

impl Calibration {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Observations in whole blocks.
    pub fn observations(&self) -> u64 {
        self.blocks * u64::from(BLOCK)
    }

    /// Takes the chart's statistic at one more innocent observation. What is not a number at least
    /// zero counts as zero.
    pub fn push(&mut self, statistic: f64) {
        self.block_max = self.block_max.max(statistic.clamp(0.0, f64::from(f32::MAX)) as f32);
        self.in_block += 1;
        if self.in_block < BLOCK {
            return;
        }
        let largest = self.block_max;
        (self.block_max, self.in_block) = (0.0, 0);
        self.push_block(f64::from(largest));
    }

    /// Takes the largest statistic of a whole block of [`BLOCK`] that somebody else filled.
    pub fn push_block(&mut self, largest: f64) {
        let largest = largest.clamp(0.0, f64::from(f32::MAX)) as f32;
        let at = self.largest.partition_point(|v| *v >= largest);
        if at < KEPT {
            self.largest.insert(at, largest);
            self.largest.truncate(KEPT);
        }
        self.blocks += 1;
    }

    /// [`Limit::estimate`] alone, for a fraction of the work.
    pub fn estimate(&self, arl0: f64) -> Option<f64> {
        let (threshold, excesses) = self.tail()?;
        Some(threshold + excess_at(&excesses, self.share_of(&excesses, arl0)))
    }

    /// The threshold of the tail, and by how much the largest block maxima exceed it, ascending.
    fn tail(&self) -> Option<(f64, Vec<f64>)> {
        let wanted = (TAIL_SHARE * self.blocks as f64) as usize;
        let count = wanted.min(self.largest.len().saturating_sub(1));
        if count < FIT_MIN {
            return None;
        }
        let threshold = f64::from(self.largest[count]);
        let excess = |v: &f32| f64::from(*v) - threshold;
        Some((threshold, self.largest[..count].iter().rev().map(excess).collect()))
    }

    /// The share of such excesses that lie above a limit of `arl0`.
    fn share_of(&self, excesses: &[f64], arl0: f64) -> f64 {
        f64::from(BLOCK) / arl0 * self.blocks as f64 / excesses.len().max(1) as f64
    }

    /// The limit whose false alarms are `arl0` observations apart; `None` until there are enough
    /// blocks. Where the limit lies below everything kept, the smallest value kept stands for it:
    /// then alarms are rarer than asked for.
    pub fn limit(&self, arl0: f64) -> Option<Limit> {
        let (threshold, excesses) = self.tail()?;
        let quantile =
            |excesses: &[f64]| threshold + excess_at(excesses, self.share_of(excesses, arl0));
        let mut dice = Dice(0);
        let mut again: Vec<f64> = (0..REPETITIONS)
            .map(|_| {
                let drawn = excesses.iter().flat_map(|x| std::iter::repeat_n(*x, dice.poisson()));
                quantile(&drawn.collect::<Vec<f64>>())
            })
            .collect();
        again.sort_unstable_by(f64::total_cmp);
        let estimate = quantile(&excesses);
        Some(Limit { estimate, upper: again[BOUND].max(estimate) })
    }
}

/// The excess that `share` of such excesses (ascending) exceed, by the generalised Pareto
/// distribution through them; 0 where all of them would.
fn excess_at(excesses: &[f64], share: f64) -> f64 {
    if share >= 1.0 {
        return 0.0;
    }
    Pareto::fit(excesses).map_or(0.0, |tail| tail.excess_at(share))
}

/// The same numbers every time (SplitMix64; Steele, Lea and Flood, OOPSLA 2014): a limit depends on
/// nothing but what was seen.
struct Dice(u64);

impl Dice {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Poisson with mean one, by inversion.
    fn poisson(&mut self) -> usize {
        let uniform = self.uniform();
        let (mut count, mut share) = (0, libm::exp(-1.0));
        let mut below = share;
        while uniform >= below && count < 20 {
            count += 1;
            share /= count as f64;
            below += share;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poisson_number_is_one_on_average_and_scatters_by_one() {
        let mut dice = Dice(7);
        let drawn: Vec<f64> = (0..20_000).map(|_| dice.poisson() as f64).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn too_short_a_stretch_gives_no_limit_and_a_still_one_gives_its_level() {
        let mut calibration = Calibration::new();
        (0..49 * BLOCK).for_each(|_| calibration.push(2.0));
        assert_eq!(calibration.limit(1e4), None);
        (0..BLOCK).for_each(|_| calibration.push(2.0));
        assert_eq!(calibration.observations(), 2_500);
        assert_eq!(calibration.limit(1e4), Some(Limit { estimate: 2.0, upper: 2.0 }));
    }

    #[test]
    fn whatever_a_chart_says_the_limit_is_a_number() {
        let mut calibration = Calibration::new();
        let odd = [f64::NAN, f64::INFINITY, -1.0, 1e300, f64::MIN_POSITIVE, 0.0, 3.0];
        for i in 0..20_000 {
            calibration.push(odd[i % odd.len()]);
        }
        let limit = calibration.limit(1e6).unwrap();
        assert!(limit.estimate.is_finite() && limit.upper.is_finite(), "{limit:?}");
        assert!(calibration.largest.len() <= KEPT);
    }

    #[test]
    fn rarer_alarms_need_wider_limits() {
        let (mut calibration, mut dice) = (Calibration::new(), Dice(3));
        (0..50_000).for_each(|_| calibration.push(-super::super::ln(1.0 - dice.uniform())));
        let limits: Vec<Limit> =
            [1e4, 1e5, 1e6].iter().map(|arl0| calibration.limit(*arl0).unwrap()).collect();
        assert!(limits.windows(2).all(|l| l[0].estimate < l[1].estimate), "{limits:?}");
        assert!(limits.iter().all(|l| l.upper > l.estimate), "{limits:?}");
        // An exponential variable exceeds ln(ARL0) once in ARL0.
        assert!((limits[0].estimate - 1e4_f64.ln()).abs() < 0.5, "{limits:?}");
    }
}
