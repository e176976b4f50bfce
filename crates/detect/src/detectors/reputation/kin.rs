//! Who stands behind an address that is on no list, as far as it was recorded: who funded it, who
//! created it, whose code it has. What is known of them says something about it, less with each tie.

use model::Address;
use registry::Label;

use crate::{
    detectors::Block,
    origins::{self, Account, HUB_ACCOUNTS, How},
    state::StateTable,
};

/// Ties between an address and a listed one; beyond two, half of everybody is somebody's kin.
const TIES_MAX: usize = 2;

/// How two addresses belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    FundedBy,
    CreatedBy,
    SameCode,
}

impl Bond {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::FundedBy => "funded by",
            Self::CreatedBy => "created by",
            Self::SameCode => "made with the code of",
        }
    }

    /// What a label is worth across the bond, in percent: whoever creates a contract runs it, money
    /// comes from many hands, and code is copied.
    fn keeps_percent(self) -> u32 {
        match self {
            Self::FundedBy => 60,
            Self::CreatedBy => 90,
            Self::SameCode => 80,
        }
    }
}

/// One tie, leading away from the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) how: Bond,
    pub(super) to: Address,
}

/// A label that is somebody else's.
#[derive(Debug, Clone)]
pub(super) struct Kin<'b> {
    pub(super) label: Label<'b>,
    /// From the address to the listed one.
    pub(super) ties: Vec<Tie>,
    /// What is left of the label's confidence, 0 to 100.
    pub(super) confidence_percent: u8,
}

/// The strongest label within [`TIES_MAX`] ties, never through a hub: what one customer of an
/// exchange did says nothing about another.
pub(super) fn kin<'b>(
    block: &'b Block<'_>,
    memory: &StateTable,
    address: Address,
    told: &dyn Fn(Address) -> Option<Label<'b>>,
) -> Option<Kin<'b>> {
    let mut best: Option<Kin<'b>> = None;
    let mut waiting = vec![(address, Vec::new(), 100)];
    while let Some((at, ties, keeps)) = waiting.pop() {
        let Some(account) = origins::of(memory, at) else { continue };
        for tie in ties_of(account) {
            let keeps: u32 = keeps * tie.how.keeps_percent() / 100;
            let ties: Vec<Tie> = ties.iter().copied().chain([tie]).collect();
            if let Some(label) = told(tie.to) {
                let own = u32::from(label.confidence_percent_at(block.at));
                // Both are at most a hundred.
                let confidence_percent = (own * keeps / 100) as u8;
                if best.as_ref().is_none_or(|best| confidence_percent > best.confidence_percent) {
                    best = Some(Kin { label, ties, confidence_percent });
                }
            } else if ties.len() < TIES_MAX && !is_hub(block, memory, tie.to) {
                waiting.push((tie.to, ties, keeps));
            }
        }
    }
    best
}

fn ties_of(account: &Account) -> impl Iterator<Item = Tie> {
    let how = match account.how {
        How::Created => Bond::CreatedBy,
        How::Funded | How::Gave => Bond::FundedBy,
    };
    let by = account.by.map(|to| Tie { how, to });
    by.into_iter().chain(account.twin_of.map(|to| Tie { how: Bond::SameCode, to }))
}

/// Whether many strangers pass through an account, by its labels, by being ours, or by how many
/// accounts it brought into being.
pub(super) fn is_hub(block: &Block<'_>, memory: &StateTable, address: Address) -> bool {
    let mut labels = block.registry.labels().of(block.network(), address);
    block.guarded(&address).is_some()
        || labels.any(|label| label.category.is_hub() || !label.category.is_malicious())
        || origins::of(memory, address).is_some_and(|account| account.gave > HUB_ACCOUNTS)
}
