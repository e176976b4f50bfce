//! Webhooks of Discord channels.
//!
//! Discord names each message it takes; a retraction edits the first one, so that nobody who scrolls
//! past it believes it, and comes as a message of its own, because an edit makes no noise. It knows
//! no idempotency key for webhooks: a message whose answer was lost may be shown twice.

use std::time::Duration;

use model::{Secret, UnixMillis};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{
    Errand, Receipt, ReceiverError, SendError,
    http::{Answer, Endpoint, Exposure},
};

/// A webhook of a channel.
#[derive(Debug)]
pub struct Discord {
    endpoint: Endpoint,
}

impl Discord {
    pub(crate) fn new(url: &Secret<String>) -> Result<Self, ReceiverError> {
        let endpoint = Endpoint::new("discord", url, Exposure::IsSecret)?;
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let message = errand.message;
        let body = message.discord();
        if let Some(first) = errand.first.filter(|_| message.is_over()) {
            // First, because editing twice does no harm and posting twice does.
            let url = self.endpoint.at(&["messages", first]);
            let request = self.endpoint.request(Method::PATCH, url).json(&body);
            let answer = self.exchange(request, message.at).await?;
            // Somebody deleted it: then there is nothing left to believe.
            if answer.status != StatusCode::NOT_FOUND {
                answer.verdict()?;
            }
        }
        self.post(&body, message.at).await
    }

    /// Posts a message of this form.
    pub(crate) async fn post(&self, body: &Value, now: UnixMillis) -> Result<Receipt, SendError> {
        let mut url = self.endpoint.address();
        url.query_pairs_mut().append_pair("wait", "true");
        let request = self.endpoint.request(Method::POST, url).json(body);
        let answer = self.exchange(request, now).await?;
        answer.verdict()?;
        let told = answer.json();
        match told.as_ref().and_then(|told| told["id"].as_str()) {
            Some(id) => Ok(Receipt::named("taken by Discord", id)),
            None => Err(answer.is_not_of("Discord")),
        }
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let request = self.endpoint.request(Method::GET, self.endpoint.address());
        let answer = self.exchange(request, now).await?;
        answer.verdict()?;
        let told = answer.json();
        match told.as_ref().and_then(|told| told["channel_id"].as_str()) {
            Some(channel) => Ok(Some(format!("the webhook writes to channel {channel}"))),
            None => Err(answer.is_not_of("Discord")),
        }
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        now: UnixMillis,
    ) -> Result<Answer, SendError> {
        let answer = self.endpoint.exchange(request, now).await?;
        // In seconds with a fraction, finer than the header.
        let rest = answer.json().as_ref().and_then(|told| told["retry_after"].as_f64());
        let rest = rest.and_then(|rest| Duration::try_from_secs_f64(rest).ok());
        Ok(answer.resting(rest))
    }
}
