//! Transactions that touch what a monitor guards, each looked at once however many of its contracts
//! take part.

use alloy_primitives::Address;

use crate::{
    detectors::{Block, Site, Touch},
    trace::View,
};

/// Touched transactions in block order, each from the side of what the monitor guards.
pub(super) fn views<'b, 'a>(
    block: &'b Block<'a>,
    site: &'b Site,
    touches: &[Touch],
) -> impl Iterator<Item = (u32, View<'a, 'b>)> {
    let mut transactions: Vec<u32> = touches.iter().map(|touch| touch.tx).collect();
    transactions.sort_unstable();
    transactions.dedup();
    transactions.into_iter().filter_map(|tx| Some((tx, block.view(tx, site)?)))
}

/// The protected contract that a frame is about: the innermost around it, else any entered.
pub(super) fn about(view: &View<'_, '_>, frame: usize) -> Option<Address> {
    let tree = view.tree();
    let is_own =
        |at: &usize| view.runs_protected(*at) && !view.borrowers.contains(&tree.runs_as(*at));
    std::iter::once(frame)
        .chain(tree.around(frame))
        .chain(view.entries.iter().copied())
        .find(is_own)
        .map(|at| tree.runs_as(at))
}
