//! Roles, parameters, upgrades.

use alloy_primitives::{B256, U256, keccak256};
use expect_test::expect;
use model::{Finding, Severity};

use crate::chain::*;

fn monitors() -> Vec<bellwether_detect::MonitorSpec> {
    ["access/role_change", "change/parameter_update", "change/proxy_upgraded"]
        .map(|id| detector(id, &["vault"], &[], Severity::High))
        .into()
}

fn granted(emitter: u8, role: B256) -> model::Log {
    let topics = vec![
        keccak256("RoleGranted(bytes32,address,address)"),
        role,
        word_of(address(MALLORY)),
        word_of(address(ALICE)),
    ];
    log(emitter, topics, Vec::new())
}

fn parameter(old: u64, new: u64) -> model::Log {
    let mut fee = [0; 32];
    fee[..3].copy_from_slice(b"fee");
    let topics = vec![
        keccak256("ParameterUpdate(bytes32,address,bytes,bytes)"),
        B256::from(fee),
        word_of(address(ALICE)),
    ];
    let words = [64, 128, 32, old, 32, new];
    log(VAULT, topics, words.iter().flat_map(|w| U256::from(*w).to_be_bytes::<32>()).collect())
}

fn upgraded_to(emitter: u8) -> model::Log {
    let topics = vec![keccak256("Upgraded(address)"), word_of(address(MALLORY))];
    log(emitter, topics, Vec::new())
}

/// A role that a contract says it gave.
pub(super) fn role(emitter: u8) -> model::Log {
    granted(emitter, B256::ZERO)
}

fn one_log(log: model::Log) -> Vec<Finding> {
    let mut world = World::new(monitors());
    world.push(12, &block([tx(ALICE, VAULT).log(log)])).findings
}

pub(crate) fn role_granted() -> Vec<Finding> {
    one_log(granted(VAULT, B256::ZERO))
}

pub(crate) fn role_elsewhere() -> Vec<Finding> {
    one_log(granted(MALLORY, B256::ZERO))
}

pub(crate) fn parameter_changed() -> Vec<Finding> {
    one_log(parameter(100, 900))
}

pub(crate) fn nothing_changed() -> Vec<Finding> {
    one_log(redeemed(address(ALICE), 5))
}

pub(crate) fn upgraded() -> Vec<Finding> {
    one_log(upgraded_to(VAULT))
}

#[test]
fn changes_are_told_in_full_sentences_with_their_degree() {
    let mut world = World::new(monitors());
    let judgement = world.push(
        12,
        &block([tx(ALICE, VAULT)
            .log(granted(VAULT, B256::ZERO))
            .log(granted(VAULT, keccak256("MINTER_ROLE")))
            .log(parameter(100, 110))
            .log(parameter(100, 900))
            .log(upgraded_to(VAULT))]),
    );
    expect![[r#"
        critical: 0x6666666666666666666666666666666666666667 was given DEFAULT_ADMIN_ROLE of vault
        high: 0x6666666666666666666666666666666666666667 was given MINTER_ROLE of vault
        high: fee of vault changed from 100 to 110
        critical: fee of vault changed from 100 to 900
        high: vault was upgraded: its implementation is now 0x6666666666666666666666666666666666666667"#]].assert_eq(&told(&judgement));
}

#[test]
fn a_role_event_that_does_not_fit_its_signature_is_blindness() {
    let mut world = World::new(monitors());
    let odd = log(VAULT, vec![keccak256("RoleGranted(bytes32,address,address)")], vec![1, 2, 3]);
    let judgement = world.push(12, &block([tx(ALICE, VAULT).log(odd)]));
    assert!(judgement.findings.is_empty());
    assert!(blind(&judgement)[0].starts_with("access.role_change: could not decode"));
}
