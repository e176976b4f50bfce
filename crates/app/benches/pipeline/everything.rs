//! Every detector at once: a full block, more and more labels, and what all of it remembers.

use std::{collections::BTreeMap, process::Command, sync::Arc, time::Duration};

use chain::Prove;
use cpu_time::ThreadTime;
use detect::{Engine, MonitorSpec, RuleSpec, detectors};
use model::{
    BlockBundle, ChainEvent, Frame, FrameKind, Name, Position, StateEntry, StateRead, TxTrace,
    UnixSeconds,
};
use registry::Registry;

use crate::{
    blocks::{Blocks, bundle, network},
    cpu::{BEGIN_S, answers},
    mix,
    resident::status_mb,
    table::{Sample, Table},
};

/// Contracts of the goal, and logs and milliseconds of its block.
const CONTRACTS: usize = 200;
const BLOCK_LOGS: f64 = 500.0;
const BLOCK_MS_MAX: f64 = 5.0;

/// Labels: few and many, and most that the many may cost as a multiple of the few.
const LABELS_FEW: u64 = 1_000;
const LABELS_MANY: u64 = 1_000_000;
const LABELS_RATIO_MAX: f64 = 1.2;

/// What is remembered at the goal: series, paths, and most that it may take, in MB.
const SERIES: u64 = 10_000;
const PATHS: u64 = 1_000_000;
const STATE_MB_MAX: f64 = 1_000.0;

/// Runs this program as the process whose memory is measured.
pub(super) const CHILD: &str = "--state-child";

pub(super) fn measure(blocks: &Blocks, repeats: usize, table: &mut Table) {
    let busy = busiest(blocks);
    full_block(&busy, repeats, table);
    labels(&busy, repeats, table);
    state(table);
}

/// Blocks with about as many logs as the goal speaks of.
fn busiest(blocks: &Blocks) -> Vec<BlockBundle> {
    let mut least = 300;
    let mut busy = blocks.with_logs(least);
    while busy.is_empty() {
        least /= 2;
        busy = blocks.with_logs(least);
    }
    busy.into_iter().map(|block| bundle(block, true, &Prove::nothing())).collect()
}

fn logs(bundles: &[BlockBundle]) -> f64 {
    let logs =
        |bundle: &BlockBundle| bundle.transactions.iter().map(|tx| tx.logs.len()).sum::<usize>();
    bundles.iter().map(logs).sum::<usize>() as f64 / bundles.len() as f64
}

/// A monitor of each detector on every contract, and the detectors that need more than contracts to
/// be declared.
fn all_monitors(registry: &Arc<Registry>) -> (Vec<MonitorSpec>, Vec<&'static str>) {
    let (mut monitors, mut left_out) = (Vec::new(), Vec::new());
    for (n, detector) in detectors::ALL.iter().enumerate() {
        let id = detector.spec().id;
        let on_all = mix::detector_on(n, id, registry);
        let anywhere = mix::detector_on_nothing(n, id);
        let fits = |spec: &MonitorSpec| Engine::new(registry.clone(), vec![spec.clone()]).is_ok();
        match [on_all, anywhere].into_iter().find(fits) {
            Some(spec) => monitors.push(spec),
            None => left_out.push(id),
        }
    }
    (monitors, left_out)
}

/// An engine with the answers to its reads and the number of its next block.
struct Watch {
    engine: Engine,
    reads: Arc<[StateRead]>,
    next: u64,
    /// Rows and bytes that were written, by kind of state.
    written: BTreeMap<u8, (u64, u64)>,
}

impl Watch {
    fn new(registry: &Arc<Registry>, monitors: Vec<MonitorSpec>) -> Self {
        let engine = Engine::new(registry.clone(), monitors).unwrap();
        let reads = answers(&engine);
        Self { engine, reads, next: 1, written: BTreeMap::new() }
    }

    /// CPU time of judging the blocks, and of nothing else.
    fn judge(&mut self, bundles: &[BlockBundle]) -> Duration {
        let mut spent = Duration::ZERO;
        for bundle in bundles {
            let number = self.next;
            self.next += 1;
            let mut bundle = bundle.clone();
            bundle.header.number = number;
            bundle.header.timestamp = UnixSeconds(BEGIN_S + 12 * number);
            bundle.reads = self.reads.to_vec();
            let event = ChainEvent::Committed(Arc::new(bundle));
            let start = ThreadTime::now();
            let judgement = self.engine.apply(Position(number), &event);
            spent += start.elapsed();
            for StateEntry { key, value } in &judgement.state.entries {
                let (rows, bytes) = self.written.entry(key[0]).or_default();
                *rows += 1;
                *bytes += value.as_ref().map_or(0, Vec::len) as u64;
            }
        }
        spent
    }

    /// What a block writes most of, by the number of the kind in `state/kinds.rs`.
    fn written_most(&self) -> Vec<String> {
        let blocks = self.next - 1;
        let mut all: Vec<(u8, u64, u64)> =
            self.written.iter().map(|(kind, (rows, bytes))| (*kind, *rows, *bytes)).collect();
        all.sort_by_key(|(.., bytes)| std::cmp::Reverse(*bytes));
        let line = |(kind, rows, bytes): (u8, u64, u64)| {
            format!("kind {kind} {} rows {} bytes", rows / blocks, bytes / blocks)
        };
        all.into_iter().take(DEAREST).map(line).collect()
    }
}

fn full_block(busy: &[BlockBundle], repeats: usize, table: &mut Table) {
    let registry = mix::registry_of(busy, CONTRACTS, LABELS_FEW);
    let (monitors, left_out) = all_monitors(&registry);
    let count = monitors.len();
    let (mut all, mut none) = (Watch::new(&registry, monitors), Watch::new(&registry, Vec::new()));
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..=repeats {
        let times = (all.judge(busy), none.judge(busy));
        if round > 0 {
            with.push(times.0);
            without.push(times.1);
        }
    }
    table.heading(&format!(
        "judging alone with call traces, CPU per block, {} blocks with {:.0} logs on average",
        busy.len(),
        logs(busy)
    ));
    let scale = BLOCK_LOGS / logs(busy);
    let scaled: Vec<Duration> = with.iter().map(|time| time.mul_f64(scale)).collect();
    table.row("no monitors", &Sample::per_block(&without, busy.len()), "ms");
    table.row(&format!("{count} detectors"), &Sample::per_block(&with, busy.len()), "ms");
    let label = format!("{count} detectors, {CONTRACTS} contracts, scaled to 500 logs");
    table.goal(&label, &Sample::per_block(&scaled, busy.len()), "ms", BLOCK_MS_MAX);
    table.note(&format!("the dearest alone: {}", dearest(&registry, busy).join(", ")));
    table.note(&format!("written per block: {}", all.written_most().join(", ")));
    if !left_out.is_empty() {
        table.note(&format!("not among them, for want of what they need: {}", left_out.join(", ")));
    }
}

/// Detectors that cost most by themselves, beyond what no monitor costs, with their ms per block.
fn dearest(registry: &Arc<Registry>, busy: &[BlockBundle]) -> Vec<String> {
    let alone = |monitors: Vec<MonitorSpec>| {
        let mut watch = Watch::new(registry, monitors);
        // The first round meets everything for the first time.
        watch.judge(busy);
        watch.judge(busy).as_secs_f64() * 1e3 / busy.len() as f64
    };
    let floor = alone(Vec::new());
    let mut costs: Vec<(f64, String)> = all_monitors(registry)
        .0
        .into_iter()
        .filter_map(|spec| match &spec.rule {
            RuleSpec::Detector { id, .. } => Some((id.clone(), spec)),
            RuleSpec::Expression { .. } => None,
        })
        .map(|(id, spec)| (alone(vec![spec]) - floor, id))
        .collect();
    costs.sort_by(|a, b| b.0.total_cmp(&a.0));
    costs.into_iter().take(DEAREST).map(|(ms, id)| format!("{id} {ms:.2} ms")).collect()
}

/// Detectors named as the dearest.
const DEAREST: usize = 8;

fn labels(busy: &[BlockBundle], repeats: usize, table: &mut Table) {
    let mut watches = [LABELS_FEW, LABELS_MANY].map(|count| {
        let registry = mix::registry_of(busy, CONTRACTS, count);
        let (monitors, _) = all_monitors(&registry);
        Watch::new(&registry, monitors)
    });
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=repeats {
        for (watch, times) in watches.iter_mut().zip(&mut times) {
            let spent = watch.judge(busy);
            if round > 0 {
                times.push(spent);
            }
        }
    }
    table.heading("judging alone, by the number of labelled addresses");
    for (times, count) in times.iter().zip([LABELS_FEW, LABELS_MANY]) {
        table.row(&format!("{count} labels"), &Sample::per_block(times, busy.len()), "ms");
    }
    let ratio = Sample::ratios(&times[1], &times[0]);
    table.goal("1,000,000 over 1,000", &ratio, "x", LABELS_RATIO_MAX);
}

fn state(table: &mut Table) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg(CHILD).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [before_mb, after_mb, rows] = figures[..] else { panic!("{text}") };
    table.heading("what is remembered, in a process of its own");
    let label = format!("{SERIES} functions with telemetry, {PATHS} paths");
    table.single(&label, after_mb - before_mb, "MB", STATE_MB_MAX, STATE_MB_MAX);
    table.note(&format!(
        "{rows:.0} rows; without the journal by which the newest blocks can be undone, which \
         grows with what those touched"
    ));
}

/// What the process of [`state`] does: watches one function until everything is learned of it, and
/// then remembers as much of so many.
pub(super) fn child() {
    let registry = mix::registry_of(&[], 1, 1);
    let ids = [
        "telemetry/gas_unusual",
        "telemetry/failed_calls_rise",
        "telemetry/call_rate_unusual",
        "flow/unusual_code_path",
    ];
    let monitors: Vec<MonitorSpec> =
        ids.iter().enumerate().map(|(n, id)| mix::detector_on(n, id, &registry)).collect();
    let mut engine = Engine::new(registry.clone(), monitors).unwrap();
    let contract = registry.deployments()[0].address;
    for minute in 0..400 {
        let event = ChainEvent::Committed(Arc::new(called(contract, minute)));
        engine.apply(Position(minute), &event);
    }
    let learned = engine.state(&network());
    drop(engine);
    let monitors = ids.iter().enumerate().map(|(n, id)| mix::detector_on(n, id, &registry));
    let mut engine = Engine::new(registry.clone(), monitors.collect()).unwrap();
    let before_mb = status_mb("VmRSS");
    let of_contract = |key: &[u8]| key.windows(20).position(|part| part == contract.as_slice());
    let mut rows = 0_u64;
    let multiplied = learned.iter().flat_map(|entry| {
        let of = of_contract(&entry.key);
        // A path ends in its fingerprint and names no contract.
        let is_path = entry.key.len() == 1 + 16 + 8;
        let count = if is_path { PATHS } else { SERIES };
        let count = if is_path || of.is_some() { count } else { 1 };
        (0..count).map(move |n| {
            let StateEntry { mut key, value } = entry.clone();
            let place = of.map_or(key.len().saturating_sub(8), |at| at + 12);
            if count > 1 {
                key[place..place + 8].copy_from_slice(&n.to_be_bytes());
            }
            StateEntry { key, value }
        })
    });
    let counted = multiplied.inspect(|_| rows += 1);
    engine.restore(&network(), counted, []).unwrap();
    println!("{before_mb} {} {rows}", status_mb("VmRSS"));
}

/// A block in which somebody calls a contract several times.
fn called(contract: model::Address, minute: u64) -> BlockBundle {
    let sender = model::Address::repeat_byte(9);
    let word = |n: u64| alloy_primitives::keccak256(n.to_be_bytes());
    // `balanceOf` changes nothing and would be no path.
    let input = model::Bytes::from_static(&[0x2e, 0x1a, 0x7d, 0x4d]);
    let transactions: Vec<model::Transaction> = (0..8)
        .map(|index| model::Transaction {
            hash: word(minute * 8 + u64::from(index)),
            index,
            kind: 2,
            from: sender,
            to: Some(contract),
            nonce: minute,
            value: Default::default(),
            input: input.clone(),
            gas_limit: 100_000,
            gas_used: 60_000 + (minute * 7_919 + u64::from(index) * 104_729) % 5_000,
            effective_gas_price: Default::default(),
            status: model::TxStatus::Success,
            created: None,
            logs: Vec::new(),
        })
        .collect();
    let trace = |tx: &model::Transaction| TxTrace {
        frames: vec![Frame {
            parent: None,
            depth: 0,
            kind: FrameKind::Call,
            from: sender,
            to: Some(contract),
            value: Default::default(),
            gas_used: tx.gas_used,
            input: tx.input.clone(),
            output: Default::default(),
            error: None,
        }],
    };
    let proven = || model::Proven::Yes;
    BlockBundle {
        network: network(),
        endpoint: Name::new("bench").unwrap(),
        header: model::Header {
            number: minute + 1,
            hash: word((1 << 40) | (minute + 1)),
            parent_hash: word(1 << 40 | minute),
            timestamp: UnixSeconds(BEGIN_S + 300 * minute),
            beneficiary: Default::default(),
            base_fee_per_gas: None,
            gas_used: 0,
            gas_limit: 30_000_000,
            logs_bloom: Default::default(),
            receipts_root: Default::default(),
            transactions_root: Default::default(),
            state_root: Default::default(),
        },
        traces: Some(transactions.iter().map(trace).collect()),
        transactions,
        reads: Vec::new(),
        proof: model::Proof {
            header: proven(),
            transactions: proven(),
            senders: proven(),
            bloom: proven(),
            receipts: proven(),
        },
        traced_by: model::TraceSource::default(),
    }
}
