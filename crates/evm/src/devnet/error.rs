use alloy_primitives::{Address, B256};

/// Why the devnet refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DevnetError {
    /// The nonce is not the account's next.
    #[error("nonce {found} of {account} is not its next, which is {next}")]
    Nonce {
        /// Sender.
        account: Address,
        /// What the transaction says.
        found: u64,
        /// What it would have to say.
        next: u64,
    },
    /// The sender cannot pay for value and gas.
    #[error("insufficient funds for gas * price + value: {0} cannot pay")]
    Funds(Address),
    /// The signature yields no sender.
    #[error("transaction {0} has no valid signature")]
    Signature(B256),
    /// Signed for another chain.
    #[error("transaction is for chain {found:?}, this is chain {expected}")]
    ChainId {
        /// What it says.
        found: Option<u64>,
        /// Ours.
        expected: u64,
    },
    /// A kind of transaction that this chain does not take (blobs).
    #[error("transaction type {0} is not supported")]
    Type(u8),
    /// Its gas limit is above the block's, or its fee cap below the base fee.
    #[error("transaction cannot be included: {0}")]
    Unincludable(String),
    /// Too many transactions wait.
    #[error("{0} transactions are waiting for a block already")]
    Full(usize),
    /// Timestamps must grow.
    #[error("timestamp {asked} is not later than {newest}, the newest block's")]
    Time {
        /// Asked for.
        asked: u64,
        /// Newest block.
        newest: u64,
    },
    /// A reorg deeper than the kept states, or than the chain.
    #[error("a reorg of {depth} blocks is not possible, the deepest is {max}")]
    Depth {
        /// Asked for.
        depth: u64,
        /// Allowed now.
        max: u64,
    },
    /// A block that was never made, or is not kept.
    #[error("header not found")]
    UnknownBlock,
    /// The block is known, its state is not kept.
    #[error("missing trie node: state of block {0} is not kept")]
    StateGone(u64),
    /// The EVM refused to run it at all.
    #[error("{0}")]
    Evm(String),
}
