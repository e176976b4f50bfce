//! A real browser, headless, steered over its DevTools protocol.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::{PATIENCE, within};

/// Whether there is one; without it the test says that it is skipped and why.
pub(crate) fn has_browser() -> bool {
    let found = Command::new("chromium").args(["--version", "--no-sandbox"]).output().is_ok();
    if !found {
        println!("skipped: there is no chromium (`cargo xtask services up` installs it)");
    }
    found
}

/// A browser with one open page.
pub(crate) struct Browser {
    child: Child,
    /// Its profile, which goes with it.
    _profile: TempDir,
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    asked: u64,
    /// What the browser told besides answers.
    events: VecDeque<Value>,
}

impl Browser {
    /// Starts a browser that knows nobody and calls nobody.
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let log = profile.path().join("log.txt");
        let mut child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--window-size=1400,1000",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let port: u16 = within(PATIENCE, "the browser listens", async || {
            let said = fs::read_to_string(&log).unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the browser ended with {status}: {said}");
            }
            let (_, rest) = said.split_once("DevTools listening on ws://127.0.0.1:")?;
            rest.split_once('/')?.0.parse().ok()
        })
        .await;
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let address = within(PATIENCE, "the browser has a page", async || {
            let url = format!("http://127.0.0.1:{port}/json/list");
            let pages: Value = client.get(url).send().await.ok()?.json().await.ok()?;
            let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
            Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
        })
        .await;
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        let mut browser =
            Self { child, _profile: profile, socket, asked: 0, events: VecDeque::new() };
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// The answer to a command.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let command = json!({"id": self.asked, "method": method, "params": params});
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let message = self.next().await;
            if message["id"] == self.asked {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next());
            let message = message.await.expect("the browser answers").unwrap().unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Whether scripts run in pages that are opened from now on.
    pub(crate) async fn set_scripts(&mut self, run: bool) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": !run})).await;
    }

    /// Opens a page and waits until it has loaded.
    pub(crate) async fn open(&mut self, url: &str) {
        self.events.clear();
        let answer = self.ask("Page.navigate", json!({"url": url})).await;
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next().await;
            self.events.push_back(event);
        }
    }

    /// The page as it is now, as HTML.
    pub(crate) async fn html(&mut self) -> String {
        let root = self.ask("DOM.getDocument", json!({"depth": 0})).await;
        let node = &root["root"]["nodeId"];
        let html = self.ask("DOM.getOuterHTML", json!({"nodeId": node})).await;
        html["outerHTML"].as_str().unwrap().to_owned()
    }

    /// The value of an expression in the page.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", asked).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    pub(crate) async fn until(&mut self, patience: Duration, expression: &str) {
        let deadline = std::time::Instant::now() + patience;
        while self.evaluate(expression).await != true {
            assert!(std::time::Instant::now() < deadline, "never true in the page: {expression}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A picture of the page, as PNG, kept at `path`.
    pub(crate) async fn picture(&mut self, path: &Path) -> Vec<u8> {
        let answer = self.ask("Page.captureScreenshot", json!({"format": "png"})).await;
        let encoded = answer["data"].as_str().unwrap();
        let png = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
        fs::write(path, &png).unwrap();
        png
    }

    /// The addresses that the page asked for since it was opened.
    pub(crate) fn requested(&self) -> Vec<String> {
        let of = |event: &Value| {
            let is_request = event["method"] == "Network.requestWillBeSent";
            is_request.then(|| event["params"]["request"]["url"].as_str().unwrap().to_owned())
        };
        self.events.iter().filter_map(of).collect()
    }

    /// What went wrong in the page since it was opened: exceptions, refusals, failed requests.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => {
                let level = event["params"]["entry"]["level"].as_str();
                matches!(level, Some("error" | "warning"))
            }
            _ => false,
        };
        self.events.iter().filter(is_complaint).map(Value::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already. Its own children end with it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
