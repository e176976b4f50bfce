//! An Adaptive Card for Microsoft Teams.
//!
//! Everything that could hold a foreign word is a `TextRun`, where Teams parses no Markdown.

use serde_json::{Value, json};

use super::{Message, Row};

/// Longest card, in bytes, of the 28 KB that Teams takes: the rest is for its envelope and the
/// headline.
const ROWS_MAX: usize = 20_000;

impl Message {
    /// The body that a workflow's webhook takes.
    pub fn teams(&self) -> Value {
        let mut body = vec![json!({
            "type": "RichTextBlock",
            "inlines": [{
                "type": "TextRun",
                "text": self.subject(),
                "weight": "Bolder",
                "size": "Large",
                "color": if self.is_urgent() { "Attention" } else { "Default" },
            }],
        })];
        let row = |row: &Row| {
            let mut value = json!({ "type": "TextRun", "text": row.value });
            if let Some(link) = &row.link {
                value["selectAction"] = json!({ "type": "Action.OpenUrl", "url": link });
            }
            let label = format!("{}: ", row.label);
            let label = json!({ "type": "TextRun", "text": label, "weight": "Bolder" });
            json!({ "type": "RichTextBlock", "spacing": "Small", "inlines": [label, value] })
        };
        body.extend(self.rows_within(ROWS_MAX, row, |row| row.to_string().len()));
        let footer = format!("{} · {}", self.installation, self.alert.id);
        let footer =
            json!({ "type": "TextRun", "text": footer, "isSubtle": true, "size": "Small" });
        body.push(json!({ "type": "RichTextBlock", "inlines": [footer] }));
        let actions: Vec<Value> = self
            .doors()
            .into_iter()
            .map(|(label, url)| json!({ "type": "Action.OpenUrl", "title": label, "url": url }))
            .collect();
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": { "width": "Full" },
                    "body": body,
                    "actions": actions,
                },
            }],
        })
    }
}
