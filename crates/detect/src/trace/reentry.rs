//! Contracts that are entered again before they are left, and by whom.
//!
//! Most of that is everyday use: a token swaps what it collects through a router that takes the token,
//! a pool is called by whom it called. Who is called there was chosen by the contract. What matters is
//! when whoever sent the transaction comes back in, or when the contract is poorer afterwards.

use alloy_primitives::Address;
use model::{Frame, FrameKind, TxTrace};

use super::{scene::View, signals::Signal};

/// One re-entry into a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reentry {
    /// The call that was open.
    pub outer: usize,
    /// The call that came back.
    pub inner: usize,
    /// Whom the contract was left for.
    pub through: Address,
}

/// What is open where a frame makes calls.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// The innermost call of the contract around it, or it itself.
    entered: Option<usize>,
    /// The contract was left for somebody else: by which call it was entered before, and through
    /// whom it would be entered again.
    left: Option<(usize, Address)>,
}

/// Every call by which a contract was entered again, in order; `is_harmless` tells calls that cannot
/// change anything, and those that are known to be safe.
pub fn reentries(
    trace: &TxTrace,
    guarded: Address,
    is_harmless: impl Fn(&Frame) -> bool,
) -> Vec<Reentry> {
    let mut found = Vec::new();
    if trace.frames.iter().filter(|frame| enters(frame, guarded)).nth(1).is_none() {
        return found;
    }
    let effects = trace.effects();
    // From the outermost frame in: what a call directly below each would come back into.
    let mut open: Vec<Open> = Vec::with_capacity(trace.frames.len());
    for (inner, frame) in trace.frames.iter().enumerate() {
        let around = frame.parent.and_then(|parent| open.get(parent as usize)).copied();
        let around = around.unwrap_or_default();
        if let Some((outer, through)) = around.left
            && enters(frame, guarded)
            && effects[inner]
            && !is_harmless(frame)
        {
            found.push(Reentry { outer, inner, through });
        }
        let runs_as = runs_as(frame);
        let is_same = runs_as == Some(guarded);
        let entered = if is_same && enters(frame, guarded) { Some(inner) } else { around.entered };
        let left = match runs_as {
            _ if is_same => around.left,
            Some(other) => around.entered.map(|outer| (outer, other)),
            None => around.left,
        };
        open.push(Open { entered, left });
    }
    found
}

/// Re-entries by whoever sent the transaction: the one who opened the outer call, or a contract of
/// the same side, comes back in. `view` is from the side of the contract alone.
pub fn by_sender<'r>(
    view: &'r View<'_, '_>,
    found: &'r [Reentry],
) -> impl Iterator<Item = &'r Reentry> {
    found.iter().filter(|one| {
        view.left_open(one.inner)
            .is_some_and(|open| open.by_cluster && view.called_by_cluster(open.outer))
    })
}

/// Whether the contract, or who holds it, ended poorer for nothing.
pub fn is_poorer(view: &View<'_, '_>) -> bool {
    const LOSSES: [Signal; 4] =
        [Signal::LossForNothing, Signal::PaidOutMore, Signal::HolderEmptied, Signal::MadeForItself];
    view.found().iter().any(|found| LOSSES.contains(&found.signal))
}

/// Whether a frame runs the contract's code in the contract's own name and may change its state.
fn enters(frame: &Frame, guarded: Address) -> bool {
    frame.kind == FrameKind::Call && frame.to == Some(guarded)
}

/// In whose name a frame runs: a delegate call runs foreign code in the caller's.
fn runs_as(frame: &Frame) -> Option<Address> {
    match frame.kind {
        FrameKind::DelegateCall | FrameKind::CallCode => Some(frame.from),
        _ => frame.to,
    }
}
