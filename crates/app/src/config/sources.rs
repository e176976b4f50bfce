//! `sources.toml`: other systems that report alerts.

use std::{collections::BTreeMap, sync::Arc};

use model::{Name, Severity, Source};

use super::{
    folder::Surroundings,
    mistake::SourceFile,
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};
use crate::reports::{Door, RESOLVE_TIMEOUT_MS_DEFAULT, Severities};

/// Shortest token, in bytes: one that cannot be guessed.
const TOKEN_LEN_MIN: usize = 16;

/// Requests a minute unless said otherwise: ten Prometheus servers that report every second.
const PER_MINUTE_DEFAULT: u64 = 600;

/// Most requests a minute that can be allowed.
const PER_MINUTE_MAX: u64 = 60_000;

/// Longest time after which what is not said any more is over: a day.
const RESOLVE_TIMEOUT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

pub(super) fn sources(
    file: &SourceFile,
    monitors: &[Name],
    around: &dyn Surroundings,
    missing: Missing,
    out: &Collector,
) -> Vec<Door> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut doors: Vec<Door> = Vec::new();
    for entry in table.tables("source") {
        if let Some(door) = door(&entry, around, missing) {
            let taken = monitors.contains(&door.name) || doors.iter().any(|d| d.name == door.name);
            if taken || door.name.as_str() == Source::OWN {
                entry.mistake(
                    entry.span_of("name"),
                    format!("{} is the name of something else that finds alerts", door.name),
                );
            }
            // A token tells who speaks; an empty one is not there on this machine.
            let token = door.token.reveal();
            if !token.is_empty() && doors.iter().any(|other| other.token.reveal() == token) {
                entry.mistake(
                    entry.span_of("token"),
                    "token is that of another source: nobody could tell them apart",
                );
            }
            doors.push(door);
        }
        entry.finish();
    }
    table.finish();
    doors
}

fn door(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Option<Door> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; its alerts are called by it");
    }
    let token = secret(table, "token", Literal::Never, around, missing);
    if !table.has("token") {
        table.mistake(table.span(), "token is missing: what its requests show");
    }
    if let Some(token) = &token {
        let len = token.value.reveal().len();
        if len < TOKEN_LEN_MIN && (len > 0 || missing == Missing::IsMistake) {
            let short = format!("token is shorter than {TOKEN_LEN_MIN} bytes");
            table.mistake_help(
                token.span.clone(),
                short,
                "`openssl rand -hex 32` makes a good one",
            );
        }
    }
    let mut severities = Severities::default();
    if let Some(label) = table.text("severity_label") {
        severities.label = label.value;
    }
    if let Some(unknown) = table.word::<Severity>("unknown_severity") {
        severities.unknown = unknown.value;
    }
    if let Some(own) = table.table("severities") {
        severities.own = words(&own);
        own.finish();
    }
    let mut resolve_timeout_ms = RESOLVE_TIMEOUT_MS_DEFAULT;
    if let Some(timeout) = table.duration_ms("resolve_timeout") {
        if (1_000..=RESOLVE_TIMEOUT_MS_MAX).contains(&timeout.value) {
            resolve_timeout_ms = timeout.value;
        } else {
            table.mistake(timeout.span, "resolve_timeout is at least 1s and at most 24h");
        }
    }
    let per_minute =
        table.integer_in("per_minute", 1..PER_MINUTE_MAX + 1).unwrap_or(PER_MINUTE_DEFAULT);
    let token = Arc::new(token?.value);
    Some(Door { name: name?.value, token, severities, resolve_timeout_ms, per_minute })
}

/// `page = "critical"`, the source's words for how bad on the left.
fn words(table: &Table<'_>) -> BTreeMap<String, Severity> {
    let mut own = BTreeMap::new();
    for (word, value) in table.entries() {
        let text = value.get_ref().as_str().unwrap_or_default();
        match text.parse::<Severity>() {
            Ok(severity) => {
                own.insert(word.value.trim().to_lowercase(), severity);
            }
            Err(error) => table.mistake(value.span(), format!("{}: {error}", word.value)),
        }
    }
    own
}
