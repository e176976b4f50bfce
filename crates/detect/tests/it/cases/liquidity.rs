//! Money that leaves.

use alloy_primitives::U256;
use expect_test::expect;
use model::{FactValue, Finding, Frame, FrameKind, Severity};

use crate::chain::*;

fn world() -> World {
    let monitor = detector(
        "liquidity/outflow_exceeds_share",
        &["vault"],
        &[("tokens", "usd")],
        Severity::High,
    );
    World::new(vec![monitor])
}

fn out(to: u8, amount: u64) -> TxBuilder {
    tx(to, VAULT).log(transfer(TOKEN, address(VAULT), address(to), amount))
}

fn deposit(from: u8, amount: u64) -> TxBuilder {
    tx(from, VAULT).log(transfer(TOKEN, address(from), address(VAULT), amount))
}

pub(crate) fn drain() -> Vec<Finding> {
    world().push(12, &block([out(MALLORY, 600_000)]).balance(TOKEN, VAULT, 400_000)).findings
}

pub(crate) fn flash_in_and_out() -> Vec<Finding> {
    let flash =
        out(MALLORY, 900_000).log(transfer(TOKEN, address(MALLORY), address(VAULT), 900_090));
    world().push(12, &block([flash]).balance(TOKEN, VAULT, 1_000_090)).findings
}

#[test]
fn the_share_decides_the_severity() {
    let severity_of = |amount: u64| {
        let mut world = world();
        let block = block([out(MALLORY, amount)]).balance(TOKEN, VAULT, 1_000_000 - amount);
        let judgement = world.push(12, &block);
        let of_tx = judgement.findings.iter().filter(|f| f.title.contains("one transaction"));
        of_tx.map(|f| f.severity).next()
    };
    assert_eq!(severity_of(90_000), None);
    assert_eq!(severity_of(110_000), Some(Severity::Medium));
    assert_eq!(severity_of(260_000), Some(Severity::High));
    assert_eq!(severity_of(990_000), Some(Severity::Critical));
}

#[test]
fn who_takes_back_what_they_brought_is_told_mildly() {
    let mut world = world();
    let start = block([deposit(ALICE, 300_000), deposit(0x22, 700_000)]);
    world.push(12, &start.balance(TOKEN, VAULT, 1_000_000));
    let judgement = world.push(12, &block([out(ALICE, 300_000)]).balance(TOKEN, VAULT, 700_000));
    let of_tx = judgement.findings.iter().find(|f| f.title.contains("one transaction")).unwrap();
    assert_eq!(of_tx.severity, Severity::Medium, "{}", of_tx.title);
}

#[test]
fn a_slow_drain_is_found_by_the_hour_and_told_once() {
    let mut world = world();
    let mut left = 1_000_000u64;
    let mut heard = Vec::new();
    for minute in 0..40 {
        left -= 8_000;
        let judgement = world.push(60, &block([out(MALLORY, 8_000)]).balance(TOKEN, VAULT, left));
        heard.extend(
            judgement
                .findings
                .iter()
                .map(|f| format!("minute {minute}, {}: {}", f.severity, f.title)),
        );
    }
    expect![[r#"
        minute 18, high: 0.152 USD left vault within an hour, 15.2 % of what was there
        minute 37, high: 0.304 USD left vault within a day, 30.4 % of what was there"#]]
    .assert_eq(&heard.join("\n"));
}

#[test]
fn without_a_known_balance_an_outflow_is_blindness() {
    let mut world = world();
    let judgement = world.push(12, &block([out(MALLORY, 5)]));
    assert!(judgement.findings.is_empty());
    assert!(
        blind(&judgement)[0].contains("usd held by vault is not known"),
        "{:?}",
        blind(&judgement)
    );
    // From the first read on, transfers alone keep the balance.
    world.push(12, &block([]).balance(TOKEN, VAULT, 1_000));
    world.push(12, &block([deposit(ALICE, 1)]).balance(TOKEN, VAULT, 1_001));
    let judgement = world.push(12, &block([out(MALLORY, 900)]));
    assert!(told(&judgement).contains("89.9 %"), "{}", told(&judgement));
}

#[test]
fn an_almost_empty_reserve_is_told() {
    let mut world = world();
    let mut left = 1_000_000u64;
    for _ in 0..5 {
        left += 1;
        world.push(86_400, &block([deposit(ALICE, 1)]).balance(TOKEN, VAULT, left));
    }
    let judgement = world.push(60, &block([out(MALLORY, left - 5)]).balance(TOKEN, VAULT, 5));
    assert!(told(&judgement).contains("critical: vault is nearly empty"), "{}", told(&judgement));
}

#[test]
fn each_contract_is_measured_by_its_own_holdings_and_moving_house_is_no_loss() {
    let monitor =
        detector("liquidity/outflow_exceeds_share", &["vault", "pool"], &[], Severity::High);
    let mut world = World::new(vec![monitor]);
    let (vault, pool) = (address(VAULT), address(POOL));
    let moved = tx(ALICE, VAULT).log(transfer(TOKEN, vault, pool, 900));
    let through = tx(ALICE, VAULT)
        .salt(1)
        .log(transfer(TOKEN, vault, address(ALICE), 50))
        .log(transfer(TOKEN, address(ALICE), pool, 50));
    let balances = |b: BlockBuilder, v, p| b.balance(TOKEN, VAULT, v).balance(TOKEN, POOL, p);
    let judgement = world.push(12, &balances(block([moved, through]), 50, 1_000_950));
    assert!(judgement.findings.is_empty(), "{}", told(&judgement));
    let judgement = world.push(12, &balances(block([out(MALLORY, 50)]), 0, 1_000_950));
    assert!(
        told(&judgement).contains("left vault in one transaction, 100.0 %"),
        "{}",
        told(&judgement)
    );
}

#[test]
fn native_value_is_followed_from_the_creation_on() {
    let (maker, vault, thief) = (address(ALICE), address(VAULT), address(MALLORY));
    let mut created = frame(None, 0, maker, vault, &[]);
    created.kind = FrameKind::Create;
    let mut paid_in = frame(None, 0, maker, vault, &[]);
    paid_in.value = U256::from(1_000);
    let mut paid_out = frame(Some(0), 1, vault, thief, &[]);
    paid_out.value = U256::from(700);
    let steal = vec![frame(None, 0, thief, vault, &[]), paid_out];
    let push = |world: &mut World, frames: Vec<Frame>| {
        world.push(12, &block([tx(ALICE, VAULT).frames(frames)]).traced())
    };
    let mut world = world();
    push(&mut world, vec![created]);
    push(&mut world, vec![paid_in]);
    let judgement = push(&mut world, steal.clone());
    assert!(
        told(&judgement).contains("ETH left vault in one transaction, 70.0 %"),
        "{}",
        told(&judgement)
    );

    // Of a contract that was there before, nobody knows what it held …
    let judgement = push(&mut self::world(), steal);
    assert!(judgement.findings.is_empty());
    assert!(blind(&judgement)[0].contains("native value held by vault"), "{:?}", blind(&judgement));
}

#[test]
fn native_value_is_known_from_a_read_after_the_block() {
    let (vault, thief) = (address(VAULT), address(MALLORY));
    let block_that_pays = |wei: u64| {
        let mut paid_out = frame(Some(0), 1, vault, thief, &[]);
        paid_out.value = U256::from(wei);
        let frames = vec![frame(None, 0, thief, vault, &[]), paid_out];
        block([tx(ALICE, VAULT).frames(frames)]).traced()
    };
    // 700 went, 300 are left: 1,000 were there.
    let judgement = world().push(12, &block_that_pays(700).native_balance(VAULT, 300));
    assert!(
        told(&judgement).contains("ETH left vault in one transaction, 70.0 %"),
        "{}",
        told(&judgement)
    );
    let quiet = world().push(12, &block_that_pays(10).native_balance(VAULT, 990));
    assert!(quiet.findings.is_empty(), "{}", told(&quiet));
    assert!(blind(&quiet).is_empty(), "{:?}", blind(&quiet));
}

#[test]
fn a_lender_that_gets_its_loan_back_is_no_beneficiary() {
    let mut world = world();
    let (me, lender, vault) = (address(MALLORY), address(0x77), address(VAULT));
    let attack = tx(MALLORY, VAULT)
        .log(transfer(TOKEN, lender, me, 5_000_000))
        .log(transfer(TOKEN, vault, me, 300_000))
        .log(transfer(TOKEN, me, lender, 5_000_000));
    let judgement = world.push(12, &block([attack]).balance(TOKEN, VAULT, 700_000));
    let facts = &judgement.findings[0].evidence.facts;
    let beneficiary = facts.iter().find(|fact| fact.name == "beneficiary").unwrap();
    assert_eq!(beneficiary.value, FactValue::Address { address: me, label: None });
}

fn paid(allowed: &str, transaction: TxBuilder) -> bellwether_detect::Judgement {
    let settings = [("allowed", allowed)];
    let monitor = detector("liquidity/unexpected_outflow", &["vault"], &settings, Severity::High);
    World::new(vec![monitor]).push(12, &block([transaction]).traced())
}

pub(crate) fn paid_to_a_stranger() -> Vec<Finding> {
    paid("pool", out(MALLORY, 5)).findings
}

pub(crate) fn paid_to_the_named() -> Vec<Finding> {
    paid(&address(ALICE).to_string(), out(ALICE, 5)).findings
}

#[test]
fn who_may_be_paid_is_named_with_a_limit_and_an_end() {
    let alice = address(ALICE);
    let is_told =
        |allowed: String, amount: u64| !paid(&allowed, out(ALICE, amount)).findings.is_empty();
    // The token has six digits after the point; the stories begin on 2023-11-15.
    assert!(!is_told(format!("{alice} up to 1.5"), 1_500_000));
    assert!(is_told(format!("{alice} up to 1.5"), 1_500_001));
    assert!(!is_told(format!("pool, {alice} up to 2 until 2023-11-15"), 1_500_000));
    assert!(is_told(format!("{alice} until 2023-11-14"), 1));
    assert!(is_told(format!("{alice} until soon"), 1));
    expect!["high: 2.5 USD left vault to 0x1111111111111111111111111111111111111112, who is not among those that it pays"].assert_eq(&told(&paid("", out(ALICE, 2_500_000))));
}

#[test]
fn what_comes_back_or_only_passes_through_is_judged_by_who_ends_with_it() {
    let (vault, alice, mallory) = (address(VAULT), address(ALICE), address(MALLORY));
    let repaid = out(MALLORY, 100).log(transfer(TOKEN, mallory, vault, 100));
    assert!(paid("", repaid).findings.is_empty());
    let passed_on = out(ALICE, 100).log(transfer(TOKEN, alice, mallory, 100));
    let judgement = paid(&alice.to_string(), passed_on);
    assert!(judgement.findings[0].title.contains(&mallory.to_string()), "{}", told(&judgement));
}

#[test]
fn without_traces_tokens_are_judged_and_native_value_is_blindness() {
    let monitor = detector("liquidity/unexpected_outflow", &["vault"], &[], Severity::High);
    let judgement = World::new(vec![monitor]).push(12, &block([out(MALLORY, 5)]));
    assert_eq!(judgement.findings.len(), 1);
    assert!(blind(&judgement)[0].contains("native value"), "{:?}", blind(&judgement));
}

/// A vault from which so many ordinary amounts left: 1,000 and more, twice as much a quarter as often.
fn well_used(withdrawals: u64) -> World {
    let monitor = detector(
        "liquidity/outflow_unusually_large",
        &["vault"],
        &[("tokens", "usd"), ("known", "gold")],
        Severity::High,
    );
    let mut world = World::new(vec![monitor]);
    for hour in 0..withdrawals / 20 {
        let usual = (0..20).map(|at| {
            let n = hour * 20 + at;
            let rank = 1 + n * 7_919 % 997;
            let amount = 1_000.0 * (997.0 / rank as f64).sqrt();
            out(0x20 + (n % 60) as u8, amount as u64).salt(n)
        });
        let judgement = world.push(3_600, &block(usual));
        assert!(judgement.findings.is_empty(), "{}", told(&judgement));
    }
    world
}

/// Large amounts within four minutes, to these accounts.
fn in_steps(accounts: [u8; 3]) -> Vec<Finding> {
    let mut world = well_used(600);
    let steps = accounts.map(|to| world.push(120, &block([out(to, 14_000)])).findings);
    steps.into_iter().flatten().collect()
}

pub(crate) fn drained_in_steps() -> Vec<Finding> {
    in_steps([MALLORY; 3])
}

pub(crate) fn three_large_customers() -> Vec<Finding> {
    in_steps([0x71, 0x72, 0x73])
}

#[test]
fn a_drain_in_steps_is_told_once_and_what_joins_it_is_part_of_it() {
    let mut world = well_used(600);
    let heard: Vec<String> =
        (0..6).map(|_| told(&world.push(100, &block([out(MALLORY, 14_000)])))).collect();
    expect![[r#"
        ["", "", "high: 0.042 USD left vault in 3 large steps to the same within 200 s", "", "", ""]"#]]
    .assert_eq(&format!("{heard:?}"));
    // Slower than the window nothing belongs together.
    let mut world = well_used(600);
    let slow = (0..6).map(|_| world.push(400, &block([out(MALLORY, 14_000)])).findings.len());
    assert_eq!(slow.sum::<usize>(), 0);
}

#[test]
fn one_amount_beyond_the_tail_of_all_that_left_is_told_mildly() {
    let mut world = well_used(2_000);
    let judgement = world.push(60, &block([out(MALLORY, 40_000)]));
    assert!(judgement.findings.is_empty(), "within what the tail allows: {}", told(&judgement));
    let judgement = world.push(60, &block([out(MALLORY, 900_000)]));
    expect![
        "medium: 0.9 USD left vault at once, more than in any of 2001 withdrawals could be expected"
    ]
    .assert_eq(&told(&judgement));
    // Who is known to take any amount is not told of, and teaches all the same.
    let known = out(OTHER_TOKEN, 900_000).salt(2);
    assert!(world.push(60, &block([known])).findings.is_empty());
}

#[test]
fn the_first_withdrawals_only_teach_and_the_monitor_says_so() {
    let mut world = well_used(40);
    let judgement = world.push(60, &block([out(MALLORY, 900_000)]));
    assert!(judgement.findings.is_empty());
    assert!(!blind(&judgement).is_empty());
}
