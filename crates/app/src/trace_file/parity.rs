//! Flat traces: nodes say `traceAddress`, some tools write `trace_address`, and a replayed
//! transaction's entries do not repeat its hash.

use alloy_primitives::B256;
use anyhow::Context as _;
use chain::{RawTraces, wire::read_traces};
use serde_json::{Map, Value, value::RawValue};

use super::Traced;

pub(super) fn read(raw: &RawValue) -> anyhow::Result<Vec<Traced>> {
    let mut entries: Vec<Map<String, Value>> =
        serde_json::from_str(raw.get()).context("it is no list of flat traces")?;
    for entry in &mut entries {
        camel(entry);
        for part in ["action", "result"] {
            if let Some(Value::Object(fields)) = entry.get_mut(part) {
                camel(fields);
            }
        }
        let has_hash = entry.get("transactionHash").is_some_and(|hash| !hash.is_null());
        if !has_hash {
            entry.insert("transactionHash".to_owned(), Value::String(B256::ZERO.to_string()));
        }
    }
    let body = serde_json::to_vec(&entries).context("writing flat traces anew")?;
    let traces = read_traces(RawTraces::Parity(&body))?;
    let read = |(hash, outcome): chain::wire::TraceOf| {
        let trace = outcome.map_err(|said| anyhow::anyhow!("the node has no trace: {said}"))?;
        Ok(Traced { hash: hash.filter(|hash| !hash.is_zero()), trace, logs: None })
    };
    traces.into_iter().map(read).collect()
}

/// Names of fields as nodes write them.
fn camel(fields: &mut Map<String, Value>) {
    let snake: Vec<String> = fields.keys().filter(|name| name.contains('_')).cloned().collect();
    for name in snake {
        let mut words = name.split('_');
        let mut better = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            better.push_str(&first.to_uppercase());
            better.push_str(rest);
        }
        if let Some(value) = fields.remove(&name) {
            fields.entry(better).or_insert(value);
        }
    }
}
