//! What the main job costs, and whether it costs what was promised.
//!
//! `cargo bench -p bellwether --bench pipeline`, with `BELLWETHER_CORPUS` naming a folder of
//! recorded blocks; without it blocks are made by the devnet, and the table says so.
//!
//! CPU times are of the measuring thread, and what is compared was measured in turn within one run,
//! so that a machine shared with others does not decide. A goal is missed when the middle half of
//! the repeats lies beyond it. Latency is wall time and therefore a report: only three times the
//! goal is a miss. The exit code is 1 when anything is missed, unless `--report` asks for figures
//! alone.
//!
//! Options, all after `--`: `--repeats N`, `--only cpu|everything|backtest|latency|memory`.

// A benchmark that cannot run should say where, and nobody is served by anything milder.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not the program")]

mod backtest; // past blocks of one protocol, many monitors
mod blocks; //  recorded, or made by the devnet
mod cpu; //     parsing, judging, proving
mod everything; // every detector at once, labels, state
mod floor; //   what merely parsing costs
mod latency; // from a block at an endpoint to a webhook
mod memory; //  resident size of a process that judges
mod mix; //     contracts and monitors of a large installation
mod resident; // what a process says of its memory
mod table; //   rows, goals, verdicts

use blocks::Blocks;
use table::Table;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if arguments.iter().any(|argument| argument == everything::CHILD) {
        everything::child();
        return std::process::ExitCode::SUCCESS;
    }
    let blocks = Blocks::load();
    if arguments.iter().any(|argument| argument == memory::CHILD) {
        memory::child(&blocks);
        return std::process::ExitCode::SUCCESS;
    }
    let repeats = value("--repeats").map_or(15, |text| text.parse().unwrap());
    let only = value("--only");
    let is_wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);

    println!("{}", blocks.title());
    let mut table = Table::default();
    if is_wanted("cpu") {
        cpu::measure(&blocks, repeats, &mut table);
    }
    if is_wanted("everything") {
        everything::measure(&blocks, repeats, &mut table);
    }
    if is_wanted("backtest") {
        backtest::measure(&mut table);
    }
    if is_wanted("latency") {
        latency::measure(&mut table);
    }
    if is_wanted("memory") {
        memory::measure(&mut table);
    }
    let verdict = table.finish();
    let is_report = arguments.iter().any(|argument| argument == "--report");
    if is_report { std::process::ExitCode::SUCCESS } else { verdict }
}
