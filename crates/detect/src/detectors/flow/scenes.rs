//! Transactions that touch what a monitor guards, each looked at once however many of its contracts
//! take part.

use alloy_primitives::Address;

use crate::{
    detectors::{Block, Site, Touch},
    trace::{Protected, Scene},
};

/// What a monitor protects in this block: what it guards, and of children those that take part.
pub(super) fn protected(block: &Block<'_>, site: &Site, touches: &[Touch]) -> Protected {
    let touched = touches.iter().map(|touch| touch.deployment);
    let guarded = site.guarded.iter().copied().chain(touched);
    guarded.map(|index| block.deployment(index).address).collect()
}

/// Touched transactions in block order, each with its scene.
pub(super) fn scenes<'b, 'a>(
    block: &'b Block<'a>,
    touches: &[Touch],
) -> impl Iterator<Item = (u32, &'b Scene<'a>)> {
    let mut transactions: Vec<u32> = touches.iter().map(|touch| touch.tx).collect();
    transactions.sort_unstable();
    transactions.dedup();
    transactions.into_iter().filter_map(|tx| Some((tx, block.scene(tx)?)))
}

/// The protected contract that a frame is about: the innermost around it, else any entered.
pub(super) fn about(view: &crate::trace::View<'_, '_>, frame: usize) -> Option<Address> {
    let tree = view.tree();
    let is_own =
        |at: &usize| view.runs_protected(*at) && !view.borrowers.contains(&tree.runs_as(*at));
    std::iter::once(frame)
        .chain(tree.around(frame))
        .chain(view.entries.iter().copied())
        .find(is_own)
        .map(|at| tree.runs_as(at))
}
