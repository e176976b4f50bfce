//! Holdings as logs and answers tell them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use expect_test::expect;
use model::{Log, UnixSeconds};

use super::{world::*, *};

pub(super) fn log(from: u8, signature: &str, words: &[B256], data: &[u8]) -> Log {
    let topics = std::iter::once(keccak256(signature)).chain(words.iter().copied()).collect();
    Log { index: 0, address: at(from), topics, data: Bytes::copy_from_slice(data) }
}

pub(super) fn word(byte: u8) -> B256 {
    at(byte).into_word()
}

#[test]
fn logs_of_every_standard_fold_into_holdings() {
    let issuer = keccak256("ISSUER_ROLE");
    let mut native = B256::ZERO;
    native[..8].copy_from_slice(b"guardian");
    let mut said = U256::ONE.to_be_bytes_vec();
    said.extend([0; 32]);
    let max = U256::MAX.to_be_bytes_vec();
    let logs = [
        log(
            TOKEN,
            "RoleGranted(bytes32,address,address)",
            &[B256::ZERO, word(ADA), word(ADA)],
            &[],
        ),
        log(TOKEN, "RoleGranted(bytes32,address,address)", &[issuer, word(BEN), word(ADA)], &[]),
        log(TOKEN, "RoleRevoked(bytes32,address,address)", &[issuer, word(BEN), word(ADA)], &[]),
        log(TOKEN, "RoleGranted(bytes32,address,address)", &[issuer, word(CYD), word(ADA)], &[]),
        log(TOKEN, "OwnershipTransferStarted(address,address)", &[word(ADA), word(BEN)], &[]),
        log(TOKEN, "OwnershipTransferred(address,address)", &[word(ADA), word(BEN)], &[]),
        log(
            TOKEN,
            "RoleChange(bytes32,address,address,bool,bytes32)",
            &[native, word(CYD), word(ADA)],
            &said,
        ),
        log(TOKEN, "Approval(address,address,uint256)", &[word(TREASURY), word(VAULT)], &max),
        log(TOKEN, "Approval(address,address,uint256)", &[word(ADA), word(VAULT)], &max),
        log(TOKEN, "Paused(address)", &[], word(ADA).as_slice()),
    ];
    let mut by_contract: BTreeMap<Address, Holdings> = BTreeMap::new();
    for (block, log) in logs.iter().enumerate() {
        let when = Moment { block: block as u64, at: UnixSeconds(block as u64) };
        for (of, change) in Change::read(log, |who| who == at(TREASURY)).unwrap() {
            let held = by_contract.entry(of).or_insert_with(|| Holdings::new(Past::Whole));
            held.apply(&change, when).unwrap();
        }
    }
    let told: Vec<String> = by_contract
        .iter()
        .flat_map(|(of, held)| {
            held.all().map(move |(role, who, since)| {
                format!(
                    "{:02x}: {} {:02x} since {}",
                    of[0],
                    role.words(),
                    who[0],
                    since.unwrap().block
                )
            })
        })
        .collect();
    expect![[r#"
        10: owner 41 since 5
        10: DEFAULT_ADMIN_ROLE 40 since 0
        10: ISSUER_ROLE 42 since 3
        10: guardian 42 since 6
        22: spender of 0x1010101010101010101010101010101010101010 11 since 7"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_safe_says_who_founded_it_in_its_own_order() {
    // Encoded by hand: initializer and handler are zero, two owners, threshold two.
    let words = [4 * 32, 2, 0, 0, 2].map(|n: u64| U256::from(n).to_be_bytes::<32>());
    let mut data = words.concat();
    // The offset of the owners is that of the word that holds their number.
    data.extend(word(ADA).0);
    data.extend(word(BEN).0);
    let setup =
        log(SAFE, "SafeSetup(address,address[],uint256,address,address)", &[word(CYD)], &data);
    let mut held = Holdings::new(Past::Whole);
    let when = Moment { block: 1, at: UnixSeconds(1) };
    for (_, change) in Change::read(&setup, |_| false).unwrap() {
        held.apply(&change, when).unwrap();
    }
    assert_eq!((held.signers.clone(), held.threshold), (vec![at(ADA), at(BEN)], Some(2)));
    let added = log(SAFE, "AddedOwner(address)", &[], word(CYD).as_slice());
    for (_, change) in Change::read(&added, |_| false).unwrap() {
        held.apply(&change, when).unwrap();
    }
    assert_eq!(held.signers, [at(CYD), at(ADA), at(BEN)], "the newest is linked in front");
}

#[test]
fn answers_are_held_against_logs_and_never_mixed_into_them() {
    let world = World::new();
    let held = &world.observed[0].contracts[&at(FEED)];
    let feed = world.registry.get(&name("feed")).unwrap();
    let reporter = Role::access("REPORTER_ROLE");
    let known = BTreeMap::from([(reporter.clone(), BTreeSet::from([at(REPORTER)]))]);
    let asked = questions(feed.address, feed.class, None, &feed.abi, &known);
    let what: Vec<String> = asked.iter().map(|q| q.meaning.words()).collect();
    expect![[r#"owner, whether 0x3131313131313131313131313131313131313131 holds REPORTER_ROLE"#]]
        .assert_eq(&what.join(", "));

    let answer = |words: [B256; 2]| {
        let mut reading = Reading::default();
        for (question, word) in asked.iter().zip(words) {
            reading.take(question, Ok(word.as_slice()));
        }
        reading
    };
    let yes = B256::with_last_byte(1);
    assert_eq!(answer([word(SAFE), yes]).mismatches(held), []);
    let taken = answer([word(MALLORY), B256::ZERO]);
    let expected = [
        Mismatch::HoldsWithoutLog(Role::Owner, at(MALLORY)),
        Mismatch::LogWithoutHolding(Role::Owner, at(SAFE)),
        Mismatch::LogWithoutHolding(reporter.clone(), at(REPORTER)),
    ];
    assert_eq!(taken.mismatches(held), expected);
    let now = taken.over(held);
    assert!(now.holds(&Role::Owner, at(MALLORY)) && !now.holds(&reporter, at(REPORTER)));

    let mut silent = Reading::default();
    silent.take(&asked[0], Err("execution reverted"));
    silent.take(&asked[1], Ok(&[1, 2, 3]));
    assert_eq!(silent.failed.len(), 2, "what was not answered is not an answer");
    assert_eq!(silent.mismatches(held), []);
}

#[test]
fn where_the_past_is_unknown_a_new_holder_is_no_contradiction() {
    let mut held = Holdings::new(Past::UnknownBefore(50));
    let mut reading = Reading::default();
    reading.each.insert((Role::access("ISSUER_ROLE"), at(ADA)), true);
    reading.all.insert(Role::Owner, vec![at(BEN)]);
    assert_eq!(reading.mismatches(&held), []);
    let when = Moment { block: 60, at: UnixSeconds(60) };
    held.apply(&Change::Gained { role: Role::Owner, account: at(CYD) }, when).unwrap();
    let expected = [
        Mismatch::HoldsWithoutLog(Role::Owner, at(BEN)),
        Mismatch::LogWithoutHolding(Role::Owner, at(CYD)),
    ];
    assert_eq!(reading.mismatches(&held), expected, "but what a log said afterwards counts");
}
