//! Telegram's callback queries: a button of a message was pressed.
//!
//! From Telegram's documentation: `getUpdates` waits up to `timeout` seconds for updates, and an
//! `offset` above an update's id takes it off the queue; a callback query carries at most 64 bytes
//! of `data` and wants `answerCallbackQuery` (at most 200 characters), or the button keeps turning.
//! Asking works from behind any NAT. Where Telegram can reach us, it may deliver instead: each
//! request then carries the secret of `setWebhook` in `X-Telegram-Bot-Api-Secret-Token`.

use std::time::Duration;

use model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    Answers, Closed, Done, System, Who,
    reach::{Reach, Unreached},
    words,
};

/// Where the secret of a delivered update stands.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// Telegram's own server.
pub const API: &str = "https://api.telegram.org";

/// Seconds that Telegram may wait for an update: less than proxies let a connection rest.
const WAIT_S: u64 = 50;

/// Longest exchange beside that.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Rest after a failure, doubled each time.
const REST: Duration = Duration::from_secs(1);

/// Longest rest after failures in a row: a minute.
const REST_MAX: Duration = Duration::from_secs(60);

/// Characters of the answer to a callback query.
const ALERT_CHARS_MAX: usize = 200;

/// Characters of a message's text.
const TEXT_CHARS_MAX: usize = 4_096;

/// What the offset is stored under.
const SOURCE: &str = "telegram";

/// How we reach Telegram, and it us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telegram {
    /// The bot's token.
    pub bot_token: Secret<String>,
    /// Server of the Bot API.
    pub api: String,
    /// Secret of `setWebhook`; without it we ask for updates.
    pub secret_token: Option<Secret<String>>,
}

/// Something that happened in a chat.
#[derive(Debug, Clone, Deserialize)]
pub struct Update {
    update_id: i64,
    callback_query: Option<Query>,
}

#[derive(Debug, Clone, Deserialize)]
struct Query {
    id: String,
    from: From,
    #[serde(default)]
    data: String,
    message: Option<Message>,
}

#[derive(Debug, Clone, Deserialize)]
struct From {
    id: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Message {
    message_id: i64,
    chat: Chat,
    text: Option<String>,
    #[serde(default)]
    entities: Vec<Value>,
    reply_markup: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Chat {
    id: i64,
}

#[derive(Deserialize)]
struct Updates {
    ok: bool,
    #[serde(default)]
    result: Vec<Update>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

impl Telegram {
    /// Whether a delivered update comes from Telegram.
    pub fn is_from(&self, secret: Option<&str>) -> bool {
        let Some(expected) = &self.secret_token else { return false };
        secret.is_some_and(|secret| words::is_same(secret, expected))
    }

    async fn call(
        &self,
        reach: &Reach,
        method: &str,
        body: &Value,
        within: Duration,
    ) -> Result<(u16, Value), Unreached> {
        let url = format!("{}/bot{}/{method}", self.api, self.bot_token.reveal());
        reach.post(&url, body, within).await
    }

    /// Takes the answer of an update and says what came of it where the button was pressed.
    pub(super) async fn take(&self, reach: &Reach, answers: &Answers, update: Update) {
        let Some(query) = update.callback_query else { return };
        let (token, account) = (query.data, query.from.id.to_string());
        let acting = answers.clone();
        let acted = tokio::task::spawn_blocking(move || {
            let outcome = acting.act(&token, &Who::Account(System::Telegram, account), "telegram");
            (acting.line(&outcome), outcome)
        });
        let Ok((line, outcome)) = acted.await else { return };
        let is_refused = !matches!(outcome, Ok(_) | Err(Closed::Answered(_)));
        let alert: String = line.chars().take(ALERT_CHARS_MAX).collect();
        let alert =
            json!({ "callback_query_id": query.id, "text": alert, "show_alert": is_refused });
        self.tell(reach, "answerCallbackQuery", &alert).await;
        if let (false, Some(message)) = (is_refused, query.message)
            && let Some(edit) = edit(&message, &line, &outcome)
        {
            self.tell(reach, "editMessageText", &edit).await;
        }
    }

    /// What is not taken is logged: the answer counts all the same.
    async fn tell(&self, reach: &Reach, method: &str, body: &Value) {
        match self.call(reach, method, body, TIMEOUT).await {
            Ok((200, answer)) if answer["ok"] == true => {}
            Ok((status, answer)) => {
                let reason = answer["description"].as_str().unwrap_or_default();
                tracing::warn!(method, status, reason, "telegram did not take what was done");
            }
            Err(error) => tracing::warn!(method, %error, "telegram cannot be reached"),
        }
    }

    /// Asks for updates until `stop` is true.
    pub(super) async fn listen(
        &self,
        reach: &Reach,
        answers: &Answers,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut rest = REST;
        while !*stop.borrow() {
            let asked = tokio::select! {
                asked = self.ask(reach, answers) => asked,
                _ = stop.changed() => return,
            };
            let wait = match asked {
                Ok(()) => {
                    rest = REST;
                    continue;
                }
                Err(Unanswered { reason, after }) => {
                    tracing::warn!(reason, "telegram does not say what was answered");
                    let wait = after.unwrap_or(rest).min(REST_MAX);
                    rest = (rest * 2).min(REST_MAX);
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Asks once and takes what comes. An update leaves Telegram's queue only after it was taken:
    /// when we die in between it comes again, and is told that it was answered.
    async fn ask(&self, reach: &Reach, answers: &Answers) -> Result<(), Unanswered> {
        let store = answers.store().clone();
        let offset = tokio::task::spawn_blocking(move || store.answer_offset(SOURCE));
        let offset = offset.await.map_err(Unanswered::of)?.map_err(Unanswered::of)?;
        let body = json!({
            "offset": offset,
            "timeout": WAIT_S,
            "allowed_updates": ["callback_query"],
        });
        let within = Duration::from_secs(WAIT_S) + TIMEOUT;
        let (status, answer) =
            self.call(reach, "getUpdates", &body, within).await.map_err(Unanswered::of)?;
        let updates: Updates = serde_json::from_value(answer)
            .map_err(|error| Unanswered::of(format!("HTTP {status}: {error}")))?;
        if !updates.ok {
            let after = updates.parameters.and_then(|parameters| parameters.retry_after);
            let reason = updates.description.unwrap_or_else(|| format!("HTTP {status}"));
            return Err(Unanswered { reason, after: after.map(Duration::from_secs) });
        }
        for update in updates.result {
            let next = update.update_id.saturating_add(1);
            self.take(reach, answers, update).await;
            let store = answers.store().clone();
            let kept =
                tokio::task::spawn_blocking(move || store.set_answer_offset(SOURCE, next)).await;
            kept.map_err(Unanswered::of)?.map_err(Unanswered::of)?;
        }
        Ok(())
    }
}

/// Why no updates came.
struct Unanswered {
    reason: String,
    /// How long Telegram wants to be left alone.
    after: Option<Duration>,
}

impl Unanswered {
    fn of(error: impl std::fmt::Display) -> Self {
        Self { reason: error.to_string(), after: None }
    }
}

/// The message with a line of what was done, its formatting kept; `None` when it has no text (a
/// picture with a caption stays as it is).
fn edit(message: &Message, line: &str, outcome: &Result<Done, Closed>) -> Option<Value> {
    let text = message.text.as_ref()?;
    if text.chars().count() + line.chars().count() + 2 > TEXT_CHARS_MAX || text.contains(line) {
        return None;
    }
    let is_final = outcome.as_ref().is_ok_and(|done| words::is_final(done.asked.wish));
    let mut edit = json!({
        "chat_id": message.chat.id,
        "message_id": message.message_id,
        "text": format!("{text}\n\n{line}"),
        "entities": message.entities,
        "link_preview_options": { "is_disabled": true },
    });
    if let Some(markup) = message.reply_markup.clone().filter(|_| !is_final) {
        edit["reply_markup"] = markup;
    }
    Some(edit)
}
