//! Call frames: what happened inside a transaction.

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};

/// How a frame was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FrameKind {
    /// `CALL`
    Call,
    /// `CALLCODE`
    CallCode,
    /// `DELEGATECALL`
    DelegateCall,
    /// `STATICCALL`
    StaticCall,
    /// `CREATE`
    Create,
    /// `CREATE2`
    Create2,
    /// `SELFDESTRUCT`
    SelfDestruct,
}

/// One frame of the call tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Index of the calling frame in the same transaction; `None` for the outermost.
    pub parent: Option<u32>,
    /// 0 for the outermost.
    pub depth: u16,
    /// How it was entered.
    pub kind: FrameKind,
    /// Calling address.
    pub from: Address,
    /// Called or created address; `None` for a creation that failed before it had one.
    pub to: Option<Address>,
    /// Wei moved.
    pub value: U256,
    /// Gas used by the frame and what it called.
    pub gas_used: u64,
    /// Calldata or initcode.
    pub input: Bytes,
    /// Return or revert data.
    pub output: Bytes,
    /// The node's word for the failure; `None` when the frame succeeded by itself.
    pub error: Option<String>,
}

impl Frame {
    /// The first four bytes of calldata of a call frame.
    pub fn selector(&self) -> Option<[u8; 4]> {
        let is_call =
            !matches!(self.kind, FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct);
        is_call.then(|| self.input.get(..4)?.try_into().ok())?
    }
}

/// The frames of one transaction, a parent always before its children.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxTrace {
    /// Pre-order; `frames[0]` is the transaction itself.
    pub frames: Vec<Frame>,
}

impl TxTrace {
    /// Whether the frame's effects were kept: neither it nor any frame around it failed.
    pub fn took_effect(&self, index: usize) -> bool {
        let mut at = Some(index);
        while let Some(i) = at {
            let Some(frame) = self.frames.get(i) else { return false };
            if frame.error.is_some() {
                return false;
            }
            at = frame.parent.map(|p| p as usize);
        }
        true
    }

    /// [`TxTrace::took_effect`] of every frame, in one pass: asked frame by frame, a trace as deep as
    /// the chain allows would cost its length squared.
    pub fn effects(&self) -> Vec<bool> {
        let mut effects: Vec<bool> = Vec::with_capacity(self.frames.len());
        for frame in &self.frames {
            let around = frame.parent.and_then(|parent| effects.get(parent as usize));
            let is_kept = frame.error.is_none() && around.is_none_or(|kept| *kept);
            effects.push(is_kept);
        }
        effects
    }
}

/// Who gave the call frames of a block, or why nobody did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceSource {
    /// A node, where the block has frames; where it has none, nobody was asked to do without a node.
    #[default]
    Node,
    /// The block was executed here, on a state that a node gave, and agreed with every receipt.
    OwnExecution(ExecutionCost),
    /// No node gave them, and executing the block here came to nothing for this reason.
    Nobody(String),
}

/// What executing a block cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionCost {
    /// Requests for parts of the state before the block.
    pub reads: u32,
    /// Parts of that state that were known from the block before.
    pub kept: u32,
    /// Times the block was executed: what a transaction needs shows when it runs.
    pub rounds: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_inside_a_reverted_frame_took_no_effect() {
        let frame = |parent: Option<u32>, error: Option<&str>| Frame {
            parent,
            depth: 0,
            kind: FrameKind::Call,
            from: Address::ZERO,
            to: Some(Address::ZERO),
            value: U256::ZERO,
            gas_used: 0,
            input: Bytes::new(),
            output: Bytes::new(),
            error: error.map(str::to_owned),
        };
        let trace = TxTrace {
            frames: vec![
                frame(None, None),
                frame(Some(0), Some("execution reverted")),
                frame(Some(1), None),
                frame(Some(0), None),
            ],
        };
        let effects: Vec<bool> = (0..5).map(|i| trace.took_effect(i)).collect();
        assert_eq!(effects, [true, false, false, true, false]);
        assert_eq!(trace.effects(), effects[..4]);
    }
}
