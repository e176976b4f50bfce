//! Forta: findings as a bot prints them (both SDKs), alerts as the API gives them, labels.

use model::Severity;
use serde_json::Value;

use super::{
    Outside, OutsideFinding, OutsideLabel, addresses, moment, number, parsed, records, text,
};

/// Degrees of a finding, in the order of the SDK's numbers.
const SEVERITIES: [(&str, Severity); 6] = [
    ("unknown", Severity::Info),
    ("info", Severity::Info),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// Kinds of finding, in the order of the SDK's numbers.
const TYPES: [&str; 6] = ["unknown", "exploit", "suspicious", "degraded", "info", "scam"];

/// Kinds of labelled thing, in the order of the SDK's numbers.
const ENTITIES: [&str; 5] = ["unknown", "address", "transaction", "block", "url"];

/// Reads findings, alerts or labels: one JSON value, an array, one a line, or the API's whole answer.
///
/// # Errors
/// When the text is not JSON of any of these shapes.
pub fn read(text: &str) -> Result<Outside, String> {
    let mut outside = Outside::default();
    for (place, value) in records(text)? {
        record(&mut outside, &place, &value);
    }
    Ok(outside)
}

fn record(outside: &mut Outside, place: &str, value: &Value) {
    // The API wraps its lists: {"data": {"alerts": {"alerts": [ … ]}}}.
    for wrapper in ["data", "alerts", "findings", "labels"] {
        let is_finding = value.get("alertId").is_some();
        match value.get(wrapper) {
            Some(inner @ Value::Object(_)) if !is_finding => {
                return record(outside, place, inner);
            }
            Some(Value::Array(items)) if !is_finding => {
                for (at, item) in items.iter().enumerate() {
                    record(outside, &format!("{place}, {wrapper}[{at}]"), item);
                }
                return;
            }
            _ => {}
        }
    }
    if value.get("entityType").is_some() || value.get("entity").is_some() {
        let inner = value.get("label").filter(|inner| inner.is_object()).unwrap_or(value);
        return match label(inner) {
            Ok(label) => outside.labels.push(label),
            Err(why) => outside.unread.push((place.to_owned(), why)),
        };
    }
    match finding(value) {
        Ok(found) => outside.findings.push(found),
        Err(why) => return outside.unread.push((place.to_owned(), why)),
    }
    let labels = value.get("labels").and_then(Value::as_array).into_iter().flatten();
    for (at, value) in labels.enumerate() {
        match label(value) {
            Ok(label) => outside.labels.push(label),
            Err(why) => outside.unread.push((format!("{place}, labels[{at}]"), why)),
        }
    }
}

fn finding(value: &Value) -> Result<OutsideFinding, String> {
    let missing = |key: &str| format!("it has no {key}, so it is no finding");
    let alert_id = text(value, "alertId").ok_or_else(|| missing("alertId"))?;
    let name = text(value, "name").ok_or_else(|| missing("name"))?;
    let severity = one_of(value.get("severity"), &SEVERITIES.map(|(word, _)| word), "severity")?;
    let kind = value.get("findingType").or_else(|| value.get("type"));
    let kind = one_of(kind, &TYPES, "type")?;
    let nothing = Value::Null;
    let source = value.get("source").unwrap_or(&nothing);
    // An alert has one block; a finding of the second SDK lists what it is about.
    let first = |list: &str| source.get(list).and_then(|list| list.get(0)).unwrap_or(&nothing);
    let block = source.get("block").filter(|b| b.is_object()).unwrap_or_else(|| first("blocks"));
    let transaction = first("transactions");
    let chain_id = number(value, "chainId")
        .or_else(|| number(block, "chainId"))
        .or_else(|| number(transaction, "chainId"))
        .or_else(|| number(first("chains"), "chainId"));
    let bot = source.get("bot").and_then(|bot| text(bot, "id"));
    let mut details = vec![("type".to_owned(), TYPES[kind].to_owned())];
    if let Some(protocol) = text(value, "protocol") {
        details.push(("protocol".to_owned(), protocol.to_owned()));
    }
    let metadata = value.get("metadata").and_then(Value::as_object).into_iter().flatten();
    details.extend(metadata.map(|(key, value)| {
        (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }));
    Ok(OutsideFinding {
        system: "forta",
        bot: bot.or_else(|| text(value, "botId")).map(str::to_owned),
        alert_id: alert_id.to_owned(),
        name: name.to_owned(),
        description: text(value, "description").unwrap_or_default().to_owned(),
        severity: SEVERITIES[severity].1,
        chain_id,
        block_number: number(block, "number"),
        block_hash: parsed(block, "hash"),
        block_time: moment(block, "timestamp"),
        tx: parsed(source, "transactionHash").or_else(|| parsed(transaction, "hash")),
        addresses: addresses(value, "addresses"),
        unique_key: text(value, "uniqueKey").or_else(|| text(value, "hash")).map(str::to_owned),
        details,
    })
}

fn label(value: &Value) -> Result<OutsideLabel, String> {
    let entity = text(value, "entity").ok_or("the label has no entity")?;
    let word = text(value, "label").ok_or("the label says nothing")?;
    let kind = ENTITIES[one_of(value.get("entityType"), &ENTITIES, "entityType")?];
    if kind != "address" {
        return Err(format!("a label of {kind} {entity:?}: lists of ours hold addresses"));
    }
    // The API appends the chain: "0x…,1".
    let (address, chain) = entity.split_once(',').unwrap_or((entity, ""));
    let address = address.trim().parse().map_err(|_| format!("{entity:?} is no address"))?;
    let confidence = value.get("confidence").and_then(Value::as_f64).unwrap_or(1.0);
    if !(0.0..=1.0).contains(&confidence) {
        return Err(format!("the label's confidence {confidence} is not from 0 to 1"));
    }
    let metadata = value.get("metadata");
    let name = metadata.and_then(|m| text(m, "name").or_else(|| text(m, "tag")));
    Ok(OutsideLabel {
        address,
        chain_id: chain.trim().parse().ok().or_else(|| number(value, "chainId")),
        word: word.to_owned(),
        name: name.unwrap_or_default().to_owned(),
        confidence,
        is_removal: value.get("remove").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// The position of a word, which may also be given as its number; absent counts as `unknown`.
fn one_of(value: Option<&Value>, words: &[&str], key: &str) -> Result<usize, String> {
    let found = match value {
        None | Some(Value::Null) => Some(0),
        Some(Value::Number(number)) => {
            let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
            number.filter(|number| *number < words.len())
        }
        Some(Value::String(word)) => {
            let word = word.to_lowercase();
            let word = word.strip_suffix("_severity").unwrap_or(&word);
            let word = if word == "information" { "info" } else { word };
            words.iter().position(|known| *known == word)
        }
        Some(_) => None,
    };
    found.ok_or_else(|| {
        let given = value.map(Value::to_string).unwrap_or_default();
        format!("unknown {key} {given} (one of: {})", words.join(", "))
    })
}
