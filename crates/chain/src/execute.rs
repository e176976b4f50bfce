//! Executing blocks ourselves that no node traces: the seam between asking nodes and executing code.
//!
//! ```text
//!   this crate                                  whoever executes (this crate executes nothing)
//!   a block, proven, without traces ──────────► begin
//!            ┌───────────────────── questions ◄─ run      what the state before the block must say
//!   batches ─┤ to one node, at the parent's hash
//!            └────────────────────── answers ──► take, run again, until nothing is asked
//!   frames, if gas, status and logs of every transaction are those of the receipts ◄──┘
//! ```
//!
//! The state is believed as little as a trace: what is used agrees with receipts that were proven.
//! Where it does not come to that, the block says why it has no traces, and whoever needs them is
//! blind.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256};
use model::{BlockBundle, BlockNumber, ExecutionCost, TxTrace};

/// A part of the state before a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// Balance, nonce and code of an account.
    Account(Address),
    /// A word of storage.
    Storage(Address, U256),
    /// The hash of an earlier block.
    BlockHash(BlockNumber),
}

/// What a node says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Of an account; one that does not exist has nothing of each.
    Account {
        /// Native value, in wei.
        balance: U256,
        /// Transactions that it sent, or contracts that it created.
        nonce: u64,
        /// Its code.
        code: Bytes,
    },
    /// Of a word of storage.
    Storage(U256),
    /// Of an earlier block.
    BlockHash(B256),
}

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This has to be known before it can go on; never empty, and nothing twice.
    Asks(Vec<Question>),
    /// Frames of every transaction, in the block's order. All agree with their receipts.
    Traced {
        /// The frames.
        traces: Vec<TxTrace>,
        /// Parts of the state that were known from the block before.
        kept: u32,
    },
    /// It cannot be executed, or another node's state may do better.
    Failed(Failure),
}

/// Why an execution came to nothing, as far as whoever executes can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The rules are not known, or the block holds what the rules do not. No node changes that.
    #[error("{0}")]
    Impossible(String),
    /// On the state that the node gave, it is not what the receipts say.
    #[error("{0}")]
    Disagrees(String),
}

/// Who can execute the blocks of one network.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Begins with a block: `json` as the node gave it, `bundle` as it was proven.
    ///
    /// # Errors
    /// When it is clear without any state that it cannot be executed.
    fn begin(&self, json: &[u8], bundle: &BlockBundle) -> Result<Box<dyn Execution>, Failure>;
}

/// The execution of one block.
pub trait Execution: Send {
    /// Executes as far as the state is known. Takes as long as executing the block does.
    fn run(&mut self, bundle: &BlockBundle) -> Step;

    /// Learns what was asked for.
    fn take(&mut self, answers: Vec<(Question, Answer)>);

    /// The outcome is used: what is known now may serve the block after this one.
    fn keep(self: Box<Self>);
}

/// How executing blocks goes, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionStatus {
    /// Blocks that have frames from it.
    pub blocks: u64,
    /// Blocks that stayed without frames.
    pub blind: u64,
    /// Requests for parts of the state, of all blocks together.
    pub reads: u64,
    /// Parts of the state that were known from the block before, of all blocks together.
    pub kept: u64,
    /// What the newest block with frames cost.
    pub newest: ExecutionCost,
    /// How long that took, in milliseconds.
    pub newest_ms: u64,
    /// Why the newest block stayed without frames; `None` when it has them.
    pub why_blind: Option<String>,
}
