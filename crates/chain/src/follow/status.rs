//! What people get to see of following a network.

use model::{BlockNumber, BlockRef, Name, UnixSeconds};

use super::{branch::WaitReason, cursor::QuarantinedBlock};
use crate::{endpoint::EndpointStatus, execute::ExecutionStatus};

/// How following a network goes.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkStatus {
    /// Network.
    pub network: Name,
    /// The highest head that any usable endpoint shows.
    pub seen: Option<SeenBlock>,
    /// The newest block we told of.
    pub told: Option<SeenBlock>,
    /// The newest block we told to be final.
    pub finalized: Option<BlockRef>,
    /// The stretch being fetched, when it is longer than one block.
    pub catching_up: Option<CatchUp>,
    /// Blocks of our chain that were not judged, oldest first.
    pub quarantined: Vec<QuarantinedBlock>,
    /// What is not as it should be, now.
    pub conditions: Vec<Condition>,
    /// Reorgs followed so far.
    pub reorgs: u64,
    /// Each endpoint's health, in the order of preference.
    pub endpoints: Vec<EndpointStatus>,
    /// How executing blocks here goes that no node traces; `None` where that is switched off.
    pub execution: Option<ExecutionStatus>,
}

/// A block with its own time, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenBlock {
    /// Block.
    pub block: BlockRef,
    /// The block's own time; unknown for a block in quarantine.
    pub timestamp: Option<UnixSeconds>,
}

/// A stretch of blocks being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatchUp {
    /// The next block.
    pub next: BlockNumber,
    /// The last one that is known.
    pub last: BlockNumber,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Condition {
    /// Nobody can be asked: we are blind.
    #[error("no usable endpoint")]
    NoEndpoint,
    /// A block cannot be had; it is being tried again.
    #[error("block {number} cannot be had: {reason}")]
    BlockMissing {
        /// Height.
        number: BlockNumber,
        /// Each endpoint's fault.
        reason: String,
    },
    /// So many blocks are in quarantine that passing over another one would only hide the fault.
    #[error("{blocks} blocks are in quarantine, no more are passed over")]
    QuarantineFull {
        /// How many.
        blocks: usize,
    },
    /// A branch contradicts ours and is not followed yet.
    #[error("a branch up to block {newest} contradicts ours from block {} on: {why:?}", .ancestor.number + 1)]
    Contested {
        /// Newest block of the branch.
        newest: BlockRef,
        /// Newest common block.
        ancestor: BlockRef,
        /// Why it is not followed.
        why: WaitReason,
    },
    /// The endpoints' chain shares no block with what we remember. Nothing is told until it does:
    /// the endpoint serves another chain, a development chain was reset, or the chain had a
    /// deeper reorg than the window.
    #[error("block {newest} is on a branch that leaves our chain before everything we remember")]
    ForkBelowWindow {
        /// Newest block of the branch.
        newest: BlockRef,
    },
    /// Blocks that were told to be final were undone. Stays until the program is restarted:
    /// somebody must look.
    #[error("final block {finalized} was undone, the chain went back to block {ancestor}")]
    FinalUndone {
        /// What had been final.
        finalized: BlockRef,
        /// The newest block that stayed.
        ancestor: BlockRef,
    },
    /// The node's final block is not the one on our chain.
    #[error("the node's final block {theirs} is not ours, {ours}")]
    FinalityConflict {
        /// What the node says.
        theirs: BlockRef,
        /// What we hold.
        ours: BlockRef,
    },
    /// The final block cannot be asked for.
    #[error("the final block cannot be had: {reason}")]
    FinalityUnknown {
        /// Each endpoint's fault.
        reason: String,
    },
    /// No second endpoint could be asked about a block; it was believed on the word of one.
    #[error("no second endpoint could confirm block {block}")]
    NotCrossChecked {
        /// Block.
        block: BlockRef,
    },
    /// The endpoints disagree about a block.
    #[error("endpoints disagree about block {number}: {views}")]
    Disagreement {
        /// Height.
        number: BlockNumber,
        /// Who sees which hash.
        views: String,
    },
}

/// What kind of condition, whatever its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionKind {
    NoEndpoint,
    BlockMissing,
    QuarantineFull,
    Contested,
    ForkBelowWindow,
    FinalUndone,
    FinalityConflict,
    FinalityUnknown,
    NotCrossChecked,
    Disagreement,
}

impl Condition {
    pub(super) fn kind(&self) -> ConditionKind {
        match self {
            Self::NoEndpoint => ConditionKind::NoEndpoint,
            Self::BlockMissing { .. } => ConditionKind::BlockMissing,
            Self::QuarantineFull { .. } => ConditionKind::QuarantineFull,
            Self::Contested { .. } => ConditionKind::Contested,
            Self::ForkBelowWindow { .. } => ConditionKind::ForkBelowWindow,
            Self::FinalUndone { .. } => ConditionKind::FinalUndone,
            Self::FinalityConflict { .. } => ConditionKind::FinalityConflict,
            Self::FinalityUnknown { .. } => ConditionKind::FinalityUnknown,
            Self::NotCrossChecked { .. } => ConditionKind::NotCrossChecked,
            Self::Disagreement { .. } => ConditionKind::Disagreement,
        }
    }

    /// Whether nothing is told while this lasts, or something told before was wrong.
    pub fn is_critical(&self) -> bool {
        match self {
            Self::NoEndpoint
            | Self::QuarantineFull { .. }
            | Self::ForkBelowWindow { .. }
            | Self::FinalUndone { .. }
            | Self::FinalityConflict { .. } => true,
            Self::BlockMissing { .. }
            | Self::Contested { .. }
            | Self::FinalityUnknown { .. }
            | Self::NotCrossChecked { .. }
            | Self::Disagreement { .. } => false,
        }
    }
}

impl NetworkStatus {
    /// Before anything is known.
    pub fn new(network: Name) -> Self {
        Self {
            network,
            seen: None,
            told: None,
            finalized: None,
            catching_up: None,
            quarantined: Vec::new(),
            conditions: Vec::new(),
            reorgs: 0,
            endpoints: Vec::new(),
            execution: None,
        }
    }

    /// Blocks between the head that is seen and the one we told of; `None` before both are known.
    pub fn lag_blocks(&self) -> Option<u64> {
        Some(self.seen?.block.number.saturating_sub(self.told?.block.number))
    }

    /// Age of the newest block we told of; `None` before there is one. Grows in an outage too.
    pub fn lag_seconds(&self, now: UnixSeconds) -> Option<u64> {
        Some(now.seconds_since(self.told?.timestamp?))
    }

    /// Whether somebody must act.
    pub fn is_critical(&self) -> bool {
        self.conditions.iter().any(Condition::is_critical)
    }

    /// Sets a condition in place of an earlier one of the same kind.
    pub(super) fn set(&mut self, condition: Condition) {
        self.clear(&[condition.kind()]);
        self.conditions.push(condition);
    }

    /// Ends conditions of these kinds.
    pub(super) fn clear(&mut self, kinds: &[ConditionKind]) {
        self.conditions.retain(|condition| !kinds.contains(&condition.kind()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> SeenBlock {
        let block = BlockRef { number, hash: model::B256::ZERO };
        SeenBlock { block, timestamp: Some(UnixSeconds(1_000 + number * 12)) }
    }

    #[test]
    fn lag_is_told_in_blocks_and_in_seconds() {
        let mut status = NetworkStatus::new(Name::new("net").unwrap());
        assert_eq!((status.lag_blocks(), status.lag_seconds(UnixSeconds(9_999))), (None, None));
        status.seen = Some(block(10));
        status.told = Some(block(7));
        assert_eq!(status.lag_blocks(), Some(3));
        assert_eq!(status.lag_seconds(UnixSeconds(1_000 + 7 * 12 + 5)), Some(5));
    }

    #[test]
    fn a_condition_replaces_the_earlier_one_of_its_kind() {
        let mut status = NetworkStatus::new(Name::new("net").unwrap());
        status.set(Condition::NoEndpoint);
        status.set(Condition::BlockMissing { number: 1, reason: "x".into() });
        status.set(Condition::BlockMissing { number: 2, reason: "y".into() });
        assert_eq!(status.conditions.len(), 2);
        assert!(status.is_critical());
        status.clear(&[ConditionKind::NoEndpoint]);
        assert!(!status.is_critical());
    }
}
