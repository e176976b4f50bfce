//! `cargo bench -p bellwether-registry --bench lint`: what the lints cost over a thousand contracts, in
//! CPU seconds of this process, and how that grows.
//!
//! The contracts are Meridian's own, renamed and with a function each of their own, so that joins
//! have both shared and single members; figures on a shared machine are read as ratios.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{fs, path::Path};

use bellwether_registry::lint::{
    events::{self, Builds},
    interface::{
        Infrastructure, check,
        input::{Source, read},
    },
};
use cpu_time::ProcessTime;
use serde_json::{Value, json};

/// Goal for all lints over a thousand contracts, in CPU seconds.
const GOAL_S: f64 = 5.0;

fn contracts(count: usize) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
    let mut artefacts: Vec<Value> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap()
        })
        .collect();
    artefacts.sort_by_key(|artefact: &Value| artefact["contractName"].as_str().unwrap().to_owned());
    (0..count)
        .map(|at| {
            let mut artefact = artefacts[at % artefacts.len()].clone();
            let name = format!("{}{at}", artefact["contractName"].as_str().unwrap());
            artefact["contractName"] = name.as_str().into();
            let own = json!({"type": "function", "name": format!("own{at}"), "inputs": [], "outputs": [], "stateMutability": "view"});
            artefact["abi"].as_array_mut().unwrap().push(own);
            (format!("out/{name}.json"), artefact.to_string())
        })
        .collect()
}

struct Cost {
    read_s: f64,
    interface_s: f64,
    events_s: f64,
}

fn cost(files: &[(String, String)]) -> Cost {
    let began = ProcessTime::now();
    let (mut all, mut builds) = (Infrastructure::default(), Builds::default());
    for (path, text) in files {
        read(Source { path, text }, &mut all).unwrap();
        builds.read(Source { path, text }).unwrap();
    }
    let read_s = began.elapsed().as_secs_f64();
    let began = ProcessTime::now();
    let report = check(&all);
    let interface_s = began.elapsed().as_secs_f64();
    assert_eq!(report.judged, files.len());
    let began = ProcessTime::now();
    let coverage = events::check(&builds);
    let events_s = began.elapsed().as_secs_f64();
    assert!(coverage.functions.len() > files.len());
    Cost { read_s, interface_s, events_s }
}

fn main() {
    println!("| contracts | read | interfaces | events | all |\n|---|---|---|---|---|");
    let mut last = f64::NAN;
    for count in [125, 250, 500, 1_000] {
        let Cost { read_s, interface_s, events_s } = cost(&contracts(count));
        let all = read_s + interface_s + events_s;
        println!("| {count} | {read_s:.2} s | {interface_s:.3} s | {events_s:.2} s | {all:.2} s |");
        if count == 1_000 {
            println!("\ntwice the contracts cost {:.1} times as much", all / last);
            let verdict = if all <= GOAL_S { "met" } else { "missed" };
            println!("goal {GOAL_S} s of CPU for 1,000 contracts: {verdict}");
        }
        last = all;
    }
}
