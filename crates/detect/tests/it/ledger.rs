//! What monitors tell the ledger, and what `chain/blind` says of its holes.

use bellwether_detect::{
    Engine, MonitorSpec, RuleSpec, Subject,
    detectors::{LedgerLook, Told},
};
use expect_test::expect;
use model::{
    BlindReason, BlockRange, BlockRef, Guards, HoleCause, OpenHole, Severity, UnixMillis,
    UnixSeconds,
};
use registry::coverage::{Entries, TargetKind, Threat};

use crate::chain::*;

fn engine(monitors: Vec<MonitorSpec>) -> Engine {
    let registry = registry::Registry::new(deployments(), Default::default()).unwrap();
    Engine::new(std::sync::Arc::new(registry), monitors).unwrap()
}

fn redeemed() -> MonitorSpec {
    expression("redeemed", &["vault"], Subject::Event("Redeemed".into()), Some("amount >= 5"))
}

#[test]
fn a_rule_is_what_verdicts_follow_from_and_nothing_else() {
    let rule = |monitor: MonitorSpec| engine(vec![monitor]).roster(&name(NETWORK)).monitors[0].rule;
    let first = rule(redeemed());
    let mut worded = redeemed();
    (worded.severity, worded.say, worded.runbook) =
        (Severity::Critical, Some("gone".into()), Some("plans/x.md".into()));
    assert_eq!(rule(worded), first, "who hears of it, and how, is no part of it");
    let mut stricter = redeemed();
    stricter.rule = RuleSpec::Expression {
        subject: Subject::Event("Redeemed".into()),
        when: Some("amount >= 6".into()),
        any_address_abi: None,
    };
    assert_ne!(rule(stricter), first);
    let mut newer = redeemed();
    newer.version += 1;
    assert_ne!(rule(newer), first);
    let settings = |value| {
        let params: &[(&str, &str)] = &[("hole_s_max", value)];
        rule(detector("chain/blind", &[], params, Severity::High))
    };
    assert_ne!(settings("1"), settings("2"));
}

#[test]
fn a_roster_names_who_guards_what() {
    let monitors = vec![
        redeemed(),
        detector("flow/reentrant_call", &[], &[], Severity::Critical),
        detector("chain/blind", &[], &[], Severity::High),
        detector("chain/reorg", &[], &[], Severity::High),
    ];
    let engine = engine(monitors);
    let roster = engine.roster(&name(NETWORK));
    let vault = roster.deployments.iter().position(|d| d.label.as_str() == "vault").unwrap();
    assert_eq!(roster.monitors[0].guards, Guards::Some(vec![vault as u32]));
    assert_eq!(roster.monitors[1].guards, Guards::All);
    let live: Vec<bool> = roster.monitors.iter().map(|m| m.is_live_only).collect();
    assert_eq!(live, [false, false, true, true]);
    // A network that nobody names is judged by those that watch all of them.
    let elsewhere: Vec<String> =
        engine.roster(&name("elsewhere")).monitors.iter().map(|m| m.name.to_string()).collect();
    assert!(!elsewhere.contains(&"redeemed".to_owned()) && elsewhere.len() == 3, "{elsewhere:?}");
}

#[test]
fn a_monitor_reaches_what_wakes_it() {
    let calls = expression("pausing", &["vault"], Subject::Call("redeem(uint256)".into()), None);
    let monitors = vec![
        redeemed(),
        calls,
        detector("access/role_change", &["vault"], &[], Severity::High),
        detector("telemetry/gas_unusual", &["vault"], &[], Severity::High),
        detector("chain/reorg", &[], &[], Severity::High),
    ];
    let reach = engine(monitors).reach(&name(NETWORK));
    let [event, call, roles, gas, reorg] = &reach[..] else { panic!("{reach:?}") };
    let owner = alloy_primitives::keccak256("OwnershipTransferred(address,address)");
    assert!(roles.sees(TargetKind::Role(owner), Threat::Takeover));
    assert!(!roles.sees(TargetKind::Role(owner), Threat::Misuse));
    assert!(!event.sees(TargetKind::Role(owner), Threat::Takeover), "it waits for another event");
    let Entries::These(selectors) = &call.entries else { panic!("{call:?}") };
    let [redeem] = selectors[..] else { panic!("{selectors:?}") };
    assert!(call.sees(TargetKind::Entry(redeem), Threat::Misuse));
    assert!(!call.sees(TargetKind::Entry([0; 4]), Threat::Misuse));
    assert!(gas.sees(TargetKind::Entry([0; 4]), Threat::Anomaly));
    assert!(Threat::ALL.iter().all(|threat| !reorg.sees(TargetKind::Entry(redeem), *threat)));
}

fn hole(first: u64, cause: HoleCause, monitors: &[&str], total: u32, seen_s: i64) -> OpenHole {
    let range = BlockRange { first, last: 20 };
    OpenHole {
        network: name(NETWORK),
        range,
        cause,
        monitors: monitors.iter().map(|monitor| name(monitor)).collect(),
        monitors_total: total,
        seen_as: BlockRange { first: 11, last: 20 },
        seen_at: UnixMillis(seen_s * 1_000),
    }
}

#[test]
fn a_hole_is_told_once_it_has_been_open_for_long_enough_and_stays_the_same_while_it_shrinks() {
    let engine = engine(vec![
        redeemed(),
        detector("chain/blind", &[], &[("hole_s_max", "60")], Severity::High),
    ]);
    let look = |holes: &[OpenHole], now_s: i64| {
        let block = BlockRef { number: 30, hash: alloy_primitives::keccak256("30") };
        let finalized = (block, UnixSeconds(1_000));
        let look = LedgerLook { holes, finalized, now: UnixMillis(now_s * 1_000) };
        engine.look_at_ledger(&name(NETWORK), &look)
    };
    let late = |first| hole(first, HoleCause::AddedLater, &["redeemed"], 1, 500);
    assert_eq!(look(&[late(11)], 559), (vec![], vec![]), "not yet");
    let reason = BlindReason::ReadMissing("balance of vault".into());
    let blind = hole(20, HoleCause::Blind(reason), &["gas", "roles"], 40, 490);
    let (findings, told) = look(&[late(11), blind], 560);
    assert_eq!(told.len(), 2);
    assert_eq!(told[1], Told { hole: 1, finding: findings[1].id });
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    expect![[r#"
        monitor redeemed did not judge 10 blocks, 11–20, of testnet: added later
        40 monitors did not judge block 20 of testnet: blind: state read missing: balance of vault"#]]
    .assert_eq(&titles.join("\n"));
    let (later, _) = look(&[late(17)], 9_000);
    assert_eq!(later[0].id, findings[0].id, "the same hole, partly filled");
}
