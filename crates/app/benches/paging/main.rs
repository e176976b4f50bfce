//! What it costs to page somebody, and to look at what waits.
//!
//! `cargo bench -p bellwether --bench paging`. Everything is made: findings of vaults, the alerts that
//! follow from them, a store on disk, a receiver on loopback.
//!
//! Lists are CPU time of the whole process, which is server and client at once. Latency is wall time
//! and therefore a report: only three times the goal is a miss. The exit code is 1 when a goal is
//! missed, unless `--report` asks for figures alone.
//!
//! Options, all after `--`: `--alerts N` (100,000; goals are for that), `--repeats N`,
//! `--only lists|latency`. What decisions cost without a store is told by
//! `cargo bench -p bellwether --bench pager`.

// A benchmark that cannot run should say where, and nobody is served by anything milder.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not the program")]

mod latency; // from a finding to the first attempt to tell somebody
mod lists; //   a hundred thousand open alerts, page by page
mod made; //    findings, alerts, a plan
#[allow(dead_code, reason = "the other benchmarks use more of it")]
#[path = "../pipeline/table.rs"]
mod table; //   rows, goals, verdicts

use table::Table;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, usual| value(name).map_or(usual, |text| text.parse().unwrap());
    let only = value("--only");
    let is_wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut table = Table::default();
    if is_wanted("latency") {
        latency::measure(number("--findings", 400), &mut table);
    }
    if is_wanted("lists") {
        lists::measure(number("--alerts", 100_000) as u64, number("--repeats", 9), &mut table);
    }
    let verdict = table.finish();
    let is_report = arguments.iter().any(|argument| argument == "--report");
    if is_report { std::process::ExitCode::SUCCESS } else { verdict }
}
