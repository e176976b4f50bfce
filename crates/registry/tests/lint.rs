//! Lints over what the world has deployed. Needs the recorded corpus: `BELLWETHER_CORPUS=<folder>`.

#![allow(clippy::unwrap_used)] // everything here is a test, also what is not marked as one

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use bellwether_registry::lint::{
    Report, Severity,
    interface::{
        Infrastructure, check,
        input::{Source, read},
    },
};
use serde_json::{Value, json};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BELLWETHER_CORPUS is not set");
    }
    Some(folder?.join("abis"))
}

fn text(path: &Path) -> String {
    let packed = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "zst") {
        return String::from_utf8(packed).unwrap();
    }
    let mut reader = ruzstd::decoding::StreamingDecoder::new(&packed[..]).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    text
}

fn judge(files: &[(String, String)]) -> (Infrastructure, Report) {
    let mut all = Infrastructure::default();
    for (path, text) in files {
        read(Source { path, text }, &mut all).unwrap();
    }
    let report = check(&all);
    (all, report)
}

fn of<'r>(report: &'r Report, rule: &str) -> Vec<&'r str> {
    let found = report.diagnostics.iter().filter(|found| found.rule.id == rule);
    found.map(|found| found.message.as_str()).collect()
}

#[test]
fn every_known_collision_is_found_across_two_contracts() {
    let Some(corpus) = corpus() else { return };
    let known: Value =
        serde_json::from_str(&text(&corpus.join("selector_collisions.json"))).unwrap();
    let known = known.as_array().unwrap();
    assert!(known.len() >= 6);
    for pair in known {
        let (a, b) = (&pair["signatures"][0], &pair["signatures"][1]);
        let files = [a, b].map(|signature| {
            let name = signature.as_str().unwrap().split('(').next().unwrap().to_owned();
            (format!("{name}.json"), json!([signature]).to_string())
        });
        let (_, report) = judge(&files);
        let found = of(&report, "selector-collision");
        assert_eq!(found.len(), 1, "{pair}");
        assert!(found[0].ends_with(pair["selector"].as_str().unwrap()), "{}", found[0]);
        for signature in [a, b] {
            assert!(found[0].contains(signature.as_str().unwrap()), "{}", found[0]);
        }
    }
    // All at once, each in a contract of its own, as they would stand in one infrastructure.
    let signatures: BTreeSet<&str> = known
        .iter()
        .flat_map(|pair| pair["signatures"].as_array().unwrap())
        .map(|signature| signature.as_str().unwrap())
        .collect();
    let files: Vec<(String, String)> = signatures
        .iter()
        .enumerate()
        .map(|(at, signature)| (format!("c{at}.json"), json!([signature]).to_string()))
        .collect();
    let selectors: BTreeSet<&str> =
        known.iter().map(|pair| pair["selector"].as_str().unwrap()).collect();
    assert_eq!(of(&judge(&files).1, "selector-collision").len(), selectors.len());
}

#[test]
fn in_all_known_selectors_exactly_those_with_two_meanings_collide() {
    let Some(corpus) = corpus() else { return };
    let table = text(&corpus.join("function_selectors.json.zst"));
    let listed: serde_json::Map<String, Value> = serde_json::from_str(&table).unwrap();
    let several = listed.values().filter(|of| of.as_array().unwrap().len() > 1).count();
    let (all, report) = judge(&[("selectors.json".to_owned(), table)]);
    let read = all.surfaces[0].functions.len() + all.left_out.len();
    assert_eq!(read, listed.len() + several, "every signature is read or left out by name");
    let odd = all.left_out.iter().map(|left_out| left_out.reason.as_str());
    println!("{} left out, as {:?}", all.left_out.len(), odd.take(5).collect::<Vec<_>>());
    assert!(all.left_out.len() * 200 < listed.len(), "{} left out", all.left_out.len());
    assert_eq!(of(&report, "selector-collision").len(), several);
}

#[test]
fn the_releases_of_openzeppelin_do_not_collide() {
    let Some(corpus) = corpus() else { return };
    let releases: Value =
        serde_json::from_str(&text(&corpus.join("openzeppelin_upgradeable_releases.json.zst")))
            .unwrap();
    let mut files = Vec::new();
    let mut selectors = 0;
    for (name, builds) in releases.as_object().unwrap() {
        for build in builds.as_array().unwrap() {
            let release = build["rel"].as_str().unwrap();
            let path = format!("{release}/{name}.json");
            files.push((path, json!({"contractName": name, "abi": build["abi"]}).to_string()));
            // The compiler's own selectors agree with those that are computed from its ABI.
            let (all, _) = judge(&files[files.len() - 1..]);
            assert_eq!(all.left_out, [], "{name} {release}");
            for (signature, selector) in
                build["methodIdentifiers"].as_object().into_iter().flatten()
            {
                let function = all.surfaces[0].functions.iter().find(|f| f.signature == *signature);
                let function = function.unwrap_or_else(|| panic!("{name} {release}: {signature}"));
                let computed: String =
                    function.selector.iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(computed, selector.as_str().unwrap());
                selectors += 1;
            }
        }
    }
    assert!(files.len() > 50 && selectors > 500, "{} builds, {selectors} selectors", files.len());
    let (_, report) = judge(&files);
    for rule in [
        "selector-collision",
        "topic-collision",
        "error-selector-collision",
        "interface-id-ambiguity",
        "reserved-selector",
    ] {
        assert_eq!(of(&report, rule), [""; 0], "{rule}");
    }
    assert_eq!(report.count(Severity::Error), 0);
    // Releases of one name differ, as they should be told to.
    assert!(!of(&report, "homonym-interface").is_empty());
}
