//! Lists, pages, summaries.

use bellwether_store::{
    AlertFilter, BlindCount, COVERAGE_LISTED_MAX, FindingFilter, PAGE_MAX, Step, Store, StoreError,
};
use expect_test::expect;
use model::{
    AlertState, BlindMonitor, BlindReason, BlockCoverage, BlockRange, CoverageResult,
    FindingStatus, Level, Name, NotificationKind, Position, Severity, UnixSeconds,
};

use crate::world::{Op, World, alert, block, decision, finding, judge, name, put_alert, time_of};

fn with_findings(n: u64) -> Store {
    let store = Store::in_memory().unwrap();
    let net = name("mainnet");
    let mut step = Step::new(net.clone(), Position(0), Position(1), 1);
    for tx in 0..n {
        // Three findings share each second, so pages must break ties by id.
        step.findings.push(finding(&net, tx, block(tx / 3 * 2, tx + 1)));
        step.alerts.push(alert(&step.findings[tx as usize], AlertState::Provisional));
    }
    store.commit(&step).unwrap();
    store
}

#[test]
fn pages_hold_every_row_once_newest_first() {
    let store = with_findings(50);
    let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = store.findings(&FindingFilter::default(), after, 7).unwrap();
        assert!(page.items.len() == 7 || page.next.is_none());
        seen.extend(page.items.iter().map(|r| (r.finding.origin.timestamp, r.finding.id)));
        pages += 1;
        // The cursor travels as text, as it does in a URL.
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (50, 8));
    assert!(seen.is_sorted_by(|a, b| a > b));
    let alerts = store.alerts(&AlertFilter::default(), None, 50).unwrap();
    assert_eq!((alerts.items.len(), alerts.next), (50, None), "a full last page has no next");
}

#[test]
fn what_arrives_while_somebody_reads_shifts_nothing() {
    let store = with_findings(10);
    let first = store.alerts(&AlertFilter::default(), None, 4).unwrap();
    let newer = alert(&finding(&name("mainnet"), 99, block(500, 9)), AlertState::Provisional);
    put_alert(&store, &newer, &[]);
    let second = store.alerts(&AlertFilter::default(), first.next, 100).unwrap();
    assert_eq!(second.items.len(), 6);
    assert!(second.items.iter().all(|alert| !first.items.contains(alert)));
}

#[test]
fn each_filter_narrows_the_list() {
    let store = with_findings(20);
    let count = |filter: &FindingFilter| store.findings(filter, None, 100).unwrap().items.len();
    let all = FindingFilter::default;
    assert_eq!(count(&all()), 20);
    assert_eq!(count(&FindingFilter { network: Some(name("other")), ..all() }), 0);
    assert_eq!(count(&FindingFilter { monitor: Some(name("large-withdrawal")), ..all() }), 20);
    assert_eq!(count(&FindingFilter { deployment: Some(name("vault")), ..all() }), 10);
    assert_eq!(count(&FindingFilter { severity_min: Some(Severity::High), ..all() }), 8);
    assert_eq!(count(&FindingFilter { status: Some(FindingStatus::Tentative), ..all() }), 20);
    assert_eq!(count(&FindingFilter { status: Some(FindingStatus::Confirmed), ..all() }), 0);
    let (since, until) = (Some(time_of(2)), Some(time_of(4)));
    assert_eq!(count(&FindingFilter { since, until, ..all() }), 3);

    let count = |filter: &AlertFilter| store.alerts(filter, None, 100).unwrap().items.len();
    let all = AlertFilter::default;
    assert_eq!(count(&AlertFilter { state: Some(AlertState::Provisional), ..all() }), 20);
    assert_eq!(count(&AlertFilter { state: Some(AlertState::Retracted), ..all() }), 0);
    assert_eq!(count(&AlertFilter { severity_min: Some(Severity::Critical), ..all() }), 4);
    assert_eq!(count(&AlertFilter { since, until, ..all() }), 3);
}

#[test]
fn a_page_of_nothing_or_of_too_much_is_refused() {
    let store = with_findings(1);
    let refused =
        |limit| store.findings(&FindingFilter::default(), None, limit).unwrap_err().to_string();
    expect!["bad query: a page of 0 rows"].assert_eq(&refused(0));
    expect!["rows in a page: 501 asked for, at most 500 in one query"]
        .assert_eq(&refused(PAGE_MAX + 1));
}

#[test]
fn an_alert_is_shown_with_its_findings_as_they_stand_now() {
    let store = Store::in_memory().unwrap();
    let mut world = World::new("mainnet");
    judge(&store, &mut world, Op::Commit(0));
    let step = judge(&store, &mut world, Op::Commit(1));
    judge(&store, &mut world, Op::Revert(1));
    let details = store.alert(step.alerts[0].id).unwrap().unwrap();
    assert_eq!(details.alert.state, AlertState::Retracted);
    assert_eq!(details.findings.len(), 1);
    assert_eq!(details.findings[0].status, FindingStatus::Retracted);
    assert_eq!(details.notifications.len(), 2);
    let told = [NotificationKind::Opened, NotificationKind::Retracted];
    assert_eq!(details.decisions, told.map(|kind| decision(details.alert.id, kind)));
    assert_eq!(store.alert(model::AlertId([1; 16])).unwrap(), None);
}

#[test]
fn an_engine_restores_what_is_provisional_or_recent() {
    let store = Store::in_memory().unwrap();
    let made = |tx, number, state| alert(&finding(&name("mainnet"), tx, block(number, tx)), state);
    let old_provisional = made(1, 0, AlertState::Provisional);
    let old_confirmed = made(2, 0, AlertState::Confirmed);
    let new_confirmed = made(3, 100, AlertState::Confirmed);
    let all = [new_confirmed.clone(), old_confirmed, old_provisional.clone()];
    all.iter().for_each(|alert| put_alert(&store, alert, &[]));
    let restored = store.alerts_to_restore(time_of(100)).unwrap();
    assert_eq!(restored, [old_provisional.clone(), new_confirmed.clone()]);

    let net = name("mainnet");
    let within = time_of(100).seconds_since(time_of(0));
    assert_eq!(store.open_alerts(&net, within - 1).unwrap(), [old_provisional, new_confirmed]);
    assert_eq!(store.open_alerts(&net, within).unwrap().len(), 3);
    assert_eq!(store.open_alerts(&net, u64::MAX).unwrap().len(), 3);
    assert_eq!(store.open_alerts(&name("other"), u64::MAX).unwrap(), []);
    assert_eq!(store.alerts_total().unwrap(), 3);
}

fn row(number: u64, result: CoverageResult) -> BlockCoverage {
    BlockCoverage {
        network: name("mainnet"),
        block: block(number, number + 1),
        timestamp: Some(time_of(number)),
        endpoint: Some(name("node-a")),
        monitors_version: 1,
        result,
    }
}

fn judged(number: u64, blind: &[(&str, BlindReason)]) -> BlockCoverage {
    let blind_monitor = |(monitor, reason): &(&str, BlindReason)| BlindMonitor {
        monitor: Name::new(monitor).unwrap(),
        reason: reason.clone(),
    };
    let blind = blind.iter().map(blind_monitor).collect();
    row(number, CoverageResult::Judged { monitors_judged: 10, blind })
}

fn quarantined(number: u64) -> BlockCoverage {
    row(number, CoverageResult::Quarantined(BlindReason::Unverified("no receipts".into())))
}

fn commit(store: &Store, coverage: Vec<BlockCoverage>) {
    let net = name("mainnet");
    let from = store.checkpoint(&net).unwrap().map_or(Position(0), |c| c.position);
    let mut step = Step::new(net, from, from.next(), 1);
    step.coverage = coverage;
    store.commit(&step).unwrap();
}

#[test]
fn a_summary_tells_ranges_holes_quarantine_and_who_was_blind() {
    let store = Store::in_memory().unwrap();
    let too_low = BlindReason::LevelTooLow { needs: Level::Traces, has: Level::Logs };
    let warming = |seen| BlindReason::WarmingUp { seen, needed: 20 };
    commit(
        &store,
        vec![
            judged(10, &[("reentrancy", too_low.clone()), ("gas", warming(1))]),
            judged(11, &[("reentrancy", too_low.clone()), ("gas", warming(2))]),
            quarantined(12),
            judged(13, &[("reentrancy", too_low.clone())]),
            judged(14, &[("reentrancy", too_low.clone())]),
            judged(20, &[]),
        ],
    );
    let summary = store.coverage_summary(&name("mainnet"), 0).unwrap();
    assert_eq!((summary.blocks, summary.judged, summary.judged_by_all), (6, 5, 1));
    assert_eq!((summary.quarantined, summary.missing), (1, 5));
    let range = |first, last| BlockRange { first, last };
    assert_eq!(summary.judged_ranges, [range(10, 11), range(13, 14), range(20, 20)]);
    assert_eq!(summary.holes, [range(15, 19)]);
    assert_eq!(summary.quarantine, [quarantined(12)]);
    let blind = |monitor, blocks, reason| BlindCount { monitor: name(monitor), blocks, reason };
    assert_eq!(summary.blind, [blind("gas", 2, warming(2)), blind("reentrancy", 4, too_low)]);

    let later = store.coverage_summary(&name("mainnet"), 13).unwrap();
    assert_eq!((later.blocks, later.quarantined, later.blind.len()), (3, 0, 1));
    assert_eq!(store.coverage_summary(&name("other"), 0).unwrap(), Default::default());
}

#[test]
fn a_block_that_left_quarantine_is_judged_in_the_ledger() {
    let store = Store::in_memory().unwrap();
    commit(&store, vec![judged(1, &[]), quarantined(2), judged(3, &[])]);
    commit(&store, vec![judged(2, &[])]);
    let summary = store.coverage_summary(&name("mainnet"), 0).unwrap();
    assert_eq!(summary.judged_ranges, [BlockRange { first: 1, last: 3 }]);
    assert_eq!(summary.quarantined, 0);
    assert_eq!(store.coverage(&name("mainnet"), 2, 1).unwrap(), [judged(2, &[])]);
}

#[test]
fn a_summary_lists_the_newest_holes_and_counts_all_missing_blocks() {
    let store = Store::in_memory().unwrap();
    let n = COVERAGE_LISTED_MAX as u64 + 5;
    commit(&store, (0..=n).map(|i| judged(i * 2, &[])).collect());
    let summary = store.coverage_summary(&name("mainnet"), 0).unwrap();
    assert_eq!(summary.missing, n);
    assert_eq!(summary.holes.len(), COVERAGE_LISTED_MAX);
    assert_eq!(summary.holes.last(), Some(&BlockRange { first: n * 2 - 1, last: n * 2 - 1 }));
}

#[test]
fn a_block_may_claim_any_time_but_not_any_height() {
    let store = Store::in_memory().unwrap();
    let mut far = judged(1, &[]);
    far.timestamp = Some(UnixSeconds(u64::MAX));
    commit(&store, vec![far]);
    let stored = store.coverage(&name("mainnet"), 1, 1).unwrap();
    assert_eq!(stored[0].timestamp, Some(UnixSeconds(i64::MAX as u64)));

    let mut step = Step::new(name("mainnet"), Position(1), Position(2), 1);
    step.coverage = vec![judged(u64::MAX - 1, &[])];
    let refused = store.commit(&step).unwrap_err();
    assert!(matches!(refused, StoreError::OutOfRange { what: "block number", .. }), "{refused}");
}

#[test]
fn counts_tell_how_many_of_each_kind_since_when() {
    let store = with_findings(12);
    let counts = store.alert_counts(UnixSeconds(0)).unwrap();
    let total: u64 = counts.iter().map(|count| count.alerts).sum();
    assert_eq!(total, 12);
    assert!(counts.iter().all(|count| count.state == AlertState::Provisional));
    let newest = store.findings(&FindingFilter::default(), None, 1).unwrap().items;
    let since = newest[0].finding.origin.timestamp;
    let later = store.finding_counts(since).unwrap();
    assert_eq!(later.iter().map(|count| count.findings).sum::<u64>(), 3, "three share a second");
    assert!(later.iter().all(|count| count.status == FindingStatus::Tentative));
    assert_eq!(store.alert_counts(UnixSeconds(since.0 + 1)).unwrap(), []);
}

#[test]
fn the_ledger_is_read_downwards_from_any_height() {
    let store = Store::in_memory().unwrap();
    let net = name("mainnet");
    let mut step = Step::new(net.clone(), Position(0), Position(1), 1);
    for number in [1, 2, 3, 7] {
        step.coverage.push(BlockCoverage {
            network: net.clone(),
            block: block(number, number),
            timestamp: Some(time_of(number)),
            endpoint: None,
            monitors_version: 1,
            result: CoverageResult::Judged { monitors_judged: 1, blind: vec![] },
        });
    }
    store.commit(&step).unwrap();
    let heights = |before, limit| -> Vec<u64> {
        let rows = store.coverage_newest(&net, before, limit).unwrap();
        rows.iter().map(|row| row.block.number).collect()
    };
    assert_eq!(heights(None, 3), [7, 3, 2]);
    assert_eq!(heights(Some(7), 10), [3, 2, 1]);
    assert_eq!(heights(Some(0), 10), [0_u64; 0]);
}
