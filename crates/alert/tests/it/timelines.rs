//! Stories on the virtual clock.

use bellwether_alert::{FINDINGS_MAX, Policy, Route};
use expect_test::expect;
use model::{Alert, AlertState, Severity};

use crate::play::{Play, name};

use Severity::{Critical, High, Low, Medium};

/// Mail hears everything; the pager hears what is high.
fn policy() -> Policy {
    let pages = Route {
        severity_min: High,
        continue_matching: true,
        ..Route::catch_all(name("pages"), vec![name("pager")])
    };
    let rest = Route::catch_all(name("rest"), vec![name("mail")]);
    Policy { routes: vec![pages, rest], ..Policy::default() }
}

#[test]
fn a_reorg_retracts_the_page_and_the_same_finding_on_the_new_branch_raises_it_again() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "drain", Critical)]);
    play.at(12).revert(1);
    assert_eq!(play.alert(1).state, AlertState::Retracted);
    play.at(13).block(&[]);
    play.at(25).block(&[("vault", "drain", Critical)]);
    assert_eq!(play.alert(1).state, AlertState::Provisional);
    assert_eq!(
        play.alert(1).finding().unwrap().origin.block.number,
        101,
        "it tells of the new block"
    );
    play.at(60).finalize();
    expect![[r#"
        00:00:00 alert 1 pager: OPENED, first finding
        00:00:00 alert 1 mail: OPENED, first finding
        00:00:12 alert 1 mail: RETRACTED, its finding left the chain with block 100 (0x00000000…)
        00:00:12 alert 1 pager: RETRACTED, its finding left the chain with block 100 (0x00000000…)
        00:00:25 alert 1 pager: OPENED, found again on the new branch: it stands
        00:00:25 alert 1 mail: OPENED, found again on the new branch: it stands
        00:01:00 alert 1 mail: CONFIRMED, final with block 101 (0x00000000…)
        00:01:00 alert 1 pager: CONFIRMED, final with block 101 (0x00000000…)
    "#]]
    .assert_eq(&play.transcript());
    assert_eq!(play.alert(1).told[&name("mail")].sequence, 3);
}

#[test]
fn a_reorg_that_takes_a_part_tells_people_only_if_it_became_less_bad() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Medium)]);
    play.at(12).block(&[("vault", "b", Medium)]);
    play.at(24).block(&[("vault", "c", Critical)]);
    play.at(30).revert(1);
    play.at(31).revert(1);
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding
        00:00:12 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:12 alert 1 mail: held until 00:05:00, told a short while ago; waiting to be told: 1
        00:00:24 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:24 alert 1 pager: OPENED, severity rose from medium to critical
        00:00:24 alert 1 mail: UPDATED, severity rose from medium to critical
        00:00:30 alert 1 -: withheld, findings that hold no longer: 1, that stand: 2
        00:00:30 alert 1 mail: UPDATED, severity fell from critical to medium: block 102 (0x00000000…) left the chain
        00:00:30 alert 1 pager: UPDATED, severity fell from critical to medium: block 102 (0x00000000…) left the chain
        00:00:31 alert 1 -: withheld, findings that hold no longer: 1, that stand: 1
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn a_storm_of_ten_thousand_findings_is_few_messages_and_nothing_is_lost() {
    let mut play = Play::new(policy());
    let names: Vec<String> = (0..10_000).map(|i| format!("drain-{i}")).collect();
    for (block, some) in names.chunks(200).enumerate() {
        let found: Vec<_> = some.iter().map(|what| ("vault", what.as_str(), High)).collect();
        play.at(block as u64 * 12).block(&found);
    }
    let alert = play.alert(1);
    assert_eq!(alert.findings.len(), FINDINGS_MAX);
    assert_eq!(alert.findings_total(), 10_000);
    assert_eq!(alert.more.len(), 49, "a count for each block beyond the first");
    let until = play.book.next_due(&play.policy).unwrap();
    assert_eq!(until, alert.told[&name("mail")].at.plus(300_000), "the rest is not forgotten");
    play.at(900).tick();
    assert_eq!(play.book.next_due(&play.policy), None);
    let heard: Vec<String> = play
        .transcript()
        .lines()
        .filter(|line| !line.contains("grouped"))
        .map(str::to_owned)
        .collect();
    expect![[r#"
        00:00:00 alert 1 pager: OPENED, first finding, and 199 more
        00:00:00 alert 1 mail: OPENED, first finding, and 199 more
        00:00:12 alert 1 pager: held until 00:05:00, told a short while ago; waiting to be told: 200
        00:00:12 alert 1 mail: held until 00:05:00, told a short while ago; waiting to be told: 200
        00:05:00 alert 1 pager: UPDATED, 5,000 more, 5,200 findings in all
        00:05:00 alert 1 mail: UPDATED, 5,000 more, 5,200 findings in all
        00:05:12 alert 1 pager: held until 00:10:00, told a short while ago; waiting to be told: 200
        00:05:12 alert 1 mail: held until 00:10:00, told a short while ago; waiting to be told: 200
        00:15:00 alert 1 mail: UPDATED, 4,800 more, 10,000 findings in all
        00:15:00 alert 1 pager: UPDATED, 4,800 more, 10,000 findings in all"#]]
    .assert_eq(&heard.join("\n"));
    // All of it is undone as exactly as a single finding.
    play.revert(49);
    assert_eq!(play.alert(1).findings_standing(), 200);
    play.revert(1);
    assert_eq!(play.alert(1).state, AlertState::Retracted);
}

#[test]
fn a_storm_in_one_block_is_one_message_with_its_count() {
    let mut play = Play::new(policy());
    let names: Vec<String> = (0..10_000).map(|i| format!("drain-{i}")).collect();
    let found: Vec<_> = names.iter().map(|what| ("vault", what.as_str(), Medium)).collect();
    play.at(0).block(&found);
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding, and 9,999 more
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn a_rise_in_severity_does_not_wait_and_reaches_those_who_had_not_been_told() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Low)]);
    play.at(12).block(&[("vault", "b", Medium)]);
    play.at(24).block(&[("vault", "c", Critical)]);
    play.at(36).block(&[("vault", "d", High)]);
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding
        00:00:12 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:12 alert 1 mail: UPDATED, severity rose from low to medium
        00:00:24 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:24 alert 1 pager: OPENED, severity rose from medium to critical
        00:00:24 alert 1 mail: UPDATED, severity rose from medium to critical
        00:00:36 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:36 alert 1 pager: held until 00:05:24, told a short while ago; waiting to be told: 1
        00:00:36 alert 1 mail: held until 00:05:24, told a short while ago; waiting to be told: 1
    "#]]
    .assert_eq(&play.transcript());
    assert_eq!(play.alert(1).severity, Critical);
}

#[test]
fn a_mild_alert_that_becomes_final_sends_no_message_of_its_own() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Medium)]);
    play.at(800).finalize();
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding
        00:13:20 alert 1 mail: withheld, no route asks for confirmations at severity medium
    "#]]
    .assert_eq(&play.transcript());
    assert_eq!(play.alert(1).state, AlertState::Confirmed);
    play.finalize();
    assert_eq!(play.transcript(), "", "final is final");
}

#[test]
fn the_window_slides_with_each_finding_and_after_it_closes_a_second_alert_opens() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Medium)]);
    play.at(900).block(&[("vault", "b", Medium)]);
    play.at(1_800).block(&[("vault", "c", Medium)]);
    play.at(2_701).block(&[("vault", "d", Medium)]);
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding
        00:15:00 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:15:00 alert 1 mail: UPDATED, 1 more, 2 findings in all
        00:30:00 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:30:00 alert 1 mail: UPDATED, 1 more, 3 findings in all
        00:45:01 alert 2 mail: OPENED, first finding
    "#]]
    .assert_eq(&play.transcript());
    assert_ne!(play.alert(1).id, play.alert(2).id);
}

#[test]
fn networks_and_deployments_have_alerts_of_their_own_and_a_reorg_touches_only_its_network() {
    let mut play = Play::new(policy());
    play.at(0).on("mainnet").block(&[("vault", "a", Medium), ("oracle", "a", High)]);
    play.at(1).on("base").block(&[("vault", "a", Medium)]);
    play.at(2).on("base").revert(1);
    play.at(3).on("mainnet").finalize();
    expect![[r#"
        00:00:00 alert 1 pager: OPENED, first finding
        00:00:00 alert 1 mail: OPENED, first finding
        00:00:00 alert 2 mail: OPENED, first finding
        00:00:01 alert 3 mail: OPENED, first finding
        00:00:02 alert 3 mail: RETRACTED, its finding left the chain with block 100 (0x00000000…)
        00:00:03 alert 1 mail: CONFIRMED, final with block 100 (0x00000000…)
        00:00:03 alert 1 pager: CONFIRMED, final with block 100 (0x00000000…)
        00:00:03 alert 2 mail: withheld, no route asks for confirmations at severity medium
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn an_alert_that_no_route_takes_says_so_and_so_does_its_retraction() {
    let mut only_pages = policy();
    only_pages.routes.truncate(1);
    let mut play = Play::new(only_pages);
    play.at(0).block(&[("vault", "a", Medium)]);
    play.at(12).revert(1);
    expect![[r#"
        00:00:00 alert 1 -: withheld, no route takes it at severity medium
        00:00:12 alert 1 -: withheld, nobody had been told
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn who_was_told_hears_the_correction_even_when_the_routes_have_changed_since() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", High)]);
    play.policy.routes = vec![Route::catch_all(name("new"), vec![name("chat")])];
    play.at(400).block(&[("vault", "b", High)]);
    play.at(401).revert(2);
    expect![[r#"
        00:00:00 alert 1 pager: OPENED, first finding
        00:00:00 alert 1 mail: OPENED, first finding
        00:06:40 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:06:40 alert 1 chat: OPENED, the routes lead here now
        00:06:40 alert 1 mail: UPDATED, 1 more, 2 findings in all
        00:06:40 alert 1 pager: UPDATED, 1 more, 2 findings in all
        00:06:41 alert 1 chat: RETRACTED, all 2 findings left the chain with block 100 (0x00000000…)
        00:06:41 alert 1 mail: RETRACTED, all 2 findings left the chain with block 100 (0x00000000…)
        00:06:41 alert 1 pager: RETRACTED, all 2 findings left the chain with block 100 (0x00000000…)
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn after_a_week_a_quiet_alert_leaves_the_book() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Medium)]).finalize();
    play.at(3_600).block(&[("vault", "b", Medium)]);
    play.at(8 * 86_400).block(&[("vault", "c", Medium)]);
    let block = |alert: &Alert| alert.finding().unwrap().origin.block.number;
    let left: Vec<u64> = play.book.alerts().map(block).collect();
    assert_eq!(left.len(), 2, "what can still be reverted stays, however old: {left:?}");
    assert!(!left.contains(&100));
}

#[test]
fn what_takes_the_place_of_a_finding_that_left_is_told_too() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("vault", "a", Medium), ("vault", "b", Medium)]);
    play.at(12).block(&[("vault", "c", Medium)]);
    play.at(301).block(&[("vault", "d", Medium)]);
    play.at(302).revert(2);
    play.at(303).block(&[("vault", "e", Medium), ("vault", "f", Medium)]);
    play.at(700).tick();
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding, and 1 more
        00:00:12 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:00:12 alert 1 mail: held until 00:05:00, told a short while ago; waiting to be told: 1
        00:05:01 alert 1 -: grouped, 1 more within 15 min of the alert's last finding
        00:05:01 alert 1 mail: UPDATED, 2 more, 4 findings in all
        00:05:02 alert 1 -: withheld, findings that hold no longer: 2, that stand: 2
        00:05:03 alert 1 -: grouped, 2 more within 15 min of the alert's last finding
        00:05:03 alert 1 mail: held until 00:10:01, told a short while ago; waiting to be told: 2
        00:11:40 alert 1 mail: UPDATED, 2 more, 4 findings in all
    "#]]
    .assert_eq(&play.transcript());
}

#[test]
fn findings_that_are_only_counted_keep_their_severity_when_they_become_final() {
    let mut play = Play::new(policy());
    play.book = play.book.clone().with_findings_max(1);
    play.at(0).block(&[("vault", "a", Low)]);
    play.at(12).block(&[("vault", "b", Low)]).block(&[("vault", "c", Critical)]).finalize();
    play.at(24).block(&[("vault", "d", High)]);
    play.at(25).revert(1);
    assert_eq!((play.alert(1).severity, play.alert(1).findings_standing()), (Critical, 3));
}

#[test]
fn what_lasts_is_an_alert_of_its_own_and_is_taken_back_when_it_is_put_right() {
    let mut play = Play::new(policy());
    play.at(0).block(&[("ledger", "an accident", Medium)]);
    play.at(1).lasting(&[("blocks 1-9", High), ("block 20", Medium)]);
    play.at(2).finalize();
    play.at(3).lasting(&[("blocks 1-9", High)]);
    play.at(60).put_right("blocks 1-9", "the hole is closed");
    play.at(61).put_right("blocks 1-9", "the hole is closed");
    let states: Vec<AlertState> = (1..=3).map(|at| play.alert(at).state).collect();
    assert_eq!(states, [AlertState::Confirmed, AlertState::Retracted, AlertState::Confirmed]);
    expect![[r#"
        00:00:00 alert 1 mail: OPENED, first finding
        00:00:01 alert 2 pager: OPENED, first finding
        00:00:01 alert 2 mail: OPENED, first finding
        00:00:01 alert 3 mail: OPENED, first finding
        00:00:02 alert 2 mail: CONFIRMED, final with block 100 (0x00000000…)
        00:00:02 alert 2 pager: CONFIRMED, final with block 100 (0x00000000…)
        00:00:02 alert 1 mail: withheld, no route asks for confirmations at severity medium
        00:00:02 alert 3 mail: withheld, no route asks for confirmations at severity medium
        00:01:00 alert 2 mail: RETRACTED, the hole is closed
        00:01:00 alert 2 pager: RETRACTED, the hole is closed
    "#]]
    .assert_eq(&play.transcript());
}
