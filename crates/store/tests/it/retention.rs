//! What goes with age, what never does, and that it is counted.

use bellwether_store::{Audit, Backfill, EventLog, HoleRecord, Pass, Record, Retention, Store};
use expect_test::expect;
use model::{
    Alert, AlertState, BlockRange, CoverageResult, FindingId, HoleCause, NotificationKind,
    NotificationState, OpenHole, Position, UnixMillis, UnixSeconds,
};

use crate::world::{
    Op, World, alert, block, decision, finding, judge, name, notification, send, time_of,
};

/// Blocks of the world: half a second each.
const BLOCKS: u64 = 100;

const KEPT: Retention = Retention { events_s: 10, coverage_s: 10, findings_s: 10, samples_s: 10 };

const NOW: UnixMillis = UnixMillis(77);

/// A chain whose second block is in quarantine; all but three blocks are final.
fn chain() -> (Store, World) {
    let (store, mut world) = (Store::in_memory().unwrap(), World::new("mainnet"));
    judge(&store, &mut world, Op::Commit(0));
    judge(&store, &mut world, Op::Quarantine);
    while (world.chain.len() as u64) < BLOCKS {
        judge(&store, &mut world, Op::Commit(0));
    }
    judge(&store, &mut world, Op::Finalize(3));
    (store, world)
}

fn told(pass: &Pass) -> Vec<String> {
    pass.removed.iter().map(|(what, removed)| format!("{} {removed}", what.as_str())).collect()
}

#[test]
fn blocks_go_and_the_ranges_that_say_who_judged_them_stay() {
    let (store, mut world) = chain();
    let before = store.ledger(&world.network).unwrap();
    let pass = store.forget(&world.network, &KEPT, NOW).unwrap();
    // Block 96 is final and of second 1,048; what is older than second 1,038 goes: blocks 0 to 75,
    // but for the row of block 1.
    expect![[r#"
        [
            "events 76",
            "coverage 75",
            "samples 100",
        ]
    "#]]
    .assert_debug_eq(&told(&pass));
    assert_eq!(store.forget(&world.network, &KEPT, NOW).unwrap(), Pass::default(), "once");
    assert_eq!(store.ledger(&world.network).unwrap(), before);
    let rows = store.coverage(&world.network, 0, 1_000).unwrap();
    assert!(matches!(rows[0].result, CoverageResult::Quarantined(_)), "{:?}", rows[0]);
    assert_eq!((rows[0].block.number, rows[1].block.number), (1, 76));
    let log = store.event_log();
    assert_eq!(log.start(&world.network).unwrap(), Position(76));
    assert_eq!(log.end(&world.network).unwrap(), Position(BLOCKS + 1));
    assert!(store.verify().unwrap().is_sound(), "{:?}", store.verify().unwrap().problems);

    // The block in quarantine is judged after all: its row is as old as the others by now.
    judge(&store, &mut world, Op::Recover);
    assert!(store.verify().unwrap().is_sound(), "{:?}", store.verify().unwrap().problems);
    // The first three blocks were judged while warming up.
    assert_eq!(store.ledger(&world.network).unwrap().runs.len(), 2);
    assert_eq!(told(&store.forget(&world.network, &KEPT, NOW).unwrap())[0], "coverage 1");
    assert!(store.verify().unwrap().is_sound());
    let coverage = store.forgotten(&world.network).unwrap();
    let coverage = coverage.iter().find(|forgotten| forgotten.what == Record::Coverage).unwrap();
    assert_eq!((coverage.removed, coverage.up_to, coverage.at), (76, UnixSeconds(1_038), NOW));
}

#[test]
fn what_is_still_open_stays_however_old_it_is() {
    let (store, world) = chain();
    let network = world.network.clone();
    let of = |tx: u64, number: u64| finding(&network, tx, block(number, number + 1));
    let findings: Vec<_> = (0..5).map(|tx| of(tx, 4)).chain([of(5, 90)]).collect();
    let confirmed = |tx: usize| alert(&findings[tx], AlertState::Confirmed);
    let still_growing = Alert { last_finding_at: time_of(90), ..confirmed(4) };
    let alerts = vec![
        confirmed(0),
        alert(&findings[1], AlertState::Provisional),
        confirmed(2),
        confirmed(3),
        still_growing,
        confirmed(5),
    ];
    let mut delivered = notification(alerts[0].id, NotificationKind::Opened, 0);
    delivered.state =
        NotificationState::Delivered { at: UnixMillis(2), receipt: "250 kept".to_owned() };
    let due = notification(alerts[2].id, NotificationKind::Opened, 0);
    let decisions = alerts.iter().map(|alert| decision(alert.id, NotificationKind::Opened));
    let backfill = Backfill {
        network: network.clone(),
        ranges: vec![],
        findings: findings.clone(),
        decisions: decisions.collect(),
        alerts: alerts.clone(),
        inputs: vec![],
    };
    store.commit_backfill(&backfill).unwrap();
    send(&store, &[delivered, due]);
    let hole = |closed_at| HoleRecord {
        id: None,
        hole: OpenHole {
            network: network.clone(),
            range: BlockRange { first: 1, last: 4 },
            cause: HoleCause::AddedLater,
            monitors: vec![name("late")],
            monitors_total: 1,
            seen_as: BlockRange { first: 1, last: 4 },
            seen_at: UnixMillis(1),
        },
        finding: Some(findings[3].id),
        closed_at,
    };
    let audit = |hole| Audit {
        network: network.clone(),
        holes: vec![hole],
        findings: vec![],
        withdrawn: vec![],
        alerts: vec![],
        inputs: vec![],
        decisions: vec![],
    };
    store.commit_audit(&audit(hole(None))).unwrap();

    let records = |pass: &Pass| -> Vec<String> {
        let blocks = ["events", "coverage", "samples"];
        told(pass).into_iter().filter(|t| blocks.iter().all(|b| !t.starts_with(b))).collect()
    };
    let pass = store.forget(&network, &KEPT, NOW).unwrap();
    assert_eq!(records(&pass), ["findings 1", "alerts 1", "decisions 1", "messages 1"]);
    let is_there = |id: FindingId| store.finding(id).unwrap().is_some();
    let left: Vec<bool> = findings.iter().map(|finding| is_there(finding.id)).collect();
    assert_eq!(left, [false, true, true, true, true, true]);
    assert!(store.alert(alerts[0].id).unwrap().is_none());
    assert!(alerts[1..].iter().all(|alert| store.alert(alert.id).unwrap().is_some()));
    assert!(store.verify().unwrap().is_sound(), "{:?}", store.verify().unwrap().problems);

    // The hole is closed: its alert is as old as any other.
    let open = store.open_holes(&network).unwrap().remove(0);
    let closed = HoleRecord { closed_at: Some(UnixMillis(9)), ..open };
    store.commit_audit(&audit(closed)).unwrap();
    let pass = store.forget(&network, &KEPT, NOW).unwrap();
    assert_eq!(told(&pass), ["findings 1", "alerts 1", "decisions 1"]);
    let forgotten = store.forgotten(&network).unwrap();
    let alerts = forgotten.iter().find(|forgotten| forgotten.what == Record::Alerts).unwrap();
    assert_eq!(alerts.removed, 2, "what went is counted for good");
}

#[test]
fn nothing_goes_before_a_block_is_final_nor_while_the_chain_stands_still() {
    let (store, mut world) = (Store::in_memory().unwrap(), World::new("mainnet"));
    let nothing_kept = Retention { events_s: 0, coverage_s: 0, findings_s: 0, samples_s: 0 };
    for _ in 0..50 {
        judge(&store, &mut world, Op::Commit(1));
    }
    assert_eq!(store.forget(&world.network, &nothing_kept, NOW).unwrap(), Pass::default());
    judge(&store, &mut world, Op::Finalize(40));
    let pass = store.forget(&world.network, &nothing_kept, NOW).unwrap();
    // Provisional alerts keep their findings; the newest final block and all above it stay.
    assert_eq!(told(&pass)[..2], ["events 8", "coverage 8"], "{pass:?}");
    let years_later = UnixMillis(9_000_000_000_000);
    assert_eq!(store.forget(&world.network, &nothing_kept, years_later).unwrap(), Pass::default());
    assert_eq!(store.forgotten(&name("elsewhere")).unwrap(), []);
}

#[test]
fn a_backlog_goes_in_parts_so_that_the_judge_is_not_kept_waiting() {
    let (store, mut world) = (Store::in_memory().unwrap(), World::new("mainnet"));
    for _ in 0..1_200 {
        judge(&store, &mut world, Op::Commit(0));
    }
    judge(&store, &mut world, Op::Finalize(0));
    let mut parts = Vec::new();
    loop {
        let pass = store.forget(&world.network, &KEPT, NOW).unwrap();
        let of = |what| pass.removed.iter().find(|(of, _)| *of == what).map_or(0, |(_, n)| *n);
        parts.push(of(Record::Events));
        if !pass.has_more {
            break;
        }
    }
    // Rows go faster than events: what they told of the age of events is kept.
    assert_eq!(parts[0], 500, "{parts:?}");
    assert_eq!(parts.iter().sum::<u64>(), 1_178, "{parts:?}");
}
