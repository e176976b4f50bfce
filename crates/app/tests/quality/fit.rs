//! The weights, fitted anew without what they are tried on: how much of the recall is owed to having
//! seen the attacks.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use detect::trace::{Assessment, Found, Signal};

const FOLDS: usize = 5;

/// Rounds of AdaGrad; the weights have settled to two digits long before.
const ROUNDS: usize = 600;

/// L2 penalty and weight of an attack against an everyday pair: those of the shipped weights.
const PENALTY: f64 = 0.35;
const ATTACK_WEIGHT: f64 = 20.0;

/// Added to the highest everyday score of the training part.
const MARGIN: f64 = 0.1;

/// How often each set of shapes was seen, by fold and kind.
#[derive(Default)]
pub(crate) struct Patterns {
    seen: BTreeMap<(usize, bool, Vec<usize>), usize>,
}

#[derive(Default)]
pub(crate) struct HeldOut {
    pub(crate) paged: usize,
    pub(crate) attacks: usize,
    pub(crate) false_pages: usize,
    pub(crate) pairs: usize,
}

fn place(signal: Signal) -> usize {
    Signal::ALL.iter().position(|known| *known == signal).unwrap()
}

impl Patterns {
    pub(crate) fn attack(&mut self, hash: &B256, assessment: &Assessment) {
        let lines = assessment.contributions.iter().map(|line| line.found.signal);
        self.add(hash, true, lines.map(place).collect());
    }

    pub(crate) fn everyday(&mut self, hash: &B256, found: &[Found]) {
        self.add(hash, false, found.iter().map(|found| place(found.signal)).collect());
    }

    fn add(&mut self, hash: &B256, is_attack: bool, mut shapes: Vec<usize>) {
        shapes.sort_unstable();
        // A transaction with all its contracts is in one fold.
        let fold = usize::from(hash[31]) % FOLDS;
        *self.seen.entry((fold, is_attack, shapes)).or_default() += 1;
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
                .filter(|((_, is_attack, _), _)| !is_attack)
                .map(|((_, _, shapes), _)| score(shapes))
                .fold(0.0, f64::max);
            for ((_, is_attack, shapes), count) in part(true) {
                let is_paged = score(shapes) > highest + MARGIN;
                let (hits, all) = if *is_attack {
                    (&mut sum.paged, &mut sum.attacks)
                } else {
                    (&mut sum.false_pages, &mut sum.pairs)
                };
                *all += count;
                *hits += if is_paged { *count } else { 0 };
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
            for ((_, is_attack, shapes), count) in
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
