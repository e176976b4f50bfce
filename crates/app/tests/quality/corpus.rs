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

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) hash: B256,
    /// Labelled victims.
    pub(crate) victims: Protected,
    pub(crate) trace: TxTrace,
}

/// One everyday transaction that calls something.
pub(crate) struct Everyday {
    pub(crate) hash: B256,
    pub(crate) trace: TxTrace,
    pub(crate) logs: Option<Vec<Log>>,
}

pub(crate) fn unpacked(path: &Path) -> String {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    text
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
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
                labels: Value,
            }
            let Labelled { tx_hash, labels } = serde_json::from_str(line).unwrap();
            let address = |text: &Value| -> Option<Address> {
                // Some labels carry an anchor of the explorer's page.
                text.as_str()?.get(..42)?.parse().ok()
            };
            let more = labels["victims"].as_array().into_iter().flatten();
            Attack {
                name: labels["name"].as_str().unwrap_or("unnamed").to_owned(),
                hash: tx_hash,
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
        let traces = trace_file::read(&unpacked(&block.join("calltraces.json.zst"))).unwrap();
        let receipts = unpacked(&block.join("receipts.json.zst"));
        let receipts: Vec<Value> = serde_json::from_str(&receipts).unwrap();
        for (traced, receipt) in traces.into_iter().zip(receipts) {
            let receipt = receipt.to_string();
            let logs = trace_file::read_receipts(&receipt, traced.hash).unwrap();
            found.extend(of_interest(traced, Some(logs)));
        }
    }
    for (flat, _) in both_forms(folder) {
        found.extend(flat.into_iter().filter_map(|traced| of_interest(traced, None)));
    }
    found
}

fn of_interest(traced: Traced, logs: Option<Vec<Log>>) -> Option<Everyday> {
    let hash = traced.hash?;
    (traced.trace.frames.len() > 1).then_some(Everyday { hash, trace: traced.trace, logs })
}

fn blocks(folder: &Path) -> Vec<PathBuf> {
    entries(&folder.join("blocks")).into_iter().filter(|path| path.is_dir()).collect()
}

/// Transactions in all blocks, plain payments included.
pub(crate) fn transactions_in_blocks(folder: &Path) -> usize {
    let recorded = blocks(folder).into_iter().map(|block| {
        trace_file::read(&unpacked(&block.join("calltraces.json.zst"))).unwrap().len()
    });
    recorded.sum::<usize>() + both_forms(folder).iter().map(|(flat, _)| flat.len()).sum::<usize>()
}

/// Blocks recorded as flat traces, and the same as nested ones.
pub(crate) fn both_forms(folder: &Path) -> Vec<(Vec<Traced>, Vec<Traced>)> {
    let paths = entries(&folder.join("parity_blocks"));
    let is_flat = |path: &&PathBuf| !path.to_string_lossy().contains("calltraces");
    let read = |path: &PathBuf| {
        let nested = path.to_string_lossy().replace(".json.zst", ".calltraces.json.zst");
        let read = |path: &Path| trace_file::read(&unpacked(path)).unwrap();
        (read(path), read(Path::new(&nested)))
    };
    paths.iter().filter(is_flat).map(read).collect()
}
