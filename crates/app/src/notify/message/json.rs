//! The body of a webhook: `bellwether.alert/1`.
//!
//! Fields may be added within a version; none is renamed, removed or changed in meaning. Strings
//! from the chain carry `"type": "untrusted"`. Numbers that may exceed 2^53 are decimal strings.

use model::{Confidence, Fact, FactValue, Finding, Name, Report};
use serde_json::{Value, json};

use super::{Message, safe};

/// Name and version of the schema.
pub(crate) const SCHEMA: &str = "bellwether.alert/1";

impl Message {
    /// The body as a JSON object.
    pub fn json(&self) -> Value {
        let alert = &self.alert;
        let links: serde_json::Map<String, Value> =
            self.links.iter().map(|link| (link.label.to_lowercase(), json!(link.url))).collect();
        json!({
            "schema": SCHEMA,
            "id": self.id.to_string(),
            "kind": self.kind.as_str(),
            "sequence": self.sequence,
            "receiver": self.receiver.as_str(),
            "reason": self.reason,
            "test": self.is_test,
            "drill": self.drill().as_ref().map(Name::as_str),
            "decided_at_ms": self.decided_at.0,
            "sent_at_ms": self.at.0,
            "installation": self.installation,
            "subject": self.subject(),
            "alert": {
                "id": alert.id.to_string(),
                "state": alert.state.as_str(),
                "severity": alert.severity.as_str(),
                "monitor": alert.monitor.as_str(),
                "network": alert.network.as_ref().map(Name::as_str),
                "deployment": alert.deployment.as_ref().map(|name| name.as_str()),
                "opened_at_s": alert.opened_at.0,
                "last_finding_at_s": alert.last_finding_at.0,
                "findings_standing": alert.findings_standing(),
                "findings_total": alert.findings_total(),
            },
            "finding": alert.finding().map(|first| finding(first, &self.headline)),
            "report": alert.report().map(|told| report(told, &self.headline)),
            "person": self.person.as_ref().map(|name| name.as_str()),
            "is_page": self.is_page,
            "others": self
                .others
                .iter()
                .map(|other| json!({
                    "alert": other.alert.to_string(),
                    "severity": other.severity.as_str(),
                    "kind": other.kind.as_str(),
                    "title": other.headline,
                    "link": other.url,
                }))
                .collect::<Vec<_>>(),
            "others_more": self.others_more,
            "seconds_since_block": alert.finding().map(|first| {
                self.at.millis_since(first.origin.timestamp.into()).div_euclid(1000)
            }),
            "links": links,
        })
    }
}

fn finding(finding: &Finding, title: &str) -> Value {
    let origin = &finding.origin;
    json!({
        "id": finding.id.to_string(),
        "detector": finding.detector,
        "version": finding.version,
        "title": title,
        "severity": finding.severity.as_str(),
        "address": finding.address.map(|address| address.to_string()),
        "block": {
            "number": origin.block.number,
            "hash": origin.block.hash.to_string(),
            "timestamp_s": origin.timestamp.0,
        },
        "transaction": origin.tx.map(|tx| tx.to_string()),
        "log_index": origin.log_index,
        "frame": origin.frame,
        "confidence": confidence(finding.confidence),
        "measure": finding.evidence.measure.as_ref().map(|measure| json!({
            "name": measure.name,
            "unit": measure.unit,
            "value": measure.value,
            "threshold": measure.threshold,
            "history": measure.history.map(|history| json!({
                "usual": history.usual,
                "spread": history.spread,
                "n": history.n,
            })),
        })),
        "facts": facts(&finding.evidence.facts),
        "value_at_risk": finding.value_at_risk.as_ref().map(|amount| json!({
            "raw": amount.raw.to_string(),
            "decimals": amount.decimals,
            "symbol": &*amount.symbol,
            "text": amount.to_string(),
        })),
        "runbook": finding.runbook,
    })
}

/// What no chain says.
fn report(report: &Report, title: &str) -> Value {
    json!({
        "source": report.source.to_string(),
        "fingerprint": safe::untrusted(&report.fingerprint),
        "rule": safe::untrusted(&report.rule),
        "title": title,
        "began_ms": report.began.0,
        "times": report.times,
        "facts": facts(&report.facts()),
    })
}

fn facts(facts: &[Fact]) -> Vec<Value> {
    let fact = |fact: &Fact| {
        json!({
            "name": safe::untrusted(&fact.name),
            "type": kind(&fact.value),
            "value": value(&fact.value),
            "text": safe::fact(&fact.value),
        })
    };
    facts.iter().map(fact).collect()
}

fn confidence(confidence: Confidence) -> Value {
    match confidence {
        Confidence::Proven => json!({ "kind": "proven" }),
        Confidence::Statistical { p } => json!({ "kind": "statistical", "p": p }),
        Confidence::Heuristic => json!({ "kind": "heuristic" }),
    }
}

fn kind(value: &FactValue) -> &'static str {
    match value {
        FactValue::Text(_) => "text",
        FactValue::Untrusted(_) => "untrusted",
        FactValue::Address { .. } => "address",
        FactValue::Transaction(_) => "transaction",
        FactValue::Block(_) => "block",
        FactValue::Uint(_) => "uint",
        FactValue::Int(_) => "int",
        FactValue::Amount(_) => "amount",
        FactValue::Bytes(_) => "bytes",
        FactValue::Bool(_) => "bool",
        FactValue::Ratio(_) => "ratio",
        FactValue::Number { .. } => "number",
        FactValue::Seconds(_) => "seconds",
        FactValue::List(_) => "list",
    }
}

/// The value for a program; `text` is the one for a person. Strings from the chain are given as
/// shown: a program that wants the raw bytes asks the chain.
fn value(value: &FactValue) -> Value {
    match value {
        FactValue::Address { address, .. } => json!(address.to_string()),
        FactValue::Transaction(hash) => json!(hash.to_string()),
        FactValue::Block(block) => {
            json!({ "number": block.number, "hash": block.hash.to_string() })
        }
        FactValue::Uint(value) => json!(value.to_string()),
        FactValue::Int(value) => json!(value.to_string()),
        FactValue::Amount(amount) => json!(amount.raw.to_string()),
        FactValue::Bool(value) => json!(value),
        FactValue::Ratio(value) | FactValue::Number { value, .. } => json!(value),
        FactValue::Seconds(value) => json!(value),
        FactValue::Text(_) | FactValue::Untrusted(_) | FactValue::Bytes(_) | FactValue::List(_) => {
            json!(safe::fact(value))
        }
    }
}
