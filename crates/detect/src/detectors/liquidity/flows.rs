//! What moved between guarded contracts and everybody else within one transaction.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use model::FrameKind;
use registry::Class;

use crate::detectors::{Block, Site, block::Transfer};

/// Native value, where a token's address would stand.
pub(super) const NATIVE: Address = Address::ZERO;

/// The tokens that a monitor follows, ascending: those with these labels, or all of its network.
pub(super) fn followed(labels: &[String], site: &Site) -> Vec<Address> {
    let here = site.registry.deployments().iter().filter(|d| d.network == site.network);
    let mut tokens: Vec<Address> = here
        .filter(|d| d.class == Class::Token || d.token.is_some())
        .filter(|d| labels.is_empty() || labels.iter().any(|label| label == d.label.as_str()))
        .map(|d| d.address)
        .collect();
    tokens.sort_unstable();
    tokens
}

/// Movements of one token in one transaction.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Each guarded contract's own part.
    pub(super) parts: BTreeMap<Address, Part>,
    /// Of all guarded contracts together, to and from everybody else.
    pub(super) out: U256,
    pub(super) back: U256,
    /// What everybody else gained and lost, in the smallest unit.
    pub(super) others: BTreeMap<Address, (U256, U256)>,
}

/// One contract's part in the movements of one token in one transaction.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Part {
    pub(super) out: U256,
    pub(super) back: U256,
    /// To and from other guarded contracts: changes the balance, is no outflow.
    pub(super) inner_out: U256,
    pub(super) inner_back: U256,
    /// The contract was created by this transaction: it held nothing before.
    pub(super) is_created: bool,
}

impl Part {
    pub(super) fn after(&self, before: U256) -> U256 {
        before
            .saturating_add(self.back)
            .saturating_add(self.inner_back)
            .saturating_sub(self.out)
            .saturating_sub(self.inner_out)
    }

    pub(super) fn before(&self, after: U256) -> U256 {
        after
            .saturating_add(self.out)
            .saturating_add(self.inner_out)
            .saturating_sub(self.back)
            .saturating_sub(self.inner_back)
    }
}

/// What moved between the guarded contracts and everybody else, per token. Both directions of a
/// transaction count, so what only passes through (a flash loan) comes to nothing. `tokens` are
/// ascending.
pub(super) fn flows(
    block: &Block<'_>,
    tx: u32,
    tokens: &[Address],
    is_guarded: impl Fn(&Address) -> bool,
) -> BTreeMap<Address, Flow> {
    let mut flows: BTreeMap<Address, Flow> = BTreeMap::new();
    let mut add = |token: Address, from: Address, to: Address, amount: U256| {
        let (gives, gets) = (is_guarded(&from), is_guarded(&to));
        let flow = flows.entry(token).or_default();
        let plus = |sum: &mut U256| *sum = sum.saturating_add(amount);
        match (gives, gets) {
            (true, true) => {
                plus(&mut flow.parts.entry(from).or_default().inner_out);
                plus(&mut flow.parts.entry(to).or_default().inner_back);
            }
            (true, false) => {
                plus(&mut flow.parts.entry(from).or_default().out);
                plus(&mut flow.out);
                plus(&mut flow.others.entry(to).or_default().0);
            }
            // Between others: only who ends up with it matters.
            (false, false) => {
                plus(&mut flow.others.entry(from).or_default().1);
                plus(&mut flow.others.entry(to).or_default().0);
            }
            (false, true) => {
                plus(&mut flow.parts.entry(to).or_default().back);
                plus(&mut flow.back);
                plus(&mut flow.others.entry(from).or_default().1);
            }
        }
    };
    for transfer in block.tx(tx).logs.iter().filter_map(Transfer::of) {
        if tokens.binary_search(&transfer.token).is_ok() {
            add(transfer.token, transfer.from, transfer.to, transfer.amount);
        }
    }
    if let Some(trace) = block.trace(tx) {
        let effects = trace.effects();
        for (at, frame) in trace.frames.iter().enumerate() {
            let moves = matches!(
                frame.kind,
                FrameKind::Call | FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct
            );
            if let (true, false, Some(to)) = (moves, frame.value.is_zero(), frame.to)
                && effects[at]
            {
                add(NATIVE, frame.from, to, frame.value);
            }
        }
        for (at, frame) in trace.frames.iter().enumerate() {
            let creates = matches!(frame.kind, FrameKind::Create | FrameKind::Create2);
            if let (true, Some(to)) = (creates, frame.to)
                && is_guarded(&to)
                && effects[at]
            {
                let parts = &mut flows.entry(NATIVE).or_default().parts;
                parts.entry(to).or_default().is_created = true;
            }
        }
    }
    flows.retain(|_, flow| !flow.parts.is_empty());
    flows
}
