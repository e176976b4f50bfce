//! Lido's databus: one finding a message, the shape that its bots and many former Forta bots speak.

use model::Severity;
use serde_json::Value;

use super::{Outside, OutsideFinding, moment, number, parsed, records, text};

/// The chain that the databus speaks of; its findings do not say.
const CHAIN_ID: u64 = 1;

/// Reads findings: one JSON value, an array, or one a line.
///
/// # Errors
/// When the text is not JSON of any of these shapes.
pub fn read(text: &str) -> Result<Outside, String> {
    let mut outside = Outside::default();
    for (place, value) in records(text)? {
        match finding(&value) {
            Ok(found) => outside.findings.push(found),
            Err(why) => outside.unread.push((place, why)),
        }
    }
    Ok(outside)
}

fn finding(value: &Value) -> Result<OutsideFinding, String> {
    const REQUIRED: [&str; 7] =
        ["severity", "alertId", "name", "description", "botName", "team", "uniqueKey"];
    let missing: Vec<&str> =
        REQUIRED.into_iter().filter(|key| !value.get(key).is_some_and(Value::is_string)).collect();
    if !missing.is_empty() {
        return Err(format!("it is no finding of the databus: {} missing", missing.join(", ")));
    }
    let word = |key| text(value, key).unwrap_or_default();
    let severity = match word("severity") {
        "Unknown" | "Info" => Severity::Info,
        "Low" => Severity::Low,
        "Medium" => Severity::Medium,
        "High" => Severity::High,
        "Critical" => Severity::Critical,
        other => {
            return Err(format!(
                "unknown severity {other:?} (one of: Unknown, Info, Low, Medium, High, Critical)"
            ));
        }
    };
    Ok(OutsideFinding {
        system: "lido",
        bot: Some(format!("{}/{}", word("team"), word("botName"))),
        alert_id: word("alertId").to_owned(),
        name: word("name").to_owned(),
        description: word("description").to_owned(),
        severity,
        chain_id: Some(CHAIN_ID),
        block_number: number(value, "blockNumber"),
        // The databus gives the height alone.
        block_hash: None,
        block_time: moment(value, "blockTimestamp"),
        tx: parsed(value, "txHash"),
        addresses: Vec::new(),
        unique_key: Some(word("uniqueKey").to_owned()),
        details: Vec::new(),
    })
}
