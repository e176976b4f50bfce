//! What is known of the state before a block, and what was asked for and is not known.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

/// An account before the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Native value, in wei.
    pub balance: U256,
    /// Transactions that it sent, or contracts that it created.
    pub nonce: u64,
    /// Hash of its code; of no code for none.
    pub code_hash: B256,
}

/// The state before a block, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Accounts; `None` for one that does not exist.
    pub accounts: HashMap<Address, Option<Account>>,
    /// Words of storage, zeros too.
    pub storage: HashMap<(Address, U256), U256>,
    /// Codes by their hash.
    pub codes: HashMap<B256, Bytes>,
    /// Hashes of earlier blocks.
    pub block_hashes: HashMap<u64, B256>,
    /// Whether what is not named does not exist: a complete record instead of answers of a node.
    pub is_complete: bool,
}

impl Known {
    /// Learns what a node says of an account. One that has nothing does not exist, as far as anybody
    /// can tell from outside.
    pub fn account(&mut self, address: Address, balance: U256, nonce: u64, code: Bytes) {
        let is_empty = balance.is_zero() && nonce == 0 && code.is_empty();
        let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) };
        if !code.is_empty() {
            self.codes.insert(code_hash, code);
        }
        let account = Account { balance, nonce, code_hash };
        self.accounts.insert(address, (!is_empty).then_some(account));
    }

    /// Parts that are known.
    pub fn len(&self) -> usize {
        self.accounts.len() + self.storage.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the codes.
    pub fn code_bytes(&self) -> usize {
        self.codes.values().map(|code| code.len()).sum()
    }
}

/// What an execution asked for and nobody knows, in order: the next batch of questions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Accounts.
    pub accounts: BTreeSet<Address>,
    /// Words of storage.
    pub storage: BTreeMap<Address, BTreeSet<U256>>,
    /// Codes by hash.
    pub codes: BTreeSet<B256>,
    /// Blocks whose hash is wanted.
    pub block_hashes: BTreeSet<u64>,
}

impl Missing {
    /// Whether nothing was missed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.storage.is_empty()
            && self.codes.is_empty()
            && self.block_hashes.is_empty()
    }

    /// Adds what something else missed.
    pub(super) fn extend(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
        for (of, slots) in other.storage {
            self.storage.entry(of).or_default().extend(slots);
        }
        self.codes.extend(other.codes);
        self.block_hashes.extend(other.block_hashes);
    }

    /// Questions in all.
    pub fn len(&self) -> usize {
        let words: usize = self.storage.values().map(BTreeSet::len).sum();
        self.accounts.len() + words + self.codes.len() + self.block_hashes.len()
    }
}

/// The known state as the machine reads it, writing down what it misses.
pub(super) struct Read<'k> {
    pub(super) known: &'k Known,
    pub(super) missing: &'k RefCell<Missing>,
}

impl DatabaseRef for Read<'_> {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let account = match self.known.accounts.get(&address) {
            Some(account) => *account,
            None => {
                if !self.known.is_complete {
                    self.missing.borrow_mut().accounts.insert(address);
                }
                None
            }
        };
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            // Asked for by its hash when it runs.
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        if hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        Ok(match self.known.codes.get(&hash) {
            Some(code) => Bytecode::new_raw(code.clone()),
            None => {
                self.missing.borrow_mut().codes.insert(hash);
                Bytecode::default()
            }
        })
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(match self.known.storage.get(&(address, slot)) {
            Some(word) => *word,
            None => {
                if !self.known.is_complete {
                    self.missing.borrow_mut().storage.entry(address).or_default().insert(slot);
                }
                U256::ZERO
            }
        })
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(match self.known.block_hashes.get(&number) {
            Some(hash) => *hash,
            None => {
                self.missing.borrow_mut().block_hashes.insert(number);
                B256::ZERO
            }
        })
    }
}
