//! What is known of the state after a block: the next one begins with it.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use revm::database::{AccountState, Cache};

use super::{
    block::{Block, Rules},
    known::{Account, Known},
    run::Executed,
};

/// Contracts that the end of a block writes to, which is not executed here: withdrawal requests
/// (EIP-7002) and consolidation requests (EIP-7251).
const WRITTEN_AT_THE_END: [Address; 2] = [
    address!("00000961Ef480Eb55e80D19ad83579A64c007002"),
    address!("0000BBdDc7CE488642fb579F8B00f3a590007251"),
];

/// Hashes of earlier blocks that code can ask for.
const BLOCK_HASHES: u64 = 256;

/// What an execution read or changed, as it is afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    accounts: Vec<(Address, Option<Account>)>,
    storage: Vec<((Address, U256), U256)>,
    /// Accounts all of whose other words are gone.
    cleared: Vec<Address>,
    codes: Vec<(B256, Bytes)>,
}

impl Touched {
    pub(super) fn of(cache: &Cache) -> Self {
        let mut touched = Self::default();
        for (address, account) in &cache.accounts {
            let info = &account.info;
            let is_there = !matches!(account.account_state, AccountState::NotExisting);
            let there =
                Account { balance: info.balance, nonce: info.nonce, code_hash: info.code_hash };
            touched.accounts.push((*address, is_there.then_some(there)));
            let is_cleared = matches!(account.account_state, AccountState::StorageCleared);
            if is_cleared || !is_there {
                touched.cleared.push(*address);
            }
            let words = account.storage.iter().map(|(slot, word)| ((*address, *slot), *word));
            touched.storage.extend(words);
        }
        let codes = cache.contracts.iter().filter(|(_, code)| !code.is_empty());
        touched.codes.extend(codes.map(|(hash, code)| (*hash, code.original_bytes())));
        // Maps have no order, and two executions of one block are the same.
        touched.accounts.sort_unstable_by_key(|(address, _)| *address);
        touched.storage.sort_unstable_by_key(|(word, _)| *word);
        touched.cleared.sort_unstable();
        touched.codes.sort_unstable_by_key(|(hash, _)| *hash);
        touched
    }
}

impl Executed {
    /// Accounts (without a slot) and words of storage that the execution looked at.
    pub fn looked_at(&self) -> impl Iterator<Item = (Address, Option<U256>)> + '_ {
        let accounts = self.after.accounts.iter().map(|(of, _)| (*of, None));
        accounts.chain(self.after.storage.iter().map(|((of, slot), _)| (*of, Some(*slot))))
    }

    /// What is known of the state after the block, out of what was `known` before it. `None` where
    /// more than its transactions changed balances.
    pub fn known_after(&self, block: &Block, rules: &Rules, mut known: Known) -> Option<Known> {
        if !rules.is_without_rewards() {
            return None;
        }
        let is_stale = |of: &Address| {
            WRITTEN_AT_THE_END.contains(of) || self.after.cleared.binary_search(of).is_ok()
        };
        known.storage.retain(|(of, _), _| !is_stale(of));
        known.accounts.extend(self.after.accounts.iter().copied());
        let words = self.after.storage.iter().copied();
        known.storage.extend(words.filter(|((of, _), _)| !WRITTEN_AT_THE_END.contains(of)));
        known.codes.extend(self.after.codes.iter().cloned());
        for address in block.withdrawals.iter().chain(&WRITTEN_AT_THE_END) {
            known.accounts.remove(address);
        }
        let oldest = block.number.saturating_sub(BLOCK_HASHES);
        known.block_hashes.retain(|number, _| *number >= oldest);
        Some(known)
    }

    /// As [`Executed::known_after`] with nothing but what this block looked at: where all that is
    /// known has become too much.
    pub fn known_of_this_block(
        &self,
        block: &Block,
        rules: &Rules,
        known: &Known,
    ) -> Option<Known> {
        let mut little = Known::default();
        let hashes = self.after.accounts.iter().flat_map(|(_, account)| *account);
        for account in hashes {
            if let Some(code) = known.codes.get(&account.code_hash) {
                little.codes.insert(account.code_hash, code.clone());
            }
        }
        self.known_after(block, rules, little)
    }
}
