//! Writing through the program that has the store open: its own API, on this machine, with the key.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use model::{AlertId, Incident, Secret};
use serde_json::{Value, json};

use super::{Said, WITHDRAW};
use crate::{drills::Order, paging::Word};

/// How long the program may take: it writes one row.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The program that runs on the store.
pub struct Remote {
    client: reqwest::Client,
    base: String,
    key: Arc<Secret<String>>,
}

impl Remote {
    /// The program that listens here.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(listen: SocketAddr, key: Arc<Secret<String>>) -> anyhow::Result<Self> {
        // Plain HTTP on this machine, but a client wants to know how it would be otherwise.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("making a client")?;
        Ok(Self { client, base: format!("http://{listen}/api/v1"), key })
    }

    pub(super) async fn say(&self, said: &Said) -> anyhow::Result<()> {
        let verdict = said.assessment.map_or(WITHDRAW, |assessment| assessment.as_str());
        let body = json!({ "verdict": verdict, "by": said.by, "because": said.because });
        self.post(&format!("/alerts/{}/verdicts", said.alert), &body).await
    }

    pub(super) async fn declare(&self, incident: &Incident) -> anyhow::Result<()> {
        let body = serde_json::to_value(incident).context("writing the incident")?;
        self.post("/incidents", &body).await
    }

    pub(super) async fn tell(&self, word: &Word) -> anyhow::Result<()> {
        let body = serde_json::to_value(word).context("writing what is said")?;
        self.post("/words", &body).await
    }

    /// Begins a drill; gives its alert.
    ///
    /// # Errors
    /// What the program answers.
    pub async fn begin_drill(&self, order: &Order) -> anyhow::Result<AlertId> {
        let body = serde_json::to_value(order).context("writing the order")?;
        let told = self.ask("/drills", &body).await?;
        let alert = told["alert"].as_str().context("the running program names no alert")?;
        alert.parse().context("reading the alert of the drill")
    }

    pub(super) async fn remove_subscriber(&self, address: &str) -> anyhow::Result<bool> {
        let told = self.ask("/public/subscribers/remove", &json!({ "address": address })).await?;
        told["removed"].as_bool().context("the running program does not say what it did")
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        self.ask(path, body).await.map(drop)
    }

    async fn ask(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let asked = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(self.key.reveal())
            .json(body)
            .send();
        let answer = asked.await.context("asking the program that runs on the store")?;
        let status = answer.status();
        let said: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(said);
        }
        let why = said["error"].as_str().unwrap_or("it gives no reason").to_owned();
        bail!("the running program refuses ({status}): {why}");
    }
}
