//! Decoded values become evidence.

use alloy_dyn_abi::DynSolValue;
use model::{FactValue, Name};

use crate::Registry;

/// Most elements of an array that a fact shows: an airdrop to ten thousand addresses is one call,
/// and nobody reads the ten thousand.
pub const LIST_LEN_MAX: usize = 32;

/// Longest on-chain string that a fact keeps, in bytes; messages show much less of it.
pub const STRING_LEN_MAX: usize = 4096;

/// A decoded value as a fact: addresses with their label, strings marked as untrusted.
pub fn fact(value: &DynSolValue, network: &Name, registry: &Registry) -> FactValue {
    convert(value, &|address| registry.label(network, address).map(str::to_owned))
}

/// The same without labels, for texts that stand alone.
pub(crate) fn plain(value: &DynSolValue) -> FactValue {
    convert(value, &|_| None)
}

fn convert(value: &DynSolValue, label: &dyn Fn(model::Address) -> Option<String>) -> FactValue {
    match value {
        DynSolValue::Bool(value) => FactValue::Bool(*value),
        DynSolValue::Int(value, _) => FactValue::Int(*value),
        DynSolValue::Uint(value, _) => FactValue::Uint(*value),
        DynSolValue::FixedBytes(word, len) => {
            FactValue::Bytes(word[..(*len).min(32)].to_vec().into())
        }
        DynSolValue::Address(address) => {
            FactValue::Address { address: *address, label: label(*address) }
        }
        DynSolValue::Function(function) => FactValue::Bytes(function.to_vec().into()),
        DynSolValue::Bytes(bytes) => FactValue::Bytes(bytes.clone().into()),
        DynSolValue::String(text) => {
            let mut end = text.len().min(STRING_LEN_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let cut = if end < text.len() { "…" } else { "" };
            FactValue::Untrusted(format!("{}{cut}", &text[..end]))
        }
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => {
            let shown = values.iter().take(LIST_LEN_MAX).map(|value| convert(value, label));
            let mut list: Vec<FactValue> = shown.collect();
            if let Some(more) = values.len().checked_sub(LIST_LEN_MAX).filter(|more| *more > 0) {
                list.push(FactValue::Text(format!("and {more} more")));
            }
            FactValue::List(list)
        }
    }
}
