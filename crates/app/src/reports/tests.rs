//! What other systems report, on a virtual clock: from a request to what people hear.

use std::sync::Arc;

use alert::{
    life::Deed,
    pager::Input,
    quiet::{Silence, SilenceKind},
};
use model::{
    Alert, AlertId, AlertState, MessageForm, Name, NotificationKind, Secret, Severity, UnixMillis,
};
use serde_json::{Value, json};
use store::{AlertFilter, Store};

use super::{Door, MARK, OPEN_MAX, Severities, Taken, posted, take, webhook};
use crate::paging::{
    self, Desk, Inbox, life,
    tests::{at, plan},
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn rfc(s: i64) -> String {
    jiff::Timestamp::from_millisecond(at(s).0).unwrap().to_string()
}

/// A store that a Prometheus reports to, and its pager.
struct Scene {
    store: Store,
    desk: Desk,
    door: Door,
}

impl Scene {
    fn new() -> Self {
        let store = Store::in_memory().unwrap();
        let desk = Desk::open(store.clone(), plan(), at(0)).unwrap();
        let door = Door {
            name: name("prometheus"),
            token: Arc::new(Secret::new("token".to_owned())),
            severities: Severities::default(),
            resolve_timeout_ms: 300_000,
            per_minute: 60,
        };
        Self { store, desk, door }
    }

    /// Time passes, a second at a time as in the program.
    fn until(&mut self, s: i64) {
        self.desk.advance(at(s)).unwrap();
    }

    /// The Prometheus says at `s` that these alerts go on, or end at that time.
    fn posts(&mut self, s: i64, alerts: Value) -> Taken {
        let told = posted(alerts.to_string().as_bytes()).unwrap();
        let taken = take(&self.store, &self.door, &told, at(s)).unwrap();
        self.until(s);
        taken
    }

    /// An Alertmanager's webhook says so.
    fn hooks(&mut self, s: i64, alerts: Value) -> Taken {
        let body = json!({ "version": "4", "alerts": alerts }).to_string();
        let (told, _) = webhook(body.as_bytes()).unwrap();
        let taken = take(&self.store, &self.door, &told, at(s)).unwrap();
        self.until(s);
        taken
    }

    fn alerts(&self) -> Vec<Alert> {
        let filter = AlertFilter { monitor: Some(name("prometheus")), ..AlertFilter::default() };
        let mut alerts = self.store.alerts(&filter, None, 100).unwrap().items;
        alerts.reverse();
        alerts
    }

    fn stage(&self, alert: AlertId) -> &'static str {
        life(&self.store.alert(alert).unwrap().unwrap()).unwrap().stage().as_str()
    }

    /// `opened on chat`, `ann is called`, `closed for ann over sms`, in order.
    fn told(&self, alert: AlertId) -> Vec<String> {
        let mut messages = self.store.alert(alert).unwrap().unwrap().notifications;
        messages.sort_by_key(|message| message.decided_at);
        let one = |message: &model::Notification| match (&message.form, &message.person) {
            (MessageForm::Page, Some(person)) => format!("{person} is called"),
            (_, Some(person)) => {
                format!("{} for {person} over {}", message.kind.as_str(), message.receiver)
            }
            (_, None) => format!("{} on {}", message.kind.as_str(), message.receiver),
        };
        messages.iter().map(one).collect()
    }
}

/// A node is down since `since`, and it is said to be so until `ends`.
fn down(since: i64, ends: Option<i64>) -> Value {
    let mut alert = json!({
        "labels": {"alertname": "NodeDown", "severity": "page", "node": "7"},
        "annotations": {"summary": "node 7 is down"},
        "startsAt": rfc(since),
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
    });
    if let Some(ends) = ends {
        alert["endsAt"] = json!(rfc(ends));
    }
    alert
}

#[test]
fn a_repeated_alert_is_one_and_pages_once_and_its_end_is_told_and_then_it_is_another() {
    let mut scene = Scene::new();
    let began = scene.posts(0, json!([down(-30, Some(240))]));
    assert_eq!(began, Taken { began: 1, ..Taken::default() });
    for s in (60..=600).step_by(60) {
        let again = scene.posts(s, json!([down(-30, Some(s + 240))]));
        assert_eq!(again, Taken { go_on: 1, ..Taken::default() });
        if s == 60 {
            let (alerts, by) = (vec![scene.alerts()[0].id], name("ann"));
            let said =
                Input::Said { alerts, by, deed: Deed::Acknowledge, at: at(61), reason: "k".into() };
            Inbox::new(scene.store.clone(), Arc::default()).put(&said, at(61)).unwrap();
        }
    }
    let [alert] = &scene.alerts()[..] else { panic!("one alert") };
    assert_eq!((alert.state, alert.severity), (AlertState::Reported, Severity::Critical));
    assert_eq!((alert.network.as_ref(), alert.monitor.as_str()), (None, "prometheus"));
    assert_eq!(alert.title(), "node 7 is down");
    assert_eq!(scene.stage(alert.id), "acknowledged");
    let calls = |told: &[String]| told.iter().filter(|word| word.ends_with("called")).count();
    let told = scene.told(alert.id);
    assert_eq!(told.iter().filter(|word| word.starts_with("opened on")).count(), 1, "{told:?}");
    assert!(calls(&told) > 0, "{told:?}");

    let over = scene.posts(660, json!([down(-30, Some(650))]));
    assert_eq!(over, Taken { ended: 1, ..Taken::default() });
    assert_eq!(scene.stage(alert.id), "resolved");
    scene.until(2_000);
    let told = scene.told(alert.id);
    let closed: Vec<&String> = told.iter().filter(|word| word.starts_with("closed")).collect();
    let whom: std::collections::BTreeSet<&&String> = closed.iter().collect();
    assert_eq!(closed.len(), whom.len(), "each hears once that it is over: {told:?}");
    assert!(told.contains(&"closed on chat".to_owned()), "{told:?}");
    let again = scene.posts(2_001, json!([down(-30, Some(650))]));
    assert_eq!(again, Taken { known_over: 1, ..Taken::default() }, "its end was heard");

    // What begins again is another alert, also where its source says that it began as before.
    scene.posts(3_000, json!([down(-30, Some(3_240))]));
    let [first, second] = &scene.alerts()[..] else { panic!("two alerts") };
    assert_eq!(
        (first.opened_at, first.fingerprint.as_str()),
        (second.opened_at, &*second.fingerprint)
    );
    let another = if first.id == alert.id { second } else { first };
    assert_eq!(scene.stage(another.id), "open");
    assert!(calls(&scene.told(another.id)) > 0);
}

#[test]
fn what_prometheus_does_not_say_any_more_is_over_when_its_time_is_up() {
    let mut scene = Scene::new();
    scene.posts(0, json!([down(0, Some(240)), {"labels": {"alertname": "Disk"}}]));
    let alerts = scene.alerts();
    let id = |rule: &str| alerts.iter().find(|alert| alert.rule() == rule).unwrap().id;
    scene.until(239);
    assert_eq!(scene.stage(id("NodeDown")), "open");
    scene.until(240);
    assert_eq!(scene.stage(id("NodeDown")), "resolved");
    let details = scene.store.alert(id("NodeDown")).unwrap().unwrap();
    let why = life(&details).unwrap().steps().last().unwrap().reason.clone();
    assert_eq!(why, "prometheus does not say it any more");
    // Without a word of when it ends: five minutes, as in Alertmanager.
    assert_eq!(scene.stage(id("Disk")), "open");
    scene.until(300);
    assert_eq!(scene.stage(id("Disk")), "resolved");
    assert_eq!(scene.store.reports_open("prometheus").unwrap(), 0);
    // No reorg takes it back, and no book of a chain knows it.
    assert!(scene.store.open_alerts(&name("mainnet"), u64::MAX >> 1).unwrap().is_empty());
    assert!(scene.store.alerts_to_restore(model::UnixSeconds(0)).unwrap().is_empty());
}

#[test]
fn a_webhook_says_when_it_is_over_and_until_then_it_goes_on() {
    let mut scene = Scene::new();
    let mut alert = down(0, None);
    alert["status"] = json!("firing");
    alert["endsAt"] = json!("0001-01-01T00:00:00Z");
    assert_eq!(scene.hooks(0, json!([alert])).began, 1);
    let id = scene.alerts()[0].id;
    scene.until(86_400);
    assert_eq!(scene.stage(id), "open", "an Alertmanager repeats it after hours");
    alert["status"] = json!("resolved");
    assert_eq!(scene.hooks(86_401, json!([alert])).ended, 1);
    assert_eq!(scene.stage(id), "resolved");
}

#[test]
fn silences_routes_and_labels_know_it_and_what_its_source_says_of_us_does_not_count() {
    let mut scene = Scene::new();
    let silence = Silence {
        id: name("node"),
        kind: SilenceKind::Silence,
        matchers: vec!["node=\"7\"".parse().unwrap(), "source=\"prometheus\"".parse().unwrap()],
        from: at(0),
        until: at(3_600),
        signed: [(name("ann"), at(0)), (name("bob"), at(0))].into(),
        reason: "moved".to_owned(),
    };
    Inbox::new(scene.store.clone(), Arc::default()).put(&Input::Silence(silence), at(0)).unwrap();
    let mut other = down(0, Some(7_200));
    other["labels"] = json!({"alertname": "Odd", "severity": "SEV 1", "drill": "tuesday",
        "monitor": "drain", "source": "bellwether", "network": "mainnet"});
    scene.posts(1, json!([down(0, Some(7_200)), other]));
    let alerts = scene.alerts();
    let of = |rule: &str| alerts.iter().find(|alert| alert.rule() == rule).unwrap();
    assert!(scene.told(of("NodeDown").id).is_empty(), "{:?}", scene.told(of("NodeDown").id));
    let odd = of("Odd");
    assert!(odd.provenance().is_live() && odd.network.is_none());
    let card = scene.desk.pager().card(odd.id).unwrap();
    let labels = &card.facts().labels;
    let label = |name: &str| labels.get(name).to_owned();
    assert_eq!((label("drill"), label("monitor")), (String::new(), "prometheus".to_owned()));
    assert_eq!((label("source"), label("severity")), ("prometheus".into(), "medium".into()));
    assert_eq!(label("network"), "mainnet", "routes may look at it");
    let known = odd.report().unwrap().annotations.get("how bad").unwrap();
    assert_eq!(known, "\"SEV 1\" is unknown: taken for medium");
    scene.until(60);
    assert_eq!(scene.told(odd.id), ["opened on chat"], "it is told, and wakes nobody");
    // What was hidden is told when the silence ends.
    scene.until(3_700);
    assert!(!scene.told(of("NodeDown").id).is_empty());
}

#[test]
fn what_a_bellwether_told_comes_back_and_is_no_news() {
    let mut scene = Scene::new();
    scene.posts(0, json!([down(0, Some(3_600))]));
    let ours = scene.alerts()[0].clone();
    // As it was sent out by the receiver, and comes back over the webhook.
    let finding = crate::notify::message::tests::finding();
    let (_, mut message) = crate::notify::message::tests::alert_of(finding);
    message.alert = ours.id;
    let context = crate::notify::message::Context::default();
    let told = alert::Tellable::of(ours.clone()).unwrap();
    let message = crate::notify::message::Message::new(told, &message, &context, at(5));
    let sent = message.alertmanager(std::time::Duration::from_secs(3_600));
    assert_eq!(sent[0]["labels"][MARK], json!(ours.id.to_string()));
    assert_eq!(scene.hooks(10, sent.clone()), Taken { ours: 1, ..Taken::default() });
    // Another installation that shares the Alertmanager takes it for no news either.
    assert_eq!(Scene::new().hooks(10, sent).ours, 1);
    // As an earlier version marked them: only what is on record here counts as ours.
    let old = |id: AlertId| json!([{"labels": {"alertname": "drain", "alert": id.to_string()}}]);
    assert_eq!(scene.posts(11, old(ours.id)).ours, 1);
    assert_eq!(scene.posts(12, old(AlertId([9; 16]))).began, 1);
    assert_eq!(scene.alerts().len(), 2);
}

#[test]
fn what_the_pager_is_told_and_the_alert_are_on_record_together_or_not_at_all() {
    let scene = Scene::new();
    let told = posted(json!([down(0, Some(240))]).to_string().as_bytes()).unwrap();
    let failed = scene.store.change_reports("prometheus", |reports| {
        let alert = scene_alert(&told[0]);
        reports.keep("f", &alert, None)?;
        reports.tell(&paging::stored(&Input::Tick, at(0)))?;
        Err::<(), _>(store::StoreError::NotADrill(alert.id))
    });
    assert!(failed.is_err());
    assert!(scene.alerts().is_empty());
    assert_eq!(scene.store.inbox().backlog().unwrap().0, 0);
    take(&scene.store, &scene.door, &told, at(0)).unwrap();
    assert_eq!((scene.alerts().len(), scene.store.inbox().backlog().unwrap().0), (1, 1));
}

fn scene_alert(told: &super::Told) -> Alert {
    let report = model::Report {
        source: model::Source::System(name("prometheus")),
        fingerprint: told.fingerprint.clone(),
        rule: told.rule(),
        title: told.title(),
        began: UnixMillis(1),
        times: 1,
        labels: told.labels.clone(),
        annotations: told.annotations.clone(),
        shown_at: None,
    };
    Alert::reported(report, Severity::High, 0, at(0))
}

#[test]
fn beyond_what_can_go_on_at_once_is_refused_and_said() {
    let scene = Scene::new();
    let of = |from: u64, to: u64| {
        let alerts: Vec<Value> =
            (from..to).map(|i| json!({"labels": {"alertname": "x", "i": i.to_string()}})).collect();
        posted(json!(alerts).to_string().as_bytes()).unwrap()
    };
    for from in (0..OPEN_MAX).step_by(1_000) {
        let taken = take(&scene.store, &scene.door, &of(from, from + 1_000), at(0)).unwrap();
        assert_eq!(taken.began, 1_000);
    }
    let taken = take(&scene.store, &scene.door, &of(OPEN_MAX - 1, OPEN_MAX + 2), at(1)).unwrap();
    assert_eq!(taken, Taken { go_on: 1, refused: 2, ..Taken::default() });
}

#[test]
fn no_channel_makes_a_link_or_a_mention_of_what_a_stranger_says() {
    let mut scene = Scene::new();
    let mut alert = down(0, None);
    alert["annotations"] = json!({
        "summary": "see https://evil.example/x @everyone <b>now</b> evil.example",
        "runbook_url": "https://evil.example/runbook",
    });
    scene.posts(0, json!([alert]));
    let alert = scene.alerts().remove(0);
    let finding = crate::notify::message::tests::finding();
    let (_, notification) = crate::notify::message::tests::alert_of(finding);
    let context = crate::notify::message::Context::default();
    let told = alert::Tellable::of(alert).unwrap();
    let message = crate::notify::message::Message::new(told, &notification, &context, at(5));
    assert_eq!(message.links, []);
    assert!(message.rows.iter().all(|row| row.link.is_none()));
    let texts = [message.text(), message.html(), message.sms(), message.json().to_string()];
    for text in texts {
        for bad in ["https://evil", "evil.example", "@everyone", "http://prometheus"] {
            assert!(!text.contains(bad), "{bad} in {text}");
        }
    }
    assert!(!message.html().contains("<b>"), "{}", message.html());
    assert_eq!(message.json()["report"]["source"], "prometheus");
    assert_eq!(message.json()["finding"], Value::Null);
    assert!(message.subject().ends_with("(prometheus)"), "{}", message.subject());
    assert_eq!(NotificationKind::Opened, message.kind);
}
