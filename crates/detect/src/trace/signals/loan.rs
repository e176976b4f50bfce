//! Borrowed and paid back within the transaction.

use alloy_primitives::{Address, U256};

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
    let holds_entry = |loan: &Loan| {
        let inside = view.tree().subtree(loan.callback);
        view.entries.iter().any(|at| inside.contains(at))
    };
    if let Some(around) = loans.iter().find(|loan| holds_entry(loan)) {
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
    for callback in 1..tree.frames().len() {
        let frame = tree.frame(callback);
        let is_callback = tree.is_call(callback)
            && tree.is_kept(callback)
            && view.runs_cluster(callback)
            && frame.selector().is_some();
        let lender = tree.caller(callback);
        if !is_callback || view.cluster.contains(&lender) {
            continue;
        }
        // The call to the lender in which it calls back.
        let lending = tree
            .around(callback)
            .take_while(|at| tree.runs_as(*at) == lender)
            .last()
            .filter(|at| *at != 0);
        let Some(lending) = lending else { continue };
        if is_own_business(view, lender, lending, callback) {
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

/// What protected contracts lend is their business, unless it is used on others of them.
fn is_own_business(view: &View<'_, '_>, lender: Address, lending: usize, callback: usize) -> bool {
    let tree = view.tree();
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
    let inside = tree.subtree(callback);
    let mut used_on = view.entries.iter().filter(|at| inside.contains(at));
    lends_itself && !used_on.any(|at| !parties.contains(&tree.runs_as(*at)))
}

fn is_repaid(view: &View<'_, '_>, lending: usize, callback: usize) -> bool {
    let lender = view.tree().runs_as(lending);
    let inside = view.movements_in(view.tree().subtree(lending));
    let is_lent = |lent: &&Movement| {
        lent.from == lender && view.cluster.contains(&lent.to) && (lent.at as usize) < callback
    };
    inside.iter().filter(is_lent).any(|lent| {
        let sum = |paid: U256, movement: &Movement| paid.saturating_add(movement.amount);
        let back = inside
            .iter()
            .filter(|m| m.to == lender && m.asset == lent.asset && m.at > lent.at)
            .fold(U256::ZERO, sum);
        back >= lent.amount
    })
}
