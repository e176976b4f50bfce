//! Call traces in the shape of Parity's `trace_block`: a flat list in pre-order, each frame with
//! its path from the transaction.

use alloy_primitives::{Address, U256};
use model::{Frame, FrameKind, TxTrace};

use super::{
    CALL_DEPTH_MAX, FRAMES_MAX, Part,
    hex::{Data, Fixed, Quantity},
    record::List,
    text::Text,
    trace::{WireTrace, blank, moved},
};
use crate::Refusal;

record! {
    ParityTrace {
        required {
            kind: Text = "type",
            action: Action = "action",
            path: List<Quantity<u64>> = "traceAddress",
        }
        optional {
            transaction_hash: Fixed<32> = "transactionHash",
            result: Outcome = "result",
            error: Text = "error",
        }
    }
}

record! {
    /// What was asked; which fields there are depends on the kind of frame.
    Action {
        required {}
        optional {
            from: Fixed<20> = "from",
            to: Fixed<20> = "to",
            value: Quantity<U256> = "value",
            input: Data = "input",
            call_type: Text = "callType",
            init: Data = "init",
            creation_method: Text = "creationMethod",
            destroyed: Fixed<20> = "address",
            refund_address: Fixed<20> = "refundAddress",
            balance: Quantity<U256> = "balance",
        }
    }
}

record! {
    /// What came of it; absent when the frame failed.
    Outcome {
        required {}
        optional {
            gas_used: Quantity<u64> = "gasUsed",
            output: Data = "output",
            code: Data = "code",
            address: Fixed<20> = "address",
        }
    }
}

/// Reads a whole answer, in block order. Block and uncle rewards are no call frames and are left
/// out.
pub(crate) fn read(body: &[u8]) -> Result<Vec<WireTrace>, Refusal> {
    let malformed = |reason: String| Refusal::Malformed { part: Part::Traces, reason };
    let List(flat): List<ParityTrace> = super::read(Part::Traces, body)?;
    if flat.len() > FRAMES_MAX {
        return Err(malformed(format!("more than {FRAMES_MAX} call frames")));
    }
    let mut traces: Vec<WireTrace> = Vec::new();
    let mut tree = Tree::default();
    let mut current = None;
    for (at, entry) in flat.into_iter().enumerate() {
        if entry.kind.0 == "reward" {
            continue;
        }
        let hash = entry
            .transaction_hash
            .ok_or_else(|| malformed(format!("trace entry {at} has no transactionHash")))?;
        if current.is_some_and(|current| current != hash) {
            traces.push(std::mem::take(&mut tree).finish(current));
        }
        current = Some(hash);
        tree.push(entry).map_err(|reason| malformed(format!("trace entry {at} {reason}")))?;
    }
    if current.is_some() {
        traces.push(tree.finish(current));
    }
    Ok(traces)
}

/// One transaction's frames, with the way from the outermost to the newest.
#[derive(Default)]
struct Tree {
    frames: Vec<Frame>,
    /// Index of each frame on the way, with the number of its children so far.
    way: Vec<(u32, u64)>,
    /// Path of the newest frame.
    path: Vec<Quantity<u64>>,
}

impl Tree {
    fn finish(self, transaction_hash: Option<Fixed<32>>) -> WireTrace {
        WireTrace { transaction_hash, outcome: Ok(TxTrace { frames: self.frames }) }
    }

    fn push(&mut self, entry: ParityTrace) -> Result<(), String> {
        let depth = entry.path.0.len();
        if depth > CALL_DEPTH_MAX {
            return Err(format!("is nested deeper than {CALL_DEPTH_MAX}"));
        }
        let parent = match entry.path.0.split_last() {
            None if self.frames.is_empty() => None,
            None => return Err("is a second outermost frame of its transaction".to_owned()),
            Some((position, above)) => {
                self.way.truncate(depth);
                let is_below = self.way.len() == depth && self.path.starts_with(above);
                match self.way.last_mut() {
                    Some((parent, children)) if is_below && *children == position.0 => {
                        *children += 1;
                        Some(*parent)
                    }
                    _ => return Err("is not next in pre-order".to_owned()),
                }
            }
        };
        // At most FRAMES_MAX frames and CALL_DEPTH_MAX levels, which fit.
        self.way.push((self.frames.len() as u32, 0));
        let place = blank(parent, depth as u16);
        self.path.clone_from(&entry.path.0);
        self.frames.push(frame(place, entry)?);
        Ok(())
    }
}

fn frame(place: Frame, entry: ParityTrace) -> Result<Frame, String> {
    let ParityTrace { kind, action, result, error, .. } = entry;
    let address = |field: Option<Fixed<20>>, name: &str| -> Result<Address, String> {
        field.map(|address| address.0.into()).ok_or_else(|| format!("has no {name}"))
    };
    let error = error.map(|text| text.0).filter(|error| !error.is_empty());
    let (gas_used, output, code, created) = match result {
        Some(Outcome { gas_used, output, code, address }) => (gas_used, output, code, address),
        None => (None, None, None, None),
    };
    let place = Frame { gas_used: gas_used.unwrap_or_default().0, error, ..place };
    Ok(match kind.0.as_str() {
        "call" => {
            let kind = match action.call_type.as_ref().map(|text| text.0.as_str()) {
                Some("call") => FrameKind::Call,
                Some("callcode") => FrameKind::CallCode,
                Some("delegatecall") => FrameKind::DelegateCall,
                Some("staticcall") => FrameKind::StaticCall,
                other => return Err(format!("has unknown callType {other:?}")),
            };
            Frame {
                kind,
                from: address(action.from, "action.from")?,
                to: Some(address(action.to, "action.to")?),
                value: moved(kind, action.value.unwrap_or_default().0),
                input: action.input.unwrap_or_default().0,
                output: output.unwrap_or_default().0,
                ..place
            }
        }
        "create" => Frame {
            kind: match action.creation_method.as_ref().map(|text| text.0.as_str()) {
                Some("create2") => FrameKind::Create2,
                _ => FrameKind::Create,
            },
            from: address(action.from, "action.from")?,
            to: created.filter(|_| place.error.is_none()).map(|address| address.0.into()),
            value: action.value.unwrap_or_default().0,
            input: action.init.unwrap_or_default().0,
            output: code.unwrap_or_default().0,
            ..place
        },
        "suicide" | "selfdestruct" => Frame {
            kind: FrameKind::SelfDestruct,
            from: address(action.destroyed, "action.address")?,
            to: action.refund_address.map(|address| address.0.into()),
            value: action.balance.unwrap_or_default().0,
            ..place
        },
        other => return Err(format!("has unknown type {other:?}")),
    })
}
