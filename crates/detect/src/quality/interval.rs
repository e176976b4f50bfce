//! What can be said of a share or a rate from few observations.

use crate::thresholds::special::chi_squared_upper;

/// Standard normal quantile of a two-sided interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// An interval that holds the true value in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A share of something, with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many are of the kind.
    pub k: u64,
    /// Of how many.
    pub n: u64,
}

impl Share {
    /// `k` of `n`; more than all is all.
    pub fn new(k: u64, n: u64) -> Self {
        Self { k: k.min(n), n }
    }

    /// The share itself; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.k as f64 / self.n as f64)
    }

    /// Wilson's score interval (1927) at 95 %: of nothing, everything is possible.
    ///
    /// `(k + z²/2 ± z √(k (n − k) / n + z²/4)) / (n + z²)`
    pub fn wilson(self) -> Interval {
        if self.n == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let (k, n) = (self.k as f64, self.n as f64);
        let z2 = Z_95 * Z_95;
        let middle = k + z2 / 2.0;
        let half = Z_95 * (k * (n - k) / n + z2 / 4.0).sqrt();
        let low = ((middle - half) / (n + z2)).max(0.0);
        let high = ((middle + half) / (n + z2)).min(1.0);
        // At the ends the exact value is known; rounding must not say otherwise.
        let low = if self.k == 0 { 0.0 } else { low };
        let high = if self.k == self.n { 1.0 } else { high };
        Interval { low, high }
    }
}

/// The exact interval (Garwood, 1936) at 95 % of a Poisson rate: `count` events in `exposure` units
/// of time, as events per unit. `None` without exposure.
///
/// `[χ²(0.025; 2k) / 2, χ²(0.975; 2k + 2) / 2] / exposure`
pub fn poisson_rate(count: u64, exposure: f64) -> Option<Interval> {
    if exposure.is_nan() || exposure <= 0.0 {
        return None;
    }
    let k = count as f64;
    let low = if count == 0 { 0.0 } else { chi_squared_upper(0.975, 2.0 * k) / 2.0 };
    let high = chi_squared_upper(0.025, 2.0 * k + 2.0) / 2.0;
    Some(Interval { low: low / exposure, high: high / exposure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 5e-5, "{a} is not {b}");
    }

    #[test]
    fn wilson_gives_the_published_values() {
        // Newcombe (1998), table I, method 3.
        for ((k, n), (low, high)) in [
            ((81, 263), (0.2553, 0.3662)),
            ((15, 148), (0.0624, 0.1605)),
            ((0, 20), (0.0, 0.1611)),
            ((1, 29), (0.0061, 0.1718)),
        ] {
            let interval = Share::new(k, n).wilson();
            near(interval.low, low);
            near(interval.high, high);
        }
        assert_eq!(Share::new(0, 0).wilson(), Interval { low: 0.0, high: 1.0 });
        assert_eq!(Share::new(0, 0).value(), None);
    }

    #[test]
    fn a_rate_of_nothing_seen_is_not_zero() {
        // Garwood's limits of 0, 1 and 10 events.
        for (k, low, high) in
            [(0, 0.0, 3.688_88), (1, 0.025_32, 5.571_64), (10, 4.795_39, 18.390_36)]
        {
            let interval = poisson_rate(k, 1.0).unwrap();
            near(interval.low, low);
            near(interval.high, high);
        }
        assert_eq!(poisson_rate(3, 0.0), None);
        near(poisson_rate(0, 2.0).unwrap().high, 1.844_44);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_narrows_with_more(k in 0u64..200, more in 0u64..200) {
            let n = k + more;
            prop_assume!(n > 0);
            let share = Share::new(k, n);
            let interval = share.wilson();
            let value = share.value().unwrap();
            prop_assert!(interval.low <= value && value <= interval.high);
            let tenfold = Share::new(10 * k, 10 * n).wilson();
            prop_assert!(tenfold.high - tenfold.low <= interval.high - interval.low + 1e-12);
        }
    }
}
