//! What one block tells about accounts.

use alloy_primitives::{Address, keccak256};
use model::{BlockBundle, FrameKind, TxStatus, UnixSeconds};
use registry::proxy;

use super::account::{Account, How, begin, gave, remember, twin};
use crate::state::StateTable;

/// Code shorter than this is a forwarder or a stub that many share: sharing it says nothing.
const TWIN_CODE_BYTES_MIN: usize = 256;

/// Remembers who funded and who created whom in a block. With traces every transfer of native value
/// counts; without them only those that are a transaction, and creations that are one.
pub(crate) fn note(bundle: &BlockBundle, memory: &mut StateTable) {
    let now = bundle.header.timestamp;
    begin(memory, now);
    for (at, tx) in bundle.transactions.iter().enumerate() {
        if tx.status == TxStatus::Failed {
            continue;
        }
        let trace = bundle.traces.as_ref().and_then(|traces| traces.get(at));
        let Some(trace) = trace.filter(|trace| !trace.frames.is_empty()) else {
            if let Some(created) = tx.created {
                came(memory, created, tx.from, How::Created, None, now);
            } else if let Some(to) = tx.to.filter(|_| !tx.value.is_zero()) {
                came(memory, to, tx.from, How::Funded, None, now);
            }
            continue;
        };
        let effects = trace.effects();
        for (index, frame) in trace.frames.iter().enumerate() {
            let Some(to) = frame.to else { continue };
            let creates = matches!(frame.kind, FrameKind::Create | FrameKind::Create2);
            let pays = matches!(frame.kind, FrameKind::Call | FrameKind::SelfDestruct)
                && !frame.value.is_zero();
            if !(creates || pays) || to == frame.from || !effects[index] {
                continue;
            }
            match creates {
                true => came(memory, to, frame.from, How::Created, Some(&frame.output), now),
                false => came(memory, to, frame.from, How::Funded, None, now),
            }
        }
    }
}

fn came(
    memory: &mut StateTable,
    address: Address,
    by: Address,
    how: How,
    code: Option<&[u8]>,
    now: UnixSeconds,
) {
    let tells = |code: &&[u8]| {
        code.len() >= TWIN_CODE_BYTES_MIN && proxy::delegate_from_code(code).is_none()
    };
    let twin_of = code.filter(tells).and_then(|code| twin(memory, keccak256(code), address));
    let account = Account { address, first_at: now, how, by: Some(by), gave: 0, twin_of };
    if remember(memory, account) {
        gave(memory, by, now);
    }
}
