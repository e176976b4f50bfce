//! Rooms on Matrix, by the client-server API.
//!
//! The transaction's name is the message's identity, so a message whose answer was lost is shown
//! once. A retraction replaces the first event and answers it; other news answers it. Rooms with
//! end-to-end encryption show what is sent here as not encrypted, or refuse it.

use std::time::Duration;

use model::{Secret, UnixMillis};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    Errand, Receipt, ReceiverError, SendError,
    http::{Answer, Endpoint, Exposure},
};

/// An account and the room that it writes to.
#[derive(Debug)]
pub struct Matrix {
    endpoint: Endpoint,
    token: Secret<String>,
    room: String,
}

impl Matrix {
    pub(super) fn new(
        url: &str,
        token: &Secret<String>,
        room: &str,
    ) -> Result<Self, ReceiverError> {
        if !room.starts_with('!') || room.len() < 2 || room.contains(char::is_whitespace) {
            return Err(ReceiverError::Name {
                what: "a room of Matrix",
                text: room.to_owned(),
                example: "!id:server, which the room's settings show; an alias such as #room:server does not do",
            });
        }
        let url = Secret::new(url.to_owned());
        let endpoint = Endpoint::new("matrix", &url, Exposure::TakesSecret)?.hiding(token);
        Ok(Self { endpoint, token: token.clone(), room: room.to_owned() })
    }

    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let message = errand.message;
        if let Some(first) = errand.first.filter(|_| message.is_over()) {
            let transaction = format!("{}-edit", message.id);
            self.put(&transaction, &message.matrix_edit(first), message.at).await?;
        }
        let mut content = message.matrix();
        if let Some(first) = errand.first {
            content["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": first } });
        }
        let event = self.put(&message.id.to_string(), &content, message.at).await?;
        Ok(Receipt::named("taken by the homeserver", event))
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let url = self.endpoint.at(&["_matrix", "client", "v3", "account", "whoami"]);
        let answer = self.exchange(self.endpoint.request(Method::GET, url), now).await?;
        answer.verdict()?;
        match answer.json().as_ref().and_then(|told| told["user_id"].as_str()) {
            Some(user) => Ok(Some(format!("the account is {user}"))),
            None => Err(answer.is_not_of("a homeserver")),
        }
    }

    /// Sends an event; what the homeserver calls it.
    async fn put(
        &self,
        transaction: &str,
        content: &Value,
        now: UnixMillis,
    ) -> Result<String, SendError> {
        let path =
            ["_matrix", "client", "v3", "rooms", &self.room, "send", "m.room.message", transaction];
        let request = self.endpoint.request(Method::PUT, self.endpoint.at(&path)).json(content);
        let answer = self.exchange(request, now).await?;
        answer.verdict()?;
        match answer.json().as_ref().and_then(|told| told["event_id"].as_str()) {
            Some(event) => Ok(event.to_owned()),
            None => Err(answer.is_not_of("a homeserver")),
        }
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        now: UnixMillis,
    ) -> Result<Answer, SendError> {
        let request = request.bearer_auth(self.token.reveal());
        let answer = self.endpoint.exchange(request, now).await?;
        let rest = answer.json().as_ref().and_then(|told| told["retry_after_ms"].as_u64());
        Ok(answer.resting(rest.map(Duration::from_millis)))
    }
}
