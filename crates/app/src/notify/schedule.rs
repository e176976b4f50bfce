//! When to try again, and when to give up: a pure function of the message and its attempts.

use std::time::Duration;

use model::{NotificationId, UnixMillis};

/// Rest after the first failed attempt.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(2);

/// Longest rest: after an outage of any length, messages flow again within a quarter of an hour.
pub const BACKOFF_MAX: Duration = Duration::from_secs(15 * 60);

/// How long a message is worth delivering: a day and a night, so that an outage over night is
/// bridged. Older news would be noise between newer ones.
pub const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Attempts in [`AGE_MAX`] at the usual backoff are about 110; more than this means that something
/// asks for zero rest.
pub const ATTEMPTS_MAX: u32 = 500;

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before this.
    At(UnixMillis),
    /// None.
    GiveUp(String),
}

/// What follows the `attempts`-th attempt, which failed at `now`; `asked` is what the receiver's
/// side asked for.
pub fn next(
    id: NotificationId,
    attempts: u32,
    decided_at: UnixMillis,
    now: UnixMillis,
    asked: Option<Duration>,
) -> Next {
    if attempts >= ATTEMPTS_MAX {
        return Next::GiveUp(format!("gave up after {attempts} attempts"));
    }
    let rest = backoff(id, attempts).max(asked.unwrap_or_default());
    let at = now.plus(rest.as_millis() as i64);
    if at.millis_since(decided_at) > AGE_MAX.as_millis() as i64 {
        let hours = AGE_MAX.as_secs() / 3600;
        return Next::GiveUp(format!("gave up after {attempts} attempts in {hours} h"));
    }
    Next::At(at)
}

/// Doubles from [`BACKOFF_FIRST`] to [`BACKOFF_MAX`], less up to a quarter that depends on the
/// message, so that what failed together does not come back together.
fn backoff(id: NotificationId, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let whole = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    // The id is a hash: another byte of it for each attempt is as good as chance.
    let share = f64::from(id.0[attempts as usize % id.0.len()]) / 255.0;
    whole.mul_f64(1.0 - 0.25 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    /// Times of the attempts, in seconds, until giving up.
    fn attempts(id: NotificationId, asked: Option<Duration>) -> Vec<i64> {
        let mut at = START;
        let mut times = vec![0];
        while let Next::At(then) = next(id, times.len() as u32, START, at, asked) {
            times.push(then.millis_since(START) / 1000);
            at = then;
        }
        times
    }

    #[test]
    fn an_outage_of_half_a_minute_costs_half_a_minute() {
        let times = attempts(NotificationId([0; 16]), None);
        assert_eq!(times[..6], [0, 2, 6, 14, 30, 62]);
        assert!(times.len() > 90, "a day is tried through: {}", times.len());
    }

    #[test]
    fn what_failed_together_comes_back_apart() {
        let at = |byte| next(NotificationId([byte; 16]), 8, START, START, None);
        assert_ne!(at(0), at(200));
    }

    #[test]
    fn a_receiver_that_asks_for_rest_gets_it() {
        let asked = Some(Duration::from_secs(600));
        let next = next(NotificationId([9; 16]), 1, START, START, asked);
        assert_eq!(next, Next::At(START.plus(600_000)));
    }

    proptest! {
        #[test]
        fn every_message_ends_within_its_age(id: [u8; 16], asked_s in 0u64..7_200) {
            let times = attempts(NotificationId(id), Some(Duration::from_secs(asked_s)));
            prop_assert!(times.len() <= ATTEMPTS_MAX as usize);
            prop_assert!(*times.last().unwrap() <= AGE_MAX.as_secs() as i64);
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
