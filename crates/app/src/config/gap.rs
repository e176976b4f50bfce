//! `gaps/*.toml`: what people said about the time before a deployment was watched. Written by
//! `bellwether registry gap-audit`, reviewed like any other file.

use model::Name;
use registry::gap::{Clearance, VECTORS, unticked};

use super::{
    mistake::SourceFile,
    nearest,
    table::{Collector, Table, parse},
};

/// Reads one clearance; one of a deployment that is declared no longer is kept and means nothing.
pub(super) fn clearance(file: &SourceFile, out: &Collector) -> Option<Clearance> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let names = ["label", "network"].map(|key| required_name(&table, key));
    let address = table.address("address");
    let numbers = ["from", "to", "findings", "blind"].map(|key| table.integer(key));
    for key in ["address", "from", "to", "findings", "blind"] {
        if !table.has(key) {
            table.mistake(table.span(), format!("{key} is missing; gap-audit writes it"));
        }
    }
    if let [Some(from), Some(to), ..] = &numbers
        && to.value < from.value
    {
        let (from, to_number) = (from.value, to.value);
        let text = format!("to: the gap ends in block {to_number}, before it begins in {from}");
        table.mistake(to.span.clone(), text);
    }
    checklist(&table);
    let cleared_on = table.day("cleared_on");
    if !table.has("cleared_on") {
        table.mistake(table.span(), "cleared_on is missing; it must be a day (2026-03-31)");
    }
    let texts = ["cleared_by", "note"].map(|key| table.required_text(key));
    table.finish();
    let [label, network] = names;
    let [from, to, findings, blind] = numbers.map(|number| number.map(|number| number.value));
    let [cleared_by, note] = texts.map(|text| text.map(|text| text.value));
    Some(Clearance {
        label: label?,
        network: network?,
        address: address?.value,
        from: from?,
        to: to?,
        findings: findings?,
        blind: blind?,
        cleared_by: cleared_by?,
        cleared_on: cleared_on?.value,
        note: note?,
    })
}

/// Whoever clears a gap looked at all of the checklist, not at the parts that looked well.
fn checklist(table: &Table<'_>) {
    let span = table.span();
    let ticked = table.texts("checked");
    let known = || VECTORS.iter().map(|vector| vector.id);
    let mut are_known = true;
    for word in &ticked {
        if let Err(unknown) = unticked([word.value.as_str()]) {
            let help = match nearest(unknown, known()) {
                Some(near) => format!("; did you mean {near:?}?"),
                None => String::new(),
            };
            let all = known().collect::<Vec<_>>().join(", ");
            let text = format!("checked: unknown point {unknown:?}{help} (one of: all, {all})");
            table.mistake(word.span.clone(), text);
            are_known = false;
        }
    }
    let left = unticked(ticked.iter().map(|word| word.value.as_str())).unwrap_or_default();
    if are_known && !left.is_empty() {
        let left: Vec<&str> = left.iter().map(|vector| vector.id).collect();
        let place = ticked.last().map_or(span, |word| word.span.clone());
        table.mistake(
            place,
            format!(
                "checked: a gap is cleared when every point was looked at; left are {}",
                left.join(", ")
            ),
        );
    }
}

fn required_name(table: &Table<'_>, key: &'static str) -> Option<Name> {
    let name = table.name(key);
    if !table.has(key) {
        table.mistake(table.span(), format!("{key} is missing; it must be a name"));
    }
    name.map(|name| name.value)
}
