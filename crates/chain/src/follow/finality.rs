//! Which blocks can no longer be undone.

use std::time::Duration;

use model::{BlockRef, ChainEvent};
use tokio::time::Instant;

use super::{
    follower::{Closed, Follower},
    status::{Condition, ConditionKind},
};
use crate::{At, Source, Tag, config::Finality};

impl<S: Source> Follower<S> {
    /// Tells the newest final block, when there is a newer one than before.
    pub(super) async fn finality(&mut self) -> Result<(), Closed> {
        let Some(head) = self.cursor.head() else { return Ok(()) };
        let block = match self.config.finality {
            Finality::Latest => Some(head),
            Finality::Blocks(depth) => {
                head.number.checked_sub(depth).and_then(|number| self.cursor.at(number))
            }
            Finality::Safe => self.tagged(Tag::Safe, head).await,
            Finality::Finalized => self.tagged(Tag::Finalized, head).await,
        };
        let is_news = |block: &BlockRef| {
            self.cursor.finalized.is_none_or(|before| before.number < block.number)
                && self.cursor.first.is_some_and(|first| first <= block.number)
        };
        let Some(block) = block.filter(is_news) else { return Ok(()) };
        self.tell(ChainEvent::Finalized { network: self.config.name.clone(), block }).await
    }

    /// The block of ours that the node's mark vouches for.
    async fn tagged(&mut self, tag: Tag, head: BlockRef) -> Option<BlockRef> {
        if Instant::now() < self.finality_due {
            return None;
        }
        let interval = Duration::from_millis(self.config.timing.finality_interval_ms);
        self.finality_due = Instant::now() + interval;
        // While we catch up, the mark is ahead of us: then our head is final when it is what the
        // nodes hold at its height.
        let theirs = match self.source.tagged(tag).await {
            Ok(marked) if marked.number <= head.number => Ok(marked),
            Ok(_ahead) => {
                let header = self.source.header(At::Number(head.number)).await;
                header.map(|header| header.block_ref())
            }
            Err(missing) => Err(missing),
        };
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(missing) => {
                let reason = missing.to_string();
                self.status.send_modify(|status| {
                    status.set(Condition::FinalityUnknown { reason });
                });
                return None;
            }
        };
        let ours = self.cursor.at(theirs.number);
        self.status.send_modify(|status| {
            status.clear(&[ConditionKind::FinalityUnknown, ConditionKind::FinalityConflict]);
            if let Some(ours) = ours.filter(|ours| *ours != theirs) {
                status.set(Condition::FinalityConflict { theirs, ours });
            }
        });
        ours.filter(|ours| *ours == theirs)
    }
}
