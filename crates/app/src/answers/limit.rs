//! How fast wrong tokens may be tried.

use model::UnixMillis;

/// Wrong tokens at once: somebody who cut a link in the wrong place, many times over.
pub const WRONG_MAX: u32 = 30;

/// One more may be tried after this time.
const REFILL_MS: i64 = 1_000;

/// Counts wrong tokens of everybody together: a right one is never held up by it, so nobody can use
/// it to keep others from answering.
#[derive(Debug)]
pub(super) struct Limit {
    left: u32,
    since: UnixMillis,
}

impl Limit {
    pub(super) fn new(now: UnixMillis) -> Self {
        Self { left: WRONG_MAX, since: now }
    }

    /// Whether one more wrong token is looked at.
    pub(super) fn take(&mut self, now: UnixMillis) -> bool {
        let earned = now.millis_since(self.since).max(0) / REFILL_MS;
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(earned).min(WRONG_MAX);
            self.since = now;
        }
        let is_free = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_run_out_and_come_back() {
        let mut limit = Limit::new(UnixMillis(0));
        let taken = (0..100).filter(|_| limit.take(UnixMillis(10))).count();
        assert_eq!(taken, WRONG_MAX as usize);
        assert!(limit.take(UnixMillis(1_010)) && !limit.take(UnixMillis(1_020)));
        let hour = UnixMillis(3_600_000);
        assert_eq!((0..100).filter(|_| limit.take(hour)).count(), WRONG_MAX as usize);
    }
}
