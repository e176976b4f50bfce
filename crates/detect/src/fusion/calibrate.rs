//! From stated to observed: of those called 90 % likely, nine of ten should be so.
//!
//! Isotonic regression by pooling adjacent violators (Ayer et al., 1955): the monotone step function
//! that is nearest to the outcomes in squares.

/// What was stated, and what it turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Stated probability.
    pub stated: f64,
    /// Whether it was so.
    pub is_true: bool,
}

/// A monotone map of stated to observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Middle of each pool and its observed share, ascending in both.
    points: Vec<(f64, f64)>,
    /// Outcomes behind it.
    n: u64,
}

/// Outcomes below which a calibration would be noise: what is stated stands.
pub const OUTCOMES_MIN: usize = 30;

impl Calibration {
    /// Fits outcomes; `None` with fewer than [`OUTCOMES_MIN`], or when all are alike.
    pub fn fit(outcomes: &[Outcome]) -> Option<Self> {
        let is_mixed = outcomes.iter().any(|o| o.is_true) && outcomes.iter().any(|o| !o.is_true);
        if outcomes.len() < OUTCOMES_MIN || !is_mixed {
            return None;
        }
        let mut sorted: Vec<Outcome> =
            outcomes.iter().copied().filter(|o| o.stated.is_finite()).collect();
        sorted.sort_by(|a, b| a.stated.total_cmp(&b.stated));
        // Pools: sum of what was stated, how many were so, how many.
        let mut pools: Vec<(f64, f64, f64)> = Vec::new();
        for outcome in &sorted {
            pools.push((outcome.stated, f64::from(u8::from(outcome.is_true)), 1.0));
            while let [.., a, b] = pools.as_slice()
                && a.1 / a.2 >= b.1 / b.2
            {
                let joined = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
                pools.truncate(pools.len() - 2);
                pools.push(joined);
            }
        }
        let points = pools.iter().map(|(stated, so, n)| (stated / n, so / n)).collect();
        Some(Self { points, n: sorted.len() as u64 })
    }

    /// Outcomes behind it.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// What is observed of what is stated so: between pools on a straight line.
    pub fn apply(&self, stated: f64) -> f64 {
        let after = self.points.partition_point(|(x, _)| *x < stated);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (Some((x0, y0)), Some(&(x1, y1))) if x1 > x0 => {
                y0 + (y1 - y0) * ((stated - x0) / (x1 - x0))
            }
            (_, Some((_, y))) => *y,
            (Some((_, y)), None) => y,
            (None, None) => stated,
        }
    }
}

/// One tenth of the reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Mean of what was stated.
    pub stated: f64,
    /// Share that was so.
    pub observed: f64,
    /// How many.
    pub n: u64,
}

/// How well what is stated agrees with what is observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Tenths that hold anything.
    pub bins: Vec<Bin>,
    /// Mean square of the difference (Brier, 1950): 0 is perfect, 0.25 is a coin.
    pub brier: f64,
    /// Mean difference of the bins, weighted (expected calibration error).
    pub calibration_error: f64,
    /// Outcomes.
    pub n: u64,
}

impl Reliability {
    /// Of these outcomes; `None` of none.
    pub fn of(outcomes: &[Outcome]) -> Option<Self> {
        if outcomes.is_empty() {
            return None;
        }
        let n = outcomes.len() as f64;
        let mut tenths = [(0.0, 0.0, 0u64); 10];
        let mut squares = 0.0;
        for outcome in outcomes {
            let so = f64::from(u8::from(outcome.is_true));
            let tenth = &mut tenths[((outcome.stated * 10.0) as usize).min(9)];
            *tenth = (tenth.0 + outcome.stated, tenth.1 + so, tenth.2 + 1);
            squares += (outcome.stated - so) * (outcome.stated - so);
        }
        let bins: Vec<Bin> = tenths
            .iter()
            .filter(|(.., count)| *count > 0)
            .map(|(stated, so, count)| Bin {
                stated: stated / *count as f64,
                observed: so / *count as f64,
                n: *count,
            })
            .collect();
        let error = |bin: &Bin| (bin.stated - bin.observed).abs() * bin.n as f64 / n;
        let calibration_error = bins.iter().map(error).sum();
        Some(Self { bins, brier: squares / n, calibration_error, n: outcomes.len() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
        prop::collection::vec((0.0..1.0f64, any::<bool>()), OUTCOMES_MIN..200).prop_map(|all| {
            all.into_iter().map(|(stated, is_true)| Outcome { stated, is_true }).collect()
        })
    }

    #[test]
    fn pools_are_those_of_the_textbook() {
        // 0 1 0 1 1 -> 0, the pool of 1 and 0, then 1 1; repeated to be enough.
        let truth = [false, true, false, true, true];
        let all: Vec<Outcome> = (0..50)
            .map(|i| Outcome { stated: (i / 10) as f64 / 10.0, is_true: truth[i / 10] })
            .collect();
        let calibration = Calibration::fit(&all).unwrap();
        assert_eq!(calibration.n(), 50);
        assert_eq!(calibration.apply(0.0), 0.0);
        assert!((calibration.apply(0.15) - 0.5).abs() < 1e-12);
        assert_eq!(calibration.apply(0.9), 1.0);
    }

    #[test]
    fn too_few_or_all_alike_is_no_calibration() {
        let few = vec![Outcome { stated: 0.5, is_true: true }; OUTCOMES_MIN - 1];
        assert_eq!(Calibration::fit(&few), None);
        let alike = vec![Outcome { stated: 0.5, is_true: true }; OUTCOMES_MIN];
        assert_eq!(Calibration::fit(&alike), None);
        assert_eq!(Reliability::of(&[]), None);
    }

    #[test]
    fn a_coin_scores_as_a_coin() {
        let coin: Vec<Outcome> =
            (0..100).map(|i| Outcome { stated: 0.5, is_true: i % 2 == 0 }).collect();
        let reliability = Reliability::of(&coin).unwrap();
        assert!((reliability.brier - 0.25).abs() < 1e-12);
        assert!(reliability.calibration_error < 1e-12);
    }

    proptest! {
        #[test]
        fn a_calibration_is_monotone_and_never_worse_on_its_own_outcomes(all in outcomes()) {
            let Some(calibration) = Calibration::fit(&all) else { return Ok(()) };
            let steps: Vec<f64> = (0..=100).map(|i| calibration.apply(f64::from(i) / 100.0)).collect();
            prop_assert!(steps.is_sorted_by(|a, b| *a <= *b + 1e-12));
            prop_assert!(steps.iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
