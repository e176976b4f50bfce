//! A token bucket per endpoint: what its owner allows, spread over time.
//!
//! Pure: the time is an argument, counted from any fixed moment.

use std::time::Duration;

/// Requests per second with a burst of one second's worth. The bucket may go into debt: whoever
/// draws is told how long to wait, in the order of drawing, so that nobody is starved.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_second: f64,
    /// Tokens left; negative while somebody waits.
    tokens: f64,
    filled_at: Duration,
}

impl TokenBucket {
    pub(super) fn new(per_second: u32, now: Duration) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, tokens: per_second, filled_at: now }
    }

    /// Takes `cost` tokens; the answer is how long to wait before using them.
    pub(super) fn draw(&mut self, cost: usize, now: Duration) -> Duration {
        let elapsed = now.saturating_sub(self.filled_at);
        self.filled_at = now.max(self.filled_at);
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.per_second).min(self.per_second);
        self.tokens -= cost as f64;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.tokens / self.per_second)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_second_worth_goes_at_once_and_the_rest_waits_its_turn() {
        let mut bucket = TokenBucket::new(10, ms(0));
        assert_eq!(bucket.draw(10, ms(0)), ms(0));
        assert_eq!(bucket.draw(1, ms(0)), ms(100));
        assert_eq!(bucket.draw(5, ms(0)), ms(600));
        assert_eq!(bucket.draw(1, ms(700)), ms(0));
    }

    #[test]
    fn idle_time_is_not_hoarded() {
        let mut bucket = TokenBucket::new(10, ms(0));
        assert_eq!(bucket.draw(10, ms(3_600_000)), ms(0));
        assert_eq!(bucket.draw(1, ms(3_600_000)), ms(100));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let mut bucket = TokenBucket::new(1, ms(5_000));
        assert_eq!(bucket.draw(1, ms(5_000)), ms(0));
        assert_eq!(bucket.draw(1, ms(1_000)), ms(1_000));
    }
}
