//! Code and slots that change, with an event and without.

use alloy_primitives::{Address, B256, keccak256};
use expect_test::expect;
use model::{Finding, Severity};
use registry::proxy::AUTHORITY_SLOTS;

use crate::chain::*;

fn world() -> World {
    World::new(vec![
        detector("change/code_changed", &["vault"], &[], Severity::Critical),
        detector("change/proxy_upgraded", &["vault"], &[], Severity::Critical),
    ])
}

/// A block with the reads of the vault: its code, its implementation.
fn state(
    txs: impl IntoIterator<Item = TxBuilder>,
    code: &[u8],
    implementation: u8,
) -> BlockBuilder {
    let vault = address(VAULT);
    let mut block = block(txs).code_hash(vault, code);
    for (at, (slot, _)) in AUTHORITY_SLOTS.iter().enumerate() {
        let word = if at == 0 { word_of(address(implementation)) } else { B256::ZERO };
        block = block.slot(vault, *slot, word);
    }
    block
}

fn upgraded(to: u8) -> model::Log {
    log(VAULT, vec![keccak256("Upgraded(address)"), word_of(address(to))], Vec::new())
}

pub(crate) fn slot_written() -> Vec<Finding> {
    let mut world = world();
    world.push(12, &state([], &[1], 1));
    world.push(12, &state([tx(MALLORY, VAULT)], &[1], 2)).findings
}

pub(crate) fn upgraded_with_event() -> Vec<Finding> {
    let mut world = world();
    world.push(12, &state([], &[1], 1));
    let quiet = world.push(12, &state([tx(ALICE, VAULT).log(upgraded(2))], &[1], 2));
    world.push(12, &state([], &[1], 2));
    quiet.findings.into_iter().chain(world.push(12, &state([], &[1], 2)).findings).collect()
}

#[test]
fn a_slot_that_is_written_without_an_event_is_found_in_its_block() {
    let mut world = world();
    assert_eq!(told(&world.push(12, &state([], &[1], 1))), "");
    let judgement = world.push(12, &state([tx(MALLORY, VAULT)], &[1], 2));
    expect!["critical: the EIP-1967 implementation of vault is 0x0202020202020202020202020202020202020203 now, and no event says so"]
        .assert_eq(&told(&judgement));
    assert!(judgement.findings[0].origin.tx.is_some(), "the transaction that called it");
    assert_eq!(told(&world.push(12, &state([], &[1], 2))), "", "once");
    world.revert(2);
    let judgement = world.push_fork(12, &state([tx(ALICE, VAULT).log(upgraded(3))], &[1], 3), 1);
    expect!["critical: vault was upgraded: its implementation is now 0x0303030303030303030303030303030303030304"]
        .assert_eq(&told(&judgement));
}

#[test]
fn an_event_that_names_another_implementation_than_the_slot_is_found() {
    let mut world = world();
    world.push(12, &state([], &[1], 1));
    let judgement = world.push(12, &state([tx(MALLORY, VAULT).log(upgraded(2))], &[1], 3));
    expect![[r#"
        critical: the EIP-1967 implementation of vault is 0x0303030303030303030303030303030303030304 now, and no event says so
        critical: vault was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&told(&judgement));
}

#[test]
fn code_that_changes_or_vanishes_is_found_and_what_was_not_read_is_blindness() {
    let mut world = world();
    world.push(12, &state([], &[1], 1));
    expect!["critical: other code runs at the address of vault"]
        .assert_eq(&told(&world.push(12, &state([], &[2], 1))));
    expect!["critical: the code of vault is gone"]
        .assert_eq(&told(&world.push(12, &state([], &[], 1))));
    expect!["critical: other code stands where the code of vault was gone"]
        .assert_eq(&told(&world.push(12, &state([], &[3], 1))));
    let judgement = world.push(12, &block([]));
    assert_eq!(blind(&judgement), ["change.code_changed: state read missing: code hash of vault"]);
}

#[test]
fn only_what_may_be_a_proxy_has_its_slots_read() {
    let monitor = detector(
        "change/code_changed",
        &["vault", "pool"],
        &[("every_blocks", "5")],
        Severity::High,
    );
    let world = World::new(vec![monitor]);
    let plan = world.engine.reads(&name(NETWORK));
    let of = |who: Address| {
        plan.reads()
            .iter()
            .filter(|read| match &read.request {
                model::ReadRequest::Storage { of, .. } => *of == who,
                model::ReadRequest::CodeHash(of) => *of == who,
                _ => false,
            })
            .count()
    };
    assert_eq!((of(address(VAULT)), of(address(POOL))), (7, 1));
    assert!(plan.reads().iter().all(|read| read.every_blocks.get() == 5));
}
