//! `routes.toml`: who hears what, and how.

use std::{str::FromStr, time::Duration};

use alert::{Pattern, Policy, Route};
use model::{Name, Severity};

use super::{
    folder::Surroundings,
    mistake::{Mistake, SourceFile, nearest},
    receiver,
    secret::Missing,
    table::{Collector, Table, parse},
};
use crate::notify::ReceiverConfig;

/// Who hears what, with how each receiver is reached.
pub(super) struct Routes {
    pub(super) policy: Policy,
    pub(super) receivers: Vec<(Name, ReceiverConfig)>,
    pub(super) receivers_tested: Option<Duration>,
}

impl Routes {
    /// Without a `routes.toml`, alerts go to standard output: somebody looking at the terminal
    /// hears them, and `check` says that nobody else does.
    pub(super) fn to_stdout() -> Self {
        let name = Name::new("stdout").expect("a plain slug");
        let route = Route::catch_all(Name::new("all").expect("a plain slug"), vec![name.clone()]);
        Self {
            policy: Policy { routes: vec![route], ..Policy::default() },
            receivers: vec![(name, ReceiverConfig::Stdout { json: false })],
            receivers_tested: None,
        }
    }
}

pub(super) fn routes(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    out: &Collector,
) -> Routes {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut policy = Policy::default();
    if let Some(window) = table.duration_ms("group_window") {
        policy.group_window_s = window.value / 1_000;
        if policy.group_window_s > alert::GROUP_WINDOW_S_MAX {
            table.mistake(
                window.span,
                "group_window is at most 1d: beyond it \"the same episode\" means nothing",
            );
        }
    }
    if let Some(interval) = table.duration_ms("update_interval") {
        policy.update_interval_s = interval.value / 1_000;
    }
    let receiver::Receivers { declared, configs: receivers, tested: receivers_tested } =
        receiver::receivers(&table, around, missing);
    for (at, entry) in table.tables("route").into_iter().enumerate() {
        let route = route(&entry, at, &declared);
        entry.finish();
        policy.routes.extend(route);
    }
    if policy.routes.is_empty() {
        out.add(
            Mistake::in_file(&file.path, "there is no [[route]]: nobody would hear of anything")
                .with_help("[[route]]\n     severity = \"info\"\n     receivers = [\"team-mail\"]"),
        );
    }
    table.finish();
    Routes { policy, receivers, receivers_tested }
}

fn route(table: &Table<'_>, at: usize, declared: &[Name]) -> Option<Route> {
    let name = table.name("name").map(|n| n.value);
    let name = name.or_else(|| Name::new(&format!("route-{}", at + 1)).ok())?;
    let severity_min = table.word::<Severity>("severity").map_or(Severity::Info, |s| s.value);
    let receivers = table.names("receivers");
    for receiver in &receivers {
        if declared.contains(&receiver.value) {
            continue;
        }
        let help = match nearest(receiver.value.as_str(), declared.iter().map(Name::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "declared: {}",
                declared.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
            ),
        };
        table.mistake_help(
            receiver.span.clone(),
            format!("undefined receiver {:?} used in route {name}", receiver.value),
            help,
        );
    }
    if receivers.is_empty() {
        table.mistake(table.span(), format!("route {name} has no receivers: nobody would hear"));
    }
    let confirmed_from = match table.text("confirmed_from") {
        None => Route::CONFIRMED_FROM_DEFAULT,
        Some(word) if word.value == "never" => None,
        Some(word) => match Severity::from_str(&word.value) {
            Ok(severity) => Some(severity),
            Err(error) => {
                table.mistake(word.span, format!("confirmed_from: {error}, or never"));
                None
            }
        },
    };
    Some(Route {
        severity_min,
        networks: patterns(table, "networks"),
        monitors: patterns(table, "monitors"),
        deployments: patterns(table, "deployments"),
        receivers: receivers.into_iter().map(|r| r.value).collect(),
        continue_matching: table.boolean("continue").unwrap_or(false),
        confirmed_from,
        name,
    })
}

fn patterns(table: &Table<'_>, key: &'static str) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in table.texts(key) {
        match Pattern::from_str(&text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => table.mistake(text.span, format!("{key}: {error}")),
        }
    }
    patterns
}
