//! What both dialects of call traces come to.

use alloy_primitives::{Address, B256, Bytes, U256};
use model::{Frame, FrameKind, TxTrace};

use super::{RawTraces, call_tracer, hex::Fixed, parity};
use crate::Refusal;

/// One transaction's frames, or the node's word why there are none.
#[derive(Debug)]
pub(crate) struct WireTrace {
    /// Absent where the dialect goes by position alone.
    pub(crate) transaction_hash: Option<Fixed<32>>,
    pub(crate) outcome: Result<TxTrace, String>,
}

/// A frame of which only its place is known yet.
pub(super) fn blank(parent: Option<u32>, depth: u16) -> Frame {
    Frame {
        parent,
        depth,
        kind: FrameKind::Call,
        from: Address::ZERO,
        to: None,
        value: U256::ZERO,
        gas_used: 0,
        input: Bytes::new(),
        output: Bytes::new(),
        error: None,
    }
}

/// Wei that a frame of this kind moves. Both dialects repeat the surrounding call's value on
/// frames that borrow another contract's code, where nothing moves.
pub(super) fn moved(kind: FrameKind, stated: U256) -> U256 {
    match kind {
        FrameKind::CallCode | FrameKind::DelegateCall | FrameKind::StaticCall => U256::ZERO,
        FrameKind::Call | FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct => {
            stated
        }
    }
}

/// A transaction's hash, where the dialect gives it, with its frames or the node's word why there
/// are none.
pub type TraceOf = (Option<B256>, Result<TxTrace, String>);

/// Reads the traces of a block, or of a part of one, without matching them to transactions: for
/// tools that have no block to match them to.
///
/// # Errors
/// The body cannot be read.
pub fn read_traces(raw: RawTraces<'_>) -> Result<Vec<TraceOf>, Refusal> {
    let traces = read(raw)?;
    Ok(traces
        .into_iter()
        .map(|trace| (trace.transaction_hash.map(|hash| hash.0), trace.outcome))
        .collect())
}

/// Reads the traces of a block in either dialect.
pub(crate) fn read(raw: RawTraces<'_>) -> Result<Vec<WireTrace>, Refusal> {
    match raw {
        RawTraces::CallTracer(body) => call_tracer::read(body),
        RawTraces::Parity(body) => parity::read(body),
    }
}
