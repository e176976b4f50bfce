//! Bots on Telegram, by its bot API.
//!
//! A retraction edits the first message and answers it; other news answers it. There is no
//! idempotency key: a message whose answer was lost may be shown twice.

use std::time::Duration;

use model::{Secret, UnixMillis};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Errand, Receipt, ReceiverError, SendError,
    http::{Answer, Endpoint, Exposure},
};

/// A bot and the chat that it writes to.
#[derive(Debug)]
pub struct Telegram {
    endpoint: Endpoint,
    token: Secret<String>,
    chat: String,
}

impl Telegram {
    pub(crate) fn new(
        url: &str,
        token: &Secret<String>,
        chat: &str,
    ) -> Result<Self, ReceiverError> {
        check_chat(chat)?;
        let url = Secret::new(url.to_owned());
        let endpoint = Endpoint::new("telegram", &url, Exposure::TakesSecret)?.hiding(token);
        Ok(Self { endpoint, token: token.clone(), chat: chat.to_owned() })
    }

    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let message = errand.message;
        let chat = errand.address.unwrap_or(&self.chat);
        // A person's chat is told to nobody.
        check_chat(chat).map_err(|_| SendError::permanent("the person's chat is none"))?;
        // The first message may stand in another chat, should the configuration have changed.
        let first = errand.first.and_then(|first| first.rsplit_once(':'));
        let first = first.and_then(|(chat, id)| Some((chat, id.parse::<i64>().ok()?)));
        if let Some((chat, id)) = first.filter(|_| message.is_over()) {
            // First, because editing twice does no harm and posting twice does.
            let mut body = message.telegram();
            body["chat_id"] = chat_id(chat);
            body["message_id"] = json!(id);
            self.edit(body, message.at).await?;
        }
        let mut body = message.telegram();
        body["chat_id"] = chat_id(chat);
        body["disable_notification"] = json!(!message.is_urgent());
        if let Some((_, id)) = first.filter(|(of, _)| *of == chat) {
            body["reply_parameters"] =
                json!({ "message_id": id, "allow_sending_without_reply": true });
        }
        self.post(body, message.at).await
    }

    /// Posts a message of this form to the configured chat.
    pub(crate) async fn announce(
        &self,
        mut body: Value,
        now: UnixMillis,
    ) -> Result<Receipt, SendError> {
        body["chat_id"] = chat_id(&self.chat);
        self.post(body, now).await
    }

    async fn post(&self, mut body: Value, now: UnixMillis) -> Result<Receipt, SendError> {
        let mut answer = self.call("sendMessage", &body, now).await?;
        // A group that became a supergroup has another number; Telegram says which.
        if let Some(moved) = parameters(&answer)["migrate_to_chat_id"].as_i64() {
            body["chat_id"] = json!(moved);
            answer = self.call("sendMessage", &body, now).await?;
        }
        let told = result(answer)?;
        let (Some(chat), Some(id)) = (told["chat"]["id"].as_i64(), told["message_id"].as_i64())
        else {
            return Err(SendError::Retry {
                after: None,
                reason: "Telegram took the message without naming it".to_owned(),
            });
        };
        Ok(Receipt::named("taken by Telegram", format!("{chat}:{id}")))
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        let told = result(self.call("getMe", &json!({}), now).await?)?;
        let name = told["username"].as_str().unwrap_or("a bot without a name");
        Ok(Some(format!("the bot is {name}")))
    }

    /// An edit that finds the text as it should be, or the message gone, has nothing left to do.
    async fn edit(&self, body: Value, now: UnixMillis) -> Result<(), SendError> {
        let answer = self.call("editMessageText", &body, now).await?;
        let told = answer.json().unwrap_or_default();
        let why = told["description"].as_str().unwrap_or_default();
        let is_moot =
            ["is not modified", "to edit not found", "can't be edited", "MESSAGE_ID_INVALID"]
                .iter()
                .any(|moot| why.contains(moot));
        if is_moot { Ok(()) } else { result(answer).map(|_| ()) }
    }

    async fn call(&self, method: &str, body: &Value, now: UnixMillis) -> Result<Answer, SendError> {
        let bot = format!("bot{}", self.token.reveal());
        let request =
            self.endpoint.request(Method::POST, self.endpoint.at(&[&bot, method])).json(body);
        let answer = self.endpoint.exchange(request, now).await?;
        let rest = parameters(&answer)["retry_after"].as_u64().map(Duration::from_secs);
        Ok(answer.resting(rest))
    }
}

/// What Telegram says to an error beyond its text.
fn parameters(answer: &Answer) -> Value {
    answer.json().map_or(Value::Null, |told| told["parameters"].clone())
}

/// The result, when there is one: `ok` decides, not the status.
fn result(answer: Answer) -> Result<Value, SendError> {
    let told = answer.json().unwrap_or_default();
    match told["ok"].as_bool() {
        Some(true) if answer.status.is_success() => Ok(told["result"].clone()),
        Some(false) => {
            let code = told["error_code"].as_u64().and_then(|code| u16::try_from(code).ok());
            let status = answer.status.as_u16();
            answer.taken_for(code.unwrap_or(status)).verdict()?;
            Err(SendError::permanent("Telegram refused the message"))
        }
        _ => {
            answer.verdict()?;
            Err(answer.is_not_of("Telegram"))
        }
    }
}

fn chat_id(chat: &str) -> Value {
    chat.parse::<i64>().map_or_else(|_| json!(chat), |id| json!(id))
}

fn check_chat(chat: &str) -> Result<(), ReceiverError> {
    let is_public = chat.strip_prefix('@').is_some_and(|name| {
        name.len() >= 4 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    if is_public || chat.parse::<i64>().is_ok() {
        return Ok(());
    }
    Err(ReceiverError::Name {
        what: "a chat of Telegram",
        text: chat.to_owned(),
        example: "a number such as -1001234567890, or @name of a public one",
    })
}
