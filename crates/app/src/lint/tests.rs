//! What the three forms look like, and that SARIF has what its schema requires.

use expect_test::expect;
use registry::lint::{Diagnostic, LeftOut, Place, Report, WAIVER_EXPIRED, WAIVER_UNUSED};
use serde_json::Value;

use super::*;
use crate::terminal::Style;

fn report() -> Report {
    let first = Place { line: Some(3), column: Some(7), ..Place::file("lints.toml") };
    let second = Place::contract("my abis/größe:1.json", "Vault").item("pause()").says("and here");
    let found = Diagnostic::new(&WAIVER_EXPIRED, "the waiver ended").at(first).at(second);
    let left_out =
        LeftOut { place: Place::file("abis/x.json"), reason: "type uint257 does not exist".into() };
    Report {
        diagnostics: vec![found.with_note("its reason was: known")],
        waived: vec![(Diagnostic::new(&WAIVER_UNUSED, "fits nothing"), "accepted".into())],
        left_out: vec![left_out],
        judged: 3,
    }
}

#[test]
fn a_person_reads_what_where_why_and_what_to_do() {
    expect![[r#"
        warning[waiver-expired]: the waiver ended
          --> lints.toml:3:7
          ::: my abis/größe:1.json Vault.pause(): and here
           = note: its reason was: known
           = help: mend what it waived, or decide anew and write a later `until`

        not judged: abis/x.json: type uint257 does not exist

        1 warning, 1 waived, 1 not judged; 3 contracts judged"#]]
    .assert_eq(&text(&report(), "contract", Style::none()));
    expect!["nothing found; 1 contract judged"].assert_eq(&text(
        &Report { judged: 1, ..Report::default() },
        "contract",
        Style::none(),
    ));
}

/// The required properties of the SARIF 2.1.0 schema for every object that is written, and the
/// limits on their values.
fn assert_is_sarif(log: &Value) {
    let text_of = |value: &Value| value["text"].as_str().is_some_and(|text| !text.is_empty());
    let is_level = |value: &Value| {
        ["none", "note", "warning", "error"].contains(&value.as_str().unwrap_or_default())
    };
    let check_location = |location: &Value| {
        if let Some(physical) = location.get("physicalLocation") {
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/!$&'()*+,;=:@%".contains(c);
            assert!(uri.chars().all(allowed), "{uri}");
            assert!(physical["region"]["startLine"].as_u64().unwrap() >= 1);
        }
        for logical in location["logicalLocations"].as_array().into_iter().flatten() {
            assert!(logical["fullyQualifiedName"].is_string());
        }
    };
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().starts_with("https://"));
    for run in log["runs"].as_array().unwrap() {
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "bellwether");
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            assert!(rule["id"].is_string() && text_of(&rule["shortDescription"]));
            assert!(text_of(&rule["fullDescription"]) && text_of(&rule["help"]));
            assert!(is_level(&rule["defaultConfiguration"]["level"]));
        }
        for result in run["results"].as_array().unwrap() {
            assert!(text_of(&result["message"]) && is_level(&result["level"]));
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
            result["locations"].as_array().unwrap().iter().for_each(check_location);
            for related in result["relatedLocations"].as_array().into_iter().flatten() {
                check_location(related);
                assert!(related["id"].as_i64().unwrap() >= 0 && text_of(&related["message"]));
            }
            for suppression in result["suppressions"].as_array().into_iter().flatten() {
                assert_eq!(suppression["kind"], "external");
            }
        }
        for invocation in run["invocations"].as_array().unwrap() {
            assert!(invocation["executionSuccessful"].is_boolean());
            for said in invocation["toolExecutionNotifications"].as_array().unwrap() {
                assert!(text_of(&said["message"]) && is_level(&said["level"]));
                said["locations"].as_array().unwrap().iter().for_each(check_location);
            }
        }
    }
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let log = sarif(&report());
    assert_is_sarif(&log);
    assert_is_sarif(&sarif(&Report::default()));
    let places = [Place::default(), Place::contract("a.json", "A"), Place::file("b.json")];
    let of_rule = |rule| Diagnostic::new(rule, "found").at_all(places.clone());
    let diagnostics = registry::lint::rules().map(of_rule).collect();
    assert_is_sarif(&sarif(&Report { diagnostics, ..Report::default() }));
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "what is waived is there, suppressed");
    assert!(results[0].get("suppressions").is_none());
    let uri = &results[0]["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "my%20abis/gr%C3%B6%C3%9Fe:1.json");
}

#[test]
fn json_counts_and_lists() {
    let whole = json(&report(), Some(("functions", Value::Array(Vec::new()))));
    assert_eq!((&whole["warnings"], &whole["errors"]), (&1.into(), &0.into()));
    assert_eq!(whole["findings"][0]["places"][1]["contract"], "Vault");
    assert_eq!(whole["waived"][0]["reason"], "accepted");
    assert!(whole["functions"].is_array());
}
