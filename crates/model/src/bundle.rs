//! Everything known about one block, and how much of it was proven.

use std::borrow::Cow;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{BlindReason, BlockRef, Header, Name, ReadRequest, TraceSource, Transaction, TxTrace};

/// How deep a network lets us look. A detector below its level is blind, never quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// L0: headers, transactions, receipts, logs.
    Logs,
    /// L1: and call traces.
    Traces,
    /// L2: and state differences.
    StateDiffs,
    /// L3: and pending transactions.
    Pending,
}

/// Whether one part of a block was checked against its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proven {
    /// Recomputed and equal.
    Yes,
    /// The chain offers no way, with the reason (`"receipts before Byzantium commit to state roots"`).
    NotProvable(Cow<'static, str>),
    /// Could be proven, but the configuration did not ask for it.
    NotAsked,
}

/// What was recomputed before the block was believed. A part that was recomputed and *differed*
/// never becomes a bundle: the block is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Hash of the header.
    pub header: Proven,
    /// Root of the transactions and the hash of each.
    pub transactions: Proven,
    /// Senders recovered from signatures.
    pub senders: Proven,
    /// Union of the blooms of the logs.
    pub bloom: Proven,
    /// Root of the receipts.
    pub receipts: Proven,
}

/// A read made at exactly this block, kept so that a replay sees the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRead {
    /// What was asked.
    pub request: ReadRequest,
    /// The answer; `Err` holds the node's words when the call itself reverted.
    pub result: Result<Bytes, String>,
}

/// One verified block with all that was fetched for it. What detectors judge; what the event log
/// stores; what replay reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockBundle {
    /// Network the block belongs to.
    pub network: Name,
    /// Which endpoint it came from (a name from the configuration, never a URL).
    pub endpoint: Name,
    /// Header.
    pub header: Header,
    /// Transactions with receipts, in block order.
    pub transactions: Vec<Transaction>,
    /// Frames per transaction, in block order; `None` when nobody gave any.
    pub traces: Option<Vec<TxTrace>>,
    /// Reads asked for by the detectors.
    pub reads: Vec<StateRead>,
    /// What was recomputed.
    pub proof: Proof,
    /// Who gave the frames, or why nobody did.
    pub traced_by: TraceSource,
}

impl BlockBundle {
    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        self.header.block_ref()
    }

    /// How deep this bundle lets a detector look.
    ///
    /// State differences are fetched for those contracts whose monitors ask for them, and count
    /// beside traces only: a level has everything that is below it.
    pub fn level(&self) -> Level {
        let is_difference = |read: &StateRead| {
            matches!(read.request, ReadRequest::Writes(_)) && read.result.is_ok()
        };
        match self.traces {
            None => Level::Logs,
            Some(_) if self.reads.iter().any(is_difference) => Level::StateDiffs,
            Some(_) => Level::Traces,
        }
    }

    /// Why whoever needs more than this bundle has cannot judge it.
    pub fn too_low(&self, needs: Level) -> BlindReason {
        match &self.traced_by {
            TraceSource::Nobody(why) if self.traces.is_none() => {
                BlindReason::Untraced { needs, why: why.clone() }
            }
            _ => BlindReason::LevelTooLow { needs, has: self.level() },
        }
    }

    /// What a contract returned, if it was asked.
    pub fn read(&self, to: Address, input: &[u8]) -> Option<&Result<Bytes, String>> {
        let is_asked = |request: &ReadRequest| match request {
            ReadRequest::Call { to: of, input: with } => *of == to && with.as_ref() == input,
            _ => false,
        };
        self.reads.iter().find(|read| is_asked(&read.request)).map(|read| &read.result)
    }

    /// Native value of an account after the block in wei, if it was asked and answered.
    pub fn balance(&self, of: Address) -> Option<U256> {
        self.word(&ReadRequest::Balance(of)).map(Into::into)
    }

    /// A word of storage after the block, if it was asked and answered.
    pub fn storage(&self, of: Address, slot: B256) -> Option<B256> {
        self.word(&ReadRequest::Storage { of, slot })
    }

    /// Hash of an account's code after the block, if it was asked and answered.
    pub fn code_hash(&self, of: Address) -> Option<B256> {
        self.word(&ReadRequest::CodeHash(of))
    }

    fn word(&self, request: &ReadRequest) -> Option<B256> {
        let read = self.reads.iter().find(|read| read.request == *request)?;
        B256::try_from(read.result.as_ref().ok()?.as_ref()).ok()
    }
}
