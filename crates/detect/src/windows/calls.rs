//! Calls to one function: counts, failures, gas.

use std::collections::VecDeque;

use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::CallTally;

/// Minutes of chain time that a window covers, the running one included.
pub const WINDOW_MINUTES: u64 = 60;

/// Calls whose gas is remembered one by one.
pub const LAST_CALLS_MAX: usize = 60;

/// Gas beyond this is counted as this much: fifteen thousand mainnet blocks in one call. It keeps
/// sums of squares far inside 128 bits whatever a node reports.
const GAS_MAX: u64 = 1 << 39;

/// Count, sum and sum of squares of gas, exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GasMoments {
    n: u64,
    sum: u128,
    sum_of_squares: u128,
}

impl GasMoments {
    /// Adds one call.
    pub fn add(&mut self, gas: u64) {
        let gas = u128::from(gas.min(GAS_MAX));
        self.n += 1;
        self.sum += gas;
        self.sum_of_squares += gas * gas;
    }

    /// Number of calls.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// Mean gas per call; `None` without calls.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| {
            let n = u128::from(self.n);
            (self.sum / n) as f64 + (self.sum % n) as f64 / n as f64
        })
    }

    /// Sample variance (n - 1 in the denominator); `None` below two calls.
    pub fn variance(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        let n = u128::from(self.n);
        // sum of squares - sum^2/n, with the whole part of the mean split off so that the large
        // terms cancel as integers: a = S2 - S*q stays near the answer, r = S mod n is below n.
        let (q, r) = (self.sum / n, self.sum % n);
        let a = self.sum_of_squares.saturating_sub(self.sum * q);
        let squares = match (a.checked_mul(n), self.sum.checked_mul(r)) {
            (Some(an), Some(sr)) => an.saturating_sub(sr) as f64 / self.n as f64,
            _ => a as f64 - self.sum as f64 * (r as f64 / self.n as f64),
        };
        Some((squares / (self.n - 1) as f64).max(0.0))
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
    }

    fn take_out(&mut self, other: &Self) {
        self.n -= other.n;
        self.sum -= other.sum;
        self.sum_of_squares -= other.sum_of_squares;
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    calls: u64,
    failed: u64,
    inner_reverts: u64,
    gas: GasMoments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Minute {
    /// Chain time divided by 60.
    minute: u64,
    counts: Counts,
}

/// One function over the last [`WINDOW_MINUTES`] and the last [`LAST_CALLS_MAX`] calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallWindow {
    minutes: VecDeque<Minute>,
    total: Counts,
    last_gas: VecDeque<u64>,
}

impl CallWindow {
    /// Adds what one block did, at the block's time. Time does not run backwards here: a block
    /// earlier than the newest minute counts into that minute.
    pub fn add(&mut self, at: UnixSeconds, tally: &CallTally) {
        self.advance(at);
        let minute = at.0 / 60;
        let mut counts = Counts {
            calls: tally.calls(),
            failed: tally.failed,
            inner_reverts: tally.inner_reverts,
            gas: GasMoments::default(),
        };
        for &gas in &tally.gas {
            counts.gas.add(gas);
            if self.last_gas.len() == LAST_CALLS_MAX {
                self.last_gas.pop_front();
            }
            self.last_gas.push_back(gas);
        }
        match self.minutes.back_mut() {
            Some(newest) if newest.minute >= minute => newest.counts.merge(&counts),
            _ => self.minutes.push_back(Minute { minute, counts }),
        }
        self.total.merge(&counts);
    }

    /// Lets go of minutes that left the window by this time.
    pub fn advance(&mut self, at: UnixSeconds) {
        let minute = at.0 / 60;
        while let Some(oldest) = self.minutes.front() {
            if oldest.minute + WINDOW_MINUTES > minute {
                break;
            }
            self.total.take_out(&oldest.counts);
            self.minutes.pop_front();
        }
    }

    /// Calls in the window.
    pub fn calls(&self) -> u64 {
        self.total.calls
    }

    /// Calls in the window that took no effect.
    pub fn failed(&self) -> u64 {
        self.total.failed
    }

    /// Those of them inside a transaction that succeeded nevertheless; 0 without traces.
    pub fn inner_reverts(&self) -> u64 {
        self.total.inner_reverts
    }

    /// Failed of all; `None` without calls.
    pub fn failed_ratio(&self) -> Option<f64> {
        (self.total.calls > 0).then(|| self.total.failed as f64 / self.total.calls as f64)
    }

    /// Gas of the calls in the window.
    pub fn gas(&self) -> &GasMoments {
        &self.total.gas
    }

    /// Gas of the last calls, however long ago they were.
    pub fn last_gas(&self) -> GasMoments {
        let mut moments = GasMoments::default();
        self.last_gas.iter().for_each(|&gas| moments.add(gas));
        moments
    }
}

impl Counts {
    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.inner_reverts += other.inner_reverts;
        self.gas.merge(&other.gas);
    }

    fn take_out(&mut self, other: &Self) {
        self.calls -= other.calls;
        self.failed -= other.failed;
        self.inner_reverts -= other.inner_reverts;
        self.gas.take_out(&other.gas);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two passes over everything that is in the window, in plain floating point.
    fn batch(calls: &[(u64, u64)], now: u64) -> (usize, f64, f64) {
        let in_window = |at: u64| at / 60 + WINDOW_MINUTES > now / 60;
        let gas: Vec<f64> =
            calls.iter().filter(|(at, _)| in_window(*at)).map(|(_, g)| *g as f64).collect();
        let n = gas.len() as f64;
        let mean = gas.iter().sum::<f64>() / n;
        let variance = gas.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / (n - 1.0);
        (gas.len(), mean, variance)
    }

    fn tally(gas: u64) -> CallTally {
        CallTally { gas: vec![gas], ..CallTally::default() }
    }

    #[test]
    fn twelve_thousand_calls_equal_a_batch_computation() {
        let mut window = CallWindow::default();
        let mut calls = Vec::new();
        let mut seed = 1u64;
        let mut at = 1_700_000_000;
        for i in 0..12_000u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            at += seed >> 61;
            let gas = 21_000 + (seed >> 40);
            window.add(UnixSeconds(at), &tally(gas));
            calls.push((at, gas));
            if i % 97 == 0 && i > 1 {
                let (n, mean, variance) = batch(&calls, at);
                assert_eq!(window.calls(), n as u64);
                let found = (window.gas().mean().unwrap(), window.gas().variance().unwrap());
                assert!((found.0 / mean - 1.0).abs() < 1e-9, "{found:?} {mean}");
                assert!((found.1 / variance - 1.0).abs() < 1e-9, "{found:?} {variance}");
            }
        }
        let last: Vec<(u64, u64)> = calls[calls.len() - 60..].iter().map(|c| (at, c.1)).collect();
        let (n, mean, variance) = batch(&last, at);
        let moments = window.last_gas();
        assert_eq!(moments.count(), n as u64);
        assert!((moments.mean().unwrap() / mean - 1.0).abs() < 1e-9);
        assert!((moments.variance().unwrap() / variance - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_absurd_gas_figure_overflows_nothing() {
        let mut window = CallWindow::default();
        (0..1_000).for_each(|i| window.add(UnixSeconds(i), &tally(u64::MAX - i)));
        assert_eq!(window.gas().variance(), Some(0.0));
        assert_eq!(window.gas().mean(), Some(GAS_MAX as f64));
    }

    proptest! {
        #[test]
        fn the_window_is_what_its_newest_minutes_hold(
            calls in proptest::collection::vec((0u64..200, 0u64..5_000_000), 2..300),
        ) {
            let mut window = CallWindow::default();
            let (mut at, mut seen) = (0, Vec::new());
            for (step, gas) in calls {
                at += step;
                window.add(UnixSeconds(at), &tally(gas));
                seen.push((at, gas));
            }
            let (n, mean, variance) = batch(&seen, at);
            prop_assert_eq!(window.calls(), n as u64);
            prop_assert!((window.gas().mean().unwrap() - mean).abs() <= 1e-9 * mean.max(1.0));
            if n > 1 {
                let found = window.gas().variance().unwrap();
                prop_assert!((found - variance).abs() <= 1e-9 * variance.max(1.0));
            }
        }
    }
}
