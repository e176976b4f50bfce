//! How much there was in some blocks: what a replay reports and what recordings are compared by.

use std::ops::AddAssign;

use alloy_primitives::{B256, b256};
use model::{BlockBundle, Log, Proven, TxStatus};
use serde::Serialize;

/// `keccak256("Transfer(address,address,uint256)")`, the event of ERC-20 and of ERC-721.
pub const TRANSFER_TOPIC: B256 =
    b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Counts over blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Blocks.
    pub blocks: u64,
    /// Transactions, whatever became of them.
    pub transactions: u64,
    /// Transactions whose receipt says failed. Before Byzantium only those that the node derived
    /// as failed; an unknown outcome does not count.
    pub failed_transactions: u64,
    /// Logs.
    pub logs: u64,
    /// Logs that [`is_transfer`] recognises.
    pub erc20_transfers: u64,
    /// Blocks whose receipts root was recomputed and found equal.
    pub receipts_root_verified: u64,
}

impl Totals {
    /// Counts one block.
    pub fn of(bundle: &BlockBundle) -> Self {
        let mut totals = Self { blocks: 1, ..Self::default() };
        totals.transactions = bundle.transactions.len() as u64;
        totals.receipts_root_verified = u64::from(bundle.proof.receipts == Proven::Yes);
        for transaction in &bundle.transactions {
            totals.failed_transactions += u64::from(transaction.status == TxStatus::Failed);
            totals.logs += transaction.logs.len() as u64;
            let transfers = transaction.logs.iter().filter(|log| is_transfer(log));
            totals.erc20_transfers += transfers.count() as u64;
        }
        totals
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        let Self {
            blocks,
            transactions,
            failed_transactions,
            logs,
            erc20_transfers,
            receipts_root_verified,
        } = other;
        self.blocks += blocks;
        self.transactions += transactions;
        self.failed_transactions += failed_transactions;
        self.logs += logs;
        self.erc20_transfers += erc20_transfers;
        self.receipts_root_verified += receipts_root_verified;
    }
}

/// Whether a log's first topic is that of `Transfer(address,address,uint256)`.
///
/// Nothing else is looked at: with three topics it is an ERC-20 transfer, with four an ERC-721 one,
/// and some old contracts index nothing and emit it with one. All count, so that the figure can be compared with
/// other tools that go by the first topic.
pub fn is_transfer(log: &Log) -> bool {
    log.topic0() == Some(TRANSFER_TOPIC)
}
