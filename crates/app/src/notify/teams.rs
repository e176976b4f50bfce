//! Microsoft Teams, through a workflow that posts what its webhook takes.
//!
//! A workflow says that it began, not that the message is in the channel, and neither edits nor
//! knows a key: news comes as a further message, and one whose answer was lost may be shown twice.

use model::Secret;
use reqwest::Method;

use super::{
    Message, Receipt, ReceiverError, SendError,
    http::{Endpoint, Exposure},
};

/// Where the connectors of Office 365 were, which take nothing any more.
const GONE: [&str; 2] = [".webhook.office.com", "outlook.office.com"];

/// A workflow's webhook.
#[derive(Debug)]
pub struct Teams {
    endpoint: Endpoint,
}

impl Teams {
    pub(super) fn new(url: &Secret<String>) -> Result<Self, ReceiverError> {
        let endpoint = Endpoint::new("teams", url, Exposure::IsSecret)?;
        let host = endpoint.host();
        if GONE.iter().any(|gone| host.ends_with(gone)) {
            let reason = "it is one of the Office 365 connectors, which are gone: make a workflow \
                          that posts to a channel when a webhook request is received";
            return Err(ReceiverError::Url { what: "teams", reason });
        }
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let request = self.endpoint.request(Method::POST, self.endpoint.address());
        let answer = self.endpoint.exchange(request.json(&message.teams()), message.at).await?;
        let receipt = answer.verdict()?;
        // A workflow answers 202 and nothing; what stands between may say 200 to its own error.
        let told = answer.told().to_lowercase();
        if told.contains("error 429") || told.contains("throttl") {
            return Err(answer.as_if(429).verdict().err().unwrap_or_else(unclear));
        }
        let is_error = answer.json().is_some_and(|told| !told["error"].is_null());
        if is_error {
            return Err(answer.as_if(400).verdict().err().unwrap_or_else(unclear));
        }
        if told.contains("<html") || told.contains("failed") {
            return Err(answer.is_not_of("a workflow"));
        }
        Ok(receipt)
    }
}

fn unclear() -> SendError {
    SendError::Retry { after: None, reason: "Teams said yes and no".to_owned() }
}
