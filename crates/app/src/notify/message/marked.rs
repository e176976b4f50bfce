//! The few HTML elements that Telegram and Matrix both show: `b` and `a`.

use super::{Message, Row, fit::units, html::Escaped};

/// What a channel makes of marked text.
pub(super) struct Style {
    /// Between lines.
    pub(super) newline: &'static str,
    /// Longest text, in UTF-16 units of the markup: what is shown is shorter.
    pub(super) units_max: usize,
    /// Last touch to text from elsewhere, before it is escaped.
    pub(super) touch: fn(&str) -> String,
}

impl Message {
    /// Subject, rows and these links as marked text.
    pub(super) fn marked(&self, style: &Style, doors: &[(&str, &str)]) -> String {
        let text = |text: &str| Escaped(&(style.touch)(text)).to_string();
        let head = format!("<b>{}</b>", text(&self.subject()));
        let links: Vec<String> = doors.iter().map(|(label, url)| linked(label, url)).collect();
        let tail = format!("{} · {}", text(&self.installation), self.alert.id);
        let fixed: usize = [&head, &links.join(" · "), &tail]
            .iter()
            .map(|part| units(part) + units(style.newline))
            .sum();
        let render = |row: &Row| {
            let value = match &row.link {
                Some(link) => linked(&text(&row.value), link),
                None => text(&row.value),
            };
            format!("<b>{}</b> {value}", text(&row.label))
        };
        let room = style.units_max.saturating_sub(fixed);
        let size = |line: &String| units(line) + units(style.newline) - 1;
        let mut lines = vec![head];
        lines.extend(self.rows_within(room, render, size));
        if !links.is_empty() {
            lines.push(links.join(" · "));
        }
        lines.push(tail);
        lines.join(style.newline)
    }
}

/// A link of ours; `label` is markup already.
fn linked(label: &str, url: &str) -> String {
    format!("<a href=\"{}\">{label}</a>", Escaped(url))
}
