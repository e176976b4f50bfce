//! The table of `bellwether lint events`: each function that writes state, and what its events tell.

use std::fmt::Write as _;

use alloy_primitives::hex;
use registry::lint::events::{Answer, Aspect, Function, Verdict};
use serde_json::{Value, json};

/// As text, one function a line, the columns as wide as what is in them.
pub fn table(functions: &[Function]) -> String {
    if functions.is_empty() {
        return "no function that writes state\n".to_owned();
    }
    let rows: Vec<[String; 4]> = functions.iter().map(row).collect();
    let head = ["function", "judged from", "event", "told"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [function, basis, event, told] in [&head].into_iter().chain(&rows) {
        let [a, b, c] = widths;
        let line = format!("{function:a$}  {basis:b$}  {event:c$}  {told}");
        // Writing to a string cannot fail.
        let _always = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(function: &Function) -> [String; 4] {
    let event = match &function.verdict {
        Verdict::Emits => "yes",
        Verdict::Silent => "none",
        Verdict::Unknown(_) => "unknown",
    };
    let told = match (&function.verdict, function.score()) {
        (Verdict::Emits, (told, of)) if of > 0 => {
            let missing = function.missing();
            let lacks = if missing.is_empty() {
                String::new()
            } else {
                format!(", not {}", missing.join(", "))
            };
            format!("{told} of {of}{lacks}")
        }
        _ => String::new(),
    };
    [function.place.subject(), function.basis.to_string(), event.to_owned(), told]
}

/// As JSON.
pub fn json(functions: &[Function]) -> Value {
    functions.iter().map(one).collect()
}

fn one(function: &Function) -> Value {
    let (verdict, why) = match &function.verdict {
        Verdict::Emits => ("emits", None),
        Verdict::Silent => ("silent", None),
        Verdict::Unknown(why) => ("unknown", Some(why)),
    };
    let answers: serde_json::Map<String, Value> = Aspect::ALL
        .iter()
        .zip(&function.answers)
        .map(|(aspect, answer)| {
            let answer = match answer {
                Answer::Told => "told",
                Answer::Missing(_) => "missing",
                Answer::Unseen => "unseen",
                Answer::NotAsked => "not asked",
            };
            (aspect.as_str().to_owned(), answer.into())
        })
        .collect();
    let (told, of) = function.score();
    json!({
        "contract": function.place.contract,
        "function": function.place.item,
        "selector": function.selector.map(hex::encode_prefixed),
        "file": function.place.file,
        "line": function.place.line,
        "judged_from": function.basis.to_string(),
        "verdict": verdict,
        "why_unknown": why,
        "events": function.events,
        "answers": answers,
        "told": told,
        "asked": of,
    })
}
