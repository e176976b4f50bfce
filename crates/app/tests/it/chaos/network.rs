//! The other side of all receivers, which fails as it is told.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
    serve::Listener,
};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How a receiver's side feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Takes what comes.
    Well,
    /// 429, and asks for a rest of 7 s.
    Limits,
    /// 500.
    Breaks,
    /// Says 200 and means no: a page that stands before the line.
    Lies,
    /// Whoever connects is hung up on.
    Cut,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) channel: String,
    pub(super) body: Value,
}

#[derive(Default)]
struct Shared {
    moods: Mutex<BTreeMap<String, Mood>>,
    everywhere: Mutex<Option<Mood>>,
    taken: Mutex<Vec<Taken>>,
}

impl Shared {
    fn mood(&self, channel: &str) -> Mood {
        let everywhere = *self.everywhere.lock().unwrap();
        let own = self.moods.lock().unwrap().get(channel).copied();
        everywhere.or(own).unwrap_or(Mood::Well)
    }
}

/// A receiver's port.
struct Door {
    listener: TcpListener,
    channel: &'static str,
    shared: Arc<Shared>,
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if self.shared.mood(self.channel) != Mood::Cut {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// All of them, each on a port of its own.
pub(super) struct Network {
    urls: BTreeMap<&'static str, String>,
    shared: Arc<Shared>,
    servers: Vec<JoinHandle<()>>,
}

impl Network {
    pub(super) async fn start(channels: impl IntoIterator<Item = &'static str>) -> Self {
        let shared = Arc::new(Shared::default());
        let (mut urls, mut servers) = (BTreeMap::new(), Vec::new());
        for channel in channels {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            urls.insert(channel, format!("http://{}/hook", listener.local_addr().unwrap()));
            let door = Door { listener, channel, shared: shared.clone() };
            let state = (channel, shared.clone());
            let router = Router::new().route("/hook", post(take)).with_state(state);
            servers.push(tokio::spawn(async move { axum::serve(door, router).await.unwrap() }));
        }
        Self { urls, shared, servers }
    }

    pub(super) fn url(&self, channel: &str) -> &str {
        &self.urls[channel]
    }

    /// One receiver feels so from now on.
    pub(super) fn feel(&self, channel: &str, mood: Mood) {
        *self.shared.everywhere.lock().unwrap() = None;
        self.shared.moods.lock().unwrap().insert(channel.to_owned(), mood);
    }

    /// All of them do.
    pub(super) fn feel_everywhere(&self, mood: Mood) {
        *self.shared.everywhere.lock().unwrap() = Some(mood);
    }

    /// Everything that was taken, in order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

async fn take(
    State((channel, shared)): State<(&'static str, Arc<Shared>)>,
    body: Bytes,
) -> Response {
    let mut response = match shared.mood(channel) {
        Mood::Well => {
            let (channel, body) = (channel.to_owned(), serde_json::from_slice(&body).unwrap());
            shared.taken.lock().unwrap().push(Taken { channel, body });
            (StatusCode::OK, "ok").into_response()
        }
        Mood::Limits => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")], "later").into_response()
        }
        Mood::Lies => "<html><body>Please sign in</body></html>".into_response(),
        Mood::Breaks | Mood::Cut => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    // A line that is cut later must not be one that is open still.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
