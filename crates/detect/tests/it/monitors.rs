//! Expressions: what they match, and how mistakes are told.

use std::sync::Arc;

use alloy_primitives::keccak256;
use bellwether_detect::{Engine, MonitorSpec, RuleSpec, Subject};
use expect_test::expect;
use model::Severity;
use registry::{ContractAbi, Registry};

use crate::chain::*;

fn event(text: &str) -> Subject {
    Subject::Event(text.to_owned())
}

fn one(subject: Subject, on: &[&str], when: Option<&str>) -> World {
    World::new(vec![expression("m", on, subject, when)])
}

#[test]
fn each_match_in_a_transaction_is_a_finding_with_its_own_identity() {
    let mut world = one(event("Redeemed"), &["vault"], Some("amount >= 5"));
    let me = address(ALICE);
    let txs = [tx(ALICE, VAULT).log(redeemed(me, 5)).log(redeemed(me, 4)).log(redeemed(me, 6))];
    let judgement = world.push(12, &block(txs));
    let [first, second] = &judgement.findings[..] else { panic!("{}", told(&judgement)) };
    assert_ne!(first.id, second.id);
    assert_eq!((first.origin.log_index, second.origin.log_index), (Some(0), Some(2)));
    expect![[r#"
        high: vault emitted Redeemed(holder 0x1111111111111111111111111111111111111112, amount 5)
        high: vault emitted Redeemed(holder 0x1111111111111111111111111111111111111112, amount 6)"#]].assert_eq(&told(&judgement));
    let facts: Vec<String> =
        first.evidence.facts.iter().map(|f| format!("{}: {}", f.name, f.value)).collect();
    expect![[r#"
        holder: 0x1111111111111111111111111111111111111112
        amount: 5
        transaction sender: 0x1111111111111111111111111111111111111112"#]]
    .assert_eq(&facts.join("\n"));
    assert_eq!(first.runbook.as_deref(), Some("runbooks/vault.md"));
    assert_eq!(first.detector, "expression");
}

#[test]
fn a_finding_keeps_its_identity_when_its_transaction_moves_to_another_block() {
    let mut world = one(event("Redeemed"), &["vault"], None);
    world.push(12, &block([]));
    let target = block([tx(ALICE, VAULT).log(redeemed(address(ALICE), 5))]);
    let first = world.push(12, &target).findings;
    world.revert(1);
    let again = world.push_fork(12, &target, 1).findings;
    assert_eq!(first[0].id, again[0].id);
    assert_ne!(first[0].origin.block, again[0].origin.block);
}

#[test]
fn a_message_template_writes_the_title() {
    let mut monitor = expression("m", &["vault"], event("Redeemed"), None);
    monitor.say = Some("{{ holder | label }} took {{ amount }}".to_owned());
    let judgement = World::new(vec![monitor])
        .push(12, &block([tx(ALICE, VAULT).log(redeemed(address(TOKEN), 7))]));
    assert_eq!(told(&judgement), "high: usd took 7");
}

#[test]
fn calls_of_failed_transactions_match_only_when_asked_for() {
    let calls = || {
        block([
            tx(ALICE, VAULT).input(call("redeem(uint256)", 9)),
            tx(ALICE, VAULT).input(call("redeem(uint256)", 9)).failed().salt(1),
        ])
    };
    let found = |when: Option<&str>| {
        let mut world = one(Subject::Call("redeem".into()), &["vault"], when);
        let judgement = world.push(12, &calls().traced());
        judgement.findings.iter().map(|f| f.origin.tx).collect::<Vec<_>>()
    };
    assert_eq!(found(None).len(), 1);
    assert_eq!(found(Some("amount == 9")).len(), 1);
    assert_eq!(found(Some("amount == 9 && tx.status == failed")).len(), 1);
    assert_eq!(found(Some("amount == 9 && (call.success || !call.success)")).len(), 2);
    assert_ne!(found(None), found(Some("tx.status == failed")));
}

#[test]
fn nested_calls_are_seen_in_traces_and_without_traces_the_monitor_is_blind() {
    let nested = tx(ALICE, POOL).frames(vec![
        frame(None, 0, address(ALICE), address(POOL), &[]),
        frame(Some(0), 1, address(POOL), address(VAULT), &call("redeem(uint256)", 3)),
    ]);
    let direct = tx(ALICE, VAULT).input(call("redeem(uint256)", 4)).salt(1);
    let mut world = one(Subject::Call("redeem".into()), &["vault"], None);
    let with = world.push(12, &block([nested.clone(), direct.clone()]).traced());
    assert_eq!(
        with.findings.iter().map(|f| f.origin.frame).collect::<Vec<_>>(),
        [Some(1), Some(0)]
    );
    assert!(blind(&with).is_empty());
    let without = world.push(12, &block([nested, direct]));
    assert_eq!(without.findings.len(), 1, "the outermost call is judged all the same");
    assert_eq!(blind(&without), ["m: needs Traces, the network gives Logs"]);
}

#[test]
fn any_address_means_any_and_an_event_of_another_layout_is_another_event() {
    let text = "Transfer(address indexed from, address indexed to, uint256 value)";
    let mut world = one(event(text), &[], Some("value > 100"));
    let mut nft = transfer(0x99, address(1), address(2), 5);
    nft.topics.push(keccak256("id"));
    nft.data = Vec::new().into();
    let txs = [tx(ALICE, POOL)
        .log(transfer(0x99, address(1), address(2), 500))
        .log(transfer(TOKEN, address(1), address(2), 101))
        .log(transfer(TOKEN, address(1), address(2), 100))
        .log(nft)
        .log(log(0x99, Vec::new(), vec![1]))];
    let judgement = world.push(12, &block(txs));
    assert_eq!(judgement.findings.len(), 2, "{}", told(&judgement));
    assert!(blind(&judgement).is_empty());
}

#[test]
fn an_abi_may_come_with_the_monitor() {
    let abi = ContractAbi::from_solidity(["event Ping(uint256 n)"]).unwrap();
    let mut monitor = expression("m", &[], event("Ping"), Some("n == 1"));
    if let RuleSpec::Expression { any_address_abi, .. } = &mut monitor.rule {
        *any_address_abi = Some(Arc::new(abi));
    }
    let mut world = World::new(vec![monitor]);
    let mut data = vec![0; 32];
    data[31] = 1;
    let ping = log(0x42, vec![keccak256("Ping(uint256)")], data);
    assert_eq!(world.push(12, &block([tx(ALICE, POOL).log(ping)])).findings.len(), 1);
}

#[test]
fn an_undecodable_log_of_a_guarded_contract_is_blindness() {
    let mut world = one(event("Redeemed"), &["vault"], None);
    let mut short = redeemed(address(ALICE), 5);
    short.data = vec![1, 2, 3].into();
    let judgement = world.push(12, &block([tx(ALICE, VAULT).log(short)]));
    assert!(judgement.findings.is_empty());
    assert!(blind(&judgement)[0].starts_with("m: could not decode"), "{:?}", blind(&judgement));
}

#[test]
fn a_failed_evaluation_is_blindness_and_other_matches_stand() {
    let mut world = one(event("Redeemed"), &["vault"], Some("100 / amount >= 20"));
    let me = address(ALICE);
    let judgement =
        world.push(12, &block([tx(ALICE, VAULT).log(redeemed(me, 0)).log(redeemed(me, 5))]));
    assert_eq!(judgement.findings.len(), 1);
    assert!(blind(&judgement)[0].contains("could not evaluate"), "{:?}", blind(&judgement));
}

#[test]
fn transactions_match_directly_called_deployments_or_all() {
    let txs = || {
        block([
            tx(ALICE, VAULT).failed(),
            tx(ALICE, POOL).failed().salt(1),
            tx(ALICE, VAULT).salt(2),
        ])
    };
    let count = |on: &[&str]| {
        let mut world = one(Subject::Transaction, on, Some("tx.status == failed"));
        world.push(12, &txs()).findings.len()
    };
    assert_eq!((count(&["vault"]), count(&[])), (1, 2));
}

#[test]
fn a_transaction_involves_who_sent_it_whom_it_calls_and_who_emitted_in_it_once() {
    let me = address(ALICE);
    let txs = || {
        block([
            tx(ALICE, VAULT),
            tx(VAULT, POOL).salt(1),
            tx(ALICE, 0x77).salt(2).log(redeemed(me, 5)),
            tx(ALICE, 0x77).salt(3),
            tx(ALICE, VAULT).failed().salt(4),
        ])
    };
    let count = |on: &[&str], when: Option<&str>| {
        let mut world = one(Subject::Involving, on, when);
        world.push(12, &txs()).findings.len()
    };
    assert_eq!(count(&["vault"], None), 4, "all but the one among strangers");
    assert_eq!(count(&["vault", "pool"], None), 4, "two deployments in one transaction: one match");
    assert_eq!(count(&["vault"], Some("tx.status == failed")), 1);
    let registry = Arc::new(Registry::new(deployments(), Default::default()).unwrap());
    let nowhere = expression("m", &[], Subject::Involving, None);
    let errors = Engine::new(registry, vec![nowhere]).unwrap_err();
    assert_eq!(errors[0].to_string(), "monitor m: involving needs deployments: name them in on");
}

#[test]
fn a_monitor_of_outermost_calls_needs_no_traces() {
    let blind_of = |when: &str| {
        let mut world = one(Subject::Call("redeem".into()), &["vault"], Some(when));
        blind(&world.push(12, &block([tx(ALICE, VAULT)]))).len()
    };
    assert_eq!(blind_of("call.depth == 0 && amount > 1"), 0);
    assert_eq!(blind_of("amount > 1"), 1);
    assert_eq!(blind_of("call.depth == 0 || amount > 1"), 1, "a nested call could match");
}

#[test]
fn monitors_indexed_by_address_match_as_the_others_do() {
    let me = address(ALICE);
    let when = format!("holder == {me} && amount > 1");
    let mut monitors: Vec<MonitorSpec> = (0..50u8)
        .map(|i| {
            let other = format!("holder == {}", address(i));
            expression(&format!("other-{i}"), &["vault"], event("Redeemed"), Some(&other))
        })
        .collect();
    monitors.push(expression("mine", &["vault"], event("Redeemed"), Some(&when)));
    monitors.push(expression(
        "by-sender",
        &["vault"],
        event("Redeemed"),
        Some(&format!("tx.from == {me}")),
    ));
    let mut world = World::new(monitors);
    let judgement = world.push(12, &block([tx(ALICE, VAULT).log(redeemed(me, 5))]));
    let names: Vec<&str> = judgement.findings.iter().map(|f| f.monitor.as_str()).collect();
    assert_eq!(names, ["other-17", "mine", "by-sender"]);
}

#[test]
fn all_mistakes_of_all_monitors_are_told_at_once() {
    let registry = Arc::new(Registry::new(deployments(), Default::default()).unwrap());
    let mut elsewhere = expression("elsewhere", &["vault"], event("Redeemed"), None);
    elsewhere.networks = vec![name("mainnet")];
    let monitors = vec![
        expression("typo", &["vault"], event("Redeemd"), Some("amount > 1")),
        expression("variable", &["vault"], event("Redeemed"), Some("amout > 1 && holder == 5")),
        expression("place", &["vaul"], event("Redeemed"), None),
        detector("oracle/feed_lat", &["feed"], &[], Severity::High),
        detector("chain/reorg", &[], &[("depth", "3"), ("depth_blocks", "0")], Severity::High),
        expression("anywhere", &[], event("Pinged"), None),
        elsewhere,
        expression("place", &["vault"], event("Redeemed"), None),
    ];
    let errors = Engine::new(registry, monitors).unwrap_err();
    let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
    expect![[r#"
        monitor typo: vault (testnet): no event "Redeemd"; did you mean Redeemed(address indexed holder, uint256 amount)?
        monitor variable: 1:1: no variable `amout`
          | amout > 1 && holder == 5
          | ^^^^^
          = did you mean `amount`? in scope: holder, amount, block, tx, log, feed, gold, pool, usd, vault
        1:14: cannot compare `holder` (address) with `5` (whole number)
          | amout > 1 && holder == 5
          |              ^^^^^^^^^^^
          = an address is written with 40 hexadecimal digits; the zero address is address(0)
        monitor place: unknown deployment "vaul"; did you mean "vault"? (one of: vault, usd, feed, pool, gold)
        monitor place: another monitor has the same name
        monitor oracle.feed_lat: unknown detector "oracle/feed_lat"; did you mean "oracle/feed_late"? (one of: access/role_change, change/code_changed, access/authority_drift, change/parameter_update, change/proxy_upgraded, deployment/created, deployment/lifecycle_moved, deployment/lookalike, dependency/appeared, dependency/code_changed, dependency/token_event, dependency/market_state, dependency/feed_changed, dependency/depeg, dependency/governance, bridge/arrived_unbacked, oracle/feed_late, oracle/price_moved_in_transaction, oracle/price_moved_then_used, liquidity/outflow_exceeds_share, liquidity/outflow_unusually_large, liquidity/unexpected_outflow, liquidity/share_price_jumped, reputation/known_bad_address, reputation/fresh_caller, reputation/attack_contract_created, telemetry/calls_in_quick_succession, telemetry/failed_calls_rise, telemetry/gas_unusual, telemetry/call_rate_unusual, flow/reentrant_call, flow/attack_shape, flow/unusual_code_path, flow/flash_loan, flow/value_extracted, signers/safe_delegatecall, signers/safe_changed, storage/silent_write, invariant/broken, governance/power_concentrated, governance/votes_borrowed, governance/vote_turned_late, governance/proposal_dangerous, governance/proposed_by_newcomer, governance/quorum_held_by_few, governance/quorum_cheaper_than_prize, governance/delay_shorter_than_exit, silence/expected_event_missing, silence/contract_silent, silence/canary, dispersion/share_crossed, chain/reorg, chain/blind)
        monitor chain.reorg: unknown parameter "depth" (one of: depth_blocks)
        monitor chain.reorg: parameter "depth_blocks" is "0", allowed is a whole number from 1 to 1000000
        monitor anywhere: unknown event "Pinged" (there are none); a monitor on any address needs it in full, such as Transfer(address indexed from, address indexed to, uint256 value)
        monitor anywhere: unknown event "Pinged" (one of: Noted, Redeemed, RoleGranted, Upgraded, Transfer, AnswerUpdated, Transfer); a monitor on any address needs it in full, such as Transfer(address indexed from, address indexed to, uint256 value)
        monitor elsewhere: deployment vault is on network testnet, which the monitor does not watch"#]].assert_eq(&text.join("\n"));
}

#[test]
fn the_version_changes_with_anything_that_is_judged_by() {
    let registry = Arc::new(Registry::new(deployments(), Default::default()).unwrap());
    let version = |when: &str, severity| {
        let mut monitor = expression("m", &["vault"], event("Redeemed"), Some(when));
        monitor.severity = severity;
        Engine::new(registry.clone(), vec![monitor]).unwrap().monitors_version()
    };
    assert_eq!(version("amount > 1", Severity::High), version("amount > 1", Severity::High));
    assert_ne!(version("amount > 1", Severity::High), version("amount > 2", Severity::High));
    assert_ne!(version("amount > 1", Severity::High), version("amount > 1", Severity::Low));
}
