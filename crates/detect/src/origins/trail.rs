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

#[cfg(test)]
mod tests {
    use model::Name;

    use super::*;
    use crate::origins::account::{Account, gave, remember};

    fn chain_of(length: u8) -> StateTable {
        let mut memory = StateTable::new(Name::new("testnet").unwrap());
        for number in 1..=length {
            let account = Account {
                address: Address::repeat_byte(number),
                first_at: UnixSeconds(u64::from(number)),
                how: How::Funded,
                by: Some(Address::repeat_byte(number + 1)),
                gave: 0,
                twin_of: None,
            };
            assert!(remember(&mut memory, account));
        }
        memory
    }

    #[test]
    fn a_trail_ends_where_somebody_is_known_nobody_recorded_or_enough_was_asked() {
        let memory = chain_of(5);
        let from = Address::repeat_byte(1);
        let ends = |steps_max, known: u8| {
            let found = trail(&memory, from, steps_max, |at| at == Address::repeat_byte(known));
            (found.steps.len(), found.end)
        };
        assert_eq!(ends(3, 3), (2, End::Known));
        assert_eq!(ends(3, 99), (3, End::TooFar));
        assert_eq!(ends(9, 99), (5, End::Unrecorded));
        let stranger = trail(&memory, Address::repeat_byte(50), 3, |_| false);
        assert_eq!((stranger.steps.len(), stranger.end), (0, End::Unrecorded));
    }

    #[test]
    fn a_trail_never_leads_through_a_hub() {
        let mut memory = chain_of(5);
        let hub = Address::repeat_byte(3);
        (0..=HUB_ACCOUNTS).for_each(|_| gave(&mut memory, hub, UnixSeconds(9)));
        let found = trail(&memory, Address::repeat_byte(1), 9, |_| false);
        assert_eq!((found.steps.len(), found.end), (2, End::Hub));
    }
}
