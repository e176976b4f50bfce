//! JSON-RPC 2.0 as nodes speak it: HTTP (single and batch) and WebSocket on one port.

mod answer; // from request text to answer text: envelope, batches, faults
mod json; // blocks, transactions, receipts and logs in the words of other nodes
mod logs; // eth_getLogs
mod methods; // what each method does
mod params; // reading parameters
mod websocket; // connections and subscriptions

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{State, WebSocketUpgrade},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::{net::TcpListener, sync::watch};

use super::{Devnet, Faults};

/// One port that serves the chain. Dropping it closes the port and all its connections; requests
/// that are being answered get their answer.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    faults: Arc<Faults>,
    /// Held for as long as connections may live.
    _open: watch::Sender<()>,
}

impl Endpoint {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For HTTP clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For WebSocket clients.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// What this endpoint does wrong.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Shared {
    devnet: Devnet,
    faults: Arc<Faults>,
    /// Fails when the endpoint has been dropped.
    is_open: watch::Receiver<()>,
}

impl Shared {
    /// Waits until the endpoint is dropped.
    async fn closed(&mut self) {
        while self.is_open.changed().await.is_ok() {}
    }
}

pub(super) async fn serve(devnet: Devnet, address: SocketAddr) -> std::io::Result<Endpoint> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let faults = Arc::new(Faults::default());
    let (open, is_open) = watch::channel(());
    let shared = Shared { devnet, faults: Arc::clone(&faults), is_open };
    let mut until = shared.clone();
    let router = Router::new().route("/", post(over_http).get(upgrade)).with_state(shared);
    tokio::spawn(async move {
        let server = axum::serve(listener, router);
        // Kept-alive connections end with the port, as they would when a node goes down.
        let server = server.with_graceful_shutdown(async move { until.closed().await });
        if let Err(error) = server.await {
            tracing::error!(%error, "devnet endpoint stopped");
        }
    });
    Ok(Endpoint { address, faults, _open: open })
}

async fn over_http(State(shared): State<Shared>, body: Bytes) -> Response {
    match answer::answer(&shared, body.to_vec()).await {
        answer::Answer::Text(text) => {
            let json = HeaderValue::from_static("application/json");
            ([(CONTENT_TYPE, json)], text).into_response()
        }
        answer::Answer::Status(status) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
    }
}

async fn upgrade(State(shared): State<Shared>, socket: WebSocketUpgrade) -> Response {
    socket.on_upgrade(move |socket| websocket::run(shared, socket))
}
