//! How often one account calls a function within a minute, against how often accounts do.

use model::{Address, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::{thresholds::special::negative_binomial_tail, windows::SpaceSaving};

/// Accounts whose burst was told and is going on; more at once is another matter than one account.
const TOLD_MAX: usize = 64;

/// An account that bursts again so soon goes on with what it did.
const REFRACTORY_S: u64 = 1_800;

/// What the counts of calls are told apart to; a larger one is counted as this many.
const COUNTS_MAX: usize = 64;

/// What one minute keeps of the past: half of it after seven days of minutes with calls.
const KEEP_PER_MINUTE: f64 = 1.0 - std::f64::consts::LN_2 / 10_080.0;

/// How often one account calls a function within a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bursts {
    pub(super) first_at: UnixSeconds,
    /// Chain time divided by a minute.
    minute: u64,
    pub(super) callers: SpaceSaving,
    /// Discounted numbers of (account, minute) pairs by their calls, from one call on.
    counts: Vec<f64>,
    /// Pairs learned from.
    pub(super) learned: u64,
    /// Accounts whose burst was told: until when it is the same one, and whose it is.
    told: Vec<(UnixSeconds, Address)>,
}

impl Bursts {
    pub(super) fn new(first_at: UnixSeconds) -> Self {
        Self {
            first_at,
            minute: first_at.0 / 60,
            callers: SpaceSaving::default(),
            counts: Vec::new(),
            learned: 0,
            told: Vec::new(),
        }
    }

    /// Learns from a minute that ended. What was told is no part of what is usual.
    pub(super) fn turn_over(&mut self, now: UnixSeconds) {
        let minute = now.0 / 60;
        if minute == self.minute {
            return;
        }
        self.counts.iter_mut().for_each(|count| *count *= KEEP_PER_MINUTE);
        let (callers, told) = (std::mem::take(&mut self.callers), &self.told);
        let innocent = callers.iter().filter(|c| told.iter().all(|(_, a)| *a != c.address));
        for counted in innocent {
            let calls = counted.at_least().clamp(1, COUNTS_MAX as u64) as usize;
            if self.counts.len() < calls {
                self.counts.resize(calls, 0.0);
            }
            self.counts[calls - 1] += 1.0;
            self.learned += 1;
        }
        self.told.retain(|(until, _)| *until > now);
        self.minute = minute;
    }

    pub(super) fn is_new(&mut self, caller: Address, now: UnixSeconds) -> bool {
        let until = UnixSeconds(now.0.saturating_add(REFRACTORY_S));
        if let Some(known) = self.told.iter_mut().find(|(_, address)| *address == caller) {
            known.0 = until;
            return false;
        }
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push((until, caller));
        true
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Usual calls of an account in a minute in which it calls.
    pub(super) fn mean(&self) -> f64 {
        1.0 + self.beyond_first()
    }

    /// Mean of the calls after the first; half a call is put on top of what was seen, so that one
    /// that never happened has a chance.
    fn beyond_first(&self) -> f64 {
        let sum: f64 = self.counts.iter().enumerate().map(|(at, n)| at as f64 * n).sum();
        (sum + 0.5) / (self.total() + 1.0)
    }

    /// Their variance, at least that of counting.
    pub(super) fn variance(&self) -> f64 {
        let mean = self.beyond_first();
        let squares: f64 = self
            .counts
            .iter()
            .enumerate()
            .map(|(at, n)| n * (at as f64 - mean) * (at as f64 - mean))
            .sum();
        (squares / self.total().max(1.0)).max(mean)
    }

    /// The chance of at least so many calls by an account that is like the others.
    pub(super) fn tail(&self, calls: u64) -> f64 {
        negative_binomial_tail(calls.saturating_sub(1), self.beyond_first(), self.variance())
    }

    /// The count that this share of all stays within.
    pub(super) fn quantile(&self, share: f64) -> u64 {
        let (mut below, wanted) = (0.0, share * self.total());
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= wanted {
                return at as u64 + 1;
            }
        }
        self.counts.len() as u64
    }
}
