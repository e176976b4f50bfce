//! Who is on call and where alerts go, as pages and as a calendar.

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

use crate::{
    http::{Served, now},
    sample::name,
};

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// Three people, a rota by day with an override, and nobody at night.
pub(crate) fn plan() -> Plan {
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
    let mut plan = Plan::new(Tree::new(root).unwrap());
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
            from: UnixMillis(now().0 + day_ms),
            to: UnixMillis(now().0 + 2 * day_ms),
            person: name("noor"),
        }],
    };
    plan.schedules = [(name("primary"), primary)].into();
    let rungs = vec![vec![Target::OnCall(name("primary"))], vec![Target::Person(name("noor"))]];
    plan.escalations = [(name("wake"), Escalation::of(rungs))].into();
    plan.fallback = vec![name("bob")];
    plan
}

#[tokio::test]
async fn the_page_tells_who_is_on_call_and_when_nobody_will_be() {
    let page = Served::full().await.get("/on-call").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for wanted in [
        "primary",
        "bob",
        "Nobody is on call for",
        "in the next 28 days",
        "nobody has night cover",
        "add a [[schedule.rotation]] for those hours",
        "on call by primary",
        "phone (voice), team-chat (chat)",
        "Asia/Singapore",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(page.body.contains("url(#rota-gap)"), "a gap is hatched");
    assert!(page.body.contains("stroke-dasharray"), "an override is marked");
    assert!(page.body.contains("/on-call/primary.ics"));
}

#[tokio::test]
async fn a_schedule_is_a_calendar_with_its_gaps() {
    let served = Served::full().await;
    let calendar = served.get("/on-call/primary.ics").await;
    assert_eq!(calendar.status, 200);
    assert!(calendar.body.starts_with("BEGIN:VCALENDAR\r\n"), "{}", calendar.body);
    for wanted in ["SUMMARY:noor", "SUMMARY:bob", "SUMMARY:NOBODY ON CALL"] {
        assert!(calendar.body.contains(wanted), "{wanted}");
    }
    assert_eq!(served.get("/on-call/secondary.ics").await.status, 404);
}

#[tokio::test]
async fn an_alert_is_tried_out_without_scripts() {
    let served = Served::full().await;
    let text = served.get("/routes").await.text();
    for wanted in ["network=\"mainnet\"", "high or worse", "12 a week", "Where would it go?"] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(!text.contains("Where it would go"), "nothing was asked");
    let asked =
        "/routes?severity=critical&network=mainnet&monitor=&deployment=&at=2024-03-11T12:00Z";
    let text = served.get(asked).await.text();
    for wanted in [
        "yes, and it stays here",
        "ann voice phone, chat team-chat at once",
        "on call, rotation europe",
        "noor",
        "not on call then; by primary from",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    let text = served.get("/routes?severity=awful").await.text();
    assert!(text.contains("not tried unknown severity"), "{text}");
}
