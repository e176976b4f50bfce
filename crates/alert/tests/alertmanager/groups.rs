//! What belongs together and what is hidden: random alerts, routes, silences and inhibitions.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bellwether_alert::{
    Labels, Matcher, Op,
    life::Truth,
    plan::Plan,
    quiet::{Inhibition, Silence, SilenceKind},
    route::{Branch, GroupBy, Tree, TreeFault},
};
use jiff::Timestamp;
use model::{Name, Severity};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    draw,
    ours::{Ours, channels},
    server::{Server, receiver},
};

/// Alerts of each story; half as many come later.
const ALERTS: usize = 90;

/// Stories, side by side, each with an Alertmanager of its own.
const STORIES: usize = 4;

/// Labels that routes, groups, silences and inhibitions look at.
const NAMES: [&str; 3] = ["team", "site", "kind"];

type Pairs = BTreeMap<&'static str, &'static str>;

fn pairs() -> impl Strategy<Value = Pairs> {
    let value = |values: &'static [&'static str]| prop::sample::select(values);
    (value(&["", "a", "b", "c"]), value(&["", "x", "y"]), value(&["", "", "cause"])).prop_map(
        |(team, site, kind)| {
            let all = [("team", team), ("site", site), ("kind", kind)];
            all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
        },
    )
}

type Wanted = (&'static str, Op, &'static str);

fn wanted() -> impl Strategy<Value = Wanted> {
    prop::sample::select(
        &[
            ("team", Op::Equal, "a"),
            ("team", Op::NotEqual, "a"),
            ("team", Op::Like, "a|b"),
            ("team", Op::Like, ".+"),
            ("team", Op::NotLike, "b|c"),
            ("site", Op::Equal, "x"),
            ("site", Op::Equal, ""),
            ("site", Op::NotLike, "x.*"),
        ][..],
    )
}

#[derive(Debug, Clone)]
struct Route {
    wanted: Vec<Wanted>,
    group_by: Option<BTreeSet<&'static str>>,
    goes_on: bool,
    below: Vec<Route>,
}

fn route() -> impl Strategy<Value = Route> {
    let leaf = |below: BoxedStrategy<Vec<Route>>| {
        let group_by = prop::option::of(prop::collection::btree_set(
            prop::sample::select(&NAMES[..]),
            // An empty list is not the same in both; see the differences.
            1..3,
        ));
        (prop::collection::vec(wanted(), 1..3), group_by, any::<bool>(), below).prop_map(
            |(wanted, group_by, goes_on, below)| Route { wanted, group_by, goes_on, below },
        )
    };
    let bottom = leaf(Just(Vec::new()).boxed());
    leaf(prop::collection::vec(bottom, 0..3).boxed())
}

/// Rules whose causes nothing silences: see the test of that difference.
fn inhibition() -> impl Strategy<Value = (Wanted, &'static str)> {
    (wanted(), prop::sample::select(&["team", "site"][..]))
}

#[derive(Debug)]
struct Story {
    routes: Vec<Route>,
    inhibitions: Vec<(Wanted, &'static str)>,
    silences: Vec<Wanted>,
    alerts: Vec<Pairs>,
    later: Vec<Pairs>,
}

fn story(runner: &mut TestRunner) -> Story {
    let mut later = draw(runner, &prop::collection::vec(pairs(), ALERTS / 2));
    // What is hidden by a cause that comes later was told already, and is told no more by either.
    later.iter_mut().for_each(|labels| drop(labels.remove("kind")));
    // Ours refuses branches that nothing can reach; theirs lets them be.
    let routes = std::iter::repeat_with(|| draw(runner, &prop::collection::vec(route(), 3..6)));
    let routes = routes.take(100).find(|routes| tree(routes).is_ok()).unwrap();
    Story {
        routes,
        inhibitions: draw(runner, &prop::collection::vec(inhibition(), 0..3)),
        silences: draw(runner, &prop::collection::vec(wanted(), 0..2)),
        alerts: draw(runner, &prop::collection::vec(pairs(), ALERTS)),
        later,
    }
}

fn text(&(label, op, value): &Wanted) -> String {
    format!("{label}{}\"{value}\"", op.as_str())
}

fn matcher(&(label, op, value): &Wanted) -> Matcher {
    Matcher::new(label, op, value).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn theirs(routes: &[Route], above: &str, receivers: &mut Vec<String>) -> Vec<Value> {
    let mut all = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        let receiver = format!("{above}-{at}");
        receivers.push(receiver.clone());
        let mut json = json!({
            "receiver": receiver,
            "matchers": route.wanted.iter().map(text).collect::<Vec<_>>(),
            "continue": route.goes_on,
            "routes": theirs(&route.below, &receiver, receivers),
        });
        if let Some(group_by) = &route.group_by {
            json["group_by"] = json!(group_by);
        }
        all.push(json);
    }
    all
}

fn our_branches(routes: &[Route], above: &str) -> Vec<Branch> {
    let branch = |(at, route): (usize, &Route)| {
        let receiver = format!("{above}-{at}");
        Branch {
            receivers: Some(vec![name(&receiver)]),
            matchers: route.wanted.iter().map(matcher).collect(),
            group_by: route.group_by.as_ref().map(|labels| {
                GroupBy::Labels(labels.iter().map(|&label| label.to_owned()).collect())
            }),
            continue_matching: route.goes_on,
            branches: our_branches(&route.below, &receiver),
            ..Branch::new(name(&receiver))
        }
    };
    routes.iter().enumerate().map(branch).collect()
}

fn tree(routes: &[Route]) -> Result<Tree, Vec<TreeFault>> {
    Tree::new(Branch {
        receivers: Some(vec![name("root")]),
        group_by: Some(GroupBy::Labels(vec!["team".to_owned()])),
        group_wait_s: Some(1),
        group_interval_s: Some(1),
        repeat_interval_s: Some(3_600),
        branches: our_branches(routes, "r"),
        ..Branch::new(name("root"))
    })
}

/// Who was told of which alerts at once.
type Groups = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// What was told at all.
type News = BTreeSet<(String, String)>;

/// Plays a story; how many alerts nobody was told of at first.
fn play(story: &Story) -> Option<usize> {
    let mut receivers = vec!["root".to_owned()];
    let routes = theirs(&story.routes, "r", &mut receivers);
    let inhibit: Vec<Value> = story
        .inhibitions
        .iter()
        .map(|(target, equal)| {
            json!({
                "source_matchers": ["kind=\"cause\""],
                "target_matchers": ["kind=\"\"", text(target)],
                "equal": [equal],
            })
        })
        .collect();
    let server = Server::start(|hooks| {
        json!({
            "route": {
                "receiver": "root", "group_by": ["team"], "routes": routes,
                "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h",
            },
            "inhibit_rules": inhibit,
            "receivers": receivers.iter().map(|name| receiver(hooks, name)).collect::<Vec<_>>(),
        })
    })?;

    let mut plan = Plan::new(tree(&story.routes).unwrap());
    plan.channels = channels(receivers.iter().map(|receiver| name(receiver)));
    plan.inhibitions = story
        .inhibitions
        .iter()
        .enumerate()
        .map(|(at, (target, equal))| Inhibition {
            name: name(&format!("i{at}")),
            source: vec![Matcher::equal("kind", "cause")],
            target: vec![Matcher::equal("kind", ""), matcher(target)],
            equal: vec![(*equal).to_owned()],
        })
        .collect();
    let mut ours = Ours::new(plan);

    for (at, silenced) in story.silences.iter().enumerate() {
        let now = Timestamp::now();
        let (label, op, value) = silenced;
        server.post(
            "/api/v2/silences",
            &json!({
                "matchers": [
                    { "name": "kind", "value": "", "isRegex": false, "isEqual": true },
                    {
                        "name": label, "value": value,
                        "isRegex": matches!(op, Op::Like | Op::NotLike),
                        "isEqual": matches!(op, Op::Equal | Op::Like),
                    },
                    // One matcher must want a value.
                    { "name": "alertname", "value": "n.*", "isRegex": true, "isEqual": true },
                ],
                "startsAt": now.to_string(),
                "endsAt": (now + Duration::from_secs(3_600)).to_string(),
                "createdBy": "ann", "comment": "quiet",
            }),
        );
        ours.silence(Silence {
            id: name(&format!("s{at}")),
            kind: SilenceKind::Silence,
            matchers: vec![
                Matcher::equal("kind", ""),
                matcher(silenced),
                Matcher::new("alertname", Op::Like, "n.*").unwrap(),
            ],
            from: ours.now(),
            until: ours.now().plus(3_600_000),
            signed: [(name("ann"), ours.now())].into(),
            reason: "quiet".to_owned(),
        });
    }

    let begun = Timestamp::now();
    let wire = |name: &str, labels: &Pairs, over: Option<Timestamp>| {
        let mut all: BTreeMap<&str, &str> = labels.clone();
        all.insert("alertname", name);
        let mut json = json!({ "labels": all, "startsAt": begun.to_string() });
        if let Some(over) = over {
            json["endsAt"] = json!(over.to_string());
        }
        json
    };
    let own = |name: &str, labels: &Pairs| -> Labels {
        labels.iter().map(|(label, value)| (*label, *value)).chain([("alertname", name)]).collect()
    };

    // First everything begins.
    let named = |prefix: &'static str, alerts: &[Pairs]| -> Vec<(String, Pairs)> {
        let alerts = alerts.iter().cloned().enumerate();
        alerts.map(|(at, labels)| (format!("{prefix}{at}"), labels)).collect()
    };
    let first = named("n", &story.alerts);
    let posted: Vec<Value> = first.iter().map(|(n, labels)| wire(n, labels, None)).collect();
    server.post("/api/v2/alerts", &json!(posted));
    for (name, labels) in &first {
        ours.alert(name, own(name, labels), Severity::Medium, Truth::Confirmed);
    }
    server.wait(Duration::from_millis(3_200));
    ours.wait_s(3);
    let they_said = server.take();
    let we_said = ours.take();
    let mut their_groups = Groups::new();
    let mut told_to = News::new();
    for told in &they_said {
        their_groups
            .entry(told.receiver.clone())
            .or_default()
            .insert(told.firing.iter().cloned().collect());
        told_to.extend(told.firing.iter().map(|n| (told.receiver.clone(), n.clone())));
    }
    let mut our_groups = Groups::new();
    for told in &we_said {
        our_groups
            .entry(told.receiver.clone())
            .or_default()
            .insert(told.firing.iter().cloned().collect());
    }
    assert_eq!(our_groups, their_groups, "{story:#?}");

    // Then some end, and others begin.
    let over = Timestamp::now();
    let ended: Vec<&(String, Pairs)> = first.iter().step_by(3).collect();
    let later = named("m", &story.later);
    let mut posted: Vec<Value> =
        ended.iter().map(|(n, labels)| wire(n, labels, Some(over))).collect();
    posted.extend(later.iter().map(|(n, labels)| wire(n, labels, None)));
    server.post("/api/v2/alerts", &json!(posted));
    for (name, labels) in &ended {
        ours.alert(name, own(name, labels), Severity::Medium, Truth::Ended);
    }
    for (name, labels) in &later {
        ours.alert(name, own(name, labels), Severity::Medium, Truth::Confirmed);
    }
    server.wait(Duration::from_millis(3_700));
    ours.wait_s(4);
    let (mut their_new, mut their_over) = (News::new(), News::new());
    for told in server.take() {
        let news = |names: Vec<String>| names.into_iter().map(|n| (told.receiver.clone(), n));
        their_new.extend(news(told.firing.clone()).filter(|news| !told_to.contains(news)));
        // Theirs tells the end of what it never told; see the differences.
        their_over.extend(news(told.resolved.clone()).filter(|news| told_to.contains(news)));
    }
    let (mut our_new, mut our_over) = (News::new(), News::new());
    for told in ours.take() {
        our_new.extend(told.firing.iter().map(|n| (told.receiver.clone(), n.clone())));
        our_over.extend(told.resolved.iter().map(|n| (told.receiver.clone(), n.clone())));
    }
    assert_eq!(our_new, their_new, "{story:#?}");
    assert_eq!(our_over, their_over, "{story:#?}");
    assert!(!our_over.is_empty() && !our_new.is_empty(), "a story in which nothing happens");
    let told: BTreeSet<&String> = told_to.iter().map(|(_, alert)| alert).collect();
    Some(ALERTS - told.len())
}

#[test]
fn the_same_alerts_are_told_together_and_the_same_are_hidden() {
    let mut runner = TestRunner::deterministic();
    let stories: Vec<Story> = (0..STORIES).map(|_| story(&mut runner)).collect();
    std::thread::scope(|scope| {
        let playing: Vec<_> = stories.iter().map(|story| scope.spawn(|| play(story))).collect();
        let mut hidden = Some(0);
        for played in playing {
            match played.join() {
                Ok(played) => hidden = hidden.zip(played).map(|(all, more)| all + more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        assert!(hidden.is_none_or(|hidden| hidden > 20), "too little is hidden: {hidden:?}");
    });
}
