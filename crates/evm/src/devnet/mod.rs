//! An EVM chain in this process: it makes blocks when told to and serves them as a node would.
//!
//! What a monitor proves from a block is real: header hash, parent hash, transactions root,
//! receipts root, logs bloom, state root (a Merkle-Patricia root over all accounts), gas, fees and
//! signatures. What the chain does not have: peers, a consensus layer, blobs, withdrawals, and the
//! system contracts that Cancun and Prague call at block boundaries.

mod block; // a block with its receipts, and how its header comes to be
mod chain; // the canonical chain: mining and lookups
mod error; // what can go wrong
mod execute; // running transactions and calls on a state
mod fault; // what an endpoint may be told to do wrong
mod reorg; // replacing the newest blocks by a longer branch
mod rpc; // JSON-RPC over HTTP and WebSocket
mod state; // accounts, copy-on-write, with their Merkle root
mod trace; // call frames
mod wallet; // keys and signing

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_consensus::TxEnvelope;
use alloy_primitives::{Address, B256, Bytes, U256};
use model::BlockRef;
use tokio::sync::broadcast;

pub use block::{Block, Included};
pub use error::DevnetError;
pub(crate) use execute::transaction_env;
pub use fault::{Fault, FaultRule, Faults};
pub use reorg::{Branch, BranchBlock, Reorg};
pub use rpc::Endpoint;
pub use trace::CallFrame;
pub(crate) use trace::CallTracer;
pub use wallet::{TransactionRequest, Wallet};

use chain::Chain;

/// How the chain is set up.
#[derive(Debug, Clone)]
pub struct DevnetConfig {
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// Timestamp of block 0, in seconds since 1970.
    pub genesis_at: u64,
    /// Seconds between blocks when nobody names a time.
    pub block_time_s: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// The `safe` block is this many blocks behind the head.
    pub safe_lag_blocks: u64,
    /// The `finalized` block is this many blocks behind the head.
    pub finalized_lag_blocks: u64,
    /// States kept for historical calls and traces; also the deepest possible reorg. 128 blocks are
    /// what a full node keeps.
    pub states_kept: usize,
    /// Canonical blocks kept for lookups; at 12 s a block, 16,384 blocks are 2.3 days.
    pub blocks_kept: usize,
    /// Who has ether in block 0, in wei.
    pub genesis: Vec<(Address, U256)>,
}

impl Default for DevnetConfig {
    fn default() -> Self {
        Self {
            chain_id: 31_338,
            genesis_at: 1_750_000_000,
            block_time_s: 12,
            gas_limit: 36_000_000,
            safe_lag_blocks: 4,
            finalized_lag_blocks: 8,
            states_kept: 128,
            blocks_kept: 16_384,
            genesis: Vec::new(),
        }
    }
}

/// What a read-only call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// Whether it returned; otherwise it reverted or halted.
    pub is_success: bool,
    /// What it returned, or its revert data.
    pub output: Bytes,
    /// Gas it used.
    pub gas_used: u64,
    /// Why it halted, when it did so without `REVERT`.
    pub halt: Option<String>,
}

/// A shared handle on the chain. Clones are the same chain; every method locks it only for its own
/// duration and never waits for anything.
#[derive(Clone)]
pub struct Devnet {
    chain: Arc<Mutex<Chain>>,
    /// Tells WebSocket subscribers of every new canonical block. A subscriber that falls more than
    /// the channel's capacity behind misses heads, as with any node.
    heads: broadcast::Sender<Arc<Block>>,
}

/// Heads a slow subscriber may fall behind: half the kept states, or twelve minutes at 12 s.
const HEADS_QUEUED_MAX: usize = 64;

impl std::fmt::Debug for Devnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Devnet").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Devnet {
    /// A chain with only block 0.
    pub fn new(config: DevnetConfig) -> Self {
        let (heads, _) = broadcast::channel(HEADS_QUEUED_MAX);
        Self { chain: Arc::new(Mutex::new(Chain::new(config))), heads }
    }

    /// The newest block.
    pub fn head(&self) -> BlockRef {
        self.lock().head().block_ref()
    }

    /// Timestamp of the newest block, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.lock().head().header.timestamp
    }

    /// How the chain is set up.
    pub fn config(&self) -> DevnetConfig {
        self.lock().config().clone()
    }

    /// A canonical block by height, if it is kept.
    pub fn block(&self, number: u64) -> Option<Arc<Block>> {
        self.lock().block(number).cloned()
    }

    /// A block by hash; also one that a reorg removed, for a while.
    pub fn block_by_hash(&self, hash: B256) -> Option<Arc<Block>> {
        self.lock().block_by_hash(hash).cloned()
    }

    /// A canonical transaction with the block it is in.
    pub fn transaction(&self, hash: B256) -> Option<(Arc<Block>, usize)> {
        self.lock().transaction(hash)
    }

    /// Signs `request` with the wallet's next nonce and queues it for the next block.
    pub fn submit(
        &self,
        wallet: &Wallet,
        request: TransactionRequest,
    ) -> Result<B256, DevnetError> {
        self.lock().submit(wallet, request)
    }

    /// Queues a signed transaction for the next block.
    pub fn send_raw(&self, transaction: TxEnvelope) -> Result<B256, DevnetError> {
        self.lock().accept(transaction)
    }

    /// Transactions waiting for a block.
    pub fn pending(&self) -> usize {
        self.lock().pending()
    }

    /// Makes a block of what is queued, one block time after the newest block (or at the time set
    /// by [`Devnet::set_next_time`]).
    pub fn mine(&self) -> Result<BlockRef, DevnetError> {
        self.mine_at(None)
    }

    /// Makes a block with this timestamp, which must be later than the newest block's.
    pub fn mine_at(&self, timestamp: impl Into<Option<u64>>) -> Result<BlockRef, DevnetError> {
        let block = self.lock().mine(timestamp.into())?;
        self.announce(&block);
        Ok(block.block_ref())
    }

    /// Sets the timestamp of the next block.
    pub fn set_next_time(&self, timestamp: u64) -> Result<(), DevnetError> {
        self.lock().set_next_time(timestamp)
    }

    /// Replaces the newest `depth` blocks by a longer branch. `rewrite` gets the branch as it would
    /// be if every transaction simply moved one block later, and may change it at will.
    pub fn reorg(
        &self,
        depth: u64,
        rewrite: impl FnOnce(&mut Branch),
    ) -> Result<Reorg, DevnetError> {
        let (reorg, blocks) = self.lock().reorg(depth, rewrite)?;
        for block in &blocks {
            self.announce(block);
        }
        Ok(reorg)
    }

    /// Runs a read-only call on the newest state.
    pub fn call(&self, to: Address, input: impl Into<Bytes>) -> Result<CallOutcome, DevnetError> {
        let chain = self.lock();
        let head = Arc::clone(chain.head());
        chain.call(
            &head,
            execute::Call { to: Some(to), input: input.into(), ..execute::Call::default() },
        )
    }

    /// An account's wei in the newest state.
    pub fn balance(&self, address: Address) -> U256 {
        self.lock().head_state().balance(address)
    }

    /// A storage word in the newest state.
    pub fn storage(&self, address: Address, slot: U256) -> U256 {
        self.lock().head_state().storage(address, slot)
    }

    /// The code at an address in the newest state.
    pub fn code(&self, address: Address) -> Bytes {
        self.lock().head_state().code(address)
    }

    /// The nonce that the account's next transaction needs, after those that are queued.
    pub fn next_nonce(&self, address: Address) -> u64 {
        self.lock().next_nonce(address)
    }

    /// Forgets all states but the newest ones, as a node that prunes; the newest always stays.
    pub fn forget_states(&self, but_newest: usize) {
        self.lock().forget_states(but_newest);
    }

    /// Call frames of every transaction of a block, in block order.
    pub fn trace_block(&self, hash: B256) -> Result<Vec<CallFrame>, DevnetError> {
        let chain = self.lock();
        let block = chain.block_by_hash(hash).ok_or(DevnetError::UnknownBlock)?;
        chain.trace_until(block, block.transactions.len())
    }

    /// Serves JSON-RPC over HTTP and WebSocket on one port until the endpoint is dropped. Several
    /// endpoints may serve one chain, each with faults of its own.
    pub async fn serve(&self, address: std::net::SocketAddr) -> std::io::Result<Endpoint> {
        rpc::serve(self.clone(), address).await
    }

    fn announce(&self, block: &Arc<Block>) {
        // An error only says that nobody is subscribed.
        self.heads.send(Arc::clone(block)).ok();
    }

    fn lock(&self) -> MutexGuard<'_, Chain> {
        // Every method leaves the chain consistent before it can panic, so a poisoned lock is usable.
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
