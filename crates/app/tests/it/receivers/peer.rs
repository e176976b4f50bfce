//! The other side of a receiver, on a port of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bellwether::notify::ReceiverConfig;
use serde_json::Value;
use tokio::task::JoinHandle;

/// Key of every receiver here; nothing that is told may hold it.
pub(super) const KEY: &str = "k3y-that-nobody-may-see";

/// A request, as it came.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    /// A header's text, empty if it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, which must be JSON and say so.
    pub(super) fn json(&self) -> Result<Value, String> {
        if !self.header("content-type").starts_with("application/json") {
            return Err(format!("content type {:?}", self.header("content-type")));
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// The fields of a form.
    pub(super) fn form(&self) -> Result<BTreeMap<String, String>, String> {
        if self.header("content-type") != "application/x-www-form-urlencoded" {
            return Err(format!("content type {:?}", self.header("content-type")));
        }
        let pairs = reqwest::Url::parse(&format!(
            "http://form/?{}",
            std::str::from_utf8(&self.body).map_err(|error| error.to_string())?
        ));
        let pairs = pairs.map_err(|error| error.to_string())?;
        Ok(pairs.query_pairs().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Account and password of basic authentication.
    pub(super) fn account(&self) -> Option<(String, String)> {
        let told = STANDARD.decode(self.header("authorization").strip_prefix("Basic ")?).ok()?;
        let told = String::from_utf8(told).ok()?;
        let (account, password) = told.split_once(':')?;
        Some((account.to_owned(), password.to_owned()))
    }
}

/// An answer.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Said {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What people on the other side see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// Text, without markup.
    pub(super) text: String,
    /// Every place it leads to.
    pub(super) links: Vec<String>,
    /// Whether it says that there is nothing left to do.
    pub(super) is_over: bool,
}

/// A provider, as its documentation has it.
pub(super) trait Provider: Send {
    /// How a user would configure a receiver for it, reached under `url`.
    fn config(&self, url: &str) -> ReceiverConfig;
    /// Takes a request; what is wrong with it makes the test fail.
    fn take(&mut self, asked: &Asked) -> Result<Said, String>;
    /// "Later", with the rest of seven seconds where this provider would put it.
    fn limited(&self) -> Said;
    /// "Never".
    fn refused(&self) -> Said;
    /// An error under a status that says yes; `None` where the status is all there is.
    fn lie(&self) -> Option<Said>;
    /// Whether a message that comes twice is shown once.
    fn is_idempotent(&self) -> bool;
    /// What people see now.
    fn shown(&self) -> Vec<Shown>;
}

/// How the provider feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// As documented.
    Well,
    /// Answers `429`, or what the provider says instead.
    Limiting,
    /// Refuses for good.
    Refusing,
    /// Answers `500`.
    Broken,
    /// Takes the request and never answers.
    Hanging,
    /// Says yes and means no.
    Lying,
    /// Is not the provider, but a page that asks to sign in.
    Portal,
}

struct Inner {
    provider: Mutex<Box<dyn Provider>>,
    mood: Mutex<Mood>,
    strange: Mutex<Vec<String>>,
}

/// A provider that listens.
pub(super) struct Peer {
    inner: Arc<Inner>,
    url: String,
    server: JoinHandle<()>,
}

impl Peer {
    pub(super) async fn start(provider: Box<dyn Provider>) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            provider: Mutex::new(provider),
            mood: Mutex::new(Mood::Well),
            strange: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, url, server }
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn config(&self) -> ReceiverConfig {
        self.provider().config(&self.url)
    }

    pub(super) fn provider(&self) -> MutexGuard<'_, Box<dyn Provider>> {
        self.inner.provider.lock().unwrap()
    }

    pub(super) fn feel(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// What people see now.
    ///
    /// # Panics
    /// When a request was not as the provider wants it.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let strange = self.inner.strange.lock().unwrap();
        assert!(strange.is_empty(), "{strange:#?}");
        self.provider().shown()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mood = *inner.mood.lock().unwrap();
    if mood == Mood::Hanging {
        std::future::pending::<()>().await;
    }
    let said = {
        let mut provider = inner.provider.lock().unwrap();
        let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
        let asked = Asked { method, path, query, headers, body };
        match mood {
            Mood::Limiting => provider.limited(),
            Mood::Refusing => provider.refused(),
            Mood::Broken => Said::text(500, "internal error"),
            Mood::Lying => provider.lie().unwrap(),
            Mood::Portal => Said::text(200, "<html><body>Please sign in</body></html>"),
            Mood::Well | Mood::Hanging => provider.take(&asked).unwrap_or_else(|why| {
                let why = format!("{} {}: {why}", asked.method, asked.path);
                inner.strange.lock().unwrap().push(why.clone());
                Said::text(400, &why)
            }),
        }
    };
    let mut response = (StatusCode::from_u16(said.status).unwrap(), said.body).into_response();
    for (name, value) in said.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Refuses an object that lacks one of `needed` or has a key that is in neither list.
pub(super) fn keys(object: &Value, needed: &[&str], allowed: &[&str]) -> Result<(), String> {
    let Some(map) = object.as_object() else { return Err(format!("no object: {object}")) };
    if let Some(missing) = needed.iter().find(|key| !map.contains_key(**key)) {
        return Err(format!("{missing} is missing in {object}"));
    }
    let is_known =
        |key: &&String| needed.contains(&key.as_str()) || allowed.contains(&key.as_str());
    match map.keys().find(|key| !is_known(key)) {
        Some(unknown) => Err(format!("unknown key {unknown} in {object}")),
        None => Ok(()),
    }
}

/// A text of 1 to `max` UTF-16 units.
pub(super) fn text<'v>(value: &'v Value, what: &str, max: usize) -> Result<&'v str, String> {
    let text = value.as_str().ok_or_else(|| format!("{what} is no text: {value}"))?;
    let length = text.encode_utf16().count();
    if (1..=max).contains(&length) {
        Ok(text)
    } else {
        Err(format!("{what} has {length} of {max}"))
    }
}

/// Refuses anything but `expected`.
pub(super) fn is<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, expected {expected:?}"))
    }
}
