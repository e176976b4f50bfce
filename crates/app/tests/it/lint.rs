//! `bellwether lint` as a person and as CI use it: exit codes, JSON, SARIF, waivers.

use std::process::Output;

use expect_test::expect;
use serde_json::Value;

use crate::world::{DEVNET, Project, Url, bellwether};

const TOKEN: &str = "function transfer(address to, uint256 amount) returns (bool)\n";
const GAME: &str = "function many_msg_babbage(bytes1 x)\n";

fn lint(project: &Project, arguments: &[&str]) -> Output {
    bellwether().arg("lint").args(arguments).current_dir(project.path()).output().unwrap()
}

fn said(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let ended = lint(project, arguments);
    (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
}

fn two_lists() -> Project {
    let project = Project::new();
    project.write("abis/token.txt", TOKEN);
    project.write("abis/game.txt", GAME);
    project
}

#[test]
fn interfaces_are_judged_with_no_folder_and_no_deployment() {
    let project = two_lists();
    let (code, text) = said(&project, &["selectors", "abis"]);
    expect![[r#"
        warning[selector-collision]: many_msg_babbage(bytes1) and transfer(address,uint256) have the same selector 0xa9059cbb
          --> abis/game.txt:1 game.many_msg_babbage(bytes1)
          ::: abis/token.txt:1 token.transfer(address,uint256)
           = help: rename one of the functions, or add an argument to it

        1 warning; 2 interfaces judged
    "#]]
    .assert_eq(&text);
    assert_eq!(code, Some(0), "a warning does not fail unless asked to");
    assert_eq!(said(&project, &["selectors", "abis", "--fail-on", "warning"]).0, Some(1));
    let behind = ["selectors", "abis", "--behind", "token=game"];
    let (code, text) = said(&project, &behind);
    assert!(text.starts_with("error[proxy-clash]"), "{text}");
    assert_eq!(code, Some(1));
    assert_eq!(said(&project, &[&behind[..], &["--fail-on", "never"]].concat()).0, Some(0));
}

#[test]
fn input_that_cannot_be_used_is_told_from_input_without_fault() {
    let project = two_lists();
    project.write("package.json", "{\"name\": \"x\"}");
    project.write("broken.json", "{");
    let error = |arguments: &[&str]| {
        let ended = lint(&project, arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    expect!["error: package.json: no interface in it\n"]
        .assert_eq(&error(&["selectors", "package.json"]));
    expect!["error: broken.json: not JSON: EOF while parsing an object at line 1 column 1\n"]
        .assert_eq(&error(&["selectors", "broken.json"]));
    expect!["error: reading nowhere: No such file or directory (os error 2)\n"]
        .assert_eq(&error(&["events", "nowhere"]));
    expect![[r#"error: --behind "token=vault": no interface is called "vault"
"#]]
    .assert_eq(&error(&["selectors", "abis", "--behind", "token=vault"]));
    // In a folder that is searched, what is broken is named and the rest is judged.
    let (code, text) = said(&project, &["selectors", "."]);
    assert_eq!(code, Some(0));
    assert!(text.contains("not judged: ./broken.json: not JSON"), "{text}");
}

#[test]
fn a_waiver_accepts_until_its_day_and_sarif_says_so() {
    let project = two_lists();
    let waiver = |until: &str| {
        format!(
            "[[waiver]]\nrule = \"selector-collision\"\nsubject = \"game.*\"\nreason = \"a game, no token\"\nuntil = \"{until}\"\n"
        )
    };
    let sarif = || -> Value {
        let (_, text) = said(&project, &["selectors", "abis", "--sarif", "--fail-on", "note"]);
        serde_json::from_str(&text).unwrap()
    };
    project.write("lints.toml", &waiver("2999-12-31"));
    let result = &sarif()["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "selector-collision");
    assert_eq!(result["suppressions"][0]["justification"], "a game, no token");
    assert_eq!(said(&project, &["selectors", "abis", "--fail-on", "note"]).0, Some(0));
    project.write("lints.toml", &waiver("2020-12-31"));
    let log = sarif();
    let ids =
        log["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["ruleId"].as_str().unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), ["selector-collision", "waiver-expired"]);
    assert_eq!(said(&project, &["selectors", "abis", "--fail-on", "warning"]).0, Some(1));
}

#[test]
fn events_are_scored_function_by_function() {
    let project = Project::new();
    let build = include_str!("../../../../contracts/lint/EventCoverage.json");
    project.write("build-info/1.json", build);
    let (code, text) = said(&project, &["events", "build-info"]);
    assert_eq!(code, Some(1), "functions without an event are errors");
    assert_eq!(said(&project, &["events", "build-info", "--fail-on", "never"]).0, Some(0));
    assert!(text.starts_with("function "), "{text}");
    let row = text.lines().find(|line| line.contains(".withdraw(")).unwrap();
    let words: Vec<&str> = row.split_whitespace().skip(1).collect();
    let expected = "source yes 3 of 7, not inputs, result, amount, recipient";
    assert_eq!(words.join(" "), expected);
    let (_, text) = said(&project, &["events", "build-info", "--json"]);
    let whole: Value = serde_json::from_str(&text).unwrap();
    let functions = whole["functions"].as_array().unwrap();
    let fee = functions.iter().find(|f| f["function"] == "setFeeSilently(uint256)").unwrap();
    assert_eq!((&fee["verdict"], &fee["judged_from"]), (&"silent".into(), &"source".into()));
    assert_eq!(whole["judged"], functions.len());
}

#[test]
fn a_whole_folder_is_judged_by_every_lint() {
    let project = Project::meridian();
    project.network("devnet", DEVNET, &[Url { http: "http://127.0.0.1:1", ws: None }]);
    let (_, text) = said(&project, &[".", "--json"]);
    let whole: Value = serde_json::from_str(&text).unwrap();
    let rules: Vec<&str> =
        whole["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"event-lacks-caller"), "{rules:?}");
    assert!(rules.contains(&"near-homonym"), "{rules:?}");
    assert_eq!(whole["errors"], 0, "{text}");
}
