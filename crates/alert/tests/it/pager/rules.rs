//! What was promised of the pager, rule by rule: the rules that have no test elsewhere, and the map
//! from each rule to its tests.

use std::sync::Arc;

use bellwether_alert::{
    life::Deed,
    oncall::{Layer, Rotation, Schedule, Turn, Turns},
    pager::{Alarm, Input, MessageKind, Pager, QUEUE_MAX},
    quiet::SilenceKind,
    route::{Branch, GroupBy, Tree},
};
use expect_test::expect;
use jiff::tz::TimeZoneDatabase;
use model::{
    AlertId,
    Severity::{Critical, High, Info, Low},
    UnixMillis,
};

use super::night::{Night, START_MS, facts, names, plan, silence};
use crate::play::name;

#[test]
fn what_becomes_worse_while_people_are_called_begins_anew_over_more_channels() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High));
    night.at(60).change(1, |facts| facts.severity = Critical);
    night.at(90).says("bob", 1, Deed::Acknowledge);
    night.at(86_400);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:00: route all takes it
        00:00:00 [1] chat NOTICE: new: 1 alert
        00:00:00 [-] escalating: waiting for somebody: 1 alert
        00:00:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:01:00 [1] chat NOTICE: severity rose to critical
        00:01:00 [-] escalating: severity rose to critical
        00:01:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:01:00 [1] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        00:01:30 [1] acknowledged: bob said so
        00:01:30 [-] escalation ended: bob is on it
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn what_became_mild_while_nobody_was_on_it_calls_people_again_when_it_is_worse() {
    let mut night = Night::new(plan());
    night.at(0).alert(facts(1, High));
    night.at(60).change(1, |facts| facts.severity = Info);
    night.at(600).change(1, |facts| facts.severity = Critical);
    night.at(620).says("bob", 1, Deed::Acknowledge);
    night.at(86_400);
    expect![[r#"
        00:00:00 [1] grouped until 00:00:00: route all takes it
        00:00:00 [1] chat NOTICE: new: 1 alert
        00:00:00 [-] escalating: waiting for somebody: 1 alert
        00:00:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:02:00 [-] escalation ended: nothing waits for anybody
        00:10:00 [1] chat NOTICE: severity rose to critical
        00:10:00 [-] escalating: waiting for somebody: 1 alert
        00:10:00 [1] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        00:10:00 [1] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        00:10:20 [1] acknowledged: bob said so
        00:10:20 [-] escalation ended: bob is on it
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn a_maintenance_window_names_its_change_hides_until_it_ends_and_hides_no_attack() {
    let mut night = Night::new(plan());
    let mut window = silence("w-1", "protocol=acme", &["ann"], 2);
    window.kind = SilenceKind::Maintenance { change: String::new() };
    night.at(0).apply(Input::Silence(window.clone()));
    window.kind = SilenceKind::Maintenance { change: "CR-7".to_owned() };
    window.from = UnixMillis(START_MS + 3_600_000);
    night.apply(Input::Silence(window));
    night.at(600).alert(facts(1, Low));
    night.at(4_000).alert(facts(2, Low)).alert(facts(3, Critical));
    night.at(4_010).acknowledges("ann", 3);
    night.at(3 * 3_600);
    expect![[r#"
        00:00:00 refused: maintenance window w-1 names no change request
        00:10:00 [1] grouped until 00:10:30: route all takes it
        00:10:30 [1] chat NOTICE: new: 1 alert
        01:06:40 [2] grouped until 01:10:30: route all takes it
        01:06:40 [3] grouped until 01:06:40: route all takes it
        01:06:40 [2] silenced: silenced by w-1 until 2027-01-15T10:00:00Z
        01:06:40 [3] not sent: silence w-1 does not hide it: it looks like an attack, and fewer than two people signed
        01:06:40 [3] chat NOTICE: new: 1 alert
        01:06:40 [-] escalating: waiting for somebody: 1 alert
        01:06:40 [3] ann over voice PAGE: step 1 of the escalation, on call by rota, layer week
        01:06:40 [3] ann over sms PAGE: step 1 of the escalation, on call by rota, layer week
        01:06:50 [3] acknowledged: ann said so
        01:06:50 [-] escalation ended: ann is on it
        02:01:40 [2] shown: nothing hides it any more
        02:01:40 [2] chat NOTICE: new: 1 alert
    "#]]
    .assert_eq(&night.transcript());
}

#[test]
fn on_the_night_of_daylight_saving_whoever_the_clock_on_the_wall_names_is_called() {
    // Berlin's clocks go from 02:00 to 03:00 on 2027-03-28; ann hands over to bob at 09:00, which is
    // 07:00 UTC on that day and 08:00 UTC on the days before.
    let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let layer = Layer {
        name: name("day"),
        zone,
        turns: Turns::Rotation(Rotation {
            people: names(&["ann", "bob"]),
            turn: Turn::Days(1),
            begins: "2027-03-27T09:00:00".parse().unwrap(),
        }),
        hours: None,
        until: None,
    };
    let mut plan = plan();
    let rota = Schedule { name: name("rota"), layers: vec![layer], overrides: Vec::new() };
    plan.schedules.insert(name("rota"), rota);
    let at =
        |text: &str| (text.parse::<jiff::Timestamp>().unwrap().as_millisecond() - START_MS) / 1_000;
    let called = |moment: &str| {
        let mut night = Night::new(plan.clone());
        night.at(at(moment)).alert(facts(1, High));
        let page = night.outbox.iter().find(|message| message.kind == MessageKind::Page).unwrap();
        page.to.person.clone().unwrap().to_string()
    };
    assert_eq!(called("2027-03-28T06:59:00Z"), "ann");
    assert_eq!(called("2027-03-28T07:00:00Z"), "bob", "09:00 on the wall, an hour earlier in UTC");
    assert_eq!(called("2027-03-29T07:00:00Z"), "ann");
}

#[test]
fn what_does_not_fit_into_a_summary_is_counted_alarmed_and_told_later() {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("chat")]);
    root.group_by = Some(GroupBy::Alert);
    let mut plan = plan();
    plan.tree = Tree::new(root).unwrap();
    let mut pager = Pager::new(Arc::new(plan));
    let all = QUEUE_MAX + 100;
    let storm = (0..all).map(|number| {
        let mut facts = facts(1, if number == 77 { Critical } else { Low });
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        facts.alert = AlertId(id);
        Input::Alert(facts)
    });
    let start = UnixMillis(START_MS);
    let (outcome, _) = pager.apply_all(storm, start);
    assert_eq!(outcome.messages.len(), 1, "what is critical does not wait for anything");
    let mut told = outcome.messages[0].lines.len();
    let (mut shed, mut alarmed, mut in_messages) = (0, 0, 0);
    let end = start.plus(10 * 60_000);
    while let Some(due) = pager.next_due().filter(|due| *due <= end) {
        let outcome = pager.apply(Input::Tick, due);
        for message in &outcome.messages {
            told += message.lines.len();
            in_messages += message.shed.values().sum::<u64>();
        }
        for alarm in &outcome.alarms {
            let Alarm::Shed { alerts, .. } = alarm else { panic!("{alarm}") };
            alarmed += 1;
            shed += alerts.values().sum::<u64>();
        }
    }
    assert_eq!(shed, QUEUE_MAX as u64 / 10, "the mildest tenth was put off");
    assert_eq!(
        (alarmed, in_messages),
        (1, shed),
        "said once to whom they were kept from, and once aloud"
    );
    assert_eq!(told, all, "and told with their next beat: nothing is lost");
}

/// The tests that the document names must be there, so that the map stays true.
#[test]
fn each_rule_of_the_document_has_tests_that_exist() {
    let document = include_str!("../../../../../docs/alerting.md");
    let sources = [
        include_str!("routing.rs"),
        include_str!("stories.rs"),
        include_str!("storms.rs"),
        include_str!("laws.rs"),
        include_str!("rules.rs"),
        include_str!("../drills.rs"),
        include_str!("../timelines.rs"),
        include_str!("../../../src/hours.rs"),
        include_str!("../../../src/life.rs"),
        include_str!("../../../src/fatigue/tests.rs"),
        include_str!("../../../src/oncall/tests.rs"),
        include_str!("../../alertmanager/differences.rs"),
        include_str!("../../../../app/src/paging/tests.rs"),
        include_str!("../../../../app/src/reports/tests.rs"),
    ]
    .concat();
    let (_, map) = document.split_once("## Each rule and its tests").expect("the map is there");
    let rows: Vec<&str> = map.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 20, "{} rules", rows.len());
    for row in rows {
        let tests: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test is named for {row:?}");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
        }
    }
}
