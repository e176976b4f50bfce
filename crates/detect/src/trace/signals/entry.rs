//! Who came in, how often, and what became of them.

use alloy_primitives::Address;
use model::FrameKind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Found, Signal};
use crate::trace::scene::View;

/// Calls to one function by one caller that are no longer a batch.
const REPEATED_MIN: usize = 8;

/// As many as only a loop makes.
const REPEATED_OFTEN_MIN: usize = 24;

/// Contracts that are more than one helper and its clone.
const CREATED_SEVERAL_MIN: usize = 3;

/// Turns of two alternating functions that are no longer chance.
const ALTERNATED_MIN: usize = 3;

pub(super) fn observe(view: &View<'_, '_>, into: &mut Vec<Found>) {
    fresh(view, into);
    repeated(view, into);
    alternated(view, into);
    own_pocket(view, into);
}

fn fresh(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let created: FxHashSet<Address> = view.created.iter().copied().collect();
    let calls = |at: &&usize| created.contains(&tree.caller(**at));
    if let Some(&at) = view.entries.iter().find(calls) {
        let what = format!("called by {}, created in this transaction", tree.caller(at));
        into.push(Found::new(Signal::CalledByNewborn, view.created.len(), at, what));
    } else if !view.created.is_empty() {
        let what = format!("the sender's side created {} on the way", view.created[0]);
        into.push(Found::new(Signal::CreatedOnTheWay, view.created.len(), 0, what));
    }
    if view.created.len() >= CREATED_SEVERAL_MIN {
        let what = format!("the sender's side created {} contracts", view.created.len());
        into.push(Found::new(Signal::CreatedSeveral, view.created.len(), 0, what));
    }
    let gone = (0..tree.frames().len()).find(|&at| {
        tree.frame(at).kind == FrameKind::SelfDestruct
            && tree.is_kept(at)
            && view.cluster.contains(&tree.frame(at).from)
    });
    if let Some(at) = gone {
        let what = format!("{} destroyed itself", tree.frame(at).from);
        into.push(Found::new(Signal::DestroyedItself, 1, at, what));
    }
}

fn repeated(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let mut counts: FxHashMap<(Address, [u8; 4]), (usize, usize)> = FxHashMap::default();
    for &at in &view.entries {
        let Some(selector) = tree.frame(at).selector() else { continue };
        let (count, _) = counts.entry((tree.runs_as(at), selector)).or_insert((0, at));
        *count += 1;
    }
    let most = counts.into_iter().max_by_key(|(key, (count, _))| (*count, key.0, key.1));
    if let Some(((_, selector), (count, at))) = most.filter(|most| most.1.0 >= REPEATED_MIN) {
        let what = format!("0x{} was called {count} times", hex::encode(selector));
        let is_often = count >= REPEATED_OFTEN_MIN;
        let signal = if is_often { Signal::RepeatedOften } else { Signal::Repeated };
        into.push(Found::new(signal, count, at, what));
    }
}

fn alternated(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let called: Vec<_> = view
        .cluster_entries()
        .map(|at| (at, tree.runs_as(at), tree.frame(at).selector()))
        .collect();
    let turns = called.windows(3).filter(|three| {
        let key = |at: usize| (three[at].1, three[at].2);
        key(0) == key(2) && key(0) != key(1)
    });
    let count = turns.count();
    if count >= ALTERNATED_MIN {
        let what = format!("two functions took {count} turns");
        into.push(Found::new(Signal::Alternated, count, called[0].0, what));
    }
}

/// Transfers of a protected token from an address to itself.
fn own_pocket(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let mut found = view.entries.iter().copied().filter(|&at| {
        let frame = tree.frame(at);
        frame.selector() == Some([0xa9, 0x05, 0x9c, 0xbb])
            && frame.input.get(16..36) == Some(frame.from.as_slice())
    });
    if let Some(first) = found.next() {
        let what = format!("{} sent tokens to itself", tree.caller(first));
        into.push(Found::new(Signal::SentToItself, 1 + found.count(), first, what));
    }
}
