//! From what the pager stored to what people bore.

use std::sync::Arc;

use alert::{
    AlertBook, AlertInput, Policy,
    life::Deed,
    oncall::{Layer, Rotation, Schedule, Turn, Turns},
    pager::{Facts, Input, MessageId},
    plan::{Channel, ChannelKind, Escalation, Person, Target},
    route::{Branch, Tree},
};
use expect_test::expect;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use model::{
    Anchor, B256, BlockRef, Confidence, Evidence, Finding, FindingId, Origin, Position, Severity,
    UnixSeconds,
};
use store::Step;

use super::*;
use crate::paging::{Desk, stored};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// 2024-03-11T00:00:00Z, a Monday.
const BEGIN_MS: i64 = 1_710_115_200_000;
const HOUR_MS: i64 = 3_600_000;

/// Ann in Singapore is called for what is high; the agreed budget is four alerts a week.
fn plan() -> Arc<Plan> {
    let pages = Branch {
        severity_min: Severity::High,
        escalation: Some(name("wake")),
        budget_per_week: Some(4),
        ..Branch::new(name("pages"))
    };
    let root = Branch {
        receivers: Some(vec![name("chat")]),
        branches: vec![pages],
        ..Branch::new(name("all"))
    };
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.channels.insert(name("chat"), Channel::new(ChannelKind::Chat));
    plan.channels.insert(name("phone"), Channel::new(ChannelKind::Voice));
    let zone = TimeZoneDatabase::bundled().get("Asia/Singapore").unwrap();
    plan.people.insert(name("ann"), Person::new(vec![name("phone")], zone));
    let rotation = Rotation {
        people: vec![name("ann")],
        turn: Turn::Weeks(1),
        begins: "2024-01-01T00:00:00".parse().unwrap(),
    };
    let layer = Layer {
        name: name("all"),
        zone: TimeZone::UTC,
        turns: Turns::Rotation(rotation),
        hours: None,
        until: None,
    };
    let rota = Schedule { name: name("rota"), layers: vec![layer], overrides: Vec::new() };
    plan.schedules.insert(name("rota"), rota);
    let rungs = vec![vec![Target::OnCall(name("rota"))]];
    plan.escalations.insert(name("wake"), Escalation::of(rungs));
    Arc::new(plan)
}

/// The program over some days: findings in, the pager at work, people who answer.
struct Days {
    store: Store,
    desk: Desk,
    book: AlertBook,
    steps: u64,
}

impl Days {
    fn new() -> Self {
        let store = Store::in_memory().unwrap();
        let desk = Desk::open(store.clone(), plan(), UnixMillis(BEGIN_MS)).unwrap();
        Self { store, desk, book: AlertBook::new(), steps: 0 }
    }

    /// A finding of monitor `gas` on a deployment, so many hours after the beginning.
    fn finds(&mut self, deployment: &str, severity: Severity, hour: i64) -> AlertId {
        self.finds_by("expression", deployment, severity, hour)
    }

    fn finds_by(&mut self, detector: &str, on: &str, severity: Severity, hour: i64) -> AlertId {
        let now = UnixMillis(BEGIN_MS + hour * HOUR_MS);
        let (monitor, network) = (name("gas"), name("mainnet"));
        self.steps += 1;
        let what = format!("{on}-{}", self.steps);
        let anchor = Anchor::Episode { entity: what.clone(), began: UnixSeconds(0) };
        let finding = Finding {
            id: FindingId::derive(&monitor, 1, &network, &anchor, &what),
            detector: detector.to_owned(),
            monitor,
            version: 1,
            network: network.clone(),
            deployment: Some(name(on)),
            address: None,
            severity,
            confidence: Confidence::Proven,
            title: "gas is dear".to_owned(),
            origin: Origin {
                block: BlockRef { number: self.steps, hash: B256::with_last_byte(1) },
                timestamp: UnixSeconds(now.0 as u64 / 1_000),
                tx: None,
                log_index: None,
                frame: None,
            },
            evidence: Evidence::default(),
            value_at_risk: None,
            runbook: None,
        };
        let input = AlertInput::Findings { network: network.clone(), findings: vec![finding] };
        let alerts = self.book.apply(input, &Policy::default(), now).alerts;
        let input = Input::Alert(Facts::of(&alerts[0], "found"));
        let id = alerts[0].id;
        let step = Step {
            network,
            from: Position(self.steps - 1),
            checkpoint: Position(self.steps),
            monitors_version: 1,
            reverted: vec![],
            findings: vec![],
            samples: vec![],
            coverage: vec![],
            state: vec![],
            finalized: None,
            alerts,
            inputs: vec![stored(&input, now)],
            decisions: vec![],
        };
        self.store.commit(&step).unwrap();
        self.works(now);
        // What its group waits for.
        self.works(now.plus(60_000));
        id
    }

    /// What is due is decided and delivered.
    fn works(&mut self, now: UnixMillis) {
        self.desk.advance(now).unwrap();
        let outbox = self.store.outbox();
        for message in outbox.due(now, 100).unwrap() {
            let arrived = Input::Delivered { message: MessageId(message.id.0) };
            let report = message.person.is_some().then(|| stored(&arrived, now));
            outbox.delivered(message.id, "", now, report.as_ref()).unwrap();
        }
        self.desk.advance(now).unwrap();
    }

    fn says(&mut self, alert: AlertId, deed: Deed, hour: i64, minute: i64) {
        let at = UnixMillis(BEGIN_MS + hour * HOUR_MS + minute * 60_000);
        let reason = "looked".to_owned();
        let said = Input::Said { alerts: vec![alert], by: name("ann"), deed, at, reason };
        self.store.inbox().put(&[stored(&said, at)]).unwrap();
        self.works(at);
    }

    fn report(&self) -> Report {
        look(&self.store, &plan(), 1, UnixMillis(BEGIN_MS + 6 * 24 * HOUR_MS)).unwrap()
    }
}

#[test]
fn what_the_pager_stored_becomes_what_people_bore_with_the_rule_to_tune() {
    let mut days = Days::new();
    // Five pages, of which two at night in Singapore (16:00 to 23:00 UTC), all for nothing.
    for (at, (hour, minutes)) in [(2, 3), (17, 20), (30, 5), (42, 30), (52, 4)].iter().enumerate() {
        let alert = days.finds(&format!("vault-{at}"), Severity::High, *hour);
        days.says(alert, Deed::Acknowledge, *hour, *minutes);
        days.says(alert, Deed::Benign, *hour, minutes + 1);
    }
    // One that everybody was told of, found twice more, that nobody answers.
    for _ in 0..3 {
        days.finds("pool", Severity::Low, 60);
    }
    expect![[r#"
        2024-03-10 00:00:00 UTC to 2024-03-17 00:00:00 UTC: 0 % (0 of 5) called for action, 28.6 % (2 of 7) were never answered, 40 % (2 of 5) of the pages came at night
        ann: 5 pages in 1 shift, 5 a shift, too many; 40 % (2 of 5) at night, 0 % (0 of 5) never answered
        route all: 0, 2 alerts a week, no budget
        route all/pages: 0, 5 alerts a week, over its budget of 4 in 1 week
        gas (expression): 6 alerts, called people for 5; 0 % (0 of 5) called for action; 2 repetitions and 0 flaps not told
        bellwether (OverBudget): 1 alert, called people for 0; unknown (of none) called for action; 0 repetitions and 0 flaps not told
        tune first: let gas notify and not page until it is tuned
          because gas raised 6 alerts and called people for 5; 0 of 5 judged ones called for action, 1 of 6 were never acknowledged
          bellwether quality promote gas notify --by NAME --because "0 of 5 called for action" --write
    "#]]
    .assert_eq(&(lines(&days.report()).join("\n") + "\n"));
    let report = days.report();
    assert!(report.fatigue.is_too_much(), "five pages in a shift, and a budget of four");
    assert_eq!(report.fatigue.routes[1].weeks_over, 1);
}

#[test]
fn drills_do_not_count_and_nothing_is_claimed_of_nothing() {
    let mut days = Days::new();
    days.finds_by("drill/spring", "vault", Severity::Critical, 3);
    let report = days.report();
    assert_eq!(report.fatigue.rules, []);
    assert_eq!(report.fatigue.actionable.value(), None);
    assert!(!report.fatigue.is_too_much());
}
