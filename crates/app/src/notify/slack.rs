//! Slack's incoming webhooks, and what speaks their language.

use model::Secret;
use reqwest::Method;

use super::{
    Message, Receipt, ReceiverError, SendError,
    http::{Answer, Endpoint, Exposure},
};

/// An incoming webhook.
///
/// Slack knows no idempotency key: a message whose answer was lost may be shown twice.
#[derive(Debug)]
pub struct Slack {
    endpoint: Endpoint,
}

impl Slack {
    pub(super) fn new(url: &Secret<String>) -> Result<Self, ReceiverError> {
        Endpoint::new("slack", url, Exposure::IsSecret).map(|endpoint| Self { endpoint })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let request = self.endpoint.request(Method::POST, self.endpoint.address());
        let answer = self.endpoint.exchange(request.json(&message.slack()), message.at).await?;
        verdict(answer)
    }
}

/// Slack answers `ok`, others an object or nothing. Some that speak its language say 200 and mean
/// their own error, and what stands between says 200 to anything.
fn verdict(answer: Answer) -> Result<Receipt, SendError> {
    let receipt = answer.verdict()?;
    let told = answer.json();
    let refusal = match &told {
        Some(told) if told["ok"] == false || told["success"] == false => {
            Some(told["error"].as_str().unwrap_or("unknown").to_owned())
        }
        Some(_) => None,
        None if answer.told().is_empty() || answer.told() == "ok" => None,
        // One of Slack's words for what is wrong.
        None if answer.told().chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            Some(answer.told().to_owned())
        }
        None => return Err(answer.is_not_of("Slack")),
    };
    let Some(refusal) = refusal else { return Ok(receipt) };
    let passes =
        ["ratelimited", "rate_limited", "internal_error", "service_unavailable", "fatal_error"];
    let status = if passes.contains(&refusal.as_str()) { 429 } else { 400 };
    answer.as_if(status).verdict()
}
