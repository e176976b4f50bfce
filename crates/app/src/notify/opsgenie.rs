//! The alert API of Opsgenie, of Jira Service Management, and of what else speaks it.
//!
//! The alert's key is its alias there: a message that comes twice is counted, not shown twice, and a
//! retraction closes the alert. The API answers before it acts; an alias that is not open any more
//! is nothing to close.

use model::{Secret, UnixMillis};
use reqwest::{Method, RequestBuilder, StatusCode};

use super::{
    Message, Receipt, ReceiverError, SendError,
    http::{Answer, Endpoint, Exposure},
};

/// An API integration.
#[derive(Debug)]
pub struct Opsgenie {
    endpoint: Endpoint,
    key: Secret<String>,
}

impl Opsgenie {
    pub(super) fn new(url: &str, key: &Secret<String>) -> Result<Self, ReceiverError> {
        let url = Secret::new(url.to_owned());
        let endpoint = Endpoint::new("opsgenie", &url, Exposure::TakesSecret)?.hiding(key);
        Ok(Self { endpoint, key: key.clone() })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let (url, body) = if message.is_over() {
            let mut url = self.endpoint.at(&["v2", "alerts", &message.key(), "close"]);
            url.query_pairs_mut().append_pair("identifierType", "alias");
            (url, message.opsgenie_close())
        } else {
            (self.endpoint.at(&["v2", "alerts"]), message.opsgenie())
        };
        let request = self.endpoint.request(Method::POST, url).json(&body);
        let answer = self.exchange(request, message.at).await?;
        if message.is_over() && answer.status == StatusCode::NOT_FOUND {
            return Ok(Receipt::new("nothing is open there under this alias"));
        }
        answer.verdict()?;
        match answer.json().as_ref().and_then(|told| told["requestId"].as_str()) {
            Some(request) => {
                Ok(Receipt::named(format!("taken as request {request}"), message.key()))
            }
            None => Err(answer.is_not_of("Opsgenie")),
        }
    }

    /// The key of an integration may be allowed to create and not to read; then only a message can
    /// tell.
    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let mut url = self.endpoint.at(&["v2", "alerts"]);
        url.query_pairs_mut().append_pair("limit", "1");
        let answer = self.exchange(self.endpoint.request(Method::GET, url), now).await?;
        if answer.status == StatusCode::FORBIDDEN {
            return Ok(None);
        }
        answer.verdict()?;
        if answer.json().is_some_and(|told| told["data"].is_array()) {
            Ok(Some("the key is known".to_owned()))
        } else {
            Err(answer.is_not_of("Opsgenie"))
        }
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        now: UnixMillis,
    ) -> Result<Answer, SendError> {
        let key = format!("GenieKey {}", self.key.reveal());
        self.endpoint.exchange(request.header("authorization", key), now).await
    }
}
