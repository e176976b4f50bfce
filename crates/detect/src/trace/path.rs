//! The path that a transaction took through protected contracts, as a fingerprint.
//!
//! What is kept is the order in which the protected contracts' functions were entered and how they
//! lie inside one another. What is left out, because it differs between equal uses: addresses and
//! amounts outside, what happens between outsiders, views, plain token transfers without anything
//! below, proxies (a delegate call under the function's own selector), failed calls, and exact
//! counts of repetitions (equal neighbours are counted in powers of two).
//!
//! Canonical bytes of a node: its kind, the contract and selector where it is protected, then its
//! children between brackets. Fingerprints are the first eight bytes of the Keccak hash of a salt
//! and these bytes, so that who does not know the salt cannot prepare a collision.

use std::fmt;

use alloy_primitives::{Address, keccak256};
use model::FrameKind;

use super::scene::View;

/// Repetitions beyond two to this power look the same.
const REPEATS_LOG2_MAX: u32 = 6;

/// A node lies at most this deep in the fingerprint; deeper ones are as if they lay here. The EVM
/// itself allows 1024 calls.
const DEPTH_MAX: u16 = 1_024;

/// A fingerprint: equal for equal paths, whatever the addresses and amounts outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The path of one transaction through the protected contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Of the whole transaction.
    pub exact: Fingerprint,
    /// The same without repetitions and without telling outsiders apart: one judgement that a path
    /// is fine covers its variations by this.
    pub general: Fingerprint,
    /// Contract and selector of each entry from outside, in order, repeats left out.
    pub entries: Vec<(Address, Option<[u8; 4]>)>,
}

impl Path {
    /// The path in a view; `None` when no protected contract was entered with effect.
    pub fn of(view: &View<'_, '_>, salt: &[u8]) -> Option<Self> {
        if view.entries.is_empty() {
            return None;
        }
        let whole = |form| {
            let writer = Writer { view, form };
            fingerprint(salt, &sequence(writer.below_outsider(0, 0), form))
        };
        let tree = view.tree();
        let mut entries = Vec::new();
        for &at in &view.entries {
            let entry = (tree.runs_as(at), tree.frame(at).selector());
            if !view.borrowers.contains(&entry.0) && !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        Some(Self { exact: whole(Form::Exact), general: whole(Form::General), entries })
    }
}

fn fingerprint(salt: &[u8], bytes: &[u8]) -> Fingerprint {
    let hash = keccak256([salt, bytes].concat());
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Fingerprint(u64::from_be_bytes(first))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Exact,
    General,
}

/// Joins siblings, equal neighbours as one with the power of two of their count.
fn sequence(nodes: Vec<Vec<u8>>, form: Form) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < nodes.len() {
        let same = nodes[at..].iter().take_while(|node| **node == nodes[at]).count();
        bytes.extend(&nodes[at]);
        let power = (same as u32).ilog2().min(REPEATS_LOG2_MAX);
        if form == Form::Exact && power > 0 {
            bytes.extend([b'*', power as u8]);
        }
        at += same;
    }
    bytes
}

struct Writer<'v, 'a, 's> {
    view: &'v View<'a, 's>,
    form: Form,
}

const TOKEN_MOVES: &[[u8; 4]] =
    &[[0xa9, 0x05, 0x9c, 0xbb], [0x23, 0xb8, 0x72, 0xdd], [0x09, 0x5e, 0xa7, 0xb3]];

impl Writer<'_, '_, '_> {
    /// What a frame comes to: nodes that stand in its place.
    fn nodes(&self, at: usize, depth: u16) -> Vec<Vec<u8>> {
        let tree = self.view.tree();
        if !tree.is_kept(at) {
            return Vec::new();
        }
        if depth >= DEPTH_MAX {
            return Vec::new();
        }
        if !self.view.runs_protected(at) {
            let below = self.below_outsider(at, depth);
            let is_between = tree.around(at).any(|around| self.view.runs_protected(around));
            if below.is_empty() || !is_between {
                return below;
            }
            // Somebody between two protected frames: the shape of a call back.
            let mut node = vec![b'x'];
            if self.form == Form::Exact {
                node.push(if self.view.runs_cluster(at) { b's' } else { b'o' });
            }
            node.push(b'(');
            node.extend(sequence(below, self.form));
            node.push(b')');
            return vec![node];
        }
        self.protected(at, depth)
    }

    fn protected(&self, at: usize, depth: u16) -> Vec<Vec<u8>> {
        let tree = self.view.tree();
        let frame = tree.frame(at);
        if tree.is_view(at) {
            let is_open = !self.view.protected.contains(&tree.caller(at))
                && tree
                    .around(at)
                    .any(|around| self.view.runs_protected(around) && !tree.is_view(around));
            // A view from outside while a call is open may be told what is not yet true.
            return if is_open { vec![vec![b'v']] } else { Vec::new() };
        }
        let below = self.below_outsider(at, depth);
        let is_borrowed = matches!(frame.kind, FrameKind::DelegateCall | FrameKind::CallCode);
        let parent = frame.parent.map(|parent| tree.frame(parent as usize));
        let is_proxied =
            is_borrowed && parent.is_some_and(|parent| parent.selector() == frame.selector());
        let is_outermost = !self.view.protected.contains(&tree.caller(at));
        let is_plain_move = below.is_empty()
            && !is_outermost
            && frame.selector().is_some_and(|selector| TOKEN_MOVES.contains(&selector));
        if is_proxied || is_plain_move {
            return below;
        }
        let mut node = vec![match frame.kind {
            FrameKind::Create | FrameKind::Create2 => b'+',
            FrameKind::SelfDestruct => b'-',
            FrameKind::DelegateCall | FrameKind::CallCode => b'd',
            FrameKind::Call | FrameKind::StaticCall => b'c',
        }];
        // Code that is not the protocol's own is told by its function alone.
        let own = tree.runs_as(at);
        match self.view.borrowers.contains(&own) {
            _ if is_borrowed => {}
            // One of perhaps many proxies of the protected code.
            true => node.push(b'p'),
            false => node.extend(own),
        }
        match frame.selector() {
            Some(selector) => node.extend(selector),
            None => node.push(if frame.input.is_empty() { b'r' } else { b'f' }),
        }
        node.push(b'(');
        node.extend(sequence(below, self.form));
        node.push(b')');
        vec![node]
    }

    fn below_outsider(&self, at: usize, depth: u16) -> Vec<Vec<u8>> {
        if depth == 0 && at == 0 && self.view.runs_protected(0) {
            return self.protected_root();
        }
        self.view.tree().children(at).flat_map(|child| self.nodes(child, depth + 1)).collect()
    }

    /// The transaction itself calls a protected contract.
    fn protected_root(&self) -> Vec<Vec<u8>> {
        self.protected(0, 1)
    }
}
