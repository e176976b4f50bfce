//! Labelled pairs of layouts: test contracts of OpenZeppelin's tools and real releases of their
//! contracts against each other, with the verdict of their reference implementation.

use std::{collections::BTreeMap, io::Read as _, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::layout::{Build, Change, Kind, Options, compare};

#[derive(Deserialize)]
struct Case {
    id: String,
    before: Side,
    after: Side,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    storage_layout: Value,
    oz_layout: Value,
}

#[derive(Deserialize)]
struct Expect {
    ok: bool,
    ops: Vec<Op>,
}

#[derive(Deserialize)]
struct Op {
    kind: String,
    original: Option<Labelled>,
    updated: Option<Labelled>,
}

#[derive(Deserialize)]
struct Labelled {
    label: String,
}

#[allow(clippy::print_stderr, reason = "a corpus that is not there must not look like one that agrees")]
fn cases() -> Option<Vec<Case>> {
    let Some(corpus) = std::env::var_os("BELLWETHER_CORPUS") else {
        eprintln!("SKIPPED: BELLWETHER_CORPUS names no corpus");
        return None;
    };
    let path = PathBuf::from(corpus).join("storage_layouts/cases.jsonl.zst");
    let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn read(layout: &Value) -> crate::layout::Layout {
    Build::read(&layout.to_string(), None, None).unwrap().layout.unwrap()
}

/// A change in the words of the reference implementation.
fn op(change: &Change) -> (String, Option<String>, Option<String>) {
    let kind = match change.kind {
        Kind::Deleted => "delete",
        Kind::Inserted => "insert",
        Kind::Appended => "append",
        Kind::Renamed => "rename",
        Kind::Retyped | Kind::GapResized => "typechange",
        Kind::Replaced => "replace",
        Kind::Moved => "layoutchange",
        other => return (format!("{other:?}"), None, None),
    };
    let label = |field: &Option<crate::layout::Field>| field.as_ref().map(|f| f.label.clone());
    (kind.to_owned(), label(&change.before), label(&change.after))
}

#[test]
fn every_labelled_pair_is_judged_as_labelled() {
    let Some(cases) = cases() else { return };
    let (mut wrong, mut expected_ops, mut agreed_ops) = (Vec::new(), 0, 0);
    let mut other_ops = BTreeMap::new();
    for case in &cases {
        let (before, after) = (read(&case.before.oz_layout), read(&case.after.oz_layout));
        let found = compare(&before, &after, Options::default());
        if found.is_compatible() != case.expect.ok {
            wrong.push((case.id.as_str(), case.expect.ok));
        }
        let mut ours: Vec<_> = found.breaking().map(op).collect();
        for expected in &case.expect.ops {
            let label = |l: &Option<Labelled>| l.as_ref().map(|l| l.label.clone());
            let wanted = (expected.kind.clone(), label(&expected.original), label(&expected.updated));
            expected_ops += 1;
            match ours.iter().position(|op| *op == wanted) {
                Some(at) => {
                    ours.remove(at);
                    agreed_ops += 1;
                }
                None => other_ops.entry(case.id.as_str()).or_insert_with(Vec::new).push(wanted),
            }
        }
    }
    assert!(cases.len() > 100, "{} cases", cases.len());
    assert!(wrong.is_empty(), "judged otherwise than labelled: {wrong:#?}");
    let share = f64::from(agreed_ops) / f64::from(expected_ops);
    assert!(share > 0.97, "{agreed_ops} of {expected_ops} operations agree; others: {other_ops:#?}");
}

/// solc's own layout has no annotations, namespaces or enum values, so only the pairs whose verdict
/// does not rest on them can be judged from it.
#[test]
fn the_compilers_own_layout_gives_the_same_verdict_where_it_tells_enough() {
    let Some(cases) = cases() else { return };
    let rests_on_more = |case: &Case| {
        [&case.before, &case.after].into_iter().any(|side| {
            let text = side.oz_layout.to_string();
            let annotated = text.contains("retypedFrom") || text.contains("renamedFrom");
            let namespaced = side
                .oz_layout
                .get("namespaces")
                .and_then(Value::as_object)
                .is_some_and(|n| !n.is_empty());
            annotated || namespaced
        })
    };
    let (mut judged, mut wrong) = (0, Vec::new());
    for case in cases.iter().filter(|case| !rests_on_more(case)) {
        let (before, after) =
            (read(&case.before.storage_layout), read(&case.after.storage_layout));
        judged += 1;
        if compare(&before, &after, Options::default()).is_compatible() != case.expect.ok {
            wrong.push((case.id.as_str(), case.expect.ok));
        }
    }
    assert!(judged > 50, "{judged} cases");
    assert!(wrong.is_empty(), "of {judged} judged otherwise than labelled: {wrong:#?}");
}
