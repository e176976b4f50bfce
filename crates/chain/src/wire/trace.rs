//! What both dialects of call traces come to.

use alloy_primitives::{Address, Bytes, U256};
use model::{Frame, FrameKind, TxTrace};

use super::hex::Fixed;

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
