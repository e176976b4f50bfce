//! What a guarded contract holds of one token, and what left it over the last day.

use std::collections::VecDeque;

use alloy_primitives::U256;
use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::flows::Part;
use crate::detectors::block::to_f64;

/// Length of one slice of the outflow of the last day.
const SLICE_S: u64 = 300;
pub(super) const SLICES_PER_HOUR: u64 = 12;
pub(super) const SLICES_PER_DAY: u64 = 288;

/// Days whose balances make the median.
const DAYS_MAX: usize = 30;

/// What a guarded contract holds of one token, and what left it lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub(super) balance: U256,
    pub(super) is_known: bool,
    /// (slice, out, in) of the last day, oldest first; moves between guarded contracts left out.
    pub(super) slices: VecDeque<(u64, U256, U256)>,
    /// (day, balance when it was first touched that day), oldest first.
    pub(super) days: VecDeque<(u64, U256)>,
    pub(super) is_hour_told: bool,
    pub(super) is_day_told: bool,
    pub(super) is_reserve_told: bool,
}

impl Holding {
    /// Standard deviation of the balances of the last days, as a share of their median.
    pub(super) fn relative_spread(&self) -> f64 {
        let Some(median) = self.median().map(to_f64).filter(|median| *median > 0.0) else {
            return 0.0;
        };
        let n = self.days.len() as f64;
        let shares = || self.days.iter().map(|(_, balance)| to_f64(*balance) / median);
        let mean = shares().sum::<f64>() / n;
        libm::sqrt(shares().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (n - 1.0).max(1.0))
    }

    pub(super) fn take(&mut self, at: UnixSeconds, part: &Part) {
        self.balance = part.after(self.balance);
        let slice = at.0 / SLICE_S;
        while self.slices.front().is_some_and(|(oldest, _, _)| oldest + SLICES_PER_DAY <= slice) {
            self.slices.pop_front();
        }
        match self.slices.back_mut() {
            Some((newest, out, back)) if *newest >= slice => {
                *out = out.saturating_add(part.out);
                *back = back.saturating_add(part.back);
            }
            _ => self.slices.push_back((slice, part.out, part.back)),
        }
    }

    /// What left in the newest `slices`, less what came.
    pub(super) fn net_outflow(&self, at: UnixSeconds, slices: u64) -> U256 {
        let now = at.0 / SLICE_S;
        let recent = self.slices.iter().filter(|(slice, _, _)| slice + slices > now);
        let (out, back) = recent.fold((U256::ZERO, U256::ZERO), |(out, back), (_, o, b)| {
            (out.saturating_add(*o), back.saturating_add(*b))
        });
        out.saturating_sub(back)
    }

    pub(super) fn start_day(&mut self, at: UnixSeconds) {
        let day = at.0 / 86_400;
        if self.is_known && self.days.back().is_none_or(|(newest, _)| *newest < day) {
            if self.days.len() == DAYS_MAX {
                self.days.pop_front();
            }
            self.days.push_back((day, self.balance));
        }
    }

    /// Median of the balances that days began with; `None` before the second day.
    pub(super) fn median(&self) -> Option<U256> {
        if self.days.len() < 2 {
            return None;
        }
        let mut sorted: Vec<U256> = self.days.iter().map(|(_, balance)| *balance).collect();
        sorted.sort_unstable();
        Some(sorted[sorted.len() / 2])
    }
}

/// A share, at most 1; all of nothing is 1.
pub(super) fn ratio(part: U256, whole: U256) -> f64 {
    if whole.is_zero() {
        return if part.is_zero() { 0.0 } else { 1.0 };
    }
    (to_f64(part) / to_f64(whole)).min(1.0)
}
