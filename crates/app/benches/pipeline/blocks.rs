//! The blocks that everything is measured on.

use std::path::PathBuf;

use chain::{
    Prove, Totals, assemble,
    recorded::{RecordedBlock, RecordedTraces, Recording},
};
use evm::{
    devnet::Devnet,
    meridian::{Meridian, Traffic},
};
use model::{BlockBundle, Name};
use serde_json::{Value, json, value::RawValue};

/// Blocks that the devnet makes when there is no recording.
const MADE_BLOCKS: usize = 60;
/// Transactions of each of them.
const MADE_TRANSACTIONS: usize = 12;

pub(super) struct Blocks {
    pub(super) all: Vec<RecordedBlock>,
    source: String,
}

impl Blocks {
    pub(super) fn load() -> Self {
        match std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from) {
            Some(folder) => {
                let recording = Recording::open(&folder).unwrap();
                let all = recording.blocks().map(|(_, block)| block.unwrap()).collect();
                Self { all, source: format!("recorded in {}", folder.display()) }
            }
            None => {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let all = runtime.block_on(make(MADE_BLOCKS, MADE_TRANSACTIONS));
                let source = "SYNTHETIC: made by the devnet, because BELLWETHER_CORPUS is not set";
                Self { all, source: source.to_owned() }
            }
        }
    }

    /// What they are.
    pub(super) fn title(&self) -> String {
        let mut totals = Totals::default();
        let mut bytes = 0;
        for block in &self.all {
            totals += Totals::of(&bundle(block, false, &Prove::nothing()));
            bytes += block.block.len() + block.receipts.as_ref().map_or(0, Vec::len);
        }
        let per_block = |n: u64| n as f64 / totals.blocks as f64;
        format!(
            "{} blocks, {}\nper block: {:.0} kB of block and receipts, {:.0} transactions, {:.0} logs",
            totals.blocks,
            self.source,
            bytes as f64 / 1e3 / totals.blocks as f64,
            per_block(totals.transactions),
            per_block(totals.logs),
        )
    }

    /// Those with at least so many logs.
    pub(super) fn with_logs(&self, least: u64) -> Vec<&RecordedBlock> {
        let logs =
            |block: &RecordedBlock| Totals::of(&bundle(block, false, &Prove::nothing())).logs;
        self.all.iter().filter(|block| logs(block) >= least).collect()
    }
}

/// The name of the network that recorded blocks are judged on.
pub(super) fn network() -> Name {
    Name::new("bench").unwrap()
}

/// A block, parsed and put together.
pub(super) fn bundle(block: &RecordedBlock, with_traces: bool, prove: &Prove) -> BlockBundle {
    let mut raw = block.raw().unwrap();
    if !with_traces {
        raw.traces = None;
    }
    let name = network();
    assemble(&name, &name, raw, prove).unwrap()
}

/// Blocks of Meridian's everyday traffic, as a node gives them.
pub(super) async fn make(count: usize, transactions: usize) -> Vec<RecordedBlock> {
    let devnet = Devnet::new(Meridian::devnet_config());
    let meridian = Meridian::deploy(&devnet).unwrap();
    let mut traffic = Traffic::new(7);
    let endpoint = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    // Nothing is encrypted on loopback, but a client wants to know how it would be.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::new();
    let mut blocks = Vec::new();
    for _ in 0..count {
        for _ in 0..transactions {
            traffic.submit(&devnet, &meridian).unwrap();
        }
        let number = devnet.mine().unwrap().number;
        let at = format!("{number:#x}");
        let ask = |method: &'static str, params: Value| {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let request = client.post(endpoint.url()).json(&body);
            async move { result(&request.send().await.unwrap().text().await.unwrap()) }
        };
        let tracer = json!({"tracer": "callTracer"});
        blocks.push(RecordedBlock {
            number,
            block: ask("eth_getBlockByNumber", json!([at, true])).await,
            receipts: Some(ask("eth_getBlockReceipts", json!([at])).await),
            traces: Some(RecordedTraces::CallTracer(
                ask("debug_traceBlockByNumber", json!([at, tracer])).await,
            )),
        });
    }
    blocks
}

fn result(answer: &str) -> Vec<u8> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: &'a RawValue,
    }
    serde_json::from_str::<Answer<'_>>(answer).unwrap().result.get().as_bytes().to_vec()
}
