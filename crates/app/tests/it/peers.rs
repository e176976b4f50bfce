//! Folders and files of other monitors, written by ourselves in their formats: what is taken runs,
//! what is not is told, and the two are compared on recorded blocks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use evm::meridian::{call, contracts::MeridianToken, ether};
use expect_test::expect_file;
use model::B256;
use serde_json::{Value, json};

use crate::world::{Chain, bellwether, run_to_end};

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

/// Asks the devnet's node and writes the answers as a recording.
async fn record(chain: &Chain, from: u64, folder: &Path) {
    // Another test of this process may have been first.
    let _already = rustls::crypto::ring::default_provider().install_default();
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
