//! Which paths a monitor's contracts have seen, and how new a new one is.

use model::UnixSeconds;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::trace::Fingerprint;

/// Paths that are told apart: more than any protocol of the studies had, times a thousand. Beyond,
/// what is new is no longer learned, and the detector says that it is blind.
pub(super) const PATHS_MAX: u32 = 1_000_000;

/// One path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSeen {
    /// Transactions that took it.
    pub(super) count: u32,
    /// When first.
    pub(super) first: UnixSeconds,
}

/// All paths of a monitor, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Transactions with a path.
    pub(super) transactions: u64,
    /// Different paths.
    pub(super) paths: u32,
    /// Paths that were taken once.
    pub(super) once: u32,
}

impl Vocabulary {
    /// The share of transactions that are to be expected on a path never seen (Good and Turing: the
    /// share of those whose path was seen once).
    pub(super) fn unseen_share(&self) -> f64 {
        if self.transactions == 0 {
            return 1.0;
        }
        f64::from(self.once) / self.transactions as f64
    }

    /// Whether enough was seen to call a path new.
    pub(super) fn is_mature(&self, transactions_min: u64, unseen_share_max: f64) -> bool {
        self.transactions >= transactions_min && self.unseen_share() <= unseen_share_max
    }

    /// Counts a transaction whose path was taken so often before.
    pub(super) fn count(&mut self, before: u32) {
        self.transactions = self.transactions.saturating_add(1);
        match before {
            0 => {
                self.paths += 1;
                self.once += 1;
            }
            1 => self.once = self.once.saturating_sub(1),
            _ => {}
        }
    }
}

/// Paths that were learned beforehand, such as from the project's own tests on a fork: what a monitor
/// begins with instead of nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeds(FxHashMap<Fingerprint, u32>);

impl Seeds {
    /// Reads `FINGERPRINT xN`; what is no fingerprint was seen by nobody.
    pub(super) fn of(words: &[String]) -> Self {
        let seed = |word: &String| {
            let (fingerprint, times) = word.split_once(" x").unwrap_or((word, "1"));
            let fingerprint = u64::from_str_radix(fingerprint.trim(), 16).ok()?;
            Some((Fingerprint(fingerprint), times.trim().parse().ok()?))
        };
        Self(words.iter().filter_map(seed).collect())
    }

    /// How often a path was taken beforehand.
    pub(super) fn times(&self, path: Fingerprint) -> u32 {
        self.0.get(&path).copied().unwrap_or(0)
    }

    /// All of them, counted.
    pub(super) fn census(&self) -> Vocabulary {
        Vocabulary {
            transactions: self.0.values().map(|times| u64::from(*times)).sum(),
            paths: u32::try_from(self.0.len()).unwrap_or(u32::MAX),
            once: self.0.values().filter(|times| **times == 1).count() as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_paths_are_expected_until_old_ones_come_again() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.unseen_share(), 1.0);
        vocabulary.count(0);
        vocabulary.count(0);
        assert_eq!(vocabulary.unseen_share(), 1.0);
        vocabulary.count(1);
        vocabulary.count(2);
        assert_eq!((vocabulary.paths, vocabulary.unseen_share()), (2, 0.25));
        assert!(!vocabulary.is_mature(4, 0.02) && vocabulary.is_mature(4, 0.25));
    }
}
