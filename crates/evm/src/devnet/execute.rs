//! Running transactions and calls on a state. Nothing here keeps the outcome: the caller decides.

use alloy_consensus::{Transaction, TxEnvelope, Typed2718, transaction::Recovered};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Context, ExecuteEvm, InspectEvm, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, TxEnv, either::Either, result::ResultAndState},
    primitives::hardfork::SpecId,
};

use super::{CallOutcome, DevnetError, state::State, trace::CallTracer};

/// The rules the chain runs by.
const SPEC: SpecId = SpecId::PRAGUE;

/// A call that is not a transaction: unsigned, free, without effect.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) from: Address,
    pub(super) to: Option<Address>,
    pub(super) gas: Option<u64>,
    pub(super) value: U256,
    pub(super) input: Bytes,
}

fn rules(chain_id: u64) -> CfgEnv {
    let mut rules = CfgEnv::new().with_chain_id(chain_id);
    rules.set_spec_and_mainnet_gas_params(SPEC);
    rules
}

/// Runs a signed transaction.
pub(super) fn transact(
    state: &State,
    chain_id: u64,
    block: &BlockEnv,
    transaction: &Recovered<TxEnvelope>,
) -> Result<ResultAndState, DevnetError> {
    let mut evm = Context::mainnet()
        .with_ref_db(state)
        .with_cfg(rules(chain_id))
        .with_block(block.clone())
        .build_mainnet();
    evm.transact(transaction_env(transaction))
        .map_err(|error| DevnetError::Unincludable(error.to_string()))
}

/// Runs a signed transaction and writes down its call frames.
pub(super) fn trace(
    state: &State,
    chain_id: u64,
    block: &BlockEnv,
    transaction: &Recovered<TxEnvelope>,
) -> Result<(ResultAndState, CallTracer), DevnetError> {
    let mut evm = Context::mainnet()
        .with_ref_db(state)
        .with_cfg(rules(chain_id))
        .with_block(block.clone())
        .build_mainnet_with_inspector(CallTracer::default());
    let outcome = evm
        .inspect_tx(transaction_env(transaction))
        .map_err(|error| DevnetError::Evm(error.to_string()))?;
    Ok((outcome, evm.inspector))
}

/// Runs a call on top of a block. Its price is zero, and so is the base fee it sees, as in other
/// nodes.
pub(super) fn call(
    state: &State,
    chain_id: u64,
    block: &BlockEnv,
    call: Call,
) -> Result<CallOutcome, DevnetError> {
    let mut rules = rules(chain_id);
    rules.disable_nonce_check = true;
    rules.disable_eip3607 = true;
    let gas_limit = call.gas.unwrap_or(block.gas_limit).min(block.gas_limit);
    let mut evm = Context::mainnet()
        .with_ref_db(state)
        .with_cfg(rules)
        .with_block(BlockEnv { basefee: 0, ..block.clone() })
        .build_mainnet();
    let outcome = evm
        .transact(TxEnv {
            caller: call.from,
            kind: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            data: call.input,
            gas_limit,
            chain_id: Some(chain_id),
            ..TxEnv::default()
        })
        .map_err(|error| DevnetError::Evm(error.to_string()))?
        .result;
    let halt = match &outcome {
        revm::context::result::ExecutionResult::Halt { reason, .. } => Some(format!("{reason:?}")),
        _ => None,
    };
    Ok(CallOutcome {
        is_success: outcome.is_success(),
        gas_used: outcome.tx_gas_used(),
        output: outcome.into_output().unwrap_or_default(),
        halt,
    })
}

/// A signed transaction as the machine takes it.
pub(crate) fn transaction_env(transaction: &Recovered<TxEnvelope>) -> TxEnv {
    let signed = transaction.inner();
    let authorizations = signed.authorization_list().unwrap_or_default();
    TxEnv {
        tx_type: signed.ty(),
        caller: transaction.signer(),
        gas_limit: signed.gas_limit(),
        gas_price: signed.max_fee_per_gas(),
        kind: signed.kind(),
        value: signed.value(),
        data: signed.input().clone(),
        nonce: signed.nonce(),
        chain_id: signed.chain_id(),
        access_list: signed.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: signed.max_priority_fee_per_gas(),
        blob_hashes: signed.blob_versioned_hashes().unwrap_or_default().to_vec(),
        max_fee_per_blob_gas: signed.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: authorizations.iter().cloned().map(Either::Left).collect(),
    }
}
