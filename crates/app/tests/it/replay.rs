//! Past blocks: recorded ones of mainnet against the corpus' own counts, corrupted ones refused with
//! the reason, and the devnet's judged again with the outcome of the live run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chain::recorded::{RecordedBlock, Recording};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{
    Chain, Ended, Program, Project, all_alerts, all_findings, bellwether, run_to_end,
};

/// Recorded mainnet blocks. Without them the test says that it is skipped and why.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: BELLWETHER_CORPUS names no folder of recorded blocks");
    }
    folder
}

async fn replay(folder: &Path) -> Ended {
    let mut command = bellwether();
    command.args(["replay", "--json", "--recorded"]).arg(folder);
    run_to_end(command).await
}

#[tokio::test]
async fn every_recorded_block_is_proven_and_counted_as_the_corpus_counts() {
    let Some(corpus) = corpus() else { return };
    let text = fs::read_to_string(corpus.join("blocks/index.json")).unwrap();
    let index: Vec<Value> = serde_json::from_str(&text).unwrap();
    let sum = |pointer: &str| -> u64 {
        index.iter().map(|block| block.pointer(pointer).unwrap().as_u64().unwrap()).sum()
    };
    let proven = index.iter().filter(|block| block["receiptsRoot"] == true).count();
    let ended = replay(&corpus).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(
        ended.json(),
        json!({
            "blocks": index.len(),
            "transactions": sum("/txs"),
            "failed_transactions": sum("/facts/failedTxs"),
            "logs": sum("/logs"),
            "erc20_transfers": sum("/facts/erc20or721TransferLogs"),
            "receipts_root_verified": proven,
            "refused": 0,
            "findings": 0,
            "alerts": 0,
        })
    );
    assert_eq!((index.len(), proven), (56, 41), "the corpus is whole");
}

/// A block of the corpus, unpacked, to be bent.
struct Specimen {
    block: RecordedBlock,
}

impl Specimen {
    fn of(corpus: &Path, number: u64) -> Self {
        let recording = Recording::open(corpus).unwrap();
        Self { block: recording.block(number).unwrap().unwrap() }
    }

    fn block(&self) -> Value {
        serde_json::from_slice(&self.block.block).unwrap()
    }

    fn receipts(&self) -> Value {
        serde_json::from_slice(self.block.receipts.as_ref().unwrap()).unwrap()
    }
}

/// A folder with one block, as it was recorded but for what is given.
fn folder_of(number: u64, block: &Value, receipts: Option<&Value>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join(number.to_string());
    fs::create_dir(&place).unwrap();
    fs::write(place.join("block.json"), block.to_string()).unwrap();
    if let Some(receipts) = receipts {
        fs::write(place.join("receipts.json"), receipts.to_string()).unwrap();
    }
    folder
}

/// Replays a folder that must be refused, and gives the reason.
async fn refusal(folder: &TempDir) -> String {
    let ended = replay(folder.path()).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let totals = ended.json();
    assert_eq!((&totals["refused"], &totals["blocks"]), (&json!(1), &json!(0)), "{ended:?}");
    let first: Value = serde_json::from_str(ended.out.lines().next().unwrap()).unwrap();
    first["reason"].as_str().unwrap().to_owned()
}

/// One hexadecimal digit of a text becomes another one.
fn bend(value: &mut Value) {
    let text = value.as_str().unwrap();
    let last = text.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    *value = json!(format!("{}{other}", &text[..text.len() - 1]));
}

#[tokio::test]
async fn a_block_that_was_bent_anywhere_is_refused_with_the_reason() {
    let Some(corpus) = corpus() else { return };
    // Eight transactions and forty-three logs, after every fork so far.
    let specimen = Specimen::of(&corpus, 21_688_509);
    let other = Specimen::of(&corpus, 22_615_247);
    let with_block = |change: &dyn Fn(&mut Value)| {
        let mut block = specimen.block();
        change(&mut block);
        folder_of(21_688_509, &block, Some(&specimen.receipts()))
    };
    let with_receipts = |change: &dyn Fn(&mut Value)| {
        let mut receipts = specimen.receipts();
        change(&mut receipts);
        folder_of(21_688_509, &specimen.block(), Some(&receipts))
    };
    let check = async |folder: TempDir, expected: Expect| {
        expected.assert_eq(&refusal(&folder).await);
    };

    check(with_block(&|b| bend(&mut b["gasUsed"])), expect!["header hashes to 0x129116aa498bc8b8263448d34fd611739fe1e5b7b3e9f6c8f1121f329f3f1503, the node calls it 0xc19ed13283a0ccd0015cf8baf764f89b7e4ce60c452913f666b2381d4d6f3198"]).await;
    check(with_block(&|b| bend(&mut b["stateRoot"])), expect!["header hashes to 0x84e46fad2814675cb77ec6309fa4d1d61b8907ad66bed6358c456e69ec55246d, the node calls it 0xc19ed13283a0ccd0015cf8baf764f89b7e4ce60c452913f666b2381d4d6f3198"]).await;
    check(with_block(&|b| bend(&mut b["hash"])), expect!["header hashes to 0xc19ed13283a0ccd0015cf8baf764f89b7e4ce60c452913f666b2381d4d6f3198, the node calls it 0xc19ed13283a0ccd0015cf8baf764f89b7e4ce60c452913f666b2381d4d6f3190"]).await;
    check(with_block(&|b| bend(&mut b["transactions"][3]["value"])), expect!["transaction 3 hashes to 0x718d5614f3d50e39f5c16eb0690819d1327cb6d2625ccad010c5d8e490e80968, the node calls it 0xce24f91efa43d0240c376ebd4734f21e4014440dfd3b03310e7b67e633a62fa3"]).await;
    check(with_block(&|b| bend(&mut b["transactions"][3]["from"])), expect!["transaction 3 was signed by 0xae2Fc483527B8EF99EB5D9B44875F005ba1FaE13, the node says 0xaE2fc483527b8EF99eb5d9B44875F005BA1faE10"]).await;
    check(with_block(&|b| drop(b["transactions"].as_array_mut().unwrap().pop())), expect!["transactions root is 0xc6bec01593c645d77ea120242167cd4dfaa356fe2006dd86ac79247ab82475c7, the header commits to 0x41ca170d211d8bf697c9b3f6a2669776ec5620c43032a7713bf98f3d42af7c42"])
        .await;
    check(with_receipts(&|r| bend(&mut r[2]["logs"][0]["data"])), expect!["receipts root is 0x87b578700963319442b2b5e9c022961b7b8b6679740988cb0ddddd4a6a4c4b3c, the header commits to 0x8cfd5419cb7c15c275ff4d14a337fd75dd32e57474781adcb9d70e75b786d3b6"]).await;
    check(with_receipts(&|r| bend(&mut r[2]["logs"][0]["address"])), expect!["bloom of the logs is 0xc08055d9a30af15c46724b5ea668dca7d812fe72081c78ef8615478377af123d (by its keccak), the header commits to 0x155f250717996e694d77c6f0522abc9c5f3a885e47cc878b7d1f337e20243a77 (by its keccak)"]).await;
    check(with_receipts(&|r| bend(&mut r[2]["logs"][0]["topics"][0])), expect!["bloom of the logs is 0x0633105efe9f99229bac1c7bda6bf02a9caf0d75915fc048fe472e047b2b6702 (by its keccak), the header commits to 0x155f250717996e694d77c6f0522abc9c5f3a885e47cc878b7d1f337e20243a77 (by its keccak)"]).await;
    check(
        with_receipts(&|r| drop(r[2]["logs"].as_array_mut().unwrap().pop())),
        expect!["log 0 of receipt 3 has logIndex 12, expected 11"],
    )
    .await;
    check(with_receipts(&|r| bend(&mut r[0]["status"])), expect!["receipts root is 0x8af14d62949348c4e17db76f2071dc0adf024c4d00d79ad44f3a653d42afe4d9, the header commits to 0x8cfd5419cb7c15c275ff4d14a337fd75dd32e57474781adcb9d70e75b786d3b6"]).await;
    check(
        with_receipts(&|r| drop(r.as_array_mut().unwrap().remove(5))),
        expect!["7 receipts for 8 transactions"],
    )
    .await;
    check(with_receipts(&|r| r.as_array_mut().unwrap().swap(1, 2)), expect!["receipt 1 has transactionHash 0xb5cd09f0f6447a6da3490bbe660eb137535fb426d667354d8ce2afe4e5ff907b, expected 0x0608ce1d31a1dca25b66ae111bf4b3183916ed535024be34983075241f78d1a3"]).await;
    check(with_receipts(&|r| *r = json!([])), expect!["0 receipts for 8 transactions"]).await;
    check(with_receipts(&|r| *r = json!(null)), expect!["the answer for receipts is null"]).await;
    check(
        folder_of(21_688_509, &specimen.block(), Some(&other.receipts())),
        expect!["26 receipts for 8 transactions"],
    )
    .await;
    check(folder_of(21_688_509, &specimen.block(), None), expect!["no receipts recorded"]).await;
    check(
        folder_of(21_688_510, &specimen.block(), Some(&specimen.receipts())),
        expect!["recorded as block 21688510, it is block 21688509"],
    )
    .await;
    check(
        folder_of(21_688_509, &json!(null), Some(&specimen.receipts())),
        expect!["the answer for block is null"],
    )
    .await;
}

#[tokio::test]
async fn a_block_before_byzantium_is_held_against_bloom_gas_and_header() {
    let Some(corpus) = corpus() else { return };
    let specimen = Specimen::of(&corpus, 2_675_000);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut receipts = specimen.receipts();
        change(&mut receipts);
        folder_of(2_675_000, &specimen.block(), Some(&receipts))
    };
    let logged = |r: &mut Value| {
        let receipts = r.as_array_mut().unwrap();
        receipts.iter().position(|r| !r["logs"].as_array().unwrap().is_empty()).unwrap()
    };
    let bent = with(&|r| {
        let at = logged(r);
        bend(&mut r[at]["logs"][0]["address"]);
    });
    expect!["bloom of the logs is 0xeeab29d625ed0af5e9ae4bd22f52509a3ec807e2aec8390a29a9e01fc48a1485 (by its keccak), the header commits to 0xe0f6557157b655146656d7dcbcb778976f112c3835ad46e46e3dc949bad4da58 (by its keccak)"].assert_eq(&refusal(&bent).await);
    let bent = with(&|r| {
        let last = r.as_array().unwrap().len() - 1;
        bend(&mut r[last]["cumulativeGasUsed"]);
    });
    expect!["gas of receipts 0 to 14 adds up to 1312529, the receipt says 1312528"]
        .assert_eq(&refusal(&bent).await);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_the_blocks_beside_it_are_not() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    for number in ["21688509", "9068998"] {
        let (from, to) = (corpus.join("blocks").join(number), folder.path().join(number));
        fs::create_dir(&to).unwrap();
        for file in ["block.json.zst", "receipts.json.zst"] {
            fs::write(to.join(file), fs::read(from.join(file)).unwrap()).unwrap();
        }
    }
    let path = folder.path().join("9068998/receipts.json.zst");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, bytes).unwrap();
    let ended = replay(folder.path()).await;
    assert_eq!(ended.code, Some(1));
    let totals = ended.json();
    assert_eq!((&totals["refused"], &totals["blocks"]), (&json!(1), &json!(1)), "{ended:?}");
    assert!(ended.out.contains(r#""refused_block":9068998"#), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_judged_again_over_rpc_give_the_findings_of_the_live_run() {
    let mut chain = Chain::start(5).await;
    let project = Project::meridian();
    chain.declare(&project);
    project.write("routes.toml", "[[receiver]]\nname = \"log\"\nkind = \"stdout\"\njson = true\n\n[[route]]\nreceivers = [\"log\"]\n");
    let mut program = Program::run(&project);
    for attack in ["role_stolen", "parameter_pushed", "reentrant_drain", "oracle_stops"] {
        chain.everydays(3);
        chain.attack(attack);
    }
    let head = chain.everydays(2);
    program.judged(head).await;
    let live = program.stop_and_open().await;
    let of_live: BTreeSet<(String, u64)> = all_findings(&live)
        .into_iter()
        .map(|r| (r.finding.id.to_string(), r.finding.origin.block.number))
        .collect();
    assert!(of_live.len() >= 10, "{of_live:?}");

    let mut command = bellwether();
    command
        .args(["replay", "--json", "--network", "devnet", "--from", "1"])
        .args(["--to", &head.number.to_string()])
        .arg("--folder")
        .arg(project.path());
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let of_replay: BTreeSet<(String, u64)> = ended
        .out
        .lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            Some((line["finding"].as_str()?.to_owned(), line["block"].as_u64()?))
        })
        .collect();
    assert_eq!(of_replay, of_live);
    let totals = ended.json();
    assert_eq!(totals["findings"], of_live.len());
    assert_eq!(totals["alerts"], all_alerts(&live).len());
    assert_eq!((&totals["blocks"], &totals["refused"]), (&json!(head.number), &json!(0)));
    assert_eq!(totals["receipts_root_verified"], head.number);
}
