//! `[[inhibit]]`: alerts that make others needless.

use alert::quiet::Inhibition;
use model::Name;

use super::{super::table::Table, branch};

pub(in super::super) fn inhibitions(table: &Table<'_>) -> Vec<Inhibition> {
    let mut all: Vec<Inhibition> = Vec::new();
    for (at, entry) in table.tables("inhibit").into_iter().enumerate() {
        let written = entry.name("name");
        let name = match &written {
            Some(name) => Some(name.value.clone()),
            None => Name::new(&format!("inhibit-{}", at + 1)).ok(),
        };
        let side = |key: &'static str, what: &str| {
            let matchers = branch::matchers(&entry, key, None);
            if !entry.has(key) {
                entry.mistake_help(
                    entry.span(),
                    format!("{key} is missing; without it every alert would {what}"),
                    format!("{key} = ['monitor=\"drain\"']"),
                );
            }
            matchers
        };
        let (source, target) = (side("source", "hide others"), side("target", "be hidden"));
        let equal = branch::labels(&entry, "equal");
        entry.finish();
        let Some(name) = name else { continue };
        if all.iter().any(|other| other.name == name) {
            let span = written.map_or(0..0, |name| name.span);
            table.mistake(span, format!("two inhibitions are called {name}"));
            continue;
        }
        all.push(Inhibition { name, source, target, equal });
    }
    all
}
