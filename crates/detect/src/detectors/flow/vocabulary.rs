//! Which paths a monitor's contracts have seen, and how new a new one is.

use model::{PathSalt, UnixSeconds};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::trace::Fingerprint;

/// Paths that are told apart: more than any protocol of the studies had, times a thousand. Beyond,
/// what is new is no longer learned, and the detector says that it is blind.
pub(super) const PATHS_MAX: u32 = 1_000_000;

/// Transactions after an upgrade that are looked at more closely: the first users of other code are
/// the likeliest to find out what is wrong with it.
const CLOSER_LOOK_TRANSACTIONS: u16 = 100;

/// One path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSeen {
    /// Transactions that took it.
    pub(super) count: u32,
    /// When first.
    pub(super) first: UnixSeconds,
    /// Fingerprint of the path together with the code that ran on it last; 0 while that is unknown.
    pub(super) under: u64,
    /// Transactions since other code runs on it; all of them when it never changed.
    pub(super) under_code: u32,
    /// Whether it is part of everyday use.
    pub(super) standing: Standing,
}

impl PathSeen {
    /// A path that was taken so often before, and is usual.
    pub(super) fn usual(count: u32, at: UnixSeconds) -> Self {
        Self { count, first: at, under: 0, under_code: count, standing: Standing::Usual }
    }

    /// Counts a use, on which this code ran; `is_replaced` says that it is not the code of before.
    pub(super) fn count(&mut self, under: Fingerprint, is_replaced: bool) {
        self.count = self.count.saturating_add(1);
        if is_replaced && self.under != 0 && self.under != under.0 {
            self.under_code = 0;
        }
        self.under = under.0;
        self.under_code = self.under_code.saturating_add(1);
    }
}

/// All paths of a monitor, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Transactions with a path.
    pub(super) transactions: u64,
    /// Different paths.
    pub(super) paths: u32,
    /// Paths that were taken once.
    pub(super) once: u32,
    /// Mark of the salt that their fingerprints are made with.
    salt: Option<String>,
    /// Whether other paths were known before, under another salt.
    is_anew: bool,
    /// Transactions that are still looked at more closely, because other code runs.
    closer_look: u16,
}

impl Vocabulary {
    /// The same; or when it was made under another salt, what `seeds` taught, and nothing else: its
    /// fingerprints say nothing any more.
    pub(super) fn under(self, salt: &PathSalt, seeds: &Seeds) -> Self {
        match salt.mark() {
            mark if mark == self.salt => self,
            mark => Self { salt: mark, is_anew: true, ..seeds.census() },
        }
    }

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

    /// Whether what was known is learned once more, because the salt is another.
    pub(super) fn is_anew(&self) -> bool {
        self.is_anew
    }

    /// Whether other code runs since a short while.
    pub(super) fn has_closer_look(&self) -> bool {
        self.closer_look > 0
    }

    /// Counts a transaction whose path was taken so often before.
    pub(super) fn count(&mut self, before: u32, is_replaced: bool) {
        self.transactions = self.transactions.saturating_add(1);
        self.closer_look = match is_replaced {
            true => CLOSER_LOOK_TRANSACTIONS,
            false => self.closer_look.saturating_sub(1),
        };
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

/// A path as the first version of this program remembered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathCounted {
    count: u32,
    first: UnixSeconds,
}

/// All paths as the first version of this program remembered them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathsCounted {
    transactions: u64,
    paths: u32,
    once: u32,
}

impl From<PathCounted> for PathSeen {
    fn from(before: PathCounted) -> Self {
        Self::usual(before.count, before.first)
    }
}

impl From<PathsCounted> for Vocabulary {
    /// There were no salts then.
    fn from(before: PathsCounted) -> Self {
        let PathsCounted { transactions, paths, once } = before;
        Self { transactions, paths, once, ..Self::default() }
    }
}

/// Paths that were learned beforehand, such as from the project's own tests on a fork: what a monitor
/// begins with instead of nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeds {
    times: FxHashMap<Fingerprint, u32>,
    salt: PathSalt,
}

impl Seeds {
    /// Reads `FINGERPRINT xN`; what is no fingerprint was seen by nobody.
    pub(super) fn of(words: &[String], salt: &PathSalt) -> Self {
        let seed = |word: &String| {
            let (fingerprint, times) = word.split_once(" x").unwrap_or((word, "1"));
            let fingerprint = u64::from_str_radix(fingerprint.trim(), 16).ok()?;
            Some((Fingerprint(fingerprint), times.trim().parse().ok()?))
        };
        Self { times: words.iter().filter_map(seed).collect(), salt: salt.clone() }
    }

    /// How often a path was taken beforehand.
    pub(super) fn times(&self, path: Fingerprint) -> u32 {
        self.times.get(&path).copied().unwrap_or(0)
    }

    /// All of them, counted.
    pub(super) fn census(&self) -> Vocabulary {
        Vocabulary {
            transactions: self.times.values().map(|times| u64::from(*times)).sum(),
            paths: u32::try_from(self.times.len()).unwrap_or(u32::MAX),
            once: self.times.values().filter(|times| **times == 1).count() as u32,
            salt: self.salt.mark(),
            ..Vocabulary::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;
    use crate::state::{Key, Kind, Remembered, Value};

    #[test]
    fn new_paths_are_expected_until_old_ones_come_again() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.unseen_share(), 1.0);
        vocabulary.count(0, false);
        vocabulary.count(0, false);
        assert_eq!(vocabulary.unseen_share(), 1.0);
        vocabulary.count(1, false);
        vocabulary.count(2, false);
        assert_eq!((vocabulary.paths, vocabulary.unseen_share()), (2, 0.25));
        assert!(!vocabulary.is_mature(4, 0.02) && vocabulary.is_mature(4, 0.25));
    }

    #[test]
    fn other_code_is_looked_at_closely_for_a_hundred_transactions() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.count(9, true);
        for _ in 0..CLOSER_LOOK_TRANSACTIONS {
            assert!(vocabulary.has_closer_look());
            vocabulary.count(9, false);
        }
        assert!(!vocabulary.has_closer_look());
    }

    #[test]
    fn another_salt_begins_anew_and_says_so() {
        let salt = |text: &str| PathSalt::new(Secret::new(text.to_owned()));
        let known = Vocabulary { transactions: 900, paths: 9, ..Vocabulary::default() };
        assert_eq!(known.clone().under(&salt(""), &Seeds::default()), known);
        let seeds = Seeds::of(&["0000000000000001 x7".to_owned()], &salt("a"));
        let anew = known.under(&salt("a"), &seeds);
        assert!(anew.is_anew() && anew.transactions == 7 && anew.paths == 1);
        assert_eq!(anew.clone().under(&salt("a"), &seeds), anew);
    }

    #[test]
    fn what_the_first_version_learned_stays_learned() {
        let read = |kind: Kind, value: &[u8]| {
            let bytes = [&[1], value].concat();
            Value::decode(&Key::new(kind), &bytes).unwrap()
        };
        let path = postcard::to_allocvec(&PathCounted { count: 7, first: UnixSeconds(9) }).unwrap();
        let path = read(Kind::PathSeen, &path);
        assert_eq!(**PathSeen::of(&path).unwrap(), PathSeen::usual(7, UnixSeconds(9)));
        let all = PathsCounted { transactions: 900, paths: 9, once: 2 };
        let all = read(Kind::Vocabulary, &postcard::to_allocvec(&all).unwrap());
        let all = Vocabulary::of(&all).unwrap();
        assert_eq!((all.transactions, all.paths, all.once), (900, 9, 2));
    }
}
