use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use alloy_consensus::{
    Header, Transaction, TxEnvelope,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::DatabaseCommit;

use super::{
    CallOutcome, DevnetConfig, DevnetError,
    block::{self, Block, Included, block_env},
    execute::{self, Call},
    state::State,
    trace::CallFrame,
    wallet::{TransactionRequest, Wallet},
};

/// Transactions that may wait for a block: a hundred times what everyday traffic puts in one.
const PENDING_MAX: usize = 4_096;
/// What a block says of itself, in its extra data.
const EXTRA_DATA: &str = "bellwether devnet";

/// The canonical chain and what is queued for it.
pub(super) struct Chain {
    pub(super) config: DevnetConfig,
    /// Canonical blocks, oldest kept first; never empty.
    pub(super) blocks: VecDeque<Arc<Block>>,
    /// States after the newest blocks, oldest first; the last belongs to the last block.
    pub(super) states: VecDeque<Arc<State>>,
    /// Blocks that a reorg removed, oldest first.
    pub(super) orphans: VecDeque<Arc<Block>>,
    /// Height of each canonical block.
    heights: HashMap<B256, u64>,
    /// Where each canonical transaction is.
    pub(super) transactions: HashMap<B256, (u64, usize)>,
    /// Transactions for the next block, in order of arrival.
    pub(super) pending: VecDeque<Recovered<TxEnvelope>>,
    next_time: Option<u64>,
    /// Reorgs so far: marks the extra data of branches, so that even empty ones differ.
    pub(super) reorgs: u64,
}

impl Chain {
    pub(super) fn new(config: DevnetConfig) -> Self {
        let mut state = State::with_balances(&config.genesis);
        let genesis = block::genesis(&config, state.root());
        state.push_block_hash(0, genesis.hash);
        Self {
            heights: HashMap::from([(genesis.hash, 0)]),
            blocks: VecDeque::from([Arc::new(genesis)]),
            states: VecDeque::from([Arc::new(state)]),
            orphans: VecDeque::new(),
            transactions: HashMap::new(),
            pending: VecDeque::new(),
            next_time: None,
            reorgs: 0,
            config,
        }
    }

    pub(super) fn config(&self) -> &DevnetConfig {
        &self.config
    }

    pub(super) fn head(&self) -> &Arc<Block> {
        self.blocks.back().expect("the chain is created with block 0 and never emptied")
    }

    pub(super) fn head_state(&self) -> &Arc<State> {
        self.states.back().expect("the head always has its state")
    }

    pub(super) fn block(&self, number: u64) -> Option<&Arc<Block>> {
        let first = self.blocks.front()?.header.number;
        self.blocks.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    pub(super) fn block_by_hash(&self, hash: B256) -> Option<&Arc<Block>> {
        match self.heights.get(&hash) {
            Some(number) => self.block(*number),
            None => self.orphans.iter().find(|block| block.hash == hash),
        }
    }

    pub(super) fn is_canonical(&self, hash: B256) -> bool {
        self.heights.contains_key(&hash)
    }

    pub(super) fn oldest_number(&self) -> u64 {
        self.blocks.front().map_or(0, |block| block.header.number)
    }

    pub(super) fn transaction(&self, hash: B256) -> Option<(Arc<Block>, usize)> {
        let (number, index) = self.transactions.get(&hash)?;
        Some((Arc::clone(self.block(*number)?), *index))
    }

    /// The state after a canonical block.
    pub(super) fn state_after(&self, block: &Block) -> Result<&Arc<State>, DevnetError> {
        let gone = || DevnetError::StateGone(block.header.number);
        if !self.is_canonical(block.hash) {
            return Err(gone());
        }
        let behind =
            usize::try_from(self.head().header.number - block.header.number).map_err(|_| gone())?;
        let at = self.states.len().checked_sub(behind + 1).ok_or_else(gone)?;
        self.states.get(at).ok_or_else(gone)
    }

    pub(super) fn forget_states(&mut self, but_newest: usize) {
        while self.states.len() > but_newest.max(1) {
            self.states.pop_front();
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn next_nonce(&self, account: Address) -> u64 {
        let queued = self.pending.iter().filter(|tx| tx.signer() == account).count();
        self.head_state().nonce(account) + queued as u64
    }

    pub(super) fn submit(
        &mut self,
        wallet: &Wallet,
        request: TransactionRequest,
    ) -> Result<B256, DevnetError> {
        let nonce = self.next_nonce(wallet.address());
        let base_fee = self.head().next_base_fee();
        self.queue(request.sign(wallet, self.config.chain_id, nonce, base_fee))
    }

    /// Checks a signed transaction from outside and queues it.
    pub(super) fn accept(&mut self, transaction: TxEnvelope) -> Result<B256, DevnetError> {
        if !block::is_supported(&transaction) {
            return Err(DevnetError::Type(transaction.tx_type() as u8));
        }
        let (found, expected) = (transaction.chain_id(), self.config.chain_id);
        if found.is_some_and(|id| id != expected) {
            return Err(DevnetError::ChainId { found, expected });
        }
        let hash = *transaction.tx_hash();
        let signer = transaction.recover_signer().map_err(|_| DevnetError::Signature(hash))?;
        self.queue(Recovered::new_unchecked(transaction, signer))
    }

    fn queue(&mut self, transaction: Recovered<TxEnvelope>) -> Result<B256, DevnetError> {
        if self.pending.len() >= PENDING_MAX {
            return Err(DevnetError::Full(self.pending.len()));
        }
        let (account, found) = (transaction.signer(), transaction.nonce());
        let next = self.next_nonce(account);
        if found != next {
            return Err(DevnetError::Nonce { account, found, next });
        }
        let fee = U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas());
        let balance = self.head_state().balance(account);
        if transaction.value().checked_add(fee).is_none_or(|cost| cost > balance) {
            return Err(DevnetError::Funds(account));
        }
        if transaction.gas_limit() > self.config.gas_limit {
            let text = format!("gas limit {} exceeds the block's", transaction.gas_limit());
            return Err(DevnetError::Unincludable(text));
        }
        let hash = *transaction.inner().tx_hash();
        self.pending.push_back(transaction);
        Ok(hash)
    }

    pub(super) fn set_next_time(&mut self, asked: u64) -> Result<(), DevnetError> {
        let newest = self.head().header.timestamp;
        if asked <= newest {
            return Err(DevnetError::Time { asked, newest });
        }
        self.next_time = Some(asked);
        Ok(())
    }

    pub(super) fn mine(&mut self, timestamp: Option<u64>) -> Result<Arc<Block>, DevnetError> {
        let parent = Arc::clone(self.head());
        let newest = parent.header.timestamp;
        let timestamp = timestamp.or(self.next_time).unwrap_or(newest + self.config.block_time_s);
        if timestamp <= newest {
            return Err(DevnetError::Time { asked: timestamp, newest });
        }
        self.next_time = None;
        let waiting = std::mem::take(&mut self.pending);
        let mut state = State::clone(self.head_state());
        let header = block::next_header(&self.config, &parent, timestamp, extra_data(0));
        let (block, left_over) = self.build(&mut state, header, waiting);
        self.pending = left_over;
        Ok(self.append(block, state))
    }

    /// Runs transactions in order until the block is full. Returns those that found no room; those
    /// that cannot run any more (a nonce that a dropped transaction would have used) are dropped.
    pub(super) fn build(
        &self,
        state: &mut State,
        header: Header,
        mut waiting: VecDeque<Recovered<TxEnvelope>>,
    ) -> (Block, VecDeque<Recovered<TxEnvelope>>) {
        let env = block_env(&header);
        let mut included: Vec<Included> = Vec::with_capacity(waiting.len());
        let (mut gas_used, mut logs_before) = (0, 0);
        while let Some(transaction) = waiting.pop_front() {
            if gas_used + transaction.gas_limit() > header.gas_limit {
                waiting.push_front(transaction);
                break;
            }
            let outcome = match execute::transact(state, self.config.chain_id, &env, &transaction) {
                Ok(outcome) => outcome,
                Err(error) => {
                    let hash = transaction.inner().tx_hash();
                    tracing::warn!(%hash, %error, "transaction dropped");
                    continue;
                }
            };
            state.commit(outcome.state);
            let result = outcome.result;
            gas_used += result.tx_gas_used();
            let (is_success, tx_gas_used) = (result.is_success(), result.tx_gas_used());
            let created = result.created_address();
            let logs = if is_success { result.into_logs() } else { Vec::new() };
            let first_log_index = logs_before;
            logs_before += logs.len();
            included.push(Included {
                receipt: block::receipt(transaction.inner(), is_success, gas_used, logs),
                gas_used: tx_gas_used,
                effective_gas_price: block::effective_gas_price(transaction.inner(), &header),
                created,
                first_log_index,
                transaction,
            });
        }
        let block = block::seal(header, included, state.root());
        state.push_block_hash(block.header.number, block.hash);
        (block, waiting)
    }

    pub(super) fn append(&mut self, block: Block, state: State) -> Arc<Block> {
        let block = Arc::new(block);
        let number = block.header.number;
        self.heights.insert(block.hash, number);
        for (index, included) in block.transactions.iter().enumerate() {
            self.transactions.insert(*included.transaction.inner().tx_hash(), (number, index));
        }
        self.blocks.push_back(Arc::clone(&block));
        self.states.push_back(Arc::new(state));
        while self.states.len() > self.config.states_kept.max(1) {
            self.states.pop_front();
        }
        while self.blocks.len() > self.config.blocks_kept.max(self.states.len()) {
            if let Some(oldest) = self.blocks.pop_front() {
                self.forget(&oldest);
            }
        }
        block
    }

    pub(super) fn forget(&mut self, block: &Block) {
        self.heights.remove(&block.hash);
        for included in &block.transactions {
            self.transactions.remove(included.transaction.inner().tx_hash());
        }
    }

    pub(super) fn call(&self, block: &Block, call: Call) -> Result<CallOutcome, DevnetError> {
        let state = self.state_after(block)?;
        execute::call(state, self.config.chain_id, &block_env(&block.header), call)
    }

    /// Call frames of the first `count` transactions of a canonical block.
    pub(super) fn trace_until(
        &self,
        block: &Block,
        count: usize,
    ) -> Result<Vec<CallFrame>, DevnetError> {
        let parent = match block.header.number.checked_sub(1) {
            Some(number) => self.block(number).ok_or(DevnetError::StateGone(number))?,
            None => return Ok(Vec::new()),
        };
        if parent.hash != block.header.parent_hash {
            return Err(DevnetError::StateGone(block.header.number));
        }
        let mut state = State::clone(self.state_after(parent)?);
        let env = block_env(&block.header);
        let mut frames = Vec::with_capacity(count);
        for included in block.transactions.iter().take(count) {
            let transaction = &included.transaction;
            let (outcome, tracer) =
                execute::trace(&state, self.config.chain_id, &env, transaction)?;
            state.commit(outcome.state);
            let frame = tracer.finish(transaction.gas_limit(), included.gas_used);
            frames.push(frame.ok_or_else(|| DevnetError::Evm("no frame was entered".to_owned()))?);
        }
        Ok(frames)
    }
}

pub(super) fn extra_data(reorgs: u64) -> Bytes {
    match reorgs {
        0 => EXTRA_DATA.as_bytes().into(),
        _ => format!("{EXTRA_DATA}, branch {reorgs}").into_bytes().into(),
    }
}
