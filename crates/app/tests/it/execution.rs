//! Blocks that no node traces are executed here: the same is found as with a node's traces, and where
//! that is not possible monitors are blind with the reason, never quiet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use evm::devnet::{Fault, FaultRule};
use model::FindingStatus;
use serde_json::{Value, json};

use crate::world::{
    Anvil, Chain, PATIENCE, Program, Project, Proxy, Url, all_findings, bellwether, installed,
    run_to_end, without_traces,
};

/// The devnet's chain, with whatever traces there are.
const NETWORK: &str = r#"chain_id = 31_338
finality = "latest"
start = "block 1"
traces = "auto"
hard_fork = "prague"
poll_interval = "50ms"
finality_interval = "50ms"
retry_interval = "20ms"
"#;

/// Monitors of what shows inside transactions alone.
const MONITORS: &str = r#"[[monitor]]
name = "reentrancy"
detector = "flow/reentrant_call"
severity = "critical"

[[monitor]]
name = "shapes"
detector = "flow/attack_shape"
severity = "high"
"#;

fn watched() -> Project {
    let project = Project::meridian_contracts();
    project.write("monitors/inside.toml", MONITORS);
    project
}

/// What the monitors find in these blocks, and which of them were blind.
async fn replayed(
    project: &Project,
    url: &str,
    settings: &str,
    (from, to): (u64, u64),
) -> Vec<Value> {
    project.network("devnet", settings, &[Url { http: url, ws: None }]);
    let mut command = bellwether();
    command.args(["replay", "--json", "--network", "devnet", "--folder"]).arg(project.path());
    command.args(["--from", &from.to_string(), "--to", &to.to_string()]);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn findings(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["monitor"].is_string() && line["title"].is_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_on_a_real_node_without_tracing_is_found_by_executing_its_blocks() {
    let Some(folder) = installed("anvil without tracing") else { return };
    let mut chain = Chain::start(11).await;
    let from = chain.everydays(1).number;
    let settings = NETWORK.replace("block 1", &format!("block {from}"));
    let attacks = chain.attack("reentrant_drain");
    let anvil = Anvil::start_like(&folder, &chain.devnet).await;
    let head = anvil.head().await;
    let blocks = (from, head.number);
    let project = watched();
    let with = replayed(&project, &anvil.url(), &settings, blocks).await;
    assert!(!findings(&with).is_empty(), "{with:#?}");
    let is_attack = |line: &&Value| attacks.iter().any(|tx| line["tx"] == tx.to_string());
    let of_attack = findings(&with).into_iter().find(is_attack);
    assert_eq!(of_attack.unwrap()["monitor"], "reentrancy", "{with:#?}");

    let proxy = Proxy::start(&anvil.url()).await;
    proxy.refuse_traces();
    let without = replayed(&project, proxy.url(), &settings, blocks).await;
    assert_eq!(findings(&without), findings(&with), "the same is found");

    // Switched off, it is blind and says so.
    let off = format!("{settings}execute = \"off\"\n");
    let blind = replayed(&project, proxy.url(), &off, blocks).await;
    assert!(findings(&blind).is_empty(), "{blind:#?}");

    // And live, where pages and programs see what it took.
    project.network("devnet", &settings, &[Url { http: proxy.url(), ws: None }]);
    let mut program = Program::run(&project);
    program.judged(head).await;
    let all = head.number + 1 - from;
    let is_told = |answer: &Value| answer["items"][0]["execution"]["blocks"] == all;
    let told = program.ask_until(PATIENCE, "networks", "every block was executed", is_told).await;
    let execution = &told["items"][0]["execution"];
    assert_eq!((&execution["blind"], &execution["why_blind"]), (&json!(0), &Value::Null));
    assert!(execution["reads"].as_u64().unwrap() > all, "{execution}");
    println!("{all} blocks of anvil: {execution}");
    let page = program.page("").await;
    assert!(page.contains("executed here"), "the page says so");
    let store = program.stop_and_open().await;
    let live = all_findings(&store);
    for attack in attacks {
        let of = |found: &&store::FindingRecord| found.finding.origin.tx == Some(attack);
        let replayed = findings(&with).iter().filter(|l| l["tx"] == attack.to_string()).count();
        assert_eq!(live.iter().filter(of).count(), replayed);
    }
}

/// Runs the program over an attack at a node without tracing; gives why monitors were blind.
async fn blindly(chain: &Chain, url: &str, because: &str) -> Value {
    let project = watched();
    project.network("devnet", NETWORK, &[Url { http: url, ws: None }]);
    let mut program = Program::run(&project);
    program.judged(chain.devnet.head()).await;
    let is_told = |answer: &Value| {
        let blind = answer["items"][0]["coverage"]["blind"].as_array();
        blind.is_some_and(|blind| {
            blind.iter().any(|one| {
                one["monitor"] == "reentrancy" && one["reason"].as_str().unwrap().contains(because)
            })
        })
    };
    let told = program.ask_until(PATIENCE, "networks", because, is_told).await;
    let store = program.stop_and_open().await;
    assert!(
        all_findings(&store).iter().all(|found| { found.finding.monitor.as_str() != "reentrancy" })
    );
    told["items"][0]["execution"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_state_before_a_block_monitors_are_blind_with_the_reason() {
    let mut chain = Chain::start(11).await;
    chain.everydays(2);
    chain.attack("reentrant_drain");
    let no = |code, message: &str| Fault::Error { code, message: message.to_owned() };
    let faults = chain.node.faults();
    faults.add(FaultRule::always("debug_traceBlockByHash", no(-32601, "no such method")));
    faults.add(FaultRule::always("eth_getTransactionCount", no(-32000, "missing trie node")));
    let because = "the node does not give the state before the block (eth_getTransactionCount";
    let execution = blindly(&chain, &chain.node.url(), because).await;
    // Blocks without a transaction need no state.
    assert!(execution["blind"].as_u64().unwrap() > 0, "{execution}");
    assert_eq!(execution["reads"], 0, "{execution}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lies_about_the_state_is_noticed() {
    let mut chain = Chain::start(11).await;
    chain.everydays(2);
    chain.attack("reentrant_drain");
    let proxy = Proxy::start(&chain.node.url()).await;
    proxy.spoil(|method, _, answer| {
        without_traces(method, answer);
        if method == "eth_getStorageAt" {
            answer["result"] = json!(format!("{:#066x}", 1));
        }
    });
    let because = "than its receipt";
    let execution = blindly(&chain, proxy.url(), because).await;
    assert!(execution["blind"].as_u64().unwrap() > 0, "{execution}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_leaves_the_chain_while_it_is_executed_leaves_no_finding() {
    let mut chain = Chain::start(11).await;
    let before = chain.everydays(3);
    let attack = chain.attack("reentrant_drain");
    let attacked = chain.devnet.transaction(*attack.last().unwrap()).unwrap().0.block_ref();
    let proxy = Proxy::start(&chain.node.url()).await;
    let (devnet, is_gone) = (chain.devnet.clone(), Arc::new(AtomicBool::new(false)));
    let depth = chain.devnet.head().number - before.number;
    let (gone, parent) = (is_gone.clone(), attacked.number - 1);
    proxy.spoil(move |method, params, answer| {
        without_traces(method, answer);
        let parent = devnet.block(parent).map(|block| block.hash.to_string());
        let is_of_attack = parent.is_some_and(|hash| params.to_string().contains(&hash));
        if method == "eth_getStorageAt" && is_of_attack && !gone.swap(true, Ordering::Relaxed) {
            devnet.reorg(depth, |branch| branch.leave_out_all()).unwrap();
            devnet.mine().unwrap();
        }
    });
    let project = watched();
    project.network("devnet", NETWORK, &[Url { http: proxy.url(), ws: None }]);
    let mut program = Program::run(&project);
    let left = |answer: &Value| {
        answer["items"][0]["judged"]["hash"] == chain.devnet.head().hash.to_string()
            && is_gone.load(Ordering::Relaxed)
    };
    program.ask_until(PATIENCE, "networks", "the new branch is judged", left).await;
    let store = program.stop_and_open().await;
    let standing = all_findings(&store).into_iter().filter(|found| {
        let is_attack = found.finding.monitor.as_str() == "reentrancy";
        is_attack && found.status != FindingStatus::Retracted
    });
    assert_eq!(standing.map(|found| found.finding.title).collect::<Vec<_>>(), Vec::<String>::new());
}
