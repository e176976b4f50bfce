//! What a reader bears.

use bellwether_alert::{
    life::Deed,
    pager::{MessageKind, News},
    route::{Branch, GroupBy, Tree},
};
use expect_test::expect;
use model::Severity::{self, Critical, High, Low};

use super::night::{Night, facts, id, names, person, plan, readers};
use crate::play::name;

/// Each alert its own group: as bad as it gets.
fn alone(escalates: bool) -> bellwether_alert::plan::Plan {
    let mut plan = plan();
    let mut root = Branch::new(name("all"));
    root.receivers = Some(names(&["chat"]));
    root.group_by = Some(GroupBy::Alert);
    root.escalation = escalates.then(|| name("acme"));
    plan.tree = Tree::new(root).unwrap();
    plan
}

#[test]
fn a_storm_is_summarised_critical_first_and_everything_is_told() {
    let mut night = Night::new(alone(false));
    for number in 0..200 {
        let severity = if number % 10 == 9 { Critical } else { Low };
        night.at(0).alert(facts(number, severity));
    }
    night.at(120);
    let mut said = String::new();
    for message in &night.outbox {
        let count = message.lines.len();
        said += &format!(
            "{} {:?} {}: {count}\n",
            message.at.0 / 1_000 - 1_800_000_000,
            message.kind,
            message.severity
        );
    }
    expect![[r#"
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        0 Notice critical: 1
        10 Summary critical: 10
        90 Summary low: 180
    "#]]
    .assert_eq(&said);
    let told = |number: u8| {
        let card = night.pager.card(id(number)).unwrap();
        card.told().any(|whom| *whom == readers("chat"))
    };
    assert!((0..200).all(told), "nothing was dropped");
}

#[test]
fn a_phone_that_would_ring_a_hundred_times_gets_one_summary_and_one_answer_ends_it() {
    let mut night = Night::new(alone(true));
    for number in 0..100 {
        night.at(0).alert(facts(number, High));
    }
    night.at(70);
    let of_ann = |night: &Night| {
        let own = night.outbox.iter().filter(|message| message.to == person("ann", "voice"));
        own.map(|message| (message.kind, message.lines.len())).collect::<Vec<_>>()
    };
    let calls = of_ann(&night);
    let summaries = calls.iter().filter(|(kind, _)| *kind == MessageKind::Summary).count();
    assert!(calls.len() - summaries <= 6, "{calls:?}");
    assert_eq!(summaries, 1);
    for number in 0..100 {
        night.says("ann", number, Deed::Acknowledge);
    }
    let before = night.outbox.len();
    night.at(86_400);
    let calls = night.outbox[before..].iter().filter(|message| message.to.person.is_some());
    assert_eq!(calls.count(), 0);
}

#[test]
fn a_reorg_of_a_whole_storm_is_taken_back_to_everyone() {
    let mut night = Night::new(alone(true));
    for number in 0..60 {
        night.at(0).alert(facts(number, if number < 30 { High } else { Severity::Info }));
    }
    night.at(100);
    for number in 0..60 {
        night.at(110).retract(number);
    }
    night.at(1_000);
    for number in 0..60 {
        let card = night.pager.card(id(number)).unwrap();
        for whom in card.told() {
            let words = night.outbox.iter().filter(|message| message.to == *whom);
            let last = words.flat_map(|m| m.lines.iter().filter(|l| l.alert == id(number))).last();
            assert_eq!(last.map(|line| line.news), Some(News::Void), "alert {number}, {whom}");
        }
    }
}
