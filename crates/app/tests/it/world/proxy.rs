//! A node's front door that can be told to fail, as those of providers do.

use std::sync::{
    Arc,
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
use tokio::task::JoinHandle;

struct Shared {
    to: String,
    client: reqwest::Client,
    is_down: AtomicBool,
    passed: AtomicUsize,
}

/// Passes requests on, or answers 503.
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
    let Ok(answer) = request.body(body).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    shared.passed.fetch_add(1, Ordering::Relaxed);
    match answer.bytes().await {
        Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
