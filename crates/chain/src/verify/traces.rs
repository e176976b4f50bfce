//! Traces matched to transactions. Nothing in a header commits to a trace; what can be compared is
//! compared, so that the trace of another block, or a node that lost its place, is refused.

use model::{FrameKind, Transaction, TxStatus, TxTrace};

use super::{Item, Refusal, join::same};
use crate::wire::{
    RawTraces,
    trace::{self, WireTrace},
};

/// Reads the traces and matches each to its transaction.
pub(super) fn matched(
    raw: RawTraces<'_>,
    transactions: &[Transaction],
) -> Result<Vec<TxTrace>, Refusal> {
    let wire = trace::read(raw)?;
    if wire.len() != transactions.len() {
        let (traces, transactions) = (wire.len(), transactions.len());
        return Err(Refusal::TraceCount { traces, transactions });
    }
    wire.into_iter().zip(transactions).map(|(trace, tx)| match_one(trace, tx)).collect()
}

fn match_one(wire: WireTrace, tx: &Transaction) -> Result<TxTrace, Refusal> {
    let index = tx.index as usize;
    let item = Item::Trace(index);
    if let Some(hash) = wire.transaction_hash {
        same(item, "txHash", hash.0, tx.hash)?;
    }
    let trace = wire.outcome.map_err(|error| Refusal::TraceFailed { index, error })?;
    let Some(top) = trace.frames.first() else {
        let error = "no frames".to_owned();
        return Err(Refusal::TraceFailed { index, error });
    };
    let is_creation = |kind| matches!(kind, FrameKind::Create | FrameKind::Create2);
    let expected_kind = if tx.to.is_some() { FrameKind::Call } else { FrameKind::Create };
    if is_creation(top.kind) != tx.to.is_none() {
        let (found, expected) = (format!("{:?}", top.kind), format!("{expected_kind:?}"));
        return Err(Refusal::Foreign { item, field: "type", found, expected });
    }
    same(item, "from", top.from, tx.from)?;
    // A creation that failed may or may not have got as far as an address.
    let callee = tx.to.or(tx.created);
    if callee.is_some() && top.to != callee {
        let shown = |to: Option<model::Address>| to.map_or("null".to_owned(), |to| to.to_string());
        same(item, "to", shown(top.to), shown(callee))?;
    }
    same(item, "value", top.value, tx.value)?;
    if top.input != tx.input {
        let shown = |input: &[u8]| {
            format!("{} bytes, keccak {}", input.len(), alloy_primitives::keccak256(input))
        };
        let (found, expected) = (shown(&top.input), shown(&tx.input));
        return Err(Refusal::Foreign { item, field: "input", found, expected });
    }
    let outcome = if top.error.is_some() { TxStatus::Failed } else { TxStatus::Success };
    if tx.status != TxStatus::Unknown {
        same(item, "outcome", outcome.as_str(), tx.status.as_str())?;
    }
    Ok(trace)
}
