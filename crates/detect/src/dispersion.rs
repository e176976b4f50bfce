//! How widely something is spread: stake over operators, signatures over keys, votes over delegates.
//!
//! Shares sᵢ are weights over their sum. The Herfindahl–Hirschman index is Σ sᵢ² (U.S. Department of
//! Justice, Merger Guidelines), the effective number of entities its reciprocal; the Nakamoto
//! coefficient at a threshold t is the least number of entities that together hold at least t
//! (Srinivasan and Lee, 2017). Weights are exact; shares are floats for display and comparison.

use std::collections::BTreeMap;

use alloy_primitives::{U256, U512};

/// What a single entity must not be able to do alone: stop a chain with Byzantine faults, decide a
/// majority, finalise.
pub const THRESHOLDS: [Threshold; 3] =
    [Threshold { over: 1, of: 3 }, Threshold { over: 1, of: 2 }, Threshold { over: 2, of: 3 }];

/// A share as a fraction, so that comparing with it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold {
    /// Numerator.
    pub over: u64,
    /// Denominator.
    pub of: u64,
}

impl Threshold {
    /// Whether `part` of `whole` reaches it.
    pub fn is_reached(self, part: U256, whole: U256) -> bool {
        let wide = |a: U256, b: u64| U512::from(a) * U512::from(b);
        !whole.is_zero() && wide(part, self.of) >= wide(whole, self.over)
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        self.over as f64 / self.of as f64
    }
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.over, self.of)
    }
}

/// Figures of one distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispersion {
    /// Sum of the weights.
    pub total: U256,
    /// Entities with a weight, largest first, equal ones by name; each with its share.
    pub entities: Vec<(String, U256, f64)>,
    /// Σ sᵢ²; 1 when one has everything.
    pub hhi: f64,
    /// For each of [`THRESHOLDS`], how many of the largest hold it together.
    pub nakamoto: [usize; 3],
}

impl Dispersion {
    /// The figures; `None` when nobody has anything. Weights that sum to more than 256 bits are no
    /// distribution of anything.
    pub fn of(weights: &BTreeMap<String, U256>) -> Option<Self> {
        let mut entities: Vec<(&String, U256)> =
            weights.iter().filter(|(_, weight)| !weight.is_zero()).map(|(e, w)| (e, *w)).collect();
        entities.sort_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
        let total = entities.iter().try_fold(U256::ZERO, |sum, (_, w)| sum.checked_add(*w))?;
        if total.is_zero() {
            return None;
        }
        let nakamoto = THRESHOLDS.map(|threshold| {
            let mut held = U256::ZERO;
            let reaches = |(_, weight): &(&String, U256)| {
                held += *weight;
                threshold.is_reached(held, total)
            };
            entities.iter().position(reaches).map_or(entities.len(), |at| at + 1)
        });
        let share = |weight: U256| f64::from(weight) / f64::from(total);
        let hhi = entities.iter().map(|(_, weight)| share(*weight).powi(2)).sum();
        let entities =
            entities.into_iter().map(|(e, weight)| (e.clone(), weight, share(weight))).collect();
        Some(Self { total, entities, hhi, nakamoto })
    }

    /// 1 / HHI: how many equal entities would be as concentrated.
    pub fn effective(&self) -> f64 {
        1.0 / self.hhi
    }

    /// The largest entity and what it has.
    pub fn largest(&self) -> Option<(&str, U256, f64)> {
        self.entities.first().map(|(entity, weight, share)| (entity.as_str(), *weight, *share))
    }
}

/// Shares over two dimensions at once: entity by client, client by cloud.
pub fn joint(rows: &[(String, String, U256)]) -> BTreeMap<(String, String), f64> {
    let total = rows.iter().fold(U256::ZERO, |sum, (_, _, weight)| sum.saturating_add(*weight));
    let mut cells: BTreeMap<(String, String), f64> = BTreeMap::new();
    for (one, other, weight) in rows.iter().filter(|_| !total.is_zero()) {
        *cells.entry((one.clone(), other.clone())).or_default() +=
            f64::from(*weight) / f64::from(total);
    }
    cells
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(weights: &[(&str, u64)]) -> Dispersion {
        let weights = weights.iter().map(|(e, w)| ((*e).to_owned(), U256::from(*w))).collect();
        Dispersion::of(&weights).unwrap()
    }

    /// Shares as 28.8, 11.2, 8.0, 5.5, 4.5 and 42 of one hundred solo stakers: the figures are worked
    /// out by hand.
    #[test]
    fn the_figures_of_a_known_distribution() {
        let mut weights = vec![
            ("lido", 2_880),
            ("coinbase", 1_120),
            ("binance", 800),
            ("kiln", 550),
            ("figment", 450),
        ];
        let solo: Vec<String> = (0..100).map(|n| format!("solo {n:02}")).collect();
        weights.extend(solo.iter().map(|name| (name.as_str(), 42)));
        let found = of(&weights);
        assert_eq!(found.total, U256::from(10_000));
        // 0.288² + 0.112² + 0.08² + 0.055² + 0.045² + 100 · 0.0042²
        assert!((found.hhi - 0.108_702).abs() < 1e-9, "{}", found.hhi);
        assert!((found.effective() - 9.199_463).abs() < 1e-5, "{}", found.effective());
        // 28.8 + 11.2 = 40 ≥ 33.3; with binance 48, with kiln 53.5; two thirds after 58 + 21 · 0.42.
        assert_eq!(found.nakamoto, [2, 4, 26]);
        assert_eq!(found.largest().unwrap().0, "lido");
    }

    #[test]
    fn a_third_is_exactly_a_third() {
        let third = THRESHOLDS[0];
        assert!(third.is_reached(U256::from(1), U256::from(3)));
        assert!(!third.is_reached(U256::MAX / U256::from(3) - U256::from(1), U256::MAX));
        assert!(!third.is_reached(U256::ZERO, U256::ZERO));
        assert_eq!(of(&[("a", 1), ("b", 1), ("c", 1)]).nakamoto, [1, 2, 2]);
    }

    #[test]
    fn two_dimensions_at_once() {
        let row = |a: &str, b: &str, w: u64| (a.to_owned(), b.to_owned(), U256::from(w));
        let cells = joint(&[
            row("lido", "geth", 3),
            row("lido", "reth", 1),
            row("kiln", "geth", 4),
            row("lido", "geth", 2),
        ]);
        let of = |a: &str, b: &str| cells[&(a.to_owned(), b.to_owned())];
        assert_eq!((of("lido", "geth"), of("lido", "reth"), of("kiln", "geth")), (0.5, 0.1, 0.4));
    }

    proptest! {
        #[test]
        fn the_figures_keep_their_bounds(weights in proptest::collection::vec(0u64..1_000_000, 1..40)) {
            let weights: BTreeMap<String, U256> =
                weights.iter().enumerate().map(|(at, w)| (at.to_string(), U256::from(*w))).collect();
            let Some(found) = Dispersion::of(&weights) else { return Ok(()) };
            let n = found.entities.len();
            prop_assert!(found.hhi <= 1.0 + 1e-9 && found.hhi >= 1.0 / n as f64 - 1e-9);
            prop_assert!(found.nakamoto.is_sorted() && found.nakamoto[2] <= n);
            let sum: f64 = found.entities.iter().map(|(_, _, share)| share).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
