//! From the follower into the event log.

use std::sync::Arc;

use chain::{Cursor, CursorBlock};
use model::{ChainEvent, Name};
use store::{EventLog, Store, StoreError};
use tokio::sync::{Notify, mpsc};

/// Events appended in one transaction: while catching up, one disk flush serves so many blocks;
/// at the head there is one at a time.
const APPEND_EVENTS_MAX: usize = 64;

/// Where the follower goes on: the chain as the event log tells it.
///
/// # Errors
/// When the event log cannot be read.
pub(super) fn cursor(
    store: &Store,
    network: &Name,
    window_blocks: usize,
) -> Result<Option<Cursor>, StoreError> {
    let tail = store.event_log().canonical_tail(network, window_blocks)?;
    if tail.blocks.is_empty() {
        return Ok(None);
    }
    let block = |block, parent_hash| CursorBlock { block, parent_hash };
    Ok(Some(Cursor {
        recent: tail.blocks.iter().map(|b| block(b.block, b.parent_hash)).collect(),
        finalized: tail.finalized,
        quarantined: tail.quarantined.iter().map(|q| block(q.block, q.parent_hash)).collect(),
    }))
}

/// Appends what the follower brings until it stops. The channel is bounded, so a slow disk slows
/// the follower down.
///
/// # Errors
/// When the event log cannot be written; the follower's events since the last append are then
/// fetched again after a restart, because the cursor is read from the log.
pub(super) async fn ingest(
    store: Store,
    network: Name,
    mut events: mpsc::Receiver<ChainEvent>,
    wake_judge: Arc<Notify>,
) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(APPEND_EVENTS_MAX);
    while events.recv_many(&mut batch, APPEND_EVENTS_MAX).await > 0 {
        let (store, network) = (store.clone(), network.clone());
        let full = std::mem::take(&mut batch);
        let appended = tokio::task::spawn_blocking(move || {
            store.event_log().append(&network, &full)?;
            Ok::<_, StoreError>(full)
        });
        batch = match appended.await {
            Ok(result) => result?,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        };
        batch.clear();
        wake_judge.notify_one();
    }
    Ok(())
}
