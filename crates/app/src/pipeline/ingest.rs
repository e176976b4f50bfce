//! From the follower into the event log.

use std::{collections::VecDeque, sync::Arc};

use chain::follow::{Cursor, Link, QuarantinedBlock};
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
    let Some(oldest) = tail.blocks.first() else { return Ok(None) };
    let link = |block, parent_hash| Link { block, parent_hash };
    let base = link(oldest.block, oldest.parent_hash).parent();
    let recent: VecDeque<Link> = tail.blocks.iter().map(|b| link(b.block, b.parent_hash)).collect();
    // With fewer blocks than asked for, the oldest is the first that was ever told.
    let first = (recent.len() < window_blocks).then_some(oldest.block.number);
    let quarantined = tail.quarantined.into_iter();
    let quarantined = quarantined
        .map(|q| QuarantinedBlock { link: link(q.block, q.parent_hash), reason: q.reason })
        .collect();
    Ok(Some(Cursor { recent, base, first, finalized: tail.finalized, quarantined }))
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
