//! A block as JSON, for detectors of others. A promise like the API's: fields are added, never renamed.

use model::{BlockBundle, Frame, Log, Transaction};
use registry::Registry;
use serde_json::{Value, json};

/// Version of the shape.
const FORMAT: u32 = 1;

/// One line: the block, its transactions with their logs, traces where there are any, and what is
/// guarded on this network. Amounts are decimal strings, bytes are `0x…`.
pub fn line_of(bundle: &BlockBundle, registry: &Registry) -> String {
    let header = &bundle.header;
    let deployments: Vec<Value> = registry
        .deployments()
        .iter()
        .filter(|deployment| deployment.network == bundle.network)
        .map(|d| json!({"label": d.label, "address": d.address, "class": d.class.as_str()}))
        .collect();
    let traces = bundle.traces.as_ref().map(|traces| {
        traces.iter().map(|trace| trace.frames.iter().map(frame).collect()).collect::<Vec<Vec<_>>>()
    });
    json!({
        "format": FORMAT,
        "network": bundle.network,
        "block": {
            "number": header.number,
            "hash": header.hash,
            "parent_hash": header.parent_hash,
            "timestamp": header.timestamp.0,
        },
        "deployments": deployments,
        "transactions": bundle.transactions.iter().map(transaction).collect::<Vec<_>>(),
        "traces": traces,
    })
    .to_string()
}

fn transaction(tx: &Transaction) -> Value {
    json!({
        "hash": tx.hash,
        "index": tx.index,
        "from": tx.from,
        "to": tx.to,
        "created": tx.created,
        "value": tx.value.to_string(),
        "input": tx.input,
        "gas_used": tx.gas_used,
        "status": tx.status.as_str(),
        "logs": tx.logs.iter().map(log).collect::<Vec<_>>(),
    })
}

fn log(log: &Log) -> Value {
    json!({
        "index": log.index,
        "address": log.address,
        "topics": log.topics,
        "data": log.data,
    })
}

fn frame(frame: &Frame) -> Value {
    json!({
        "parent": frame.parent,
        "depth": frame.depth,
        "kind": format!("{:?}", frame.kind).to_lowercase(),
        "from": frame.from,
        "to": frame.to,
        "value": frame.value.to_string(),
        "input": frame.input,
        "output": frame.output,
        "error": frame.error,
    })
}
