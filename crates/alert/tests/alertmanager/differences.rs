//! Where ours differs from Alertmanager on purpose: the same story through both, and what each tells.

use std::{collections::BTreeSet, time::Duration};

use bellwether_alert::{
    Labels, Matcher,
    life::Truth,
    plan::Plan,
    quiet::{Inhibition, Silence, SilenceKind},
    route::{Branch, GroupBy, Tree},
};
use jiff::Timestamp;
use model::{Name, Severity};
use serde_json::json;

use crate::{
    ours::{Ours, START, channels},
    server::{Server, receiver},
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Both, with one receiver to which two ways lead, and a rule by which a cause hides what it causes.
fn both() -> Option<(Server, Ours)> {
    let server = Server::start(|hooks| {
        json!({
            "route": {
                "receiver": "chat", "group_by": ["alertname"],
                "group_wait": "2s", "group_interval": "1s", "repeat_interval": "1h",
                "routes": [
                    { "matchers": ["twice=\"yes\""], "continue": true },
                    { "matchers": ["twice=\"yes\""] },
                    { "matchers": ["kind=\"pair\""], "group_by": [] },
                ],
            },
            "inhibit_rules": [
                { "source_matchers": ["kind=\"cause\""], "target_matchers": ["kind=\"effect\""] },
            ],
            "receivers": [receiver(hooks, "chat")],
        })
    })?;
    let way = |text: &str, goes_on| Branch {
        matchers: vec![Matcher::equal("twice", "yes")],
        continue_matching: goes_on,
        ..Branch::new(name(text))
    };
    let root = Branch {
        receivers: Some(vec![name("chat")]),
        group_by: Some(GroupBy::Labels(vec!["alertname".to_owned()])),
        group_wait_s: Some(2),
        group_interval_s: Some(1),
        repeat_interval_s: Some(3_600),
        branches: vec![
            way("first", true),
            way("second", false),
            Branch {
                matchers: vec![Matcher::equal("kind", "pair")],
                group_by: Some(GroupBy::Labels(Vec::new())),
                ..Branch::new(name("pairs"))
            },
        ],
        ..Branch::new(name("root"))
    };
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.channels = channels([name("chat")]);
    plan.inhibitions = vec![Inhibition {
        name: name("cause"),
        source: vec![Matcher::equal("kind", "cause")],
        target: vec![Matcher::equal("kind", "effect")],
        equal: Vec::new(),
    }];
    Some((server, Ours::new(plan)))
}

struct Posted<'a> {
    name: &'a str,
    label: (&'a str, &'a str),
    severity: Severity,
}

impl Posted<'_> {
    fn post(&self, server: &Server, ours: &mut Ours, is_over: bool) {
        let (label, value) = self.label;
        let mut alert = json!({
            "labels": { "alertname": self.name, label: value, "severity": self.severity.as_str() },
            "startsAt": (Timestamp::now() - Duration::from_secs(1)).to_string(),
        });
        if is_over {
            alert["endsAt"] = json!(Timestamp::now().to_string());
        }
        server.post("/api/v2/alerts", &json!([alert]));
        let labels: Labels =
            [("alertname", self.name), (label, value), ("severity", self.severity.as_str())]
                .into_iter()
                .collect();
        let truth = if is_over { Truth::Ended } else { Truth::Confirmed };
        ours.alert(self.name, labels, self.severity, truth);
    }
}

fn silence(server: &Server, ours: &mut Ours, alert: &str) {
    let now = Timestamp::now();
    server.post(
        "/api/v2/silences",
        &json!({
            "matchers": [{ "name": "alertname", "value": alert, "isRegex": false, "isEqual": true }],
            "startsAt": now.to_string(),
            "endsAt": (now + Duration::from_secs(600)).to_string(),
            "createdBy": "ann", "comment": "quiet",
        }),
    );
    ours.silence(Silence {
        id: name(alert),
        kind: SilenceKind::Silence,
        matchers: vec![Matcher::equal("alertname", alert)],
        from: ours.now(),
        until: ours.now().plus(600_000),
        signed: [(name("ann"), ours.now())].into(),
        reason: "quiet".to_owned(),
    });
}

#[test]
fn an_empty_list_of_labels_is_one_group_also_below_another_one() {
    let Some((server, mut ours)) = both() else { return };
    for name in ["left", "right"] {
        Posted { name, label: ("kind", "pair"), severity: Severity::Medium }
            .post(&server, &mut ours, false);
    }
    server.wait(Duration::from_millis(3_200));
    ours.wait_s(3);
    let theirs: Vec<usize> = server.take().iter().map(|told| told.firing.len()).collect();
    let mine: Vec<usize> = ours.take().iter().map(|told| told.firing.len()).collect();
    assert_eq!((theirs, mine), (vec![1, 1], vec![2]), "theirs takes it for what is above it");
}

fn names(told: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut names: Vec<String> = told.into_iter().flatten().collect();
    names.sort();
    names
}

#[test]
fn each_difference_is_on_purpose() {
    let Some((server, mut ours)) = both() else { return };
    for quiet in ["signed-once", "cause"] {
        silence(&server, &mut ours, quiet);
    }
    let posted = |name, label, severity| Posted { name, label, severity };
    let plain = ("kind", "");
    let critical = posted("critical", plain, Severity::Critical);
    let twice = posted("twice", ("twice", "yes"), Severity::Medium);
    let signed_once = posted("signed-once", plain, Severity::Critical);
    let cause = posted("cause", ("kind", "cause"), Severity::Medium);
    let effect = posted("effect", ("kind", "effect"), Severity::Medium);
    for alert in [&critical, &twice, &signed_once, &cause, &effect] {
        alert.post(&server, &mut ours, false);
    }
    let at_once: BTreeSet<String> =
        ours.take().iter().filter(|told| told.at == START).flat_map(|t| t.firing.clone()).collect();
    server.wait(Duration::from_millis(800));
    let in_a_second = names(server.take().into_iter().map(|told| told.firing));

    // What is critical does not wait for its group, and one person alone cannot silence it.
    assert_eq!(in_a_second, [""; 0], "theirs waits, and is silent");
    assert_eq!(at_once, ["critical", "signed-once"].map(str::to_owned).into());

    server.wait(Duration::from_millis(3_000));
    ours.wait_s(4);
    let theirs = names(server.take().into_iter().map(|told| told.firing));
    let mine = names(ours.take().into_iter().map(|told| told.firing));
    // One reader hears of an alert once, however many of its ways lead there.
    assert_eq!(theirs, ["critical", "twice", "twice"]);
    // A cause that somebody silenced hides nothing: else nobody would hear of either.
    assert_eq!(mine, ["effect", "twice"]);

    // What was never told is not told to be over; what was told is, though a silence came since.
    silence(&server, &mut ours, "critical");
    critical.post(&server, &mut ours, true);
    cause.post(&server, &mut ours, true);
    server.wait(Duration::from_millis(3_000));
    ours.wait_s(3);
    let theirs = names(server.take().into_iter().map(|told| told.resolved));
    let mine = names(ours.take().into_iter().map(|told| told.resolved));
    assert_eq!(theirs, [""; 0], "a silence hides the end, too");
    assert_eq!(mine, ["critical"]);
}
