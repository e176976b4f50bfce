use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::HeaderMap, http::StatusCode, routing::post};
use expect_test::expect;
use model::{
    Name, Notification, NotificationId, NotificationKind, NotificationState, Secret, UnixMillis,
};
use store::Store;
use tokio::sync::{Notify, Semaphore, watch};

use super::http::{serve, webhook};
use crate::notify::{
    LANE_WIDTH, Receiver, ReceiverConfig, Receivers, Worker,
    message::tests::{NOON_S, alert_of, context, finding, name},
};

const START: UnixMillis = UnixMillis(NOON_S as i64 * 1000);

/// A store with one message per alert and receiver, `alerts` of each.
fn store(receivers: &[&str], alerts: u8) -> (Store, Vec<NotificationId>) {
    let store = Store::in_memory().unwrap();
    let mut ids = Vec::new();
    for i in 0..alerts {
        let mut finding = finding();
        finding.id.0[0] = i;
        let (mut alert, opened) = alert_of(finding);
        alert.id.0[0] = i;
        let notifications: Vec<Notification> = receivers
            .iter()
            .map(|receiver| Notification {
                id: NotificationId::derive(alert.id, &name(receiver), 0),
                alert: alert.id,
                receiver: name(receiver),
                decided_at: START,
                state: NotificationState::Due { not_before: START },
                ..opened.clone()
            })
            .collect();
        ids.extend(notifications.iter().map(|notification| notification.id));
        put(&store, alert, &notifications);
    }
    (store, ids)
}

/// Puts an alert on record, and messages about it into the outbox.
fn put(store: &Store, alert: model::Alert, notifications: &[Notification]) {
    let audit = store::Audit {
        network: alert.network.clone().unwrap(),
        holes: vec![],
        findings: vec![],
        withdrawn: vec![],
        alerts: vec![alert],
        inputs: vec![],
        decisions: vec![],
    };
    store.commit_audit(&audit).unwrap();
    let message = |notification: &Notification| {
        let Notification { alert, kind, sequence, .. } = *notification;
        let lines = vec![model::NotificationLine {
            alert,
            kind,
            severity: model::Severity::High,
            sequence,
        }];
        store::OutboxMessage { notification: notification.clone(), lines, held_for: None }
    };
    let applied = store.inbox().applied().unwrap();
    let messages = notifications.iter().map(message).collect();
    let step =
        store::PagingStep { from: applied, applied, messages, ..store::PagingStep::default() };
    store.commit_paging(&step).unwrap();
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START.0)))
    }
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
    fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

fn receivers(
    by_name: impl IntoIterator<Item = (Name, Receiver)>,
) -> watch::Receiver<Arc<Receivers>> {
    let by_name: BTreeMap<Name, Receiver> = by_name.into_iter().collect();
    watch::Sender::new(Arc::new(Receivers { by_name, context: context(), ..Receivers::default() }))
        .subscribe()
}

/// Lets everything that is due run to its end, again and again, until the outbox is empty; the clock
/// jumps from one due time to the next. Returns how long it took on that clock.
async fn settle(worker: &mut Worker, store: &Store, clock: &Clock) -> Duration {
    loop {
        while worker.start_due().await.unwrap() > 0 {
            while worker.running() > 0 {
                worker.finish_one().await;
            }
        }
        match store.outbox().next_due_at().unwrap() {
            Some(at) => clock.set(at),
            None => break,
        }
    }
    Duration::from_millis(clock.now().millis_since(START) as u64)
}

#[tokio::test]
async fn an_outage_of_25_seconds_loses_nothing_and_nothing_comes_under_a_second_identity() {
    let (store, ids) = store(&["hook"], 23);
    let clock = Clock::new();
    let taken: Arc<Mutex<Vec<String>>> = Arc::default();
    let (at, keep) = (clock.clone(), taken.clone());
    let router = Router::new().fallback(post(move |headers: HeaderMap| async move {
        if at.now().millis_since(START) < 25_000 {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let key = headers["idempotency-key"].to_str().unwrap().to_owned();
        keep.lock().unwrap().push(key);
        StatusCode::OK
    }));
    let hook = webhook(&serve(router).await);
    let at = clock.clone();
    let mut worker =
        Worker::new(store.outbox(), receivers([(name("hook"), hook)]), move || at.now());
    let took = settle(&mut worker, &store, &clock).await;
    let taken = taken.lock().unwrap();
    let expected: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(taken.len(), 23, "each once");
    assert_eq!(taken.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(store.outbox().counts().unwrap().delivered, 23);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn a_refusal_is_on_record_with_its_reason_and_is_not_tried_again() {
    let (store, ids) = store(&["hook"], 1);
    let hits = Arc::new(AtomicUsize::new(0));
    let count = hits.clone();
    let router = Router::new().fallback(post(move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        (StatusCode::BAD_REQUEST, "no such field")
    }));
    let hook = webhook(&serve(router).await);
    let mut worker = Worker::new(store.outbox(), receivers([(name("hook"), hook)]), || START);
    settle(&mut worker, &store, &Clock::new()).await;
    let state = store.outbox().get(ids[0]).unwrap().unwrap().state;
    let reason = "HTTP 400: no such field".to_owned();
    assert_eq!(state, NotificationState::Failed { at: START, reason });
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_message_to_someone_who_was_removed_from_the_configuration_says_so() {
    let (store, ids) = store(&["gone"], 1);
    let mut worker = Worker::new(store.outbox(), receivers([]), || START);
    settle(&mut worker, &store, &Clock::new()).await;
    let state = store.outbox().get(ids[0]).unwrap().unwrap().state;
    let reason = "gone is not in the configuration".to_owned();
    assert_eq!(state, NotificationState::Failed { at: START, reason });
}

#[tokio::test]
async fn an_outage_of_days_ends_in_a_failure_with_its_reason() {
    let (store, ids) = store(&["hook"], 1);
    let clock = Clock::new();
    let down = Router::new().fallback(post(|| async { StatusCode::BAD_GATEWAY }));
    let hook = webhook(&serve(down).await);
    let at = clock.clone();
    let mut worker =
        Worker::new(store.outbox(), receivers([(name("hook"), hook)]), move || at.now());
    let took = settle(&mut worker, &store, &clock).await;
    let hours = took.as_secs_f64() / 3600.0;
    assert!((23.0..=24.0).contains(&hours), "{hours} h");
    match store.outbox().get(ids[0]).unwrap().unwrap().state {
        NotificationState::Failed { reason, .. } => {
            assert!(reason.starts_with("gave up after ") && reason.ends_with("in 24 h: HTTP 502"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let (store, _) = store(&["slow", "quick"], 40);
    let gate = Arc::new(Semaphore::new(0));
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let slow = {
        let (gate, most, now) = (gate.clone(), most.clone(), now.clone());
        Router::new().fallback(post(move || async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _open = gate.acquire().await;
            now.fetch_sub(1, Ordering::SeqCst);
        }))
    };
    let (done, mut quick_done) = watch::channel(0);
    let quick = Router::new().fallback(post(move || async move {
        done.send_modify(|count| *count += 1);
    }));
    let lanes = receivers([
        (name("slow"), webhook(&serve(slow).await)),
        (name("quick"), webhook(&serve(quick).await)),
    ]);
    let worker = Worker::new(store.outbox(), lanes, || START);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(Arc::new(Notify::new()), stopped));
    quick_done.wait_for(|count| *count == 40).await.unwrap();
    let attempts = most.load(Ordering::SeqCst);
    assert!(attempts <= LANE_WIDTH, "{attempts} at a time to a receiver that hangs");
    gate.add_permits(1_000);
    let outbox = store.outbox();
    tokio::time::timeout(Duration::from_secs(20), async {
        while outbox.counts().unwrap().delivered < 80 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the slow one gets its messages, too");
    assert!(most.load(Ordering::SeqCst) <= LANE_WIDTH);
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn a_retraction_waits_for_the_message_it_retracts() {
    let (store, _) = store(&["hook"], 1);
    let clock = Clock::new();
    let opened = store.outbox().due(START, 1).unwrap().remove(0);
    // The program died before it knew what became of it; the lease still runs.
    let alert = store.outbox().alert_of(opened.id).unwrap();
    let retracted = Notification {
        id: NotificationId::derive(alert.id, &opened.receiver, 1),
        person: None,
        form: model::MessageForm::Notice,
        group: None,
        alerts: 1,
        kind: NotificationKind::Retracted,
        sequence: 1,
        state: NotificationState::Due { not_before: START },
        ..opened.clone()
    };
    put(&store, alert, &[retracted]);
    let kinds: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = kinds.clone();
    let router = Router::new().fallback(post(move |body: String| async move {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        keep.lock().unwrap().push(body["kind"].as_str().unwrap().to_owned());
    }));
    let hook = webhook(&serve(router).await);
    let at = clock.clone();
    let mut worker =
        Worker::new(store.outbox(), receivers([(name("hook"), hook)]), move || at.now());
    assert_eq!(worker.start_due().await.unwrap(), 0);
    clock.set(START.plus(store::LEASE_MS));
    while worker.start_due().await.unwrap() > 0 {
        worker.finish_one().await;
    }
    assert_eq!(*kinds.lock().unwrap(), ["opened", "retracted"]);
}

#[tokio::test]
async fn draining_ends_when_everything_is_delivered() {
    let (store, _) = store(&["hook"], 9);
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let router = Router::new().fallback(post(move || async move {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let hook = webhook(&serve(router).await);
    let worker = Worker::new(store.outbox(), receivers([(name("hook"), hook)]), || START);
    worker.drain().await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), 9);
    assert_eq!(store.outbox().counts().unwrap().delivered, 9);
}

#[test]
fn all_receivers_that_cannot_work_are_told_at_once() {
    let hook = |secret: &str| ReceiverConfig::Webhook {
        url: Secret::new("https://alerts.example/hook".to_owned()),
        secret: Some(Secret::new(secret.to_owned())),
    };
    let url = Secret::new("http://alerts.example/s3cr3t".to_owned());
    let configs = [
        (name("good"), hook("0123456789abcdef")),
        (name("weak"), hook("short")),
        (name("clear"), ReceiverConfig::Slack { url }),
    ];
    let error = Receivers::new(&configs, context()).unwrap_err();
    expect![[r#"
        receiver weak: the webhook's secret has 5 bytes; at least 16 make it hard to guess
        receiver clear: the slack address is not usable: it is a secret and must be https"#]]
    .assert_eq(&error.to_string());
    let receivers = Receivers::new(&configs[..1], context()).unwrap();
    assert!(receivers.by_name.contains_key("good"));
}
