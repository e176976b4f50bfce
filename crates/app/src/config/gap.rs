//! `gaps/*.toml`: what people said about the time before a deployment was watched. Written by
//! `bellwether registry gap-audit`, reviewed like any other file.

use model::Name;
use registry::gap::Clearance;

use super::{
    mistake::SourceFile,
    table::{Collector, Table, parse},
};

/// Reads one clearance; one of a deployment that is declared no longer is kept and means nothing.
pub(super) fn clearance(file: &SourceFile, out: &Collector) -> Option<Clearance> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let names = ["label", "network"].map(|key| required_name(&table, key));
    let address = table.address("address");
    let numbers = ["from", "to", "findings"].map(|key| table.integer(key).map(|n| n.value));
    for key in ["address", "from", "to", "findings"] {
        if !table.has(key) {
            table.mistake(table.span(), format!("{key} is missing; gap-audit writes it"));
        }
    }
    let texts = ["cleared_by", "cleared_on", "note"].map(|key| table.required_text(key));
    table.texts("checked");
    table.finish();
    let [label, network] = names;
    let [from, to, findings] = numbers;
    let [cleared_by, cleared_on, note] = texts.map(|text| text.map(|text| text.value));
    Some(Clearance {
        label: label?,
        network: network?,
        address: address?.value,
        from: from?,
        to: to?,
        findings: findings?,
        cleared_by: cleared_by?,
        cleared_on: cleared_on?,
        note: note?,
    })
}

fn required_name(table: &Table<'_>, key: &'static str) -> Option<Name> {
    let name = table.name(key);
    if !table.has(key) {
        table.mistake(table.span(), format!("{key} is missing; it must be a name"));
    }
    name.map(|name| name.value)
}
