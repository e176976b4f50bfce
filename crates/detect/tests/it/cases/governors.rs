//! Who decides, what a decision costs, and whether people can leave before it takes effect.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{U256, keccak256};
use expect_test::expect;
use model::{Finding, Log, Severity};
use registry::{
    Class, ContractAbi, Deployment, Labels, Registry,
    dependencies::{Declared, Dependency, Kind, Price, Standing, TokenTerms},
};

use super::governance::{VOTES, all, power, proposal, says, words};
use crate::chain::*;

const TIMELOCK: u8 = 0xc3;
const DAY_S: u64 = 86_400;

fn with_timelock() -> Vec<Deployment> {
    let mut all = all();
    let abi = ContractAbi::from_solidity([
        "function getMinDelay() view returns (uint256)",
        "event MinDelayChange(uint256 oldDuration, uint256 newDuration)",
        "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
    ]);
    let vault = ContractAbi::from_solidity(["function cooldown() view returns (uint256)"]);
    let like = all[0].clone();
    all.push(Deployment {
        label: name("timelock"),
        address: address(TIMELOCK),
        class: Class::Timelock,
        abi: Arc::new(abi.unwrap()),
        token: None,
        ..like.clone()
    });
    all.push(Deployment {
        label: name("staking"),
        address: address(0xc4),
        abi: Arc::new(vault.unwrap()),
        token: None,
        ..like
    });
    all
}

fn world(id: &str, on: &[&str], params: &[(&str, &str)]) -> World {
    let monitor = detector(id, on, params, Severity::Medium);
    World::with(with_timelock(), Labels::default(), vec![monitor])
}

/// Somebody who is sent native value proposes so many days later.
fn proposed(days: u64) -> World {
    let mut world = world("governance/proposed_by_newcomer", &["governor"], &[]);
    world.push(12, &block([tx(ALICE, ALICE)]));
    world.push(40 * DAY_S, &block([tx(ALICE, MALLORY).pays(7)]));
    world.push(days * DAY_S, &says(&[proposal(&[])]));
    world
}

pub(crate) fn proposed_by_a_newcomer() -> Vec<Finding> {
    proposed(3).findings
}

pub(crate) fn proposed_by_an_elder() -> Vec<Finding> {
    proposed(31).findings
}

#[test]
fn a_newcomer_is_told_with_who_paid_and_while_the_record_is_young_the_monitor_is_blind() {
    let found = proposed(3).findings;
    let told: Vec<String> = found.iter().map(|f| format!("{}: {}", f.severity, f.title)).collect();
    expect!["low: governor has a proposal of 0x6666666666666666666666666666666666666667, first funded 3 d 0 h before"].assert_eq(&told.join("\n"));
    let funder = found[0].evidence.facts.iter().find(|fact| fact.name == "funded by").unwrap();
    assert_eq!(funder.value.to_string(), address(ALICE).to_string());
    let mut young = world("governance/proposed_by_newcomer", &["governor"], &[]);
    let judgement = young.push(12, &says(&[proposal(&[])]));
    expect!["governance.proposed_by_newcomer: warming up: 0 of 30 observations"]
        .assert_eq(&blind(&judgement).join("\n"));
}

const STATED: (&str, &str) = ("quorum_votes", "1_000");

fn few() -> World {
    world("governance/quorum_held_by_few", &["votes"], &[STATED])
}

fn delegates(votes: &[(u8, u64)]) -> BlockBuilder {
    let logs: Vec<Log> = votes.iter().map(|(who, votes)| power(*who, 0, *votes)).collect();
    says(&logs)
}

pub(crate) fn two_delegates() -> Vec<Finding> {
    few().push(12, &delegates(&[(1, 600), (2, 500), (3, 400)])).findings
}

pub(crate) fn four_delegates() -> Vec<Finding> {
    few().push(12, &delegates(&[(1, 300), (2, 300), (3, 300), (4, 300)])).findings
}

#[test]
fn few_who_reach_the_quorum_are_told_once_and_fewer_again() {
    let mut world = few();
    let heard = |world: &mut World, votes: &[(u8, u64)]| told(&world.push(12, &delegates(votes)));
    expect!["medium: two delegates together have the quorum of votes"]
        .assert_eq(&heard(&mut world, &[(1, 600), (2, 500)]));
    assert_eq!(heard(&mut world, &[(3, 550)]), "", "still two");
    expect!["high: one delegate has the quorum of votes"]
        .assert_eq(&heard(&mut world, &[(1, 1_000)]));
    assert_eq!(heard(&mut world, &[(1, 100), (2, 100), (3, 100), (4, 800)]), "", "over");
    assert_eq!(world.push(12, &delegates(&[(2, 300)])).findings.len(), 1, "two once more");
}

/// A token of votes at a price, and what is locked.
fn priced(vote: Price, locked_cents: u64) -> World {
    let votes = Dependency {
        label: name("votes"),
        network: name(NETWORK),
        address: address(VOTES),
        kind: Kind::Token,
        of: vec![name("vault")],
        standing: Standing::Watched,
        stated_cents: None,
        covers: Vec::new(),
        token: Some(TokenTerms {
            symbol: "VOTE".into(),
            decimals: 0,
            price: Some(vote),
            priced_by: None,
            peg: None,
        }),
        feed: None,
        lending: None,
        code_hash: None,
        implementation: None,
    };
    let locked = BTreeMap::from([(name(NETWORK), U256::from(locked_cents))]);
    let registry = Registry::new(with_timelock(), Labels::default())
        .unwrap()
        .with_dependencies(Declared::new(vec![votes], locked), 0);
    let id = "governance/quorum_cheaper_than_prize";
    World::of(registry, vec![detector(id, &["votes"], &[STATED], Severity::Medium)])
}

/// A quorum of a thousand votes at a dollar, against so many dollars.
fn bought_against(dollars: u64) -> Vec<Finding> {
    priced(Price::DOLLAR, dollars * 100).push(12, &block([])).findings
}

pub(crate) fn bought_for_less() -> Vec<Finding> {
    bought_against(1_500)
}

pub(crate) fn bought_for_more() -> Vec<Finding> {
    bought_against(900)
}

#[test]
fn a_cheap_quorum_is_told_in_money_and_what_is_not_known_is_said() {
    let found = bought_against(1_500);
    let told_once: Vec<String> =
        found.iter().map(|f| format!("{}: {}", f.severity, f.title)).collect();
    expect!["medium: the quorum costs 1,000 USD and decides about 1,500 USD"]
        .assert_eq(&told_once.join("\n"));
    assert_eq!(bought_against(2_500)[0].severity, Severity::High, "less than half");
    let mut world = priced(Price::DOLLAR, 150_000);
    assert_eq!(world.push(12, &block([])).findings.len(), 1);
    assert_eq!(world.push(12, &block([])).findings.len(), 0, "told once");
    let stated = [STATED, ("vote_usd", "0.5"), ("prize_usd", "1_000")];
    let stated = stated.map(|(name, value)| (name, value.replace('_', "")));
    let stated: Vec<(&str, &str)> = stated.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let id = "governance/quorum_cheaper_than_prize";
    let mut world = self::world(id, &["votes"], &stated[1..]);
    expect!["governance.quorum_cheaper_than_prize: could not evaluate: the quorum is not known: name the governor in on, or state quorum_votes"].assert_eq(&blind(&world.push(12, &block([]))).join("\n"));
    let mut world = self::world(id, &["votes"], &stated[..2]);
    expect!["governance.quorum_cheaper_than_prize: could not evaluate: what a decision can take is not known: declare tokens in dependencies/, or state prize_usd"].assert_eq(&blind(&world.push(12, &block([]))).join("\n"));
    // A thousand of 10^18 of a vote are worth nothing.
    let mut world = self::world(id, &["votes"], &stated);
    expect!["high: the quorum costs 0 USD and decides about 1,000 USD"]
        .assert_eq(&told(&world.push(12, &block([]))));
}

fn delayed(params: &[(&str, &str)]) -> World {
    world("governance/delay_shorter_than_exit", &["timelock", "staking"], params)
}

fn delay_changes(to: u64) -> Log {
    log(TIMELOCK, vec![keccak256("MinDelayChange(uint256,uint256)")], words(&[9 * DAY_S, to]))
}

pub(crate) fn delay_cut_short() -> Vec<Finding> {
    delayed(&[]).push(12, &says(&[delay_changes(DAY_S)])).findings
}

pub(crate) fn delay_long_enough() -> Vec<Finding> {
    delayed(&[]).push(12, &says(&[delay_changes(2 * DAY_S)])).findings
}

/// Blocks until both the delay and the cooldown were asked for.
fn asked(world: &mut World, delay_s: u64, cooldown_s: u64) -> String {
    let mut heard = Vec::new();
    for _ in 0..300 {
        let block = block([])
            .read(TIMELOCK, selector("getMinDelay()"), &[U256::from(delay_s)])
            .read(0xc4, selector("cooldown()"), &[U256::from(cooldown_s)]);
        let judgement = world.push(12, &block);
        assert!(blind(&judgement).is_empty(), "{:?}", blind(&judgement));
        heard.extend((!judgement.findings.is_empty()).then(|| told(&judgement)));
    }
    heard.join("\n")
}

#[test]
fn a_delay_is_held_against_the_time_that_leaving_takes() {
    let mut world = delayed(&[("exit_calls", "cooldown")]);
    assert_eq!(asked(&mut world, 3 * DAY_S, DAY_S), "");
    expect!["medium: decisions of timelock take effect after 3 d 0 h, and leaving takes 7 d 0 h"].assert_eq(&asked(&mut world, 3 * DAY_S, 7 * DAY_S));
    assert_eq!(asked(&mut world, 3 * DAY_S, 7 * DAY_S), "", "told once");
    expect!["medium: decisions of timelock take effect after 1 d 0 h, and leaving takes 7 d 0 h"].assert_eq(&told(&world.push(12, &says(&[delay_changes(DAY_S)]))));
    assert_eq!(asked(&mut world, 8 * DAY_S, 7 * DAY_S), "");
    let scheduled = |delay: u64| {
        let topics = vec![
            keccak256("CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"),
            keccak256("operation"),
            U256::ZERO.into(),
        ];
        // target, value, offset of the data, predecessor, delay, length of the data
        log(TIMELOCK, topics, words(&[1, 0, 160, 0, delay, 0]))
    };
    expect!["high: an operation of timelock takes effect in 1 d 0 h, and leaving takes 7 d 0 h"].assert_eq(&told(&world.push(12, &says(&[scheduled(DAY_S)]))));
    assert_eq!(told(&world.push(12, &says(&[scheduled(7 * DAY_S)]))), "", "in time");
    let lost = detector(
        "governance/delay_shorter_than_exit",
        &["timelock"],
        &[("exit_calls", "cooldown")],
        Severity::Medium,
    );
    let registry = Registry::new(with_timelock(), Labels::default()).unwrap();
    let mistakes = bellwether_detect::Engine::new(Arc::new(registry), vec![lost]).unwrap_err();
    expect![[r#"monitor governance.delay_shorter_than_exit: parameter "exit_calls": no contract that the monitor is on has cooldown"#]].assert_eq(&mistakes[0].to_string());
}
