//! The decision core of following a chain: how blocks that do not follow our head relate to our
//! chain, and whether to believe them.
//!
//! Pure. A branch is a run of headers, each proven by its hash and linked to the next by the
//! parent hash. It is walked downwards until it meets our chain; then [`judge`] weighs it. A node
//! that merely lags never gets here: its head is one of our blocks.

use model::{BlockNumber, BlockRef};

use super::cursor::{Cursor, Link};

/// Headers linked by parent hash, newest first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    links: Vec<Link>,
}

/// How a branch meets our chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Its newest block is one of ours.
    Known,
    /// Its oldest block follows our head.
    Continues,
    /// Its oldest block follows an older block of ours, or comes where our first one was.
    Fork {
        /// The newest common block.
        ancestor: BlockRef,
    },
    /// It has to be walked further down, to this block.
    Open {
        /// Parent of its oldest block.
        parent: BlockRef,
    },
    /// It passes below everything we remember.
    Below,
}

impl Branch {
    pub(crate) fn new(newest: Link) -> Self {
        Self { links: vec![newest] }
    }

    pub(crate) fn newest(&self) -> Link {
        self.links[0]
    }

    pub(crate) fn oldest(&self) -> Link {
        self.links[self.links.len() - 1]
    }

    /// Appends the parent of the oldest block.
    ///
    /// # Errors
    /// When `link` is not that parent.
    pub(crate) fn walk_down(&mut self, link: Link) -> Result<(), NotTheParent> {
        if self.oldest().parent() == Some(link.block) {
            self.links.push(link);
            Ok(())
        } else {
            Err(NotTheParent { child: self.oldest().block, found: link.block })
        }
    }

    /// The link of one of its blocks.
    pub(crate) fn link(&self, block: BlockRef) -> Option<Link> {
        self.links.iter().find(|link| link.block == block).copied()
    }

    /// The blocks, oldest first.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = BlockRef> + '_ {
        self.links.iter().rev().map(|link| link.block)
    }

    /// How the branch meets our chain.
    pub(crate) fn relate(&self, ours: &Cursor) -> Relation {
        let Some(head) = ours.head() else { return Relation::Continues };
        if ours.holds(self.newest().block) {
            return Relation::Known;
        }
        let Some(parent) = self.oldest().parent() else { return Relation::Below };
        if parent == head {
            return Relation::Continues;
        }
        if ours.holds(parent) {
            return Relation::Fork { ancestor: parent };
        }
        let lowest_known = ours.base.or(ours.recent.front().map(|link| link.block)).unwrap_or(head);
        let lowest_known = lowest_known.number;
        if parent.number > lowest_known {
            return Relation::Open { parent };
        }
        // At the height of our base, with another hash. When our base was never told of, all we
        // told of can be undone, and the branch goes on from its own block at that height.
        let is_base_untold = ours.first == Some(lowest_known + 1);
        if parent.number == lowest_known && is_base_untold {
            return Relation::Fork { ancestor: parent };
        }
        Relation::Below
    }
}

/// A header that was to continue a branch downwards does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("block {found} is not the parent of block {child}")]
pub(crate) struct NotTheParent {
    child: BlockRef,
    found: BlockRef,
}

/// What is known about a fork when it is weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Newest block of the branch.
    pub(crate) newest: BlockNumber,
    /// Newest common block.
    pub(crate) ancestor: BlockNumber,
    /// Our head.
    pub(crate) head: BlockNumber,
    /// The newest block that we told to be final.
    pub(crate) finalized: Option<BlockNumber>,
    /// Endpoints that show the branch's newest block at its height.
    pub(crate) for_branch: usize,
    /// Endpoints that show our block there.
    pub(crate) for_ours: usize,
    /// Endpoints that are configured.
    pub(crate) endpoints: usize,
    /// How long the branch has been standing.
    pub(crate) stood_ms: u64,
    /// How long an unlikely branch must stand.
    pub(crate) patience_ms: u64,
}

/// Whether to follow a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// Follow it.
    Accept,
    /// Not now, perhaps never.
    Wait(WaitReason),
}

/// Why a branch is not followed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// As many endpoints, or more, show our block.
    OursStands,
    /// It is shorter than our chain and has not stood for long enough.
    Shorter,
    /// It undoes blocks that were final and has not stood for long enough.
    UndoesFinal,
    /// It is shorter, or undoes final blocks, and no second endpoint shows it.
    Alone,
}

/// Weighs a fork.
///
/// A longer branch is believed: its headers are proven and linked. One as long as ours is believed
/// when more endpoints show it than ours. One that is shorter, or undoes final blocks, is
/// unlikely: it must also stand for the configured patience, and a second endpoint must show it
/// where there is one.
pub(crate) fn judge(evidence: &Evidence) -> Weighed {
    let undoes_final = evidence.finalized.is_some_and(|block| block > evidence.ancestor);
    let is_shorter = evidence.newest < evidence.head;
    if evidence.newest > evidence.head && !undoes_final {
        return Weighed::Accept;
    }
    if evidence.for_branch <= evidence.for_ours {
        return Weighed::Wait(WaitReason::OursStands);
    }
    if !is_shorter && !undoes_final {
        return Weighed::Accept;
    }
    if evidence.stood_ms < evidence.patience_ms {
        let reason = if undoes_final { WaitReason::UndoesFinal } else { WaitReason::Shorter };
        return Weighed::Wait(reason);
    }
    if evidence.for_branch < 2 && evidence.endpoints > 1 {
        return Weighed::Wait(WaitReason::Alone);
    }
    Weighed::Accept
}

#[cfg(test)]
mod tests;
