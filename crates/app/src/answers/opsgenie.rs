//! What was done in Opsgenie, or in what speaks its language: acknowledged there is acknowledged
//! here.
//!
//! From Opsgenie's documentation of outgoing webhooks: the body has `action` (`Acknowledge`,
//! `UnAcknowledge`, `Close`, …), `alert.alias` (the key under which we opened it), `alert.username`
//! (who did it) and `source`. Requests are not signed; a header of one's own choice proves where
//! they come from, here `Authorization: Bearer TOKEN`.

use alert::life::Deed;
use model::Secret;
use serde::Deserialize;

use super::{
    pagerduty::{Word, alert_of},
    slack::Refused,
    words,
};

/// How Opsgenie reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opsgenie {
    /// What the header shows.
    pub token: Secret<String>,
}

#[derive(Deserialize)]
struct Body {
    action: String,
    #[serde(default)]
    alert: Alert,
}

#[derive(Deserialize, Default)]
struct Alert {
    #[serde(default)]
    alias: String,
    #[serde(default)]
    username: String,
}

impl Opsgenie {
    /// What a request says was done; `None` when it is nothing that concerns us.
    ///
    /// # Errors
    /// When it is not Opsgenie that says so.
    pub fn read(&self, authorization: Option<&str>, body: &[u8]) -> Result<Option<Word>, Refused> {
        let shown = authorization.and_then(|text| text.strip_prefix("Bearer "));
        if !shown.is_some_and(|shown| words::is_same(shown, &self.token)) {
            return Err(Refused::Signature);
        }
        let Body { action, alert } = serde_json::from_slice(body).map_err(|_| Refused::Form)?;
        let deed = match action.as_str() {
            "Acknowledge" => Deed::Acknowledge,
            "UnAcknowledge" => Deed::Reopen,
            "Close" => Deed::Resolve,
            _ => return Ok(None),
        };
        let Some(id) = alert_of(&alert.alias).filter(|_| !alert.username.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(Word { alert: id, account: alert.username.to_lowercase(), deed }))
    }
}
