//! Borrowed and paid back within the transaction.

use std::ops::Range;

use alloy_primitives::{Address, U256};
use rustc_hash::FxHashMap;

use super::{Found, Signal};
use crate::trace::{
    assets::{Asset, Movement},
    borrowed::Loan,
    scene::View,
};

/// Selectors by which lenders call borrowers back: ERC-3156, Aave 2 and 3, Uniswap 2 and 3, Balancer,
/// dYdX, Morpho, Uniswap 4, PancakeSwap, DODO (three pools).
pub(crate) const CALLBACKS: &[[u8; 4]] = &[
    [0x23, 0xe3, 0x0c, 0x8b],
    [0x92, 0x0f, 0x5c, 0x84],
    [0x1b, 0x11, 0xd0, 0xff],
    [0x10, 0xd1, 0xe8, 0x5c],
    [0xe9, 0xcb, 0xaf, 0xb0],
    [0xf0, 0x4f, 0x27, 0x07],
    [0x8b, 0x41, 0x87, 0x13],
    [0x31, 0xf5, 0x70, 0x72],
    [0x84, 0x80, 0x08, 0x12],
    [0xeb, 0x20, 0x21, 0xc3],
];

pub(super) fn observe(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let loans = loans(view);
    let Some(first) = loans.first() else { return };
    let lender = view.tree().runs_as(first.lending);
    let holds_entry = |loan: &&Loan| view.has_entry_in(&view.tree().subtree(loan.callback));
    if let Some(around) = loans.iter().find(holds_entry) {
        let what = format!(
            "called inside {} taken from {}",
            if loans.len() == 1 {
                "a flash loan".to_owned()
            } else {
                format!("{} flash loans", loans.len())
            },
            view.tree().runs_as(around.lending)
        );
        into.push(Found::new(Signal::CalledOnBorrowedMoney, loans.len(), around.callback, what));
    } else {
        let what = format!("the sender's side took a flash loan from {lender}");
        into.push(Found::new(Signal::FlashLoan, loans.len(), first.callback, what));
    }
}

/// Every loan, found either by the name of the callback or by what moved: the same asset left before
/// the callback, and at least as much was back when the lender was done.
pub(crate) fn loans(view: &View<'_, '_>) -> Vec<Loan> {
    let tree = view.tree();
    let mut found = Vec::new();
    let mut entered: Option<Entered> = None;
    for callback in 1..tree.frames().len() {
        let frame = tree.frame(callback);
        let is_callback = view.runs_cluster(callback)
            && !view.called_by_cluster(callback)
            && tree.is_call(callback)
            && tree.is_kept(callback)
            && frame.selector().is_some();
        if !is_callback {
            continue;
        }
        let lender = tree.caller(callback);
        // The call to the lender in which it calls back.
        let lending = tree.parent(callback).map(|parent| tree.opened_by(parent));
        let Some(lending) = lending.filter(|at| *at != 0) else { continue };
        let entered = entered.get_or_insert_with(|| Entered::of(view));
        if is_own_business(view, entered, lender, lending, callback) {
            continue;
        }
        let is_named = frame.selector().is_some_and(|selector| CALLBACKS.contains(&selector));
        if is_named || is_repaid(view, lending, callback) {
            let lent = view.movements_in(lending..callback).iter().find(|m| m.from == lender);
            let lent = lent.map(|movement| (movement.asset, movement.amount));
            found.push(Loan { lender, lending, callback, lent });
        }
    }
    found
}

/// Where each protected contract was called from outside, ascending.
struct Entered(FxHashMap<Address, Vec<usize>>);

impl Entered {
    fn of(view: &View<'_, '_>) -> Self {
        let mut places: FxHashMap<Address, Vec<usize>> = FxHashMap::default();
        for &at in &view.entries {
            places.entry(view.tree().runs_as(at)).or_default().push(at);
        }
        Self(places)
    }

    /// Whether another contract than these was called by one of the frames.
    fn has_other_in(&self, frames: &Range<usize>, than: &[Address]) -> bool {
        self.0.iter().any(|(contract, places)| {
            let next = places.partition_point(|at| *at < frames.start);
            places.get(next).is_some_and(|at| *at < frames.end) && !than.contains(contract)
        })
    }
}

/// What protected contracts lend is their business, unless it is used on others of them.
fn is_own_business(
    view: &View<'_, '_>,
    entered: &Entered,
    lender: Address,
    lending: usize,
    callback: usize,
) -> bool {
    let mut parties: Vec<Address> = vec![lender];
    for movement in view.movements_in(lending..callback) {
        if view.protected.contains(&movement.from) {
            parties.push(movement.from);
            if let Asset::Token(token) = movement.asset {
                parties.push(token);
            }
        }
    }
    let lends_itself = view.protected.contains(&lender) || parties.len() > 1;
    lends_itself && !entered.has_other_in(&view.tree().subtree(callback), &parties)
}

fn is_repaid(view: &View<'_, '_>, lending: usize, callback: usize) -> bool {
    let lender = view.tree().runs_as(lending);
    let is_lent = |lent: &Movement| lent.from == lender && view.cluster.contains(&lent.to);
    if !view.movements_in(lending..callback).iter().any(is_lent) {
        return false;
    }
    // From the last to the first: what came back is then known wherever something was lent.
    let mut back: FxHashMap<Asset, U256> = FxHashMap::default();
    view.movements_in(view.tree().subtree(lending)).iter().rev().any(|movement| {
        let came = back.get(&movement.asset).copied().unwrap_or_default();
        if (movement.at as usize) < callback && is_lent(movement) && came >= movement.amount {
            return true;
        }
        if movement.to == lender {
            back.insert(movement.asset, came.saturating_add(movement.amount));
        }
        false
    })
}
