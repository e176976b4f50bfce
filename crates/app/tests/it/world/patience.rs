//! Waiting for what must come true: a condition with a deadline, never a fixed rest.

use std::time::{Duration, Instant};

/// Rest between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Longest wait for what takes a moment on an idle machine; CI's machines are not idle.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` finds what it looks for, and gives it.
///
/// # Panics
/// When it has not come within `patience`; `what` names it.
pub(crate) async fn within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {} s: {what}", patience.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until `look` is true, for [`PATIENCE`].
pub(crate) async fn until(what: &str, mut look: impl FnMut() -> bool) {
    within(PATIENCE, what, async || look().then_some(())).await;
}
