//! Folders and files of other monitors, written by ourselves in their formats: what is taken runs,
//! what is not is told, and the two are compared on recorded blocks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chain::recorded::Recording;
use evm::meridian::{call, contracts::MeridianToken, ether};
use expect_test::expect_file;
use model::B256;
use serde_json::{Value, json};

use crate::world::{Chain, Program, bellwether, run_to_end, until};

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers")
}

/// Imports with these arguments into `into`, and gives exit code and standard output.
fn import(arguments: &[&str], into: &Path) -> (Option<i32>, String) {
    let ran = bellwether()
        .arg("import")
        .args(arguments)
        .arg("--into")
        .arg(into)
        .current_dir(peers())
        .output()
        .unwrap();
    let error = String::from_utf8(ran.stderr).unwrap();
    (ran.status.code(), format!("{}{error}", String::from_utf8(ran.stdout).unwrap()))
}

/// All files of a folder, one after the other, but for the ABIs.
fn written(folder: &Path) -> String {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending != "json") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let shown = paths.iter().map(|path| {
        let name = path.strip_prefix(folder).unwrap().display();
        format!("#! {name}\n{}", fs::read_to_string(path).unwrap())
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Imports, compares report and files with what was reviewed, and has `check` read the result.
fn taken(name: &str, arguments: &[&str], code: i32) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let into = place.path().join("ours");
    let (found, said) = import(arguments, &into);
    let said = said.replace(&into.display().to_string(), "ours");
    expect_file![peers().join(format!("{name}.report.txt"))].assert_eq(&said);
    assert_eq!(found, Some(code), "{said}");
    let files = written(&into);
    expect_file![peers().join(format!("{name}.files.txt"))].assert_eq(&files);
    assert!(!files.contains("verysecret") && !said.contains("verysecret"), "a secret leaked");
    let checked = bellwether().arg("check").arg(&into).output().unwrap();
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{told}");

    let (again, said) = import(arguments, &into);
    assert!(again != Some(2), "{said}");
    assert_eq!(written(&into), files, "nothing that is there changes");
    place
}

#[test]
fn openzeppelin_monitors_folder_is_taken_and_what_is_not_is_told() {
    taken("openzeppelin", &["openzeppelin-monitor", "openzeppelin"], 1);
}

#[test]
fn defenders_serverless_yml_is_taken_with_its_references() {
    taken("serverless", &["defender", "serverless.yml"], 1);
}

#[test]
fn defenders_monitors_of_the_api_are_taken() {
    taken("defender", &["defender", "defender.json"], 1);
}

#[test]
fn monitorisms_rules_are_taken_and_an_event_that_cannot_be_read_is_told() {
    let rules = "monitorism_events.yaml";
    taken("monitorism_events", &["monitorism", rules, "--chain-id", "10"], 1);
}

#[test]
fn monitorisms_watched_accounts_are_taken() {
    taken("monitorism_transactions", &["monitorism", "monitorism_transactions.yaml"], 1);
}

#[test]
fn tenderlys_alerts_are_taken_as_far_as_they_say_what_they_mean() {
    taken("tenderly", &["tenderly", "tenderly.json"], 1);
}

#[test]
fn what_is_no_file_of_a_peer_could_not_be_done() {
    let place = tempfile::tempdir().unwrap();
    let into = place.path().join("ours");
    let wrong = place.path().join("wrong");
    fs::write(&wrong, "[1, 2").unwrap();
    let wrong = wrong.to_str().unwrap();
    for arguments in [
        ["openzeppelin-monitor", wrong],
        ["defender", wrong],
        ["monitorism", wrong],
        ["tenderly", wrong],
        ["forta", wrong],
        ["lido", wrong],
        ["defender", "monitorism_events.yaml"],
        ["monitorism", "serverless.yml"],
        ["tenderly", "no such file"],
    ] {
        let (code, said) = import(&arguments, &into);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(!into.exists(), "nothing is written");
    }
}

/// Asks the devnet's node and writes the answers as a recording.
async fn record(chain: &Chain, from: u64, folder: &Path) {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::new();
    let ask = async |method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = http.post(chain.node.url()).json(&request).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["result"].clone()
    };
    let about = json!({"network": "devnet", "chainId": 31_338});
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("recording.json"), about.to_string()).unwrap();
    for number in from..=chain.devnet.head().number {
        let place = folder.join(number.to_string());
        fs::create_dir(&place).unwrap();
        let hex = format!("0x{number:x}");
        let block = ask("eth_getBlockByNumber", json!([hex, true])).await;
        let receipts = ask("eth_getBlockReceipts", json!([hex])).await;
        fs::write(place.join("block.json"), block.to_string()).unwrap();
        fs::write(place.join("receipts.json"), receipts.to_string()).unwrap();
    }
}

/// The transactions of one rule that only one of the two matches.
fn only(said: &Value, rule: &str, is_here: bool) -> BTreeSet<String> {
    let all = said["compared"]["differences"].as_array().unwrap();
    let of_rule = all.iter().filter(|d| d["rule"] == rule && d["is_here"] == is_here);
    of_rule.map(|d| d["tx"].as_str().unwrap().to_owned()).collect()
}

fn set(hashes: &[B256]) -> BTreeSet<String> {
    hashes.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_difference_report_is_right_on_a_recorded_range_of_the_devnet() {
    let chain = Chain::start(77).await;
    let from = chain.devnet.head().number + 1;
    let (issuer, poor) = (&chain.meridian.actors.issuer, &chain.meridian.actors.attackers[0]);
    let to = chain.meridian.actors.users[1].address();
    let transfer = |value| call(chain.meridian.token, MeridianToken::transferCall { to, value });
    // It owns nothing, so that its transfer fails.
    let failing = || transfer(ether(1));
    // A block of one failed transaction: nothing in it emits a log.
    let failed_alone = chain.send(poor, failing());
    chain.devnet.mine().unwrap();
    // A failed transaction beside one that emits a log.
    let failed_beside = chain.send(poor, failing());
    let issued = chain.issue(5);
    chain.devnet.mine().unwrap();
    // A transfer that succeeds.
    let user = &chain.meridian.actors.users[0];
    let moved = chain.send(user, transfer(ether(2)));
    chain.devnet.mine().unwrap();
    assert_ne!(issuer.address(), poor.address());

    let place = tempfile::tempdir().unwrap();
    let recording = place.path().join("blocks");
    record(&chain, from, &recording).await;
    let mut command = bellwether();
    command.args(["import", "openzeppelin-monitor", "openzeppelin", "--json", "--dry-run"]);
    command.arg("--into").arg(place.path().join("ours")).args(["--compare", "--recorded"]);
    command.arg(&recording).current_dir(peers());
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let said = ended.json();
    let compared = &said["compared"];
    assert_eq!((&compared["blocks"], &compared["transactions"]), (&json!(3), &json!(4)));
    assert_eq!(compared["refused"], json!([]));

    // Which transactions each rule should match is known from how they were made.
    let matches = |rule: &str| {
        let of = &compared["rules"][rule];
        (of["both"].as_u64(), of["only_there"].as_u64(), of["only_here"].as_u64())
    };
    let counts = |both, there, here| (Some(both), Some(there), Some(here));
    assert_eq!(matches("Everything"), counts(4, 0, 0));
    assert_eq!(matches("Large transfers"), counts(2, 0, 0), "the issue and the transfer");
    assert_eq!(matches("Failed transactions"), counts(1, 0, 1), "{failed_alone} by both");
    assert_eq!(only(&said, "Failed transactions", true), set(&[failed_beside]));
    assert_eq!(matches("Successful transfers"), counts(1, 1, 0), "{moved} by both");
    assert_eq!(only(&said, "Successful transfers", false), set(&[failed_beside]));
    assert_eq!(matches("Wrong case"), counts(0, 0, 2));
    assert_eq!(only(&said, "Wrong case", true), set(&[issued, moved]));
    assert!(compared["rules"]["Asleep"].is_null(), "a paused monitor is not compared");

    let whys: BTreeSet<&str> = compared["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| difference["why"].as_str().unwrap())
        .collect();
    let expected = [
        "\"Value > 0\" failed there: there is no variable Value",
        "the transaction failed; there it counts as successful, because some transaction of the block emitted a log and its receipts were therefore not fetched",
    ];
    assert_eq!(whys, BTreeSet::from(expected));
}

/// A folder of OpenZeppelin Monitor with one mainnet and these monitors.
fn folder_of(monitors: &[Value]) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let write = |path: &str, value: &Value| {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    };
    write(
        "networks/mainnet.json",
        &json!({"network_type": "EVM", "slug": "ethereum_mainnet", "name": "Ethereum",
            "rpc_urls": [{"type_": "rpc", "url": {"type": "Environment", "value": "NODE"}, "weight": 100}],
            "chain_id": 1, "block_time_ms": 12_000, "confirmation_blocks": 12,
            "cron_schedule": "0 */1 * * * *"}),
    );
    for (at, monitor) in monitors.iter().enumerate() {
        write(&format!("monitors/{at}.json"), monitor);
    }
    place
}

/// What the corpus' receipts say by themselves, without any of our readers.
#[derive(Default)]
pub(crate) struct Receipts {
    /// Transactions in which the pool emitted a swap, and those in which it took in token 0.
    pub(crate) swapped: BTreeSet<String>,
    took_in: BTreeSet<String>,
    /// Transactions to the router that failed, that did not, and the failed ones of blocks in which
    /// nothing emitted a log.
    pub(crate) failed: BTreeSet<String>,
    succeeded: BTreeSet<String>,
    failed_in_silence: BTreeSet<String>,
}

pub(crate) const POOL: &str = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640";
pub(crate) const ROUTER: &str = "0x7a250d5630b4cf539739df2c5dacb4c659f2488d";
const SWAP: &str = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";

impl Receipts {
    pub(crate) fn of(corpus: &Path) -> Self {
        let mut found = Self::default();
        let recording = Recording::open(corpus).unwrap();
        for (_, block) in recording.blocks() {
            let receipts = block.unwrap().receipts.unwrap();
            let receipts: Vec<Value> = serde_json::from_slice(&receipts).unwrap();
            let is_silent = receipts.iter().all(|r| r["logs"].as_array().unwrap().is_empty());
            for receipt in &receipts {
                let hash = receipt["transactionHash"].as_str().unwrap().to_owned();
                for log in receipt["logs"].as_array().unwrap() {
                    if log["address"] == POOL && log["topics"][0] == SWAP {
                        found.swapped.insert(hash.clone());
                        // The first word is a signed amount: positive when the pool takes it in.
                        let word = &log["data"].as_str().unwrap()[2..66];
                        let is_zero = word.bytes().all(|b| b == b'0');
                        if !is_zero && word.as_bytes()[0] < b'8' {
                            found.took_in.insert(hash.clone());
                        }
                    }
                }
                if receipt["to"] != ROUTER {
                    continue;
                }
                if receipt["status"] == "0x1" {
                    found.succeeded.insert(hash);
                } else {
                    if is_silent {
                        found.failed_in_silence.insert(hash.clone());
                    }
                    found.failed.insert(hash);
                }
            }
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_difference_report_is_right_on_recorded_blocks_of_mainnet() {
    let Some(corpus) = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from) else {
        return println!("skipped: BELLWETHER_CORPUS names no folder of recorded blocks");
    };
    let param =
        |name: &str, kind: &str, indexed| json!({"name": name, "type": kind, "indexed": indexed});
    let abi = json!([{"type": "event", "name": "Swap", "anonymous": false, "inputs": [
        param("sender", "address", true), param("recipient", "address", true),
        param("amount0", "int256", false), param("amount1", "int256", false),
        param("sqrtPriceX96", "uint160", false), param("liquidity", "uint128", false),
        param("tick", "int24", false)]}]);
    let monitor = |name: &str, address: &str, conditions: Value| {
        json!({"name": name, "paused": false, "networks": ["ethereum_mainnet"],
            "addresses": [{"address": address, "contract_spec": abi}],
            "match_conditions": conditions, "trigger_conditions": [], "triggers": []})
    };
    let swap = |expression: &str| {
        json!({"events": [{"expression": expression,
            "signature": "Swap(address,address,int256,int256,uint160,uint128,int24)"}]})
    };
    let status = |status: &str| json!({"transactions": [{"status": status, "expression": null}]});
    let folder = folder_of(&[
        monitor("Took in", POOL, swap("amount0 > 0")),
        monitor("Price", POOL, swap("sqrtPriceX96 > 0")),
        monitor("Failed", ROUTER, status("Failure")),
        monitor("Succeeded", ROUTER, status("Success")),
    ]);
    let into = folder.path().join("ours");
    let mut command = bellwether();
    command.args(["import", "openzeppelin-monitor", "--json", "--dry-run"]).arg(folder.path());
    command.arg("--into").arg(&into).args(["--compare", "--recorded"]).arg(&corpus);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let said = ended.json();
    assert_eq!(said["compared"]["refused"], json!([]));

    let truth = Receipts::of(&corpus);
    assert!(truth.swapped.len() >= 5 && truth.failed.len() >= 5, "the corpus has what it takes");
    let both = |rule: &str| said["compared"]["rules"][rule]["both"].as_u64().unwrap() as usize;
    let none = BTreeSet::new();

    assert_eq!(both("Took in"), truth.took_in.len());
    assert_eq!(
        (only(&said, "Took in", true), only(&said, "Took in", false)),
        (none.clone(), none.clone())
    );

    // Its evaluator does not know uint160.
    assert_eq!((both("Price"), only(&said, "Price", true)), (0, truth.swapped));

    // Its issue 498: receipts are read only where no transaction of the block emitted a log.
    let misread: BTreeSet<String> =
        truth.failed.difference(&truth.failed_in_silence).cloned().collect();
    assert_eq!(both("Failed"), truth.failed_in_silence.len());
    assert_eq!(only(&said, "Failed", true), misread);
    assert_eq!(only(&said, "Failed", false), none);
    assert_eq!(both("Succeeded"), truth.succeeded.len());
    assert_eq!(only(&said, "Succeeded", false), misread);
    assert_eq!(only(&said, "Succeeded", true), none);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_runs_and_finds_what_it_should() {
    let chain = Chain::start(78).await;
    let place = tempfile::tempdir().unwrap();
    let into = place.path().join("ours");
    let (code, said) = import(&["openzeppelin-monitor", "openzeppelin"], &into);
    assert_eq!(code, Some(1), "{said}");
    fs::write(into.join("bellwether.toml"), "name = \"ours\"\nlisten = \"127.0.0.1:0\"\n").unwrap();
    // Nobody is told anything here: the routes alone are replaced, because they lead to the world.
    fs::write(
        into.join("routes.toml"),
        "[[receiver]]\nname = \"terminal\"\nkind = \"stdout\"\n\n[[route]]\nname = \"all\"\nreceivers = [\"terminal\"]\n",
    )
    .unwrap();
    let mut program = Program::start(&into, &into.join("bellwether.db"), |command| {
        command.arg("run").arg(&into);
        command.env("RPC_MERIDIAN_DEVNET", chain.node.url()).env("SPARE_NODE_URL", chain.node.url())
    });
    let issued = chain.issue(5);
    let head = chain.devnet.mine().unwrap();
    program.judged(head).await;
    until("the alerts are told", || program.out().contains("large-transfers-transfer")).await;
    let store = program.stop_and_open().await;
    let of_issue: BTreeSet<String> = crate::world::all_findings(&store)
        .into_iter()
        .filter(|record| record.finding.origin.tx == Some(issued))
        .map(|record| record.finding.monitor.to_string())
        .collect();
    let expected = [
        "everything",
        "filtered",
        "large-transfers-issue",
        "large-transfers-transfer",
        "wrong-case",
    ];
    assert_eq!(of_issue, expected.map(str::to_owned).into());
}
