//! Slack's interactivity: a button of a message was pressed.
//!
//! From Slack's documentation: the request is a form whose `payload` is JSON; `X-Slack-Signature` is
//! `v0=` and the hexadecimal HMAC-SHA256, under the app's signing secret, of `v0:TIMESTAMP:BODY`;
//! what is older than five minutes is not to be believed. An empty 200 within three seconds says
//! that it was taken; the message is changed, or the presser told, by a POST to `response_url`.

use std::time::Duration;

use hmac::{Hmac, Mac};
use model::{Secret, UnixMillis};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    Answers, Closed, Done, System, Who,
    reach::{Reach, Unreached},
    words,
};

/// Where the signature stands.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";

/// Where the time stands that is signed with it.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// Where `response_url`s lead, unless another system that speaks Slack's language is named.
pub const RESPOND_TO: &str = "https://hooks.slack.com/";

/// Requests older than this are not believed: 5 min, as Slack says.
pub const WINDOW_S: i64 = 5 * 60;

/// Longest exchange when a message is changed.
const RESPOND_TIMEOUT: Duration = Duration::from_secs(10);

/// Blocks of a message that are kept when it is changed: as many as Slack allows.
const BLOCKS_MAX: usize = 50;

/// How Slack reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slack {
    /// The app's signing secret.
    pub signing_secret: Secret<String>,
    /// What a `response_url` must begin with.
    pub respond_to: String,
}

/// Why a request is not believed, or not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not signed, or not by whom it should.
    #[error("the signature is not the one that belongs to this request")]
    Signature,
    /// Signed at another time.
    #[error("the request is too old, or a clock is wrong")]
    Old,
    /// Signed, but not what it should be.
    #[error("the request does not say what is needed of it")]
    Form,
}

/// A button that was pressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pressed {
    /// What it carries.
    pub token: String,
    /// Who.
    pub user: String,
    /// Where the message is changed.
    pub response_url: Option<String>,
    /// What the message looks like now.
    pub blocks: Vec<Value>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    user: User,
    #[serde(default)]
    actions: Vec<Action>,
    response_url: Option<String>,
    #[serde(default)]
    message: Message,
}

#[derive(Deserialize)]
struct User {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    value: String,
}

#[derive(Deserialize, Default)]
struct Message {
    #[serde(default)]
    blocks: Vec<Value>,
}

impl Slack {
    /// The signature of a body sent at a time.
    pub fn signature(&self, timestamp: &str, body: &[u8]) -> String {
        format!("v0={}", hex::encode(self.mac(timestamp, body).finalize().into_bytes()))
    }

    fn mac(&self, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signing_secret.reveal().as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(format!("v0:{timestamp}:").as_bytes());
        mac.update(body);
        mac
    }

    /// The button that a request says was pressed; `None` when it speaks of something else, which
    /// is none of our business.
    ///
    /// # Errors
    /// When it is not Slack that says so, or not now.
    pub fn read(
        &self,
        signature: Option<&str>,
        timestamp: Option<&str>,
        body: &[u8],
        now: UnixMillis,
    ) -> Result<Option<Pressed>, Refused> {
        let (Some(signature), Some(timestamp)) = (signature, timestamp) else {
            return Err(Refused::Signature);
        };
        let signed = signature.strip_prefix("v0=").and_then(|text| hex::decode(text).ok());
        let signed = signed.ok_or(Refused::Signature)?;
        self.mac(timestamp, body).verify_slice(&signed).map_err(|_| Refused::Signature)?;
        let claimed = timestamp.parse().map_err(|_| Refused::Old)?;
        if !words::is_near(claimed, now, WINDOW_S) {
            return Err(Refused::Old);
        }
        let payload = form_field(body, "payload").ok_or(Refused::Form)?;
        let payload: Payload = serde_json::from_str(&payload).map_err(|_| Refused::Form)?;
        let Payload { kind, user, actions, response_url, message } = payload;
        let token = actions.into_iter().map(|action| action.value).find(|value| !value.is_empty());
        let Some(token) = token.filter(|_| kind == "block_actions") else { return Ok(None) };
        let response_url = response_url.filter(|url| url.starts_with(&self.respond_to));
        let blocks = message.blocks.into_iter().take(BLOCKS_MAX).collect();
        Ok(Some(Pressed { token, user: user.id, response_url, blocks }))
    }
}

/// What to say where the button was pressed.
pub fn reply(answers: &Answers, pressed: &Pressed) -> Value {
    let who = Who::Account(System::Slack, pressed.user.clone());
    let outcome = answers.act(&pressed.token, &who, "slack");
    let line = answers.line(&outcome);
    match &outcome {
        Ok(_) | Err(Closed::Answered(_)) => json!({
            "replace_original": true,
            "text": escaped(&line),
            "blocks": changed(&pressed.blocks, &line, &outcome),
        }),
        // Only whoever pressed needs to know.
        Err(_) => json!({
            "replace_original": false,
            "response_type": "ephemeral",
            "text": escaped(&line),
        }),
    }
}

/// The message with a line of what was done; without its buttons when nothing is left to be asked.
fn changed(blocks: &[Value], line: &str, outcome: &Result<Done, Closed>) -> Vec<Value> {
    let is_final = outcome.as_ref().is_ok_and(|done| words::is_final(done.asked.wish));
    let is_kept = |block: &&Value| !(is_final && block["type"] == "actions");
    let kept = blocks.iter().filter(is_kept).take(BLOCKS_MAX - 1).cloned();
    let text = json!({ "type": "plain_text", "text": line, "emoji": false });
    let done = json!({ "type": "context", "elements": [text] });
    kept.chain([done]).collect()
}

/// Changes the message, or tells the presser.
///
/// # Errors
/// When Slack does not take it. The answer counts all the same.
pub(super) async fn respond(reach: &Reach, url: &str, reply: &Value) -> Result<(), Unreached> {
    match reach.post(url, reply, RESPOND_TIMEOUT).await? {
        (200..=299, _) => Ok(()),
        (status, _) => Err(Unreached(format!("HTTP {status}"))),
    }
}

/// Slack's three control characters; with them go mentions and links.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One field of a form.
fn form_field(body: &[u8], name: &str) -> Option<String> {
    let mut form = reqwest::Url::parse("form://form").ok()?;
    form.set_query(Some(std::str::from_utf8(body).ok()?));
    let mut fields = form.query_pairs();
    fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
