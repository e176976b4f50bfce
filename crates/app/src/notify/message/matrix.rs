//! The content of a Matrix event `m.room.message`.

use serde_json::{Value, json};

use super::{Message, fit::fitted, marked::Style};

/// Longest texts, in UTF-16 units: an event has 64 KiB at most, an edit holds each text twice, and
/// a unit takes up to three bytes, or six when JSON escapes it.
const BODY_MAX: usize = 3_000;
const FORMATTED_MAX: usize = 5_000;

const STYLE: Style = Style { newline: "<br>", units_max: FORMATTED_MAX, touch: str::to_owned };

impl Message {
    /// The content of a new message. Servers keep notices quiet, and so are those that need not make
    /// a noise. Nobody is mentioned, whatever the text says.
    pub fn matrix(&self) -> Value {
        json!({
            "msgtype": if self.is_urgent() { "m.text" } else { "m.notice" },
            "body": fitted(&self.text(), BODY_MAX, |c| c.to_string()),
            "format": "org.matrix.custom.html",
            "formatted_body": self.marked(&STYLE, &self.doors()),
            "m.mentions": {},
        })
    }

    /// The content of an event that replaces an earlier one.
    pub fn matrix_edit(&self, of: &str) -> Value {
        let content = self.matrix();
        json!({
            "msgtype": content["msgtype"],
            "body": format!("* {}", self.subject()),
            "m.mentions": {},
            "m.new_content": content,
            "m.relates_to": { "rel_type": "m.replace", "event_id": of },
        })
    }
}
