//! Weight that gathers in few hands.

use std::sync::Arc;

use alloy_primitives::{Address, U256, keccak256};
use bellwether_detect::Engine;
use expect_test::expect;
use model::{Finding, Log, Severity};
use registry::{Class, ContractAbi, Deployment, Labels, Registry};

use crate::chain::*;

const STAKING: u8 = 0xd1;

fn all() -> Vec<Deployment> {
    let abi = ContractAbi::from_solidity([
        "event Staked(address indexed operator, uint256 amount)",
        "event Unstaked(address indexed operator, uint256 amount)",
    ]);
    let mut all = deployments();
    let staking = Deployment {
        label: name("staking"),
        address: address(STAKING),
        class: Class::Staking,
        abi: Arc::new(abi.unwrap()),
        token: None,
        ..all[0].clone()
    };
    all.push(staking);
    all
}

fn monitor(shares: &str) -> bellwether_detect::MonitorSpec {
    let params = [
        ("shares", shares),
        ("gained", "Staked"),
        ("lost", "Unstaked"),
        ("weight", "amount"),
        ("nakamoto_min", "2"),
    ];
    detector("dispersion/share_crossed", &["staking"], &params, Severity::Medium)
}

fn world() -> World {
    World::with(all(), Labels::default(), vec![monitor("a=25, b=25, c=25, d=25")])
}

fn staked(is_gain: bool, operator: Address, amount: u64) -> BlockBuilder {
    let name = if is_gain { "Staked(address,uint256)" } else { "Unstaked(address,uint256)" };
    let data = U256::from(amount).to_be_bytes_vec();
    let log: Log = log(STAKING, vec![keccak256(name), word_of(operator)], data);
    block([tx(ALICE, STAKING).log(log)])
}

pub(crate) fn one_grows() -> Vec<Finding> {
    world().push(12, &staked(true, address(MALLORY), 50)).findings
}

pub(crate) fn one_grows_a_little() -> Vec<Finding> {
    world().push(12, &staked(true, address(MALLORY), 49)).findings
}

#[test]
fn thresholds_are_told_when_they_are_crossed_and_again_after_the_band() {
    let mut world = world();
    let mut seen = Vec::new();
    for (is_gain, amount) in
        [(true, 50), (false, 1), (true, 60), (true, 200), (false, 260), (true, 60)]
    {
        let told = told(&world.push(12, &staked(is_gain, address(MALLORY), amount)));
        seen.push(told.replace(&address(MALLORY).to_string(), "MALLORY"));
    }
    expect![[r#"
        medium: MALLORY holds 33.3 %, 1/3 or more of everything
        medium: 1 of 5 hold a third of everything together
        ---

        ---
        high: MALLORY holds 52.2 %, 1/2 or more of everything
        medium: 1 of 5 hold a third of everything together
        ---
        critical: MALLORY holds 75.6 %, 2/3 or more of everything
        ---

        ---
        high: MALLORY holds 52.2 %, 1/2 or more of everything
        medium: 1 of 5 hold a third of everything together"#]]
    .assert_eq(&seen.join("\n---\n"));
}

#[test]
fn a_loss_of_more_than_was_held_is_a_hole() {
    let judgement = world().push(12, &staked(false, address(MALLORY), 1));
    assert!(blind(&judgement)[0].contains("lost more than it was known to hold"));
}

#[test]
fn a_beginning_that_nobody_stated_is_a_mistake() {
    let registry = Arc::new(Registry::new(all(), Labels::default()).unwrap());
    let said = |shares: &str| {
        let mistakes = Engine::new(registry.clone(), vec![monitor(shares)]).unwrap_err();
        mistakes[0].message.clone()
    };
    expect![[
        r#"who holds what when watching begins is not known: give "shares", or set "starts_empty""#
    ]]
    .assert_eq(&said(""));
    expect![[r#"parameter "shares": "a:3" is no ADDRESS=WEIGHT or NAME=WEIGHT"#]]
        .assert_eq(&said("a:3"));
}
