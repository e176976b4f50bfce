//! Parsing, judging and proving, in CPU time of this thread.

use std::{hint::black_box, sync::Arc, time::Duration};

use chain::{Prove, RawBlock, assemble, recorded::RecordedBlock};
use cpu_time::{ProcessTime, ThreadTime};
use detect::Engine;
use model::{BlockBundle, Bytes, ChainEvent, Name, Position, ReadRequest, StateRead, UnixSeconds};

use crate::{
    blocks::{Blocks, bundle, network},
    floor, mix,
    table::{Sample, Table},
};

/// Monitors: few, the usual, many.
const FEW: usize = 10;
const USUAL: usize = 1_000;
const MANY: usize = 10_000;

/// Most that judging may cost, as a multiple of merely parsing.
const JUDGING_RATIO_MAX: f64 = 3.0;
/// Most that many monitors may cost, as a multiple of few.
const MANY_RATIO_MAX: f64 = 1.3;
/// Most that proving roots and blooms may cost, in ms for a block of about 500 logs.
const PROVING_MS_MAX: f64 = 3.0;
/// The block that this is said of.
const PROVING_LOGS: f64 = 500.0;

pub(super) fn measure(blocks: &Blocks, repeats: usize, table: &mut Table) {
    let bundles: Vec<BlockBundle> =
        blocks.all.iter().map(|block| bundle(block, true, &Prove::nothing())).collect();
    let registry = mix::registry(&bundles);
    drop(bundles);

    for with_traces in [false, true] {
        // The floor's parser recurses; a block it cannot read has nothing to be compared with.
        let all: Vec<&RecordedBlock> = blocks
            .all
            .iter()
            .filter(|block| !with_traces || floor::reads_traces(block.raw().unwrap()))
            .collect();
        let what = if with_traces { "with call traces" } else { "blocks and receipts" };
        table.heading(&format!("CPU per block, {what}, {} blocks", all.len()));
        let mut runs: Vec<Run> =
            [FEW, USUAL, MANY].map(|count| Run::new(mix::engine(&registry, count))).into();
        judging(&all, with_traces, repeats, &mut runs, table);
    }
    proving(blocks, repeats, table);
}

/// An engine with the chain it sees: the blocks over and over as if each followed the one before by
/// twelve seconds, so that windows roll and baselines learn as they do at a head.
struct Run {
    engine: Engine,
    answers: Arc<[StateRead]>,
    next: u64,
    findings: usize,
    blind: usize,
}

/// Time of the first block.
pub(super) const BEGIN_S: u64 = 1_700_000_000;

/// What a node answers to everything that an engine reads.
pub(super) fn answers(engine: &Engine) -> Arc<[StateRead]> {
    let answer = |request: ReadRequest| {
        // A round, or a balance, that does not change.
        let word = |n: u64| alloy_primitives::U256::from(n).to_be_bytes::<32>();
        let words = match &request {
            ReadRequest::Call { .. } => {
                vec![word(7), word(200_000_000_000), word(BEGIN_S), word(BEGIN_S), word(7)]
            }
            _ => vec![word(200_000_000_000)],
        };
        StateRead { request, result: Ok(Bytes::from(words.concat())) }
    };
    engine.reads(&network()).due(0).into_iter().map(answer).collect()
}

impl Run {
    fn new(engine: Engine) -> Self {
        let answers = answers(&engine);
        Self { engine, answers, next: 1, findings: 0, blind: 0 }
    }

    /// Judges a block with the answers to its reads, which whoever fetched it put together.
    fn judge(&mut self, mut bundle: BlockBundle, reads: Vec<StateRead>) {
        let number = self.next;
        self.next += 1;
        bundle.header.number = number;
        bundle.header.timestamp = UnixSeconds(BEGIN_S + 12 * number);
        bundle.reads = reads;
        let event = ChainEvent::Committed(Arc::new(bundle));
        let judgement = self.engine.apply(Position(number), &event);
        self.findings += judgement.findings.len();
        for coverage in &judgement.coverage {
            if let model::CoverageResult::Judged { blind, .. } = &coverage.result {
                self.blind += blind.len();
            }
        }
        black_box(judgement);
    }
}

fn judging(
    blocks: &[&RecordedBlock],
    with_traces: bool,
    repeats: usize,
    runs: &mut [Run],
    table: &mut Table,
) {
    let name = network();
    let nothing = Prove::nothing().on_chain(1);
    let mut parsing = Vec::new();
    let mut assembling = Vec::new();
    let mut judging: Vec<Vec<Duration>> = vec![Vec::new(); runs.len()];
    // The first round warms caches and names of series; it is not counted.
    for round in 0..=repeats {
        let floor = timed(blocks, |raw| {
            floor::parse(raw);
            if with_traces {
                floor::parse_traces(raw);
            }
        });
        let put_together =
            timed(blocks, |raw| drop(black_box(put(&name, raw, with_traces, &nothing))));
        let judged: Vec<Duration> = runs
            .iter_mut()
            .map(|run| {
                let mut spent = Duration::ZERO;
                for block in blocks {
                    let reads = run.answers.to_vec();
                    let start = ThreadTime::now();
                    run.judge(put(&name, block.raw().unwrap(), with_traces, &nothing), reads);
                    spent += start.elapsed();
                }
                spent
            })
            .collect();
        if round > 0 {
            parsing.push(floor);
            assembling.push(put_together);
            judging.iter_mut().zip(judged).for_each(|(all, time)| all.push(time));
        }
    }
    let n = blocks.len();
    table.row("(a) parse alone (sonic-rs, borrowed)", &Sample::per_block(&parsing, n), "ms");
    table.row("(b) parse and assemble, no proofs", &Sample::per_block(&assembling, n), "ms");
    for (times, count) in judging.iter().zip([FEW, USUAL, MANY]) {
        let label = format!("(c) and judge, {count} monitors, {} contracts", mix::CONTRACTS);
        table.row(&label, &Sample::per_block(times, n), "ms");
    }
    table.row("(b) / (a)", &Sample::ratios(&assembling, &parsing), "x");
    let usual = Sample::ratios(&judging[1], &parsing);
    table.goal(&format!("(c, {USUAL}) / (a)"), &usual, "x", JUDGING_RATIO_MAX);
    let many = Sample::ratios(&judging[2], &judging[0]);
    table.goal(&format!("(c, {MANY}) / (c, {FEW})"), &many, "x", MANY_RATIO_MAX);
    let seen: Vec<String> = runs
        .iter()
        .map(|run| {
            let per_block = |n: usize| n as f64 / (run.next - 1) as f64;
            format!("{:.2} and {:.1}", per_block(run.findings), per_block(run.blind))
        })
        .collect();
    table.note(&format!("findings and blind monitors per block: {}", seen.join("; ")));
}

fn put(name: &Name, raw: RawBlock<'_>, with_traces: bool, prove: &Prove) -> BlockBundle {
    let traces = raw.traces.filter(|_| with_traces);
    assemble(name, name, RawBlock { traces, ..raw }, prove).unwrap()
}

fn timed(blocks: &[&RecordedBlock], mut step: impl FnMut(RawBlock<'_>)) -> Duration {
    let start = ThreadTime::now();
    for block in blocks {
        step(block.raw().unwrap());
    }
    start.elapsed()
}

/// Proving costs per log and per transaction, so it is said of the blocks around 500 logs, and
/// scaled to 500.
fn proving(blocks: &Blocks, repeats: usize, table: &mut Table) {
    let mut least = 300;
    let mut busy = blocks.with_logs(least);
    while busy.is_empty() {
        least /= 2;
        busy = blocks.with_logs(least);
    }
    let name = network();
    let logs: usize = busy
        .iter()
        .map(|block| bundle(block, false, &Prove::nothing()))
        .map(|bundle| bundle.transactions.iter().map(|tx| tx.logs.len()).sum::<usize>())
        .sum();
    let logs_per_block = logs as f64 / busy.len() as f64;
    table.heading(&format!(
        "proving, CPU per block, {} blocks with {least} logs or more, {logs_per_block:.0} on average",
        busy.len()
    ));
    let nothing = Prove::nothing().on_chain(1);
    let receipts = Prove { bloom: true, receipts: true, ..nothing.clone() };
    let roots = Prove { senders: false, ..Prove::everything() }.on_chain(1);
    let everything = Prove::everything().on_chain(1);
    let kinds = [&nothing, &receipts, &roots, &everything];
    let mut times: [Vec<Duration>; 4] = Default::default();
    for round in 0..=repeats {
        for (prove, times) in kinds.iter().zip(&mut times) {
            // Senders are recovered by several threads, so here the whole process counts.
            let start = ProcessTime::now();
            timed(&busy, |raw| drop(black_box(put(&name, raw, false, prove))));
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let beyond = |proven: &[Duration]| -> Vec<Duration> {
        proven.iter().zip(&times[0]).map(|(all, plain)| all.saturating_sub(*plain)).collect()
    };
    let scale = PROVING_LOGS / logs_per_block;
    let scaled: Vec<Duration> = beyond(&times[1]).iter().map(|time| time.mul_f64(scale)).collect();
    let n = busy.len();
    table.row("bloom, receipts root", &Sample::per_block(&beyond(&times[1]), n), "ms");
    table.goal(
        "bloom, receipts root, scaled to 500 logs",
        &Sample::per_block(&scaled, n),
        "ms",
        PROVING_MS_MAX,
    );
    let label = "bloom, roots, hashes of header and transactions";
    table.row(label, &Sample::per_block(&beyond(&times[2]), n), "ms");
    table.row("and senders, all threads together", &Sample::per_block(&beyond(&times[3]), n), "ms");
}
