use alloy_primitives::{Address, B256, Log};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    answer::RpcError,
    json,
    methods::View,
    params::{BlockId, block_id},
};
use crate::devnet::Block;

/// Most logs in one answer, as large providers have it.
const LOGS_MAX: usize = 10_000;

/// `eth_getLogs`.
pub(super) fn get_logs(view: &View<'_>, filter: &Value) -> Result<Value, RpcError> {
    let wanted = Wanted::parse(filter)?;
    let mut found = Vec::new();
    if let Some(hash) = filter.get("blockHash").filter(|hash| !hash.is_null()) {
        let block = view.block(block_id(hash)?).ok_or_else(unknown_block)?;
        wanted.collect(block, &mut found);
        return Ok(Value::Array(found));
    }
    let bound = |key: &str| match filter.get(key).filter(|value| !value.is_null()) {
        Some(value) => block_id(value),
        None => Ok(BlockId::Latest),
    };
    let from = view.number(bound("fromBlock")?).ok_or_else(unknown_block)?;
    let to = view.number(bound("toBlock")?).ok_or_else(unknown_block)?;
    if from > to {
        return Err(RpcError::new(-32000, "invalid block range params"));
    }
    for number in from.max(view.oldest_number())..=to.min(view.head_number()) {
        if let Some(block) = view.block(BlockId::Number(number)) {
            wanted.collect(block, &mut found);
        }
        if found.len() > LOGS_MAX {
            let message = format!("query returned more than {LOGS_MAX} results");
            return Err(RpcError::new(-32005, message));
        }
    }
    Ok(Value::Array(found))
}

fn unknown_block() -> RpcError {
    RpcError::new(-32000, "unknown block")
}

/// What a filter asks for; empty lists take anything.
struct Wanted {
    addresses: Vec<Address>,
    /// Alternatives per position.
    topics: Vec<Vec<B256>>,
}

impl Wanted {
    fn parse(filter: &Value) -> Result<Self, RpcError> {
        let addresses = one_or_many(filter.get("address"))?;
        let topics = match filter.get("topics") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(positions)) => positions
                .iter()
                .map(|position| one_or_many(Some(position)))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(RpcError::invalid_params("topics must be an array")),
        };
        Ok(Self { addresses, topics })
    }

    fn takes(&self, log: &Log) -> bool {
        let is_address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        is_address
            && self.topics.len() <= log.data.topics().len()
            && self
                .topics
                .iter()
                .zip(log.data.topics())
                .all(|(any_of, topic)| any_of.is_empty() || any_of.contains(topic))
    }

    fn collect(&self, block: &Block, found: &mut Vec<Value>) {
        for (index, included) in block.transactions.iter().enumerate() {
            for (at, log) in included.receipt.logs().iter().enumerate() {
                if self.takes(log) {
                    found.push(json::log(block, index, at, log));
                }
            }
        }
    }
}

fn one_or_many<T: DeserializeOwned>(value: Option<&Value>) -> Result<Vec<T>, RpcError> {
    let parse = |value: &Value| {
        T::deserialize(value)
            .map_err(|error| RpcError::invalid_params(format!("invalid filter: {error}")))
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(parse).collect(),
        Some(value) => Ok(vec![parse(value)?]),
    }
}
