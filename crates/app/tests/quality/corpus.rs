//! Attacks and everyday transactions, as recorded.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use bellwether::trace_file::{self, Traced};
use detect::trace::Protected;
use model::{Log, TxTrace};
use serde_json::Value;

use crate::prices::Moment;

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) hash: B256,
    /// What it exploited, as labelled, where it is.
    pub(crate) kind: Option<String>,
    pub(crate) moment: Moment,
    /// Labelled victims.
    pub(crate) victims: Protected,
    pub(crate) trace: TxTrace,
}

/// One everyday transaction that calls something.
pub(crate) struct Everyday {
    pub(crate) hash: B256,
    pub(crate) moment: Moment,
    pub(crate) trace: TxTrace,
    pub(crate) logs: Option<Vec<Log>>,
}

fn unpacked(path: &Path) -> String {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

pub(crate) fn attacks(folder: &Path) -> Vec<Attack> {
    let text = unpacked(&folder.join("exploits/attack_traces.jsonl.zst"));
    text.lines()
        .map(|line| {
            let traced = trace_file::read(line).unwrap().pop().unwrap();
            #[derive(serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Labelled {
                tx_hash: B256,
                chain_id: u64,
                labels: Value,
            }
            let Labelled { tx_hash, chain_id, labels } = serde_json::from_str(line).unwrap();
            let address = |text: &Value| -> Option<Address> {
                // Some labels carry an anchor of the explorer's page.
                text.as_str()?.get(..42)?.parse().ok()
            };
            let year = labels["date"].as_str().and_then(|date| date.get(..4)?.parse().ok());
            let more = labels["victims"].as_array().into_iter().flatten();
            Attack {
                name: labels["name"].as_str().unwrap_or("unnamed").to_owned(),
                hash: tx_hash,
                kind: labels["attackType"].as_str().map(str::to_owned),
                moment: Moment { chain: chain_id, year: year.unwrap_or(2022) },
                victims: more.chain([&labels["victim"]]).filter_map(address).collect(),
                trace: traced.trace,
            }
        })
        .collect()
}

/// The mainnet blocks with their logs, then the blocks of flat traces without.
pub(crate) fn everyday(folder: &Path) -> Vec<Everyday> {
    let mut found = Vec::new();
    for block in blocks(folder) {
        let moment = Moment::mainnet(number(&block));
        let traces = trace_file::read(&unpacked(&block.join("calltraces.json.zst"))).unwrap();
        let receipts = unpacked(&block.join("receipts.json.zst"));
        let receipts: Vec<Value> = serde_json::from_str(&receipts).unwrap();
        for (traced, receipt) in traces.into_iter().zip(receipts) {
            let receipt = receipt.to_string();
            let logs = trace_file::read_receipts(&receipt, traced.hash).unwrap();
            found.extend(of_interest(traced, moment, Some(logs)));
        }
    }
    for (number, flat, _) in both_forms(folder) {
        let moment = Moment::mainnet(number);
        found.extend(flat.into_iter().filter_map(|traced| of_interest(traced, moment, None)));
    }
    found
}

fn of_interest(traced: Traced, moment: Moment, logs: Option<Vec<Log>>) -> Option<Everyday> {
    let hash = traced.hash?;
    let trace = traced.trace;
    (trace.frames.len() > 1).then_some(Everyday { hash, moment, trace, logs })
}

/// The number that a file or folder of a block is named by.
fn number(path: &Path) -> u64 {
    let name = path.file_name().unwrap().to_string_lossy();
    name.split('.').next().unwrap().parse().unwrap()
}

fn blocks(folder: &Path) -> Vec<PathBuf> {
    entries(&folder.join("blocks")).into_iter().filter(|path| path.is_dir()).collect()
}

/// How many blocks there are.
pub(crate) fn blocks_count(folder: &Path) -> usize {
    let flat = entries(&folder.join("parity_blocks"));
    blocks(folder).len() + flat.len() / 2
}

/// Transactions in all blocks, plain payments included.
pub(crate) fn transactions_in_blocks(folder: &Path) -> usize {
    let recorded = blocks(folder).into_iter().map(|block| {
        trace_file::read(&unpacked(&block.join("calltraces.json.zst"))).unwrap().len()
    });
    recorded.sum::<usize>()
        + both_forms(folder).iter().map(|(_, flat, _)| flat.len()).sum::<usize>()
}

/// Numbers of blocks, recorded as flat traces, and the same as nested ones.
pub(crate) fn both_forms(folder: &Path) -> Vec<(u64, Vec<Traced>, Vec<Traced>)> {
    let paths = entries(&folder.join("parity_blocks"));
    let is_flat = |path: &&PathBuf| !path.to_string_lossy().contains("calltraces");
    let read = |path: &PathBuf| {
        let nested = path.to_string_lossy().replace(".json.zst", ".calltraces.json.zst");
        let read = |path: &Path| trace_file::read(&unpacked(path)).unwrap();
        (number(path), read(path), read(Path::new(&nested)))
    };
    paths.iter().filter(is_flat).map(read).collect()
}
