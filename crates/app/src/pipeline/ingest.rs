//! From the follower into the event log.

use std::{collections::VecDeque, sync::Arc};

use chain::follow::{Cursor, Link, QuarantinedBlock};
use model::{ChainEvent, Name};
use store::{EventLog, Store, StoreError};
use tokio::sync::{Notify, mpsc};

use crate::canary::Canaries;

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
    // One block more than the window: either it is the first that was ever told, or it says that
    // what the window stands on was told, too.
    let tail = store.event_log().canonical_tail(network, window_blocks + 1)?;
    let first = tail.blocks.first().map(|oldest| oldest.block.number);
    let below = tail.blocks.len().saturating_sub(window_blocks);
    let link = |block, parent_hash| Link { block, parent_hash };
    let recent: VecDeque<Link> =
        tail.blocks.iter().skip(below).map(|b| link(b.block, b.parent_hash)).collect();
    let Some(oldest) = recent.front() else { return Ok(None) };
    let base = oldest.parent();
    let quarantined = tail.quarantined.into_iter();
    let quarantined = quarantined
        .map(|q| QuarantinedBlock { link: link(q.block, q.parent_hash), reason: q.reason })
        .collect();
    Ok(Some(Cursor { recent, base, first, finalized: tail.finalized, quarantined }))
}

/// Who is told of what the follower brings.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Says that the event log grew.
    pub(super) wake_judge: Arc<Notify>,
    /// Note when a block came.
    pub(super) canaries: Canaries,
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
    told: Told,
) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(APPEND_EVENTS_MAX);
    while events.recv_many(&mut batch, APPEND_EVENTS_MAX).await > 0 {
        told.canaries.saw(&network, &batch);
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
        told.wake_judge.notify_one();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{B256, BlindReason, BlockNumber, BlockRef};

    use super::*;

    fn block(number: BlockNumber) -> BlockRef {
        BlockRef { number, hash: B256::with_last_byte(number as u8) }
    }

    /// The cursor over a log that was told of blocks 5 to `head`.
    fn cursor_at(head: BlockNumber, window_blocks: usize) -> Cursor {
        let (store, network) = (Store::in_memory().unwrap(), Name::new("mainnet").unwrap());
        let told = (5..=head).map(|number| ChainEvent::Quarantined {
            network: network.clone(),
            block: block(number),
            parent_hash: block(number - 1).hash,
            reason: BlindReason::Unverified("no endpoint has it".into()),
        });
        store.event_log().append(&network, &told.collect::<Vec<_>>()).unwrap();
        cursor(&store, &network, window_blocks).unwrap().unwrap()
    }

    #[test]
    fn a_cursor_knows_its_window_what_it_stands_on_and_where_telling_began() {
        for (head, oldest, first) in [(5, 5, 5), (7, 5, 5), (8, 5, 5), (9, 6, 5), (30, 27, 26)] {
            let cursor = cursor_at(head, 4);
            let recent: Vec<BlockRef> = cursor.recent.iter().map(|link| link.block).collect();
            assert_eq!(recent, (oldest..=head).map(block).collect::<Vec<_>>());
            assert_eq!(cursor.base, Some(block(oldest - 1)));
            // Finality is told from there on: never later than the window, or a chain that is
            // longer than its window would have no final blocks after a restart.
            assert_eq!(cursor.first, Some(first), "head {head}");
            let is_base_untold = cursor.first == Some(oldest);
            assert_eq!(is_base_untold, oldest == 5, "head {head}");
        }
    }

    #[test]
    fn before_the_first_block_there_is_no_cursor() {
        let (store, network) = (Store::in_memory().unwrap(), Name::new("mainnet").unwrap());
        assert_eq!(cursor(&store, &network, 4).unwrap(), None);
    }
}
