//! Control charts over residuals in units of spread.

use serde::{Deserialize, Serialize};

use super::special;

/// Exponentially weighted mean of residuals: finds small shifts that last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EwmaChart {
    lambda: f64,
    z: f64,
    /// (1 - lambda)^(2t): how far the statistic still is from its steady spread.
    decay: f64,
}

impl EwmaChart {
    /// A chart at rest with smoothing factor `lambda` in (0, 1].
    pub fn new(lambda: f64) -> Self {
        Self { lambda, z: 0.0, decay: 1.0 }
    }

    /// Adds a winsorised residual; the statistic in units of its standard deviation, to be compared
    /// with L.
    pub fn push(&mut self, u: f64) -> f64 {
        let keep = 1.0 - self.lambda;
        self.z = keep * self.z + self.lambda * u;
        self.decay *= keep * keep;
        self.statistic()
    }

    /// The statistic after the newest observation.
    pub fn statistic(&self) -> f64 {
        self.z.abs() / self.sigma()
    }

    /// Signed statistic, in units of spread of one observation.
    pub fn z(&self) -> f64 {
        self.z
    }

    /// Standard deviation of the statistic at this point: sqrt(l/(2-l) (1-(1-l)^(2t))).
    pub fn sigma(&self) -> f64 {
        libm::sqrt(self.lambda / (2.0 - self.lambda) * (1.0 - self.decay)).max(f64::MIN_POSITIVE)
    }
}

/// The pace at which a level should learn while the chart over it stands at this share of its limit:
/// a third from half-way on, so that a small lasting shift is not absorbed just before it is found.
pub fn learning_pace(score: f64) -> f64 {
    if score > 0.5 { 1.0 / 3.0 } else { 1.0 }
}

/// Exponentially weighted mean square of residuals (EWMS): finds a spread that grew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VarianceChart {
    lambda: f64,
    s: f64,
}

impl VarianceChart {
    /// A chart at rest.
    pub fn new(lambda: f64) -> Self {
        Self { lambda, s: 1.0 }
    }

    /// Adds a winsorised residual; the statistic, to be compared with [`variance_limit`].
    pub fn push(&mut self, u: f64) -> f64 {
        self.s = (1.0 - self.lambda) * self.s + self.lambda * u * u;
        self.s
    }
}

/// Upper limit of a [`VarianceChart`] that in-control observations exceed with probability `alpha`:
/// chi-squared with nu = (2-l)/l degrees of freedom, per degree.
pub fn variance_limit(lambda: f64, alpha: f64) -> f64 {
    let degrees = (2.0 - lambda) / lambda;
    special::chi_squared_upper(alpha, degrees) / degrees
}

/// Limit on a single residual whose false alarms are `arl0` observations apart: P(|Z| > L) = 1/ARL0.
pub fn shewhart_limit(arl0: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if special::normal_two_sided(middle) > 1.0 / arl0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_published_ones() {
        for (alpha, expected) in [(1e-3, 1.848), (1e-4, 2.068), (1e-5, 2.272)] {
            let found = variance_limit(0.05, alpha);
            assert!((found - expected).abs() < 0.002, "alpha {alpha}: {found}");
        }
        assert!((shewhart_limit(370.398) - 3.0).abs() < 1e-4);
    }

    #[test]
    fn the_first_observation_is_judged_by_its_own_spread() {
        let mut chart = EwmaChart::new(0.1);
        let statistic = chart.push(3.0);
        assert!((statistic - 3.0).abs() < 1e-12, "z/sigma of one residual of 3 is 3: {statistic}");
    }
}
