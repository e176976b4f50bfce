//! Tests of receivers from end to end: by a real message, marked as a test.
//!
//! ```text
//!  every hour: due? ──► a test message ──► arrived ──► on record, until the next month
//!                                    └──► failed ───► told through all others, tried again
//! ```
//!
//! A channel that broke in silence is found by this, not by the attack that nobody heard of.

use std::{sync::Arc, time::Duration};

use model::{Name, UnixMillis};
use store::{ReceiverTest, Store, StoreError};

use super::{Errand, Message, Receipt, Receiver, Receivers, SendError};

/// How often the program looks whether a test is due.
pub const LOOK: Duration = Duration::from_secs(60 * 60);

/// Time between the tests of a receiver, unless the configuration says otherwise.
pub const EVERY_DEFAULT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How soon a receiver that failed is tested again: a fault that passes is not told twice a day.
pub const AGAIN: Duration = Duration::from_secs(6 * 60 * 60);

/// Attempts of one test: a busy minute is no fault.
const ATTEMPTS: u32 = 3;

/// Rest between them, unless the other side asks for more; at most a minute.
const REST: Duration = Duration::from_secs(5);

/// Whether a receiver with this record is to be tested at `now`.
pub fn is_due(record: &ReceiverTest, every: Duration, now: UnixMillis) -> bool {
    let rest = if record.failing_since.is_some() { AGAIN.min(every) } else { every };
    let rest_ms = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
    // A clock that was set back must not put a test off.
    let age_ms = now.millis_since(record.at);
    age_ms >= rest_ms || age_ms < 0
}

impl Receivers {
    /// Sends a test message to one receiver at `at`, in a few attempts; where it would stay open, it
    /// is taken back at once.
    ///
    /// # Errors
    /// What came of the last attempt.
    pub async fn test(
        &self,
        name: &Name,
        receiver: &Receiver,
        at: UnixMillis,
    ) -> Result<Receipt, SendError> {
        let message = Message::test(name, &self.context, at, false);
        let receipt = patiently(receiver, &message, None).await?;
        if receiver.keeps_alerts_open() {
            let over = Message::test(name, &self.context, at, true);
            patiently(receiver, &over, receipt.handle.as_deref()).await?;
        }
        Ok(receipt)
    }

    /// Tells everybody but `failing` that it cannot be reached; how many took it.
    async fn tell_of(&self, failing: &Name, why: &str, times: (UnixMillis, UnixMillis)) -> usize {
        let mut taken = 0;
        for (name, receiver) in self.by_name.iter().filter(|(name, _)| *name != failing) {
            let message = Message::of_failure(name, failing, why, &self.context, times);
            match patiently(receiver, &message, None).await {
                Ok(_) => taken += 1,
                Err(error) => {
                    tracing::error!(receiver = %name, %failing, %error, "cannot tell of a failed receiver");
                }
            }
        }
        taken
    }
}

async fn patiently(
    receiver: &Receiver,
    message: &Message,
    first: Option<&str>,
) -> Result<Receipt, SendError> {
    let errand = Errand { message, address: None, first };
    let mut attempt = 1;
    loop {
        match receiver.deliver(&errand).await {
            Err(SendError::Retry { after, .. }) if attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(after.unwrap_or(REST).clamp(REST, 12 * REST)).await;
            }
            outcome => return outcome,
        }
    }
}

/// Tests each receiver whose test is due at `now`, and keeps what came of it; how many were tested.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn test_due(
    store: &Store,
    receivers: &Receivers,
    every: Duration,
    now: UnixMillis,
) -> Result<usize, StoreError> {
    let mut tested = 0;
    for (name, receiver) in &receivers.by_name {
        let (from, of) = (store.clone(), name.clone());
        let record = blocking(move || from.receiver_test(&of)).await?;
        let Some(record) = record else {
            // Whoever set it up has just tried it, or will; it need not ring at the first start.
            let seen = "not tested yet".to_owned();
            let seen = ReceiverTest { at: now, failing_since: None, told: false, detail: seen };
            let (to, of) = (store.clone(), name.clone());
            blocking(move || to.keep_receiver_test(&of, &seen)).await?;
            continue;
        };
        if !is_due(&record, every, now) {
            continue;
        }
        tested += 1;
        let record = match receivers.test(name, receiver, now).await {
            Ok(receipt) => {
                tracing::info!(receiver = %name, "a test message arrived");
                ReceiverTest {
                    at: now,
                    failing_since: None,
                    told: false,
                    detail: receipt.to_string(),
                }
            }
            Err(error) => {
                let since = record.failing_since.unwrap_or(now);
                let why = error.to_string();
                tracing::error!(receiver = %name, %error, "a test message does not arrive");
                let was_told = record.told && record.failing_since.is_some();
                let told = was_told || receivers.tell_of(name, &why, (since, now)).await > 0;
                ReceiverTest { at: now, failing_since: Some(since), told, detail: why }
            }
        };
        let (to, of) = (store.clone(), name.clone());
        blocking(move || to.keep_receiver_test(&of, &record)).await?;
    }
    Ok(tested)
}

/// Tests receivers as they fall due, for ever. A test that is cut off is due again at the next start.
pub async fn keep_testing(
    store: Store,
    receivers: Arc<Receivers>,
    every: Duration,
    clock: fn() -> UnixMillis,
) {
    loop {
        if let Err(error) = test_due(&store, &receivers, every, clock()).await {
            tracing::error!(%error, "cannot keep the tests of receivers");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_due_once_in_a_while_and_sooner_after_a_failure() {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        let record = |failing| ReceiverTest {
            at: UnixMillis(100 * DAY_MS),
            failing_since: failing,
            told: false,
            detail: String::new(),
        };
        let due =
            |failing, day: i64| is_due(&record(failing), EVERY_DEFAULT, UnixMillis(day * DAY_MS));
        assert!(!due(None, 129));
        assert!(due(None, 130));
        assert!(due(None, 99), "the clock was set back");
        assert!(!due(Some(UnixMillis(0)), 100), "a quarter of a day");
        assert!(due(Some(UnixMillis(0)), 101));
    }
}
