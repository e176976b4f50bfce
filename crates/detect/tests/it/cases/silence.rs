//! What should be heard and is not.

use std::sync::Arc;

use bellwether_detect::Engine;
use expect_test::expect;
use model::{Finding, Severity};
use registry::{Labels, Registry};

use crate::chain::*;

const REDEEMED: [(&str, &str); 3] = [("events", "Redeemed"), ("every_s", "1h"), ("grace_s", "5m")];

fn expecting() -> World {
    World::new(vec![detector(
        "silence/expected_event_missing",
        &["vault"],
        &REDEEMED,
        Severity::Medium,
    )])
}

fn heard() -> BlockBuilder {
    block([tx(ALICE, VAULT).log(redeemed(address(ALICE), 1))])
}

pub(crate) fn nobody_redeemed() -> Vec<Finding> {
    let mut world = expecting();
    world.push(12, &heard());
    world.push(3_901, &block([])).findings
}

pub(crate) fn redeemed_in_time() -> Vec<Finding> {
    let mut world = expecting();
    world.push(12, &heard());
    let in_time = world.push(3_900, &block([])).findings;
    in_time.into_iter().chain(world.push(3_000, &heard()).findings).collect()
}

#[test]
fn an_event_that_does_not_come_is_told_once_until_it_comes() {
    let mut world = expecting();
    world.push(12, &block([]));
    let judgement = world.push(4_000, &block([]));
    expect![
        "medium: no Redeemed of vault for 1 h 6 min, or more: it was not heard since watching began"
    ]
    .assert_eq(&told(&judgement));
    assert_eq!(told(&world.push(4_000, &block([]))), "");
    assert_eq!(told(&world.push(12, &heard())), "");
    expect!["medium: no Redeemed of vault for 1 h 5 min"]
        .assert_eq(&told(&world.push(3_901, &block([]))));
}

#[test]
fn an_event_that_the_contract_does_not_have_is_a_mistake() {
    let monitor = detector(
        "silence/expected_event_missing",
        &["vault"],
        &[("events", "Harvested")],
        Severity::Medium,
    );
    let registry = Registry::new(deployments(), Labels::default()).unwrap();
    let mistakes = Engine::new(Arc::new(registry), vec![monitor]).unwrap_err();
    expect![[r#"parameter "events" on vault: unknown event "Harvested" (one of: Noted, Redeemed, RoleGranted, Upgraded)"#]]
        .assert_eq(&mistakes[0].message);
}

fn used() -> BlockBuilder {
    block([tx(ALICE, VAULT)])
}

fn usual() -> World {
    let params = [("silent_s_min", "10m"), ("pauses_min", "20")];
    let mut world = World::new(vec![detector(
        "silence/contract_silent",
        &["vault"],
        &params,
        Severity::Medium,
    )]);
    for at in 0..40 {
        world.push(60 + at % 7 * 60, &used());
    }
    world
}

pub(crate) fn nobody_calls() -> Vec<Finding> {
    usual().push(420 * 3 + 1, &block([])).findings
}

pub(crate) fn a_long_pause() -> Vec<Finding> {
    usual().push(420 * 3, &block([])).findings
}

#[test]
fn a_contract_is_silent_by_its_own_past() {
    let mut world = usual();
    let judgement = world.push(420 * 3 + 1, &block([]));
    expect!["medium: nobody used vault for 21 min 1 s, its longest pause was 7 min 0 s"]
        .assert_eq(&told(&judgement));
    assert_eq!(told(&world.push(600, &block([]))), "");
    world.push(12, &used());
    assert_eq!(told(&world.push(3_600, &block([]))), "", "its longest pause is longer now");

    let params = [("silent_s_min", "10m"), ("pauses_min", "20")];
    let mut young = World::new(vec![detector(
        "silence/contract_silent",
        &["vault"],
        &params,
        Severity::Medium,
    )]);
    young.push(12, &used());
    let judgement = young.push(601, &block([]));
    assert_eq!(blind(&judgement), ["silence.contract_silent: warming up: 0 of 20 observations"]);
}

fn singing() -> World {
    World::new(vec![detector("silence/canary", &[], &[], Severity::Info)])
}

pub(crate) fn canary_sings() -> Vec<Finding> {
    singing().push(12, &block([])).findings
}

pub(crate) fn canary_rests() -> Vec<Finding> {
    let mut world = singing();
    world.push(12, &block([]));
    world.push(3_500, &block([])).findings
}

#[test]
fn the_canary_is_heard_once_an_hour_and_again_after_a_reorg() {
    let mut world = singing();
    let heard: Vec<usize> = (0..5).map(|_| world.push(1_800, &block([])).findings.len()).collect();
    assert_eq!(heard, [1, 1, 0, 1, 0]);
    world.revert(2);
    assert_eq!(world.push_fork(1_800, &block([]), 1).findings.len(), 1);
}
