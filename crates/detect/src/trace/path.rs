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
//!
//! Which code ran on the path is told apart from it ([`Path::under`]): an upgrade puts other code on
//! every path, and what is known of the path itself must not be lost with it.

use std::fmt;

use alloy_primitives::{Address, keccak256};
use model::{FrameKind, PathSalt};
use rustc_hash::FxHashMap;

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
    /// The path in a view, under the view's salt; `None` when no protected contract was entered with
    /// effect.
    pub fn of(view: &View<'_, '_>) -> Option<Self> {
        if view.entries.is_empty() {
            return None;
        }
        let salt = view.salt.bytes();
        let whole = |form| fingerprint(salt, &Forest::of(view, form));
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

    /// The exact path together with the code that ran on it, as canonical bytes tell that.
    pub fn under(&self, code: &[u8], salt: &PathSalt) -> Fingerprint {
        fingerprint(salt.bytes(), &[&self.exact.0.to_be_bytes(), code].concat())
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

/// Most bytes that tell a node from others beside what lies below it: its kind, contract, selector.
const HEAD_BYTES_MAX: usize = 1 + 20 + 4;

/// The kind of a node that has nothing below it, not even brackets.
const VIEW: u8 = b'v';

/// What a node is, without what lies below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    len: u8,
}

impl Head {
    fn new(kind: u8) -> Self {
        let mut head = Self { bytes: [0; HEAD_BYTES_MAX], len: 1 };
        head.bytes[0] = kind;
        head
    }

    fn with(mut self, part: &[u8]) -> Self {
        let start = usize::from(self.len);
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
        self
    }
}

/// Equal neighbours as one, with the power of two of their count.
type Below = Vec<(u32, u8)>;

/// Nodes of a path, equal ones once: whether two neighbours are equal is then one comparison however
/// much lies below them, and the whole is written in the length of what it says.
struct Forest<'v, 'a, 's> {
    view: &'v View<'a, 's>,
    form: Form,
    nodes: Vec<(Head, Below)>,
    known: FxHashMap<(Head, Below), u32>,
}

const TOKEN_MOVES: &[[u8; 4]] =
    &[[0xa9, 0x05, 0x9c, 0xbb], [0x23, 0xb8, 0x72, 0xdd], [0x09, 0x5e, 0xa7, 0xb3]];

impl<'v, 'a, 's> Forest<'v, 'a, 's> {
    /// Canonical bytes of the path in a view.
    fn of(view: &'v View<'a, 's>, form: Form) -> Vec<u8> {
        let mut forest = Self { view, form, nodes: Vec::new(), known: FxHashMap::default() };
        let mut outermost = Vec::new();
        if view.runs_protected(0) {
            // The transaction itself calls a protected contract.
            forest.protected(0, 1, &mut outermost);
        } else {
            forest.children(0, 0, &mut outermost);
        }
        let mut bytes = Vec::new();
        let whole = forest.neighbours(&outermost);
        forest.write(&whole, &mut bytes);
        bytes
    }

    fn node(&mut self, head: Head, below: Below) -> u32 {
        let nodes = &mut self.nodes;
        *self.known.entry((head, below)).or_insert_with_key(|node| {
            nodes.push(node.clone());
            nodes.len() as u32 - 1
        })
    }

    fn neighbours(&self, nodes: &[u32]) -> Below {
        let power = |same: &[u32]| match self.form {
            Form::Exact => (same.len() as u32).ilog2().min(REPEATS_LOG2_MAX) as u8,
            Form::General => 0,
        };
        nodes.chunk_by(|a, b| a == b).map(|same| (same[0], power(same))).collect()
    }

    fn write(&self, nodes: &[(u32, u8)], into: &mut Vec<u8>) {
        for (node, power) in nodes {
            let (head, below) = &self.nodes[*node as usize];
            into.extend(&head.bytes[..usize::from(head.len)]);
            if head.bytes[0] != VIEW {
                into.push(b'(');
                self.write(below, into);
                into.push(b')');
            }
            if *power > 0 {
                into.extend([b'*', *power]);
            }
        }
    }

    fn children(&mut self, at: usize, depth: u16, into: &mut Vec<u32>) {
        let tree = self.view.tree();
        for child in tree.children(at) {
            self.frame(child, depth + 1, into);
        }
    }

    /// What a frame comes to: nodes that stand in its place.
    fn frame(&mut self, at: usize, depth: u16, into: &mut Vec<u32>) {
        if !self.view.tree().is_kept(at) || depth >= DEPTH_MAX {
            return;
        }
        if self.view.runs_protected(at) {
            return self.protected(at, depth, into);
        }
        let before = into.len();
        self.children(at, depth, into);
        if into.len() == before || !self.view.is_inside_protected(at) {
            return;
        }
        // Somebody between two protected frames: the shape of a call back.
        let below = self.neighbours(&into.split_off(before));
        let mut head = Head::new(b'x');
        if self.form == Form::Exact {
            head = head.with(if self.view.runs_cluster(at) { b"s" } else { b"o" });
        }
        into.push(self.node(head, below));
    }

    fn protected(&mut self, at: usize, depth: u16, into: &mut Vec<u32>) {
        let view = self.view;
        let tree = view.tree();
        let frame = tree.frame(at);
        let is_outermost = !view.called_by_protected(at);
        if tree.is_view(at) {
            // A view from outside while a call is open may be told what is not yet true.
            if is_outermost && view.is_inside_change(at) {
                into.push(self.node(Head::new(VIEW), Vec::new()));
            }
            return;
        }
        let before = into.len();
        self.children(at, depth, into);
        let is_borrowed = matches!(frame.kind, FrameKind::DelegateCall | FrameKind::CallCode);
        let parent = tree.parent(at).map(|parent| tree.frame(parent));
        let is_proxied =
            is_borrowed && parent.is_some_and(|parent| parent.selector() == frame.selector());
        let is_plain_move = into.len() == before
            && !is_outermost
            && frame.selector().is_some_and(|selector| TOKEN_MOVES.contains(&selector));
        if is_proxied || is_plain_move {
            return;
        }
        let below = self.neighbours(&into.split_off(before));
        let mut head = Head::new(match frame.kind {
            FrameKind::Create | FrameKind::Create2 => b'+',
            FrameKind::SelfDestruct => b'-',
            FrameKind::DelegateCall | FrameKind::CallCode => b'd',
            FrameKind::Call | FrameKind::StaticCall => b'c',
        });
        // Code that is not the protocol's own is told by its function alone.
        let own = tree.runs_as(at);
        head = match view.borrowers.contains(&own) {
            _ if is_borrowed => head,
            // One of perhaps many proxies of the protected code.
            true => head.with(b"p"),
            false => head.with(own.as_slice()),
        };
        head = match frame.selector() {
            Some(selector) => head.with(&selector),
            None => head.with(if frame.input.is_empty() { b"r" } else { b"f" }),
        };
        into.push(self.node(head, below));
    }
}
