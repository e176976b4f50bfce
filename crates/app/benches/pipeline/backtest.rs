//! Backtest at level 0: blocks of one protocol from a store, judged by many monitors, in CPU time of
//! the whole process.

use std::{fs, path::Path, sync::Arc};

use bellwether::{
    backtest::{self, Request},
    config::{Config, Folder, Missing},
    replay::Source,
};
use chain::Prove;
use cpu_time::ProcessTime;
use model::{B256, BlockBundle, ChainEvent, Name, UnixSeconds};
use store::{EventLog, Store};

use crate::{
    blocks::{bundle, make},
    table::{Sample, Table},
};

/// Most CPU time of a block in ms: 2,000 blocks a second.
const BLOCK_MS_MAX: f64 = 0.5;

/// Blocks that are judged: most of a day of mainnet.
const BLOCKS: u64 = 6_000;
/// Blocks that the devnet makes; they come again and again, each as if it followed the one before.
const MADE: usize = 100;
/// Transactions of the protocol in each.
const TRANSACTIONS: usize = 3;
/// Runs.
const REPEATS: usize = 3;

pub(super) fn measure(table: &mut Table) {
    table.heading("backtest at level 0, one protocol's blocks from a store");
    let folder = tempfile::tempdir().unwrap();
    copy(&examples(), folder.path());
    let config = Config::load(&Folder::new(folder.path()), Missing::IsFine).unwrap();
    let network = Name::new("devnet").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bundles = runtime.block_on(blocks(&network));
    let transactions: usize = bundles.iter().map(|bundle| bundle.transactions.len()).sum();
    let store = Store::open(folder.path().join("blocks.db")).unwrap();
    for chunk in 0..BLOCKS / 100 {
        let events = (chunk * 100..chunk * 100 + 100).map(|number| {
            let mut bundle = bundles[number as usize % bundles.len()].clone();
            bundle.header.number = number + 1;
            bundle.header.hash = hash(number + 1);
            bundle.header.parent_hash = hash(number);
            bundle.header.timestamp = UnixSeconds(1_700_000_000 + 12 * number);
            ChainEvent::Committed(Arc::new(bundle))
        });
        store.event_log().append(&network, &events.collect::<Vec<_>>()).unwrap();
    }
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let source = Source::stored(&store, network.clone()).unwrap();
        let request = Request { workers: 2, first_alerts: 0 };
        let began = ProcessTime::now();
        let reports = runtime.block_on(backtest::run(&[&config], source, request, |_| ())).unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3 / BLOCKS as f64);
        assert_eq!(reports[0].covered.blocks, BLOCKS);
    }
    table.note(&format!(
        "{BLOCKS} blocks, {:.1} transactions each, {} monitors, {} contracts",
        transactions as f64 / bundles.len() as f64,
        config.monitors.len(),
        config.registry.deployments().len()
    ));
    table.note(
        "blocks hold no state reads: monitors that need one are blind, and cost next to nothing",
    );
    table.goal("CPU of all threads per block", &Sample::new(times), "ms", BLOCK_MS_MAX);
}

fn hash(number: u64) -> B256 {
    let mut hash = B256::ZERO;
    hash[24..].copy_from_slice(&number.to_be_bytes());
    hash
}

/// Blocks with a few of the protocol's transactions each, without traces.
async fn blocks(network: &Name) -> Vec<BlockBundle> {
    let made = make(MADE, TRANSACTIONS).await;
    let of_network = |block| {
        let mut bundle = bundle(block, false, &Prove::nothing());
        bundle.network = network.clone();
        bundle
    };
    made.iter().map(of_network).collect()
}

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/meridian")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
            let text = text.replace("../../contracts/artifacts", &artifacts.display().to_string());
            fs::write(target, text).unwrap();
        }
    }
}
