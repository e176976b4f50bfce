//! The ledger from outside: the node goes away, a monitor comes late, a block cannot be judged. The
//! ledger shows exactly those holes, people hear of them, and they are closed.

use std::{collections::BTreeSet, time::Duration};

use alloy_primitives::{B256, keccak256};
use evm::devnet::{Fault, FaultRule};
use model::{FindingStatus, Name};
use serde_json::Value;
use store::Store;

use crate::world::{
    Chain, Ended, PATIENCE, Program, Project, Webhook, all_findings, assert_all_delivered,
    bellwether, run_to_end,
};

const ISSUED: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "high"
"#;

const BLIND: &str = r#"
[[monitor]]
name = "blind"
detector = "chain/blind"
severity = "high"
params = { hole_s_max = 0 }
"#;

const LATE: &str = r#"
[[monitor]]
name = "late"
on = ["token"]
event = "Transfer"
severity = "low"
"#;

fn settings(project: &Project, is_automatic: bool) {
    project.write(
        "bellwether.toml",
        &format!(
            "name = \"Test\"\nlisten = \"127.0.0.1:0\"\n\n[backfill]\nautomatic = {is_automatic}\nlook_interval = \"1s\"\n"
        ),
    );
}

/// What is missing of the only network: first and last block, cause, monitors.
fn missing(ledger: &Value) -> Vec<(u64, u64, String, Vec<String>)> {
    let holes = ledger["networks"][0]["missing"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    holes
        .map(|hole| {
            let monitors = hole["monitors"].as_array().unwrap().iter().map(text).collect();
            let number = |key: &str| hole[key].as_u64().unwrap();
            (number("from"), number("to"), text(&hole["cause"]), monitors)
        })
        .collect()
}

fn hole(from: u64, to: u64, cause: &str, monitors: &[&str]) -> (u64, u64, String, Vec<String>) {
    (from, to, cause.to_owned(), monitors.iter().map(|&monitor| monitor.to_owned()).collect())
}

/// Transactions with a log of this event of the token, by whole chain.
fn with_event(chain: &Chain, event: &str) -> BTreeSet<B256> {
    let topic = keccak256(event);
    (1..=chain.devnet.head().number)
        .flat_map(|number| chain.devnet.block(number).unwrap().transactions.clone())
        .filter(|included| {
            let mut logs = included.receipt.logs().iter();
            logs.any(|l| l.address == chain.meridian.token && l.topics().first() == Some(&topic))
        })
        .map(|included| *included.transaction.inner().tx_hash())
        .collect()
}

fn found(store: &Store, monitor: &str) -> BTreeSet<B256> {
    let stands = |record: &store::FindingRecord| {
        record.status != FindingStatus::Retracted && record.finding.monitor.as_str() == monitor
    };
    let findings = all_findings(store).into_iter().filter(stands);
    findings.filter_map(|record| record.finding.origin.tx).collect()
}

async fn coverage(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.arg("coverage").args(arguments).arg("--folder").arg(project.path());
    run_to_end(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_shows_exactly_the_holes_tells_of_them_and_closes_them() {
    let mut chain = Chain::start(61).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    project.tell(hook.url()).write("monitors/all.toml", &format!("{ISSUED}{BLIND}"));
    settings(&project, false);
    let mut program = Program::run(&project);
    chain.everydays(12);
    program.judged(chain.devnet.head()).await;

    // The node goes away and comes back: nothing is missing, the follower catches up.
    chain.node.faults().add(FaultRule::always("*", Fault::Http { status: 503 }));
    chain.node.faults().add(FaultRule::always("*", Fault::DropWebsocket));
    chain.everydays(9);
    let hidden = chain.issue(777_777);
    chain.everyday();
    let is_away =
        |answer: &Value| answer["items"][0]["endpoints"][0]["healthy"] == Value::Bool(false);
    program.ask_until(PATIENCE, "networks", "the page says that the node is down", is_away).await;
    let is_distrusted = |answer: &Value| answer["trust"]["verdict"] == "no";
    program.ask_until(PATIENCE, "status", "silence means nothing now", is_distrusted).await;
    chain.node.faults().clear();
    program.judged(chain.devnet.head()).await;
    let ledger = program.ask("ledger").await;
    assert_eq!(missing(&ledger), [], "{ledger:#}");

    // One block cannot be judged: its receipts are not those that its header commits to.
    let no_receipts = || FaultRule::always("eth_getBlockReceipts", Fault::Empty);
    chain.node.faults().add(no_receipts());
    let odd = chain.everyday();
    chain.node.faults().replace(no_receipts().about(odd.hash.to_string()));
    let odd = odd.number;
    chain.everyday();
    let is_passed_over =
        |ledger: &Value| missing(ledger) == [hole(odd, odd, "quarantined", &["issued", "blind"])];
    program.ask_until(PATIENCE, "ledger", "the block is in quarantine", is_passed_over).await;
    program.judged(chain.devnet.head()).await;

    // A monitor comes late: everything before it is missing, for it alone, on both sides of the
    // block that nobody could judge.
    project.write("monitors/all.toml", &format!("{ISSUED}{BLIND}{LATE}"));
    program.hang_up();
    let before = hole(1, odd - 1, "added_later", &["late"]);
    let after = hole(odd + 1, odd + 1, "added_later", &["late"]);
    let all = [
        before.clone(),
        hole(odd, odd, "quarantined", &["issued", "blind", "late"]),
        after.clone(),
    ];
    let shows_all = |ledger: &Value| missing(ledger) == all;
    let ledger = program.ask_until(PATIENCE, "ledger", "all holes", shows_all).await;
    let holes = ledger["networks"][0]["missing"].as_array().unwrap();
    let command = format!(
        "bellwether coverage backfill --network devnet --monitor late --from 1 --to {}",
        odd - 1
    );
    assert_eq!(holes[0]["command"], Value::String(command));
    assert_eq!(holes[0]["endpoints"], serde_json::json!(["node-0"]));
    assert_eq!(holes[1]["closes_by_itself"], Value::Bool(true));
    let ended = coverage(&project, &["--json"]).await;
    assert_eq!((ended.code, missing(&ended.json())), (Some(1), all.to_vec()), "{ended:?}");
    let ended = coverage(&project, &["token"]).await;
    assert!(ended.out.contains("not judged by: late"), "{}", ended.out);

    // People hear of it. (`chain/blind` told of the block at once, and tells of its hole.)
    let open_holes = |hook: &Webhook| -> Vec<String> {
        let taken = hook.taken();
        let titles = taken.iter().map(|d| d.body.to_string());
        titles.filter(|title| title.contains("did not judge")).collect()
    };
    crate::world::until("the holes are told", || {
        let told = open_holes(&hook);
        told.iter().any(|title| title.contains("monitor late did not judge"))
            && hook.kinds_of("blind").len() >= 2
    })
    .await;

    // The node tells the truth again: the block is judged after all, without anybody's doing.
    chain.node.faults().clear();
    chain.everydays(10);
    let is_recovered = |ledger: &Value| missing(ledger) == [before.clone(), after.clone()];
    program.ask_until(PATIENCE, "ledger", "the block left quarantine", is_recovered).await;
    let page = reqwest::get(format!("{}/coverage", program.url().await)).await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("added later") && page.contains("--monitor late"), "{page}");

    // Allowed to, the program judges the past by the late monitor alone.
    settings(&project, true);
    program.hang_up();
    let is_whole = |ledger: &Value| missing(ledger).is_empty();
    let ledger = program.ask_until(PATIENCE, "ledger", "every hole is closed", is_whole).await;
    crate::world::until("what was told of the holes is taken back", || {
        hook.kinds_of("blind").iter().any(|kind| kind == "closed")
    })
    .await;
    let closed = ledger["networks"][0]["closed"].as_array().unwrap().len();
    assert!(closed >= 1, "{ledger:#}");
    program.judged(chain.devnet.head()).await;
    program.told_everything().await;
    let store = program.stop_and_open().await;
    assert_all_delivered(&store);
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(found(&store, "issued"), BTreeSet::from([hidden]));
    assert_eq!(found(&store, "late"), with_event(&chain, "Transfer(address,address,uint256)"));
    let late = all_findings(&store).into_iter().filter(|r| r.finding.monitor.as_str() == "late");
    for record in late {
        let (title, number) = (&record.finding.title, record.finding.origin.block.number);
        let is_marked = title.contains("found in back-fill of blocks");
        assert_eq!(is_marked, number < odd || number == odd + 1, "block {number}: {title}");
    }
    drop(store);
    let ended = coverage(&project, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("no block is missing"), "{}", ended.out);
    hook.assert_identities();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_a_back_fill_finds_what_watching_from_the_start_finds() {
    let mut chain = Chain::start(62).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    project.write("monitors/all.toml", ISSUED);
    settings(&project, true);
    chain.everydays(420);
    let mut program = Program::run(&project);
    program.judged(chain.devnet.head()).await;
    assert!(program.stop().await.success());
    project.write("monitors/all.toml", &format!("{ISSUED}{LATE}"));
    let (mut kills, mut left) = (0, u64::MAX);
    loop {
        let mut program = Program::run(&project);
        let blocks = |ledger: &Value| -> u64 {
            let holes = missing(ledger);
            holes.iter().map(|(from, to, ..)| to - from + 1).sum()
        };
        // A new roster shows in the ledger with the first block that it judges.
        chain.everyday();
        program.judged(chain.devnet.head()).await;
        let gets_on = |ledger: &Value| blocks(ledger) < left;
        let ledger = program.ask_until(PATIENCE, "ledger", "it gets on", gets_on).await;
        left = blocks(&ledger);
        program.kill();
        kills += 1;
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    println!("killed {kills} times");
    assert!(kills >= 3, "the kills land in the back-fill");
    chain.everydays(10);
    let mut program = Program::run(&project);
    program.judged(chain.devnet.head()).await;
    let store = program.stop_and_open().await;
    assert!(store.verify().unwrap().is_sound());
    let transfers = with_event(&chain, "Transfer(address,address,uint256)");
    assert_eq!(found(&store, "late"), transfers);
    let devnet = Name::new("devnet").unwrap();
    let filled = store.ledger(&devnet).unwrap().backfilled;
    assert_eq!(filled.len(), 1, "one range, however often it was interrupted: {filled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_before_the_first_block_that_was_followed_is_fetched_by_the_command() {
    let mut chain = Chain::start(63).await;
    let project = Project::meridian_contracts();
    let (http, ws) = (chain.node.url(), chain.node.ws_url());
    let late = crate::world::DEVNET.replace("start = \"block 1\"", "start = \"block 30\"");
    assert!(late.contains("block 30"));
    project.network("devnet", &late, &[crate::world::Url { http: &http, ws: Some(&ws) }]);
    project.write("monitors/all.toml", LATE);
    settings(&project, false);
    chain.everydays(45);
    let mut program = Program::run(&project);
    program.judged(chain.devnet.head()).await;
    let ledger = program.ask("ledger").await;
    assert_eq!(missing(&ledger), [hole(1, 29, "not_followed", &["late"])]);
    let refused = coverage(&project, &["backfill"]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("in use by a running bellwether"), "{}", refused.err);
    assert!(program.stop().await.success());

    let part = coverage(&project, &["backfill", "--monitor", "late", "--from", "20"]).await;
    assert_eq!(part.code, Some(0), "{part:?}");
    let shown = coverage(&project, &["--json"]).await;
    assert_eq!(missing(&shown.json()), [hole(1, 19, "not_followed", &["late"])]);
    let rest = coverage(&project, &["backfill", "--json"]).await;
    assert_eq!((rest.code, &rest.json()["blocks"]), (Some(0), &serde_json::json!(19)), "{rest:?}");
    let store = Store::open(project.store()).unwrap();
    assert_eq!(found(&store, "late"), with_event(&chain, "Transfer(address,address,uint256)"));
    let filled = store.ledger(&Name::new("devnet").unwrap()).unwrap().backfilled;
    assert!(filled.iter().all(|range| range.endpoint == Name::new("node-0").ok()), "{filled:?}");
}
