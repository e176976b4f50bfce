//! What a large registry costs, and whether it costs what was promised.
//!
//! `cargo bench -p bellwether --bench registry`. Everything is made from a fixed seed: a folder of
//! 10,000 deployments with an ABI each, 1,000 contracts to lint, a million labels.
//!
//! CPU times are of the whole process. A goal is missed when the middle half of the repeats lies
//! beyond it; the exit code is then 1, unless `--report` asks for figures alone.
//!
//! Options, all after `--`: `--repeats N`, `--only load|lints|labels`, `--contracts N` (of the folder;
//! of lints a tenth), `--labels N`.

// A benchmark that cannot run should say where, and nobody is served by anything milder.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not the program")]

mod abis; //   interfaces as a compiler writes them
mod folder; // a user's folder on disk
mod labels; // looking up what an address is called
mod lints; //  all lints over many contracts
mod load; //   from the folder to the running configuration
#[path = "../pipeline/resident.rs"]
mod resident; // what a process says of its memory
#[allow(dead_code, reason = "the other benchmark uses more of it")]
#[path = "../pipeline/table.rs"]
mod table; //  rows, goals, verdicts

use table::Table;

/// Deployments of the folder.
const CONTRACTS: usize = 10_000;

/// Labelled addresses: what public lists have together.
const LABELS: usize = 1_000_000;

/// Fewest repeats of which a median says anything.
const REPEATS_MIN: usize = 5;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, usual| value(name).map_or(usual, |text| text.parse().unwrap());
    if let Some(folder) = value(load::CHILD) {
        load::child(folder.as_ref());
        return std::process::ExitCode::SUCCESS;
    }
    let repeats = number("--repeats", 7).max(REPEATS_MIN);
    let contracts = number("--contracts", CONTRACTS);
    let only = value("--only");
    let is_wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);

    let mut table = Table::default();
    if is_wanted("load") {
        load::measure(contracts, repeats, &mut table);
    }
    if is_wanted("lints") {
        lints::measure(contracts.div_ceil(10), repeats, &mut table);
    }
    if is_wanted("labels") {
        labels::measure(number("--labels", LABELS), repeats, &mut table);
    }
    let verdict = table.finish();
    let is_report = arguments.iter().any(|argument| argument == "--report");
    if is_report { std::process::ExitCode::SUCCESS } else { verdict }
}
