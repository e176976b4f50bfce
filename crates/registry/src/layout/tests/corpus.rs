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
    println!("{agreed_ops} of {expected_ops} operations agree; others: {other_ops:#?}");
    assert!(share > 0.97, "{agreed_ops} of {expected_ops} operations agree; others: {other_ops:#?}");
}

/// solc's own layout has no annotations, namespaces or enum values; where the verdict rests on one of
/// these, it cannot be told from solc's layout alone and that of the other pairs can.
#[test]
fn the_compilers_own_layout_gives_the_same_verdict_where_it_tells_enough() {
    let Some(cases) = cases() else { return };
    let (mut agreed, mut wrong) = (0, Vec::new());
    for case in &cases {
        let (before, after) =
            (read(&case.before.storage_layout), read(&case.after.storage_layout));
        if compare(&before, &after, Options::default()).is_compatible() == case.expect.ok {
            agreed += 1;
        } else if !rests_on_more(case) {
            wrong.push((case.id.as_str(), case.expect.ok));
        }
    }
    println!("{agreed} of {} agree, wrong {wrong:?}", cases.len());
    println!("rest on more: {}", cases.iter().filter(|c| rests_on_more(c)).count());
    assert!(wrong.is_empty(), "judged otherwise than labelled: {wrong:#?}");
    assert!(agreed * 100 >= cases.len() * AGREED_FROM_SOLC_ALONE_PERCENT, "{agreed} agree");
}

/// What solc's own layout reaches on the whole corpus, annotated and namespaced pairs included.
const AGREED_FROM_SOLC_ALONE_PERCENT: usize = 75;

/// Whether the pair is only judged rightly with an annotation that the new side adds, or with a
/// namespace.
fn rests_on_more(case: &Case) -> bool {
    let annotations = |side: &Side| {
        let variables = side.oz_layout.get("storage").and_then(Value::as_array);
        let annotated = variables.into_iter().flatten().filter_map(|variable| {
            let said = ["renamedFrom", "retypedFrom"].map(|key| variable.get(key).cloned());
            let label = variable.get("label").cloned();
            said.iter().any(Option::is_some).then_some((label, said))
        });
        annotated.collect::<Vec<_>>()
    };
    let has_namespaces = |side: &Side| {
        let namespaces = side.oz_layout.get("namespaces").and_then(Value::as_object);
        namespaces.is_some_and(|namespaces| !namespaces.is_empty())
    };
    let before = annotations(&case.before);
    annotations(&case.after).iter().any(|said| !before.contains(said))
        || has_namespaces(&case.before)
}
