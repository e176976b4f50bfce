//! The generalised Pareto distribution: what lies above a high threshold follows it, whatever lies
//! below (Pickands, *Annals of Statistics* 3, 1975). Fitted by probability-weighted moments (Hosking
//! and Wallis, *Technometrics* 29, 1987), which need no search and are not thrown by one value.

/// Tail indices that are believed. Below, the tail ends abruptly; above, not even its mean would be
/// certain, and moments estimate nothing.
const INDEX_RANGE: (f64, f64) = (-0.5, 0.75);

/// Below this the tail is exponential for all that can be told.
const INDEX_TINY: f64 = 1e-6;

/// A distribution of excesses over a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pareto {
    index: f64,
    scale: f64,
}

impl Pareto {
    /// The one through these excesses, ascending; `None` where they have no mean above zero.
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let n = excesses.len() as f64;
        let mean = excesses.iter().sum::<f64>() / n;
        if mean.is_nan() || mean <= 0.0 {
            return None;
        }
        let weighted = excesses.iter().enumerate();
        let weighted = weighted.map(|(i, y)| (1.0 - (i as f64 + 0.65) / n) * y).sum::<f64>() / n;
        let (low, high) = INDEX_RANGE;
        let index = (2.0 - mean / (mean - 2.0 * weighted)).clamp(low, high);
        Some(Self { index, scale: mean * (1.0 - index) })
    }

    /// The same, but falling no faster than exponentially: for who will not believe that a tail ends.
    #[must_use]
    pub fn unending(self) -> Self {
        if self.index >= 0.0 {
            return self;
        }
        // The mean of the excesses stays what it was.
        Self { index: 0.0, scale: self.scale / (1.0 - self.index) }
    }

    /// The excess that this share of excesses exceed; `share` lies in (0, 1).
    pub fn excess_at(&self, share: f64) -> f64 {
        let ln_share = super::ln(share);
        if self.index.abs() < INDEX_TINY {
            return -self.scale * ln_share;
        }
        self.scale / self.index * (libm::exp(-self.index * ln_share) - 1.0)
    }

    /// The share of excesses that exceed this one.
    pub fn share_above(&self, excess: f64) -> f64 {
        if excess <= 0.0 {
            return 1.0;
        }
        if self.index.abs() < INDEX_TINY {
            return libm::exp(-excess / self.scale);
        }
        // Where the tail ends, nothing lies above.
        let base = (1.0 + self.index * excess / self.scale).max(0.0);
        libm::pow(base, -1.0 / self.index).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Excesses at the ranks of a generalised Pareto distribution of scale 1.
    fn excesses(index: f64, n: u32) -> Vec<f64> {
        let at = |share: f64| {
            if index == 0.0 { -share.ln() } else { (share.powf(-index) - 1.0) / index }
        };
        (0..n).rev().map(|i| at((f64::from(i) + 0.5) / f64::from(n))).collect()
    }

    #[test]
    fn a_fit_to_a_known_tail_finds_its_quantiles_and_its_shares() {
        for index in [-0.3_f64, 0.0, 0.3] {
            let fitted = Pareto::fit(&excesses(index, 2_000)).unwrap();
            for share in [0.1_f64, 0.01, 0.001] {
                let exact =
                    if index == 0.0 { -share.ln() } else { (share.powf(-index) - 1.0) / index };
                let found = fitted.excess_at(share);
                assert!((found / exact - 1.0).abs() < 0.05, "{index} {share}: {found}, {exact}");
                let back = fitted.share_above(found);
                assert!((back / share - 1.0).abs() < 1e-6, "{index} {share}: {back}");
            }
        }
    }

    #[test]
    fn nothing_lies_beyond_the_end_of_a_short_tail_and_no_tail_is_drawn_through_nothing() {
        let short = Pareto::fit(&excesses(-0.5, 500)).unwrap();
        assert_eq!(short.share_above(10.0), 0.0);
        assert_eq!(short.share_above(-1.0), 1.0);
        assert_eq!(Pareto::fit(&[]), None);
        assert_eq!(Pareto::fit(&[0.0, 0.0]), None);
    }
}
