//! `paths/*.toml`: what people and tests taught about paths through contracts.

use model::Name;

use super::{
    mistake::SourceFile,
    table::{Collector, Table, parse},
};
use crate::paths::{Covers, FinePath, PathFingerprint, Paths, Seed};

/// Reads every file; monitors that are named must exist.
pub(super) fn paths(files: &[SourceFile], monitors: &[Name], out: &Collector) -> Paths {
    let mut paths = Paths::default();
    for file in files {
        let parsed = parse(file, out);
        let table = Table::root(file, &parsed, out);
        for entry in table.tables("fine") {
            paths.fine.extend(fine(&entry, monitors).map(|fine| (file.path.clone(), fine)));
            entry.finish();
        }
        let seen = table.tables("seen");
        let monitor = table.name("monitor");
        let salt = mark(&table);
        if let Some(name) = &monitor {
            known(&table, &name.value, name.span.clone(), monitors);
        } else if !seen.is_empty() && !table.has("monitor") {
            let text = "monitor is missing; paths are learned for one monitor, whose contracts decide what a path is";
            table.mistake(table.span(), text);
        }
        let seen = seen.into_iter().filter_map(|entry| {
            let path = fingerprint(&entry);
            let times = entry.required_integer("times");
            entry.finish();
            Some((path?, times?.value))
        });
        let seen: Vec<_> = seen.collect();
        if let Some(monitor) = monitor {
            let file = file.path.clone();
            paths.seeds.push((file, Seed { monitor: monitor.value, salt, seen }));
        }
        table.finish();
    }
    paths
}

fn fine(entry: &Table<'_>, known_monitors: &[Name]) -> Option<FinePath> {
    let path = fingerprint(entry);
    let covers = entry.word::<Covers>("covers");
    if !entry.has("covers") {
        let text = "covers is missing; it must be exact (this path alone) or general (all like it)";
        entry.mistake(entry.span(), text);
    }
    let monitors = entry.names("monitors");
    for name in &monitors {
        known(entry, &name.value, name.span.clone(), known_monitors);
    }
    let texts = ["judged_by", "why"].map(|key| entry.required_text(key));
    let judged_on = entry.day("judged_on");
    if !entry.has("judged_on") {
        let text = "judged_on is missing; it must be a day (2026-03-31)";
        entry.mistake(entry.span(), text);
    }
    let until = entry.day("until");
    let [judged_by, why] = texts.map(|text| text.map(|text| text.value));
    Some(FinePath {
        path: path?,
        covers: covers?.value,
        monitors: monitors.into_iter().map(|name| name.value).collect(),
        judged_by: judged_by?,
        judged_on: judged_on?.value,
        why: why?,
        until: until.map(|day| day.value),
        salt: mark(entry),
    })
}

/// Under which salt a fingerprint was made.
fn mark(table: &Table<'_>) -> Option<String> {
    let mark = table.text("salt")?;
    let is_mark = mark.value.len() == 8 && mark.value.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_mark {
        let text = "salt must be the mark of a salt (8 hexadecimal digits), and never the salt";
        table.mistake(mark.span.clone(), text);
    }
    is_mark.then_some(mark.value)
}

fn fingerprint(entry: &Table<'_>) -> Option<PathFingerprint> {
    if !entry.has("path") {
        let text = "path is missing; it must be a fingerprint, as findings tell it";
        entry.mistake(entry.span(), text);
    }
    entry.word("path").map(|path| path.value)
}

fn known(table: &Table<'_>, name: &Name, span: std::ops::Range<usize>, monitors: &[Name]) {
    if !monitors.contains(name) {
        let all: Vec<&str> = monitors.iter().map(Name::as_str).collect();
        let help = match super::nearest(name.as_str(), all.iter().copied()) {
            Some(near) => format!("; did you mean {near:?}?"),
            None => String::new(),
        };
        let all = all.join(", ");
        table.mistake(span, format!("unknown monitor {:?}{help} (one of: {all})", name.as_str()));
    }
}
