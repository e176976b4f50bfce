//! Re-entry, the chain itself.

use alloy_primitives::{B256, U256};
use expect_test::expect;
use model::{BlindReason, BlockRef, ChainEvent, Finding, Severity};

use crate::chain::*;

fn flow_world() -> World {
    World::new(vec![detector("flow/reentrant_call", &["vault"], &[], Severity::Critical)])
}

fn redeem_frames(inner: &str) -> Vec<model::Frame> {
    let (me, vault) = (address(MALLORY), address(VAULT));
    let mut paid = frame(Some(0), 1, vault, me, &[]);
    paid.value = U256::from(10).pow(U256::from(18));
    vec![
        frame(None, 0, me, vault, &call("redeem(uint256)", 1)),
        paid,
        frame(Some(1), 2, me, vault, &call(inner, 1)),
    ]
}

pub(crate) fn reentrant_drain() -> Vec<Finding> {
    let attack = tx(MALLORY, VAULT).frames(redeem_frames("redeem(uint256)"));
    flow_world().push(12, &block([attack]).traced()).findings
}

pub(crate) fn callback_without_reentry() -> Vec<Finding> {
    let mut frames = redeem_frames("sharePrice()");
    let view = tx(MALLORY, VAULT).frames(frames.clone());
    frames[2].to = Some(address(ALICE));
    let callback = tx(MALLORY, VAULT).frames(frames.clone()).salt(1);
    frames[2].to = Some(address(VAULT));
    frames[2].input = call("redeem(uint256)", 1).into();
    frames[2].error = Some("execution reverted".to_owned());
    let guarded_against = tx(MALLORY, VAULT).frames(frames).salt(2);
    flow_world().push(12, &block([view, callback, guarded_against]).traced()).findings
}

#[test]
fn re_entry_names_the_functions_and_the_money() {
    let attack = tx(MALLORY, VAULT).frames(redeem_frames("redeem(uint256)"));
    let judgement = flow_world().push(12, &block([attack.clone()]).traced());
    expect!["critical: vault.redeem was entered while vault.redeem was still running, through 0x6666666666666666666666666666666666666667, and value left it"].assert_eq(&told(&judgement));
    let judgement = flow_world().push(12, &block([attack]));
    assert_eq!(blind(&judgement), ["flow.reentrant_call: needs Traces, the network gives Logs"]);
}

fn chain_world() -> World {
    let monitors =
        ["chain/reorg", "chain/blind"].map(|id| detector(id, &[], &[], Severity::Medium));
    World::new(monitors.into())
}

pub(crate) fn deep_reorg() -> Vec<Finding> {
    let mut world = chain_world();
    (0..5).for_each(|_| drop(world.push(12, &block([]))));
    world.revert(3).findings
}

pub(crate) fn shallow_reorg() -> Vec<Finding> {
    let mut world = chain_world();
    (0..5).for_each(|_| drop(world.push(12, &block([]))));
    world.revert(2).findings
}

fn quarantined(world: &World) -> ChainEvent {
    ChainEvent::Quarantined {
        network: name(NETWORK),
        block: BlockRef { number: world.head.number + 1, hash: B256::repeat_byte(9) },
        parent_hash: world.head.hash,
        reason: BlindReason::Unverified("receipts root differs".to_owned()),
    }
}

pub(crate) fn quarantine() -> Vec<Finding> {
    let mut world = chain_world();
    world.push(12, &block([]));
    let event = quarantined(&world);
    world.apply(&event).findings
}

pub(crate) fn judged() -> Vec<Finding> {
    let mut world = chain_world();
    (0..5).for_each(|_| drop(world.push(12, &block([]))));
    world.findings
}

#[test]
fn a_reverted_final_block_is_critical_at_any_depth() {
    let mut world = chain_world();
    (0..5).for_each(|_| drop(world.push(12, &block([]))));
    let block = world.head;
    world.apply(&ChainEvent::Finalized { network: name(NETWORK), block });
    let judgement = world.revert(1);
    assert_eq!(judgement.findings[0].severity, Severity::Critical);
    assert!(told(&judgement).contains("was final"), "{}", told(&judgement));
}

#[test]
fn a_monitor_that_stays_blind_is_told_once() {
    let monitors = vec![
        detector("flow/reentrant_call", &["vault"], &[], Severity::Critical),
        detector("chain/blind", &[], &[("blind_s_max", "60")], Severity::High),
    ];
    let mut world = World::new(monitors);
    let mut heard = Vec::new();
    for _ in 0..20 {
        let judgement = world.push(12, &block([]));
        heard.extend(
            judgement.findings.iter().map(|f| format!("{} s: {}", world.at - START, f.title)),
        );
    }
    expect!["72 s: monitor flow.reentrant_call is blind since 60 s: needs Traces, the network gives Logs"].assert_eq(&heard.join("\n"));
}
