//! Blocking work, where it may block.

use tokio::task::spawn_blocking;

/// Runs blocking work. A panic in it is an error with its message, so that whoever asked can start
/// again from the store.
///
/// # Errors
/// What the work panicked with.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    match spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                Err(text.unwrap_or_else(|| "without a message".to_owned()))
            }
            // The runtime is shutting down; nobody waits for the result.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}
