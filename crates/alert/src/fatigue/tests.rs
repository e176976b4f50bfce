use expect_test::expect;
use jiff::tz::TimeZone;

use super::*;
use crate::{
    plan::Person,
    route::{Branch, Tree},
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A Monday.
const BEGIN: UnixMillis = UnixMillis(MONDAY_MS + 2_900 * WEEK_MS);

fn at(day: i64, hour: i64) -> UnixMillis {
    BEGIN.plus(day * DAY_MS + hour * 3_600_000)
}

fn plan(budget: u32) -> Plan {
    let mut pages = Branch::new(name("pages"));
    pages.budget_per_week = Some(budget);
    let root = Branch { branches: vec![pages], ..Branch::new(name("all")) };
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.people.insert(name("ann"), Person::new(vec![name("phone")], TimeZone::UTC));
    plan
}

fn paged(alert: u8, at: UnixMillis, acknowledged_s: Option<i64>, action: Option<bool>) -> Heard {
    Heard {
        at,
        person: Some(name("ann")),
        alert: AlertId([alert; 16]),
        monitor: name("gas"),
        detector: "anomaly/level".to_owned(),
        network: name("mainnet"),
        route: "all/pages".into(),
        acknowledged: acknowledged_s.map(|s| at.plus(s * 1_000)),
        was_actionable: action,
    }
}

fn look(heard: &[Heard], suppressed: &[Suppressed], budget: u32) -> Fatigue {
    fatigue(heard, suppressed, &plan(budget), BEGIN, BEGIN.plus(2 * WEEK_MS))
}

#[test]
fn a_page_counts_once_however_often_and_over_however_many_channels_it_went() {
    let first = paged(1, at(0, 12), Some(60), None);
    let again = Heard { at: at(0, 13), ..first.clone() };
    let found = look(&[again, first.clone(), first], &[], 5);
    assert_eq!(found.people[0].pages, 1);
    assert_eq!(found.rules[0].alerts, 1);
    assert_eq!(found.people[0].acknowledged_after_s, [Some(60), None]);
}

#[test]
fn shares_are_of_what_is_known_and_nothing_is_claimed_of_the_rest() {
    let heard = [
        paged(1, at(0, 12), Some(30), Some(true)),
        paged(2, at(1, 23), None, Some(false)),
        paged(3, at(2, 3), None, None),
    ];
    let found = look(&heard, &[], 5);
    assert_eq!(found.actionable, Share { part: 1, n: 2 }, "the third was not judged");
    assert_eq!(found.ignored, Share { part: 2, n: 3 });
    assert_eq!(found.at_night, Share { part: 2, n: 3 });
    assert_eq!(look(&[], &[], 5).actionable.value(), None, "of nothing, nothing is known");
}

#[test]
fn the_budget_is_held_against_each_week_and_acknowledgement_drifts() {
    let mut heard: Vec<Heard> =
        (0..3).map(|i| paged(i, at(i64::from(i), 12), Some(60), None)).collect();
    heard.extend((3..8).map(|i| paged(i, at(7 + i64::from(i) - 3, 12), Some(600), None)));
    let found = look(&heard, &[], 4);
    assert_eq!(found.routes[0].weeks, [3, 5]);
    assert_eq!(found.routes[0].weeks_over, 1);
    assert_eq!(found.people[0].drift_s, Some(540));
    let outside = look(&[paged(9, at(14, 0), None, None)], &[], 4);
    assert!(outside.routes.is_empty(), "after the time that is looked at");
}

#[test]
fn the_noisiest_rule_is_proposed_to_be_tuned_with_its_evidence_once_enough_was_judged() {
    let judged = |n: u8, actionable: u8| -> Vec<Heard> {
        (0..n).map(|i| paged(i, at(0, 12), None, Some(i < actionable))).collect()
    };
    assert_eq!(look(&judged(4, 0), &[], 50).proposal, None, "four prove little");
    assert_eq!(look(&judged(8, 4), &[], 50).proposal, None, "half of them were worth it");
    let told = |found: Fatigue| {
        let proposal = found.proposal.unwrap();
        assert_eq!(proposal.benign.n, 8);
        format!("{}\n{}\n{}\n", proposal.evidence, proposal.change, proposal.command)
    };
    let flapping = [Suppressed { monitor: name("gas"), duplicates: 3, flaps: 40 }];
    let said = told(look(&judged(8, 0), &[], 50))
        + &told(look(&judged(8, 1), &[], 50))
        + &told(look(&judged(8, 1), &flapping, 50));
    expect![[r#"
        gas raised 8 alerts and called people for 8; 0 of 8 judged ones called for action, 8 of 8 were never acknowledged
        let gas notify and not page until it is tuned
        bellwether quality promote gas notify --by NAME --because "0 of 8 called for action" --write
        gas raised 8 alerts and called people for 8; 1 of 8 judged ones called for action, 8 of 8 were never acknowledged
        raise the threshold of gas (anomaly/level)
        bellwether tune . --stored mainnet --budget page=1/week
        gas raised 8 alerts and called people for 8; 1 of 8 judged ones called for action, 8 of 8 were never acknowledged
        gas flaps: let it hold for longer before it is raised
        bellwether backtest . --stored mainnet
    "#]]
    .assert_eq(&said);
}
