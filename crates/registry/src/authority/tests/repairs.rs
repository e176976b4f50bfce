//! Transactions that end a drift.

use alloy_primitives::{Address, B256, address, keccak256};
use expect_test::expect;

use super::{logs::word, world::*, *};

fn repairs_of(change: impl Fn(&mut World)) -> String {
    let mut world = World::new();
    change(&mut world);
    let graph = world.graph();
    let mut told = Vec::new();
    for item in world.drift() {
        for repair in &item.repairs {
            let from = repair.from.map_or("anybody".into(), |from| graph.name(from));
            let to = graph.name(repair.to);
            let method = repair.method.split('(').next().unwrap();
            told.push(format!("{from} → {to}.{method}: {}", repair.explanation));
            let selector = &keccak256(&repair.method)[..4];
            assert_eq!(&repair.data[..4], selector, "{}", repair.method);
        }
    }
    told.sort_unstable();
    told.dedup();
    told.join("\n")
}

#[test]
fn repairs_come_from_who_can_send_them() {
    expect![[r#"
        anybody → timelock.execute: After 2 d 0 h, makes the scheduled call.
        ops → timelock.schedule: Schedules with the timelock: Takes ISSUER_ROLE from 0x6666666666666666666666666666666666666666."#]]
    .assert_eq(&repairs_of(|w| w.gain(TOKEN, &Role::access("ISSUER_ROLE"), MALLORY)));
    expect!["ops → ops.swapOwner: Puts ben-key in the place of 0x6666666666666666666666666666666666666666."]
        .assert_eq(&repairs_of(|w| {
            w.held(SAFE).lose(&Role::Signer, Some(at(BEN)));
            w.gain(SAFE, &Role::Signer, MALLORY);
        }));
    expect!["ops → ops.changeThreshold: 2 signatures are needed from then on."]
        .assert_eq(&repairs_of(|w| w.held(SAFE).threshold = Some(1)));
    expect!["0x6666666666666666666666666666666666666666 → feed.transferOwnership: Gives ownership back to ops. 0x6666666666666666666666666666666666666666 holds it now and must sign; a thief will not."]
        .assert_eq(&repairs_of(|w| w.gain(FEED, &Role::Owner, MALLORY)));
}

#[test]
fn the_calldata_of_a_removed_signer_names_the_link_before_it() {
    let mut world = World::new();
    world.gain(SAFE, &Role::Signer, MALLORY);
    world.gain(SAFE, &Role::Signer, GUARDIAN);
    let items = world.drift();
    let repairs: Vec<Repair> = items.iter().flat_map(|item| item.repairs.clone()).collect();
    let files = bundles(&repairs, |_, from| from == at(SAFE));
    assert_eq!(files.len(), 1);
    let (path, bundle) = &files[0];
    assert_eq!(path, &format!("main-{}.json", at(SAFE)));
    assert_eq!(bundle["chainId"], "1");
    // The list is guardian, mallory, ada, ben, cyd: the later one goes first, so that the link
    // before the earlier one still holds.
    let data: Vec<&str> = bundle["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["data"].as_str().unwrap())
        .collect();
    let call = |link: Address, who: u8| {
        let words = [link.into_word(), word(who), B256::with_last_byte(2)];
        let selector = &keccak256("removeOwner(address,address,uint256)")[..4];
        alloy_primitives::hex::encode_prefixed([selector, words.concat().as_slice()].concat())
    };
    let first = address!("0000000000000000000000000000000000000001");
    assert_eq!(data, [call(at(GUARDIAN), MALLORY), call(first, GUARDIAN)]);
}
