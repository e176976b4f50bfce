//! What an outside detector says, as findings.

use std::str::FromStr;

use model::{
    Address, Anchor, B256, BlockBundle, Confidence, Evidence, Fact, FactValue, Finding, FindingId,
    Name, Origin, Severity,
};
use serde::Deserialize;
use serde_json::Value;

use super::Spec;
use crate::import::findings::{read_forta, read_lido};

/// How an outside detector speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Ours: `{"findings": [{"severity", "title", …}]}`.
    Bellwether,
    /// Findings as Forta's bots return them.
    Forta,
    /// Findings as Lido's bots return them.
    Lido,
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bellwether" => Ok(Self::Bellwether),
            "forta" => Ok(Self::Forta),
            "lido" => Ok(Self::Lido),
            _ => Err(format!("unknown format {text:?} (one of: bellwether, forta, lido)")),
        }
    }
}

/// Longest text that is kept of one value, in characters.
const TEXT_CHARS_MAX: usize = 2_000;
/// Most facts of one finding.
const FACTS_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    findings: Vec<Told>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    severity: Severity,
    title: String,
    /// Keeps apart several findings about one thing, and knows one when it comes again.
    #[serde(default)]
    key: String,
    #[serde(default)]
    tx: Option<B256>,
    #[serde(default)]
    address: Option<Address>,
    #[serde(default)]
    deployment: Option<Name>,
    #[serde(default)]
    facts: serde_json::Map<String, Value>,
}

/// The findings of an answer, about the block that was asked about.
///
/// # Errors
/// When it cannot be read, holds more findings than allowed, or speaks of a transaction that is not in
/// the block: half an answer is none.
pub(super) fn findings(
    text: &str,
    spec: &Spec,
    bundle: &BlockBundle,
) -> Result<Vec<Finding>, String> {
    let findings = match spec.format {
        Format::Bellwether => {
            let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
            let own = |told: Told| finding(told, spec, bundle);
            answer.findings.into_iter().map(own).collect::<Result<Vec<_>, _>>()?
        }
        Format::Forta | Format::Lido => others(text, spec, bundle)?,
    };
    if findings.len() as u64 > spec.findings_max {
        return Err(format!("{} findings, at most {} may be", findings.len(), spec.findings_max));
    }
    Ok(findings)
}

fn finding(told: Told, spec: &Spec, bundle: &BlockBundle) -> Result<Finding, String> {
    let (block, timestamp) = (bundle.block_ref(), bundle.header.timestamp);
    if let Some(tx) = told.tx
        && !bundle.transactions.iter().any(|own| own.hash == tx)
    {
        return Err(format!("transaction {tx} is not in block {}", block.number));
    }
    let anchor = match told.tx {
        Some(tx) => Anchor::Frame { tx, index: 0 },
        None => Anchor::Block(block),
    };
    let what = if told.key.is_empty() { &told.title } else { &told.key };
    let fact = |(name, value): (String, Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = match text.parse::<Address>() {
            Ok(address) if text.len() == 42 => FactValue::Address { address, label: None },
            _ => FactValue::Untrusted(cut(&text)),
        };
        Fact { name: FactValue::Untrusted(name).to_string(), value }
    };
    let title = FactValue::Untrusted(told.title.clone());
    Ok(Finding {
        id: FindingId::derive(&spec.name, spec.version, &bundle.network, &anchor, what),
        detector: format!("outside/{}", spec.name),
        monitor: spec.name.clone(),
        version: spec.version,
        network: bundle.network.clone(),
        deployment: told.deployment,
        address: told.address,
        severity: told.severity.min(spec.severity_max),
        confidence: Confidence::Heuristic,
        title: format!("{} reports {title}", spec.name),
        origin: Origin { block, timestamp, tx: told.tx, log_index: None, frame: None },
        evidence: Evidence {
            measure: None,
            facts: told.facts.into_iter().take(FACTS_MAX).map(fact).collect(),
        },
        value_at_risk: None,
        runbook: None,
    })
}

/// Findings in another system's words, read as `bellwether import` reads them.
fn others(text: &str, spec: &Spec, bundle: &BlockBundle) -> Result<Vec<Finding>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // Bots return a list; an empty one says that all is well.
    if value.as_array().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let outside = match spec.format {
        Format::Lido => read_lido(text)?,
        Format::Forta | Format::Bellwether => read_forta(text)?,
    };
    if let Some((which, why)) = outside.unread.first() {
        return Err(format!("{which}: {why}"));
    }
    let judged = Some((bundle.block_ref(), bundle.header.timestamp));
    let ours = |found: &crate::import::findings::OutsideFinding| {
        let mut finding = found
            .to_finding(Some(&bundle.network), judged)
            .map_err(|incomplete| incomplete.to_string())?;
        if finding.origin.block != bundle.block_ref() {
            return Err(format!("it speaks of block {}", finding.origin.block));
        }
        finding.monitor = spec.name.clone();
        finding.version = spec.version;
        finding.detector = format!("outside/{}", spec.name);
        finding.severity = finding.severity.min(spec.severity_max);
        let anchor = match finding.origin.tx {
            Some(tx) => Anchor::Frame { tx, index: 0 },
            None => Anchor::Block(finding.origin.block),
        };
        let key = found.unique_key.as_deref().unwrap_or(&found.description);
        let what = format!("{} {key}", found.alert_id);
        finding.id = FindingId::derive(&spec.name, spec.version, &bundle.network, &anchor, &what);
        Ok(finding)
    };
    outside.findings.iter().map(ours).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}
