//! Replacing the newest blocks by a longer branch.

use std::sync::Arc;

use alloy_consensus::{
    Transaction, TxEnvelope,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::B256;
use model::BlockRef;

use super::{
    DevnetError,
    block::{self, Block},
    chain::{Chain, extra_data},
    state::State,
};

/// Removed blocks that can still be asked for by hash: four deepest reorgs of default depth.
const ORPHANS_KEPT: usize = 512;

/// One block of a branch before it is made.
#[derive(Debug, Clone, Default)]
pub struct BranchBlock {
    /// Transactions to include, in order.
    pub transactions: Vec<TxEnvelope>,
    /// Timestamp; `None` is one block time after the block before.
    pub timestamp: Option<u64>,
}

/// A branch that is about to replace the newest blocks. It must be longer than what it replaces;
/// empty blocks are added until it is.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The block that both branches have.
    pub ancestor: BlockRef,
    /// What will be removed, oldest first.
    pub removed: Vec<Arc<Block>>,
    /// What will stand instead, oldest first.
    pub blocks: Vec<BranchBlock>,
}

impl Branch {
    /// Leaves a transaction out: it was never mined in this branch.
    pub fn leave_out(&mut self, hash: B256) {
        for block in &mut self.blocks {
            block.transactions.retain(|transaction| *transaction.tx_hash() != hash);
        }
    }

    /// Leaves out all transactions.
    pub fn leave_out_all(&mut self) {
        for block in &mut self.blocks {
            block.transactions.clear();
        }
    }
}

/// What a reorg did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reorg {
    /// Blocks that left the chain, oldest first.
    pub removed: Vec<BlockRef>,
    /// Blocks that took their place, oldest first.
    pub added: Vec<BlockRef>,
    /// Transactions of the removed blocks that are not in the new ones.
    pub dropped: Vec<B256>,
}

impl Chain {
    pub(super) fn reorg(
        &mut self,
        depth: u64,
        rewrite: impl FnOnce(&mut Branch),
    ) -> Result<(Reorg, Vec<Arc<Block>>), DevnetError> {
        let max = (self.states.len() - 1) as u64;
        if depth == 0 || depth > max {
            return Err(DevnetError::Depth { depth, max });
        }
        let keep = self.blocks.len() - depth as usize;
        let removed: Vec<Arc<Block>> = self.blocks.iter().skip(keep).cloned().collect();
        let ancestor = Arc::clone(&self.blocks[keep - 1]);
        let mut branch =
            Branch { ancestor: ancestor.block_ref(), blocks: moved_one_later(&removed), removed };
        rewrite(&mut branch);
        let Branch { removed, blocks: mut planned, .. } = branch;
        while planned.len() as u64 <= depth {
            planned.push(BranchBlock::default());
        }

        self.reorgs += 1;
        for block in &removed {
            self.forget(block);
            self.orphans.push_back(Arc::clone(block));
        }
        while self.orphans.len() > ORPHANS_KEPT {
            self.orphans.pop_front();
        }
        self.blocks.truncate(keep);
        self.states.truncate(self.states.len() - depth as usize);

        let mut added = Vec::with_capacity(planned.len());
        for plan in planned {
            let parent = Arc::clone(self.head());
            let newest = parent.header.timestamp;
            let asked = plan.timestamp.filter(|at| *at > newest);
            let timestamp = asked.unwrap_or(newest + self.config.block_time_s);
            let transactions = plan.transactions.into_iter().filter_map(|transaction| {
                let signer = transaction.recover_signer().ok()?;
                Some(Recovered::new_unchecked(transaction, signer))
            });
            let extra_data = extra_data(self.reorgs);
            let header = block::next_header(&self.config, &parent, timestamp, extra_data);
            let mut state = State::clone(self.head_state());
            let (block, _) = self.build(&mut state, header, transactions.collect());
            added.push(self.append(block, state));
        }
        let dropped = removed
            .iter()
            .flat_map(|block| &block.transactions)
            .map(|included| *included.transaction.inner().tx_hash())
            .filter(|hash| !self.transactions.contains_key(hash))
            .collect();
        self.drop_stale_pending();
        let reorg = Reorg {
            removed: removed.iter().map(|block| block.block_ref()).collect(),
            added: added.iter().map(|block| block.block_ref()).collect(),
            dropped,
        };
        Ok((reorg, added))
    }

    /// After a reorg, queued transactions whose nonce no longer fits can never be mined.
    fn drop_stale_pending(&mut self) {
        for transaction in std::mem::take(&mut self.pending) {
            if self.next_nonce(transaction.signer()) == transaction.nonce() {
                self.pending.push_back(transaction);
            } else {
                let hash = transaction.inner().tx_hash();
                tracing::warn!(%hash, "queued transaction dropped by a reorg");
            }
        }
    }
}

/// The branch in which every transaction is mined one block later than it was.
fn moved_one_later(removed: &[Arc<Block>]) -> Vec<BranchBlock> {
    let mut blocks = vec![BranchBlock {
        transactions: Vec::new(),
        timestamp: removed.first().map(|block| block.header.timestamp),
    }];
    for (at, block) in removed.iter().enumerate() {
        let transactions =
            block.transactions.iter().map(|included| included.transaction.inner().clone());
        blocks.push(BranchBlock {
            transactions: transactions.collect(),
            timestamp: removed.get(at + 1).map(|next| next.header.timestamp),
        });
    }
    blocks
}
