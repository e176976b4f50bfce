//! Whom a matcher takes: ours against `amtool config routes test`.

use std::{collections::BTreeSet, process::Command};

use bellwether_alert::{Labels, Matcher, Op};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use crate::{draw, program};

/// Matchers that each set of labels is held against: one call of the tool answers for all.
const MATCHERS: usize = 60;

/// Sets of labels.
const LABELS: usize = 60;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Equal), Just(Op::NotEqual), Just(Op::Like), Just(Op::NotLike)]
}

fn label() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c_d")]
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &["", "x", "y", "xy", "x.y", "X", "ä", "x y", "|", "1", "10", "\"", "\\"][..],
    )
}

/// Regular expressions that mean the same in Go and here, many of them easy to get wrong: anchors,
/// alternatives without parentheses, what fits nothing.
fn regex() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "", "x", "x|y", "x.*", ".*", ".+", "^x$", "x$|^y", "(x|y)+", "[xy]{2}", "x\\.y", "x.y",
            "(?i)x", "\\d+", "1?0?", "[^x]*", "x|", "|", "ä", "\\|", "\"", "\\\\", ".", "y?x?",
        ][..],
    )
}

fn matcher() -> impl Strategy<Value = (&'static str, Op, &'static str)> {
    (label(), op(), value(), regex()).prop_map(|(label, op, value, regex)| match op {
        Op::Equal | Op::NotEqual => (label, op, value),
        Op::Like | Op::NotLike => (label, op, regex),
    })
}

#[test]
fn a_matcher_takes_what_alertmanagers_takes() {
    let Some(amtool) = program("amtool") else { return };
    let mut runner = TestRunner::deterministic();
    let matchers = draw(&mut runner, &prop::collection::vec(matcher(), MATCHERS));
    let receiver = |at: usize| json!({ "name": format!("r{at}") });
    let routes: Vec<_> = matchers
        .iter()
        .enumerate()
        .map(|(at, (label, op, value))| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            let matcher = format!("{label}{}\"{value}\"", op.as_str());
            json!({ "receiver": format!("r{at}"), "matchers": [matcher], "continue": true })
        })
        .collect();
    let mut receivers: Vec<_> = (0..MATCHERS).map(receiver).collect();
    receivers.push(json!({ "name": "none" }));
    let config =
        json!({ "route": { "receiver": "none", "routes": routes }, "receivers": receivers });
    let file = std::env::temp_dir().join(format!("bellwether-amtool-{}.json", std::process::id()));
    std::fs::write(&file, config.to_string()).unwrap();

    let ours: Vec<Matcher> = matchers
        .iter()
        .map(|(label, op, value)| Matcher::new(label, *op, value).unwrap())
        .collect();
    let labels = prop::collection::btree_map(label(), value(), 0..4);
    let mut taken = 0;
    for _ in 0..LABELS {
        let labels = draw(&mut runner, &labels);
        let output = Command::new(&amtool)
            .args(["config", "routes", "test", "--config.file"])
            .arg(&file)
            .args(labels.iter().map(|(label, value)| {
                // It reads a value in quotes as a string of Go.
                format!("{label}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
            }))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: BTreeSet<String> = String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .split(',')
            .filter(|name| !name.is_empty() && *name != "none")
            .map(str::to_owned)
            .collect();
        let labels: Labels = labels.into_iter().collect();
        let mine: BTreeSet<String> = ours
            .iter()
            .enumerate()
            .filter(|(_, matcher)| matcher.matches(&labels))
            .map(|(at, _)| format!("r{at}"))
            .collect();
        taken += mine.len();
        let differing: Vec<_> = mine
            .symmetric_difference(&theirs)
            .map(|name| matchers[name[1..].parse::<usize>().unwrap()])
            .collect();
        assert!(differing.is_empty(), "{labels:?}: {differing:?}");
    }
    std::fs::remove_file(&file).unwrap();
    let share = taken as f64 / (MATCHERS * LABELS) as f64;
    assert!((0.2..0.8).contains(&share), "the draw decides nothing: {share}");
}
