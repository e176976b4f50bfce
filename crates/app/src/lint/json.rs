//! One object, for scripts.

use registry::lint::{Diagnostic, Place, Report, Severity};
use serde_json::{Value, json};

/// The report as one JSON object; `extra` is what the command adds, such as a table of functions.
pub fn json(report: &Report, extra: Option<(&str, Value)>) -> Value {
    let waived = report.waived.iter().map(|(found, reason)| {
        let mut shown = diagnostic(found);
        shown["reason"] = reason.clone().into();
        shown
    });
    let left_out = report
        .left_out
        .iter()
        .map(|left_out| json!({"place": place(&left_out.place), "reason": left_out.reason}));
    let mut whole = json!({
        "findings": report.diagnostics.iter().map(diagnostic).collect::<Vec<_>>(),
        "waived": waived.collect::<Vec<_>>(),
        "not_judged": left_out.collect::<Vec<_>>(),
        "judged": report.judged,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
    });
    if let Some((key, value)) = extra {
        whole[key] = value;
    }
    whole
}

fn diagnostic(found: &Diagnostic) -> Value {
    json!({
        "rule": found.rule.id,
        "severity": found.severity.as_str(),
        "message": found.message,
        "places": found.places.iter().map(place).collect::<Vec<_>>(),
        "more_places": found.more_places,
        "notes": found.notes,
        "help": found.help,
    })
}

fn place(place: &Place) -> Value {
    json!({
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "contract": place.contract,
        "item": place.item,
        "selector": place.selector,
        "slot": place.slot,
        "says": place.says,
    })
}
