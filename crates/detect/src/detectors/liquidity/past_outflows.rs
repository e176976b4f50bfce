//! How large outflows of one token usually are, and those lately that were large.

use alloy_primitives::Address;
use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::thresholds::Pareto;

/// Outflows that count: beyond, what is known is thinned to the half, so that a protocol that grows
/// is measured by what it is now. At two hundred outflows a day six weeks.
const SEEN_MAX: u32 = 8_192;

/// Share of the outflows above which the tail begins, and most of them that are kept for it.
const TAIL_SHARE: f64 = 0.05;
const KEPT: usize = (SEEN_MAX as f64 * TAIL_SHARE) as usize + 1;

/// Fewest outflows above the threshold that a tail is drawn through; until then they are counted.
const EXCEEDANCES_MIN: usize = 50;

/// Large outflows of the last minutes that are held against each other: more in that time is a
/// run on the contract, which other rules tell.
const RECENT_MAX: usize = 32;

/// Sizes of past outflows of one token from one contract, as natural logarithms of the smallest unit,
/// and the large ones of late.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PastOutflows {
    seen: u32,
    /// The largest, descending.
    largest: Vec<f32>,
    /// Oldest first.
    recent: Vec<Large>,
}

/// A large outflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Large {
    pub(super) at: UnixSeconds,
    pub(super) sender: Address,
    pub(super) taker: Address,
    /// Natural logarithm of its probability.
    pub(super) ln_p: f32,
    /// Amount in the smallest unit, for the sum that is told.
    pub(super) amount: alloy_primitives::U256,
    pub(super) is_told: bool,
}

impl Large {
    fn is_kin_of(&self, other: &Self) -> bool {
        let known = [other.sender, other.taker];
        known.contains(&self.sender) || known.contains(&self.taker)
    }
}

impl PastOutflows {
    /// Outflows that are known.
    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// The share of outflows that are at least as large as one of this logarithm, by all that is
    /// known; 1 for what is not among the largest.
    ///
    /// Beyond the threshold by a generalised Pareto distribution through the logarithms once there
    /// are enough, else counted. A tail that seems to end is not believed to: in amounts it falls as
    /// a power at the fastest, because what nobody has withdrawn yet is not impossible.
    pub(super) fn probability(&self, ln_amount: f64) -> f64 {
        let above = self.largest.partition_point(|known| f64::from(*known) >= ln_amount);
        if above == self.largest.len() && self.largest.len() as u32 != self.seen {
            return 1.0;
        }
        let counted = (above as f64 + 1.0) / (f64::from(self.seen) + 1.0);
        let in_tail = (TAIL_SHARE * f64::from(self.seen)) as usize;
        let in_tail = in_tail.min(self.largest.len().saturating_sub(1));
        if in_tail < EXCEEDANCES_MIN || ln_amount <= f64::from(self.largest[in_tail]) {
            return counted.min(1.0);
        }
        let threshold = f64::from(self.largest[in_tail]);
        let excess = |known: &f32| f64::from(*known) - threshold;
        let excesses: Vec<f64> = self.largest[..in_tail].iter().rev().map(excess).collect();
        let share = in_tail as f64 / f64::from(self.seen);
        match Pareto::fit(&excesses) {
            Some(tail) => share * tail.unending().share_above(ln_amount - threshold),
            None => counted,
        }
    }

    /// Adds an outflow to the past.
    pub(super) fn learn(&mut self, ln_amount: f64) {
        if self.seen == SEEN_MAX {
            self.seen /= 2;
            let mut odd = false;
            self.largest.retain(|_| {
                odd = !odd;
                odd
            });
        }
        self.seen += 1;
        let ln_amount = ln_amount as f32;
        let at = self.largest.partition_point(|known| *known >= ln_amount);
        if at < KEPT {
            self.largest.insert(at, ln_amount);
            self.largest.truncate(KEPT);
        }
    }

    /// Takes a large outflow into the last `window_s`: all of that time that belong together with it,
    /// by who asked for them or who got them, itself included.
    pub(super) fn beside(&mut self, new: Large, window_s: u64) -> Vec<&mut Large> {
        let now = new.at;
        self.recent.retain(|old| now.seconds_since(old.at) <= window_s);
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push(new);
        // The newest, its kin, their kin: at most as many rounds as there are outflows.
        let mut kin = vec![false; self.recent.len()];
        let mut open = vec![self.recent.len() - 1];
        while let Some(at) = open.pop() {
            kin[at] = true;
            let more = (0..self.recent.len())
                .filter(|other| !kin[*other] && self.recent[*other].is_kin_of(&self.recent[at]));
            open.extend(more.collect::<Vec<_>>());
        }
        self.recent.iter_mut().zip(kin).filter(|(_, is_kin)| *is_kin).map(|(one, _)| one).collect()
    }
}

/// The probability that as many outflows are together as rare as these (Fisher's sum: minus twice the
/// logarithms is chi squared with two degrees of freedom each, whose upper tail has a closed form).
pub(super) fn together(ln_p: impl Iterator<Item = f64>) -> f64 {
    let (mut half, mut count) = (0.0, 0_u32);
    for ln_p in ln_p {
        half -= ln_p;
        count += 1;
    }
    let (mut term, mut sum) = (1.0, 0.0);
    for i in 0..count {
        sum += term;
        term *= half / f64::from(i + 1);
    }
    (libm::exp(-half) * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logarithms at the ranks of a log-normal distribution, in an order that mixes them.
    fn known(n: u32) -> PastOutflows {
        let mut past = PastOutflows::default();
        for i in 0..n {
            let rank = (i.wrapping_mul(7_919) % n) as f64 + 0.5;
            past.learn(20.0 - libm::log(1.0 - rank / f64::from(n)));
        }
        past
    }

    #[test]
    fn a_size_is_as_rare_as_its_tail_says() {
        let past = known(4_000);
        // One in e^x lies x above the least, by how they were made.
        for beyond in [4.0, 6.0, 9.0, 12.0] {
            let exact = libm::exp(-beyond);
            let found = past.probability(20.0 + beyond);
            assert!((0.5..2.0).contains(&(found / exact)), "{beyond}: {found} for {exact}");
        }
        assert_eq!(past.probability(20.0), 1.0);
    }

    #[test]
    fn with_a_short_past_nothing_is_rarer_than_it_can_count() {
        let past = known(500);
        assert_eq!(past.probability(1_000.0), 1.0 / 501.0);
        assert_eq!(PastOutflows::default().probability(50.0), 1.0);
    }

    #[test]
    fn the_past_is_bounded_and_thinned() {
        let past = known(30_000);
        assert!(past.seen <= SEEN_MAX && past.largest.len() <= KEPT, "{}", past.seen);
        assert!(past.largest.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn three_of_one_in_a_hundred_are_together_one_in_nine_thousand() {
        let together = together([0.01_f64; 3].into_iter().map(f64::ln));
        // e^-h (1 + h + h^2/2) with h = 3 ln 100.
        assert!((1.0 / together - 9_070.3).abs() < 0.1, "{}", 1.0 / together);
        assert!((super::together([0.3_f64.ln()].into_iter()) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn outflows_belong_together_by_sender_or_taker() {
        let mut past = PastOutflows::default();
        let account = Address::repeat_byte;
        let large = |at, sender, taker| Large {
            at: UnixSeconds(at),
            sender: account(sender),
            taker: account(taker),
            ln_p: -5.0,
            amount: Default::default(),
            is_told: false,
        };
        assert_eq!(past.beside(large(0, 1, 11), 600).len(), 1);
        assert_eq!(past.beside(large(10, 2, 12), 600).len(), 1);
        assert_eq!(past.beside(large(20, 3, 12), 600).len(), 2);
        // Joins both.
        assert_eq!(past.beside(large(30, 1, 12), 600).len(), 4);
        // The first two are too long ago by then.
        assert_eq!(past.beside(large(615, 1, 12), 600).len(), 3);
    }
}
