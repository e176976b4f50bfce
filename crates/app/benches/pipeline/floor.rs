//! What merely parsing costs: the fastest parser, borrowing all text, converting nothing.

use std::hint::black_box;

use chain::{RawBlock, RawTraces};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Block<'a> {
    hash: &'a str,
    parent_hash: &'a str,
    number: &'a str,
    timestamp: &'a str,
    miner: &'a str,
    gas_used: &'a str,
    gas_limit: &'a str,
    base_fee_per_gas: Option<&'a str>,
    logs_bloom: &'a str,
    receipts_root: &'a str,
    transactions_root: &'a str,
    state_root: &'a str,
    #[serde(borrow)]
    transactions: Vec<Transaction<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsed to be timed")]
struct Transaction<'a> {
    hash: &'a str,
    from: &'a str,
    to: Option<&'a str>,
    nonce: &'a str,
    value: &'a str,
    gas: &'a str,
    input: &'a str,
    r#type: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Receipt<'a> {
    transaction_hash: &'a str,
    status: Option<&'a str>,
    gas_used: &'a str,
    effective_gas_price: Option<&'a str>,
    contract_address: Option<&'a str>,
    #[serde(borrow)]
    logs: Vec<Log<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Log<'a> {
    address: &'a str,
    #[serde(borrow)]
    topics: Vec<&'a str>,
    data: &'a str,
    log_index: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Trace<'a> {
    tx_hash: Option<&'a str>,
    #[serde(borrow)]
    result: Frame<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Frame<'a> {
    r#type: &'a str,
    from: &'a str,
    to: Option<&'a str>,
    value: Option<&'a str>,
    gas_used: Option<&'a str>,
    input: Option<&'a str>,
    output: Option<&'a str>,
    error: Option<&'a str>,
    #[serde(borrow, default)]
    calls: Vec<Frame<'a>>,
}

/// Parses block and receipts.
pub(super) fn parse(raw: RawBlock<'_>) {
    black_box(sonic_rs::from_slice::<Block<'_>>(raw.block).unwrap());
    black_box(sonic_rs::from_slice::<Vec<Receipt<'_>>>(raw.receipts).unwrap());
}

/// Parses call traces, if there are any.
pub(super) fn parse_traces(raw: RawBlock<'_>) {
    if let Some(RawTraces::CallTracer(body)) = raw.traces {
        black_box(sonic_rs::from_slice::<Vec<Trace<'_>>>(body).unwrap());
    }
}

/// Whether this parser can read the traces: its recursion is bounded, ours is not.
pub(super) fn reads_traces(raw: RawBlock<'_>) -> bool {
    match raw.traces {
        Some(RawTraces::CallTracer(body)) => sonic_rs::from_slice::<Vec<Trace<'_>>>(body).is_ok(),
        Some(RawTraces::Parity(_)) | None => false,
    }
}
