//! Coverage, isolation, order, late blocks.

use alloy_primitives::keccak256;
use bellwether_detect::{Engine, Subject};
use model::{BlindReason, ChainEvent, CoverageResult, Position, Severity};

use crate::chain::*;

fn redeemed_monitor() -> bellwether_detect::MonitorSpec {
    expression("redeemed", &["vault"], Subject::Event("Redeemed".into()), Some("amount >= 5"))
}

#[test]
fn every_block_has_one_row_that_accounts_for_every_monitor() {
    let monitors = vec![
        redeemed_monitor(),
        detector("flow/reentrant_call", &["vault"], &[], Severity::Critical),
        detector("access/role_change", &["vault"], &[], Severity::High),
    ];
    let mut world = World::new(monitors);
    let judgement = world.push(12, &block([tx(ALICE, VAULT)]));
    let [row] = &judgement.coverage[..] else { panic!("one row") };
    assert_eq!(row.block, world.head);
    assert_eq!(row.monitors_version, world.engine.monitors_version());
    let CoverageResult::Judged { monitors_judged, blind } = &row.result else { panic!() };
    assert_eq!((*monitors_judged, blind.len()), (2, 1));
    assert!(matches!(blind[0].reason, BlindReason::LevelTooLow { .. }));
}

#[test]
fn a_block_in_quarantine_is_a_row_and_can_be_undone() {
    let mut world = World::new(vec![redeemed_monitor()]);
    world.push(12, &block([]));
    let before = world.state();
    let block = model::BlockRef { number: world.head.number + 1, hash: keccak256("q") };
    let reason = BlindReason::Unverified("receipts root differs".to_owned());
    let judgement = world.apply(&ChainEvent::Quarantined {
        network: name(NETWORK),
        block,
        parent_hash: world.head.hash,
        reason: reason.clone(),
    });
    assert_eq!(judgement.coverage[0].result, CoverageResult::Quarantined(reason));
    let ancestor = world.chain.last().unwrap().block_ref();
    world.apply(&ChainEvent::Reverted { network: name(NETWORK), undone: vec![block], ancestor });
    assert_eq!(world.state(), before);
}

#[test]
fn a_recovered_block_is_judged_late_by_what_remembers_nothing() {
    let monitors = vec![
        redeemed_monitor(),
        detector("telemetry/failed_calls_rise", &["vault"], &[], Severity::High),
        // Judges what happens to the chain while it happens: it owes nothing of a block that is late.
        detector("chain/blind", &[], &[], Severity::High),
    ];
    let mut world = World::new(monitors);
    world.push(12, &block([]));
    let state = world.state();
    let late = block([tx(ALICE, VAULT).log(redeemed(address(ALICE), 5))]);
    let bundle = late.build(world.head, world.at, 0);
    let judgement = world.apply(&ChainEvent::Recovered(bundle));
    assert_eq!(judgement.findings.len(), 1);
    assert_eq!(world.state(), state, "what is remembered does not change");
    assert!(judgement.state.undo.is_none() && judgement.state.entries.is_empty());
    let blind = blind(&judgement);
    assert_eq!(blind.len(), 1);
    assert!(blind[0].starts_with("telemetry"), "{blind:?}");
    assert!(blind[0].contains("judged late"), "{blind:?}");
}

#[test]
fn a_reorg_deeper_than_the_journal_empties_the_memory_and_says_so() {
    let monitors = vec![
        detector("chain/reorg", &[], &[], Severity::Medium),
        detector(
            "telemetry/gas_unusual",
            &["vault"],
            &[("warm_up_observations", "5"), ("warm_up_s", "0")],
            Severity::High,
        ),
    ];
    let mut world = World::new(monitors);
    let ordinary = || block([tx(ALICE, VAULT).input(call("redeem(uint256)", 1))]);
    (0..1_100).for_each(|i| drop(world.push(60, &ordinary().clone_salted(i))));
    assert_eq!(world.undos.len(), bellwether_detect::state::UNDO_BLOCKS_MAX);
    let judgement = world.revert(1_050);
    assert_eq!(judgement.findings[0].severity, Severity::Critical);
    assert!(told(&judgement).contains("more than can be undone"), "{}", told(&judgement));
    assert!(world.state().is_empty() && world.rows.is_empty() && world.undos.is_empty());
    let judgement = world.push(60, &ordinary());
    assert!(blind(&judgement)[0].contains("warming up"), "blind until it has learned again");
}

impl BlockBuilder {
    fn clone_salted(&self, salt: u64) -> Self {
        let mut salted = self.clone();
        salted.txs.iter_mut().for_each(|tx| tx.salt = salt);
        salted
    }
}

#[test]
fn an_unknown_network_is_judged_by_the_monitors_of_all_networks() {
    let registry =
        std::sync::Arc::new(registry::Registry::new(deployments(), Default::default()).unwrap());
    let any = expression("failures", &[], Subject::Transaction, Some("tx.status == failed"));
    let mut engine = Engine::new(registry, vec![any, redeemed_monitor()]).unwrap();
    let mut bundle = std::sync::Arc::unwrap_or_clone(block([tx(ALICE, VAULT).failed()]).build(
        model::BlockRef { number: 1, hash: keccak256("x") },
        START,
        0,
    ));
    bundle.network = name("elsewhere");
    let judgement = engine.apply(Position(0), &ChainEvent::Committed(bundle.into()));
    assert_eq!(judgement.findings.len(), 1);
    assert_eq!(judgement.findings[0].network, name("elsewhere"));
}

#[test]
fn two_runs_say_the_same_to_the_byte() {
    let run = || {
        let monitors = vec![
            redeemed_monitor(),
            detector("telemetry/gas_unusual", &[], &[], Severity::High),
            detector(
                "liquidity/outflow_exceeds_share",
                &[],
                &[("starts_empty", "true")],
                Severity::High,
            ),
        ];
        let mut world = World::new(monitors);
        let mut all = Vec::new();
        for i in 0..50u64 {
            let txs = (0..5u8).map(|j| {
                tx(j, VAULT)
                    .input(call("redeem(uint256)", i))
                    .salt(u64::from(j))
                    .log(redeemed(address(j), i))
                    .log(transfer(TOKEN, address(j), address(VAULT), 10 + i))
                    .log(transfer(OTHER_TOKEN, address(VAULT), address(j), i))
            });
            all.push(world.push(30, &block(txs.collect::<Vec<_>>())));
        }
        (all, world.state())
    };
    assert_eq!(run(), run());
}

/// Shortest time of a few to judge a block of 500 logs with so many monitors on other contracts.
fn cost_with(monitors: usize) -> std::time::Duration {
    let mut all = deployments();
    let contracts = monitors / 10;
    for i in 0..contracts {
        let mut other = all[0].clone();
        other.label = name(&format!("vault-{i}"));
        other.address.0[..8].copy_from_slice(&(i as u64).to_be_bytes());
        all.push(other);
    }
    let specs = (0..monitors).map(|i| {
        let on = format!("vault-{}", i % contracts);
        let subject = Subject::Event("Redeemed".into());
        expression(&format!("m-{i}"), &[&on], subject, Some("amount >= 5"))
    });
    let mut world = World::with(all, Default::default(), specs.collect());
    let txs = (0..100u8).map(|i| {
        let logs = (0..4).map(|j| transfer(0x55, address(i), address(j), 5));
        logs.fold(tx(i, POOL).salt(i.into()).log(redeemed(address(i), 7)), TxBuilder::log)
    });
    let busy = block(txs.collect::<Vec<_>>());
    let one = |i| {
        let event = ChainEvent::Committed(busy.build(world.head, world.at + i, i));
        let start = std::time::Instant::now();
        world.apply(&event);
        start.elapsed()
    };
    (0..20).map(one).min().unwrap()
}

#[test]
fn a_thousand_times_the_monitors_do_not_cost_a_few_times_as_much() {
    let (few, many) = (cost_with(10), cost_with(10_000));
    assert!(many < 4 * few, "10 monitors: {few:?}, 10,000 monitors: {many:?}");
}
