//! Logs, from receipts or from inside frames (`callTracer` with `withLog`).

use alloy_primitives::{Address, B256, Bytes};
use anyhow::{Context as _, bail};
use model::Log;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct WireLog {
    address: Address,
    topics: Vec<B256>,
    #[serde(default)]
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: Option<B256>,
    logs: Vec<WireLog>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Wrapped { result: Box<Self> },
    Many(Vec<Receipt>),
    One(Receipt),
}

fn numbered(logs: Vec<WireLog>) -> Vec<Log> {
    let log = |(index, log): (usize, WireLog)| Log {
        address: log.address,
        topics: log.topics,
        data: log.data,
        index: index as u32,
    };
    logs.into_iter().enumerate().map(log).collect()
}

pub(super) fn receipts(text: &str, of: Option<B256>) -> anyhow::Result<Vec<Log>> {
    let answer: Answer =
        serde_json::from_str(text).context("it holds no receipt (an object with \"logs\")")?;
    let mut receipts = match answer {
        Answer::Many(receipts) => receipts,
        Answer::One(receipt) => vec![receipt],
        Answer::Wrapped { result } => match *result {
            Answer::Many(receipts) => receipts,
            Answer::One(receipt) => vec![receipt],
            Answer::Wrapped { .. } => bail!("it is wrapped too often"),
        },
    };
    let at = match of {
        Some(hash) => receipts
            .iter()
            .position(|receipt| receipt.transaction_hash.is_none_or(|known| known == hash))
            .with_context(|| format!("no receipt is of transaction {hash}"))?,
        None if receipts.len() == 1 => 0,
        None => bail!(
            "it holds {} receipts, and the trace does not say of which transaction it is: give --tx",
            receipts.len()
        ),
    };
    Ok(numbered(receipts.swap_remove(at).logs))
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(default)]
    logs: Option<Vec<WireLog>>,
    #[serde(borrow, default)]
    calls: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Logs inside a tree's frames, without those of frames that failed; `None` when no frame has a
/// field for them.
pub(super) fn in_frames(tree: &RawValue) -> anyhow::Result<Option<Vec<Log>>> {
    if !tree.get().contains("\"logs\"") {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut waiting = vec![tree];
    while let Some(raw) = waiting.pop() {
        let frame: Frame<'_> = serde_json::from_str(raw.get()).context("logs of a frame")?;
        let is_kept = frame.error.is_none_or(|error| matches!(error.get(), "null" | "\"\""));
        if is_kept {
            found.extend(frame.logs.into_iter().flatten());
            waiting.extend(frame.calls.into_iter().flatten().rev());
        }
    }
    Ok(Some(numbered(found)))
}
