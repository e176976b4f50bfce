//! Discord's interactions: a button of a message was pressed.
//!
//! From Discord's documentation: each request is signed with Ed25519 over timestamp and body
//! (`X-Signature-Ed25519`, `X-Signature-Timestamp`), and a wrong signature must be answered with
//! 401, which Discord tries out; a PING (type 1) is answered with a PONG (type 1); a component
//! interaction (type 3) is answered within three seconds, with type 7 to change the message or type
//! 4 to say something, which flag 64 shows to the presser alone.

use model::UnixMillis;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answers, Closed, System, Who, slack::Refused, words};

/// Where the signature stands.
pub const SIGNATURE_HEADER: &str = "x-signature-ed25519";

/// Where the time stands that is signed with it.
pub const TIMESTAMP_HEADER: &str = "x-signature-timestamp";

/// Requests older than this are not believed: 5 min. Discord waits 3 s for an answer.
pub const WINDOW_S: i64 = 5 * 60;

/// Characters of a message's text.
const CONTENT_CHARS_MAX: usize = 2_000;

const PING: u64 = 1;
const COMPONENT: u64 = 3;
const PONG: u64 = 1;
const SAY: u64 = 4;
const CHANGE: u64 = 7;
const EPHEMERAL: u64 = 64;

/// How Discord reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discord {
    /// The application's public key.
    pub public_key: [u8; 32],
}

/// What Discord wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Interaction {
    /// To know whether we check signatures.
    Ping,
    /// A button was pressed.
    Pressed {
        /// What it carries.
        token: String,
        /// Who.
        user: String,
        /// The message's text now.
        content: String,
    },
    /// Something that we did not ask for.
    Other,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: u64,
    data: Option<Data>,
    /// In a server.
    member: Option<Member>,
    /// In a direct message.
    user: Option<User>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    custom_id: String,
}

#[derive(Deserialize)]
struct Member {
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
}

impl Discord {
    /// What a request wants.
    ///
    /// # Errors
    /// When it is not Discord that says so, or not now.
    pub fn read(
        &self,
        signature: Option<&str>,
        timestamp: Option<&str>,
        body: &[u8],
        now: UnixMillis,
    ) -> Result<Interaction, Refused> {
        let (Some(signature), Some(timestamp)) = (signature, timestamp) else {
            return Err(Refused::Signature);
        };
        let signature = hex::decode(signature).map_err(|_| Refused::Signature)?;
        let signed = [timestamp.as_bytes(), body].concat();
        UnparsedPublicKey::new(&ED25519, self.public_key)
            .verify(&signed, &signature)
            .map_err(|_| Refused::Signature)?;
        let claimed = timestamp.parse().map_err(|_| Refused::Old)?;
        if !words::is_near(claimed, now, WINDOW_S) {
            return Err(Refused::Old);
        }
        let raw: Raw = serde_json::from_slice(body).map_err(|_| Refused::Form)?;
        Ok(match (raw.kind, raw.data, raw.member.map(|member| member.user).or(raw.user)) {
            (PING, ..) => Interaction::Ping,
            (COMPONENT, Some(data), Some(user)) => Interaction::Pressed {
                token: data.custom_id,
                user: user.id,
                content: raw.message.map(|message| message.content).unwrap_or_default(),
            },
            _ => Interaction::Other,
        })
    }
}

/// The answer to a PING.
pub fn pong() -> Value {
    json!({ "type": PONG })
}

/// What to say where the button was pressed. What a message had beside its text (embeds, buttons)
/// stays, but for the buttons once nothing is left to be asked.
pub fn reply(answers: &Answers, token: &str, user: &str, content: &str) -> Value {
    let who = Who::Account(System::Discord, user.to_owned());
    let outcome = answers.act(token, &who, "discord");
    let line = answers.line(&outcome);
    // Whatever a name holds, nobody is called by it.
    let nobody = json!({ "parse": [] });
    match &outcome {
        Ok(_) | Err(Closed::Answered(_)) => {
            let is_final = outcome.as_ref().is_ok_and(|done| words::is_final(done.asked.wish));
            let mut data = json!({ "content": added(content, &line), "allowed_mentions": nobody });
            if is_final {
                data["components"] = json!([]);
            }
            json!({ "type": CHANGE, "data": data })
        }
        Err(_) => json!({
            "type": SAY,
            "data": { "content": line, "flags": EPHEMERAL, "allowed_mentions": nobody },
        }),
    }
}

/// A text with one more line, cut where it began when there is no room for both.
fn added(content: &str, line: &str) -> String {
    let room = CONTENT_CHARS_MAX.saturating_sub(line.chars().count() + 2);
    let kept: String = content.chars().take(room).collect();
    if kept.is_empty() { line.to_owned() } else { format!("{kept}\n{line}") }
}
