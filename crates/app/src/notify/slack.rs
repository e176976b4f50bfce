//! Slack's incoming webhooks, and what speaks their language.

use model::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Message, Receipt, ReceiverError, SendError, http::Endpoint};

/// An incoming webhook.
///
/// Slack knows no idempotency key: a message whose answer was lost may be shown twice.
#[derive(Debug)]
pub struct Slack {
    endpoint: Endpoint,
}

impl Slack {
    pub(super) fn new(url: &Secret<String>) -> Result<Self, ReceiverError> {
        Endpoint::new("slack", url, true).map(|endpoint| Self { endpoint })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.endpoint.post(headers, message.slack().to_string().into_bytes(), message.at).await
    }
}
