//! What one block created.

use alloy_primitives::Address;
use model::{BlockBundle, FrameKind};
use registry::SeenCode;

/// A contract that was created and stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Position of the transaction in the block.
    pub tx: u32,
    /// Pre-order index of the creating frame; 0 without traces.
    pub frame: u32,
    /// Account or contract that created it.
    pub creator: Address,
    /// Where it is.
    pub address: Address,
}

impl Creation {
    /// All creations of a block: every one with traces; without them only those that are a
    /// transaction by themselves, because receipts know no others.
    pub fn all(bundle: &BlockBundle) -> Vec<Self> {
        let mut found = Vec::new();
        for (tx, transaction) in (0u32..).zip(&bundle.transactions) {
            let trace = bundle.traces.as_ref().and_then(|traces| traces.get(tx as usize));
            let Some(trace) = trace.filter(|trace| !trace.frames.is_empty()) else {
                found.extend(transaction.created.map(|address| Self {
                    tx,
                    frame: 0,
                    creator: transaction.from,
                    address,
                }));
                continue;
            };
            for (index, frame) in trace.frames.iter().enumerate() {
                let creates = matches!(frame.kind, FrameKind::Create | FrameKind::Create2);
                if let (true, Some(address)) = (creates, frame.to)
                    && trace.took_effect(index)
                {
                    let frame_index = index as u32;
                    let creator = frame.from;
                    found.push(Self { tx, frame: frame_index, creator, address });
                }
            }
        }
        found
    }

    /// The code that it got: all of it with traces, else its hash where that was read.
    pub fn code<'b>(&self, bundle: &'b BlockBundle) -> SeenCode<'b> {
        let trace = bundle.traces.as_ref().and_then(|traces| traces.get(self.tx as usize));
        match trace.and_then(|trace| trace.frames.get(self.frame as usize)) {
            Some(frame) => SeenCode::Whole(&frame.output),
            None => bundle.code_hash(self.address).map_or(SeenCode::Unknown, SeenCode::Hash),
        }
    }
}
