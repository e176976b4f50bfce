//! What is remembered of an account, read from stored rows by somebody who has no engine.

use alloy_primitives::Address;
use model::StateEntry;

use super::account::{Account, Origins, key};
use crate::state::{Key, Remembered, Value};

/// Keys among a network's stored state that hold an account: the first, and the first after them.
pub fn keys_of(address: Address) -> (Vec<u8>, Vec<u8>) {
    let first = key(address).as_bytes().to_vec();
    let after = [first.as_slice(), &[0]].concat();
    (first, after)
}

/// The account, from the rows of [`keys_of`]. Rows that this version cannot read are left out;
/// restoring the engine reports them.
pub fn stored(entries: &[StateEntry], address: Address) -> Option<Account> {
    let read = |entry: &StateEntry| {
        let key = Key::from_bytes(&entry.key)?;
        let value = Value::decode(&key, entry.value.as_deref()?).ok()?;
        let shard = Origins::of(&value)?;
        shard.accounts().iter().find(|account| account.address == address).cloned()
    };
    entries.iter().find_map(read)
}
