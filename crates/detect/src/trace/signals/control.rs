//! Who is in control, and of what: calls that come back, foreign code, words put into a contract's
//! mouth, powers that change hands.

use alloy_primitives::Address;
use model::FrameKind;
use rustc_hash::FxHashSet;

use super::{Found, Signal, authority, loan};
use crate::trace::scene::{LeftOpen, View};

pub(super) fn observe(view: &View<'_, '_>, into: &mut Vec<Found>) {
    entered_again(view, into);
    read_while_open(view, into);
    foreign_code(view, into);
    called_sender(view, into);
    forwarded(view, into);
    powers(view, into);
    allowed(view, into);
}

fn entered_again(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let (mut by_cluster, mut by_others, mut nested) = (Vec::new(), Vec::new(), 0);
    for &at in &view.entries {
        // Plain value that arrives enters nothing that could be abused by itself.
        let Some(inner) = tree.frame(at).selector() else { continue };
        let Some(open) = view.left_open(at) else { continue };
        let LeftOpen { outer, through, by_cluster: is_cluster } = open;
        let is_same = tree.frame(outer).selector() == Some(inner);
        // Who opened the outer call must be the one who comes back.
        let is_cluster = is_cluster && view.called_by_cluster(outer);
        nested += usize::from(is_same && is_cluster);
        if is_cluster { by_cluster.push((at, through)) } else { by_others.push((at, through)) }
    }
    let said = |&(at, through): &(usize, usize)| {
        let through = tree.runs_as(through);
        format!("{} was entered while a call to it was open, through {through}", tree.runs_as(at))
    };
    if let Some(first) = by_cluster.first() {
        into.push(Found::new(Signal::Reentered, by_cluster.len(), first.0, said(first)));
        if nested > 0 {
            let what = "the same function was open and entered".to_owned();
            into.push(Found::new(Signal::ReenteredSame, nested, first.0, what));
        }
    } else if let Some(first) = by_others.first() {
        into.push(Found::new(Signal::ReenteredByOther, by_others.len(), first.0, said(first)));
    }
}

fn read_while_open(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let mut found = (0..tree.frames().len()).filter(|&at| {
        tree.frame(at).kind == FrameKind::StaticCall
            && view.runs_protected(at)
            && view.left_open(at).is_some_and(|open| {
                open.by_cluster && tree.is_kept(open.outer) && !view.called_by_cluster(at)
            })
    });
    if let Some(first) = found.next() {
        let reader = tree.caller(first);
        let what = format!("{reader} read it in the middle of a call that changes it");
        into.push(Found::new(Signal::ReadWhileOpen, 1 + found.count(), first, what));
    }
}

/// Addresses among the words of what the sender's side asked of protected contracts.
fn named_in_entries(view: &View<'_, '_>) -> FxHashSet<Address> {
    let tree = view.tree();
    let words = view.cluster_entries().flat_map(|at| {
        let input = &tree.frame(at).input;
        input.get(4..).unwrap_or_default().chunks_exact(32)
    });
    words
        .filter(|word| word[..12].iter().all(|b| *b == 0) && word[12..16].iter().any(|b| *b != 0))
        .map(|word| Address::from_slice(&word[12..]))
        .collect()
}

fn foreign_code(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let mut named = None;
    for (at, frame) in tree.frames().iter().enumerate() {
        let Some(code) = frame.to.filter(|_| frame.kind == FrameKind::DelegateCall) else {
            continue;
        };
        if !view.runs_protected(at) || !tree.is_kept(at) || tree.is_view(at) {
            continue;
        }
        let is_fresh = view.created.contains(&code);
        let mut is_named = || named.get_or_insert_with(|| named_in_entries(view)).contains(&code);
        if is_fresh || view.cluster.contains(&code) {
            let what = format!("ran code of the sender's side, {code}, in its own name");
            into.push(Found::new(Signal::RanSendersCode, 1, at, what));
            return;
        }
        if is_named() {
            let what = format!("ran code that the caller named, {code}, in its own name");
            into.push(Found::new(Signal::RanNamedCode, 1, at, what));
            return;
        }
    }
}

/// Questions that are put to tokens and pools.
const TOKEN_QUESTIONS: &[[u8; 4]] = &[
    [0x70, 0xa0, 0x82, 0x31], // balanceOf(address)
    [0x31, 0x3c, 0xe5, 0x67], // decimals()
    [0x18, 0x16, 0x0d, 0xdd], // totalSupply()
    [0x0d, 0xfe, 0x16, 0x81], // token0()
    [0xd2, 0x12, 0x20, 0xa7], // token1()
    [0xdd, 0x62, 0xed, 0x3e], // allowance(address,address)
    [0x09, 0x5e, 0xa7, 0xb3], // approve(address,uint256)
    [0xa9, 0x05, 0x9c, 0xbb], // transfer(address,uint256)
    [0x23, 0xb8, 0x72, 0xdd], // transferFrom(address,address,uint256)
    [0x09, 0x02, 0xf1, 0xac], // getReserves()
];

fn called_sender(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let (mut called, mut asked) = (Vec::new(), Vec::new());
    for at in 1..tree.frames().len() {
        if !view.runs_cluster(at) || !view.called_by_protected(at) {
            continue;
        }
        let frame = tree.frame(at);
        let Some(selector) = frame.selector() else { continue };
        if frame.kind == FrameKind::DelegateCall {
            continue;
        }
        if TOKEN_QUESTIONS.contains(&selector) {
            asked.push(at);
        } else if tree.is_call(at) && !loan::CALLBACKS.contains(&selector) {
            called.push(at);
        }
    }
    if let Some(&at) = asked.first() {
        let what = format!("treats {}, of the sender's side, as a token or pool", tree.runs_as(at));
        into.push(Found::new(Signal::TrustsSendersToken, asked.len(), at, what));
    }
    if let Some(&at) = called.first() {
        let what = format!("called {}, of the sender's side", tree.runs_as(at));
        into.push(Found::new(Signal::CallsSender, called.len(), at, what));
    }
}

/// A call to a token whose every byte the caller had dictated.
fn forwarded(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let moves = |at: &usize| {
        view.called_by_protected(*at)
            && tree.frame(*at).selector().is_some_and(|s| TOKEN_QUESTIONS[6..9].contains(&s))
            && tree.is_call(*at)
            && tree.is_kept(*at)
    };
    let moves: Vec<usize> = (1..tree.frames().len()).filter(moves).collect();
    if moves.is_empty() {
        return;
    }
    for entry in view.cluster_entries() {
        let told = &tree.frame(entry).input;
        // A word for the token, an offset, a length and the call itself.
        if told.len() < 4 + 3 * 32 + 36 {
            continue;
        }
        let inside = tree.subtree(entry);
        let first = moves.partition_point(|at| *at <= inside.start);
        for &at in moves[first..].iter().take_while(|at| inside.contains(at)) {
            if memchr::memmem::find(&told[4..], &tree.frame(at).input).is_some() {
                let token = tree.runs_as(at);
                let what = format!("told {token} word for word what its caller dictated");
                into.push(Found::new(Signal::SpokeForCaller, 1, at, what));
                return;
            }
        }
    }
}

fn powers(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let found: Vec<_> = view
        .entries
        .iter()
        .copied()
        .filter_map(|at| Some((at, authority::named(tree.frame(at).selector()?)?)))
        .collect();
    if let Some((at, name)) = found.first() {
        let what = format!("{name} was called from outside");
        into.push(Found::new(Signal::PowerUsed, found.len(), *at, what));
    }
}

const APPROVE: [u8; 4] = [0x09, 0x5e, 0xa7, 0xb3];

fn allowed(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    // A borrower lets its lender take back what was lent.
    let is_callback = |entry: usize| {
        tree.frame(entry).selector().is_some_and(|selector| loan::CALLBACKS.contains(&selector))
    };
    let mut found = (1..tree.frames().len()).filter(|&at| {
        let frame = tree.frame(at);
        let spender = || frame.input.get(16..36).map(Address::from_slice);
        frame.selector() == Some(APPROVE)
            && tree.is_call(at)
            && tree.is_kept(at)
            && view.called_by_protected(at)
            && view.asked_by_cluster(at).is_some_and(|entry| !is_callback(entry))
            && frame.input.get(36..68).is_some_and(|amount| amount.iter().any(|b| *b != 0))
            && spender().is_some_and(|spender| view.cluster.contains(&spender))
    });
    if let Some(first) = found.next() {
        let what = format!("allowed the sender's side to take its {}", tree.runs_as(first));
        into.push(Found::new(Signal::AllowedSender, 1 + found.count(), first, what));
    }
}
