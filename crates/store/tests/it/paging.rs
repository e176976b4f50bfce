//! The pager's inbox, its memory and what follows from it.

use bellwether_store::{
    AlarmRow, AlertFilter, Input, OutboxMessage, PagingStep, RulingRow, StageRow, Store, StoreError,
};
use model::{AlertState, MessageForm, NotificationKind, NotificationLine, UnixMillis};

use crate::world::{alert, block, finding, message, name, notification, put_alert};

const NOW: UnixMillis = UnixMillis(10_000);

fn input(kind: &'static str, json: &str) -> Input {
    Input { kind, at: NOW, json: json.to_owned() }
}

fn step(from: u64, applied: u64) -> PagingStep {
    PagingStep { from, applied, at: NOW, ..PagingStep::default() }
}

#[test]
fn inputs_wait_until_what_follows_from_them_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paging.db");
    {
        let store = Store::open(&path).unwrap();
        assert_eq!(store.inbox().put(&[input("said", "a"), input("alert", "b")]).unwrap(), 2);
        assert_eq!(store.inbox().backlog().unwrap(), (2, Some(NOW)));
        store.commit_paging(&step(0, 1)).unwrap();
    }
    let store = Store::open(&path).unwrap();
    let waiting = store.inbox().waiting(10).unwrap();
    let texts: Vec<&str> = waiting.iter().map(|taken| taken.json.as_str()).collect();
    assert_eq!(texts, ["b"], "what was applied is not applied again, whatever happened since");
    assert!(store.inbox().get(1).unwrap().unwrap().is_applied);
    assert!(!store.inbox().get(2).unwrap().unwrap().is_applied);
}

#[test]
fn a_step_that_was_committed_is_refused_the_second_time() {
    let store = Store::in_memory().unwrap();
    store.inbox().put(&[input("said", "a")]).unwrap();
    let rows = vec![("card/1".to_owned(), "{}".to_owned())];
    let step = PagingStep { rows, ..step(0, 1) };
    store.commit_paging(&step).unwrap();
    let again = store.commit_paging(&step).unwrap_err();
    assert!(matches!(again, StoreError::InboxMismatch { from: 0, to: 1, stored: 1 }), "{again}");
    assert_eq!(store.pager_rows().unwrap().len(), 1);
}

#[test]
fn all_that_follows_from_an_input_is_there_or_nothing_is() {
    let store = Store::in_memory().unwrap();
    let alert = alert(&finding(&name("mainnet"), 1, block(1, 1)), AlertState::Provisional);
    put_alert(&store, &alert, &[]);
    store.inbox().put(&[input("said", "a"), input("said", "b")]).unwrap();
    let told = notification(alert.id, NotificationKind::Opened, 0);
    let ruling = |alert, json: &str| RulingRow {
        alert,
        group: Some([7; 16]),
        message: None,
        at: NOW,
        json: json.to_owned(),
    };
    let stage = |stage, is_open| StageRow {
        alert: alert.id,
        stage,
        at: NOW,
        by: Some(name("ann")),
        is_open,
    };
    let done = PagingStep {
        refused: vec![(2, "there is no silence s-1".to_owned())],
        rows: vec![(format!("card/{}", alert.id), "{}".to_owned())],
        stages: vec![stage("acknowledged", true)],
        messages: vec![message(&told)],
        rulings: vec![ruling(Some(alert.id), "grouped"), ruling(None, "escalating")],
        alarms: vec![AlarmRow { at: NOW, text: "nobody answers".into(), json: "1".into() }],
        ..step(0, 2)
    };
    assert_eq!(store.commit_paging(&done).unwrap(), 1);
    let details = store.alert(alert.id).unwrap().unwrap();
    assert_eq!(details.notifications, [told]);
    let rulings: Vec<&str> = details.rulings.iter().map(|ruling| ruling.json.as_str()).collect();
    assert_eq!(rulings, ["grouped", "escalating"], "its group's are its own, too");
    assert_eq!(details.card.as_deref(), Some("{}"));
    let refused = store.inbox().get(2).unwrap().unwrap().refused;
    assert_eq!(refused.as_deref(), Some("there is no silence s-1"));
    assert_eq!(store.paging_alarms(UnixMillis(0), 10).unwrap().len(), 1);
    let stages = store.stages([alert.id]).unwrap();
    assert_eq!(
        (stages[&alert.id].stage.as_str(), stages[&alert.id].by.clone()),
        ("acknowledged", Some(name("ann")))
    );
    let open = AlertFilter { only_open: true, ..AlertFilter::default() };
    assert_eq!(store.alerts(&open, None, 10).unwrap().items.len(), 1);
    let closed = PagingStep { stages: vec![stage("resolved", false)], ..step(2, 2) };
    store.commit_paging(&closed).unwrap();
    assert_eq!(store.alerts(&open, None, 10).unwrap().items.len(), 0);
    assert_eq!(store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn a_message_tells_of_many_alerts_and_is_shown_with_each() {
    let store = Store::in_memory().unwrap();
    let alerts: Vec<_> = (0..3)
        .map(|tx| alert(&finding(&name("mainnet"), tx, block(1, 1)), AlertState::Provisional))
        .collect();
    alerts.iter().for_each(|alert| put_alert(&store, alert, &[]));
    let line = |at: usize, kind, sequence| {
        let severity = model::Severity::High;
        NotificationLine { alert: alerts[at].id, kind, severity, sequence }
    };
    let mut told = notification(alerts[0].id, NotificationKind::Opened, 0);
    told.alerts = 2;
    told.person = Some(name("ann"));
    told.form = MessageForm::Page;
    told.group = Some([7; 16]);
    let lines = vec![line(0, NotificationKind::Opened, 0), line(1, NotificationKind::Updated, 4)];
    let messages =
        vec![OutboxMessage { notification: told.clone(), lines: lines.clone(), held_for: None }];
    store.commit_paging(&PagingStep { messages, ..step(0, 0) }).unwrap();
    let of = |at: usize| store.alert(alerts[at].id).unwrap().unwrap().notifications;
    assert_eq!(of(0), [told.clone()]);
    assert_eq!((of(1)[0].kind, of(1)[0].sequence), (NotificationKind::Updated, 4));
    assert_eq!(of(2), []);
    assert_eq!(store.outbox().lines(told.id, 10).unwrap(), lines);
    // What comes later about one of them waits for it, and for nobody else's.
    let mut later = notification(alerts[1].id, NotificationKind::Retracted, 5);
    later.person = Some(name("ann"));
    let mut for_bob = notification(alerts[1].id, NotificationKind::Retracted, 6);
    for_bob.person = Some(name("bob"));
    let messages = vec![message(&later), message(&for_bob)];
    store.commit_paging(&PagingStep { messages, ..step(0, 0) }).unwrap();
    let mut due: Vec<_> = store.outbox().due(NOW, 10).unwrap().iter().map(|n| n.id).collect();
    let mut expected = vec![told.id, for_bob.id];
    due.sort();
    expected.sort();
    assert_eq!(due, expected);
    // Somebody is on it: nobody is called any more, and what waited for the call goes on.
    let needless = vec![([7; 16], "ann is on it".to_owned())];
    store.commit_paging(&PagingStep { needless, ..step(0, 0) }).unwrap();
    let due: Vec<_> = store.outbox().due(NOW, 10).unwrap().iter().map(|n| n.id).collect();
    assert_eq!(due, [later.id]);
    assert_eq!(store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn a_message_about_nothing_on_record_is_an_alarm_and_keeps_nobody_waiting() {
    let store = Store::in_memory().unwrap();
    let nothing = notification(model::AlertId([9; 16]), NotificationKind::Opened, 0);
    let messages = vec![message(&nothing)];
    assert_eq!(store.commit_paging(&PagingStep { messages, ..step(0, 0) }).unwrap(), 0);
    let alarms = store.paging_alarms(UnixMillis(0), 10).unwrap();
    assert!(alarms[0].text.contains("not on record"), "{}", alarms[0].text);
}
