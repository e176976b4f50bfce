//! Chats: Slack, Discord, Telegram, Matrix, Microsoft Teams.

use std::collections::BTreeMap;

use axum::http::Method;
use bellwether::notify::ReceiverConfig;
use model::Secret;
use serde_json::{Value, json};

use super::{
    markup,
    peer::{Asked, KEY, Provider, Said, Shown, is, keys, text},
};

fn key() -> Secret<String> {
    Secret::new(KEY.to_owned())
}

fn under(url: &str, path: &str) -> Secret<String> {
    Secret::new(format!("{url}{path}{KEY}"))
}

/// How every message about an alert that is over begins.
fn is_over(text: &str) -> bool {
    text.contains("] Retracted: ")
}

/// Slack's incoming webhooks.
#[derive(Default)]
pub(super) struct Slack {
    shown: Vec<Shown>,
}

impl Slack {
    fn plain(value: &Value, max: usize) -> Result<String, String> {
        keys(value, &["type", "text"], &["emoji"])?;
        is("type", &value["type"], &json!("plain_text"))?;
        text(&value["text"], "plain_text", max).map(str::to_owned)
    }

    fn links(value: &Value) -> Result<Vec<String>, String> {
        let marked = text(&value["text"], "mrkdwn", 3_000)?;
        let mut links = Vec::new();
        for part in marked.split('<').skip(1) {
            let (link, _) = part.split_once('>').ok_or("a < without an end")?;
            let (url, _) = link.split_once('|').ok_or_else(|| format!("a bare {link}"))?;
            links.push(url.to_owned());
        }
        Ok(links)
    }
}

impl Provider for Slack {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Slack { url: under(url, "/services/T0/B0/") }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("method", &asked.method, &Method::POST)?;
        is("path", asked.path.as_str(), &format!("/services/T0/B0/{KEY}"))?;
        let body = asked.json()?;
        keys(&body, &["text", "blocks"], &["unfurl_links", "unfurl_media"])?;
        let fallback = text(&body["text"], "text", 40_000)?;
        if fallback.contains(['<', '>']) {
            return Err(format!("a mention or a link in {fallback}"));
        }
        let (mut told, mut links) = (Vec::new(), Vec::new());
        let blocks = body["blocks"].as_array().ok_or("no blocks")?;
        if !(1..=50).contains(&blocks.len()) {
            return Err(format!("{} blocks", blocks.len()));
        }
        for block in blocks {
            match block["type"].as_str().unwrap_or_default() {
                "header" => told.push(Self::plain(&block["text"], 150)?),
                "section" if block["text"]["type"] == "mrkdwn" => {
                    links.extend(Self::links(&block["text"])?);
                }
                "section" if !block["text"].is_null() => {
                    told.push(Self::plain(&block["text"], 3_000)?);
                }
                "section" => {
                    let fields = block["fields"].as_array().ok_or("a section without fields")?;
                    if !(1..=10).contains(&fields.len()) {
                        return Err(format!("{} fields", fields.len()));
                    }
                    for field in fields {
                        told.push(Self::plain(field, 2_000)?);
                    }
                }
                "context" => {
                    for element in block["elements"].as_array().ok_or("no elements")? {
                        told.push(Self::plain(element, 2_000)?);
                    }
                }
                other => return Err(format!("block {other}")),
            }
        }
        let text = told.join("\n");
        self.shown.push(Shown { is_over: is_over(&text), text, links });
        Ok(Said::text(200, "ok"))
    }

    fn limited(&self) -> Said {
        Said::text(429, "rate_limited").with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        Said::text(404, "no_service")
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(200, &json!({ "ok": false, "error": "channel_is_archived" })))
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

/// Discord's webhooks.
#[derive(Default)]
pub(super) struct Discord {
    shown: Vec<Shown>,
}

impl Discord {
    fn read(body: &Value) -> Result<Shown, String> {
        keys(
            body,
            &["embeds", "allowed_mentions"],
            &["content", "username", "flags", "components"],
        )?;
        is("allowed mentions", &body["allowed_mentions"], &json!({ "parse": [] }))?;
        let embeds = body["embeds"].as_array().ok_or("no embeds")?;
        is("embeds", embeds.len(), 1)?;
        let embed = &embeds[0];
        keys(embed, &["title", "description"], &["url", "color", "footer", "timestamp", "fields"])?;
        let title = text(&embed["title"], "title", 256)?;
        let description = text(&embed["description"], "description", 4_096)?;
        let footer = text(&embed["footer"]["text"], "footer", 2_048)?;
        let sum: usize =
            [title, description, footer].iter().map(|t| t.encode_utf16().count()).sum();
        if sum > 6_000 {
            return Err(format!("an embed of {sum}"));
        }
        let (title, in_title) = markup::discord(title)?;
        is("links in the title", in_title, Vec::new())?;
        let (description, mut links) = markup::discord(description)?;
        links.extend(embed["url"].as_str().map(str::to_owned));
        let text = format!("{title}\n{description}\n{footer}");
        Ok(Shown { is_over: is_over(&text), text, links })
    }
}

impl Provider for Discord {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Discord { url: under(url, "/api/webhooks/1/") }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        let own = format!("/api/webhooks/1/{KEY}");
        let rest = asked.path.strip_prefix(&own).ok_or("another webhook")?;
        if asked.method == Method::GET {
            return Ok(Said::json(200, &json!({ "id": "1", "channel_id": "77", "type": 1 })));
        }
        if asked.method == Method::PATCH {
            let id = rest.strip_prefix("/messages/").ok_or("no message")?;
            let at: usize = id.parse().map_err(|_| format!("message {id}"))?;
            let edited = Self::read(&asked.json()?)?;
            *self.shown.get_mut(at - 100).ok_or("no such message")? = edited;
            return Ok(Said::json(200, &json!({ "id": id })));
        }
        is("method", &asked.method, &Method::POST)?;
        is("path", rest, "")?;
        is("query", asked.query.as_str(), "wait=true")?;
        self.shown.push(Self::read(&asked.json()?)?);
        Ok(Said::json(
            200,
            &json!({ "id": (99 + self.shown.len()).to_string(), "channel_id": "77" }),
        ))
    }

    fn limited(&self) -> Said {
        let body = json!({ "message": "You are being rate limited.", "retry_after": 7.0, "global": false });
        Said::json(429, &body).with("retry-after", "6")
    }

    fn refused(&self) -> Said {
        Said::json(404, &json!({ "message": format!("Unknown Webhook {KEY}"), "code": 10015 }))
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(200, &json!({ "message": "Unknown Webhook", "code": 10015 })))
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

/// Telegram's bot API.
#[derive(Default)]
pub(super) struct Telegram {
    shown: Vec<Shown>,
}

impl Telegram {
    fn read(body: &Value) -> Result<Shown, String> {
        is("chat", &body["chat_id"], &json!(-1001))?;
        is("previews", &body["link_preview_options"], &json!({ "is_disabled": true }))?;
        let marked = body["text"].as_str().ok_or("no text")?;
        let (text, links) = match body.get("parse_mode") {
            Some(mode) => {
                is("form", mode, &json!("HTML"))?;
                markup::html(marked, &["b", "i", "a", "code", "s"])?
            }
            // Without a form it is plain, and its clients make links of addresses by themselves.
            None => (marked.to_owned(), markup::addresses(marked)),
        };
        let length = text.encode_utf16().count();
        if !(1..=4_096).contains(&length) {
            return Err(format!("a text of {length}"));
        }
        // What its clients make a command or a tag of.
        let chars: Vec<char> = text.chars().collect();
        for pair in chars.windows(2).filter(|pair| pair[1].is_alphanumeric()) {
            if "/#$".contains(pair[0]) && !text.contains("https://watch.example") {
                return Err(format!("something to press: {pair:?} in {text}"));
            }
        }
        Ok(Shown { is_over: is_over(&text), text, links })
    }

    fn error(code: u16, description: &str, parameters: &Value) -> Value {
        json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters })
    }
}

impl Provider for Telegram {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Telegram { url: url.to_owned(), token: key(), chat: "-1001".to_owned() }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("method", &asked.method, &Method::POST)?;
        let method = asked.path.strip_prefix(&format!("/bot{KEY}/")).ok_or("another bot")?;
        let body = asked.json()?;
        let shared = ["chat_id", "text", "link_preview_options"];
        let number = match method {
            "getMe" => {
                let me = json!({ "id": 1, "is_bot": true, "username": "watch_bot" });
                return Ok(Said::json(200, &json!({ "ok": true, "result": me })));
            }
            "sendMessage" => {
                keys(
                    &body,
                    &shared,
                    &["parse_mode", "disable_notification", "reply_parameters", "reply_markup"],
                )?;
                if let Some(reply) = body.get("reply_parameters") {
                    keys(reply, &["message_id"], &["allow_sending_without_reply"])?;
                    is("what is answered", &reply["message_id"], &json!(500))?;
                }
                self.shown.push(Self::read(&body)?);
                499 + self.shown.len()
            }
            "editMessageText" => {
                keys(
                    &body,
                    &[&shared[..], &["message_id"]].concat(),
                    &["parse_mode", "reply_markup"],
                )?;
                let number = body["message_id"].as_u64().ok_or("no message")? as usize;
                let edited = Self::read(&body)?;
                let shown = self.shown.get_mut(number - 500).ok_or("no such message")?;
                if *shown == edited {
                    let why = "Bad Request: message is not modified";
                    return Ok(Said::json(400, &Self::error(400, why, &json!({}))));
                }
                *shown = edited;
                number
            }
            other => return Err(format!("method {other}")),
        };
        let result = json!({ "message_id": number, "chat": { "id": -1001 } });
        Ok(Said::json(200, &json!({ "ok": true, "result": result })))
    }

    fn limited(&self) -> Said {
        let why = "Too Many Requests: retry after 7";
        Said::json(429, &Self::error(429, why, &json!({ "retry_after": 7 })))
    }

    fn refused(&self) -> Said {
        let why = format!("Forbidden: bot {KEY} was kicked from the group chat");
        Said::json(403, &Self::error(403, &why, &json!({})))
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(200, &Self::error(400, "Bad Request: chat not found", &json!({}))))
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

/// A homeserver of Matrix.
#[derive(Default)]
pub(super) struct Matrix {
    /// Events by the name of their transaction.
    events: BTreeMap<String, String>,
    shown: Vec<Shown>,
}

impl Matrix {
    fn read(content: &Value) -> Result<Shown, String> {
        let needed = ["msgtype", "body", "format", "formatted_body", "m.mentions"];
        keys(content, &needed, &["m.relates_to"])?;
        is("mentions", &content["m.mentions"], &json!({}))?;
        is("format", &content["format"], &json!("org.matrix.custom.html"))?;
        if !["m.text", "m.notice"].contains(&content["msgtype"].as_str().unwrap_or_default()) {
            return Err(format!("a message {}", content["msgtype"]));
        }
        let formatted = content["formatted_body"].as_str().ok_or("no formatted body")?;
        let (marked, links) = markup::html(formatted, &["b", "a", "br"])?;
        let text = format!("{marked}\n{}", content["body"].as_str().ok_or("no body")?);
        Ok(Shown { is_over: is_over(&text), text, links })
    }
}

impl Provider for Matrix {
    fn config(&self, url: &str) -> ReceiverConfig {
        let room = "!room/1:example.org".to_owned();
        ReceiverConfig::Matrix { url: format!("{url}/"), token: key(), room }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("token", asked.header("authorization"), &format!("Bearer {KEY}"))?;
        if asked.path == "/_matrix/client/v3/account/whoami" {
            is("method", &asked.method, &Method::GET)?;
            return Ok(Said::json(200, &json!({ "user_id": "@watch:example.org" })));
        }
        is("method", &asked.method, &Method::PUT)?;
        let room = "/_matrix/client/v3/rooms/!room%2F1:example.org/send/m.room.message/";
        let transaction = asked.path.strip_prefix(room).ok_or("another room")?;
        if asked.body.len() > 60_000 {
            return Err(format!("M_TOO_LARGE: {} bytes", asked.body.len()));
        }
        let content = asked.json()?;
        if let Some(event) = self.events.get(transaction) {
            return Ok(Said::json(200, &json!({ "event_id": event })));
        }
        let event = format!("$event{}", self.shown.len());
        if content["m.relates_to"]["rel_type"] == "m.replace" {
            let of = content["m.relates_to"]["event_id"].as_str().unwrap_or_default();
            is("what is replaced", of, "$event0")?;
            self.shown[0] = Self::read(&content["m.new_content"])?;
        } else {
            if !content["m.relates_to"].is_null() {
                let of = &content["m.relates_to"]["m.in_reply_to"]["event_id"];
                is("what is answered", of, &json!("$event0"))?;
            }
            self.shown.push(Self::read(&content)?);
        }
        self.events.insert(transaction.to_owned(), event.clone());
        Ok(Said::json(200, &json!({ "event_id": event })))
    }

    fn limited(&self) -> Said {
        let body =
            json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too many", "retry_after_ms": 7_000 });
        Said::json(429, &body)
    }

    fn refused(&self) -> Said {
        Said::json(
            403,
            &json!({ "errcode": "M_FORBIDDEN", "error": format!("{KEY} is not in the room") }),
        )
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(200, &json!({ "errcode": "M_FORBIDDEN", "error": "not in the room" })))
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

/// A workflow of Microsoft Teams.
#[derive(Default)]
pub(super) struct Teams {
    shown: Vec<Shown>,
}

impl Teams {
    fn link(action: &Value) -> Result<String, String> {
        keys(action, &["type", "url"], &["title"])?;
        is("action", &action["type"], &json!("Action.OpenUrl"))?;
        Ok(action["url"].as_str().unwrap_or_default().to_owned())
    }
}

impl Provider for Teams {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Teams { url: under(url, "/workflows/1/triggers/manual/paths/invoke?sig=") }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("method", &asked.method, &Method::POST)?;
        is("query", asked.query.as_str(), &format!("sig={KEY}"))?;
        if asked.body.len() > 28 * 1_024 {
            return Err(format!("a card of {} bytes", asked.body.len()));
        }
        let body = asked.json()?;
        keys(&body, &["type", "attachments"], &[])?;
        is("type", &body["type"], &json!("message"))?;
        let attachments = body["attachments"].as_array().ok_or("no attachments")?;
        is("attachments", attachments.len(), 1)?;
        keys(&attachments[0], &["contentType", "content"], &["contentUrl"])?;
        is(
            "content",
            &attachments[0]["contentType"],
            &json!("application/vnd.microsoft.card.adaptive"),
        )?;
        let card = &attachments[0]["content"];
        keys(card, &["type", "version", "body"], &["$schema", "msteams", "actions"])?;
        is("card", &card["type"], &json!("AdaptiveCard"))?;
        let (mut told, mut links) = (String::new(), Vec::new());
        for block in card["body"].as_array().ok_or("no body")? {
            keys(block, &["type", "inlines"], &["spacing"])?;
            // A TextBlock would parse Markdown.
            is("block", &block["type"], &json!("RichTextBlock"))?;
            for run in block["inlines"].as_array().ok_or("no inlines")? {
                let allowed = ["weight", "size", "color", "isSubtle", "selectAction"];
                keys(run, &["type", "text"], &allowed)?;
                is("inline", &run["type"], &json!("TextRun"))?;
                told.push_str(run["text"].as_str().ok_or("no text")?);
                if let Some(action) = run.get("selectAction") {
                    links.push(Self::link(action)?);
                }
            }
            told.push('\n');
        }
        for action in card["actions"].as_array().ok_or("no actions")? {
            links.push(Self::link(action)?);
        }
        self.shown.push(Shown { is_over: is_over(&told), text: told, links });
        Ok(Said::text(202, ""))
    }

    fn limited(&self) -> Said {
        Said::json(429, &json!({ "error": { "code": "WorkflowTriggerThrottled" } }))
            .with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        let error =
            json!({ "code": "DirectApiAuthorizationRequired", "message": format!("sig={KEY}") });
        Said::json(401, &json!({ "error": error }))
    }

    fn lie(&self) -> Option<Said> {
        let told = "Webhook message delivery failed with error: Microsoft Teams endpoint returned \
                    HTTP error 429 with ContextId 1";
        Some(Said::text(200, told))
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}
