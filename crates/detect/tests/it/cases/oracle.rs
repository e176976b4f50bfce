//! Feeds and prices.

use alloy_primitives::U256;
use expect_test::expect;
use model::{Finding, ReadRequest, Severity};

use crate::chain::*;

fn feed_world() -> World {
    World::new(vec![detector("oracle/feed_late", &["feed"], &[], Severity::High)])
}

fn answered(world: &World, value: i64, round: u64) -> BlockBuilder {
    block([tx(ALICE, FEED).log(answer(value, round, world.at))])
}

pub(crate) fn feed_stops() -> Vec<Finding> {
    let mut world = feed_world();
    let first = answered(&world, 100_000_000, 1);
    world.push(0, &first);
    (0..700).for_each(|_| drop(world.push(12, &block([]))));
    world.findings
}

pub(crate) fn feed_answers() -> Vec<Finding> {
    let mut world = feed_world();
    for round in 1..20 {
        let next = answered(&world, 100_000_000 + round, round as u64);
        world.push(0, &next);
        (0..250).for_each(|_| drop(world.push(12, &block([]))));
    }
    world.findings
}

#[test]
fn a_feed_is_late_once_and_stale_once_and_recovers() {
    let mut world = feed_world();
    let mut heard = Vec::new();
    let first = answered(&world, 100_000_000, 1);
    world.push(0, &first);
    for _ in 0..800 {
        let judgement = world.push(12, &block([]));
        let after_s = world.at - START;
        heard.extend(
            judgement.findings.iter().map(|f| format!("{after_s} s {}: {}", f.severity, f.title)),
        );
    }
    expect![[r#"
        3792 s high: feed is late: no answer for 1 h 3 min, its heartbeat is 1 h 0 min
        5412 s critical: feed is stale: no answer for 1 h 30 min, its heartbeat is 1 h 0 min"#]]
    .assert_eq(&heard.join("\n"));
    let again = answered(&world, 100_000_000, 2);
    assert!(world.push(0, &again).findings.is_empty());
}

#[test]
fn jumps_impossible_prices_and_incomplete_rounds_are_told() {
    let mut world = feed_world();
    let mut heard = Vec::new();
    for (round, value) in [(1, 100_000_000), (2, 101_000_000), (3, 130_000_000), (4, 0)] {
        let next = answered(&world, value, round);
        heard.push(told(&world.push(60, &next)));
    }
    let words = [
        U256::from(9),
        U256::from(131_000_000u64),
        U256::ZERO,
        U256::from(world.at + 60),
        U256::from(8),
    ];
    let read = block([]).read(FEED, selector("latestRoundData()"), &words);
    heard.push(told(&world.push(60, &read)));
    expect![[r#"


        high: feed jumped by +28.71 % from 1.01 to 1.3
        critical: feed answered 0, which is no price
        high: feed answered with an incomplete round"#]]
    .assert_eq(&heard.join("\n"));
}

#[test]
fn without_events_and_without_a_read_the_monitor_is_blind() {
    let mut world = feed_world();
    let judgement = world.push(12, &block([]));
    assert!(blind(&judgement)[0].contains("state read missing"), "{:?}", blind(&judgement));
    let reads = world.engine.reads(&name(NETWORK)).due(1);
    assert_eq!(reads.len(), 1);
    let input = selector("latestRoundData()").into();
    assert_eq!(reads[0], ReadRequest::Call { to: address(FEED), input });
}

#[test]
fn an_unknown_heartbeat_is_learned_from_fifty_intervals() {
    let mut all = deployments();
    all[2].oracle = None;
    let monitor = detector("oracle/feed_late", &["feed"], &[], Severity::High);
    let mut world = World::with(all, Default::default(), vec![monitor]);
    for round in 1..=60 {
        let next = answered(&world, 100_000_000 + round, round as u64);
        let judgement = world.push(600, &next);
        let is_warming = blind(&judgement).iter().any(|b| b.contains("warming up"));
        assert_eq!(is_warming, round <= 50, "round {round}");
    }
    let judgement = world.push(900, &block([]));
    assert_eq!(judgement.findings.len(), 1, "{}", told(&judgement));
}

#[test]
fn a_frozen_answer_is_found_and_a_stable_coin_is_not() {
    let run = |repeats_before: bool| {
        let mut world = feed_world();
        for round in 1..=80i64 {
            let value =
                if repeats_before || round > 60 { 100_000_000 } else { 100_000_000 + round };
            let next = answered(&world, value, round as u64);
            world.push(600, &next);
        }
        world.findings.iter().filter(|f| f.title.contains("in a row")).count()
    };
    assert_eq!((run(false), run(true)), (1, 0));
}

fn price_world() -> World {
    let monitor =
        detector("oracle/price_moved_in_transaction", &["pool", "vault"], &[], Severity::Critical);
    World::new(vec![monitor])
}

/// Borrow, swap gold out of the pool, use the price, swap back, repay.
fn attack(with_loan: bool) -> BlockBuilder {
    let (me, pool, lender) = (address(MALLORY), address(POOL), address(0x77));
    let mut attack = tx(MALLORY, POOL);
    if with_loan {
        attack = attack.log(transfer(TOKEN, lender, me, 500_000));
    }
    attack = attack
        .log(transfer(TOKEN, me, pool, 500_000))
        .log(transfer(OTHER_TOKEN, pool, me, 330_000))
        .log(transfer(OTHER_TOKEN, me, pool, 330_000))
        .log(transfer(TOKEN, pool, me, 499_000));
    if with_loan {
        attack = attack.log(transfer(TOKEN, me, lender, 500_000));
    }
    block([attack]).balance(TOKEN, POOL, 1_001_000).balance(OTHER_TOKEN, POOL, 1_000_000)
}

pub(crate) fn flash_loan() -> Vec<Finding> {
    price_world().push(12, &attack(true)).findings
}

pub(crate) fn plain_swap() -> Vec<Finding> {
    let (me, pool) = (address(ALICE), address(POOL));
    let swap = tx(ALICE, POOL).log(transfer(TOKEN, me, pool, 10_000)).log(transfer(
        OTHER_TOKEN,
        pool,
        me,
        9_900,
    ));
    let swap = block([swap]).balance(TOKEN, POOL, 1_010_000).balance(OTHER_TOKEN, POOL, 990_100);
    price_world().push(12, &swap).findings
}

#[test]
fn the_move_is_measured_from_the_reserves_and_the_loan_is_named() {
    let judgement = price_world().push(12, &attack(true));
    expect!["critical: the price of pool moved by 123.9 % within one transaction with pool on borrowed money"].assert_eq(&told(&judgement));
    let facts: Vec<String> = judgement.findings[0]
        .evidence
        .facts
        .iter()
        .map(|fact| format!("{}: {}", fact.name, fact.value))
        .collect();
    expect![[r#"
        price source: pool (0xa4a4A4A4a4a4a4A4a4A4a4a4a4A4A4a4A4A4A4A5)
        seen in: reserves
        price at first: 1
        lowest: 1
        highest: 2.24
        price at last: 1.00
        borrowed and repaid: 0.5 USD
        token: usd (0xA2a2A2a2A2A2a2a2A2A2a2a2A2A2A2A2A2a2A2A3)
        lender: 0x7777777777777777777777777777777777777778
        transaction sender: 0x6666666666666666666666666666666666666667"#]]
    .assert_eq(&facts.join("\n"));
}

#[test]
fn a_price_read_twice_with_different_answers_is_seen_in_traces() {
    let view = selector("sharePrice()");
    let read = |parent, output: u64| {
        let mut frame = frame(Some(parent), 1, address(MALLORY), address(VAULT), &view);
        frame.kind = model::FrameKind::StaticCall;
        frame.output = U256::from(output).to_be_bytes_vec().into();
        frame
    };
    let frames =
        vec![frame(None, 0, address(MALLORY), address(POOL), &[]), read(0, 100), read(0, 150)];
    let loan = tx(MALLORY, POOL)
        .log(transfer(TOKEN, address(0x77), address(MALLORY), 500))
        .log(transfer(TOKEN, address(MALLORY), address(0x77), 500))
        .frames(frames);
    let judgement = price_world().push(12, &block([loan]).traced());
    assert!(told(&judgement).contains("moved by 50.0 %"), "{}", told(&judgement));
}

#[test]
fn one_swap_of_a_pair_shows_its_move_by_its_own_events() {
    let words =
        |values: &[u64]| values.iter().flat_map(|v| U256::from(*v).to_be_bytes::<32>()).collect();
    let topic = |signature: &str| alloy_primitives::keccak256(signature);
    let (me, lender) = (address(MALLORY), address(0x77));
    let swap = vec![
        topic("Swap(address,uint256,uint256,uint256,uint256,address)"),
        word_of(me),
        word_of(me),
    ];
    let attack = tx(MALLORY, VAULT)
        .log(transfer(TOKEN, lender, me, 500))
        .log(log(0x42, vec![topic("Sync(uint112,uint112)")], words(&[2_000, 500])))
        .log(log(0x42, swap, words(&[1_000, 0, 0, 500])))
        .log(transfer(TOKEN, me, lender, 500));
    let judgement = price_world().push(12, &block([attack]));
    assert!(told(&judgement).contains("moved by 300.0 %"), "{}", told(&judgement));
}

fn then_used_world() -> World {
    let id = "oracle/price_moved_then_used";
    World::new(vec![detector(id, &["vault"], &[("blocks_max", "3")], Severity::Critical)])
}

/// Reserves of the pool after a swap.
fn reserves(from: u8, one: u64, other: u64) -> TxBuilder {
    let words = [one, other].iter().flat_map(|v| U256::from(*v).to_be_bytes::<32>()).collect();
    let sync = alloy_primitives::keccak256("Sync(uint112,uint112)");
    tx(from, POOL).salt(one).log(log(POOL, vec![sync], words))
}

/// Moves the price, uses the vault a block later, moves it back: each by somebody.
fn moved_used_and_back(by: [u8; 3]) -> Vec<Finding> {
    let mut world = then_used_world();
    world.push(12, &block([reserves(ALICE, 1_000_000, 1_000_000)]));
    world.push(12, &block([reserves(by[0], 1_400_000, 720_000)]));
    let used = tx(by[1], VAULT).log(redeemed(address(by[1]), 5));
    world.push(12, &block([used, reserves(by[2], 1_003_000, 1_001_000)]));
    world.findings
}

pub(crate) fn price_moved_then_used() -> Vec<Finding> {
    moved_used_and_back([MALLORY; 3])
}

pub(crate) fn sandwiched_by_a_stranger() -> Vec<Finding> {
    moved_used_and_back([MALLORY, ALICE, MALLORY])
}

#[test]
fn a_use_of_a_moved_price_is_told_mildly_and_the_way_back_loudly() {
    let heard = |findings: Vec<Finding>| {
        let lines = findings.iter().map(|f| format!("{}: {}", f.severity, f.title));
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        low: the price of pool was moved by 94.4 %, and the same then used vault
        critical: the price of pool was moved by 94.4 %, used in vault, and moved back by the same"#]]
    .assert_eq(&heard(moved_used_and_back([MALLORY; 3])));
    // The market moves it back: nothing more is said.
    assert_eq!(heard(moved_used_and_back([MALLORY, MALLORY, ALICE])).lines().count(), 1);
}

#[test]
fn a_use_that_comes_too_late_or_that_never_asked_the_source_is_none() {
    let mut world = then_used_world();
    world.push(12, &block([reserves(ALICE, 1_000_000, 1_000_000)]));
    world.push(12, &block([reserves(MALLORY, 1_400_000, 720_000)]));
    let uses = || block([tx(MALLORY, VAULT).log(redeemed(address(MALLORY), 5))]);
    // Traces say that nobody asked the pool.
    assert!(world.push(12, &uses().traced()).findings.is_empty());
    (0..3).for_each(|_| drop(world.push(12, &block([]))));
    assert!(world.push(12, &uses()).findings.is_empty(), "four blocks later");
    let asked = vec![
        frame(None, 0, address(MALLORY), address(VAULT), &[]),
        frame(Some(0), 1, address(VAULT), address(POOL), &selector("getReserves()")),
    ];
    world.push(12, &block([reserves(MALLORY, 2_400_000, 420_000)]));
    let used = tx(MALLORY, VAULT).log(redeemed(address(MALLORY), 5)).frames(asked);
    let judgement = world.push(12, &block([used]).traced());
    assert!(told(&judgement).starts_with("medium: "), "{}", told(&judgement));
}
