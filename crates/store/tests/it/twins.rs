//! What two installations without a common store keep of each other.

use bellwether_store::{
    Input, PagingStep, Release, ReleaseStep, Store, TwinCursor, TwinHeard, TwinSaid, TwinWord,
};
use model::{NotificationKind, UnixMillis};

use crate::world::{alert, block, finding, message, name, notification, put_alert};

/// A store with one alert and one message about it.
fn with_message(held_for: Option<&str>) -> (Store, model::Notification) {
    let store = Store::in_memory().unwrap();
    let alert = alert(&finding(&name("mainnet"), 1, block(1, 1)), model::AlertState::Provisional);
    put_alert(&store, &alert, &[]);
    let told = notification(alert.id, NotificationKind::Opened, 0);
    let mut sent = message(&told);
    sent.held_for = held_for.map(name);
    let messages = vec![sent];
    store.commit_paging(&PagingStep { messages, ..PagingStep::default() }).unwrap();
    (store, told)
}

fn word_about(told: &model::Notification, at: i64) -> TwinWord {
    TwinWord {
        alert: told.alert,
        receiver: told.receiver.clone(),
        person: None,
        kind: NotificationKind::Opened,
        severity: model::Severity::High,
        sequence: 0,
        at: UnixMillis(at),
        receipt: Some("250 ok".to_owned()),
    }
}

fn heard(words: Vec<TwinWord>, said: Vec<TwinSaid>, cursor: TwinCursor) -> TwinHeard {
    TwinHeard { twin: name("other"), words, said, cursor }
}

#[test]
fn what_was_delivered_here_is_told_once_in_order_and_what_the_twin_told_is_not() {
    let (store, told) = with_message(None);
    assert_eq!(store.told_after(0, UnixMillis(0), 9).unwrap(), []);
    let due = store.outbox().due(UnixMillis(i64::MAX / 2), 9).unwrap();
    assert_eq!(store.under_way(9).unwrap().len(), 1);
    for _ in 0..2 {
        store.outbox().delivered(due[0].id, "250 ok", UnixMillis(7), None).unwrap();
    }
    assert_eq!(store.under_way(9).unwrap(), []);
    let words = store.told_after(0, UnixMillis(0), 9).unwrap();
    assert_eq!(words, [(1, word_about(&told, 7))]);
    assert_eq!(store.told_after(1, UnixMillis(0), 9).unwrap(), []);
    assert_eq!(store.told_after(0, UnixMillis(8), 9).unwrap(), [], "too long ago");

    let (store, told) = with_message(Some("other"));
    let receipt = "told by the twin other".to_owned();
    let report = Input { kind: "delivered", at: UnixMillis(9), json: "{}".to_owned() };
    let released = vec![(told.id, Release::Told { receipt, report: Some(report) })];
    let step = ReleaseStep { released, rulings: Vec::new(), at: UnixMillis(9) };
    assert_eq!(store.release(&step).unwrap(), 1);
    assert_eq!(store.release(&step).unwrap(), 0, "it is settled");
    assert_eq!(store.inbox().backlog().unwrap().0, 1, "and the pager is told once");
    assert_eq!(store.told_after(0, UnixMillis(0), 9).unwrap(), []);
}

#[test]
fn a_message_waits_until_its_time_and_is_sent_if_nobody_says_anything() {
    let (store, told) = with_message(Some("other"));
    let waiting = store.waiting_for_twins(9).unwrap();
    assert_eq!(waiting[0].held_for, Some(name("other")));
    assert_eq!(waiting[0].networks, [name("mainnet")]);
    let release = |release| {
        let released = vec![(told.id, release)];
        store.release(&ReleaseStep { released, rulings: Vec::new(), at: UnixMillis(100) }).unwrap()
    };
    let far = UnixMillis(1_000_000_000_000_000);
    release(Release::Hold { twin: name("other"), until: far });
    assert_eq!(store.outbox().due(far.plus(-1), 9).unwrap(), []);
    release(Release::Send);
    assert_eq!(store.waiting_for_twins(9).unwrap(), []);
    assert_eq!(store.outbox().due(UnixMillis(100), 9).unwrap().len(), 1);

    let (store, _) = with_message(Some("other"));
    assert_eq!(store.outbox().due(UnixMillis(i64::MAX / 2), 9).unwrap().len(), 1, "fails open");
}

#[test]
fn what_a_twin_told_finds_the_message_that_says_the_same() {
    let (store, told) = with_message(None);
    assert_eq!(store.waiting_for_twins(9).unwrap(), [], "nobody told it, nobody holds it back");
    let cursor = TwinCursor { told: 4, said: 0 };
    store.hear_twin(&heard(vec![word_about(&told, 5)], Vec::new(), cursor)).unwrap();
    let waiting = store.waiting_for_twins(9).unwrap();
    assert_eq!(waiting[0].spoken, [(name("other"), word_about(&told, 5))]);
    assert_eq!(store.twin_cursor(&name("other")).unwrap(), cursor);
    assert_eq!(store.twin_words(&[told.alert]).unwrap().len(), 1);
}

#[test]
fn what_people_said_elsewhere_is_taken_once_and_not_passed_on() {
    let (store, _) = with_message(None);
    let own = Input { kind: "said", at: UnixMillis(5), json: "own".to_owned() };
    store.inbox().put(std::slice::from_ref(&own)).unwrap();
    let said = TwinSaid { number: 3, at: UnixMillis(5), json: "theirs".to_owned() };
    for _ in 0..2 {
        let cursor = TwinCursor { told: 0, said: 3 };
        store.hear_twin(&heard(Vec::new(), vec![said.clone()], cursor)).unwrap();
    }
    assert_eq!(store.twin_said(9).unwrap(), [(name("other"), said.clone())]);
    let input = Input { kind: "twin", at: UnixMillis(6), json: "theirs".to_owned() };
    for _ in 0..2 {
        store.take_twin_said(&name("other"), &said, Some(&input)).unwrap();
    }
    assert_eq!(store.twin_said(9).unwrap(), []);
    assert_eq!(store.inbox().waiting(9).unwrap().len(), 2);
    let passed: Vec<String> =
        store.said_after(0, UnixMillis(0), 9).unwrap().into_iter().map(|said| said.json).collect();
    assert_eq!(passed, ["own"]);
    // The same number with another text is of another store.
    let other = TwinSaid { json: "new".to_owned(), ..said };
    let cursor = TwinCursor { told: 0, said: 3 };
    store.hear_twin(&heard(Vec::new(), vec![other.clone()], cursor)).unwrap();
    assert_eq!(store.twin_said(9).unwrap(), [(name("other"), other)]);
}
