//! Call trees from files, in the forms in which people have them: the answer of
//! `debug_traceTransaction` or `debug_traceBlockBy…` with `callTracer`, of `trace_transaction`,
//! `trace_replayTransaction` or `trace_block`, with or without what JSON-RPC puts around it.
//!
//! Reading is lenient about the form and strict about the frames: those are read by the code that
//! reads nodes.

mod logs; //   logs inside frames, and receipts
mod parity; // flat traces in the dialects of several tools

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::B256;
use anyhow::{Context as _, bail};
use chain::{RawTraces, wire::read_traces};
use model::{Log, TxTrace};
use serde_json::value::RawValue;

/// Largest file that is read: some ten times the largest block's traces.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Wrappers inside one another: an RPC answer around an entry around a tree.
const WRAPPERS_MAX: usize = 4;

/// One transaction of a file.
#[derive(Debug)]
pub struct Traced {
    /// Its hash, where the file tells.
    pub hash: Option<B256>,
    /// Its frames.
    pub trace: TxTrace,
    /// Its logs, where the frames carry them.
    pub logs: Option<Vec<Log>>,
}

/// Reads a text file of bounded size.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot open {shown}"))?.len();
    if size > FILE_BYTES_MAX {
        bail!("{shown} has {size} bytes, at most {FILE_BYTES_MAX} are read");
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))
}

/// Reads every transaction of a file's text.
///
/// # Errors
/// What it holds is no call tree, or the node said why it has none.
pub fn read(text: &str) -> anyhow::Result<Vec<Traced>> {
    let raw: &RawValue = serde_json::from_str(text).context("it is no JSON")?;
    unwrapped(raw, None, WRAPPERS_MAX)
}

/// Reads the logs of one transaction from a receipt, a list of receipts, or an RPC answer with
/// either.
///
/// # Errors
/// What it holds are no receipts, or none is of the transaction.
pub fn read_receipts(text: &str, of: Option<B256>) -> anyhow::Result<Vec<Log>> {
    logs::receipts(text, of)
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

fn unwrapped(
    raw: &RawValue,
    hash: Option<B256>,
    wrappers_left: usize,
) -> anyhow::Result<Vec<Traced>> {
    if raw.get().trim_start().starts_with('[') {
        return list(raw);
    }
    let fields: Fields<'_> =
        serde_json::from_str(raw.get()).context("it is neither a call tree nor a list of them")?;
    let named = |name: &str| fields.get(name).copied().filter(|field| field.get() != "null");
    let hash = ["txHash", "transactionHash"]
        .iter()
        .find_map(|name| serde_json::from_str(named(name)?.get()).ok())
        .or(hash);
    if named("type").is_some() && named("from").is_some() {
        return Ok(vec![tree(raw, hash)?]);
    }
    for name in ["result", "trace", "traces"] {
        if let Some(inner) = named(name) {
            let left = wrappers_left.checked_sub(1).context("it is wrapped too often")?;
            return unwrapped(inner, hash, left);
        }
    }
    if let Some(error) = named("error") {
        bail!("it holds a node's refusal instead of a trace: {}", error.get());
    }
    let known: Vec<&str> = fields.keys().map(String::as_str).take(8).collect();
    bail!(
        "it has no call tree (a frame has \"type\" and \"from\", a wrapper \"result\", \"trace\" or \"traces\"); its fields are {known:?}"
    )
}

/// One tree of nested frames.
fn tree(raw: &RawValue, hash: Option<B256>) -> anyhow::Result<Traced> {
    let body = format!("[{{\"result\":{}}}]", raw.get());
    let mut traces = read_traces(RawTraces::CallTracer(body.as_bytes()))?;
    let (_, outcome) = traces.pop().context("it holds no frames")?;
    let trace = outcome.map_err(|said| anyhow::anyhow!("the node has no trace: {said}"))?;
    Ok(Traced { hash, trace, logs: logs::in_frames(raw)? })
}

fn list(raw: &RawValue) -> anyhow::Result<Vec<Traced>> {
    let entries: Vec<&RawValue> = serde_json::from_str(raw.get()).context("it is no list")?;
    let first = entries.first().context("the list is empty")?;
    let fields: Fields<'_> =
        serde_json::from_str(first.get()).context("its first entry is no object")?;
    if fields.contains_key("action") {
        return parity::read(raw);
    }
    let read = |(at, entry): (usize, &&RawValue)| {
        unwrapped(entry, None, WRAPPERS_MAX).with_context(|| format!("entry {at} of the list"))
    };
    let lists: Vec<Vec<Traced>> =
        entries.iter().enumerate().map(read).collect::<anyhow::Result<_>>()?;
    Ok(lists.into_iter().flatten().collect())
}
