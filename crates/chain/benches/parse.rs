//! CPU time per block from JSON to a verified bundle, beside the floor: merely parsing the same
//! JSON into borrowed strings.
//!
//! `BELLWETHER_CORPUS=… cargo bench -p bellwether-chain --bench parse [-- REPEATS]`
//!
//! Times are of this thread's CPU clock. Each repeat goes over all blocks with each step in turn,
//! so that a slow moment of the machine hits all steps alike; printed are the fastest, the middle
//! and the slowest repeat.

use std::{hint::black_box, path::PathBuf, time::Duration};

use bellwether_chain::{
    Prove, RawBlock, Totals, assemble,
    recorded::{RecordedBlock, Recording},
    wire::is_nested_at_most,
};
use cpu_time::ThreadTime;
use model::Name;
use serde::Deserialize;

/// What judging needs of a block, as borrowed text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Block<'a> {
    hash: &'a str,
    parent_hash: &'a str,
    number: &'a str,
    timestamp: &'a str,
    miner: &'a str,
    gas_used: &'a str,
    gas_limit: &'a str,
    base_fee_per_gas: Option<&'a str>,
    logs_bloom: &'a str,
    receipts_root: &'a str,
    transactions_root: &'a str,
    state_root: &'a str,
    #[serde(borrow)]
    transactions: Vec<Transaction<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsed to be timed")]
struct Transaction<'a> {
    hash: &'a str,
    from: &'a str,
    to: Option<&'a str>,
    nonce: &'a str,
    value: &'a str,
    gas: &'a str,
    input: &'a str,
    r#type: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Receipt<'a> {
    transaction_hash: &'a str,
    status: Option<&'a str>,
    gas_used: &'a str,
    effective_gas_price: &'a str,
    contract_address: Option<&'a str>,
    #[serde(borrow)]
    logs: Vec<Log<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed to be timed")]
struct Log<'a> {
    address: &'a str,
    #[serde(borrow)]
    topics: Vec<&'a str>,
    data: &'a str,
    log_index: &'a str,
}

fn main() {
    let Some(corpus) = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from) else {
        println!("skipped: BELLWETHER_CORPUS is not set");
        return;
    };
    let repeats = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let recording = Recording::open(&corpus).expect("the corpus is readable");
    let blocks: Vec<RecordedBlock> =
        recording.blocks().map(|(_, block)| block.expect("the block is readable")).collect();
    let busy: Vec<RecordedBlock> = blocks.iter().filter(is_busy).cloned().collect();
    report("all blocks", &blocks, repeats);
    report("blocks with 300 logs or more", &busy, repeats);
}

fn is_busy(block: &&RecordedBlock) -> bool {
    let name = Name::new("bench").expect("a slug");
    let raw = block.raw().expect("receipts are recorded");
    let prove = Prove::nothing().on_chain(1);
    let bundle = assemble(&name, &name, raw, &prove).expect("the corpus is true");
    Totals::of(&bundle).logs >= 300
}

/// What is timed, with its label.
type Step<'a> = (&'static str, &'a dyn Fn(RawBlock<'_>));

fn report(title: &str, blocks: &[RecordedBlock], repeats: usize) {
    let name = Name::new("bench").expect("a slug");
    let nothing = Prove::nothing().on_chain(1);
    let roots = Prove { senders: false, ..Prove::everything() }.on_chain(1);
    let bloom = Prove { bloom: true, ..nothing.clone() };
    let receipts = Prove { bloom: true, receipts: true, ..nothing.clone() };
    let senders = Prove::everything().on_chain(1);
    let run = |raw: RawBlock<'_>, prove: &Prove| {
        black_box(assemble(&name, &name, raw, prove).expect("the corpus is true"));
    };
    let steps: [Step<'_>; 9] = [
        ("nesting scan alone", &|raw| {
            black_box(is_nested_at_most(raw.block, 64) && is_nested_at_most(raw.receipts, 64));
        }),
        ("(a) parse into borrowed text", &|raw| {
            black_box(sonic_rs::from_slice::<Block<'_>>(raw.block).expect("JSON"));
            black_box(sonic_rs::from_slice::<Vec<Receipt<'_>>>(raw.receipts).expect("JSON"));
        }),
        ("(b) assemble, no proof", &|raw| run(RawBlock { traces: None, ..raw }, &nothing)),
        ("    with bloom", &|raw| run(RawBlock { traces: None, ..raw }, &bloom)),
        ("    with bloom, receipts root", &|raw| run(RawBlock { traces: None, ..raw }, &receipts)),
        ("(c) with bloom, roots, hashes", &|raw| run(RawBlock { traces: None, ..raw }, &roots)),
        ("(d) and senders", &|raw| run(RawBlock { traces: None, ..raw }, &senders)),
        ("    traces: JSON to nothing", &|raw| {
            if let Some(bellwether_chain::RawTraces::CallTracer(body)) = raw.traces {
                black_box(sonic_rs::from_slice::<serde::de::IgnoredAny>(body).expect("JSON"));
            }
        }),
        ("    (b) with traces", &|raw| run(raw, &nothing)),
    ];

    let mut totals = Totals::default();
    let mut bytes = 0;
    for block in blocks {
        let raw = block.raw().expect("receipts are recorded");
        totals += Totals::of(&assemble(&name, &name, raw, &nothing).expect("the corpus is true"));
        bytes += raw.block.len() + raw.receipts.len();
    }
    let count = blocks.len() as f64;
    println!(
        "\n{title}: {} blocks, per block {:.0} kB, {:.0} transactions, {:.0} logs; {repeats} repeats",
        totals.blocks,
        bytes as f64 / 1e3 / count,
        totals.transactions as f64 / count,
        totals.logs as f64 / count,
    );
    let mut times: [Vec<Duration>; 9] = Default::default();
    for _ in 0..repeats {
        for ((_, step), times) in steps.iter().zip(&mut times) {
            let start = ThreadTime::now();
            for block in blocks {
                step(block.raw().expect("receipts are recorded"));
            }
            times.push(start.elapsed());
        }
    }
    println!("{:34} {:>9} {:>9} {:>9}   ms CPU per block", "", "fastest", "middle", "slowest");
    for ((label, _), mut times) in steps.iter().zip(times) {
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3 / count;
        let (fastest, middle, slowest) =
            (ms(times[0]), ms(times[times.len() / 2]), ms(times[times.len() - 1]));
        println!("{label:34} {fastest:9.3} {middle:9.3} {slowest:9.3}");
    }
}
