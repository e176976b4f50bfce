//! The pager through the store, on a virtual clock.

use std::{collections::BTreeMap, sync::Arc};

use alert::{
    life::{Deed, Truth},
    pager::{Input, MessageId, Whom},
    plan::{Channel, ChannelKind, Escalation, Person, Plan, Target},
    route::{Branch, GroupBy, Tree},
};
use jiff::tz::TimeZone;
use model::{Alert, MessageForm, Notification, Severity, Stage, UnixMillis};
use registry::Registry;
use store::{Audit, Store, StoreError};

use super::{Desk, Inbox, PagingError, facts, life, rulings};
use crate::notify::message::tests::{NOON_S, alert_of, finding, name};

/// Seconds after noon.
pub(crate) fn at(s: i64) -> UnixMillis {
    UnixMillis(NOON_S as i64 * 1_000).plus(s * 1_000)
}

/// Ann is called first, then Bob; each over a voice call, then over a text message.
pub(crate) fn plan() -> Arc<Plan> {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("chat")]);
    root.group_by = Some(GroupBy::Alert);
    root.escalation = Some(name("team"));
    let mut plan = Plan::new(Tree::new(root).unwrap());
    plan.channels = BTreeMap::from([
        (name("chat"), Channel::new(ChannelKind::Chat)),
        (name("voice"), Channel::new(ChannelKind::Voice)),
        (name("sms"), Channel::new(ChannelKind::Sms)),
    ]);
    for person in ["ann", "bob"] {
        let channels = vec![name("voice"), name("sms")];
        plan.people.insert(name(person), Person::new(channels, TimeZone::UTC));
    }
    let rungs = ["ann", "bob"].map(|person| vec![Target::Person(name(person))]);
    plan.escalations.insert(name("team"), Escalation::of(rungs.to_vec()));
    Arc::new(plan)
}

/// Alerts of severity high on record, and a way to tell the pager things.
struct Scene {
    store: Store,
    inbox: Inbox,
}

impl Scene {
    fn new() -> Self {
        let store = Store::in_memory().unwrap();
        Self { inbox: Inbox::new(store.clone(), Arc::default()), store }
    }

    fn desk(&self, s: i64) -> Desk {
        Desk::open(self.store.clone(), plan(), at(s)).unwrap()
    }

    fn alert(&self, number: u8) -> Alert {
        let mut finding = finding();
        finding.severity = Severity::High;
        let (mut alert, _) = alert_of(finding);
        alert.id.0[0] = number;
        let audit = Audit {
            network: alert.network.clone().unwrap(),
            holes: vec![],
            findings: vec![],
            withdrawn: vec![],
            alerts: vec![alert.clone()],
            inputs: vec![],
            decisions: vec![],
        };
        self.store.commit_audit(&audit).unwrap();
        alert
    }

    fn found(&self, alert: &Alert, truth: Truth, s: i64) {
        let facts = facts(alert, truth, "found", Stage::Page, &Registry::default());
        self.inbox.put(&Input::Alert(facts), at(s)).unwrap();
    }

    fn said(&self, alert: &Alert, deed: Deed, s: i64) -> u64 {
        let (alerts, reason) = (vec![alert.id], "keypad".to_owned());
        let said = Input::Said { alerts, by: name("ann"), deed, at: at(s), reason };
        self.inbox.put(&said, at(s)).unwrap()
    }

    fn messages(&self, alert: &Alert) -> Vec<Notification> {
        self.store.alert(alert.id).unwrap().unwrap().notifications
    }

    /// Whom people were called over so far, in order.
    fn pages(&self, alert: &Alert) -> Vec<String> {
        let mut pages = self.messages(alert);
        pages.retain(|message| message.form == MessageForm::Page);
        pages.sort_by_key(|page| page.decided_at);
        let whom = |page: &Notification| {
            format!("{} over {}", page.person.as_ref().unwrap(), page.receiver)
        };
        pages.iter().map(whom).collect()
    }
}

#[test]
fn a_page_that_was_acknowledged_stops_climbing_and_the_account_says_who_and_why() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let mut desk = scene.desk(0);
    scene.found(&alert, Truth::Provisional, 0);
    desk.advance(at(0)).unwrap();
    assert_eq!(scene.pages(&alert), ["ann over voice"]);
    let answer = scene.said(&alert, Deed::Acknowledge, 20);
    assert_eq!(scene.inbox.outcome(answer).unwrap(), None, "it waits");
    desk.advance(at(20)).unwrap();
    assert_eq!(scene.inbox.outcome(answer).unwrap(), Some(Ok(())));
    for s in [60, 150, 400, 3_600, 86_400] {
        desk.advance(at(s)).unwrap();
    }
    assert_eq!(scene.pages(&alert), ["ann over voice"], "nobody else was called");
    let details = scene.store.alert(alert.id).unwrap().unwrap();
    let life = life(&details).unwrap();
    assert_eq!(life.stage().as_str(), "acknowledged");
    assert_eq!(life.steps().last().unwrap().reason, "keypad");
    let whys: Vec<String> = rulings(&details).iter().map(|r| r.why.to_string()).collect();
    assert!(whys.contains(&"ann is on it".to_owned()), "{whys:#?}");
    let stage = &scene.store.stages([alert.id]).unwrap()[&alert.id];
    assert_eq!((stage.stage.as_str(), stage.by.clone()), ("acknowledged", Some(name("ann"))));
}

#[test]
fn a_channel_that_fails_is_followed_by_the_next_one_within_30_s() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let mut desk = scene.desk(0);
    scene.found(&alert, Truth::Confirmed, 0);
    desk.advance(at(0)).unwrap();
    let call = scene.messages(&alert).into_iter().find(|m| m.form == MessageForm::Page).unwrap();
    let whom = Whom::person(&name("ann"), &name("voice"));
    let (message, error) = (MessageId(call.id.0), "busy".to_owned());
    scene.inbox.put(&Input::Failed { message, whom, error }, at(3)).unwrap();
    desk.advance(at(3)).unwrap();
    assert_eq!(scene.pages(&alert), ["ann over voice", "ann over sms"]);
    // Nothing is heard of the text message either: it is Bob's turn at once.
    let due = desk.next_due().unwrap();
    assert!(due <= at(3 + 30), "{due:?}");
    desk.advance(due).unwrap();
    desk.advance(due.plus(1_000)).unwrap();
    assert_eq!(scene.pages(&alert)[2], "bob over voice");
    let alarms = scene.store.paging_alarms(at(0), 10).unwrap();
    assert!(alarms.iter().any(|alarm| alarm.text == "all channels of ann failed"), "{alarms:?}");
}

/// What the program reports about itself, newest first.
fn all_own(scene: &Scene) -> Vec<Alert> {
    let monitor = Some(name(model::Source::OWN));
    let filter = store::AlertFilter { monitor, ..store::AlertFilter::default() };
    scene.store.alerts(&filter, None, 100).unwrap().items
}

/// The newest of each cause, and where it is among people.
fn own(scene: &Scene) -> BTreeMap<String, (Alert, String)> {
    let mut by_cause: BTreeMap<String, (Alert, String)> = BTreeMap::new();
    for alert in all_own(scene).into_iter().rev() {
        let details = scene.store.alert(alert.id).unwrap().unwrap();
        let stage = life(&details).map_or("untold", |life| life.stage().as_str()).to_owned();
        let cause = alert.report().unwrap().fingerprint.clone();
        if let Some((_, before)) = by_cause.insert(cause, (alert, stage)) {
            assert_eq!(before, "resolved", "one alert for each cause");
        }
    }
    by_cause
}

/// Lets time pass as the program does: whenever something is due, and once in ten seconds.
fn pass(desk: &mut Desk, from: i64, to: i64) {
    let mut now = from;
    while now < to {
        let due = desk.next_due().map_or(i64::MAX, |due| (due.0 - at(0).0).div_euclid(1_000) + 1);
        now = due.clamp(now + 1, now + 10).min(to);
        while desk.advance(at(now)).unwrap().is_behind {}
    }
}

#[test]
fn nobody_answers_is_one_alert_with_its_count_that_ends_with_its_cause_and_causes_none() {
    let scene = Scene::new();
    let (one, two) = (scene.alert(1), scene.alert(2));
    let mut desk = scene.desk(0);
    scene.found(&one, Truth::Confirmed, 0);
    scene.found(&two, Truth::Confirmed, 0);
    pass(&mut desk, 0, 4 * 3_600);
    let (alert, stage) = own(&scene)["NobodyAnswers"].clone();
    let times = alert.report().unwrap().times;
    assert!(times >= 4, "two groups, more than one round each: {times}");
    assert_eq!((stage.as_str(), alert.severity), ("open", Severity::Medium));
    assert_eq!(alert.network, None);
    assert!(scene.messages(&alert).len() < 8, "told when it doubled, not each time");
    // What is called for itself is no reason to say it again.
    scene.said(&one, Deed::Acknowledge, 4 * 3_600);
    scene.said(&two, Deed::Acknowledge, 4 * 3_600);
    pass(&mut desk, 4 * 3_600, 4 * 3_600 + 60);
    assert_eq!(own(&scene)["NobodyAnswers"].1, "resolved");
    // Nothing is delivered here, for days, and nobody says a word: no alert has another one's cause.
    pass(&mut desk, 4 * 3_600 + 60, 3 * 86_400);
    let troubles: Vec<String> = own(&scene).into_keys().collect();
    assert_eq!(
        troubles,
        ["MessagesWait/chat", "NobodyAnswers", "Unreachable/ann", "Unreachable/bob"]
    );
    assert_eq!(own(&scene)["NobodyAnswers"].1, "resolved");
    let told = scene.store.outbox().counts().unwrap();
    assert!(told.due < 1_500, "it does not feed itself: {told:?}");
    assert_eq!(scene.store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn a_channel_that_fails_is_told_over_others_and_each_failure_adds_to_the_same_alert() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let mut desk = scene.desk(0);
    scene.found(&alert, Truth::Confirmed, 0);
    pass(&mut desk, 0, 1);
    let chat = |of: &Alert| {
        let messages = scene.messages(of);
        messages.into_iter().find(|message| message.receiver.as_str() == "chat").unwrap()
    };
    let fail = |notice: &Notification, s| {
        let (message, error) = (MessageId(notice.id.0), "410 gone".to_owned());
        let whom = Whom::readers(&name("chat"));
        scene.inbox.put(&Input::Failed { message, whom, error }, at(s)).unwrap();
    };
    scene.said(&alert, Deed::Acknowledge, 2);
    fail(&chat(&alert), 2);
    pass(&mut desk, 2, 4);
    let (failing, stage) = own(&scene)["ChannelFails/chat"].clone();
    assert_eq!((stage.as_str(), failing.title()), ("open", "chat does not deliver: 410 gone"));
    let told: Vec<String> = scene
        .messages(&failing)
        .iter()
        .filter(|message| message.form == MessageForm::Notice)
        .map(|m| format!("{} {:?}", m.receiver, m.person.as_ref().map(ToString::to_string)))
        .collect();
    assert_eq!(told, ["chat None", "voice Some(\"ann\")", "voice Some(\"bob\")"]);
    // Word of it cannot be delivered there either: that is the same alert.
    fail(&chat(&failing), 5);
    scene.said(&failing, Deed::Acknowledge, 6);
    pass(&mut desk, 5, 8);
    let (again, stage) = own(&scene)["ChannelFails/chat"].clone();
    assert_eq!((again.id, again.report().unwrap().times), (failing.id, 2));
    assert_eq!(stage, "acknowledged");
    // An hour without a failure: it is over by itself.
    pass(&mut desk, 8, 3_590);
    assert_eq!(own(&scene)["ChannelFails/chat"].1, "acknowledged");
    pass(&mut desk, 3_590, 3_700);
    assert_eq!(own(&scene)["ChannelFails/chat"].1, "resolved");
}

#[test]
fn messages_that_wait_too_long_are_an_alert_until_they_are_delivered() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let mut desk = scene.desk(0);
    scene.found(&alert, Truth::Confirmed, 0);
    pass(&mut desk, 0, 1);
    scene.said(&alert, Deed::Acknowledge, 2);
    pass(&mut desk, 2, 119);
    assert!(own(&scene).is_empty());
    pass(&mut desk, 119, 140);
    assert_eq!(own(&scene)["MessagesWait/chat"].1, "open");
    let alarms = || {
        let all = scene.store.paging_alarms(at(0), 100).unwrap();
        all.iter().filter(|alarm| alarm.text.starts_with("messages wait")).count()
    };
    assert_eq!(alarms(), 1);
    pass(&mut desk, 140, 600);
    assert_eq!(own(&scene)["MessagesWait/chat"].0.report().unwrap().times, 1);
    assert_eq!(alarms(), 1, "what lasts is said once");
    // Somebody is on it, so that nothing new is sent; then all arrives.
    scene.said(&own(&scene)["MessagesWait/chat"].0, Deed::Acknowledge, 600);
    pass(&mut desk, 600, 605);
    let due = scene.store.outbox().undelivered(100).unwrap();
    for message in due {
        let told = scene.store.outbox().delivered(message.id, "ok", at(606), None);
        told.unwrap();
    }
    pass(&mut desk, 606, 700);
    assert_eq!(own(&scene)["MessagesWait/chat"].1, "resolved");
}

#[test]
fn a_pager_whose_memory_is_ahead_or_behind_of_the_disk_commits_nothing() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let (mut one, mut other) = (scene.desk(0), scene.desk(0));
    scene.found(&alert, Truth::Provisional, 0);
    // Both decide the same; the second finds that it was decided already.
    one.advance(at(0)).unwrap();
    let told = scene.messages(&alert);
    scene.found(&alert, Truth::Retracted, 5);
    other.advance(at(5)).map_or_else(
        |error| {
            let is_refused = matches!(error, PagingError::Store(StoreError::InboxMismatch { .. }));
            assert!(is_refused, "{error}");
        },
        |paged| panic!("committed {paged:?} over another's memory"),
    );
    assert_eq!(scene.messages(&alert), told, "nothing of it is there");
    let mut again = scene.desk(5);
    again.advance(at(5)).unwrap();
    let kinds: Vec<_> = scene.messages(&alert).iter().map(|m| m.kind.as_str()).collect();
    assert!(kinds.contains(&"retracted"), "{kinds:?}");
}

#[test]
fn a_pager_that_is_restored_at_every_step_remembers_what_one_does_that_never_stopped() {
    let (straight, broken) = (Scene::new(), Scene::new());
    let mut desk = straight.desk(0);
    for scene in [&straight, &broken] {
        (1..=3).for_each(|number| drop(scene.alert(number)));
    }
    let alerts: Vec<Alert> = (1..=3).map(|number| straight.alert(number)).collect();
    type Happens<'a> = &'a dyn Fn(&Scene, i64);
    let story: [(i64, Happens<'_>); 7] = [
        (0, &|scene, s| scene.found(&alerts[0], Truth::Provisional, s)),
        (4, &|scene, s| scene.found(&alerts[1], Truth::Confirmed, s)),
        (40, &|scene, s| assert!(scene.said(&alerts[0], Deed::Acknowledge, s) > 0)),
        (130, &|scene, s| scene.found(&alerts[2], Truth::Provisional, s)),
        (131, &|scene, s| scene.found(&alerts[2], Truth::Retracted, s)),
        (700, &|scene, s| assert!(scene.said(&alerts[1], Deed::Benign, s) > 0)),
        (5_000, &|scene, s| scene.found(&alerts[2], Truth::Confirmed, s)),
    ];
    for (s, tell) in story {
        tell(&straight, s);
        tell(&broken, s);
        desk.advance(at(s)).unwrap();
        broken.desk(s).advance(at(s)).unwrap();
        assert_eq!(straight.store.pager_rows().unwrap(), broken.store.pager_rows().unwrap(), "{s}");
    }
    for alert in &alerts {
        assert_eq!(straight.messages(alert), broken.messages(alert));
    }
    assert_eq!(broken.store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn an_input_that_cannot_be_read_is_told_and_keeps_nobody_waiting() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let bad = store::Input { kind: "said", at: at(0), json: "{\"version\":9}".to_owned() };
    let sequence = scene.store.inbox().put(&[bad]).unwrap();
    scene.found(&alert, Truth::Provisional, 0);
    scene.desk(0).advance(at(0)).unwrap();
    assert_eq!(scene.pages(&alert), ["ann over voice"]);
    let why = scene.inbox.outcome(sequence).unwrap().unwrap().unwrap_err();
    assert!(why.starts_with("input 1 of the pager cannot be read"), "{why}");
}

#[test]
fn whoever_calls_an_alert_benign_has_judged_it_once_and_nothing_of_a_drill_is_judged() {
    let scene = Scene::new();
    let alert = scene.alert(1);
    let mut drill = scene.alert(2);
    drill.finding_mut().unwrap().detector = model::Provenance::detector_of(&name("tuesday"));
    let mut desk = scene.desk(0);
    scene.found(&alert, Truth::Confirmed, 0);
    let facts = facts(&drill, Truth::Confirmed, "ordered", Stage::Page, &Registry::default());
    let input = super::stored(&Input::Alert(facts), at(0));
    scene.store.begin_drill(&drill, &input).unwrap();
    desk.advance(at(1)).unwrap();
    scene.said(&alert, Deed::Benign, 2);
    scene.said(&drill, Deed::Benign, 2);
    desk.advance(at(3)).unwrap();
    let said = scene.store.verdicts_on(alert.id).unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].assessment, Some(model::Assessment::BenignTrue));
    assert_eq!((said[0].by.as_str(), said[0].because.as_str()), ("ann", "keypad"));
    assert_eq!(scene.store.verdicts_on(drill.id).unwrap(), []);
    // Read back, and again: what was applied is not said twice.
    scene.desk(4).advance(at(5)).unwrap();
    assert_eq!(scene.store.verdicts_on(alert.id).unwrap().len(), 1);
    // An acknowledgement judges nothing.
    let other = scene.alert(3);
    let mut desk = scene.desk(6);
    scene.found(&other, Truth::Confirmed, 6);
    scene.said(&other, Deed::Acknowledge, 7);
    desk.advance(at(8)).unwrap();
    assert_eq!(scene.store.verdicts_on(other.id).unwrap(), []);
}

#[test]
fn a_drill_climbs_beside_what_is_real_and_comes_back_after_a_crash() {
    let scene = Scene::new();
    let real = scene.alert(1);
    let mut drill = scene.alert(2);
    drill.finding_mut().unwrap().detector = model::Provenance::detector_of(&name("tuesday"));
    let refused = super::stored(&Input::Tick, at(0));
    assert!(matches!(scene.store.begin_drill(&real, &refused), Err(StoreError::NotADrill(_))));
    let facts = facts(&drill, Truth::Confirmed, "ordered", Stage::Page, &Registry::default());
    scene.store.begin_drill(&drill, &super::stored(&Input::Alert(facts), at(0))).unwrap();
    scene.found(&real, Truth::Confirmed, 0);
    scene.desk(0).advance(at(1)).unwrap();
    assert_eq!(scene.pages(&real), scene.pages(&drill));
    assert!(!scene.pages(&real).is_empty());
    scene.said(&drill, Deed::Acknowledge, 2);
    // Another process goes on.
    let mut desk = scene.desk(2);
    desk.advance(at(3)).unwrap();
    assert!(desk.pager().card(drill.id).is_none() && desk.drills().card(real.id).is_none());
    let before = scene.pages(&drill).len();
    desk.advance(at(1_000)).unwrap();
    assert_eq!(scene.pages(&drill).len(), before, "somebody is on the drill");
    assert!(scene.pages(&real).len() > before, "nobody is on what is real");
    let told = life(&scene.store.alert(drill.id).unwrap().unwrap()).unwrap();
    assert_eq!(told.stage(), alert::life::Stage::Acknowledged);
    // Without a word it would call people through the night.
    desk.advance(at(3_601)).unwrap();
    let told = life(&scene.store.alert(drill.id).unwrap().unwrap()).unwrap();
    assert_eq!(told.stage(), alert::life::Stage::Resolved);
    // Neither list nor count knows it, unless it is asked for.
    let listed = |drills| {
        let monitor = Some(real.monitor.clone());
        let filter = store::AlertFilter { drills, monitor, ..store::AlertFilter::default() };
        scene.store.alerts(&filter, None, 10).unwrap().items.len()
    };
    assert_eq!(listed(store::Drills::Without), 1);
    assert_eq!(listed(store::Drills::Only), 1);
    assert_eq!(listed(store::Drills::With), 2);
    let own = all_own(&scene).len() as u64;
    assert_eq!(scene.store.alerts_total().unwrap(), 1 + own);
    let counts = scene.store.alert_counts(model::UnixSeconds(0)).unwrap();
    assert_eq!(counts.iter().map(|count| count.alerts).sum::<u64>(), 1 + own);
    let open = scene.store.open_alerts(real.network.as_ref().unwrap(), u64::MAX >> 1).unwrap();
    assert!(open.iter().all(|alert| alert.id == real.id), "no book of alerts holds a drill");
}
