//! The execution itself.

use std::cell::RefCell;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, Log, U256, address};
use model::{BlockBundle, Frame, TxStatus, TxTrace};
use revm::{
    Context, DatabaseCommit, InspectEvm, MainBuilder, MainContext, SystemCallEvm,
    context::{BlockEnv, CfgEnv, result::ExecutionResult},
    context_interface::block::BlobExcessGasAndPrice,
    database::CacheDB,
    primitives::hardfork::SpecId,
};

use super::{
    after::Touched,
    block::{Block, Rules},
    known::{Known, Missing, Read},
};
use crate::devnet::{CallFrame, CallTracer, transaction_env};

/// Where a block finds the root of its beacon parent (EIP-4788) and the hash of its parent (EIP-2935).
const BEACON_ROOTS: Address = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const BLOCK_HASHES: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");

/// A transaction as it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutedTransaction {
    /// Whether it took effect.
    pub is_success: bool,
    /// Gas that it paid for.
    pub gas_used: u64,
    /// What it emitted.
    pub logs: Vec<Log>,
    /// Its calls.
    pub frame: CallFrame,
}

/// A block as it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// In the block's order.
    pub transactions: Vec<ExecutedTransaction>,
    /// What was read or changed, as it is afterwards.
    pub(super) after: Touched,
}

/// Why there is no execution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The state is not known that far: fetch this and execute again.
    #[error("{} parts of the state before the block are not known", .0.len())]
    Missing(Missing),
    /// The machine refused a transaction that the block includes.
    #[error("transaction {at} of the block cannot be executed: {reason}")]
    Refused {
        /// Position.
        at: usize,
        /// Why.
        reason: String,
    },
}

/// Where an execution is not what the receipts say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("own execution of transaction {at} has another {what} than its receipt")]
pub struct Disagreement {
    /// Position of the first such transaction.
    pub at: usize,
    /// What differs: `gas`, `status`, `logs`, or the `number of transactions`.
    pub what: &'static str,
}

/// Executes a block.
///
/// # Errors
/// What is missing, or the first transaction that the machine refuses although nothing is missing.
pub fn execute(block: &Block, rules: &Rules, known: &Known) -> Result<Executed, Failure> {
    let missing = RefCell::new(Missing::default());
    let mut state = CacheDB::new(Read { known, missing: &missing });
    let (cfg, env) = environment(block, rules);
    begin(block, rules, &cfg, &env, &mut state);
    let mut transactions = Vec::with_capacity(block.transactions.len());
    for (at, transaction) in block.transactions.iter().enumerate() {
        let mut evm = Context::mainnet()
            .with_db(&mut state)
            .with_cfg(cfg.clone())
            .with_block(env.clone())
            .build_mainnet_with_inspector(CallTracer::default());
        let outcome = evm.inspect_tx(transaction_env(transaction));
        let tracer = evm.inspector;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            // Without its sender's balance it must be refused; the next round knows more.
            Err(_) if !missing.borrow().is_empty() => continue,
            Err(error) => return Err(Failure::Refused { at, reason: error.to_string() }),
        };
        let gas_used = outcome.result.tx_gas_used();
        let is_success = matches!(outcome.result, ExecutionResult::Success { .. });
        let logs = outcome.result.into_logs();
        state.commit(outcome.state);
        let Some(frame) = tracer.finish(transaction.gas_limit(), gas_used) else {
            let reason = "it made no call".to_owned();
            return Err(Failure::Refused { at, reason });
        };
        transactions.push(ExecutedTransaction { is_success, gas_used, logs, frame });
    }
    let after = Touched::of(&state.cache);
    let missing = missing.take();
    match missing.is_empty() {
        true => Ok(Executed { transactions, after }),
        false => Err(Failure::Missing(missing)),
    }
}

/// What the machine is told of a block.
pub(super) fn environment(block: &Block, rules: &Rules) -> (CfgEnv, BlockEnv) {
    let mut cfg = CfgEnv::new().with_chain_id(rules.chain_id);
    cfg.set_spec_and_mainnet_gas_params(rules.spec);
    let blobs =
        block.excess_blob_gas.map(|gas| BlobExcessGasAndPrice::new(gas, rules.blob_fraction));
    let env = BlockEnv {
        number: U256::from(block.number),
        timestamp: U256::from(block.timestamp),
        beneficiary: block.beneficiary,
        gas_limit: block.gas_limit,
        basefee: block.base_fee,
        difficulty: block.difficulty,
        prevrandao: rules.spec.is_enabled_in(SpecId::MERGE).then_some(block.mix_hash),
        blob_excess_gas_and_price: blobs,
        ..BlockEnv::default()
    };
    (cfg, env)
}

/// What happens to the state before the first transaction.
pub(super) fn begin<'k>(
    block: &Block,
    rules: &Rules,
    cfg: &CfgEnv,
    env: &BlockEnv,
    state: &mut CacheDB<Read<'k>>,
) {
    let root = block.beacon_root.filter(|_| rules.spec.is_enabled_in(SpecId::CANCUN));
    let hash = rules.spec.is_enabled_in(SpecId::PRAGUE).then_some(block.parent_hash);
    for (contract, word) in [(BEACON_ROOTS, root), (BLOCK_HASHES, hash)] {
        let Some(word) = word else { continue };
        let mut evm = Context::mainnet()
            .with_db(&mut *state)
            .with_cfg(cfg.clone())
            .with_block(env.clone())
            .build_mainnet();
        // A chain without the contract goes on without it, as the rules say.
        if let Ok(outcome) = evm.system_call(contract, word.0.into()) {
            state.commit(outcome.state);
        }
    }
}

impl Executed {
    /// Holds the execution against the receipts of a block.
    ///
    /// # Errors
    /// The first difference: nothing of this execution may be used then.
    pub fn agrees(&self, bundle: &BlockBundle) -> Result<(), Disagreement> {
        if self.transactions.len() != bundle.transactions.len() {
            return Err(Disagreement { at: 0, what: "number of transactions" });
        }
        for (at, (ours, theirs)) in self.transactions.iter().zip(&bundle.transactions).enumerate() {
            let is_status_same = match theirs.status {
                TxStatus::Success => ours.is_success,
                TxStatus::Failed => !ours.is_success,
                // Before Byzantium receipts do not tell.
                TxStatus::Unknown => true,
            };
            let same_log = |(ours, theirs): (&Log, &model::Log)| {
                ours.address == theirs.address
                    && ours.data.topics() == theirs.topics
                    && ours.data.data == theirs.data
            };
            let are_logs_same = ours.logs.len() == theirs.logs.len()
                && ours.logs.iter().zip(&theirs.logs).all(same_log);
            let what = match () {
                () if ours.gas_used != theirs.gas_used => "gas",
                () if !is_status_same => "status",
                () if !are_logs_same => "logs",
                () => continue,
            };
            return Err(Disagreement { at, what });
        }
        Ok(())
    }

    /// The frames of every transaction, as the traces of a node that has tracing.
    pub fn traces(&self) -> Vec<TxTrace> {
        self.transactions.iter().map(|tx| trace(&tx.frame)).collect()
    }
}

/// Frames in pre-order.
fn trace(root: &CallFrame) -> TxTrace {
    let mut frames: Vec<Frame> = Vec::new();
    let mut open: Vec<(&CallFrame, Option<u32>, u16)> = vec![(root, None, 0)];
    while let Some((frame, parent, depth)) = open.pop() {
        let at = frames.len() as u32;
        frames.push(Frame {
            parent,
            depth,
            kind: frame.kind,
            from: frame.from,
            to: frame.to,
            value: frame.value,
            gas_used: frame.gas_used,
            input: frame.input.clone(),
            output: frame.output.clone(),
            error: frame.error.clone(),
        });
        open.extend(frame.calls.iter().rev().map(|call| (call, Some(at), depth + 1)));
    }
    TxTrace { frames }
}
