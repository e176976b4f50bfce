//! Transactions joined with their receipts: one record says what was asked and what came of it.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TxStatus {
    /// It took effect.
    Success,
    /// It was included and paid for but reverted.
    Failed,
    /// Receipts before Byzantium do not say.
    Unknown,
}

impl TxStatus {
    /// The word used in expressions, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A transaction with its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Hash of the signed transaction.
    pub hash: B256,
    /// Position in the block, from 0.
    pub index: u32,
    /// EIP-2718 type byte; 0 for legacy.
    pub kind: u8,
    /// Sender.
    pub from: Address,
    /// Called address; `None` creates a contract.
    pub to: Option<Address>,
    /// The sender's transaction count before this one.
    pub nonce: u64,
    /// Wei sent along.
    pub value: U256,
    /// Calldata, or initcode when `to` is `None`.
    pub input: Bytes,
    /// The most gas the sender allows.
    pub gas_limit: u64,
    /// Gas this transaction used.
    pub gas_used: u64,
    /// Wei paid per gas.
    pub effective_gas_price: U256,
    /// What became of it.
    pub status: TxStatus,
    /// The contract it created, if it was a successful creation.
    pub created: Option<Address>,
    /// What it emitted, in order.
    pub logs: Vec<Log>,
}

impl Transaction {
    /// The first four bytes of calldata, if there are that many and this is a call.
    pub fn selector(&self) -> Option<[u8; 4]> {
        self.to?;
        self.input.get(..4)?.try_into().ok()
    }
}

/// An event as the EVM sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Position in the block, from 0. It changes when a transaction moves to another block; the
    /// position inside the transaction does not, and identities use that.
    pub index: u32,
    /// Emitting contract.
    pub address: Address,
    /// None to four words. A log without topics is legal ("anonymous").
    pub topics: Vec<B256>,
    /// The arguments that are not indexed.
    pub data: Bytes,
}

impl Log {
    /// The event's signature hash; `None` for a log without topics.
    pub fn topic0(&self) -> Option<B256> {
        self.topics.first().copied()
    }
}
