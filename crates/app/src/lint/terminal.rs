//! For a person: what is wrong, where, why it matters, what to do.

use std::fmt::Write as _;

use registry::lint::{Diagnostic, Place, Report, Severity};

use super::counted;
use crate::terminal::Style;

/// The report as text; `judged` says what its count counts, as `contract`.
pub fn text(report: &Report, judged: &str, style: Style) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _always = write(&mut out, report, judged, style);
    out
}

fn write(out: &mut String, report: &Report, judged: &str, style: Style) -> std::fmt::Result {
    for diagnostic in &report.diagnostics {
        write_diagnostic(out, diagnostic, style)?;
        writeln!(out)?;
    }
    for left_out in &report.left_out {
        let word = style.yellow("not judged");
        writeln!(out, "{word}: {}: {}", place(&left_out.place), left_out.reason)?;
    }
    if !report.left_out.is_empty() {
        writeln!(out)?;
    }
    let mut parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (report.count(severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| counted(count, severity.as_str()))
        .collect();
    if parts.is_empty() {
        parts.push("nothing found".to_owned());
    }
    if !report.waived.is_empty() {
        parts.push(format!("{} waived", report.waived.len()));
    }
    if !report.left_out.is_empty() {
        parts.push(format!("{} not judged", report.left_out.len()));
    }
    write!(out, "{}; {} judged", parts.join(", "), counted(report.judged, judged))
}

fn write_diagnostic(out: &mut String, found: &Diagnostic, style: Style) -> std::fmt::Result {
    let head = format!("{}[{}]", found.severity, found.rule.id);
    let head = match found.severity {
        Severity::Error => style.red(&head),
        Severity::Warning => style.yellow(&head),
        Severity::Note => style.bold(&head),
    };
    writeln!(out, "{head}: {}", style.bold(&found.message))?;
    for (at, shown) in found.places.iter().enumerate() {
        let arrow = style.dim(if at == 0 { "-->" } else { ":::" });
        write!(out, "  {arrow} {}", place(shown))?;
        match &shown.says {
            Some(says) => writeln!(out, ": {says}")?,
            None => writeln!(out)?,
        }
    }
    if found.more_places > 0 {
        writeln!(out, "      and {}", counted(found.more_places, "more place"))?;
    }
    for note in &found.notes {
        writeln!(out, "   = note: {note}")?;
    }
    writeln!(out, "   = help: {}", found.help)
}

/// `abis/vault.json:3:5 Vault.pause() slot 4`, without what is not known.
fn place(place: &Place) -> String {
    let mut parts = Vec::new();
    if let Some(file) = &place.file {
        let mut text = file.clone();
        for number in [place.line, place.column].into_iter().map_while(|number| number) {
            let _always = write!(text, ":{number}");
        }
        parts.push(text);
    }
    if place.contract.is_some() || place.item.is_some() {
        parts.push(place.subject());
    }
    if let Some(slot) = &place.slot {
        parts.push(format!("slot {slot}"));
    }
    parts.join(" ")
}
