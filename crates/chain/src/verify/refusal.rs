//! Why a block was not believed.

use std::fmt;

use model::{Address, B256, BlockRef, Bloom};

use crate::wire::Part;

/// The thing inside a block that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Transaction at this index.
    Transaction(usize),
    /// Receipt at this index.
    Receipt(usize),
    /// Log at this position within the receipt.
    Log {
        /// Index of the receipt.
        receipt: usize,
        /// Position in it, from 0.
        position: usize,
    },
    /// Trace of the transaction at this index.
    Trace(usize),
}

impl Item {
    /// Which body the item came in.
    pub fn part(self) -> Part {
        match self {
            Self::Transaction(_) => Part::Block,
            Self::Receipt(_) | Self::Log { .. } => Part::Receipts,
            Self::Trace(_) => Part::Traces,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(index) => write!(f, "transaction {index}"),
            Self::Receipt(index) => write!(f, "receipt {index}"),
            Self::Log { receipt, position } => write!(f, "log {position} of receipt {receipt}"),
            Self::Trace(index) => write!(f, "trace {index}"),
        }
    }
}

/// Why a block was not believed. Every refusal is about what one endpoint said: another endpoint,
/// or the same one a moment later, may do better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A recording lacks the body.
    #[error("no {0} recorded")]
    NotRecorded(Part),
    /// The node said `null`: it does not have the block, or not yet.
    #[error("the answer for {0} is null")]
    Null(Part),
    /// The body is larger than any block can make it.
    #[error("the answer for {part} has {bytes} bytes, the limit is {bytes_max}")]
    TooLarge {
        /// Which body.
        part: Part,
        /// Its size.
        bytes: usize,
        /// [`Part::bytes_max`].
        bytes_max: usize,
    },
    /// The body is not JSON, or lacks something that is relied on.
    #[error("cannot read {part}: {reason}")]
    Malformed {
        /// Which body.
        part: Part,
        /// What is wrong, with line and column where known.
        reason: String,
    },
    /// The header does not hash to what it is called.
    #[error("header hashes to {computed}, the node calls it {stated}")]
    HeaderHash {
        /// Recomputed.
        computed: B256,
        /// As stated by the node.
        stated: B256,
    },
    /// The block is not the child of the block it should follow.
    #[error("block {child} says its parent is {stated}, expected block {parent}")]
    Parent {
        /// The block that does not follow.
        child: BlockRef,
        /// Parent hash in its header.
        stated: B256,
        /// The block before.
        parent: BlockRef,
    },
    /// Part of the block has a shape that cannot be recomputed, and the configuration insists.
    #[error("cannot prove {part}: {reason}")]
    Unprovable {
        /// Which body.
        part: Part,
        /// What is unknown.
        reason: String,
    },
    /// A transaction does not hash to what it is called.
    #[error("transaction {index} hashes to {computed}, the node calls it {stated}")]
    TransactionHash {
        /// Position in the block.
        index: usize,
        /// Recomputed.
        computed: B256,
        /// As stated by the node.
        stated: B256,
    },
    /// Transactions are missing, added or out of order.
    #[error("transactions root is {computed}, the header commits to {committed}")]
    TransactionsRoot {
        /// Recomputed.
        computed: B256,
        /// From the header.
        committed: B256,
    },
    /// A transaction was not signed by the stated sender.
    #[error("transaction {index} was signed by {recovered}, the node says {stated}")]
    Sender {
        /// Position in the block.
        index: usize,
        /// Recovered from the signature.
        recovered: Address,
        /// As stated by the node.
        stated: Address,
    },
    /// No key could have made the signature.
    #[error("transaction {index} has a signature that no key can have made")]
    Signature {
        /// Position in the block.
        index: usize,
    },
    /// Not one receipt for each transaction.
    #[error("{receipts} receipts for {transactions} transactions")]
    ReceiptCount {
        /// Receipts in the answer.
        receipts: usize,
        /// Transactions in the block.
        transactions: usize,
    },
    /// Something belongs to another block, another transaction or another position.
    #[error("{item} has {field} {found}, expected {expected}")]
    Foreign {
        /// What does not belong here.
        item: Item,
        /// Which of its fields says so.
        field: &'static str,
        /// What the field says.
        found: String,
        /// What it would have to say.
        expected: String,
    },
    /// A log is marked as undone by a reorg.
    #[error("{item} is marked as removed by a reorg")]
    LogRemoved {
        /// The log.
        item: Item,
    },
    /// The header promises logs and none came.
    #[error("no logs at all, but the header's bloom says there are some")]
    LogsMissing,
    /// The logs are not those of the header.
    #[error("bloom of the logs is {}, the header commits to {}", short(.computed), short(.committed))]
    Bloom {
        /// Recomputed.
        computed: Box<Bloom>,
        /// From the header.
        committed: Box<Bloom>,
    },
    /// Gas of the receipts does not add up.
    #[error("gas of receipts 0 to {index} adds up to {sum}, the receipt says {stated}")]
    CumulativeGas {
        /// Index of the receipt.
        index: usize,
        /// Sum of `gasUsed` so far.
        sum: u64,
        /// `cumulativeGasUsed` of the receipt.
        stated: u64,
    },
    /// Gas of the receipts is not that of the header.
    #[error("gas of the receipts is {sum}, the header commits to {committed}")]
    GasUsed {
        /// Sum over the receipts.
        sum: u64,
        /// From the header.
        committed: u64,
    },
    /// A receipt after Byzantium does not say whether its transaction took effect.
    #[error("receipt {index} has no status")]
    StatusMissing {
        /// Index of the receipt.
        index: usize,
    },
    /// Receipts are not those that the header commits to.
    #[error("receipts root is {computed}, the header commits to {committed}")]
    ReceiptsRoot {
        /// Recomputed.
        computed: B256,
        /// From the header.
        committed: B256,
    },
    /// Not one trace for each transaction.
    #[error("{traces} traces for {transactions} transactions")]
    TraceCount {
        /// Traces in the answer.
        traces: usize,
        /// Transactions in the block.
        transactions: usize,
    },
    /// The node could not trace a transaction.
    #[error("the node could not trace transaction {index}: {error}")]
    TraceFailed {
        /// Position in the block.
        index: usize,
        /// The node's words, shortened.
        error: String,
    },
}

impl Refusal {
    /// Which body was refused. A block whose traces alone are refused can still be judged without
    /// them: detectors that need traces are then blind, the others are not.
    pub fn part(&self) -> Part {
        match self {
            Self::NotRecorded(part)
            | Self::Null(part)
            | Self::TooLarge { part, .. }
            | Self::Malformed { part, .. }
            | Self::Unprovable { part, .. } => *part,
            Self::HeaderHash { .. }
            | Self::Parent { .. }
            | Self::TransactionHash { .. }
            | Self::TransactionsRoot { .. }
            | Self::Sender { .. }
            | Self::Signature { .. } => Part::Block,
            Self::Foreign { item, .. } | Self::LogRemoved { item } => item.part(),
            Self::ReceiptCount { .. }
            | Self::LogsMissing
            | Self::Bloom { .. }
            | Self::CumulativeGas { .. }
            | Self::GasUsed { .. }
            | Self::StatusMissing { .. }
            | Self::ReceiptsRoot { .. } => Part::Receipts,
            Self::TraceCount { .. } | Self::TraceFailed { .. } => Part::Traces,
        }
    }
}

/// A bloom has 256 bytes; its hash tells two of them apart in a message.
fn short(bloom: &Bloom) -> String {
    format!("{} (by its keccak)", alloy_primitives::keccak256(bloom))
}
