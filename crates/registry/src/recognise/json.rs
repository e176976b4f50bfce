//! Declarations as the JSON of an ABI.

use alloy_dyn_abi::DynSolType;
use alloy_json_abi::StateMutability;
use serde_json::{Value, json};

use crate::{EventAbi, FunctionAbi, Param};

pub(super) fn function(function: &FunctionAbi) -> Value {
    let mutability = match function.mutability {
        StateMutability::Pure => "pure",
        StateMutability::View => "view",
        StateMutability::NonPayable => "nonpayable",
        StateMutability::Payable => "payable",
    };
    json!({
        "type": "function",
        "name": function.name,
        "inputs": params(&function.inputs),
        "outputs": params(&function.outputs),
        "stateMutability": mutability,
    })
}

pub(super) fn event(event: &EventAbi) -> Value {
    let inputs = event.params.iter().map(|p| {
        let mut input = param(p);
        input["indexed"] = json!(p.indexed);
        input
    });
    json!({
        "type": "event",
        "name": event.name,
        "inputs": inputs.collect::<Value>(),
        "anonymous": event.topic0.is_none(),
    })
}

fn params(params: &[Param]) -> Value {
    params.iter().map(param).collect()
}

fn param(param: &Param) -> Value {
    let mut value = json!({ "name": param.name, "type": type_name(&param.ty) });
    if !param.components.is_empty() {
        value["components"] = params(&param.components);
    }
    value
}

/// Tuples are called `tuple`, their parts stand in `components`.
fn type_name(ty: &DynSolType) -> String {
    match ty {
        DynSolType::Tuple(_) => "tuple".to_owned(),
        DynSolType::Array(inner) => format!("{}[]", type_name(inner)),
        DynSolType::FixedArray(inner, len) => format!("{}[{len}]", type_name(inner)),
        other => other.to_string(),
    }
}
