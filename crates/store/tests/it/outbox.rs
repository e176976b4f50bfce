//! Messages on their way.

use bellwether_store::{
    DETAIL_CHARS_MAX, LEASE_MS, Outbox, OutboxCounts, Settled, Store, StoreError,
};
use model::{
    Alert, AlertState, Notification, NotificationId, NotificationKind, NotificationState,
    UnixMillis,
};

use crate::world::{alert, block, finding, name, notification, put_alert};

const NOW: UnixMillis = UnixMillis(10_000);

fn with_alert() -> (Store, Alert) {
    let store = Store::in_memory().unwrap();
    let alert = alert(&finding(&name("mainnet"), 1, block(1, 1)), AlertState::Provisional);
    (store, alert)
}

fn ids(taken: &[Notification]) -> Vec<NotificationId> {
    taken.iter().map(|notification| notification.id).collect()
}

fn one(store: &Store, alert: &Alert) -> (Outbox, NotificationId) {
    let message = notification(alert.id, NotificationKind::Opened, 0);
    put_alert(store, alert, std::slice::from_ref(&message));
    (store.outbox(), message.id)
}

#[test]
fn a_message_is_due_from_its_time_on_and_is_taken_once() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    assert_eq!(outbox.due(UnixMillis(999), 10).unwrap(), []);
    assert_eq!(outbox.next_due_at().unwrap(), Some(UnixMillis(1_000)));
    let taken = outbox.due(NOW, 10).unwrap();
    assert_eq!(ids(&taken), [id]);
    assert_eq!(taken[0].attempts, 1);
    assert_eq!(outbox.alert_of(id).unwrap(), alert);
    assert_eq!(outbox.due(NOW, 10).unwrap(), [], "somebody is at it");
}

#[test]
fn what_a_dead_process_had_taken_is_due_when_the_database_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.db");
    let taken = {
        let store = Store::open(&path).unwrap();
        let alert = alert(&finding(&name("mainnet"), 1, block(1, 1)), AlertState::Provisional);
        let message = notification(alert.id, NotificationKind::Opened, 0);
        put_alert(&store, &alert, std::slice::from_ref(&message));
        let outbox = store.outbox();
        let waits = ids(&outbox.due(NOW, 10).unwrap())[0];
        outbox.retry(waits, NOW.plus(50_000), "503", NOW.plus(1), None).unwrap();
        // Another alert, whose message is on its way when the process dies.
        let found = finding(&name("mainnet"), 2, block(2, 1));
        let other = crate::world::alert(&found, AlertState::Provisional);
        let message = notification(other.id, NotificationKind::Opened, 0);
        put_alert(&store, &other, std::slice::from_ref(&message));
        ids(&outbox.due(NOW, 10).unwrap())
    };
    let store = Store::open(&path).unwrap();
    let again = store.outbox().due(NOW.plus(2), 10).unwrap();
    assert_eq!(ids(&again), taken, "what waits for its retry still waits");
    assert_eq!(again[0].attempts, 2, "the attempt that nobody knows the end of counts");
}

#[test]
fn a_message_whose_worker_died_is_due_again_when_its_lease_runs_out() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    outbox.due(NOW, 10).unwrap();
    assert_eq!(outbox.due(NOW.plus(LEASE_MS - 1), 10).unwrap(), []);
    let again = outbox.due(NOW.plus(LEASE_MS), 10).unwrap();
    assert_eq!((ids(&again), again[0].attempts), (vec![id], 2));
    outbox.delivered(id, "250 ok", NOW.plus(LEASE_MS + 5), None).unwrap();
    let attempts = store.alert(alert.id).unwrap().unwrap().attempts;
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.as_deref()).collect();
    assert_eq!(outcomes, [None, Some("delivered")], "what became of the first is not known");
}

#[test]
fn each_attempt_is_on_record_with_its_outcome() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    outbox.due(NOW, 10).unwrap();
    outbox.retry(id, NOW.plus(60_000), "503 try later", NOW.plus(20), None).unwrap();
    assert_eq!(outbox.due(NOW.plus(59_999), 10).unwrap(), []);
    assert_eq!(outbox.counts().unwrap().due_tried, 1);
    outbox.due(NOW.plus(60_000), 10).unwrap();
    outbox.failed(id, "404 no such hook", NOW.plus(60_100), None).unwrap();

    let details = store.alert(alert.id).unwrap().unwrap();
    let told: Vec<_> = details
        .attempts
        .iter()
        .map(|a| (a.number, a.started_at, a.ended_at, a.outcome.as_deref(), a.detail.as_str()))
        .collect();
    let (retried_at, failed_at) = (NOW.plus(20), NOW.plus(60_100));
    assert_eq!(
        told,
        [
            (1, NOW, Some(retried_at), Some("retry"), "503 try later"),
            (2, NOW.plus(60_000), Some(failed_at), Some("failed"), "404 no such hook"),
        ]
    );
    let reason = "404 no such hook".to_owned();
    assert_eq!(details.notifications[0].state, NotificationState::Failed { at: failed_at, reason });
    assert_eq!(outbox.due(NOW.plus(LEASE_MS * 10), 10).unwrap(), []);
}

#[test]
fn a_settled_message_stays_settled_unless_it_was_delivered_after_all() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    let state = || outbox.get(id).unwrap().unwrap().state;
    outbox.due(NOW, 10).unwrap();
    outbox.failed(id, "gave up", NOW, None).unwrap();
    outbox.retry(id, NOW, "late", NOW, None).unwrap();
    assert_eq!(state(), NotificationState::Failed { at: NOW, reason: "gave up".into() });
    outbox.delivered(id, "first receipt", NOW.plus(1), None).unwrap();
    let delivered =
        NotificationState::Delivered { at: NOW.plus(1), receipt: "first receipt".into() };
    assert_eq!(state(), delivered);
    outbox.delivered(id, "second receipt", NOW.plus(2), None).unwrap();
    outbox.failed(id, "late", NOW.plus(3), None).unwrap();
    assert_eq!(state(), delivered);
}

#[test]
fn a_message_on_record_is_never_reset() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    outbox.due(NOW, 10).unwrap();
    outbox.delivered(id, "250 ok", NOW, None).unwrap();
    put_alert(&store, &alert, &[notification(alert.id, NotificationKind::Opened, 0)]);
    let state = outbox.get(id).unwrap().unwrap().state;
    assert!(matches!(state, NotificationState::Delivered { .. }), "{state:?}");
}

#[test]
fn a_retraction_never_overtakes_the_message_it_retracts() {
    let (store, alert) = with_alert();
    let opened = notification(alert.id, NotificationKind::Opened, 0);
    let retracted = notification(alert.id, NotificationKind::Retracted, 1);
    let mut elsewhere = notification(alert.id, NotificationKind::Retracted, 1);
    elsewhere.receiver = name("chat");
    elsewhere.id = NotificationId::derive(alert.id, &elsewhere.receiver, 1);
    put_alert(&store, &alert, &[retracted.clone(), opened.clone(), elsewhere.clone()]);
    let outbox = store.outbox();
    let mut taken = ids(&outbox.due(NOW, 10).unwrap());
    taken.sort();
    let mut expected = vec![opened.id, elsewhere.id];
    expected.sort();
    assert_eq!(taken, expected, "another receiver does not wait");
    outbox.retry(opened.id, NOW.plus(60_000), "503", NOW, None).unwrap();
    assert_eq!(outbox.due(NOW.plus(1), 10).unwrap(), [], "it waits for the retry");
    outbox.due(NOW.plus(60_000), 10).unwrap();
    outbox.delivered(opened.id, "ok", NOW.plus(60_001), None).unwrap();
    assert_eq!(ids(&outbox.due(NOW.plus(60_002), 10).unwrap()), [retracted.id]);
}

#[test]
fn two_workers_never_take_the_same_message() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("bellwether.db")).unwrap();
    let mut sent = Vec::new();
    for tx in 0..40 {
        let alert = alert(&finding(&name("mainnet"), tx, block(1, 1)), AlertState::Provisional);
        let message = notification(alert.id, NotificationKind::Opened, 0);
        sent.push(message.id);
        put_alert(&store, &alert, &[message]);
    }
    let taken = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let outbox = store.outbox();
                loop {
                    let batch = outbox.due(NOW, 3).unwrap();
                    if batch.is_empty() {
                        break;
                    }
                    taken.lock().unwrap().extend(ids(&batch));
                }
            });
        }
    });
    let mut taken = taken.into_inner().unwrap();
    taken.sort();
    sent.sort();
    assert_eq!(taken, sent);
}

#[test]
fn counts_tell_where_messages_are_and_since_when_the_oldest_waits() {
    let (store, alert) = with_alert();
    assert_eq!(store.outbox().counts().unwrap(), OutboxCounts::default());
    let mut messages = Vec::new();
    for sequence in 0..4 {
        let mut message = notification(alert.id, NotificationKind::Updated, sequence);
        message.decided_at = UnixMillis(5_000 - i64::from(sequence));
        messages.push(message);
    }
    put_alert(&store, &alert, &messages);
    let outbox = store.outbox();
    outbox.delivered(messages[3].id, "ok", NOW, None).unwrap();
    outbox.failed(messages[0].id, "no", NOW, None).unwrap();
    outbox.due(NOW, 1).unwrap();
    let counts = OutboxCounts {
        due: 2,
        due_tried: 1,
        delivered: 1,
        failed: 1,
        oldest_due_decided_at: Some(UnixMillis(4_998)),
    };
    assert_eq!(outbox.counts().unwrap(), counts);
    let settled = |at| outbox.settled_since(at).unwrap();
    assert_eq!(settled(NOW), Settled { delivered: 1, failed: 1 });
    assert_eq!(settled(NOW.plus(1)), Settled::default());
    let undelivered = outbox.undelivered(10).unwrap();
    let newest_first = [messages[0].id, messages[1].id, messages[2].id];
    assert_eq!(ids(&undelivered), newest_first, "due and given up, not what was taken");
    assert_eq!(outbox.undelivered(1).unwrap().len(), 1);
}

#[test]
fn long_answers_are_cut_and_unknown_messages_are_named() {
    let (store, alert) = with_alert();
    let (outbox, id) = one(&store, &alert);
    let page = "é".repeat(DETAIL_CHARS_MAX + 1);
    outbox.failed(id, &page, NOW, None).unwrap();
    match outbox.get(id).unwrap().unwrap().state {
        NotificationState::Failed { reason, .. } => {
            assert_eq!(reason.chars().count(), DETAIL_CHARS_MAX + 1);
            assert!(reason.ends_with("é…"));
        }
        state => panic!("{state:?}"),
    }
    let unknown = NotificationId([7; 16]);
    let refused = outbox.delivered(unknown, "", NOW, None).unwrap_err();
    assert!(matches!(refused, StoreError::UnknownNotification(id) if id == unknown));
    assert_eq!(outbox.get(unknown).unwrap(), None);
}

#[test]
fn a_receiver_s_messages_can_be_taken_without_touching_those_of_others() {
    let (store, alert) = with_alert();
    let mail = notification(alert.id, NotificationKind::Opened, 0);
    let later = notification(alert.id, NotificationKind::Retracted, 1);
    let mut chat = mail.clone();
    chat.receiver = name("chat");
    chat.id = NotificationId::derive(alert.id, &chat.receiver, 0);
    put_alert(&store, &alert, &[mail.clone(), later, chat.clone()]);
    let outbox = store.outbox();
    assert_eq!(outbox.due_receivers(UnixMillis(999)).unwrap(), []);
    let mut both = vec![chat.receiver.clone(), mail.receiver.clone()];
    both.sort();
    assert_eq!(outbox.due_receivers(NOW).unwrap(), both);
    assert_eq!(ids(&outbox.due_to(&mail.receiver, NOW, 10).unwrap()), [mail.id]);
    assert_eq!(outbox.due_receivers(NOW).unwrap(), [chat.receiver.clone()], "in their order");
    assert_eq!(outbox.due_to(&mail.receiver, NOW, 10).unwrap(), []);
    assert_eq!(ids(&outbox.due_to(&chat.receiver, NOW, 10).unwrap()), [chat.id]);
}

/// Messages to one receiver, each about an alert as bad as said, decided in this order.
fn lane(store: &Store, severities: &[model::Severity]) -> Vec<NotificationId> {
    let mut made = Vec::new();
    for (severity, at) in severities.iter().zip(1..) {
        let mut found = finding(&name("mainnet"), at, block(at, 1));
        found.severity = *severity;
        let mut alert = alert(&found, AlertState::Provisional);
        alert.severity = *severity;
        let message = notification(alert.id, NotificationKind::Opened, 0);
        put_alert(store, &alert, std::slice::from_ref(&message));
        made.push(message.id);
    }
    made
}

#[test]
fn the_worst_goes_first_and_what_is_milder_waits_until_it_was_tried_again() {
    use model::Severity::{Critical, High, Low};
    let store = Store::in_memory().unwrap();
    let [low, critical, high] = lane(&store, &[Low, Critical, High])[..] else { unreachable!() };
    let outbox = store.outbox();
    assert_eq!(ids(&outbox.due(NOW, 10).unwrap()), [critical, high, low]);
    // All fail, and the mildest rests for the shortest time.
    outbox.retry(critical, NOW.plus(300_000), "500", NOW.plus(10), None).unwrap();
    outbox.retry(high, NOW.plus(200_000), "500", NOW.plus(10), None).unwrap();
    outbox.retry(low, NOW.plus(100_000), "500", NOW.plus(10), None).unwrap();
    assert_eq!(outbox.due(NOW.plus(250_000), 10).unwrap(), [], "the worst was not tried since");
    assert_eq!(outbox.due_receivers(NOW.plus(250_000)).unwrap(), []);
    let probe = outbox.due(NOW.plus(300_000), 1).unwrap();
    assert_eq!(ids(&probe), [critical]);
    // In vain: nobody is held up for longer than its rest.
    outbox.retry(critical, NOW.plus(900_000), "500", NOW.plus(300_010), None).unwrap();
    assert_eq!(ids(&outbox.due(NOW.plus(300_020), 10).unwrap()), [high]);
    assert_eq!(outbox.due(NOW.plus(300_030), 10).unwrap(), [], "it is being tried");
    outbox.retry(high, NOW.plus(900_000), "500", NOW.plus(300_040), None).unwrap();
    assert_eq!(ids(&outbox.due(NOW.plus(300_050), 10).unwrap()), [low]);
}

#[test]
fn a_receiver_that_takes_messages_again_is_asked_to_take_the_worst_that_rests() {
    use model::Severity::{Critical, High, Low};
    let store = Store::in_memory().unwrap();
    let all = lane(&store, &[Low, Critical, High, Critical]);
    let outbox = store.outbox();
    outbox.due(NOW, 10).unwrap();
    let rest = |id, rest_ms| outbox.retry(id, NOW.plus(rest_ms), "500", NOW, None).unwrap();
    rest(all[0], 800_000);
    rest(all[1], 700_000);
    rest(all[2], 20_000);
    let at = NOW.plus(1_000);
    outbox.delivered(all[3], "ok", at, None).unwrap();
    assert_eq!(ids(&outbox.due(at, 10).unwrap()), [all[1]], "one at a time, the worst");
    outbox.delivered(all[1], "ok", at.plus(1), None).unwrap();
    // A short rest may have been asked for: it is kept, and what is milder rests with it.
    assert_eq!(ids(&outbox.due(at.plus(2), 10).unwrap()), []);
    assert_eq!(ids(&outbox.due(NOW.plus(20_000), 10).unwrap()), [all[2]]);
    outbox.delivered(all[2], "ok", NOW.plus(20_001), None).unwrap();
    assert_eq!(ids(&outbox.due(NOW.plus(20_001), 10).unwrap()), [all[0]]);
}
