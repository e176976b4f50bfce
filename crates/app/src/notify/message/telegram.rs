//! A message of a Telegram bot, in the bot API's HTML.

use serde_json::{Value, json};

use super::{Answer, Message, marked::Style};

/// Longest text of a message, in characters after the markup is taken away; ours counts it in.
const TEXT_MAX: usize = 4_096;

/// Buttons beside each other that a telephone shows whole.
const BUTTONS_MAX: usize = 3;

const STYLE: Style = Style { newline: "\n", units_max: TEXT_MAX, touch: unclickable };

impl Message {
    /// Text, its form and its buttons: what a new message and an edit share. An edit without buttons
    /// takes those away that were there.
    pub fn telegram(&self) -> Value {
        // What can be said has buttons of its own.
        let links: Vec<_> = self.links.iter().map(|link| (link.label, link.url.as_str())).collect();
        let mut body = json!({
            "text": self.marked(&STYLE, &links),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if !self.answers.is_empty() {
            let button = |said: &Answer| json!({ "text": said.label, "callback_data": said.token });
            let buttons: Vec<Value> = self.answers.iter().map(button).collect();
            let lines: Vec<&[Value]> = buttons.chunks(BUTTONS_MAX).collect();
            body["reply_markup"] = json!({ "inline_keyboard": lines });
        }
        body
    }
}

/// Telegram makes something to press of each `/command`, `#tag` and `$TAG`, in text that was not
/// marked as anything: what stands at the beginning of a word is parted from it by a mark that joins
/// words and is not seen.
pub(crate) fn unclickable(text: &str) -> String {
    let mut parted = String::with_capacity(text.len());
    let mut before = None::<char>;
    for c in text.chars() {
        if before.is_some_and(|before| "/#$".contains(before)) && c.is_alphanumeric() {
            parted.push('\u{2060}');
        }
        parted.push(c);
        before = Some(c);
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::unclickable;

    #[test]
    fn there_is_nothing_to_press() {
        let parted = unclickable("/claim #win $USD v1/2 a / b");
        assert_eq!(parted, "/\u{2060}claim #\u{2060}win $\u{2060}USD v1/\u{2060}2 a / b");
    }
}
