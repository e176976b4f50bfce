//! A Safe's owners, threshold, modules and guard.

use alloy_primitives::{Address, Bytes, U256, hex};

use super::{SAFE_GUARD, implementation_from_word};
use crate::recognise::{Facts, Question, Words};

/// `getOwners()`.
pub(super) const GET_OWNERS: [u8; 4] = hex!("a0e67e2b");
/// `getThreshold()`.
pub(super) const GET_THRESHOLD: [u8; 4] = hex!("e75235b8");
/// `getModulesPaginated(address,uint256)`.
pub(super) const GET_MODULES: [u8; 4] = hex!("cc2f8452");
/// Most owners or modules that are read; the largest Safes in use have some forty owners.
const MEMBERS_MAX: usize = 256;
/// Modules asked for at once.
const MODULES_PAGE: u8 = 64;

/// Who stands behind a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safe {
    /// Who may sign.
    pub owners: Vec<Address>,
    /// How many of them must.
    pub threshold: u64,
    /// Contracts that may act without any signature; `None` when it did not say.
    pub modules: Option<Vec<Address>>,
    /// Contract that is asked before each transaction.
    pub guard: Option<Address>,
}

/// What to ask a Safe.
pub fn safe_questions(of: Address) -> Vec<Question> {
    vec![
        Question::call(of, GET_OWNERS),
        Question::call(of, GET_THRESHOLD),
        Question::Call { to: of, input: modules_input() },
        Question::Storage { of, slot: SAFE_GUARD },
    ]
}

fn modules_input() -> Bytes {
    // The list of modules begins and ends at address 1.
    let mut input = GET_MODULES.to_vec();
    input.extend(U256::ONE.to_be_bytes::<32>());
    input.extend(U256::from(MODULES_PAGE).to_be_bytes::<32>());
    input.into()
}

/// The Safe at this address; `None` unless it names at least one owner and a threshold that they
/// can reach.
pub fn safe(of: Address, facts: &Facts) -> Option<Safe> {
    let owners = Words::new(facts.returned(of, &GET_OWNERS)?).addresses(0, MEMBERS_MAX)?;
    let threshold = facts.word_of_call(of, GET_THRESHOLD)?;
    let threshold = u64::try_from(U256::from_be_bytes(threshold.0)).ok()?;
    if threshold == 0 || threshold > owners.len() as u64 || owners.contains(&Address::ZERO) {
        return None;
    }
    let modules = facts
        .returned(of, &modules_input())
        .and_then(|answer| Words::new(answer).addresses(0, MEMBERS_MAX));
    let guard = facts.stored(of, SAFE_GUARD).and_then(implementation_from_word);
    Some(Safe { owners, threshold, modules, guard })
}
