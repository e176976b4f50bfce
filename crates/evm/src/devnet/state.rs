//! All accounts after a block. Cloning shares every account; only those that a block touches are
//! copied, so a window of states costs what changed between them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, map::AddressMap};
use alloy_trie::{
    EMPTY_ROOT_HASH, TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use revm::{
    DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    state::{Account as EvmAccount, AccountInfo},
};

/// One account.
#[derive(Debug, Clone)]
struct Account {
    nonce: u64,
    balance: U256,
    code_hash: B256,
    /// Slots that are not zero.
    storage: BTreeMap<U256, U256>,
    /// Root over `storage` as of the last block boundary.
    storage_root: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
            storage: BTreeMap::new(),
            storage_root: EMPTY_ROOT_HASH,
        }
    }
}

/// Accounts, code, and the hashes of recent blocks for the `BLOCKHASH` opcode.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    accounts: HashMap<Address, Arc<Account>>,
    /// Code is only ever added, so all states share one growing table.
    code: Arc<HashMap<B256, Bytecode>>,
    /// Hashes of the last 256 blocks, as the opcode allows.
    block_hashes: Arc<BTreeMap<u64, B256>>,
    /// Accounts whose `storage_root` is out of date.
    stale_roots: BTreeSet<Address>,
}

/// How far back `BLOCKHASH` sees.
const BLOCK_HASHES_KEPT: usize = 256;

impl State {
    /// A state where these accounts have wei.
    pub(super) fn with_balances(balances: &[(Address, U256)]) -> Self {
        let mut state = Self::default();
        for (address, wei) in balances {
            let account = Arc::make_mut(state.accounts.entry(*address).or_default());
            account.balance = account.balance.saturating_add(*wei);
        }
        state
    }

    pub(super) fn balance(&self, address: Address) -> U256 {
        self.accounts.get(&address).map_or(U256::ZERO, |account| account.balance)
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |account| account.nonce)
    }

    pub(super) fn storage(&self, address: Address, slot: U256) -> U256 {
        let account = self.accounts.get(&address);
        account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default()
    }

    pub(super) fn code(&self, address: Address) -> Bytes {
        let account = self.accounts.get(&address);
        let code = account.and_then(|account| self.code.get(&account.code_hash));
        code.map(Bytecode::original_bytes).unwrap_or_default()
    }

    /// Remembers a block's hash for the blocks after it.
    pub(super) fn push_block_hash(&mut self, number: u64, hash: B256) {
        let hashes = Arc::make_mut(&mut self.block_hashes);
        hashes.insert(number, hash);
        while hashes.len() > BLOCK_HASHES_KEPT {
            hashes.pop_first();
        }
    }

    /// The Merkle-Patricia root over all accounts.
    pub(super) fn root(&mut self) -> B256 {
        for address in std::mem::take(&mut self.stale_roots) {
            if let Some(account) = self.accounts.get_mut(&address) {
                let account = Arc::make_mut(account);
                let slots = account.storage.iter().map(|(slot, value)| (B256::from(*slot), *value));
                account.storage_root = storage_root_unhashed(slots);
            }
        }
        state_root_unhashed(self.accounts.iter().map(|(address, account)| {
            let leaf = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: account.storage_root,
                code_hash: account.code_hash,
            };
            (*address, leaf)
        }))
    }
}

impl DatabaseRef for State {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: self.code.get(&account.code_hash).cloned(),
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.code.get(&code_hash).cloned().unwrap_or_default())
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.storage(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }
}

impl DatabaseCommit for State {
    fn commit(&mut self, changes: AddressMap<EvmAccount>) {
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            // An account left empty by a transaction ceases to exist (EIP-161).
            if change.is_selfdestructed() || change.is_empty() {
                self.accounts.remove(&address);
                continue;
            }
            let account = Arc::make_mut(self.accounts.entry(address).or_default());
            if change.is_created() {
                account.storage.clear();
                self.stale_roots.insert(address);
            }
            account.nonce = change.info.nonce;
            account.balance = change.info.balance;
            account.code_hash = change.info.code_hash;
            for (slot, word) in change.changed_storage_slots() {
                self.stale_roots.insert(address);
                if word.present_value.is_zero() {
                    account.storage.remove(slot);
                } else {
                    account.storage.insert(*slot, word.present_value);
                }
            }
            if let Some(code) = change.info.code
                && !code.is_empty()
                && !self.code.contains_key(&change.info.code_hash)
            {
                Arc::make_mut(&mut self.code).insert(change.info.code_hash, code);
            }
        }
    }
}
