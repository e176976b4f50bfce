//! SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), as code review tools read it.

use registry::lint::{Diagnostic, Place, Report, Rule, rules};
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report as a SARIF log of one run. Every rule is listed, also those that found nothing, so
/// that a reader sees what was looked for; what is waived is there as a suppressed result, and what
/// could not be judged as a notification.
pub fn sarif(report: &Report) -> Value {
    let all: Vec<&Rule> = rules().collect();
    let index = |found: &Diagnostic| all.iter().position(|rule| rule.id == found.rule.id);
    let open = report.diagnostics.iter().map(|found| result(found, index(found)));
    let waived = report.waived.iter().map(|(found, reason)| {
        let mut shown = result(found, index(found));
        shown["suppressions"] = json!([{"kind": "external", "justification": reason}]);
        shown
    });
    let left_out = report.left_out.iter().map(|left_out| {
        json!({
            "level": "warning",
            "message": {"text": format!("not judged: {}: {}", left_out.place.subject(), left_out.reason)},
            "locations": [location(&left_out.place)],
        })
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "bellwether",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": all.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": left_out.collect::<Vec<_>>(),
            }],
            "results": open.chain(waived).collect::<Vec<_>>(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": format!("{} {}", rule.what, rule.why)},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": rule.severity.as_str()},
    })
}

fn result(found: &Diagnostic, index: Option<usize>) -> Value {
    let mut text = found.message.clone();
    for note in &found.notes {
        text.push('\n');
        text.push_str(note);
    }
    text.push_str("\nHelp: ");
    text.push_str(&found.help);
    let mut result = json!({
        "ruleId": found.rule.id,
        "level": found.severity.as_str(),
        "message": {"text": text},
        "locations": found.places.first().map(location).into_iter().collect::<Vec<_>>(),
    });
    if let Some(index) = index {
        result["ruleIndex"] = index.into();
    }
    let related = found.places.iter().enumerate().skip(1).map(|(at, place)| {
        let mut related = location(place);
        related["id"] = at.into();
        let says = place.says.clone().unwrap_or_else(|| place.subject());
        related["message"] = json!({ "text": says });
        related
    });
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn location(place: &Place) -> Value {
    let mut location = json!({});
    if let Some(file) = &place.file {
        let mut region = json!({"startLine": place.line.unwrap_or(1)});
        if let Some(column) = place.column {
            region["startColumn"] = column.into();
        }
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": uri(file)},
            "region": region,
        });
    }
    if place.contract.is_some() || place.item.is_some() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": place.subject()}]);
    }
    location
}

/// A path as a URI reference: what RFC 3986 does not allow in a path is percent-encoded, and a
/// first segment with a colon gets a `./`, or it would read as a scheme.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let path = path.replace('\\', "/");
    let has_scheme_look = path.split('/').next().is_some_and(|first| first.contains(':'));
    let mut uri = String::from(if has_scheme_look { "./" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _always = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
