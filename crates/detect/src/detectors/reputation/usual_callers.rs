//! How old the callers of a contract usually are, and how much more often attackers are like one.

use model::Address;
use serde::{Deserialize, Serialize};

const DAY_S: u64 = 86_400;

/// Upper ends of the ages that are told apart, in seconds; the last is everything older.
const AGE_BINS_S: [u64; 5] = [3_600, DAY_S, 7 * DAY_S, 30 * DAY_S, u64::MAX];

/// Upper ends of the counts of earlier transactions that are told apart.
const NONCE_BINS: [u64; 4] = [0, 4, 19, u64::MAX];

/// Shares of attackers and of ordinary callers by age and by earlier transactions. Stated, not
/// fitted: no public set says how old attackers' accounts were. Ordinary callers' shares are only
/// where learning begins.
const ATTACKERS_BY_AGE: [f64; 5] = [0.30, 0.30, 0.20, 0.10, 0.10];
const USUAL_BY_AGE: [f64; 5] = [0.01, 0.02, 0.05, 0.07, 0.85];
const ATTACKERS_BY_NONCE: [f64; 4] = [0.25, 0.35, 0.25, 0.15];
const USUAL_BY_NONCE: [f64; 4] = [0.03, 0.07, 0.15, 0.75];

/// How many callers the usual shares are worth before any was seen.
const USUAL_WEIGHT: f64 = 100.0;

/// How old the callers of one monitor's contracts were: counts by age and earlier transactions. The
/// last row is callers of unknown age.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualCallers([[u64; 4]; 6]);

/// Who acts in a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) address: Address,
    /// Earlier transactions; a smart account has none of its own.
    pub(super) nonce: Option<u64>,
    /// Since it was first seen, when that is recorded.
    pub(super) age_s: Option<u64>,
}

impl UsualCallers {
    /// Places of a caller: row of age, and column of earlier transactions where it has one.
    fn place(caller: Caller) -> (usize, Option<usize>) {
        let bin = |bins: &[u64], value: u64, is_in: fn(u64, u64) -> bool| {
            bins.iter().position(|end| is_in(value, *end)).unwrap_or(bins.len() - 1)
        };
        let age = caller.age_s.map_or(5, |age| bin(&AGE_BINS_S, age, |value, end| value < end));
        (age, caller.nonce.map(|nonce| bin(&NONCE_BINS, nonce, |value, end| value <= end)))
    }

    pub(super) fn learn(&mut self, caller: Caller) {
        let (age, nonce) = Self::place(caller);
        // A smart account counts as one with a past: its bundler has one.
        let cell = &mut self.0[age][nonce.unwrap_or(3)];
        *cell = cell.saturating_add(1);
    }

    /// ln of how much more often an attacker is like this than a caller of these contracts was so
    /// far. Of an unknown age nothing follows; then earlier transactions are all there is.
    pub(super) fn llr(&self, caller: Caller) -> f64 {
        let (age, nonce) = Self::place(caller);
        let row = |age: usize| self.0[age].iter().sum::<u64>() as f64;
        let known: f64 = (0..5).map(row).sum();
        match (age, nonce) {
            (5, None) => 0.0,
            (5, Some(nonce)) => {
                let seen: f64 = self.0.iter().map(|row| row[nonce] as f64).sum();
                let all = known + row(5);
                let usual = (seen + USUAL_WEIGHT * USUAL_BY_NONCE[nonce]) / (all + USUAL_WEIGHT);
                libm::log(ATTACKERS_BY_NONCE[nonce] / usual)
            }
            (age, None) => {
                let usual = (row(age) + USUAL_WEIGHT * USUAL_BY_AGE[age]) / (known + USUAL_WEIGHT);
                libm::log(ATTACKERS_BY_AGE[age] / usual)
            }
            (age, Some(nonce)) => {
                let prior = USUAL_BY_AGE[age] * USUAL_BY_NONCE[nonce];
                let seen = self.0[age][nonce] as f64;
                let usual = (seen + USUAL_WEIGHT * prior) / (known + USUAL_WEIGHT);
                libm::log(ATTACKERS_BY_AGE[age] * ATTACKERS_BY_NONCE[nonce] / usual)
            }
        }
    }
}

impl Caller {
    /// Whether it made more transactions than an account without a past does.
    pub(super) fn is_old_hand(nonce: u64) -> bool {
        nonce > NONCE_BINS[2]
    }
}
