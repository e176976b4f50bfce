//! State that changes with a word and without.

use alloy_primitives::{B256, U256};
use expect_test::expect;
use model::{Finding, Severity, StorageWrite};
use registry::proxy::AUTHORITY_SLOTS;

use crate::chain::*;

fn world() -> World {
    World::new(vec![detector(
        "storage/silent_write",
        &["vault"],
        &[("warm_up_txs", "30"), ("always_told_min", "20"), ("slots", "0x33")],
        Severity::Medium,
    )])
}

fn write(slot: B256) -> StorageWrite {
    let word = B256::with_last_byte;
    StorageWrite { tx: 0, slot, before: word(1), after: word(2) }
}

fn plain(slot: u64) -> StorageWrite {
    write(B256::from(U256::from(slot)))
}

/// A block of one call of the vault that changes these words, with an event or without.
fn changing(signature: &str, is_told: bool, writes: &[StorageWrite]) -> BlockBuilder {
    let tx = tx(ALICE, VAULT).input(call(signature, 1));
    let tx = if is_told { tx.log(redeemed(address(ALICE), 1)) } else { tx };
    block([tx]).traced().writes(address(VAULT), writes)
}

const MAPPED: B256 = B256::repeat_byte(0x99);

/// Thirty redemptions with an event, each of which also moves a counter in a silent deposit.
fn warmed_up() -> World {
    let mut world = world();
    for _ in 0..30 {
        world.push(12, &changing("redeem(uint256)", true, &[plain(5), write(MAPPED)]));
        world.push(12, &changing("deposit(uint256)", false, &[plain(7)]));
    }
    world
}

pub(crate) fn implementation_overwritten() -> Vec<Finding> {
    let (slot, _) = AUTHORITY_SLOTS[0];
    world().push(12, &changing("redeem(uint256)", false, &[write(slot)])).findings
}

pub(crate) fn counted() -> Vec<Finding> {
    let mut world = warmed_up();
    let told = changing("redeem(uint256)", true, &[plain(5), write(MAPPED)]);
    let silent = changing("deposit(uint256)", false, &[plain(7)]);
    let (one, two) = (world.push(12, &told), world.push(12, &silent));
    one.findings.into_iter().chain(two.findings).collect()
}

#[test]
fn slots_of_authority_are_judged_from_the_first_block() {
    let mut world = world();
    let (slot, _) = AUTHORITY_SLOTS[0];
    let judgement =
        world.push(12, &changing("redeem(uint256)", false, &[write(slot), plain(0x33)]));
    expect![[r#"
        critical: the EIP-1967 implementation of vault was written, and vault said nothing
        high: slot 51 of vault was written, and vault said nothing"#]]
    .assert_eq(&told(&judgement));
    let told_of = world.push(12, &changing("redeem(uint256)", true, &[write(slot), plain(0x33)]));
    assert_eq!(told(&told_of), "");
}

#[test]
fn what_always_came_with_an_event_is_missed_and_what_is_new_is_told() {
    let mut world = warmed_up();
    let judgement = world.push(12, &changing("redeem(uint256)", false, &[plain(5), write(MAPPED)]));
    expect![[r#"
        high: vault changed slot 5 without an event, which 30 times came with one
        high: vault changed an entry of a mapping without an event, which 30 times came with one"#]]
    .assert_eq(&told(&judgement));
    let judgement = world.push(12, &changing("deposit(uint256)", false, &[plain(5)]));
    expect!["medium: vault changed slot 5 for the first time in this way, and it said nothing"]
        .assert_eq(&told(&judgement));
    let judgement = world.push(12, &changing("sweep(uint256)", true, &[plain(5)]));
    expect!["low: vault changed slot 5 for the first time in this way"]
        .assert_eq(&told(&judgement));
    assert_eq!(blind(&judgement), Vec::<String>::new());
}

#[test]
fn without_differences_or_before_it_has_learned_it_is_blind() {
    let mut world = world();
    let judgement = world.push(12, &changing("redeem(uint256)", true, &[plain(5)]));
    assert_eq!(blind(&judgement), ["storage.silent_write: warming up: 1 of 30 observations"]);
    let below = world.push(12, &block([]).traced());
    assert_eq!(blind(&below), ["storage.silent_write: needs StateDiffs, the network gives Traces"]);
    let without_traces = block([]).writes(address(VAULT), &[]);
    let below = world.push(12, &without_traces);
    assert_eq!(blind(&below), ["storage.silent_write: needs StateDiffs, the network gives Logs"]);
}
