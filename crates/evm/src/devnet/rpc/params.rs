use alloy_primitives::{Address, B256, Bytes, U256};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::RpcError;
use crate::devnet::execute::Call;

/// Positional parameters of one request.
pub(super) struct Params<'a>(&'a [Value]);

/// How a request names a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockId {
    Number(u64),
    Hash(B256),
    Latest,
    Safe,
    Finalized,
    Earliest,
}

impl<'a> Params<'a> {
    pub(super) fn new(params: &'a Value) -> Result<Self, RpcError> {
        match params {
            Value::Array(values) => Ok(Self(values)),
            Value::Null => Ok(Self(&[])),
            _ => Err(RpcError::invalid_params("params must be an array")),
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<&'a Value> {
        self.0.get(at).filter(|value| !value.is_null())
    }

    /// The parameter at this position; its absence is the caller's mistake.
    pub(super) fn required(&self, at: usize) -> Result<&'a Value, RpcError> {
        let missing = || format!("missing value for required argument {at}");
        self.get(at).ok_or_else(|| RpcError::invalid_params(missing()))
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, at: usize) -> Result<T, RpcError> {
        parse(self.required(at)?, at)
    }

    pub(super) fn number(&self, at: usize) -> Result<u64, RpcError> {
        number(self.required(at)?)
    }

    pub(super) fn flag(&self, at: usize) -> bool {
        self.get(at).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A block; `latest` when it is left out.
    pub(super) fn block(&self, at: usize) -> Result<BlockId, RpcError> {
        self.get(at).map_or(Ok(BlockId::Latest), block_id)
    }
}

fn parse<T: DeserializeOwned>(value: &Value, at: usize) -> Result<T, RpcError> {
    T::deserialize(value)
        .map_err(|error| RpcError::invalid_params(format!("invalid argument {at}: {error}")))
}

/// A quantity: hex text, or a plain number from hand-written requests.
pub(super) fn number(value: &Value) -> Result<u64, RpcError> {
    let wrong = || RpcError::invalid_params(format!("invalid argument: {value} is no quantity"));
    if let Some(number) = value.as_u64() {
        return Ok(number);
    }
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).ok_or_else(wrong)?;
    u64::from_str_radix(digits, 16).map_err(|_| wrong())
}

pub(super) fn block_id(value: &Value) -> Result<BlockId, RpcError> {
    if let Some(fields) = value.as_object() {
        return match (fields.get("blockHash"), fields.get("blockNumber")) {
            (Some(hash), None) => Ok(BlockId::Hash(parse(hash, 0)?)),
            (None, Some(number)) => block_id(number),
            _ => Err(RpcError::invalid_params("name a block by blockHash or by blockNumber")),
        };
    }
    match value.as_str() {
        Some("latest" | "pending") => Ok(BlockId::Latest),
        Some("safe") => Ok(BlockId::Safe),
        Some("finalized") => Ok(BlockId::Finalized),
        Some("earliest") => Ok(BlockId::Earliest),
        Some(text) if text.len() == 66 => Ok(BlockId::Hash(parse(value, 0)?)),
        _ => number(value).map(BlockId::Number),
    }
}

/// The transaction object of `eth_call` and `eth_estimateGas`.
pub(super) fn call(value: &Value) -> Result<Call, RpcError> {
    let optional = |key: &str| value.get(key).filter(|field| !field.is_null());
    let address = |key: &str| optional(key).map(|field| parse::<Address>(field, 0)).transpose();
    let input = optional("input").or(optional("data"));
    Ok(Call {
        from: address("from")?.unwrap_or_default(),
        to: address("to")?,
        gas: optional("gas").map(number).transpose()?,
        value: optional("value").map(|f| parse::<U256>(f, 0)).transpose()?.unwrap_or_default(),
        input: input.map(|field| parse::<Bytes>(field, 0)).transpose()?.unwrap_or_default(),
    })
}
