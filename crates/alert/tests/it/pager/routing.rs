//! Groups, repeats, silences, inhibition, quiet hours, budgets.

use bellwether_alert::{
    Days, Hours, Matcher, Span,
    life::{Deed, Truth},
    pager::{Alarm, Input},
    quiet::Inhibition,
    route::{Branch, Tree},
};
use expect_test::expect;
use jiff::{civil::time, tz::TimeZone};
use model::Severity::{Critical, High, Low, Medium};

use super::night::{Night, START_MS, facts, id, names, plan, silence};
use crate::play::name;

#[test]
fn a_group_waits_speaks_each_interval_and_repeats_what_stands() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Low));
    night.at(20).alert(facts(2, Medium));
    night.at(100).alert(facts(3, Low));
    night.at(400).change(1, |facts| facts.truth = Truth::Ended);
    night.at(700).says("ann", 2, Deed::Acknowledge);
    night.at(5 * 3_600);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all takes it
        00:00:20 [2] grouped until 00:00:30: route all takes it
        00:00:30 [2,1] chat NOTICE: new: 2 alerts
        00:01:40 [3] grouped until 00:05:30: route all takes it
        00:05:30 [3] chat NOTICE: new: 1 alert
        00:06:40 [1] resolved: first finding
        00:10:30 [1] chat NOTICE: over: 1 alert
        00:11:40 [2] acknowledged: ann said so
        04:10:30 [3] chat NOTICE: still standing after 240 min
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn a_silence_hides_until_it_ends_and_then_what_still_stands_is_told() {
    let mut night = Night::new(plan());
    night.at(0).apply(Input::Silence(silence("s-1", "protocol=acme", &["ann"], 1)));
    night.at(10).alert(facts(1, Low)).alert(facts(2, High));
    night.at(600).says("bob", 1, Deed::Resolve);
    night.at(3_700);
    night.acknowledges("ann", 2);
    expect![[r#"
        00:00:10 [1] grouped until 00:00:40: route all takes it
        00:00:10 [2] grouped until 00:00:10: route all takes it
        00:00:10 [1] silenced: silenced by s-1 until 2027-01-15T09:00:00Z
        00:00:10 [2] silenced: silenced by s-1 until 2027-01-15T09:00:00Z
        00:10:00 [1] resolved: bob said so
        01:00:00 [2] shown: nothing hides it any more
        01:00:00 [2] chat NOTICE: new: 1 alert
        01:00:00 [-] escalating: waiting for somebody: 1 alert
        01:00:00 [2] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        01:01:40 [2] acknowledged: ann said so
        01:01:40 [-] escalation ended: ann is on it
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn one_person_cannot_silence_an_attack_and_the_second_signature_can() {
    let mut plan = plan();
    plan.outflow_limit_usd = 1_000_000;
    let mut night = Night::new(plan);
    night.at(0).apply(Input::Silence(silence("s-1", "protocol=acme", &["ann"], 10)));
    night.at(10).alert(facts(1, Critical));
    let mut drain = facts(2, Low);
    drain.outflow_usd = Some(2_000_000);
    night.at(20).alert(drain);
    night.at(50);
    expect![[r#"
        00:00:10 [1] grouped until 00:00:10: route all takes it
        00:00:10 [1] not sent: silence s-1 does not hide it: it looks like an attack, and fewer than two people signed
        00:00:10 [1] chat NOTICE: new: 1 alert
        00:00:10 [-] escalating: waiting for somebody: 1 alert
        00:00:10 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:00:10 [1] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        00:00:20 [2] grouped until 00:00:20: route all takes it
        00:00:20 [2] not sent: silence s-1 does not hide it: it looks like an attack, and fewer than two people signed
        00:00:20 [2] chat NOTICE: new: 1 alert
    "#]].assert_eq(&night.transcript());
    night.at(60).apply(Input::Sign { silence: name("s-1"), by: name("bob") });
    night.at(70).alert(facts(3, Critical));
    night.at(600);
    expect![[r#"
        00:01:10 [3] grouped until 00:01:10: route all takes it
        00:01:10 [3] silenced: silenced by s-1 until 2027-01-15T18:00:00Z
        00:02:10 [1] bob over voice PAGE: step 2 of the escalation
        00:02:10 [1] bob over sms PAGE: step 2 of the escalation
        00:05:10 [1] cy over voice PAGE: step 3 of the escalation
        00:05:10 [1] cy over sms PAGE: step 3 of the escalation
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn silences_that_are_wrong_are_refused_and_ended_ones_can_be_named_again() {
    let mut night = Night::new(plan());
    night.at(0).apply(Input::Silence(silence("s-1", "", &[], 24 * 31)));
    night.apply(Input::Silence(silence("s-2", "protocol=acme", &["ann"], 1)));
    night.apply(Input::Silence(silence("s-2", "protocol=acme", &["ann"], 1)));
    night.at(60).apply(Input::Unsilence { silence: name("s-2") });
    night.apply(Input::Unsilence { silence: name("s-2") });
    night.apply(Input::Silence(silence("s-2", "protocol=acme", &["ann"], 1)));
    expect![[r#"
        00:00:00 refused: silence s-1 fits every alert: at least one matcher must want a value
        00:00:00 refused: silence s-1 lasts longer than 30 days; change the rule instead
        00:00:00 refused: silence s-1 is signed by nobody
        00:00:00 refused: silence s-2 exists already
        00:01:00 refused: there is no silence s-2
    "#]]
    .assert_eq(&night.transcript());
    assert_eq!(night.pager.silences().count(), 1);
}

#[test]
fn an_alert_hides_what_it_explains_and_a_silenced_one_hides_nothing() {
    let mut plan = plan();
    plan.inhibitions = vec![Inhibition {
        name: name("node-down"),
        source: Matcher::list("monitor=node").unwrap(),
        target: Matcher::list("monitor=drain").unwrap(),
        equal: vec!["protocol".to_owned()],
    }];
    let mut night = Night::new(plan);
    let mut node = facts(1, Medium);
    node.labels.set("monitor", "node");
    night.at(0).alert(node);
    night.at(5).alert(facts(2, Low)).alert(facts(3, Critical));
    night.at(60).acknowledges("ann", 3);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all takes it
        00:00:05 [2] grouped until 00:00:30: route all takes it
        00:00:05 [3] grouped until 00:00:05: route all takes it
        00:00:05 [2] inhibited: inhibited by alert 01010101010101010101010101010101 (node-down)
        00:00:05 [3,1] chat NOTICE: new: 2 alerts
        00:00:05 [-] escalating: waiting for somebody: 1 alert
        00:00:05 [3] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:00:05 [3] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        00:01:00 [3] acknowledged: ann said so
        00:01:00 [-] escalation ended: ann is on it
    "#]]
    .assert_eq(&night.transcript());
    night.at(70).apply(Input::Silence(silence("s-1", "monitor=node", &["ann"], 5)));
    night.at(700);
    expect![[r#"
        00:05:05 [2] shown: nothing hides it any more
        00:05:05 [2] chat NOTICE: new: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn quiet_hours_hold_notices_back_but_not_what_is_critical() {
    let mut plan = plan();
    let mut root = Branch::new(name("all"));
    root.receivers = Some(names(&["chat"]));
    let spans = vec![Span { days: Days::ALL, from: time(8, 0, 0, 0), to: time(9, 0, 0, 0) }];
    root.muted = vec![Hours { zone: TimeZone::UTC, spans }];
    plan.tree = Tree::new(root).unwrap();
    let mut night = Night::new(plan);
    night.at(0).alert(facts(1, High)).alert(facts(2, Critical));
    night.at(3_900);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all takes it
        00:00:00 [2] grouped until 00:00:00: route all takes it
        00:00:00 [1] not sent: the route is quiet at this hour
        00:00:00 [2] chat NOTICE: new: 1 alert
        01:00:00 [1] shown: nothing hides it any more
        01:00:00 [1] chat NOTICE: new: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn what_keeps_ending_and_beginning_again_is_told_three_times_and_then_counted() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Medium));
    for turn in 1..=6 {
        night.at(turn * 400).change(1, |facts| facts.truth = Truth::Ended);
        night.at(turn * 400 + 200).change(1, |facts| facts.truth = Truth::Confirmed);
    }
    night.at(4 * 3_600);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all takes it
        00:00:30 [1] chat NOTICE: new: 1 alert
        00:06:40 [1] resolved: first finding
        00:10:00 [1] open: first finding
        00:13:20 [1] resolved: first finding
        00:15:30 [1] chat NOTICE: over: 1 alert
        00:16:40 [1] open: first finding
        00:16:40 [1] grouped until 00:17:10: route all takes it
        00:17:10 [1] chat NOTICE: began again: 1 alert
        00:20:00 [1] resolved: first finding
        00:22:10 [1] chat NOTICE: over: 1 alert
        00:23:20 [1] open: first finding
        00:23:20 [1] grouped until 00:23:50: route all takes it
        00:23:50 [1] chat NOTICE: began again: 1 alert
        00:26:40 [1] resolved: first finding
        00:28:50 [1] chat NOTICE: over: 1 alert
        00:30:00 [1] open: first finding
        00:30:00 [1] grouped until 00:30:30: route all takes it
        00:30:30 [1] not sent: flapping: 4 times within an hour
        00:33:20 [1] resolved: first finding
        00:36:40 [1] open: first finding
        00:36:40 [1] grouped until 00:37:10: route all takes it
        00:37:10 [1] not sent: flapping: 4 times within an hour
        00:40:00 [1] resolved: first finding
        00:43:20 [1] open: first finding
        00:43:20 [1] grouped until 00:43:50: route all takes it
        00:43:50 [1] not sent: flapping: 4 times within an hour
        01:23:50 [1] shown: nothing hides it any more
        01:23:50 [1] chat NOTICE: began again: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn a_week_with_more_alerts_than_agreed_is_said_once() {
    let mut plan = plan();
    let mut root = Branch::new(name("all"));
    root.receivers = Some(names(&["chat"]));
    root.budget_per_week = Some(3);
    plan.tree = Tree::new(root).unwrap();
    let mut night = Night::new(plan);
    for number in 0..6 {
        night.at(i64::from(number) * 60).alert(facts(number, Low));
    }
    let over = |night: &Night| {
        night.alarms.iter().filter(|a| matches!(a, Alarm::OverBudget { .. })).count()
    };
    assert_eq!(over(&night), 1);
    // Friday 08:00; the next week begins 64 hours later.
    for number in 10..16 {
        night.at(64 * 3_600 + i64::from(number) * 60).alert(facts(number, Low));
    }
    assert_eq!(over(&night), 2);
}

#[test]
fn a_group_that_everybody_knows_of_rests_until_it_is_told_again_or_something_changes() {
    let mut night = Night::new(plan());
    let due_s = |night: &Night| night.pager.next_due().map(|at| (at.0 - START_MS) / 1_000);
    night.at(0).alert(facts(1, Low));
    night.at(40);
    assert_eq!(due_s(&night), Some(4 * 3_600 + 30), "the repeat, and no beat before it");
    // A beat is kept while it rests: what comes meanwhile is told with the next one.
    night.at(1_000).alert(facts(2, Low));
    assert_eq!(due_s(&night), Some(30 + 4 * 300));
    night.at(2_000).acknowledges("ann", 1).acknowledges("ann", 2);
    night.at(3_000);
    assert_eq!(due_s(&night), None, "somebody is on both: nothing is left to say");
    night.at(9 * 3_600).says("bob", 1, Deed::Reopen);
    night.at(10 * 3_600);
    assert_eq!(
        due_s(&night),
        Some(13 * 3_600 + 30),
        "four hours after it was told last, on a beat"
    );
}

#[test]
fn a_silence_keeps_what_was_told_before_from_being_repeated_until_it_ends() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Low));
    night.at(3_600).apply(Input::Silence(silence("s-1", "protocol=acme", &["ann"], 10)));
    night.at(11 * 3_600);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all takes it
        00:00:30 [1] chat NOTICE: new: 1 alert
        10:00:30 [1] chat NOTICE: still standing after 600 min
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn what_nobody_closes_and_nothing_renews_is_closed_as_stale_and_told_and_a_finding_opens_it_again()
{
    let day = 86_400;
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Low)).alert(facts(2, Low));
    night.at(60).acknowledges("ann", 1).acknowledges("ann", 2);
    night.at(29 * day).change(2, |facts| facts.findings += 1);
    night.transcript();
    night.at(30 * day).apply(Input::Tick);
    assert_eq!(night.transcript(), "", "not before its time");
    night.at(31 * day).apply(Input::Tick);
    night.at(31 * day + 600).change(1, |facts| facts.findings += 1);
    night.at(31 * day + 1_200);
    expect![[r#"
        744:00:00 [1] resolved: stale: no finding and no word about it for 30 days
        744:00:00 ALARM Stale { alerts: 1, because: "stale: no finding and no word about it for 30 days" }
        744:00:30 [1] chat NOTICE: over: 1 alert
        744:10:00 [1] provisional: first finding
        744:10:00 [1] grouped until 744:10:30: route all takes it
        744:10:30 [1] chat NOTICE: began again: 1 alert
    "#]]
    .assert_eq(&night.transcript());
    // A week after it is over it leaves the memory; its account stays on record.
    night.says("ann", 1, Deed::Resolve);
    night.at(39 * day).apply(Input::Tick);
    assert!(night.pager.card(id(1)).is_none());
    assert!(night.pager.card(id(2)).is_some(), "this one stands");
}
