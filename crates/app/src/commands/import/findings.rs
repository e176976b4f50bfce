//! Findings and labels of other people's bots.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::anyhow;
use serde_json::{Value, json};

use super::{Outcome, Target, read_file};
use crate::{
    import::{
        Import,
        findings::{LabelFiles, Outside, OutsideFinding, kin, label_files, read_forta, read_lido},
    },
    init::chain_name,
    terminal::print_line,
    words::counted,
};

/// Findings, alerts or labels of Forta as JSON: what was found is listed as findings of ours, labels
/// become lists in labels/.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether import forta alerts.json --json | jq '.findings[].finding.title'"
)]
pub(super) struct Forta {
    /// JSON: one value, an array, one a line, or the API's answer.
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Findings of Lido's databus as JSON, listed as findings of ours.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bellwether import lido findings.jsonl --dry-run")]
pub(super) struct Lido {
    /// JSON: one finding, an array, or one a line.
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

impl Forta {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let outside = read_forta(&read_file(&self.file)?)
            .map_err(|why| anyhow!("{}: {why}", self.file.display()))?;
        settle("forta", &outside, &self.target)
    }
}

impl Lido {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let outside = read_lido(&read_file(&self.file)?)
            .map_err(|why| anyhow!("{}: {why}", self.file.display()))?;
        settle("lido", &outside, &self.target)
    }
}

fn settle(system: &'static str, outside: &Outside, target: &Target) -> anyhow::Result<Outcome> {
    let mut import = Import::default();
    for (what, why) in &outside.unread {
        import.report.leave(what, why);
    }
    let LabelFiles { files, unnamed } = label_files(system, &outside.labels);
    for (path, text) in &files {
        let count = text.lines().skip(1).count() as u64;
        import.report.take(counted(count, "label"), path);
    }
    import.files = files;
    for (what, why) in unnamed {
        import.report.leave(what, why);
    }
    kinds(outside, &mut import);
    if !target.json {
        for found in &outside.findings {
            print_line(&line(found));
        }
    }
    let findings: Vec<Value> = outside.findings.iter().map(told).collect();
    target.settle(import, json!({ "findings": findings }))
}

/// One line of the report per kind of finding: what it is here.
fn kinds(outside: &Outside, import: &mut Import) {
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for found in &outside.findings {
        *kinds.entry((&found.alert_id, &found.name)).or_default() += 1;
    }
    for ((alert_id, name), count) in kinds {
        let what = format!("{count} × {alert_id} ({name})");
        match kin(alert_id, name) {
            Some(detector) => {
                import.report.take(what, format!("what detector {detector} looks for"));
            }
            None => import.report.take(what, "findings, listed; no detector of ours by that name"),
        }
    }
}

fn line(found: &OutsideFinding) -> String {
    let place = match (found.block_number, found.tx) {
        (_, Some(tx)) => format!(" tx {tx}"),
        (Some(block), None) => format!(" block {block}"),
        (None, None) => String::new(),
    };
    let name = model::FactValue::Untrusted(found.name.clone());
    format!("{}{place} {}: {name}", found.severity, found.monitor())
}

/// A finding as JSON of ours; one that does not say exactly where it happened says what is missing.
fn told(found: &OutsideFinding) -> Value {
    let network = found.chain_id.map(chain_name);
    match found.to_finding(network.as_ref(), None) {
        Ok(finding) => json!({ "finding": finding, "missing": null }),
        Err(missing) => json!({
            "finding": null,
            "missing": missing.to_string(),
            "monitor": found.monitor(),
            "severity": found.severity,
            "name": found.name,
            "description": found.description,
            "bot": found.bot,
            "network": network,
            "block_number": found.block_number,
            "tx": found.tx,
            "addresses": found.addresses,
        }),
    }
}
