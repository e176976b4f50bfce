//! Contracts that are entered again: of the attacks that were labelled so, and of everyday use.

use std::{collections::BTreeSet, path::Path};

use detect::trace::{
    Protected, Scene, View,
    reentry::{by_sender, is_poorer, reentries},
};
use model::{Address, Frame, Log, TxTrace};
use serde_json::{Value, json};

use crate::{corpus, folder};

/// What is said to one transaction and contract: whether it is entered again at all, and whether that
/// is told.
fn judged(trace: &TxTrace, logs: Option<&[Log]>, of: Address) -> (bool, bool) {
    let found = reentries(trace, of, |frame: &Frame| frame.input.is_empty());
    if found.is_empty() {
        return (false, false);
    }
    let scene = Scene::new(trace, logs);
    let alone: Protected = [of].into_iter().collect();
    let told = View::new(&scene, &alone)
        .is_some_and(|view| by_sender(&view, &found).next().is_some() || is_poorer(&view));
    (true, told)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase()
}

/// Attacks of the corpus whose published post-mortems say re-entry and that the lists do not name. Of
/// Akropolis, another one, the labels name the attacker's contract as the victim.
const BY_POST_MORTEM: [&str; 2] = ["TheDAO", "Lendf.Me"];

/// Names of incidents that somebody calls re-entry: in a list's label or note, or a post-mortem.
fn labelled(folder: &Path) -> BTreeSet<String> {
    let says_so = |text: &str| text.to_ascii_lowercase().contains("reentran");
    let causes = corpus::unpacked(&folder.join("exploits/root_causes.json.zst"));
    let causes: serde_json::Map<String, Value> = serde_json::from_str(&causes).unwrap();
    let causes = causes.iter().filter(|(_, cause)| cause["type"].as_str().is_some_and(says_so));
    let mut names: BTreeSet<String> = causes.map(|(name, _)| plain(name)).collect();
    let incidents = corpus::unpacked(&folder.join("exploits/incidents_defihacklabs.jsonl.zst"));
    for line in incidents.lines().filter(|line| says_so(line)) {
        let incident: Value = serde_json::from_str(line).unwrap();
        names.insert(plain(incident["name"].as_str().unwrap_or_default()));
    }
    names.extend(BY_POST_MORTEM.map(plain));
    names
}

#[test]
fn who_comes_back_in_is_told_and_what_contracts_do_among_themselves_is_not() {
    let Some(folder) = folder() else { return };
    let labelled = labelled(&folder);
    let (mut of_label, mut told_of_label, mut at_all, mut told) = (0, 0, 0, 0);
    let mut attacks = 0;
    for attack in corpus::attacks(&folder) {
        let takes_part = attack.trace.frames.iter().filter_map(|frame| frame.to);
        if !takes_part.clone().any(|to| attack.victims.contains(&to)) {
            continue;
        }
        attacks += 1;
        let by_victim = |of: &Address| judged(&attack.trace, None, *of);
        let all: Vec<(bool, bool)> = attack.victims.iter().map(by_victim).collect();
        let (is_entered, is_told) =
            (all.iter().any(|(entered, _)| *entered), all.iter().any(|(_, told)| *told));
        at_all += usize::from(is_entered);
        told += usize::from(is_told);
        let is_labelled = labelled.contains(&plain(&attack.name))
            || attack.kind.as_deref().is_some_and(|kind| kind.contains("eentrancy"));
        if is_labelled {
            println!("{}: entered again {is_entered}, told {is_told}", attack.name);
            of_label += 1;
            told_of_label += usize::from(is_told);
        } else if is_entered {
            println!("{} (not labelled so): told {is_told}", attack.name);
        }
    }
    let (mut pairs, mut everyday_at_all, mut everyday_told) = (0, 0, 0);
    for tx in corpus::everyday(&folder) {
        let called: BTreeSet<Address> =
            tx.trace.frames.iter().filter_map(|frame| frame.to).collect();
        for of in called {
            let (is_entered, is_told) = judged(&tx.trace, tx.logs.as_deref(), of);
            pairs += 1;
            everyday_at_all += usize::from(is_entered);
            everyday_told += usize::from(is_told);
        }
    }
    println!("entered again at all: {at_all} attacks, {everyday_at_all} of {pairs} everyday calls");
    let detector = "flow/reentrant_call";
    for (data, recall, n, wrong) in [
        (
            "recorded attacks that lists or post-mortems call re-entry",
            [told_of_label, of_label],
            format!("{of_label} attacks, {pairs} everyday calls"),
            Some([everyday_told, pairs]),
        ),
        (
            "recorded attacks, whatever they are called",
            [told, attacks],
            format!("{attacks} attacks"),
            None,
        ),
    ] {
        let figure = json!({
            "detector": detector, "data": data, "n": n, "recall": recall,
            "false_per_call": wrong, "lead": "in the attack's own block",
        });
        println!("figure {figure}");
    }
    assert!(of_label > 0 && everyday_told < everyday_at_all);
}
