//! `outside.toml`: detectors that are not ours.

use std::{path::Path, time::Duration};

use model::{Name, Severity};

use super::{
    mistake::SourceFile,
    table::{Collector, Table, parse},
};
use crate::outside::{FINDINGS_MAX, Format, Spec, Way};

/// Time for one block unless said otherwise.
const TIMEOUT_MS_DEFAULT: u64 = 2_000;
/// Longest time for one block: people wait for the other findings of it.
const TIMEOUT_MS_MAX: u64 = 30_000;
/// Memory of a process unless said otherwise: an interpreter and some room.
const MEMORY_MIB_DEFAULT: u64 = 512;
/// Most memory of a process.
const MEMORY_MIB_MAX: u64 = 65_536;
/// Findings of one block unless said otherwise.
const FINDINGS_DEFAULT: u64 = 20;

const MIB: u64 = 1024 * 1024;

pub(super) fn outside(
    file: &SourceFile,
    folder: &Path,
    networks: &[Name],
    monitors: &[Name],
    out: &Collector,
) -> Vec<Spec> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut found: Vec<Spec> = Vec::new();
    for entry in table.tables("detector") {
        if let Some(spec) = detector(&entry, folder, networks) {
            let is_taken =
                monitors.contains(&spec.name) || found.iter().any(|other| other.name == spec.name);
            if is_taken {
                entry.mistake(
                    entry.span_of("name"),
                    format!("{} is the name of another monitor or detector", spec.name),
                );
            }
            found.push(spec);
        }
        entry.finish();
    }
    table.finish();
    found
}

fn detector(table: &Table<'_>, folder: &Path, networks: &[Name]) -> Option<Spec> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; alerts are called by it");
    }
    let on = table.names("networks");
    for network in on.iter().filter(|network| !networks.contains(&network.value)) {
        let known: Vec<&str> = networks.iter().map(Name::as_str).collect();
        table.mistake_help(
            network.span.clone(),
            format!("unknown network {:?}", network.value),
            format!("declared in networks/: {}", known.join(", ")),
        );
    }
    let command = table.texts("command");
    let url = table.parsed("url", parse_url);
    let memory = table.integer_in("memory_mib", 16..MEMORY_MIB_MAX + 1);
    let version = table.integer_in("version", 1..u64::from(u32::MAX)).map_or(1, |v| v as u32);
    let format = table.word::<Format>("format").map_or(Format::Bellwether, |f| f.value);
    let severity_max = table.word::<Severity>("severity_max");
    if !table.has("severity_max") {
        table.mistake_help(
            table.span(),
            "severity_max is missing: what it says is never worse than that",
            "one of: info, low, medium, high, critical",
        );
    }
    let mut timeout_ms = TIMEOUT_MS_DEFAULT;
    if let Some(timeout) = table.duration_ms("timeout") {
        if (1..=TIMEOUT_MS_MAX).contains(&timeout.value) {
            timeout_ms = timeout.value;
        } else {
            table.mistake(timeout.span, "timeout is more than nothing and at most 30s");
        }
    }
    let findings_max =
        table.integer_in("findings_max", 1..FINDINGS_MAX + 1).unwrap_or(FINDINGS_DEFAULT);
    let way = match (command.is_empty(), url) {
        (false, None) => Way::Command {
            command: command.into_iter().map(|part| part.value).collect(),
            folder: folder.to_owned(),
            memory_bytes: memory.unwrap_or(MEMORY_MIB_DEFAULT) * MIB,
        },
        (true, Some(url)) => Way::Url(url.value),
        _ => {
            table.mistake(
                table.span(),
                "a detector is reached by exactly one of: command = [\"program\", …], url = \"…\"",
            );
            return None;
        }
    };
    Some(Spec {
        name: name?.value,
        version,
        networks: on.into_iter().map(|network| network.value).collect(),
        way,
        format,
        severity_max: severity_max?.value,
        timeout: Duration::from_millis(timeout_ms),
        findings_max,
    })
}

/// A block goes to this machine, or over TLS.
fn parse_url(text: &str) -> Result<String, String> {
    let url: reqwest::Url =
        text.parse().map_err(|_| format!("{text:?} is not an http(s) address"))?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_here => Ok(text.to_owned()),
        "http" => Err(format!("{text:?} is not on this machine, and has no TLS: use https")),
        _ => Err(format!("{text:?} is not an http(s) address")),
    }
}
