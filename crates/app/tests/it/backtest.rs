//! Backtests: the same answer as the live run and as the replay, whatever the threads, and a
//! challenger beside its champion.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::world::{Chain, Program, Project, all_alerts, all_findings, bellwether, run_to_end};

/// Everyday traffic with a few attacks in it; the last height.
fn busy(chain: &mut Chain) -> model::BlockRef {
    for attack in ["role_stolen", "parameter_pushed", "reentrant_drain"] {
        chain.everydays(3);
        chain.attack(attack);
    }
    chain.everydays(70)
}

async fn backtest(project: &Project, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = bellwether();
    command.arg("backtest").arg(project.path()).arg("--json").args(arguments);
    let ended = run_to_end(command).await;
    assert_ne!(ended.code, Some(2), "{}", ended.err);
    (ended.code, ended.json())
}

/// The answer without what differs from run to run.
fn judged(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("speed").unwrap();
    answer
}

/// Monitors that judge a block alone, one that remembers, and no contract that is planned: so that
/// both kinds of shares exist.
const MIXED: &str = r#"
[[monitor]]
name = "any-deposit"
on = ["vault"]
event = "Deposit"
severity = "low"

[[monitor]]
name = "any-transaction"
on = ["vault"]
transaction = "involving"
severity = "info"

[[monitor]]
name = "outflow"
detector = "liquidity/outflow_exceeds_share"
severity = "high"

[[monitor]]
name = "roles"
detector = "access/role_change"
severity = "high"

[[monitor]]
name = "reorgs"
detector = "chain/reorg"
severity = "high"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_change_nothing_and_one_engine_in_order_finds_the_same() {
    let mut chain = Chain::start(9).await;
    let project = Project::meridian_contracts();
    project.write("monitors/mixed.toml", MIXED);
    chain.declare(&project);
    let head = busy(&mut chain);
    let range = ["--network", "devnet", "--from", "1", "--to", &head.number.to_string()];
    let with = |threads: &str, more: &[&str]| {
        let all: Vec<String> = [&range[..], &["--threads", threads], more]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect();
        all
    };
    let run = async |threads: &str| {
        let all = with(threads, &["--first", "1000"]);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        backtest(&project, &all).await
    };
    let (code, one) = run("1").await;
    assert_eq!(code, Some(0));
    let one = judged(one);
    let (_, three) = run("3").await;
    assert_eq!(one, judged(three), "threads");

    let mut command = bellwether();
    command.args(["replay", "--json"]).args(range).arg("--folder").arg(project.path());
    let replayed = run_to_end(command).await;
    let mut by_monitor = std::collections::BTreeMap::<String, u64>::new();
    for line in replayed.out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(monitor) = line["monitor"].as_str() {
            *by_monitor.entry(monitor.to_owned()).or_default() += 1;
        }
    }
    let report = &one["reports"][0];
    for monitor in report["monitors"].as_array().unwrap() {
        let findings: u64 =
            monitor["findings"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        let name = monitor["monitor"].as_str().unwrap();
        assert_eq!(findings, by_monitor.get(name).copied().unwrap_or(0), "{name}");
        let seen =
            monitor["blocks_judged"].as_u64().unwrap() + monitor["blocks_blind"].as_u64().unwrap();
        assert_eq!(seen, head.number, "{name} accounts for every block");
    }
    assert!(by_monitor.len() >= 4, "{by_monitor:?}");
    assert_eq!(report["alerts"], replayed.json()["alerts"]);
    assert_eq!(report["not_judged"], json!(["reorgs"]));
    assert_eq!(report["covered"]["blocks"], head.number);
    // Twelve seconds a block, without a gap.
    assert_eq!(report["covered"]["seconds"], 12 * (head.number - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_holds_gives_the_alerts_of_the_live_run_reorgs_included() {
    let mut chain = Chain::start(11).await;
    let project = Project::meridian();
    chain.declare(&project);
    project.write("routes.toml", "[[receiver]]\nname = \"log\"\nkind = \"stdout\"\njson = true\n\n[[route]]\nreceivers = [\"log\"]\n");
    let mut program = Program::run(&project);
    chain.everydays(3);
    chain.attack("role_stolen");
    let head = chain.everydays(1);
    program.judged(head).await;
    // The attack's last blocks are judged, and then they never were.
    chain.devnet.reorg(2, |_| ()).unwrap();
    let head = chain.everydays(3);
    program.judged(head).await;
    let live = program.stop_and_open().await;
    let (_, answer) = backtest(&project, &["--stored", "devnet", "--first", "1000"]).await;
    let report = &answer["reports"][0];
    let of_present: BTreeSet<&str> = report["not_judged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let stands = |alert: &model::Alert| alert.state != model::AlertState::Retracted;
    let expected: BTreeSet<String> = all_alerts(&live)
        .into_iter()
        .filter(|alert| stands(alert) && !of_present.contains(alert.monitor.as_str()))
        .map(|alert| alert.id.to_string())
        .collect();
    let found: BTreeSet<String> = report["first_alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["alert"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, expected);
    assert!(!found.is_empty());
    assert!(report["covered"]["reverted"].as_u64().unwrap() > 0, "the reorg is part of it");
    assert!(!all_findings(&live).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_stands_beside_its_champion_with_what_each_lacks() {
    let mut chain = Chain::start(13).await;
    let champion = Project::meridian_contracts();
    champion.write("monitors/mixed.toml", MIXED);
    chain.declare(&champion);
    let challenger = Project::meridian_contracts();
    let other = MIXED
        .replace("name = \"roles\"", "name = \"power\"")
        .replace("severity = \"low\"", "severity = \"medium\"");
    challenger.write("monitors/mixed.toml", &other);
    chain.declare(&challenger);
    let head = busy(&mut chain).number.to_string();
    let chart = champion.path().join("alerts.svg");
    let (_, answer) = backtest(
        &champion,
        &[
            "--network",
            "devnet",
            "--from",
            "1",
            "--to",
            &head,
            "--compare",
            challenger.path().to_str().unwrap(),
            "--chart",
            chart.to_str().unwrap(),
        ],
    )
    .await;
    let comparison = &answer["comparison"];
    let monitors = |alerts: &Value| -> BTreeSet<String> {
        let alerts = alerts.as_array().unwrap().iter();
        alerts.map(|alert| alert["monitor"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(monitors(&comparison["only_champion"]), BTreeSet::from(["roles".to_owned()]));
    assert_eq!(monitors(&comparison["only_challenger"]), BTreeSet::from(["power".to_owned()]));
    let regraded = comparison["other_severity"].as_array().unwrap();
    assert!(!regraded.is_empty());
    for one in regraded {
        assert_eq!(
            (&one["alert"]["monitor"], &one["challenger"]),
            (&json!("any-deposit"), &json!("medium"))
        );
    }
    let svg = fs::read_to_string(chart).unwrap();
    assert_eq!(svg.matches("role=\"img\"").count(), 2, "one picture a side");
}
