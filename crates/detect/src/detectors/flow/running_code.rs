//! What code ran behind the functions of guarded contracts: whether an upgrade put other code on a
//! path.
//!
//! Where a call went on from a proxy is in the call tree; the hashes of codes are what the blocks'
//! reads told of guarded contracts so far ([`crate::chronicle`]). A hash that nobody read is unknown,
//! and what is unknown has not changed.

use alloy_primitives::{Address, B256};
use model::FrameKind;
use serde::{Deserialize, Serialize};

use crate::{
    chronicle,
    state::{Key, Kind, MonitorKey, StateTable},
    trace::{CallTree, View},
};

/// What code ran behind one function last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningCode {
    /// Hash of the contract's own code.
    own: Option<B256>,
    /// Whose code it ran in its own name.
    implementation: Option<Address>,
    /// Hash of that.
    implementation_code: Option<B256>,
}

impl RunningCode {
    /// Whether other code runs now.
    fn is_replaced_by(&self, now: &Self) -> bool {
        let differ = |before: Option<B256>, now: Option<B256>| {
            before.zip(now).is_some_and(|(before, now)| before != now)
        };
        let is_moved =
            self.implementation.zip(now.implementation).is_some_and(|(before, now)| before != now);
        let is_same_code = self.implementation_code.is_some()
            && self.implementation_code == now.implementation_code;
        differ(self.own, now.own)
            || differ(self.implementation_code, now.implementation_code)
            || is_moved && !is_same_code
    }

    /// What is known now; what is not is as it was.
    fn or(self, before: Self) -> Self {
        let is_same = self.implementation.is_none() || self.implementation == before.implementation;
        let implementation_code =
            self.implementation_code.or(before.implementation_code.filter(|_| is_same));
        Self {
            own: self.own.or(before.own),
            implementation: self.implementation.or(before.implementation),
            implementation_code,
        }
    }
}

/// A function that a transaction entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entered {
    contract: Address,
    selector: Option<[u8; 4]>,
    implementation: Option<Address>,
}

/// The code on a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CodeOnPath {
    /// Contract, function and hash of each code, in the order in which they were entered.
    pub(super) bytes: Vec<u8>,
    /// Contracts behind a function of which other code ran than before, in the same order.
    pub(super) replaced: Vec<Address>,
}

/// Looks at the code on the path of a transaction, and remembers it.
pub(super) fn note(
    view: &View<'_, '_>,
    monitor: &MonitorKey,
    memory: &mut StateTable,
) -> CodeOnPath {
    let mut code = CodeOnPath::default();
    for Entered { contract, selector, implementation } in entered(view) {
        let hash = |memory: &StateTable, of: Address| {
            chronicle::of(memory, of).and_then(|known| known.lineage.code.now().flatten())
        };
        let now = RunningCode {
            own: hash(memory, contract),
            implementation,
            implementation_code: implementation.and_then(|of| hash(memory, of)),
        };
        let key = Key::new(Kind::RunningCode).monitor(monitor).address(contract);
        let key = key.with(selector.as_ref().map_or(&[], |selector| selector.as_slice()));
        let before = memory.get::<RunningCode>(&key).copied();
        let known = now.or(before.unwrap_or_default());
        if before.is_some_and(|before| before.is_replaced_by(&now))
            && !code.replaced.contains(&contract)
        {
            code.replaced.push(contract);
        }
        if before != Some(known) {
            *memory.entry(key, RunningCode::default) = known;
        }
        code.bytes.extend(contract);
        code.bytes.extend(selector.unwrap_or_default());
        code.bytes.extend(known.own.unwrap_or_default());
        let behind = known.implementation.map(|of| B256::left_padding_from(of.as_slice()));
        code.bytes.extend(known.implementation_code.or(behind).unwrap_or_default());
    }
    code
}

/// The functions of protected contracts that were entered with effect, each once.
fn entered(view: &View<'_, '_>) -> Vec<Entered> {
    let tree = view.tree();
    let mut all = Vec::new();
    for at in 0..tree.frames().len() {
        let frame = tree.frame(at);
        let is_code =
            !matches!(frame.kind, FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct);
        if !is_code || !view.runs_protected(at) || !tree.is_kept(at) || tree.is_view(at) {
            continue;
        }
        let borrows = matches!(frame.kind, FrameKind::DelegateCall | FrameKind::CallCode);
        let selector = frame.selector();
        if borrows && is_proxied(tree, at) {
            continue;
        }
        let own = tree.runs_as(at);
        let behind = if borrows { frame.to } else { None }.or_else(|| implementation(tree, at));
        let one = match behind {
            // Who borrows protected code may be any of many: the code is what counts.
            Some(code) if view.borrowers.contains(&own) => {
                Entered { contract: code, selector, implementation: None }
            }
            implementation => Entered { contract: own, selector, implementation },
        };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Whether a frame is the function that the frame around it was called with.
fn is_proxied(tree: &CallTree<'_>, at: usize) -> bool {
    let around = tree.parent(at).map(|parent| tree.frame(parent));
    around.is_some_and(|around| around.selector() == tree.frame(at).selector())
}

/// Where a proxy sent the call on to, through any further proxies.
fn implementation(tree: &CallTree<'_>, at: usize) -> Option<Address> {
    let mut found = None;
    let mut proxy = at;
    loop {
        let sent_on = tree.children(proxy).find(|&child| {
            tree.frame(child).kind == FrameKind::DelegateCall
                && tree.is_kept(child)
                && is_proxied(tree, child)
        });
        match sent_on {
            Some(child) => (found, proxy) = (tree.frame(child).to, child),
            None => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(own: Option<u8>, at: Option<u8>, hash: Option<u8>) -> RunningCode {
        RunningCode {
            own: own.map(B256::repeat_byte),
            implementation: at.map(Address::repeat_byte),
            implementation_code: hash.map(B256::repeat_byte),
        }
    }

    #[test]
    fn only_what_was_known_and_is_known_otherwise_has_changed() {
        let is_replaced = |before: RunningCode, now: RunningCode| before.is_replaced_by(&now);
        assert!(!is_replaced(code(None, None, None), code(Some(1), Some(2), Some(3))));
        assert!(!is_replaced(code(Some(1), Some(2), None), code(None, Some(2), Some(3))));
        assert!(is_replaced(code(Some(1), None, None), code(Some(2), None, None)));
        assert!(is_replaced(code(None, Some(1), None), code(None, Some(2), None)));
        assert!(is_replaced(code(None, Some(1), Some(3)), code(None, Some(1), Some(4))));
        let (before, now) = (code(None, Some(1), Some(3)), code(None, Some(2), Some(3)));
        assert!(!is_replaced(before, now), "the same code at another address");
        assert_eq!(code(None, Some(2), None).or(before), code(None, Some(2), None));
        assert_eq!(code(None, None, None).or(before), before);
    }
}
