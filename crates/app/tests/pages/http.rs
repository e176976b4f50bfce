//! Just enough of an HTTP client to see every byte of an answer.

use std::net::SocketAddr;

use bellwether::{
    snapshot::NetworkHealth,
    web::{Site, Sources, router},
};
use model::UnixMillis;
use store::Store;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

use crate::sample;

/// The moment at which all tests look.
pub(crate) fn now() -> UnixMillis {
    UnixMillis(1_710_000_000_000)
}

/// A site that is served until the test ends.
pub(crate) struct Served {
    address: SocketAddr,
    /// Who tells of changes.
    pub(crate) changes: broadcast::Sender<()>,
    pub(crate) store: Store,
}

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Served {
    /// With the day of the sample.
    pub(crate) async fn full() -> Self {
        let store = Store::in_memory().unwrap();
        sample::fill(&store, now());
        Self::over(store, |_| {}).await
    }

    /// Before the first block.
    pub(crate) async fn empty() -> Self {
        Self::over(Store::in_memory().unwrap(), |_| {}).await
    }

    /// With other sources than the sample's.
    pub(crate) async fn over(store: Store, change: impl FnOnce(&mut Sources)) -> Self {
        let (mut sources, changes) = sample::sources(store.clone(), now);
        change(&mut sources);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = router(Site::new(sources));
        tokio::spawn(async move { axum::serve(listener, site).await });
        Self { address, changes, store }
    }

    /// With these networks and nothing else wrong.
    pub(crate) async fn with_health(store: Store, health: Vec<NetworkHealth>) -> Self {
        Self::over(store, |sources| {
            sources.health = std::sync::Arc::new(move || health.clone());
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        Answer::read(self.open(method, path, headers).await).await
    }

    /// Sends a body and reads the answer.
    pub(crate) async fn send(&self, path: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("{headers}content-length: {}\r\n", body.len());
        let mut stream = self.open("POST", path, &headers).await;
        stream.write_all(body.as_bytes()).await.unwrap();
        Answer::read(stream).await
    }

    /// Sends a request and leaves the reading to the caller.
    pub(crate) async fn open(&self, method: &str, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The id of the first alert with this severity and state, from the API.
    pub(crate) async fn alert(&self, severity: &str, state: &str) -> String {
        let list = self.get(&format!("/api/v1/alerts?state={state}")).await.json();
        let alerts = list["items"].as_array().unwrap();
        let fits = alerts.iter().find(|alert| alert["severity"] == severity).unwrap();
        fits["id"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The text that a reader sees, roughly: without tags, spaces joined.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut is_tag = false;
        for c in self.body.chars() {
            match c {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                c if !is_tag => text.push(c),
                _ => {}
            }
        }
        for (entity, c) in [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#x27;", "'"),
            ("&#x2f;", "/"),
            ("&amp;", "&"),
        ] {
            text = text.replace(entity, c);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}
