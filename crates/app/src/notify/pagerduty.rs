//! PagerDuty's Events API v2.
//!
//! The alert's key is the same in each event about it: PagerDuty makes one incident of them, and a
//! retraction resolves it.

use model::Secret;
use reqwest::Method;

use super::{
    Message, Receipt, ReceiverError, SendError,
    http::{Endpoint, Exposure},
};

/// A service.
#[derive(Debug)]
pub struct PagerDuty {
    endpoint: Endpoint,
    key: Secret<String>,
}

impl PagerDuty {
    pub(super) fn new(url: &str, key: &Secret<String>) -> Result<Self, ReceiverError> {
        let url = Secret::new(url.to_owned());
        let endpoint = Endpoint::new("pagerduty", &url, Exposure::TakesSecret)?.hiding(key);
        Ok(Self { endpoint, key: key.clone() })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let url = self.endpoint.at(&["v2", "enqueue"]);
        let event = message.pagerduty(self.key.reveal());
        let request = self.endpoint.request(Method::POST, url).json(&event);
        let answer = self.endpoint.exchange(request, message.at).await?;
        answer.verdict()?;
        let told = answer.json().unwrap_or_default();
        match told["status"].as_str() {
            Some("success") => Ok(Receipt::named("taken by PagerDuty", message.key())),
            Some(_) => {
                answer.as_if(400).verdict()?;
                Err(SendError::permanent("PagerDuty refused the event"))
            }
            None => Err(answer.is_not_of("PagerDuty")),
        }
    }
}
