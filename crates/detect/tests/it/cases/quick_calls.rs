//! One function, again and again.

use expect_test::expect;
use model::{Finding, Severity};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::chain::*;

const QUICK: [(&str, &str); 2] = [("warm_up_observations", "50"), ("warm_up_s", "600")];

fn world() -> World {
    let id = "telemetry/calls_in_quick_succession";
    World::new(vec![detector(id, &["vault"], &QUICK, Severity::High)])
}

/// A transaction of an account that calls these functions of the vault in turn.
fn batch(from: u8, functions: &[&str], times: usize) -> TxBuilder {
    let (me, vault) = (address(from), address(VAULT));
    let mut frames = vec![frame(None, 0, me, address(0x70), &[])];
    for function in functions.iter().cycle().take(times * functions.len()) {
        frames.push(frame(Some(0), 1, address(0x70), vault, &call(function, 1)));
    }
    tx(from, 0x70).frames(frames).salt(times as u64)
}

const REDEEM: &str = "redeem(uint256)";
const DEPOSIT: &str = "deposit(uint256)";

/// An hour in which accounts call once or twice.
fn usual(world: &mut World) {
    for at in 0..300u16 {
        let from = 0x10 + (at % 40) as u8;
        let times = 1 + usize::from(at % 3 == 0);
        world.push(12, &block([batch(from, &[REDEEM], times)]).traced());
    }
}

pub(crate) fn long_loop() -> Vec<Finding> {
    let mut world = world();
    usual(&mut world);
    world.push(12, &block([batch(MALLORY, &[REDEEM], 266)]).traced());
    world.findings
}

pub(crate) fn usual_batches() -> Vec<Finding> {
    let mut world = world();
    usual(&mut world);
    world.push(12, &block([batch(ALICE, &[REDEEM], 2)]).traced());
    world.findings
}

#[test]
fn a_loop_is_told_by_how_far_it_is_beyond_all_others() {
    let mut world = world();
    usual(&mut world);
    let mut heard = Vec::new();
    for times in [3, 4, 5, 6, 266, 200] {
        let judgement = world.push(12, &block([batch(MALLORY, &[REDEEM], times)]).traced());
        heard.push(format!("{times}: {}", told(&judgement)));
    }
    expect![[r#"
        3: 
        4: medium: vault.redeem was called 4 times in one transaction, never more than 3 times before
        5: 
        6: 
        266: high: vault.redeem was called 266 times in one transaction, never more than 6 times before
        200: "#]].assert_eq(&heard.join("\n"));
}

#[test]
fn views_and_calls_without_effect_are_no_loop() {
    let mut world = world();
    usual(&mut world);
    let views = batch(ALICE, &["sharePrice()"], 300);
    let mut failing = batch(MALLORY, &[REDEEM], 300);
    failing.frames.iter_mut().skip(1).for_each(|f| f.error = Some("reverted".to_owned()));
    let judgement = world.push(12, &block([views, failing]).traced());
    assert_eq!(told(&judgement), "");
}

#[test]
fn going_round_between_functions_is_told() {
    let mut world = world();
    usual(&mut world);
    let judgement = world.push(12, &block([batch(MALLORY, &[DEPOSIT, REDEEM], 3)]).traced());
    assert_eq!(told(&judgement), "", "three rounds are a habit");
    let judgement = world.push(12, &block([batch(MALLORY, &[DEPOSIT, REDEEM], 5)]).traced());
    assert!(
        told(&judgement).contains("one transaction went 5 times through"),
        "{}",
        told(&judgement)
    );
}

#[test]
fn a_burst_of_one_account_is_told_once_and_a_crowd_is_not() {
    let mut world = world();
    usual(&mut world);
    let crowd = (0..60).map(|at| tx(0x40 + at, VAULT).input(call(REDEEM, 1)).salt(at.into()));
    let judgement = world.push(60, &block(crowd).traced());
    assert_eq!(told(&judgement), "", "an airdrop is a crowd");
    let mut heard = Vec::new();
    for minute in 0..3u64 {
        let burst =
            (0..12).map(|at| tx(MALLORY, VAULT).input(call(REDEEM, 1)).salt(minute * 100 + at));
        heard.push(told(&world.push(60, &block(burst).traced())));
    }
    expect![[r#"
        medium: 0x6666666666666666666666666666666666666667 called vault.redeem 5 times within a minute, usually an account does 1.0 times

    "#]].assert_eq(&heard.join("\n"));
}

#[test]
fn without_traces_bursts_are_seen_and_loops_are_said_to_be_unseen() {
    let mut world = world();
    for at in 0..300u64 {
        let from = 0x10 + (at % 40) as u8;
        world.push(12, &block([tx(from, VAULT).input(call(REDEEM, 1)).salt(at)]));
    }
    let burst = (0..12).map(|at| tx(MALLORY, VAULT).input(call(REDEEM, 1)).salt(at));
    let judgement = world.push(60, &block(burst));
    assert_eq!(judgement.findings.len(), 1, "{}", told(&judgement));
    let blind = blind(&judgement);
    assert_eq!(
        blind,
        ["telemetry.calls_in_quick_succession: needs Traces, the network gives Logs"]
    );
}

/// Accounts that call as geometric dice say, for a simulated month of minutes: false bursts stay
/// within twice of what `alpha` promises, with the margin that so few events allow.
#[test]
fn false_bursts_are_as_rare_as_promised() {
    let id = "telemetry/calls_in_quick_succession";
    let params = [QUICK[0], QUICK[1], ("alpha", "0.001"), ("burst_min", "2")];
    let mut world = World::new(vec![detector(id, &["vault"], &params, Severity::High)]);
    let mut dice = StdRng::seed_from_u64(7);
    let (mut pairs, mut told) = (0u32, 0usize);
    for minute in 0..2_000u64 {
        let mut txs = Vec::new();
        for _ in 0..5 {
            let from = dice.random_range(1..=250u8);
            pairs += 1;
            let mut again = 0;
            while again == 0 || dice.random_bool(0.2) {
                again += 1;
                txs.push(
                    tx(from, VAULT).input(call(REDEEM, 1)).salt(minute << 16 | txs.len() as u64),
                );
            }
        }
        told += world.push(60, &block(txs)).findings.len();
    }
    // 10,000 pairs at one in a thousand: ten are promised.
    assert!(pairs == 10_000 && told <= 20, "{told} of {pairs}");
}
