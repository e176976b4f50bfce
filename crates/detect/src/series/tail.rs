//! How rare is a number, given the numbers before it?

use serde::{Deserialize, Serialize};

/// Largest values kept of a block.
const KEPT: usize = 30;

/// Numbers in a block: what is older than two blocks is forgotten, so that the judgement follows a
/// series whose nature changes. At one number a minute eleven days.
const BLOCK: u32 = 16_384;

/// Numbers before anything is called rare.
const WARM_UP: u32 = 5;

/// Tail index taken until the values speak for themselves, and how many values it counts for:
/// between a normal tail (0) and Student's t with three degrees of freedom (1/3).
const INDEX_PRIOR: f64 = 0.25;
const INDEX_PRIOR_WEIGHT: f64 = 5.0;
const INDEX_MIN: f64 = 0.05;

/// Fewest values that a tail is drawn through.
const VALUES_MIN: usize = 4;

/// Upper tail of a stream of numbers >= 0, in constant memory.
///
/// The largest numbers of the block being filled and of the one before are kept. Among them, the
/// probability of a number is counted; beyond, it is extrapolated by a Pareto tail whose index is
/// Hill's estimator (Annals of Statistics 3, 1975) over the numbers kept, drawn to a prior. Half the
/// weight stays with the count, so that neither a heavy tail nor a short past makes a small excess
/// absurdly rare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    now: Block,
    before: Block,
}

/// The largest numbers of a block, descending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Block {
    largest: Vec<f32>,
    seen: u32,
}

impl Block {
    fn new() -> Self {
        Self { largest: Vec::new(), seen: 0 }
    }
}

impl Default for Tail {
    fn default() -> Self {
        Self::new()
    }
}

impl Tail {
    /// A tail that has seen nothing.
    pub fn new() -> Self {
        Self { now: Block::new(), before: Block::new() }
    }

    /// -log10 of the probability of a number of at least `x`; 0 while too little is known.
    pub fn surprise(&self, x: f64) -> f64 {
        let seen = self.now.seen + self.before.seen;
        let kept = self.now.largest.len() + self.before.largest.len();
        if seen < WARM_UP || x.is_nan() || x <= 0.0 {
            return 0.0;
        }
        // As it is kept: a ratio beyond that is no less probable in any way that could be told.
        let x = x.min(f64::from(f32::MAX));
        let total = f64::from(seen) + 1.0;
        let values = || self.now.largest.iter().chain(&self.before.largest).map(|v| f64::from(*v));
        let above = values().filter(|v| *v >= x).count() as f64;
        let counted = libm::log10((above + 0.5) / total);
        if kept < VALUES_MIN {
            return -counted;
        }
        // Below the smallest number that is kept in both blocks nothing is counted.
        let is_full = |block: &Block| block.largest.len() == KEPT;
        let floor = [&self.now, &self.before]
            .into_iter()
            .filter(|block| is_full(block))
            .filter_map(|block| block.largest.last())
            .fold(0.0_f32, |floor, x| floor.max(*x));
        let smallest =
            if floor > 0.0 { f64::from(floor) } else { values().fold(f64::MAX, f64::min) };
        let count = values().filter(|v| *v >= smallest).count() as f64;
        let share = (count / total).min(1.0);
        if x <= smallest {
            return -libm::log10(share) * x / smallest;
        }
        let excess: f64 = values().filter(|v| *v > smallest).map(|v| libm::log(v / smallest)).sum();
        let index = ((excess + INDEX_PRIOR * INDEX_PRIOR_WEIGHT) / (count + INDEX_PRIOR_WEIGHT))
            .max(INDEX_MIN);
        let extrapolated = libm::log10(share) - libm::log10(x / smallest) / index;
        (-0.5 * (extrapolated + counted)).max(0.0)
    }

    /// Probability of a number of at least `x`, as far as it can be counted or extrapolated; 1 for
    /// numbers below those kept, which are not rare.
    pub fn probability(&self, x: f64) -> f64 {
        let is_kept = |block: &Block| block.largest.last().is_some_and(|v| x > f64::from(*v));
        let full = |block: &Block| block.largest.len() == KEPT;
        let is_counted = [&self.now, &self.before].into_iter().all(|b| !full(b) || is_kept(b));
        if is_counted { libm::pow(10.0, -self.surprise(x)) } else { 1.0 }
    }

    /// Adds a number to the past.
    pub fn learn(&mut self, x: f64) {
        if self.now.seen == BLOCK {
            self.before = std::mem::replace(&mut self.now, Block::new());
        }
        self.now.seen += 1;
        // Signs that are mostly zero have their tail among the others.
        let x = x.min(f64::from(f32::MAX)) as f32;
        if x > 0.0 {
            let at = self.now.largest.partition_point(|v| *v >= x);
            if at < KEPT {
                self.now.largest.insert(at, x);
                self.now.largest.truncate(KEPT);
            }
        }
    }
}
