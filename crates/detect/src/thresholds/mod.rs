//! Adaptive thresholds: what is usual for a series, and how far from it is too far.
//!
//! Everything here is arithmetic on numbers that the caller brings: no clock, no chain, no
//! chance. Logarithms and exponentials come from `libm` in plain Rust, so that a replay on
//! another machine gives the same findings to the last bit.
//!
//! - a [`Level`] follows mean and spread, and a burst cannot drag it (winsorised updates);
//! - an [`EwmaChart`] finds small lasting shifts of the mean, a [`VarianceChart`] a wider spread,
//!   [`shewhart_limit`] spikes; limits come from the false alarm rate one is ready to bear ([`arl`]);
//! - a [`Calibration`] draws those limits from what a chart did on innocent observations, where the
//!   normal distribution does not hold;
//! - [`FailedRatio`] and [`Rate`] judge counts, where a normal distribution would lie;
//! - an [`OwnLimit`] is what a chart does with that while it runs;
//! - an [`Episode`] makes one alert of one thing that goes on for a while.

pub mod arl; //      average run length <-> width of the limits
mod baseline; //     winsorised level, spread, autocorrelation
mod calibrate; //    limits from innocent observations: peaks over threshold, bootstrap
mod charts; //       EWMA of the mean, EWMS of the variance, Shewhart
mod episode; //      idle, open, cooling
mod failures; //     failed of all: beta-binomial tail and running sum, each with its limit
mod own_limit; //    the limit that a chart's past gives it
mod pareto; //       what lies above a high threshold
mod rate; //         calls per bucket: negative binomial tail
mod ratio; //        failed of all: beta-binomial tail
mod running_sum; //  a share that rose a little and stays
pub mod special; //  incomplete beta and gamma functions and what follows from them

pub use baseline::{Level, Residual, WINSOR_SIGMA};
pub use calibrate::{BLOCK as CALIBRATION_BLOCK, Calibration, Limit};
pub use charts::{EwmaChart, VarianceChart, learning_pace, shewhart_limit, variance_limit};
pub use episode::{Episode, EpisodeRules, Step};
pub use failures::{FailedShare, Failures};
pub use own_limit::OwnLimit;
pub use pareto::Pareto;
pub use rate::Rate;
pub use ratio::FailedRatio;
pub use running_sum::RunningSum;

/// `libm`'s natural logarithm: the same on every machine.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}
