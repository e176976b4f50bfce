//! What a durable step costs here: `cargo run --release -p bellwether-store --example commit_cost [DIRECTORY]`.
//!
//! The same steps (one block with 2 findings and 100 points each) are committed to a file, one and
//! ten a transaction, and to memory; the difference is what waiting for the disk costs.

use std::{sync::Arc, time::Instant};

use bellwether_store::{BlockSamples, Step, Store, StoreError};
use model::{
    Anchor, B256, BlockCoverage, BlockRef, Confidence, CoverageResult, Evidence, Finding,
    FindingId, Name, Origin, Position, Sample, SeriesKey, Severity, UnixSeconds,
};

const STEPS: u64 = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = match std::env::args().nth(1) {
        Some(path) => tempfile::tempdir_in(path)?,
        None => tempfile::tempdir()?,
    };
    let network = Name::new("mainnet")?;
    let steps: Vec<Step> = (0..STEPS).map(|i| step(&network, i)).collect::<Result<_, _>>()?;
    measure("file, 1 step a commit", &Store::open(directory.path().join("1.db"))?, &steps, 1)?;
    measure("file, 10 steps a commit", &Store::open(directory.path().join("10.db"))?, &steps, 10)?;
    measure("memory, 1 step a commit", &Store::in_memory()?, &steps, 1)?;
    Ok(())
}

fn measure(what: &str, store: &Store, steps: &[Step], batch: usize) -> Result<(), StoreError> {
    let began = Instant::now();
    let mut slowest_ms = 0.0_f64;
    for batch in steps.chunks(batch) {
        let one = Instant::now();
        store.commit_all(batch)?;
        slowest_ms = slowest_ms.max(one.elapsed().as_secs_f64() * 1e3);
    }
    let commits = steps.len().div_ceil(batch) as f64;
    let mean_ms = began.elapsed().as_secs_f64() * 1e3 / commits;
    println!("{what:24} mean {mean_ms:6.2} ms a commit, slowest {slowest_ms:6.2} ms");
    Ok(())
}

fn step(network: &Name, i: u64) -> Result<Step, model::NameError> {
    let monitor = Name::new("large-withdrawal")?;
    let block = BlockRef { number: i, hash: hash(i) };
    let at = UnixSeconds(1_700_000_000 + i * 12);
    let finding = |ordinal| Finding {
        id: FindingId::derive(&monitor, 1, network, &Anchor::Log { tx: hash(i), ordinal }, ""),
        detector: "expression".into(),
        monitor: monitor.clone(),
        version: 1,
        network: network.clone(),
        deployment: None,
        address: None,
        severity: Severity::High,
        confidence: Confidence::Proven,
        title: "a withdrawal of a fifth of the vault".into(),
        origin: Origin { block, timestamp: at, tx: Some(hash(i)), log_index: None, frame: None },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    };
    let series = |n: u64| Arc::new(SeriesKey::new("calls", [("contract", n.to_string())]));
    let samples = (0..100).map(|n| Sample { series: series(n), at, value: (i * n) as f64 });
    let mut step = Step::new(network.clone(), Position(i), Position(i + 1), 1);
    step.findings = vec![finding(0), finding(1)];
    step.samples = vec![BlockSamples { block, samples: samples.collect() }];
    step.coverage = vec![BlockCoverage {
        network: network.clone(),
        block,
        timestamp: Some(at),
        endpoint: None,
        monitors_version: 1,
        result: CoverageResult::Judged { monitors_judged: 10, blind: Vec::new() },
    }];
    Ok(step)
}

fn hash(seed: u64) -> B256 {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    B256::from(bytes)
}
