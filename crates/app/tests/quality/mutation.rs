//! What an attacker could have done otherwise, as changes of the recorded calls. What comes out is
//! a plausible trace, not a re-execution: amounts stay as they were.

use alloy_primitives::{Address, Bytes, U256};
use model::{Frame, FrameKind, TxTrace};

/// A change; it may make several transactions of one.
pub(crate) struct Mutation {
    pub(crate) name: &'static str,
    pub(crate) apply: fn(&TxTrace) -> Vec<TxTrace>,
}

pub(crate) const ALL: &[Mutation] = &[
    Mutation { name: "as recorded", apply: |trace| vec![trace.clone()] },
    Mutation { name: "through one wrapper", apply: |trace| vec![wrapped(trace, 1)] },
    Mutation { name: "through three wrappers", apply: |trace| vec![wrapped(trace, 3)] },
    Mutation { name: "helpers deployed beforehand", apply: |trace| vec![aged(trace)] },
    Mutation { name: "each loop at most seven times", apply: |trace| vec![shortened(trace, 7)] },
    Mutation { name: "each loop at most three times", apply: |trace| vec![shortened(trace, 3)] },
    Mutation { name: "each loop once", apply: |trace| vec![shortened(trace, 1)] },
    Mutation { name: "the calls in two transactions", apply: split },
    Mutation { name: "the amounts in four transactions", apply: |trace| vec![divided(trace, 4)] },
    Mutation {
        name: "wrapped, aged and shortened",
        apply: |trace| vec![wrapped(&aged(&shortened(trace, 7)), 1)],
    },
];

/// The sender calls a contract that only calls the next.
fn wrapped(trace: &TxTrace, times: u8) -> TxTrace {
    let Some(first) = trace.frames.first().filter(|first| first.kind == FrameKind::Call) else {
        return trace.clone();
    };
    let wrapper = |at: u8| Address::repeat_byte(0xe0 + at);
    let mut frames: Vec<Frame> = (0..times)
        .map(|at| Frame {
            parent: at.checked_sub(1).map(u32::from),
            depth: u16::from(at),
            from: if at == 0 { first.from } else { wrapper(at - 1) },
            to: Some(wrapper(at)),
            input: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]),
            output: Bytes::new(),
            ..first.clone()
        })
        .collect();
    let shift = u32::from(times);
    frames.extend(trace.frames.iter().map(|frame| Frame {
        parent: Some(frame.parent.map_or(shift - 1, |parent| parent + shift)),
        depth: frame.depth + u16::from(times),
        ..frame.clone()
    }));
    frames[usize::from(times)].from = wrapper(times - 1);
    TxTrace { frames }
}

/// Contracts are there already: their creation becomes a call to them.
fn aged(trace: &TxTrace) -> TxTrace {
    let mut aged = trace.clone();
    for frame in &mut aged.frames {
        if matches!(frame.kind, FrameKind::Create | FrameKind::Create2) {
            frame.kind = FrameKind::Call;
            frame.input = Bytes::from_static(&[0x81, 0x29, 0xfc, 0x1c]);
            frame.output = Bytes::new();
        }
    }
    aged
}

/// Keeps the first of each frame's calls to the same function, with all below them.
fn shortened(trace: &TxTrace, most: usize) -> TxTrace {
    let mut counts = std::collections::HashMap::new();
    let mut keep = vec![true; trace.frames.len()];
    for (at, frame) in trace.frames.iter().enumerate() {
        let parent_kept = frame.parent.is_none_or(|parent| keep[parent as usize]);
        let count = counts.entry((frame.parent, frame.to, frame.selector())).or_insert(0_usize);
        *count += 1;
        keep[at] = parent_kept && (*count <= most || frame.selector().is_none());
    }
    only(trace, &keep)
}

/// One of several transactions with the same calls, each about a part of the amounts; rounded up, so
/// that what is paid back in parts still is what was borrowed.
fn divided(trace: &TxTrace, parts: u64) -> TxTrace {
    const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
    const TRANSFER_FROM: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];
    const UNWRAP: [u8; 4] = [0x2e, 0x1a, 0x7d, 0x4d];
    let parts = U256::from(parts);
    let mut divided = trace.clone();
    for frame in &mut divided.frames {
        frame.value = frame.value.div_ceil(parts);
        let amount = match frame.selector() {
            Some(UNWRAP) => 4..36,
            Some(TRANSFER) => 36..68,
            Some(TRANSFER_FROM) => 68..100,
            _ => continue,
        };
        let mut input = frame.input.to_vec();
        if let Some(word) = input.get_mut(amount) {
            let part = U256::from_be_slice(word).div_ceil(parts);
            word.copy_from_slice(&part.to_be_bytes::<32>());
            frame.input = input.into();
        }
    }
    divided
}

/// Half of what the outermost contract does in each of two transactions.
fn split(trace: &TxTrace) -> Vec<TxTrace> {
    let children: Vec<usize> =
        (0..trace.frames.len()).filter(|at| trace.frames[*at].parent == Some(0)).collect();
    if children.len() < 2 {
        return vec![trace.clone()];
    }
    let middle = children[children.len() / 2];
    let half = |first: bool| {
        let keep: Vec<bool> =
            (0..trace.frames.len()).map(|at| at == 0 || (at < middle) == first).collect();
        let mut half = only(trace, &keep);
        half.frames[0].value = if first { half.frames[0].value } else { U256::ZERO };
        half
    };
    vec![half(true), half(false)]
}

fn only(trace: &TxTrace, keep: &[bool]) -> TxTrace {
    let mut places = vec![0_u32; keep.len()];
    let mut frames = Vec::new();
    for (at, frame) in trace.frames.iter().enumerate().filter(|(at, _)| keep[*at]) {
        places[at] = frames.len() as u32;
        let parent = frame.parent.map(|parent| places[parent as usize]);
        frames.push(Frame { parent, ..frame.clone() });
    }
    TxTrace { frames }
}
