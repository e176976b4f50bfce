//! What was done in PagerDuty: acknowledged there is acknowledged here.
//!
//! From PagerDuty's documentation of V3 webhooks: the body is `{"event": {…}}`; `event_type` is
//! `incident.acknowledged`, `incident.resolved`, …; `agent` is who did it; `data.incident_key` is
//! the key under which we opened it. `X-PagerDuty-Signature` lists, by commas, `v1=` and the
//! hexadecimal HMAC-SHA256 of the body, one for each secret that is valid.

use alert::life::Deed;
use hmac::{Hmac, Mac};
use model::{AlertId, Secret};
use serde::Deserialize;
use sha2::Sha256;

use super::{Answers, Closed, System, slack::Refused};

/// Where the signatures stand.
pub const SIGNATURE_HEADER: &str = "x-pagerduty-signature";

/// Signatures of one request that are looked at: PagerDuty sends two while a secret is replaced.
const SIGNATURES_MAX: usize = 8;

/// How PagerDuty reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDuty {
    /// The subscription's secret.
    pub secret: Secret<String>,
}

/// What somebody did in another pager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// About which alert.
    pub alert: AlertId,
    /// Whose account.
    pub account: String,
    /// What.
    pub deed: Deed,
}

#[derive(Deserialize)]
struct Body {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    event_type: String,
    agent: Option<Agent>,
    #[serde(default)]
    data: Incident,
}

#[derive(Deserialize)]
struct Agent {
    #[serde(default)]
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize, Default)]
struct Incident {
    incident_key: Option<String>,
}

impl PagerDuty {
    /// What a request says was done; `None` when it is nothing that concerns us, such as what we did
    /// there ourselves.
    ///
    /// # Errors
    /// When it is not PagerDuty that says so.
    pub fn read(&self, signature: Option<&str>, body: &[u8]) -> Result<Option<Word>, Refused> {
        let mut signatures = signature.unwrap_or_default().split(',').take(SIGNATURES_MAX);
        let is_ours = |text: &str| {
            let text = text.trim().strip_prefix("v1=").and_then(|text| hex::decode(text).ok());
            text.is_some_and(|signed| {
                let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.reveal().as_bytes())
                    .expect("HMAC takes keys of any length");
                mac.update(body);
                mac.verify_slice(&signed).is_ok()
            })
        };
        if !signatures.any(is_ours) {
            return Err(Refused::Signature);
        }
        let Body { event } = serde_json::from_slice(body).map_err(|_| Refused::Form)?;
        let deed = match event.event_type.as_str() {
            "incident.acknowledged" => Deed::Acknowledge,
            "incident.resolved" => Deed::Resolve,
            // Nobody is on it any more, or somebody opened it anew.
            "incident.unacknowledged" | "incident.reopened" => Deed::Reopen,
            _ => return Ok(None),
        };
        let is_person = |agent: &Agent| agent.kind.starts_with("user") && !agent.id.is_empty();
        let Some(agent) = event.agent.filter(is_person) else { return Ok(None) };
        let Some(alert) = event.data.incident_key.as_deref().and_then(alert_of) else {
            return Ok(None);
        };
        Ok(Some(Word { alert, account: agent.id, deed }))
    }
}

/// The alert of a key that we gave: its id, with or without a word before it.
pub(super) fn alert_of(key: &str) -> Option<AlertId> {
    key.rsplit([':', '/', '-']).next()?.parse().ok()
}

/// Hands a word on to the pager.
///
/// # Errors
/// When it is nobody's whom we know, or cannot be kept.
pub fn take(answers: &Answers, system: System, word: Word) -> Result<(), Closed> {
    let by = answers.whose(system, &word.account)?;
    answers.said(vec![word.alert], &by, word.deed, system.as_str())
}
