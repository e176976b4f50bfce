use std::sync::Arc;

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::{Value, json};

use super::{
    Shared,
    answer::RpcError,
    json,
    json::quantity,
    logs,
    params::{self, BlockId, Params},
};
use crate::devnet::{
    Block, CallOutcome, DevnetError, FaultRule,
    chain::Chain,
    execute::Call,
    state::State,
    trace::{block_trace_json, revert_message},
    wallet::TIP_WEI,
};

/// The chain as this endpoint sees it: up to the head it believes in.
pub(super) struct View<'a> {
    chain: &'a Chain,
    head: &'a Arc<Block>,
}

impl<'a> View<'a> {
    pub(super) fn new(chain: &'a Chain, lag_blocks: u64) -> Self {
        let number = chain.head().header.number.saturating_sub(lag_blocks);
        let head = chain.block(number).unwrap_or_else(|| chain.head());
        Self { chain, head }
    }

    pub(super) fn head(&self) -> &'a Arc<Block> {
        self.head
    }

    pub(super) fn head_number(&self) -> u64 {
        self.head.header.number
    }

    pub(super) fn oldest_number(&self) -> u64 {
        self.chain.oldest_number()
    }

    /// The height that a name stands for; `None` for a hash nobody knows.
    pub(super) fn number(&self, id: BlockId) -> Option<u64> {
        let config = self.chain.config();
        let behind = |lag: u64| self.head_number().saturating_sub(lag);
        Some(match id {
            BlockId::Number(number) => number,
            BlockId::Hash(hash) => self.chain.block_by_hash(hash)?.header.number,
            BlockId::Latest => self.head_number(),
            BlockId::Safe => behind(config.safe_lag_blocks),
            BlockId::Finalized => behind(config.finalized_lag_blocks),
            BlockId::Earliest => self.chain.oldest_number(),
        })
    }

    pub(super) fn block(&self, id: BlockId) -> Option<&'a Arc<Block>> {
        let block = match id {
            BlockId::Hash(hash) => self.chain.block_by_hash(hash)?,
            _ => self.chain.block(self.number(id)?)?,
        };
        (block.header.number <= self.head_number()).then_some(block)
    }

    fn required(&self, id: BlockId) -> Result<&'a Arc<Block>, RpcError> {
        Ok(self.block(id).ok_or(DevnetError::UnknownBlock)?)
    }

    fn state(&self, id: BlockId) -> Result<&'a Arc<State>, RpcError> {
        Ok(self.chain.state_after(self.required(id)?)?)
    }

    fn transaction(&self, hash: B256) -> Option<(Arc<Block>, usize)> {
        let (block, index) = self.chain.transaction(hash)?;
        (block.header.number <= self.head_number()).then_some((block, index))
    }
}

/// Runs one method.
pub(super) fn run(
    shared: &Shared,
    method: &str,
    params: &Value,
    lag_blocks: u64,
) -> Result<Value, RpcError> {
    let params = Params::new(params)?;
    match method {
        "web3_clientVersion" => {
            return Ok(json!(concat!("bellwether-devnet/v", env!("CARGO_PKG_VERSION"))));
        }
        "eth_sendRawTransaction" => return send_raw(shared, &params),
        _ if method.starts_with("devnet_") || method.starts_with("evm_") => {
            return control(shared, method, &params);
        }
        _ => {}
    }
    let chain = shared.devnet.lock();
    let view = View::new(&chain, lag_blocks);
    read(&view, method, &params)
}

fn read(view: &View<'_>, method: &str, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = view.chain;
    match method {
        "eth_chainId" => Ok(quantity(chain.config().chain_id)),
        "net_version" => Ok(json!(chain.config().chain_id.to_string())),
        "net_listening" => Ok(json!(true)),
        "eth_syncing" => Ok(json!(false)),
        "eth_accounts" => Ok(json!([])),
        "eth_blockNumber" => Ok(quantity(view.head_number())),
        "eth_gasPrice" => Ok(quantity(u128::from(view.head().next_base_fee()) + TIP_WEI)),
        "eth_maxPriorityFeePerGas" => Ok(quantity(TIP_WEI)),
        "eth_getBlockByNumber" => {
            params.required(0)?;
            let found = view.block(params.block(0)?);
            Ok(found.map_or(Value::Null, |block| json::block(block, params.flag(1))))
        }
        "eth_getBlockByHash" => {
            let found = view.block(BlockId::Hash(params.parse(0)?));
            Ok(found.map_or(Value::Null, |block| json::block(block, params.flag(1))))
        }
        "eth_getBlockReceipts" => {
            params.required(0)?;
            let found = view.block(params.block(0)?);
            Ok(found.map_or(Value::Null, |block| {
                (0..block.transactions.len()).map(|index| json::receipt(block, index)).collect()
            }))
        }
        "eth_getTransactionByHash" => {
            let found = view.transaction(params.parse(0)?);
            Ok(found.map_or(Value::Null, |(block, index)| json::transaction(&block, index)))
        }
        "eth_getTransactionReceipt" => {
            let found = view.transaction(params.parse(0)?);
            Ok(found.map_or(Value::Null, |(block, index)| json::receipt(&block, index)))
        }
        "eth_getLogs" => logs::get_logs(view, params.required(0)?),
        "eth_getBalance" => {
            let account: Address = params.parse(0)?;
            Ok(quantity(view.state(params.block(1)?)?.balance(account)))
        }
        "eth_getCode" => {
            let account: Address = params.parse(0)?;
            Ok(json!(view.state(params.block(1)?)?.code(account)))
        }
        "eth_getStorageAt" => {
            let (account, slot): (Address, U256) = (params.parse(0)?, params.parse(1)?);
            let word = view.state(params.block(2)?)?.storage(account, slot);
            Ok(json!(B256::from(word)))
        }
        "eth_getTransactionCount" => {
            let account: Address = params.parse(0)?;
            let is_pending = params.get(1).and_then(Value::as_str) == Some("pending");
            if is_pending {
                return Ok(quantity(chain.next_nonce(account)));
            }
            Ok(quantity(view.state(params.block(1)?)?.nonce(account)))
        }
        "eth_call" => {
            let block = view.required(params.block(1)?)?;
            let outcome = chain.call(block, params::call(params.required(0)?)?)?;
            succeeded(outcome).map(|outcome| json!(outcome.output))
        }
        "eth_estimateGas" => {
            let block = view.required(params.block(1)?)?;
            estimate_gas(chain, block, params::call(params.required(0)?)?)
        }
        "debug_traceBlockByHash" => trace_block(view, BlockId::Hash(params.parse(0)?), params),
        "debug_traceBlockByNumber" => {
            params.required(0)?;
            trace_block(view, params.block(0)?, params)
        }
        "debug_traceTransaction" => {
            let not_found = || RpcError::new(-32000, "transaction not found");
            let with_log = call_tracer(params)?;
            let (block, index) = view.transaction(params.parse(0)?).ok_or_else(not_found)?;
            let frames = chain.trace_until(&block, index + 1)?;
            Ok(frames.last().map_or(Value::Null, |frame| frame.to_json(with_log)))
        }
        _ => Err(unknown(method)),
    }
}

fn unknown(method: &str) -> RpcError {
    RpcError::new(-32601, format!("the method {method} does not exist/is not available"))
}

fn send_raw(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let bytes: Bytes = params.parse(0)?;
    let transaction = TxEnvelope::decode_2718_exact(&bytes)
        .map_err(|error| RpcError::new(-32000, format!("rlp: {error}")))?;
    Ok(json!(shared.devnet.send_raw(transaction)?))
}

/// Methods that steer the chain instead of reading it.
fn control(shared: &Shared, method: &str, params: &Params<'_>) -> Result<Value, RpcError> {
    let devnet = &shared.devnet;
    match method {
        "devnet_mine" | "evm_mine" => {
            let count = params.get(0).map_or(Ok(1), params::number)?.min(BLOCKS_PER_REQUEST_MAX);
            for _ in 0..count {
                devnet.mine()?;
            }
            Ok(quantity(devnet.head().number))
        }
        "devnet_setTime" | "evm_setNextBlockTimestamp" => {
            devnet.set_next_time(params.number(0)?)?;
            Ok(json!(true))
        }
        "evm_increaseTime" => {
            let next = devnet.now().saturating_add(params.number(0)?.max(1));
            devnet.set_next_time(next)?;
            Ok(quantity(next))
        }
        "devnet_reorg" => {
            // With a second argument of true the removed transactions do not come back.
            let is_emptied = params.flag(1);
            let reorg = devnet.reorg(params.number(0)?, |branch| {
                if is_emptied {
                    branch.leave_out_all();
                }
            })?;
            Ok(json!({
                "removed": reorg.removed.iter().map(|block| block.hash).collect::<Vec<_>>(),
                "added": reorg.added.iter().map(|block| block.hash).collect::<Vec<_>>(),
                "dropped": reorg.dropped,
            }))
        }
        "devnet_fault" => {
            let rule: FaultRule = params.parse(0)?;
            shared.faults.add(rule);
            Ok(json!(true))
        }
        "devnet_clearFaults" => {
            shared.faults.clear();
            Ok(json!(true))
        }
        _ => Err(unknown(method)),
    }
}

/// Most blocks that one request mines: an hour of blocks at 12 s, a second or so of work.
const BLOCKS_PER_REQUEST_MAX: u64 = 300;

fn succeeded(outcome: CallOutcome) -> Result<CallOutcome, RpcError> {
    if outcome.is_success {
        return Ok(outcome);
    }
    if let Some(halt) = outcome.halt {
        return Err(RpcError::new(-32000, format!("execution failed: {halt}")));
    }
    Err(RpcError {
        code: 3,
        message: revert_message(&outcome.output),
        data: Some(json!(format!("0x{}", hex::encode(&outcome.output)))),
    })
}

/// The least gas limit that succeeds, by bisection between what was used and the block's limit.
fn estimate_gas(chain: &Chain, block: &Block, call: Call) -> Result<Value, RpcError> {
    let outcome = succeeded(chain.call(block, call.clone())?)?;
    let mut enough = call.gas.unwrap_or(block.header.gas_limit);
    let mut too_little = outcome.gas_used.saturating_sub(1);
    while too_little + 1 < enough {
        // Most calls need little more than they use, so look there first.
        let middle = (too_little + enough).div_ceil(2).min(too_little.saturating_mul(2).max(1));
        let asked = Call { gas: Some(middle), ..call.clone() };
        match chain.call(block, asked) {
            Ok(outcome) if outcome.is_success => enough = middle,
            Ok(_) | Err(DevnetError::Evm(_)) => too_little = middle,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(quantity(enough))
}

fn trace_block(view: &View<'_>, id: BlockId, params: &Params<'_>) -> Result<Value, RpcError> {
    let with_log = call_tracer(params)?;
    let block = view.required(id)?;
    let frames = view.chain.trace_until(block, block.transactions.len())?;
    let hashes = block.transactions.iter().map(|tx| *tx.transaction.inner().tx_hash());
    let named: Vec<_> = hashes.zip(frames).collect();
    Ok(block_trace_json(&named, with_log))
}

/// Whether logs are wanted; refuses every tracer but the one there is.
fn call_tracer(params: &Params<'_>) -> Result<bool, RpcError> {
    let options = params.get(1);
    let tracer = options.and_then(|options| options.get("tracer")).and_then(Value::as_str);
    if tracer != Some("callTracer") {
        return Err(RpcError::invalid_params(r#"only {"tracer": "callTracer"} is supported"#));
    }
    let with_log = options
        .and_then(|options| options.pointer("/tracerConfig/withLog"))
        .and_then(Value::as_bool);
    Ok(with_log.unwrap_or(false))
}
