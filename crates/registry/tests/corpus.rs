//! Real blocks and real lists. Needs the recorded corpus: `BELLWETHER_CORPUS=<folder>`.

#![allow(clippy::unwrap_used)] // everything here is a test, also what is not marked as one

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use bellwether_registry::{Category, EventAbi, LabelFile, Labels, risk};
use model::{Log, Name};
use serde_json::Value;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BELLWETHER_CORPUS is not set");
    }
    folder
}

fn text(path: &Path) -> String {
    let packed = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "zst") {
        return String::from_utf8(packed).unwrap();
    }
    let mut reader = ruzstd::decoding::StreamingDecoder::new(&packed[..]).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    text
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

fn recorded_log(log: &Value) -> Log {
    let field = |name: &str| log[name].as_str().unwrap();
    let topics = log["topics"].as_array().unwrap().iter();
    Log {
        index: u32::try_from(field("logIndex").parse::<U256>().unwrap()).unwrap(),
        address: field("address").parse().unwrap(),
        topics: topics.map(|topic| topic.as_str().unwrap().parse::<B256>().unwrap()).collect(),
        data: field("data").parse::<Bytes>().unwrap(),
    }
}

/// All logs of all recorded blocks, by block number.
fn recorded_logs(corpus: &Path) -> BTreeMap<u64, Vec<Log>> {
    let index = json(&corpus.join("blocks/index.json"));
    let blocks = index.as_array().unwrap().iter().map(|block| block["number"].as_u64().unwrap());
    let logs = |number: u64| {
        let path = corpus.join(format!("blocks/{number}/receipts.json.zst"));
        let receipts = json(&path);
        let receipts = receipts.as_array().unwrap().iter();
        receipts.flat_map(|r| r["logs"].as_array().unwrap()).map(recorded_log).collect()
    };
    blocks.map(|number| (number, logs(number))).collect()
}

#[test]
fn every_recorded_transfer_is_one_of_the_two_standards() {
    let Some(corpus) = corpus() else { return };
    let logs = recorded_logs(&corpus);
    let parse = |text: &str| EventAbi::parse(text).unwrap();
    let token = parse("Transfer(address indexed from, address indexed to, uint256 value)");
    let nft = parse("Transfer(address indexed from, address indexed to, uint256 indexed id)");
    let index = json(&corpus.join("blocks/index.json"));
    let (mut decoded, mut as_both) = (0, 0);
    let began = Instant::now();
    for log in logs.values().flatten() {
        let found = [token.decode(log).is_ok(), nft.decode(log).is_ok()];
        decoded += usize::from(found[0] || found[1]);
        as_both += usize::from(found[0] && found[1]);
    }
    eprintln!("{:?} for {} logs, tried twice", began.elapsed(), logs.values().flatten().count());
    assert_eq!(as_both, 0, "a log cannot be a transfer of both kinds");
    let of_standard = |log: &&Log| log.topic0() == token.topic0 && log.topics.len() >= 3;
    let expected = logs.values().flatten().filter(of_standard).count();
    assert_eq!(decoded, expected);
    let counted = index.as_array().unwrap().iter();
    let counted: u64 =
        counted.map(|b| b["facts"]["erc20or721TransferLogs"].as_u64().unwrap()).sum();
    // Old tokens (CryptoKitties) emit a Transfer without indexed arguments, which is neither.
    let is_old = |log: &&Log| log.topic0() == token.topic0 && log.topics.len() < 3;
    let old = logs.values().flatten().filter(is_old).count();
    assert_eq!((decoded + old) as u64, counted);
}

#[test]
fn every_recorded_control_event_is_a_risk_event_and_nothing_is_malformed() {
    let Some(corpus) = corpus() else { return };
    let logs = recorded_logs(&corpus);
    let truth = json(&corpus.join("blocks/ground_truth.json.zst"));
    let topic_of = |event: &str| truth["topics"][event]["topic0"].as_str().unwrap_or_default();
    let understood: Vec<String> =
        risk::sources().iter().filter_map(|s| s.event.topic0).map(|t| t.to_string()).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for event in truth["events"].as_array().unwrap() {
        let name = event["event"].as_str().unwrap();
        if !understood.iter().any(|topic0| topic0 == topic_of(name)) {
            continue;
        }
        let at = |key: &str| event[key].as_u64().unwrap();
        let block = &logs[&at("block")];
        let log = block.iter().find(|log| u64::from(log.index) == at("logIndex")).unwrap();
        let read = risk::read(log);
        assert!(matches!(read, Ok(Some(_))), "{name} in block {}: {read:?}", at("block"));
        *seen.entry(name).or_default() += 1;
    }
    for (name, at_least) in [("Upgraded", 2), ("RoleGranted", 5), ("OwnershipTransferred", 5)] {
        assert_eq!(seen.get(name), Some(&at_least), "{seen:?}");
    }
    for log in logs.values().flatten() {
        let read = risk::read(log);
        assert!(read.is_ok(), "{read:?} of {log:?}");
    }
}

#[test]
fn public_lists_are_read_and_find_what_they_should() {
    let Some(corpus) = corpus() else { return };
    let lists = corpus.join("lists");
    let mut builder = Labels::builder();
    let mut rejected = Vec::new();
    let mut files: Vec<PathBuf> = ["ofac", "forta", "etherscan_labels"]
        .iter()
        .flat_map(|folder| fs::read_dir(lists.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let file = path.strip_prefix(&lists).unwrap().display().to_string();
        let mut list = LabelFile::new(&file, "public");
        let text = text(&path);
        let imported = if file.ends_with(".txt") {
            list.category = Some(Category::Sanctioned);
            builder.import_text(&list, &text)
        } else if file.contains(".json") {
            builder.import_json(&list, &text)
        } else {
            list.category = Some(match () {
                () if file.contains("phishing") || file.contains("etherscan") => Category::Phishing,
                () if file.contains("false_positives") => Category::Benign,
                () => Category::Exploiter,
            });
            builder.import_csv(&list, &text)
        };
        let imported = imported.unwrap();
        eprintln!("{file}: {} labels", imported.added);
        assert!(imported.added > 0 && imported.more_rejected == 0, "{file}: {imported:?}");
        rejected.extend(imported.rejected);
    }
    // Scraped lists hold rows that are nobody's address ("No matching records found"); no row
    // that has one may be lost.
    for row in &rejected {
        assert!(!row.reason.contains("0x") && row.reason.ends_with("is no address"), "{row}");
    }
    let labels = builder.build();
    let network = Name::new("mainnet").unwrap();
    let hits = json(&corpus.join("blocks/known_bad_hits.json"));
    let on_a_list = |hit: &&Value| {
        hit["lists"].as_array().unwrap().iter().any(|list| list == "ofac" || list == "forta")
    };
    let mut found = 0;
    for hit in hits.as_array().unwrap().iter().filter(on_a_list) {
        let address: Address = hit["address"].as_str().unwrap().parse().unwrap();
        assert!(labels.of(&network, address).any(|label| label.category.is_malicious()), "{hit}");
        found += 1;
    }
    assert!(found > 0, "the corpus has no hit to find");

    let asked: Vec<Address> = (0..100_000u64)
        .map(|n| Address::from_word(alloy_primitives::keccak256(n.to_be_bytes())))
        .collect();
    let began = Instant::now();
    let labelled = asked.iter().filter(|a| labels.of(&network, **a).next().is_some()).count();
    eprintln!("{:?} for {} lookups in {} labels", began.elapsed(), asked.len(), labels.len());
    assert_eq!(labelled, 0, "hashes of numbers are nobody's address");
}
