//! Accounts in shards. A shard that is full forgets the oldest account that gave nobody anything.

use alloy_primitives::{Address, B256};
use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::state::{Key, Kind, StateTable};

/// Accounts of one shard; a shard is one value of the state table, copied when a block touches it.
const SHARD_LEN_MAX: usize = 8;

/// Accounts that are remembered: those that mainnet funds for the first time in some three days, in
/// some 50 MB. One that is forgotten is unknown again, which is said; it is never called old.
pub const ACCOUNTS_MAX: usize = SHARD_LEN_MAX << 16;

/// Codes of one shard of twins.
const TWINS_LEN_MAX: usize = 4;

/// How an account came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// It gave somebody something. Its age is not known.
    Gave,
    /// It was sent native value. It may have had some before anybody recorded it.
    Funded,
    /// It is a contract and was created then.
    Created,
}

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The account.
    pub address: Address,
    /// Time of the block in which it was first seen.
    pub first_at: UnixSeconds,
    /// How.
    pub how: How,
    /// Who funded or created it.
    pub by: Option<Address>,
    /// How many accounts it was the first to fund, or created.
    pub gave: u32,
    /// A contract that had the same code before it.
    pub twin_of: Option<Address>,
}

/// Accounts whose addresses begin with the same two bytes, in the order in which they were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origins(Vec<Account>);

impl Origins {
    /// All of the shard.
    pub(super) fn accounts(&self) -> &[Account] {
        &self.0
    }
}

/// The first contracts seen with code whose hash begins with the same two bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeTwins(Vec<(u64, Address)>);

/// Since when accounts are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginsSince {
    /// Time of the first block.
    pub at: UnixSeconds,
}

/// Key of the shard that an account is in.
pub(super) fn key(address: Address) -> Key {
    Key::new(Kind::Origins).with(&address[..2])
}

/// What is remembered of an account.
pub fn of(memory: &StateTable, address: Address) -> Option<&Account> {
    memory.get::<Origins>(&key(address))?.0.iter().find(|account| account.address == address)
}

/// Since when accounts are recorded; `None` while nobody asks for it.
pub fn since(memory: &StateTable) -> Option<UnixSeconds> {
    memory.get::<OriginsSince>(&Key::new(Kind::OriginsSince)).map(|since| since.at)
}

/// Marks the first block of the record.
pub(super) fn begin(memory: &mut StateTable, now: UnixSeconds) {
    if since(memory).is_none() {
        memory.entry(Key::new(Kind::OriginsSince), || OriginsSince { at: now });
    }
}

/// Remembers an account as it is first seen; one that is known stays as it is, unless it turns out
/// to be a contract: native value may wait at an address for the contract that is created there.
pub(super) fn remember(memory: &mut StateTable, account: Account) -> bool {
    let is_newly_created =
        |known: &Account| account.how == How::Created && known.how != How::Created;
    match of(memory, account.address) {
        Some(known) if !is_newly_created(known) => return false,
        _ => {}
    }
    let shard = &mut memory.entry(key(account.address), Origins::default).0;
    if let Some(known) = shard.iter_mut().find(|known| known.address == account.address) {
        let Account { how, by, twin_of, .. } = account;
        (known.how, known.by, known.twin_of) = (how, by, twin_of);
        return true;
    }
    if shard.len() == SHARD_LEN_MAX {
        let least = shard.iter().enumerate().min_by_key(|(at, known)| (known.gave > 0, *at));
        if let Some(least) = least.map(|(at, _)| at) {
            shard.remove(least);
        }
    }
    shard.push(account);
    true
}

/// Counts that an account brought another one into being.
pub(super) fn gave(memory: &mut StateTable, giver: Address, now: UnixSeconds) {
    let fresh =
        Account { address: giver, first_at: now, how: How::Gave, by: None, gave: 0, twin_of: None };
    remember(memory, fresh);
    let shard = &mut memory.entry(key(giver), Origins::default).0;
    if let Some(known) = shard.iter_mut().find(|known| known.address == giver) {
        known.gave = known.gave.saturating_add(1);
    }
}

/// The contract that had this code before; the new one is remembered when it is the first.
pub(super) fn twin(memory: &mut StateTable, code: B256, address: Address) -> Option<Address> {
    let (shard, rest) = code.split_at(2);
    let key = Key::new(Kind::CodeTwins).with(shard);
    let mut tag = [0; 8];
    tag.copy_from_slice(&rest[..8]);
    let tag = u64::from_be_bytes(tag);
    let known = memory
        .get::<CodeTwins>(&key)
        .and_then(|twins| twins.0.iter().find(|(known, _)| *known == tag).map(|(_, first)| *first));
    if known.is_none() {
        let twins = &mut memory.entry(key, CodeTwins::default).0;
        if twins.len() == TWINS_LEN_MAX {
            twins.remove(0);
        }
        twins.push((tag, address));
    }
    known.filter(|first| *first != address)
}

#[cfg(test)]
mod tests {
    use model::Name;

    use super::*;

    fn funded(number: u64, by: Address) -> Account {
        // One shard: the same first two bytes.
        let address = Address::left_padding_from(&number.to_be_bytes());
        let how = How::Funded;
        Account {
            address,
            first_at: UnixSeconds(number),
            how,
            by: Some(by),
            gave: 0,
            twin_of: None,
        }
    }

    #[test]
    fn a_flood_of_new_accounts_forgets_the_oldest_and_keeps_whoever_gave() {
        let mut memory = StateTable::new(Name::new("testnet").unwrap());
        let payer = Address::left_padding_from(&[1, 0, 0, 0, 0, 0, 0, 0, 0]);
        gave(&mut memory, payer, UnixSeconds(0));
        for number in 1..=1_000 {
            assert!(remember(&mut memory, funded(number, payer)));
        }
        let shard = memory.get::<Origins>(&key(payer)).unwrap();
        assert_eq!(shard.0.len(), SHARD_LEN_MAX);
        assert_eq!(of(&memory, payer).map(|account| account.gave), Some(1));
        assert_eq!(of(&memory, funded(1, payer).address), None, "forgotten is unknown");
        assert!(of(&memory, funded(1_000, payer).address).is_some());
    }

    #[test]
    fn the_first_sight_counts_until_the_account_turns_out_to_be_a_contract() {
        let mut memory = StateTable::new(Name::new("testnet").unwrap());
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        assert!(remember(&mut memory, funded(5, one)));
        assert!(!remember(&mut memory, funded(5, other)), "the first funding counts");
        let created = Account { how: How::Created, by: Some(other), ..funded(5, one) };
        assert!(remember(&mut memory, created.clone()));
        assert_eq!(of(&memory, created.address), Some(&created));
    }

    #[test]
    fn codes_are_remembered_by_the_first_contract_that_has_them() {
        let mut memory = StateTable::new(Name::new("testnet").unwrap());
        let code = |last: u8| {
            let mut code = B256::repeat_byte(7);
            code[5] = last;
            code
        };
        let contract = Address::with_last_byte;
        assert_eq!(twin(&mut memory, code(0), contract(1)), None);
        assert_eq!(twin(&mut memory, code(0), contract(2)), Some(contract(1)));
        // Four more codes of the same shard push the first out.
        for last in 1..=4 {
            assert_eq!(twin(&mut memory, code(last), contract(9)), None);
        }
        assert_eq!(twin(&mut memory, code(0), contract(3)), None);
    }
}
