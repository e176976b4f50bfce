//! Flash loans around calls to protected contracts, and what turns one from everyday use into an
//! alarm: a price that moved on it, or more taken out than was brought.
//!
//! A loan alone is told and wakes nobody: liquidations, swaps of collateral and arbitrage borrow too.

use super::{
    assets::Asset,
    scene::View,
    signals::{Found, Signal, loan},
    weigh::Verdict,
};

use alloy_primitives::{Address, U256};

/// Something borrowed and paid back within the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loan {
    /// Who lent.
    pub lender: Address,
    /// Frame in which the lender was asked.
    pub lending: usize,
    /// Frame in which the lender called back: what lies below it was done on borrowed money.
    pub callback: usize,
    /// What was lent first and how much, where the calls tell.
    pub lent: Option<(Asset, U256)>,
}

/// Shapes that make a loan around a protected contract an alarm: a price that was moved on the way,
/// or more paid out than paid in.
const COMPANIONS: &[Signal] = &[
    Signal::TradedBack,
    Signal::CalledBetweenTrades,
    Signal::PriceReadAfterTrade,
    Signal::ReservesForced,
    Signal::PaidOutMore,
];

/// A protected contract was called on borrowed money.
#[derive(Debug, Clone, PartialEq)]
pub struct Borrowed {
    /// Every loan of the transaction, in order.
    pub loans: Vec<Loan>,
    /// The first that a protected contract was called in.
    pub around: Loan,
    /// What makes it an alarm; empty when nothing does.
    pub companions: Vec<Found>,
}

impl Borrowed {
    /// Looks for a loan around a call to a protected contract. `found` is what
    /// [`super::observe`] sees in the same view.
    pub fn of(view: &View<'_, '_>, found: &[Found]) -> Option<Self> {
        if !found.iter().any(|one| one.signal == Signal::CalledOnBorrowedMoney) {
            return None;
        }
        let loans = loan::loans(view);
        let holds_entry = |loan: &&Loan| view.has_entry_in(&view.tree().subtree(loan.callback));
        let around = *loans.iter().find(holds_entry)?;
        let companions = found.iter().filter(|one| COMPANIONS.contains(&one.signal));
        Some(Self { around, companions: companions.cloned().collect(), loans })
    }

    /// A page with a companion; without one nothing that anybody is told of.
    pub fn verdict(&self) -> Verdict {
        if self.companions.is_empty() { Verdict::Quiet } else { Verdict::Page }
    }
}
