//! A Discord message: one embed, in Markdown of which nothing is left to what others wrote.

use model::{AlertState, Severity};
use serde_json::{Value, json};

use super::{Message, fit::fitted, fit::units};

/// Limits of Discord's embeds, in UTF-16 units; all texts of an embed together may have 6,000.
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4_096;
const FOOTER_MAX: usize = 256;

impl Message {
    /// The body that a webhook takes, for a new message and for an edit alike.
    pub fn discord(&self) -> Value {
        let links: Vec<String> = self
            .doors()
            .into_iter()
            .map(|(label, url)| format!("[{label}]({})", address(url)))
            .collect();
        let links = links.join(" · ");
        let room = DESCRIPTION_MAX - units(&links).min(DESCRIPTION_MAX / 2) - 1;
        let mut lines = self.rows_within(
            room,
            |row| {
                let (label, value) = (plain(&row.label), plain(&row.value));
                match &row.link {
                    Some(link) => format!("**{label}** [{value}]({})", address(link)),
                    None => format!("**{label}** {value}"),
                }
            },
            |line| units(line),
        );
        if units(&links) <= DESCRIPTION_MAX / 2 && !links.is_empty() {
            lines.push(links);
        }
        let footer = format!("{} · {}", self.installation, self.alert.id);
        let mut embed = json!({
            "title": fitted(&self.subject(), TITLE_MAX, escaped),
            "description": lines.join("\n"),
            "color": colour(self.alert.severity, self.alert.state),
            "footer": { "text": fitted(&footer, FOOTER_MAX, |c| c.to_string()) },
        });
        if let Some(page) = self.links.first() {
            embed["url"] = json!(page.url);
        }
        json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
    }
}

/// What Discord's Markdown gives a meaning, and with `<` its mentions, emojis and times.
fn escaped(c: char) -> String {
    if r"\*_~`|<>[]()#".contains(c) { format!("\\{c}") } else { c.to_string() }
}

pub(crate) fn plain(text: &str) -> String {
    text.chars().map(escaped).collect()
}

/// Our own address, so that no parenthesis in it ends the link.
fn address(url: &str) -> String {
    url.replace('(', "%28").replace(')', "%29").replace(' ', "%20")
}

fn colour(severity: Severity, state: AlertState) -> u32 {
    match (state, severity) {
        (AlertState::Retracted, _) | (_, Severity::Info) => 0x57_60_6a,
        (_, Severity::Critical) => 0xa4_0e_26,
        (_, Severity::High) => 0xb3_49_0b,
        (_, Severity::Medium) => 0x7d_5a_00,
        (_, Severity::Low) => 0x05_50_ae,
    }
}
