//! Where blocks come from: the seam between following a chain and asking for it.
//!
//! Nodes behind RPC are one source, recorded blocks another. A source hands out only what it could
//! prove (headers by their hash, bundles through [`crate::assemble`]); which of it to believe is
//! not the source's business.

use std::{fmt, future::Future};

use alloy_primitives::B256;
use model::{BlockBundle, BlockNumber, BlockRef, Header, Name, ReadPlan};

use crate::{
    Part, Refusal,
    endpoint::{EndpointStatus, SeenHead},
    execute::ExecutionStatus,
    rpc::{ErrorClass, RpcError, RpcErrorKind},
};

/// Which block is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Whatever the source holds canonical at this height.
    Number(BlockNumber),
    /// This very block.
    Block(BlockRef),
}

impl At {
    /// Height.
    pub fn number(self) -> BlockNumber {
        match self {
            Self::Number(number) => number,
            Self::Block(block) => block.number,
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "block {number}"),
            Self::Block(block) => write!(f, "block {block}"),
        }
    }
}

/// What to fetch besides the block and its receipts.
#[derive(Debug, Clone)]
pub struct Want {
    /// Rather a block without traces than no block at all.
    pub give_up_traces: bool,
    /// Reads of the state, those to make that are due at the block. One that nobody can make is left
    /// out of the bundle.
    pub reads: ReadPlan,
}

/// What one endpoint shows as its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who shows it.
    pub endpoint: Name,
    /// What it shows.
    pub seen: SeenHead,
}

/// What one endpoint holds canonical at some height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Who says so.
    pub endpoint: Name,
    /// Hash of the block, proven by its header.
    pub hash: B256,
}

/// Blocks that the consensus layer marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `safe`
    Safe,
    /// `finalized`
    Finalized,
}

impl Tag {
    /// As JSON-RPC spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Finalized => "finalized",
        }
    }
}

/// A source of proven blocks.
pub trait Source: Send + Sync + 'static {
    /// The heads that may be asked for now, in the order of preference.
    fn heads(&self) -> Vec<Head>;

    /// Returns when the heads may have changed since the last return.
    fn changed(&self) -> impl Future<Output = ()> + Send;

    /// A proven header.
    fn header(&self, at: At) -> impl Future<Output = Result<Header, Missing>> + Send;

    /// A whole, verified block. Tries everybody who may have it, once.
    fn bundle(
        &self,
        at: At,
        want: &Want,
    ) -> impl Future<Output = Result<BlockBundle, Missing>> + Send;

    /// What each endpoint that answers holds canonical at this height.
    fn views(&self, number: BlockNumber) -> impl Future<Output = Vec<View>> + Send;

    /// The newest block that carries this mark.
    fn tagged(&self, tag: Tag) -> impl Future<Output = Result<BlockRef, Missing>> + Send;

    /// A majority contradicts this endpoint: leave it out for a while.
    fn distrust(&self, endpoint: &Name, why: &str);

    /// How the endpoints are doing.
    fn status(&self) -> Vec<EndpointStatus>;

    /// How executing blocks without a node's traces goes; `None` where nobody does.
    fn execution(&self) -> Option<ExecutionStatus> {
        None
    }
}

/// Why one endpoint did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It said `null`: it does not have this, or not yet.
    #[error("does not have the {0}")]
    Absent(Part),
    /// The request failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// What it gave does not add up.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It gave another block than asked for.
    #[error("asked for {asked}, got block {found}")]
    AnotherBlock {
        /// What was asked.
        asked: At,
        /// What came.
        found: BlockRef,
    },
    /// Traces are required and it offers none.
    #[error("offers no call traces")]
    NoTraces,
    /// Traces are required, no node offers them, and executing the block here came to nothing.
    #[error("offers no call traces, and the block cannot be executed here: {0}")]
    NotExecuted(String),
    /// A recording is damaged.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Verification gave up; a fault of ours.
    #[error("verification failed: {0}")]
    Verification(String),
}

impl Fault {
    /// Whether this was an answer (wrong, incomplete or absent), rather than trouble in getting
    /// one. Repeated answers say something about the block; trouble only about the endpoint.
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Rpc(error) => match error.kind {
                RpcErrorKind::Oversize { .. } => true,
                RpcErrorKind::Node { .. } => error.class() == ErrorClass::Refused,
                _ => false,
            },
            Self::Absent(_)
            | Self::Refused(_)
            | Self::AnotherBlock { .. }
            | Self::NoTraces
            | Self::NotExecuted(_)
            | Self::Unreadable(_)
            | Self::Verification(_) => true,
        }
    }
}

/// Nobody gave what was asked for. Never the same as "there is nothing".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    /// Each endpoint that was asked, and why it did not deliver. Empty when there was nobody to
    /// ask.
    pub faults: Vec<(Name, Fault)>,
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.is_empty() {
            return f.write_str("no usable endpoint");
        }
        for (place, (endpoint, fault)) in self.faults.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{endpoint}: {fault}")?;
        }
        Ok(())
    }
}
