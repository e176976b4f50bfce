//! A team of three with a rota by day, an override, and nobody at night.

use alert::{
    Hours, Matcher, Span,
    oncall::{Layer, Rotation, Schedule, Shift, Turn, Turns},
    plan::{Channel, ChannelKind, Escalation, Person, Plan, Target},
    route::{Branch, Tree},
};
use jiff::{
    civil::{date, time},
    tz::{TimeZone, TimeZoneDatabase},
};
use model::{Severity, UnixMillis};

use super::name;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone of the bundled ones")
}

/// Three people, a rota by day with an override, and nobody at night.
pub(crate) fn plan(now: UnixMillis) -> Plan {
    let pages = Branch {
        severity_min: Severity::High,
        matchers: vec![Matcher::equal("network", "mainnet")],
        escalation: Some(name("wake")),
        budget_per_week: Some(12),
        ..Branch::new(name("pages"))
    };
    let root = Branch {
        receivers: Some(vec![name("team-chat")]),
        branches: vec![pages],
        ..Branch::new(name("all"))
    };
    let mut plan = Plan::new(Tree::new(root).expect("a tree of names used once"));
    let kinds = [("team-chat", ChannelKind::Chat), ("phone", ChannelKind::Voice)];
    plan.channels = kinds.map(|(who, kind)| (name(who), Channel::new(kind))).into();
    let person = |channels: &[&str], place: &str| {
        Person::new(channels.iter().map(|c| name(c)).collect(), zone(place))
    };
    plan.people = [
        (name("ann"), person(&["phone", "team-chat"], "Europe/Berlin")),
        (name("bob"), person(&["phone"], "Europe/Berlin")),
        (name("noor"), person(&["team-chat"], "Asia/Singapore")),
    ]
    .into();
    let days = Hours {
        zone: zone("Europe/Berlin"),
        spans: vec![Span { days: alert::Days::ALL, from: time(8, 0, 0, 0), to: time(23, 0, 0, 0) }],
    };
    let rotation = Rotation {
        people: vec![name("ann"), name("bob")],
        turn: Turn::Weeks(1),
        begins: date(2024, 1, 1).at(9, 0, 0, 0),
    };
    let day_ms = 86_400_000;
    let primary = Schedule {
        name: name("primary"),
        layers: vec![Layer {
            name: name("europe"),
            zone: zone("Europe/Berlin"),
            turns: Turns::Rotation(rotation),
            hours: Some(days),
            until: None,
        }],
        overrides: vec![Shift {
            from: UnixMillis(now.0 + day_ms),
            to: UnixMillis(now.0 + 2 * day_ms),
            person: name("noor"),
        }],
    };
    plan.schedules = [(name("primary"), primary)].into();
    let rungs = vec![vec![Target::OnCall(name("primary"))], vec![Target::Person(name("noor"))]];
    plan.escalations = [(name("wake"), Escalation::of(rungs))].into();
    plan.fallback = vec![name("bob")];
    plan
}
