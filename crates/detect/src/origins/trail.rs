//! Who stands behind an account: backwards from funder to funder, creator to creator.

use alloy_primitives::Address;
use model::UnixSeconds;

use super::account::{How, of};
use crate::state::StateTable;

/// An account that brought more others into being than this is a hub: an exchange, a faucet, a
/// bridge. What one of its thousands did says nothing about another.
pub const HUB_ACCOUNTS: u32 = 10_000;

/// One step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Who funded or created the account before.
    pub by: Address,
    /// Which of the two.
    pub how: How,
    /// When.
    pub at: UnixSeconds,
}

/// Why the trail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At an account that the caller knows.
    Known,
    /// At a hub.
    Hub,
    /// Nobody recorded where the last one came from.
    Unrecorded,
    /// After as many steps as were asked for.
    TooFar,
}

/// The way back from an account, nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Steps.
    pub steps: Vec<Step>,
    /// Why there are no more.
    pub end: End,
}

/// Follows the first funding or creation backwards, at most `steps_max` steps, until `is_known`.
pub fn trail(
    memory: &StateTable,
    address: Address,
    steps_max: usize,
    is_known: impl Fn(Address) -> bool,
) -> Trail {
    let (mut steps, mut at) = (Vec::new(), address);
    let end = loop {
        let account = of(memory, at);
        if !steps.is_empty() {
            if is_known(at) {
                break End::Known;
            }
            if account.is_some_and(|account| account.gave > HUB_ACCOUNTS) {
                break End::Hub;
            }
        }
        let Some((account, by)) = account.and_then(|account| Some((account, account.by?))) else {
            break End::Unrecorded;
        };
        if steps.len() == steps_max {
            break End::TooFar;
        }
        steps.push(Step { by, how: account.how, at: account.first_at });
        at = by;
    };
    Trail { steps, end }
}
