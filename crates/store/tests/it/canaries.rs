//! Canaries take the tables that real alerts take, and are in no list, no count, and soon gone.

use bellwether_store::{
    AlertFilter, CANARIES_KEPT, Drills, Input, PagingStep, RulingRow, Settled, StageRow, Step,
    Store,
};
use model::{
    Alert, AlertState, Finding, NotificationKind, Position, Provenance, UnixMillis, UnixSeconds,
};
use rusqlite::Connection;

use crate::world::{alert, block, finding, message, name, notification};

const NOW: UnixMillis = UnixMillis(2_000_000);

/// The canary of a block.
fn canary(number: u64) -> Alert {
    let real = finding(&name("mainnet"), 1_000 + number, block(number, 1));
    let detector = Provenance::CANARY_DETECTOR.to_owned();
    alert(&Finding { detector, ..real }, AlertState::Provisional)
}

/// From the judge to the sink, as the program does it.
fn flies(store: &Store, number: u64) -> Alert {
    let canary = canary(number);
    let (from, to) = (Position(number - 1), Position(number));
    let mut step = Step::new(name("mainnet"), from, to, 1);
    step.alerts = vec![canary.clone()];
    step.inputs = vec![Input { kind: "canary", at: NOW, json: "{}".to_owned() }];
    store.commit(&step).unwrap();
    let mut told = notification(canary.id, NotificationKind::Opened, 0);
    told.receiver = name(Provenance::SINK);
    let ruling = RulingRow {
        alert: Some(canary.id),
        group: None,
        message: Some(told.id),
        at: NOW,
        json: "{}".to_owned(),
    };
    let stage = StageRow { alert: canary.id, stage: "open", at: NOW, by: None, is_open: true };
    let (from, messages) = (store.inbox().applied().unwrap(), vec![message(&told)]);
    let applied = store.inbox().waiting(10).unwrap().last().unwrap().sequence;
    let paged = PagingStep {
        from,
        applied,
        messages,
        rulings: vec![ruling],
        stages: vec![stage],
        ..PagingStep::default()
    };
    store.commit_paging(&paged).unwrap();
    let outbox = store.outbox();
    let taken = outbox.due_to(&told.receiver, NOW, 4).unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(outbox.alert_of(taken[0].id).unwrap(), canary);
    outbox.delivered(taken[0].id, "arrived", NOW, None).unwrap();
    canary
}

/// How many rows each table has.
fn rows(path: &std::path::Path) -> Vec<(&'static str, i64)> {
    let connection = Connection::open(path).unwrap();
    let tables = [
        "alerts",
        "notifications",
        "notification_alerts",
        "attempts",
        "rulings",
        "pager_inbox",
        "told",
    ];
    let count = |table: &&'static str| {
        let sql = format!("SELECT count(*) FROM {table}");
        (*table, connection.query_row(&sql, [], |row| row.get(0)).unwrap())
    };
    tables.iter().map(count).collect()
}

#[test]
fn four_hundred_canaries_leave_as_much_as_two_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canaries.db");
    let store = Store::open(&path).unwrap();
    let mut seen = Vec::new();
    for number in 1..=400 {
        flies(&store, number);
        if number % 200 == 0 {
            seen.push(rows(&path));
        }
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0][0], ("alerts", CANARIES_KEPT as i64));
    assert_eq!(seen[0].last(), Some(&("told", 0)), "no other installation hears of one");
}

#[test]
fn no_list_and_no_count_has_a_canary() {
    let store = Store::in_memory().unwrap();
    let canary = flies(&store, 1);
    for drills in [Drills::Without, Drills::With, Drills::Only] {
        for only_open in [false, true] {
            let filter = AlertFilter { drills, only_open, ..AlertFilter::default() };
            assert_eq!(store.alerts(&filter, None, 10).unwrap().items, []);
        }
    }
    assert_eq!(store.alerts_total().unwrap(), 0);
    assert_eq!(store.alert_counts(UnixSeconds(0)).unwrap(), []);
    assert_eq!(store.open_alerts(&name("mainnet"), 1 << 40).unwrap(), []);
    let counts = store.outbox().counts().unwrap();
    assert_eq!((counts.due, counts.delivered, counts.failed), (0, 0, 0));
    let settled = store.outbox().settled_since(UnixMillis(0)).unwrap();
    assert_eq!(settled, Settled::default());
    assert!(store.heard_of(UnixMillis(0), UnixMillis(i64::MAX)).unwrap().rows.is_empty());
    assert!(store.alert(canary.id).unwrap().is_some(), "who knows its id may look at it");
}

#[test]
fn drills_are_listed_when_they_are_asked_for() {
    let store = Store::in_memory().unwrap();
    let detector = Provenance::detector_of(&name("tuesday"));
    let real = finding(&name("mainnet"), 1, block(1, 1));
    let drill = alert(&Finding { detector, ..real }, AlertState::Confirmed);
    let input = Input { kind: "alert", at: NOW, json: "{}".to_owned() };
    store.begin_drill(&drill, &input).unwrap();
    let only = AlertFilter { drills: Drills::Only, ..AlertFilter::default() };
    assert_eq!(store.alerts(&only, None, 10).unwrap().items, [drill]);
    assert_eq!(store.alerts(&AlertFilter::default(), None, 10).unwrap().items, []);
}
