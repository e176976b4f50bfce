//! The weights, fitted anew without what they are tried on: how much of the recall is owed to having
//! seen the attacks.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use detect::trace::Signal;

use crate::rules::Judged;

const FOLDS: usize = 5;

/// Rounds of AdaGrad; the weights have settled to two digits long before.
const ROUNDS: usize = 600;

/// L2 penalty and weight of an attack against an everyday pair: those of the shipped weights.
const PENALTY: f64 = 0.35;
const ATTACK_WEIGHT: f64 = 20.0;

/// Added to the highest everyday score of the training part.
const MARGIN: f64 = 0.1;

/// What was seen alike: the fold, whether it is an attack, whether a rule pages that is not fitted,
/// and the shapes.
type Pattern = (usize, bool, bool, Vec<usize>);

/// How often each pattern was seen.
#[derive(Default)]
pub(crate) struct Patterns {
    seen: BTreeMap<Pattern, usize>,
}

#[derive(Default)]
pub(crate) struct HeldOut {
    /// Attacks that page by any rule.
    pub(crate) paged: usize,
    /// Attacks that page by the fitted one.
    pub(crate) paged_by_shape: usize,
    pub(crate) attacks: usize,
    pub(crate) false_pages: usize,
    pub(crate) pairs: usize,
}

fn place(signal: Signal) -> usize {
    Signal::ALL.iter().position(|known| *known == signal).unwrap()
}

impl Patterns {
    /// Attacks on one contract are in one fold.
    pub(crate) fn attack(&mut self, victim: &Address, judged: &Judged) {
        self.add(victim[19], true, judged);
    }

    /// A transaction with all its contracts is in one fold.
    pub(crate) fn everyday(&mut self, hash: &B256, judged: &Judged) {
        self.add(hash[31], false, judged);
    }

    fn add(&mut self, key: u8, is_attack: bool, judged: &Judged) {
        let mut shapes: Vec<usize> = judged.found.iter().map(|one| place(one.signal)).collect();
        shapes.sort_unstable();
        let fold = usize::from(key) % FOLDS;
        let pattern = (fold, is_attack, judged.is_paged_unfitted(), shapes);
        *self.seen.entry(pattern).or_default() += 1;
    }

    /// The weights of all the data, in the order of [`Signal::ALL`]: beside them the shipped ones
    /// show what was changed by hand.
    pub(crate) fn fitted_on_all(&self) -> Vec<f64> {
        let mut weights = self.fit(FOLDS);
        weights.truncate(Signal::ALL.len());
        weights
    }

    pub(crate) fn cross_validated(&self) -> HeldOut {
        let mut sum = HeldOut::default();
        for fold in 0..FOLDS {
            let weights = self.fit(fold);
            let score = |shapes: &[usize]| shapes.iter().map(|at| weights[*at]).sum::<f64>();
            let part =
                |held: bool| self.seen.iter().filter(move |((of, ..), _)| (*of == fold) == held);
            let highest = part(false)
                .filter(|((_, is_attack, ..), _)| !is_attack)
                .map(|((.., shapes), _)| score(shapes))
                .fold(0.0, f64::max);
            for ((_, is_attack, is_paged_unfitted, shapes), count) in part(true) {
                let by_shape = score(shapes) > highest + MARGIN;
                let is_paged = by_shape || *is_paged_unfitted;
                let (hits, all) = if *is_attack {
                    (&mut sum.paged, &mut sum.attacks)
                } else {
                    (&mut sum.false_pages, &mut sum.pairs)
                };
                *all += count;
                *hits += if is_paged { *count } else { 0 };
                if *is_attack && by_shape {
                    sum.paged_by_shape += count;
                }
            }
        }
        sum
    }

    /// Logistic regression without negative weights on all folds but one.
    fn fit(&self, without: usize) -> Vec<f64> {
        let n = Signal::ALL.len();
        // The last place is the intercept.
        let mut weights = vec![0.0; n + 1];
        weights[n] = -4.0;
        let mut squares = vec![1e-8; n + 1];
        for _ in 0..ROUNDS {
            let mut slope: Vec<f64> = weights.iter().map(|w| 2.0 * PENALTY * w).collect();
            slope[n] = 0.0;
            for ((_, is_attack, _, shapes), count) in
                self.seen.iter().filter(|((fold, ..), _)| *fold != without)
            {
                let sum: f64 = weights[n] + shapes.iter().map(|at| weights[*at]).sum::<f64>();
                let share = 1.0 / (1.0 + (-sum).exp());
                let (target, scale) = if *is_attack { (1.0, ATTACK_WEIGHT) } else { (0.0, 1.0) };
                let step = scale * *count as f64 * (share - target);
                slope[n] += step;
                shapes.iter().for_each(|at| slope[*at] += step);
            }
            for at in 0..=n {
                squares[at] += slope[at] * slope[at];
                weights[at] -= 0.5 * slope[at] / squares[at].sqrt();
                if at < n {
                    weights[at] = weights[at].max(0.0);
                }
            }
        }
        weights
    }
}
