//! `bellwether threats`: the example leaves no gap, a plan needs no deployment, the exports compile.

use std::{fs, path::Path, process::Command};

use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use crate::world::{Project, bellwether, workspace};

/// Exit code and standard output of `threats`.
fn threats(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = bellwether();
    command.arg("threats").args(arguments).arg(folder);
    let ran = command.output().unwrap();
    let text = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    (ran.status.code(), text)
}

fn meridian() -> std::path::PathBuf {
    workspace().join("examples/meridian")
}

#[test]
fn the_example_leaves_no_gap_until_a_review_is_due() {
    let (code, said) = threats(&["gaps", "--on", "2026-11-21"], &meridian());
    assert_eq!(code, Some(0), "{said}");
    expect![[r#"
        on-chain        4 threats, 0 gaps, 7,400,000 USD a year to be expected
        people          3 threats, 0 gaps, 8,070,000 USD a year to be expected
        infrastructure  2 threats, 0 gaps, 550,000 USD a year to be expected
        governance      2 threats, 0 gaps, 2,650,000 USD a year to be expected
        0 gaps on 2026-11-21
    "#]]
    .assert_eq(&said);
    let (code, said) = threats(&["gaps", "--on", "2027-04-03", "--json"], &meridian());
    assert_eq!(code, Some(1), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let overdue: Vec<&str> =
        said["gaps"].as_array().unwrap().iter().map(|g| g["text"].as_str().unwrap()).collect();
    assert_eq!(
        overdue,
        [
            "signer-phished should have been reviewed by 2027-04-01, 2 d ago",
            "insider-issues should have been reviewed by 2027-04-01, 2 d ago"
        ]
    );
}

#[test]
fn every_monitor_and_plan_of_the_example_meets_a_threat() {
    for (matrix, of) in [("monitors", "monitors"), ("plans", "plans"), ("events", "events")] {
        let (code, said) = threats(&["matrix", "--of", of, "--json"], &meridian());
        assert_eq!(code, Some(0), "{said}");
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said[0]["matrix"], matrix);
        assert_eq!(said[0]["unlinked"], json!([]), "{matrix}");
    }
}

#[test]
fn a_plan_needs_interfaces_and_no_deployment() {
    let project = Project::new();
    project.write(
        "threats/plan.toml",
        r#"[[threat]]
id = "drained"
title = "everything leaves"
domain = "on-chain"
likelihood = "possible"
impact = "5_000_000 USD"
reviewed = 2026-01-01
review = "2027-01-01"
assets = ["funds"]
events = ["out"]
monitors = ["outflow"]
plans = ["plans/drain.md"]

[[asset]]
id = "funds"
title = "deposits"
deployments = ["vault"]

[[event]]
id = "out"
event = "Withdrawn(address indexed to, uint256 amount)"
meaning = "money left"
interfaces = ["abis/vault.json"]
"#,
    );
    project.write(
        "abis/vault.json",
        r#"[{"type":"event","name":"Withdrawn","inputs":[
        {"name":"to","type":"address","indexed":false},{"name":"amount","type":"uint256"}]}]"#,
    );
    project.write("monitors/m.toml", "[[monitor]]\nname = \"outflow\"\non = [\"vault\"]\ndetector = \"liquidity/outflow_exceeds_share\"\nseverity = \"high\"\n");
    project.write("plans/drain.md", "Pause.\n");
    let (code, said) = threats(&["gaps", "--on", "2026-06-01"], project.path());
    assert_eq!(code, Some(1), "{said}");
    expect![[r#"
        no-control: drained (critical) has no control
           = name one in controls of the threat

        no-panel: drained (critical) has no panel
           = name one in panels of the threat

        event-not-emitted: abis/vault.json must emit event Withdrawn(address indexed to, uint256 amount) (out): it has this event, with other indexed parameters
           = a requirement back to the contract: `bellwether threats export --format solidity`

        on-chain        1 threat, 3 gaps, 1,650,000 USD a year to be expected
        people          no threat is written down
        infrastructure  no threat is written down
        governance      no threat is written down
        3 gaps on 2026-06-01, held against interfaces alone
    "#]].assert_eq(&said);
}

#[test]
fn a_folder_without_threats_is_no_folder_without_gaps() {
    let project = Project::new();
    let (code, said) = threats(&["gaps"], project.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("declares no threat"), "{said}");
}

#[test]
fn the_exports_of_the_example_are_golden_and_compile() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/threats");
    let (code, solidity) = threats(&["export", "--format", "solidity"], &meridian());
    assert_eq!(code, Some(0), "{solidity}");
    expect_file![golden.join("IMeridianRiskEvents.sol")].assert_eq(&solidity);
    let (code, markdown) = threats(&["export", "--format", "markdown"], &meridian());
    assert_eq!(code, Some(0), "{markdown}");
    expect_file![golden.join("monitoring.md")].assert_eq(&markdown);
    compile(&solidity);
}

/// Compiles with the compiler of the contracts' build, when `npm ci` has put it there.
fn compile(source: &str) {
    let contracts = workspace().join("contracts");
    if !contracts.join("node_modules/solc").is_dir() {
        eprintln!("skipped: no contracts/node_modules/solc (cargo xtask contracts installs it)");
        return;
    }
    let input = json!({
        "language": "Solidity",
        "sources": { "Events.sol": { "content": source } },
        "settings": { "outputSelection": { "*": { "*": ["abi"] } } },
    });
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("input.json");
    fs::write(&file, input.to_string()).unwrap();
    let script = "const fs=require('fs');console.log(require('solc').compile(fs.readFileSync(process.argv[1],'utf8')))";
    let ran =
        Command::new("node").arg("-e").arg(script).arg(&file).current_dir(&contracts).output();
    let output: Value = serde_json::from_slice(&ran.unwrap().stdout).unwrap();
    assert_eq!(output.get("errors"), None, "{output}");
    assert!(output["contracts"]["Events.sol"]["IMeridianRiskEvents"].is_object(), "{output}");
}
