//! A notice in words. Nothing here knows more than the notice.

use std::collections::BTreeMap;

use alert::public::{Notice, Status};
use model::Name;
use registry::Explorer;

use crate::{notify::safe, words};

/// Characters of a subject line: what mail clients show, twice over.
const SUBJECT_CHARS_MAX: usize = 160;

/// A fact of a notice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// What it is.
    pub label: &'static str,
    /// Its value, safe to show as text.
    pub value: String,
    /// Where it can be looked up: a configured explorer.
    pub link: Option<String>,
}

/// One line that tells how bad, what and where.
pub fn subject(notice: &Notice) -> String {
    let severity = match (notice.status, notice.severity) {
        (Status::Ongoing, Some(severity)) => {
            format!("[{}] ", severity.as_str().to_uppercase())
        }
        _ => String::new(),
    };
    let change = match notice.status {
        Status::Ongoing if notice.revision > 1 => "Update: ",
        Status::Ongoing => "",
        Status::Over => "Over: ",
        Status::Harmless => "Nothing bad: ",
        Status::Retracted => "Retracted: ",
    };
    let place = match (&notice.contract, &notice.network) {
        (Some(contract), Some(network)) => format!(" ({contract} on {network})"),
        (Some(place), None) | (None, Some(place)) => format!(" ({place})"),
        (None, None) => String::new(),
    };
    let title = safe::ours(&notice.title);
    safe::cut(&format!("{severity}{change}{title}{place}"), SUBJECT_CHARS_MAX)
}

/// What the status means, in a sentence.
pub(crate) fn meaning(status: Status) -> &'static str {
    match status {
        Status::Ongoing => "It goes on.",
        Status::Over => "It is over.",
        Status::Harmless => "It was looked at and is nothing bad.",
        Status::Retracted => "It left the chain: what was told before is void.",
    }
}

/// What is told, most telling first.
pub fn lines(notice: &Notice, explorers: &BTreeMap<Name, Explorer>) -> Vec<Line> {
    let explorer = notice.network.as_ref().and_then(|network| explorers.get(network));
    let mut lines = Vec::new();
    let mut line = |label, value: Option<String>, link: Option<String>| {
        lines.extend(value.map(|value| Line { label, value, link }));
    };
    line("Severity", notice.severity.map(|severity| severity.to_string()), None);
    line("Network", notice.network.as_ref().map(ToString::to_string), None);
    line("Contract", notice.contract.as_ref().map(ToString::to_string), None);
    let at = notice.address;
    line("Address", at.map(|at| at.to_string()), at.and_then(|at| Some(explorer?.address(at))));
    let tx = notice.transaction;
    line(
        "Transaction",
        tx.map(|tx| tx.to_string()),
        tx.and_then(|tx| Some(explorer?.transaction(tx))),
    );
    let block = notice.block;
    line("Block", block.map(words::grouped), block.and_then(|block| Some(explorer?.block(block))));
    line("Since", notice.since.map(words::utc), None);
    line("Value at risk", notice.value.as_deref().map(safe::ours), None);
    line("Found by", notice.detector.as_deref().map(safe::ours), None);
    // Made safe when the notice was made, and once more where it is shown.
    line("In detail", notice.headline.as_deref().map(safe::clean), None);
    line("Published", Some(words::utc(words::seconds(notice.published_at))), None);
    if notice.revision > 1 {
        line("Changed", Some(words::utc(words::seconds(notice.updated_at))), None);
    }
    lines
}

/// Everything as plain text, without links of its own.
pub(crate) fn text(notice: &Notice, explorers: &BTreeMap<Name, Explorer>) -> String {
    let mut text = format!("{}\n\n", meaning(notice.status));
    for Line { label, value, link } in lines(notice, explorers) {
        text.push_str(&format!("{label}: {value}\n"));
        if let Some(link) = link {
            text.push_str(&format!("  {link}\n"));
        }
    }
    text
}

/// What a message says of those that it only counts.
pub(crate) fn others(others: u64) -> Option<String> {
    (others > 0).then(|| format!("and {} more", words::grouped(others)))
}
