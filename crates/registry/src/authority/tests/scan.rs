//! History that was read, and the laws of folding it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use expect_test::expect;
use model::{Log, UnixSeconds};
use proptest::prelude::*;

use super::{logs::word, world::*, *};

#[test]
fn a_scan_says_who_held_what_before_any_block_it_covers() {
    let granted = |block: u64, who: u8, signature: &str| PastLog {
        block,
        at: UnixSeconds(block * 12),
        tx: B256::repeat_byte(block as u8),
        index: 0,
        address: at(TOKEN),
        topics: vec![keccak256(signature), B256::ZERO, word(who), word(ADA)],
        data: Bytes::new(),
    };
    let (grant, revoke) =
        ("RoleGranted(bytes32,address,address)", "RoleRevoked(bytes32,address,address)");
    let logs = vec![granted(9, ADA, revoke), granted(3, ADA, grant), granted(7, BEN, grant)];
    let contracts = BTreeMap::from([(at(TOKEN), 1)]);
    let scan = Scan::new(name("main"), 1, 20, contracts, logs);
    let read = Scan::from_json(&scan.to_json().unwrap()).unwrap();
    assert_eq!(read, scan);
    let before = |block| {
        let all = scan.fold_before(block, |_| Some(1), |_| false).unwrap();
        assert_eq!(all.len(), 1, "others were not scanned");
        let held = &all[&at(TOKEN)];
        (held.of(&Role::DEFAULT_ADMIN).collect::<Vec<_>>(), held.past)
    };
    assert_eq!(before(7), (vec![at(ADA)], Past::Whole));
    assert_eq!(before(9), (vec![at(ADA), at(BEN)], Past::Whole));
    assert_eq!(before(21), (vec![at(BEN)], Past::Whole));
    assert_eq!(before(22).1, Past::UnknownBefore(22), "block 21 was not read");
    let late = scan.fold_before(5, |_| None, |_| false).unwrap();
    assert_eq!(late[&at(TOKEN)].past, Past::UnknownBefore(1));

    let cut = scan.to_json().unwrap().replace("\"block\": 7", "\"block\": 2");
    expect!["its logs are out of order at block 2"]
        .assert_eq(&Scan::from_json(&cut).unwrap_err().to_string());
    assert!(Scan::from_json("{}").is_err());
}

#[test]
fn more_holders_than_people_are_refused_and_change_nothing() {
    let mut held = Holdings::new(Past::Whole);
    let role = Role::access("ISSUER_ROLE");
    let when = Moment { block: 1, at: UnixSeconds(1) };
    let mut last = Ok(());
    for number in 0..=HOLDERS_MAX as u64 {
        let account = Address::left_padding_from(&number.to_be_bytes());
        last = held.apply(&Change::Gained { role: role.clone(), account }, when);
    }
    assert!(last.is_err());
    assert_eq!(held.of(&role).count(), HOLDERS_MAX);
}

proptest! {
    /// Folding is the same as keeping a plain set of who holds what.
    #[test]
    fn the_fold_agrees_with_a_plain_set(steps in prop::collection::vec((0u8..3, 0u8..6, any::<bool>()), 0..60)) {
        let roles = [Role::access("ISSUER_ROLE"), Role::Signer, Role::Owner];
        let mut held = Holdings::new(Past::Whole);
        let mut plain: BTreeSet<(u8, u8)> = BTreeSet::new();
        for (block, (role, who, gains)) in steps.into_iter().enumerate() {
            let when = Moment { block: block as u64, at: UnixSeconds(0) };
            let (of, account) = (roles[role as usize].clone(), at(who));
            let change = match gains {
                true => Change::Gained { role: of, account },
                false => Change::Lost { role: of, account: Some(account) },
            };
            held.apply(&change, when).unwrap();
            if gains {
                if role == 2 {
                    plain.retain(|(of, _)| *of != 2);
                }
                plain.insert((role, who));
            } else {
                plain.remove(&(role, who));
            }
        }
        for (role, of) in roles.iter().enumerate() {
            let expected: BTreeSet<Address> =
                plain.iter().filter(|(r, _)| *r as usize == role).map(|(_, who)| at(*who)).collect();
            prop_assert_eq!(held.of(of).collect::<BTreeSet<_>>(), expected);
        }
        prop_assert_eq!(held.signers.len(), held.of(&Role::Signer).count());
    }

    /// No log makes reading it panic.
    #[test]
    fn hostile_logs_are_errors_at_worst(
        pick in any::<prop::sample::Index>(),
        words in prop::collection::vec(any::<[u8; 32]>(), 0..4),
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let topics = Change::topics();
        let topic0 = topics[pick.index(topics.len())];
        let topics = std::iter::once(topic0).chain(words.into_iter().map(B256::from)).take(4).collect();
        let log = Log { index: 0, address: at(1), topics, data: data.into() };
        let _either = Change::read(&log, |_| true);
    }
}
