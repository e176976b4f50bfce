//! From a finding to the first attempt to tell somebody: the pager's task, the outbox and its worker,
//! a store on disk, a receiver on loopback.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use alert::AlertBook;
use axum::{Router, body::Bytes, extract::State, routing::post};
use bellwether::{
    clock,
    notify::{Context, ReceiverConfig, Receivers, Worker},
    paging,
};
use model::Secret;
use store::Store;
use tokio::sync::{Notify, broadcast, watch};

use crate::{
    made,
    table::{Sample, Table},
};

/// Most that may pass at the 99th percentile.
const LATENCY_MS_MAX: f64 = 50.0;

/// Beyond so many times the goal, a slow moment of the machine explains nothing any more.
const WALL_TOLERANCE: f64 = 3.0;

/// Time between two findings: no multiple of any interval of the tasks.
const EVERY: Duration = Duration::from_millis(37);

/// Findings at the beginning that are not counted: connections are made, statements prepared.
const WARM_UP: usize = 20;

type Arrivals = Arc<Mutex<HashMap<String, Instant>>>;

pub(super) fn measure(findings: usize, table: &mut Table) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    table.heading("latency, finding committed -> first attempt at the receiver (wall time)");
    let sample = Sample::new(runtime.block_on(latencies(findings)));
    table.row("all", &sample, "ms");
    let p99 = sample.quantile(0.99);
    let most = LATENCY_MS_MAX;
    table.single("99th percentile", p99, "ms", most, most * WALL_TOLERANCE);
    table.note(&format!("slowest of {findings}: {:.1} ms", sample.quantile(1.0)));
}

async fn latencies(findings: usize) -> Vec<f64> {
    let arrivals = Arrivals::default();
    let hook = ReceiverConfig::Webhook {
        url: Secret::new(listen(arrivals.clone()).await),
        secret: Some(Secret::new("0123456789abcdef0123456789abcdef".to_owned())),
    };
    let receivers = Receivers::new(&[(made::name("hook"), hook)], Context::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db")).unwrap();

    let (wake, wake_outbox) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (stop, stopping) = watch::channel(false);
    let (receivers_held, receivers) = watch::channel(Arc::new(receivers));
    let pager = tokio::spawn(paging::keep_paging(paging::Parts {
        twins: bellwether::twin::Twins::default(),
        turns: bellwether::pulse::Turns::default(),
        canaries: bellwether::canary::Canaries::default(),
        store: store.clone(),
        plan: made::plan(true),
        is_public: false,
        wake: wake.clone(),
        wake_outbox: wake_outbox.clone(),
        changes: broadcast::channel(16).0,
        stopping: stopping.clone(),
    }));
    let worker = Worker::new(store.outbox(), receivers, clock::now).telling(wake.clone());
    let outbox = tokio::spawn(worker.run(wake_outbox, stopping));

    let mut book = AlertBook::new();
    let mut shown = Vec::new();
    for number in 0..(findings + WARM_UP) as u64 {
        tokio::time::sleep(EVERY).await;
        let now = clock::now();
        // None is urgent: what is critical would skip its group's wait anyway.
        let alert = made::alert(&mut book, 2 * number + 3, now);
        let id = alert.id.to_string();
        let (found_at, to) = (Instant::now(), store.clone());
        let commit = move || made::commit(&to, number, vec![alert], now);
        tokio::task::spawn_blocking(commit).await.unwrap();
        wake.notify_one();
        shown.push((id, found_at));
    }
    let patience = Instant::now() + Duration::from_secs(30);
    while arrivals.lock().unwrap().len() < shown.len() {
        assert!(Instant::now() < patience, "the last message did not arrive");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    pager.await.unwrap();
    outbox.await.unwrap();
    drop(receivers_held);
    let arrived = arrivals.lock().unwrap();
    let of = |(id, at): &(String, Instant)| {
        arrived[id].saturating_duration_since(*at).as_secs_f64() * 1e3
    };
    shown[WARM_UP..].iter().map(of).collect()
}

async fn listen(arrivals: Arrivals) -> String {
    async fn take(State(arrivals): State<Arrivals>, body: Bytes) {
        let now = Instant::now();
        let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let id = message["alert"]["id"].as_str().unwrap_or_else(|| panic!("{message:#}"));
        arrivals.lock().unwrap().entry(id.to_owned()).or_insert(now);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(take)).with_state(arrivals);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}
