//! A node's front door that can be told to fail, as those of providers do.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What to answer instead of the node, given the method, its parameters and what the node said.
type Spoil = Box<dyn FnMut(&str, &Value, &mut Value) + Send>;

struct Shared {
    to: String,
    client: reqwest::Client,
    is_down: AtomicBool,
    passed: AtomicUsize,
    spoil: Mutex<Option<Spoil>>,
}

/// Passes requests on, answers 503, or something else than the node did.
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before a node.
    pub(crate) async fn start(to: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            is_down: AtomicBool::new(false),
            passed: AtomicUsize::new(0),
            spoil: Mutex::default(),
        });
        let router = Router::new().route("/", post(pass)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Fails from now on, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Lets somebody change each answer of the node from now on.
    pub(crate) fn spoil(&self, spoil: impl FnMut(&str, &Value, &mut Value) + Send + 'static) {
        *self.shared.spoil.lock().unwrap() = Some(Box::new(spoil));
    }

    /// Has no tracing from now on, as most providers.
    pub(crate) fn refuse_traces(&self) {
        self.spoil(|method, _, answer| without_traces(method, answer));
    }

    /// Requests that were passed on.
    pub(crate) fn passed(&self) -> usize {
        self.shared.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    if shared.is_down.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request = shared.client.post(&shared.to).header(CONTENT_TYPE, "application/json");
    let Ok(answer) = request.body(body.clone()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    shared.passed.fetch_add(1, Ordering::Relaxed);
    match answer.bytes().await {
        Ok(bytes) => {
            let bytes = spoiled(&shared, &body, bytes);
            ([(CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Answers to one call or to a batch, each changed as somebody wishes.
fn spoiled(shared: &Shared, asked: &Bytes, answered: Bytes) -> Bytes {
    let mut spoil = shared.spoil.lock().unwrap();
    let Some(spoil) = &mut *spoil else { return answered };
    let Ok(asked) = serde_json::from_slice::<Value>(asked) else { return answered };
    // A deep call tree is more than serde_json reads; it stands for itself until it is spoiled.
    let unread = || json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null });
    let read = serde_json::from_slice::<Value>(&answered).unwrap_or_else(|_| unread());
    let (original, mut answered) = (answered, read.clone());
    let mut one = |call: &Value, answer: &mut Value| {
        spoil(call["method"].as_str().unwrap(), &call["params"], answer);
    };
    match (&asked, &mut answered) {
        (Value::Array(calls), Value::Array(answers)) => {
            for answer in answers {
                let of = calls.iter().find(|call| call["id"] == answer["id"]).unwrap();
                one(of, answer);
            }
        }
        (call, answer) => one(call, answer),
    }
    if answered == read { original } else { answered.to_string().into() }
}

/// What a node without tracing says.
pub(crate) fn without_traces(method: &str, answer: &mut Value) {
    if method.starts_with("debug_") || method.starts_with("trace_") {
        let message = format!("the method {method} does not exist/is not available");
        *answer = json!({
            "jsonrpc": "2.0", "id": answer["id"], "error": { "code": -32601, "message": message },
        });
    }
}
