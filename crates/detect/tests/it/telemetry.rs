//! Gas, failures and rates over days of ordinary traffic, and days that are not.

use expect_test::expect;
use model::{Finding, Sample, Severity};

use crate::chain::*;

/// Deterministic noise in [0, 1).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() * n as f64) as u64
    }
}

fn world() -> World {
    let params = [("warm_up_s", "3600"), ("warm_up_observations", "60")];
    let ids =
        ["telemetry/failed_calls_rise", "telemetry/gas_unusual", "telemetry/call_rate_unusual"];
    World::new(ids.map(|id| detector(id, &["vault"], &params, Severity::High)).into())
}

/// One minute: some redemptions, one in twenty fails, gas scatters by a tenth.
fn minute(noise: &mut Noise, calls: u64, gas: f64, failing: f64) -> BlockBuilder {
    let txs = (0..calls).map(|i| {
        let used = gas * (0.9 + 0.2 * noise.next());
        let tx = tx(ALICE, VAULT).input(call("redeem(uint256)", i)).gas(used as u64).salt(noise.0);
        if noise.next() < failing { tx.failed() } else { tx }
    });
    block(txs.collect::<Vec<_>>())
}

fn after_a_day(minutes: u64) -> (World, Noise) {
    let (mut world, mut noise) = (world(), Noise(1));
    for _ in 0..minutes {
        let calls = 6 + noise.below(5);
        let block = minute(&mut noise, calls, 90_000.0, 0.05);
        world.push(60, &block);
    }
    (world, noise)
}

pub(crate) fn usual_day() -> Vec<Finding> {
    after_a_day(400).0.findings
}

pub(crate) fn failure_storm() -> Vec<Finding> {
    let (mut world, mut noise) = after_a_day(150);
    let storm = minute(&mut noise, 9, 90_000.0, 0.95);
    world.push(60, &storm).findings
}

pub(crate) fn gas_triples() -> Vec<Finding> {
    let (mut world, mut noise) = after_a_day(150);
    let heavy = minute(&mut noise, 8, 270_000.0, 0.05);
    world.push(60, &heavy);
    // The bucket is judged when the next minute begins, touched or not.
    world.push(60, &block([])).findings
}

pub(crate) fn call_burst() -> Vec<Finding> {
    let (mut world, mut noise) = after_a_day(150);
    let burst = minute(&mut noise, 80, 90_000.0, 0.05);
    world.push(60, &burst).findings
}

#[test]
fn a_storm_of_failures_is_told_in_its_own_block_with_its_history() {
    let found = failure_storm();
    let storm = found.iter().find(|f| f.detector == "telemetry/failed_calls_rise").unwrap();
    expect!["8 of 9 calls to vault.redeem failed, usually 5.2 % do"].assert_eq(&storm.title);
    let measure = storm.evidence.measure.as_ref().unwrap();
    assert!(measure.value > measure.threshold);
    let history = measure.history.unwrap();
    assert!((history.usual - 0.05).abs() < 0.03 && history.n > 1_000, "{history:?}");
    assert_eq!(storm.deployment, Some(name("vault")));
}

#[test]
fn a_storm_is_one_finding_while_it_lasts() {
    let (mut world, mut noise) = after_a_day(150);
    let before = world.findings.len();
    for _ in 0..15 {
        let storm = minute(&mut noise, 9, 90_000.0, 0.6);
        world.push(60, &storm);
    }
    let of_it = |f: &&Finding| f.detector == "telemetry/failed_calls_rise";
    let told = world.findings[before..].iter().filter(of_it).count();
    assert!((1..=2).contains(&told), "opened, and escalated at most once: {told}");
}

#[test]
fn until_warm_the_monitors_are_blind_and_not_quiet() {
    let (mut world, mut noise) = after_a_day(20);
    let block = minute(&mut noise, 8, 90_000.0, 0.05);
    let judgement = world.push(60, &block);
    let blind = blind(&judgement);
    assert_eq!(blind.len(), 3, "{blind:?}");
    assert!(blind.iter().all(|b| b.contains("warming up")), "{blind:?}");
}

#[test]
fn a_lasting_small_shift_of_gas_is_found() {
    let (mut world, mut noise) = after_a_day(300);
    let before = world.findings.len();
    let mut minutes = 0;
    while world.findings.len() == before && minutes < 200 {
        let block = minute(&mut noise, 8, 90_000.0 * 1.04, 0.05);
        world.push(60, &block);
        minutes += 1;
    }
    assert!(minutes < 60, "found after {minutes} minutes");
    assert!(told_last(&world).contains("gas of vault.redeem"), "{}", told_last(&world));
}

fn told_last(world: &World) -> String {
    world.findings.last().map(|f| f.title.clone()).unwrap_or_default()
}

#[test]
fn each_block_feeds_the_charts_of_what_it_touched() {
    let (mut world, mut noise) = after_a_day(150);
    let touched = minute(&mut noise, 8, 90_000.0, 0.0);
    let judgement = world.push(60, &touched);
    let mut names: Vec<String> =
        judgement.samples.iter().map(|Sample { series, .. }| series.to_string()).collect();
    names.sort();
    expect![[r#"
        calls_upper_per_bucket{contract="vault",function="redeem",monitor="telemetry.call_rate_unusual",network="testnet"}
        calls_usual_per_bucket{contract="vault",function="redeem",monitor="telemetry.call_rate_unusual",network="testnet"}
        calls{contract="vault",function="redeem",network="testnet"}
        failed_calls{contract="vault",function="redeem",network="testnet"}
        failed_ratio_upper{contract="vault",function="redeem",monitor="telemetry.failed_calls_rise",network="testnet"}
        failed_ratio_usual{contract="vault",function="redeem",monitor="telemetry.failed_calls_rise",network="testnet"}
        failed_ratio{contract="vault",function="redeem",network="testnet"}
        gas_ln_variance_upper{contract="vault",function="redeem",monitor="telemetry.gas_unusual",network="testnet"}
        gas_lower_gas{contract="vault",function="redeem",monitor="telemetry.gas_unusual",network="testnet"}
        gas_mean_gas{contract="vault",function="redeem",network="testnet"}
        gas_observed_gas{contract="vault",function="redeem",monitor="telemetry.gas_unusual",network="testnet"}
        gas_upper_gas{contract="vault",function="redeem",monitor="telemetry.gas_unusual",network="testnet"}
        gas_usual_gas{contract="vault",function="redeem",monitor="telemetry.gas_unusual",network="testnet"}
        gas_variance_gas2{contract="vault",function="redeem",network="testnet"}
        inner_reverts{contract="vault",function="redeem",network="testnet"}"#]].assert_eq(&names.join("\n"));
    let value = |metric: &str| {
        judgement.samples.iter().find(|s| s.series.metric() == metric).map(|s| s.value).unwrap()
    };
    assert_eq!((value("calls"), value("failed_calls")), (8.0, 0.0));
    assert!((value("gas_mean_gas") - 90_000.0).abs() < 2_000.0);
    assert!(value("gas_lower_gas") < value("gas_usual_gas"));
    assert!(value("gas_usual_gas") < value("gas_upper_gas"));
    let quiet = world.push(1, &block([]));
    assert!(quiet.samples.is_empty(), "a block that touches nothing feeds nothing");
}

#[test]
fn windows_of_twelve_thousand_transactions_equal_a_batch_computation() {
    let (mut world, mut noise) = (world(), Noise(7));
    let mut seen: Vec<(u64, f64)> = Vec::new();
    for _ in 0..600 {
        let calls = 15 + noise.below(11);
        let next = minute(&mut noise, calls, 90_000.0, 0.1);
        let judgement = world.push(37, &next);
        seen.extend(next.txs.iter().map(|tx| (world.at, tx.gas_used as f64)));
        let gas: Vec<f64> = seen
            .iter()
            .filter(|(at, _)| at / 60 + 60 > world.at / 60)
            .map(|(_, gas)| *gas)
            .collect();
        let mean = gas.iter().sum::<f64>() / gas.len() as f64;
        let squares: f64 = gas.iter().map(|g| (g - mean) * (g - mean)).sum();
        let expected =
            [("gas_mean_gas", mean), ("gas_variance_gas2", squares / (gas.len() - 1) as f64)];
        for (metric, expected) in expected {
            let found = judgement.samples.iter().find(|s| s.series.metric() == metric).unwrap();
            assert!((found.value / expected - 1.0).abs() < 1e-9, "{metric} {}", found.value);
        }
    }
    assert!(seen.len() >= 10_000, "{}", seen.len());
}

#[test]
fn a_reorg_over_the_end_of_a_block_of_observations_leaves_the_limits_as_they_were() {
    // Charts are watched from their hundredth bucket on, and every fiftieth changes what is kept of
    // their past.
    let (mut world, mut noise) = after_a_day(145);
    let before = (world.state(), world.rows.clone());
    for _ in 0..15 {
        let block = minute(&mut noise, 8, 90_000.0, 0.05);
        world.push(60, &block);
    }
    let past_kind = 13;
    let has_past = |world: &World| world.rows.keys().any(|key| key[0] == past_kind);
    assert!(has_past(&world), "the fiftieth bucket was not reached");
    world.revert(15);
    assert_eq!(world.state(), before.0);
    assert!(world.rows == before.1, "the store holds what was never seen");
}
