//! Plain text: terminals, and the part of a mail for those who read it without HTML.

use super::Message;

impl Message {
    /// Subject, headline and one line per row; no trailing line break.
    pub fn text(&self) -> String {
        let width = self.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
        let width = width.min(LABEL_WIDTH_MAX) + 1;
        let mut text = self.subject();
        for row in &self.rows {
            let label = format!("{}:", row.label);
            text.push_str(&format!("\n  {label:width$} {}", row.value));
        }
        for other in self.others_text() {
            text.push_str(&format!("\n  {:width$} {other}", "Also:"));
        }
        for (label, url) in self.doors() {
            let label = format!("{label}:");
            text.push_str(&format!("\n  {label:width$} {url}"));
        }
        text
    }
}

/// Labels longer than this do not push the others' values to the right.
const LABEL_WIDTH_MAX: usize = 24;
