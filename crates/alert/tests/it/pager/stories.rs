//! Whom it wakes, and whom not.

use bellwether_alert::{
    life::{Deed, Stage},
    pager::{Alarm, MessageKind},
    plan::{Escalation, Target},
    route::{Branch, GroupBy, Tree},
};
use expect_test::expect;
use model::Severity::{Critical, High, Low, Medium};

use super::night::{Night, facts, id, person, plan};
use crate::play::name;

#[test]
fn a_critical_alert_reaches_two_people_over_two_kinds_at_once_and_climbs_until_somebody_is_on_it() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Critical));
    night.at(400).acknowledges("cy", 1);
    night.at(86_400);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:00: route all takes it
        00:00:00 [1] chat NOTICE: new: 1 alert
        00:00:00 [-] escalating: waiting for somebody: 1 alert
        00:00:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:00:00 [1] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        00:02:00 [1] bob over voice PAGE: step 2 of the escalation
        00:02:00 [1] bob over sms PAGE: step 2 of the escalation
        00:05:00 [1] cy over voice PAGE: step 3 of the escalation
        00:05:00 [1] cy over sms PAGE: step 3 of the escalation
        00:06:40 [1] acknowledged: cy said so
        00:06:40 [-] escalation ended: cy is on it
    "#]]
    .assert_eq(&night.transcript());
    assert_eq!(night.pager.card(id(1)).unwrap().life().stage(), Stage::Acknowledged);
}

#[test]
fn an_acknowledged_alert_never_pages_again_by_itself() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High));
    night.at(30).acknowledges("ann", 1);
    night.transcript();
    night.at(3_600).change(1, |facts| facts.findings = 500);
    night.at(7_200).change(1, |facts| facts.severity = Critical);
    night.at(90_000);
    // Worse is told, to those who know of it, and nobody is called.
    expect![[r#"
        02:00:00 [1] chat NOTICE: severity rose to critical
        02:00:00 [1] ann over voice NOTICE: severity rose to critical
    "#]]
    .assert_eq(&night.transcript());
    assert!(night.outbox.iter().skip(2).all(|message| message.kind != MessageKind::Page));
}

#[test]
fn a_retraction_reaches_everyone_who_got_the_alert_at_once() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Critical));
    night.at(130);
    night.transcript();
    night.at(140).retract(1);
    night.at(700);
    expect![[r#"
        00:02:20 [1] retracted: block 100 left the chain
        00:02:20 [1] chat NOTICE: left the chain, what was told is void: 1 alert
        00:02:20 [1] ann over sms NOTICE: left the chain, what was told is void: 1 alert
        00:02:20 [1] bob over sms NOTICE: left the chain, what was told is void: 1 alert
        00:02:20 [1] ann over voice NOTICE: left the chain, what was told is void: 1 alert
        00:02:20 [1] bob over voice NOTICE: left the chain, what was told is void: 1 alert
    "#]]
    .assert_eq(&night.transcript());
    night.at(800).found_again(1);
    expect![[r#"
        00:13:20 [1] provisional: found again on the new branch
        00:13:20 [1] grouped until 00:13:20: route all takes it
        00:13:20 [1] chat NOTICE: began again: 1 alert
        00:13:20 [-] escalating: waiting for somebody: 1 alert
        00:13:20 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:13:20 [1] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn a_short_reorg_does_not_call_again_whoever_is_on_it() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, Critical));
    night.at(20).acknowledges("ann", 1);
    night.transcript();
    night.at(24).retract(1);
    night.at(36).found_again(1);
    night.at(3_600);
    expect![[r#"
        00:00:24 [1] retracted: block 100 left the chain
        00:00:24 [1] chat NOTICE: left the chain, what was told is void: 1 alert
        00:00:24 [1] ann over sms NOTICE: left the chain, what was told is void: 1 alert
        00:00:24 [1] ann over voice NOTICE: left the chain, what was told is void: 1 alert
        00:00:36 [1] acknowledged: found again on the new branch
        00:00:36 [1] grouped until 00:01:06: route all takes it
        00:01:06 [1] chat NOTICE: began again: 1 alert
        00:01:06 [1] ann over sms NOTICE: began again: 1 alert
        00:01:06 [1] ann over voice NOTICE: began again: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn a_channel_that_fails_or_stays_silent_is_followed_by_the_next_and_then_by_the_next_person() {
    let mut night = Night::new(plan());
    night.without_receipts().at(0).alert(facts(1, High));
    night.at(5).fails(&person("ann", "voice"), "busy");
    night.at(100);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:00: route all takes it
        00:00:00 [1] chat NOTICE: new: 1 alert
        00:00:00 [-] escalating: waiting for somebody: 1 alert
        00:00:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:00:05 [1] ann over sms PAGE: voice failed: busy
        00:00:35 [1] ann over mail PAGE: sms did not say that it arrived
        00:01:05 [1] bob over voice PAGE: step 2 of the escalation
        00:01:05 ALARM Unreachable { person: "ann" }
        00:01:35 [1] bob over sms PAGE: voice did not say that it arrived
    "#]]
    .assert_eq(&night.transcript());
    assert!(night.alarms.contains(&Alarm::Unreachable { person: name("ann") }));
}

#[test]
fn nobody_on_call_pages_the_last_resort_and_says_so() {
    let mut plan = plan();
    plan.schedules.get_mut(&name("rota")).unwrap().layers[0].until =
        Some(model::UnixMillis(super::night::START_MS));
    plan.fallback = vec![name("cy")];
    let rungs = vec![vec![Target::OnCall(name("rota"))]];
    plan.escalations.insert(name("acme"), Escalation::of(rungs));
    let mut night = Night::new(plan);
    night.at(0).alert(facts(1, Critical));
    expect![[r#"
        00:00:00 [1] grouped until 00:00:00: route all takes it
        00:00:00 [1] chat NOTICE: new: 1 alert
        00:00:00 [-] escalating: waiting for somebody: 1 alert
        00:00:00 [1] cy over voice PAGE: nobody else could be found
        00:00:00 [1] cy over sms PAGE: nobody else could be found
        00:00:00 ALARM NobodyOnCall { schedule: "rota" }
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn nobody_answers_and_the_rounds_go_on_more_slowly_but_never_stop() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High));
    night.at(86_400);
    let answers = |alarm: &&Alarm| matches!(alarm, Alarm::NobodyAnswers { .. });
    let rounds = night.alarms.iter().filter(answers).count();
    assert!((18..=24).contains(&rounds), "{rounds} rounds a day");
    let pages = night.outbox.iter().filter(|message| message.kind == MessageKind::Page);
    assert!(pages.clone().count() > 50);
    let last = pages.map(|page| page.at).max().unwrap();
    assert!(night.now().millis_since(last) <= 2 * 3_600_000);
}

#[test]
fn what_was_called_over_and_goes_on_pages_again_and_what_was_called_benign_does_not() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High)).alert(facts(2, High));
    night.at(30).says("ann", 1, Deed::Resolve).says("ann", 2, Deed::Benign);
    night.transcript();
    night.at(60).change(1, |facts| facts.findings = 2).change(2, |facts| facts.findings = 9);
    night.at(70);
    expect![[r#"
        00:01:00 [1] provisional: first finding
        00:01:00 [1,2] chat NOTICE: 2 findings by now
        00:01:00 [-] escalating: waiting for somebody: 1 alert
        00:01:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
    "#]]
    .assert_eq(&night.transcript());
    night.at(80).change(2, |facts| facts.severity = Critical);
    assert_eq!(night.pager.card(id(2)).unwrap().life().stage(), Stage::Provisional);
}

#[test]
fn a_new_alert_in_a_group_whose_others_are_attended_pages() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High));
    night.at(30).acknowledges("ann", 1);
    night.transcript();
    night.at(600).alert(facts(2, High));
    expect![[r#"
        00:10:00 [2] grouped until 00:10:00: route all takes it
        00:10:00 [2] chat NOTICE: new: 1 alert
        00:10:00 [-] escalating: waiting for somebody: 1 alert
        00:10:00 [2] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn an_alert_on_two_ways_to_the_same_readers_is_told_once() {
    let mut plan = plan();
    let way = |name_: &str| {
        let mut branch = Branch::new(name(name_));
        branch.continue_matching = true;
        branch.receivers = Some(vec![name("chat")]);
        branch.group_by = Some(GroupBy::Alert);
        branch
    };
    let mut root = Branch::new(name("all"));
    root.branches = vec![way("one"), way("two")];
    plan.tree = Tree::new(root).unwrap();
    let mut night = Night::new(plan);
    night.at(0).alert(facts(1, Medium));
    night.at(60).retract(1);
    night.at(600);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:30: route all/one takes it
        00:00:00 [1] grouped until 00:00:30: route all/two takes it
        00:00:30 [1] chat NOTICE: new: 1 alert
        00:00:30 [1] chat not sent: told in group 54021442d5d73e369becab11c4ccd750 already
        00:01:00 [1] retracted: block 100 left the chain
        00:01:00 [1] chat NOTICE: left the chain, what was told is void: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn another_plan_keeps_who_was_told() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High)).alert(facts(2, Low));
    night.at(60).acknowledges("ann", 1);
    night.transcript();
    let mut other = plan();
    let mut root = Branch::new(name("other"));
    root.receivers = Some(vec![name("mail")]);
    other.tree = Tree::new(root).unwrap();
    night.at(100).replan(other);
    night.at(200).retract(1);
    night.at(900).retract(2);
    night.at(2_000);
    expect![[r#"
        00:01:40 [1] grouped until 00:02:10: route other takes it
        00:01:40 [2] grouped until 00:02:10: route other takes it
        00:02:10 [1,2] mail NOTICE: new: 2 alerts
        00:03:20 [1] retracted: block 100 left the chain
        00:03:20 [1] chat NOTICE: left the chain, what was told is void: 1 alert
        00:03:20 [1] mail NOTICE: left the chain, what was told is void: 1 alert
        00:03:20 [1] ann over voice NOTICE: left the chain, what was told is void: 1 alert
        00:15:00 [2] retracted: block 100 left the chain
        00:15:00 [2] mail NOTICE: left the chain, what was told is void: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}
