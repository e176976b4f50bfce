//! Detectors that are not ours, beside those that are: they are heard, and their silence is blindness.

use std::path::Path;

use serde_json::Value;

use crate::world::{
    Chain, Program, Project, all_alerts, all_findings, bellwether, run_to_end, workspace,
};

const BOTS: &str = r#"
[[detector]]
name = "always"
command = ["/bin/sh", "always.sh"]
severity_max = "low"
timeout = "20s"

[[detector]]
name = "never"
command = ["/bin/sh", "-c", "exit 1"]
severity_max = "critical"
"#;

/// Tells each block's parent, so that a test sees that it was given one.
const ALWAYS: &str = r#"PATH=/usr/bin:/bin
while read -r line; do
    parent=$(printf %s "$line" | sed 's/.*"parent_hash":"\(0x[0-9a-f]*\)".*/\1/')
    echo "{\"findings\":[{\"severity\":\"critical\",\"title\":\"after $parent\"}]}"
done
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_heard_with_its_ceiling_and_one_that_fails_is_blind_in_the_ledger() {
    let mut chain = Chain::start(31).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    project.write("outside.toml", BOTS);
    project.write("always.sh", ALWAYS);
    let mut program = Program::run(&project);
    let head = chain.everydays(3);
    program.judged(head).await;
    let rows = program.ask("coverage?network=devnet&limit=500").await;
    let live = program.stop_and_open().await;
    let findings = all_findings(&live);
    assert!(findings.iter().any(|record| record.finding.origin.block == head));
    for record in &findings {
        let finding = &record.finding;
        assert_eq!((finding.monitor.as_str(), finding.severity.as_str()), ("always", "low"));
        assert!(finding.title.starts_with("always reports \"after 0x"), "{}", finding.title);
    }
    assert!(all_alerts(&live).iter().all(|alert| alert.monitor.as_str() == "always"));
    let rows = rows["items"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let blind = row["blind"].as_array().unwrap();
        let never = blind.iter().find(|one| one["monitor"] == "never");
        let reason = never.and_then(|one| one["reason"].as_str()).unwrap_or_default();
        assert!(reason.contains("outside detector"), "{row}");
    }
}

#[tokio::test]
async fn mistakes_in_the_file_are_told_all_at_once() {
    let project = Project::meridian_contracts();
    project.network(
        "devnet",
        crate::world::DEVNET,
        &[crate::world::Url { http: "http://127.0.0.1:1", ws: None }],
    );
    project.write(
        "outside.toml",
        "[[detector]]\nname = \"a\"\nurl = \"http://bots.example/judge\"\nseverity_max = \"hi\"\n\n[[detector]]\nname = \"a\"\ncommand = [\"x\"]\nurl = \"https://x\"\nseverity_max = \"low\"\n\n[[detector]]\nname = \"b\"\ncommand = [\"x\"]\nformat = \"xml\"\ntimeout = \"5m\"\n",
    );
    let mut command = bellwether();
    command.arg("check").arg(project.path());
    let said = run_to_end(command).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for wanted in [
        "has no TLS: use https",
        "unknown severity \"hi\"",
        "exactly one of: command",
        "unknown format \"xml\" (one of: bellwether, forta, lido)",
        "at most 30s",
        "severity_max is missing",
    ] {
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_example_works_as_it_is() {
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        println!("skipped: there is no {}", python.display());
        return;
    }
    let mut chain = Chain::start(32).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let bot = workspace().join("examples/outside/python/large_transfer.py");
    let text = std::fs::read_to_string(bot).unwrap().replace("1_000 * 10**18", "1");
    project.write("bots/large_transfer.py", &text);
    project.write("outside.toml", "[[detector]]\nname = \"large-transfer\"\ncommand = [\"/usr/bin/python3\", \"bots/large_transfer.py\"]\nseverity_max = \"medium\"\nfindings_max = 1000\ntimeout = \"20s\"\n");
    let mut program = Program::run(&project);
    let head = chain.everydays(12);
    program.judged(head).await;
    let rows = program.ask("coverage?network=devnet&limit=500").await;
    let live = program.stop_and_open().await;
    let is_blind = |row: &Value| !row["blind"].as_array().unwrap().is_empty();
    let blind: Vec<&Value> =
        rows["items"].as_array().unwrap().iter().filter(|row| is_blind(row)).collect();
    assert_eq!(blind, [&Value::Null; 0], "it answered for every block");
    let sent: usize = all_findings(&live).len();
    assert!(sent > 0, "somebody sends ether in everyday traffic, and everything counts here");
}
