//! Block identity and headers.

use std::fmt;

use alloy_primitives::{Address, B256, Bloom, U256};
use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// Height of a block.
pub type BlockNumber = u64;

/// A block, named by number **and** hash: a number alone is ambiguous as soon as there is a reorg.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: BlockNumber,
    /// Hash of the header.
    pub hash: B256,
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{}…)", self.number, hex::encode(&self.hash[..4]))
    }
}

impl fmt::Debug for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The part of a header that judging and proving need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Height.
    pub number: BlockNumber,
    /// Hash of the header, recomputed where the header's shape allows it.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Seconds since 1970, as the block says.
    pub timestamp: UnixSeconds,
    /// Fee recipient.
    pub beneficiary: Address,
    /// Wei per gas, from London on.
    pub base_fee_per_gas: Option<U256>,
    /// Sum over the block's transactions.
    pub gas_used: u64,
    /// Upper bound of `gas_used`.
    pub gas_limit: u64,
    /// Union of the blooms of all logs.
    pub logs_bloom: Bloom,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Root of the transactions trie.
    pub transactions_root: B256,
    /// Root of the state trie after the block.
    pub state_root: B256,
}

impl Header {
    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }

    /// The block before; block 0 has none.
    pub fn parent_ref(&self) -> Option<BlockRef> {
        Some(BlockRef { number: self.number.checked_sub(1)?, hash: self.parent_hash })
    }
}
