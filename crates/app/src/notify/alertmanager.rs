//! An Alertmanager of the user's own.
//!
//! It forgets an alert that nobody repeats: after its `resolve_timeout`, unless the alert says
//! itself how long it stands. Ours do, so that none ends between two messages about it, and none
//! stays for ever should this program be gone. A retraction ends it at once.

use std::time::Duration;

use model::{Secret, UnixMillis};
use reqwest::{Method, RequestBuilder};

use super::{
    Access, Message, Receipt, ReceiverError, SendError,
    http::{Endpoint, Exposure},
};

/// An Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    endpoint: Endpoint,
    access: Access,
    stands_for: Duration,
}

impl Alertmanager {
    pub(super) fn new(
        url: &str,
        access: &Access,
        stands_for: Duration,
    ) -> Result<Self, ReceiverError> {
        let url = Secret::new(url.to_owned());
        let (exposure, key) = match access {
            Access::Open => (Exposure::Open, None),
            Access::Password { password, .. } => (Exposure::TakesSecret, Some(password)),
            Access::Token(token) => (Exposure::TakesSecret, Some(token)),
        };
        let endpoint = Endpoint::new("alertmanager", &url, exposure)?;
        let endpoint = match key {
            Some(key) => endpoint.hiding(key),
            None => endpoint,
        };
        Ok(Self { endpoint, access: access.clone(), stands_for })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let url = self.endpoint.at(&["api", "v2", "alerts"]);
        let request = self.endpoint.request(Method::POST, url);
        let request = self.entered(request).json(&message.alertmanager(self.stands_for));
        let answer = self.endpoint.exchange(request, message.at).await?;
        answer.verdict()?;
        // It answers nothing, or `{}` by way of some proxies.
        let is_silent = answer.told().is_empty() || answer.told() == "{}";
        if is_silent {
            Ok(Receipt::new("taken by Alertmanager"))
        } else {
            Err(answer.is_not_of("Alertmanager"))
        }
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let url = self.endpoint.at(&["api", "v2", "status"]);
        let request = self.entered(self.endpoint.request(Method::GET, url));
        let answer = self.endpoint.exchange(request, now).await?;
        answer.verdict()?;
        let told = answer.json().unwrap_or_default();
        match told["versionInfo"]["version"].as_str() {
            Some(version) => {
                let version: String =
                    version.chars().filter(|c| !c.is_control()).take(40).collect();
                Ok(Some(format!("Alertmanager {version}")))
            }
            None => Err(answer.is_not_of("Alertmanager")),
        }
    }

    fn entered(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.access {
            Access::Open => request,
            Access::Password { username, password } => {
                request.basic_auth(username, Some(password.reveal()))
            }
            Access::Token(token) => request.bearer_auth(token.reveal()),
        }
    }
}
