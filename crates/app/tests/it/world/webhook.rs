//! A webhook's other side: takes what is sent, checks its signature, keeps it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use bellwether::notify::{SIGNATURE_HEADER, signature};
use model::{AlertId, Secret};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::WEBHOOK_KEY;

/// One message, once per time that it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// `Idempotency-Key`.
    pub(crate) key: String,
    /// The body.
    pub(crate) body: Value,
}

impl Delivery {
    pub(crate) fn kind(&self) -> &str {
        self.body["kind"].as_str().unwrap()
    }

    pub(crate) fn alert(&self) -> AlertId {
        self.body["alert"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn monitor(&self) -> &str {
        self.body["alert"]["monitor"].as_str().unwrap()
    }

    pub(crate) fn sequence(&self) -> u32 {
        u32::try_from(self.body["sequence"].as_u64().unwrap()).unwrap()
    }
}

/// What the server and the test share.
#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Delivery>>,
    /// Requests whose signature, key or body is not what was promised.
    strange: Mutex<Vec<String>>,
    /// Status of every answer; 0 is 200.
    status: AtomicU16,
    refused: AtomicUsize,
    delay_ms: AtomicU64,
}

/// A webhook receiver on a port of its own.
pub(crate) struct Webhook {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Webhook {
    /// Starts listening.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let router = Router::new().route("/hook", post(take)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Answers with this status from now on; only 200 takes a message.
    pub(crate) fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::Relaxed);
    }

    /// Answers this late from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.delay_ms.store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// Requests that were answered with something else than 200.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Everything that was taken, in order.
    ///
    /// # Panics
    /// When anything was not as promised.
    pub(crate) fn taken(&self) -> Vec<Delivery> {
        let strange = self.shared.strange.lock().unwrap();
        assert!(strange.is_empty(), "{strange:#?}");
        self.shared.taken.lock().unwrap().clone()
    }

    /// What was taken of one monitor's alerts, as `kind` words in order, each message once.
    pub(crate) fn kinds_of(&self, monitor: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut kinds = Vec::new();
        for delivery in self.taken().iter().filter(|d| d.monitor() == monitor) {
            if !keys.contains(&delivery.key) {
                keys.push(delivery.key.clone());
                kinds.push(delivery.kind().to_owned());
            }
        }
        kinds
    }

    /// Asserts what holds for every receiver at any time, whatever happened: one message has one
    /// identity, one identity has one content, and the messages about an alert come in order.
    pub(crate) fn assert_identities(&self) {
        let mut by_key: BTreeMap<String, (AlertId, u32, String)> = BTreeMap::new();
        let mut by_word: BTreeMap<(AlertId, String, u32), String> = BTreeMap::new();
        let mut newest: BTreeMap<AlertId, u32> = BTreeMap::new();
        for delivery in self.taken() {
            let (alert, sequence) = (delivery.alert(), delivery.sequence());
            let receiver = delivery.body["receiver"].as_str().unwrap().to_owned();
            let key =
                by_word.entry((alert, receiver, sequence)).or_insert_with(|| delivery.key.clone());
            assert_eq!(*key, delivery.key, "one word about an alert has one identity");
            let told = (alert, sequence, delivery.kind().to_owned());
            let first = by_key.entry(delivery.key.clone()).or_insert_with(|| told.clone());
            assert_eq!(*first, told, "a repeated message says the same");
            let newest = newest.entry(alert).or_insert(sequence);
            assert!(
                sequence <= *newest + 1,
                "message {sequence} of alert {alert} overtook message {}",
                *newest + 1
            );
            *newest = (*newest).max(sequence);
        }
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let delay_ms = shared.delay_ms.load(Ordering::Relaxed);
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    let status = shared.status.load(Ordering::Relaxed);
    if status != 0 && status != 200 {
        shared.refused.fetch_add(1, Ordering::Relaxed);
        return StatusCode::from_u16(status).unwrap();
    }
    match read(&headers, &body) {
        Ok(delivery) => shared.taken.lock().unwrap().push(delivery),
        Err(why) => shared.strange.lock().unwrap().push(why),
    }
    StatusCode::OK
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, String> {
    let header = |name: &str| {
        let value = headers.get(name).ok_or_else(|| format!("no header {name}"))?;
        value.to_str().map_err(|error| format!("{name}: {error}"))
    };
    let signed = header(SIGNATURE_HEADER)?;
    let (time, mac) = signed
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .ok_or_else(|| format!("{SIGNATURE_HEADER}: {signed}"))?;
    let time: i64 = time.parse().map_err(|error| format!("time {time}: {error}"))?;
    let expected = signature(&Secret::new(WEBHOOK_KEY.to_owned()), time, body);
    if mac != expected {
        return Err(format!("signature {mac}, expected {expected}"));
    }
    let age_s = (bellwether::clock::now().0 / 1_000 - time).abs();
    if age_s > 60 {
        return Err(format!("signed {age_s} s ago"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let key = header("idempotency-key")?.to_owned();
    if body["id"] != key.as_str() || body["schema"] != "bellwether.alert/1" {
        return Err(format!("key {key} of body {body}"));
    }
    Ok(Delivery { key, body })
}
