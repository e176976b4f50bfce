//! Slack's `blocks`, and a plain `text` for clients that know only that (Mattermost, notifications).
//!
//! Everything that could hold a foreign word is `plain_text`, where Slack parses nothing; the only
//! `mrkdwn` holds our own links.

use serde_json::{Value, json};

use super::{Answer, Message, safe::cut};

/// Limits of Slack's Block Kit, in characters.
const HEADER_MAX: usize = 150;
const FIELD_MAX: usize = 2_000;
const BUTTON_MAX: usize = 75;
/// Fields of one section.
const FIELDS_MAX: usize = 10;

impl Message {
    /// The body of an incoming webhook.
    pub fn slack(&self) -> Value {
        let mut blocks = vec![json!({
            "type": "header",
            "text": plain(&self.subject(), HEADER_MAX),
        })];
        if self.subject().chars().count() > HEADER_MAX {
            blocks.push(json!({ "type": "section", "text": plain(&self.headline, FIELD_MAX) }));
        }
        let fields: Vec<Value> = self
            .all_rows()
            .iter()
            .map(|row| plain(&format!("{}\n{}", row.label, row.value), FIELD_MAX))
            .collect();
        for fields in fields.chunks(FIELDS_MAX) {
            blocks.push(json!({ "type": "section", "fields": fields }));
        }
        if !self.links.is_empty() {
            let links: Vec<String> = self
                .links
                .iter()
                .map(|link| format!("<{}|{}>", escaped(&link.url), link.label))
                .collect();
            let text = json!({ "type": "mrkdwn", "text": links.join("   "), "verbatim": true });
            blocks.push(json!({ "type": "section", "text": text }));
        }
        if !self.answers.is_empty() {
            let button = |said: &Answer| {
                let text = plain(said.label, BUTTON_MAX);
                json!({ "type": "button", "text": text, "value": said.token })
            };
            let buttons: Vec<Value> = self.answers.iter().map(button).collect();
            blocks.push(json!({ "type": "actions", "elements": buttons }));
        }
        let footer = format!("{} · {}", self.installation, self.alert.id);
        blocks.push(json!({ "type": "context", "elements": [plain(&footer, FIELD_MAX)] }));
        json!({ "text": escaped(&self.text()), "blocks": blocks, "unfurl_links": false })
    }
}

fn plain(text: &str, chars_max: usize) -> Value {
    json!({ "type": "plain_text", "text": cut(text, chars_max), "emoji": false })
}

/// Slack's three control characters; with them go `<!channel>`, `<@user>` and `<url|text>`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
