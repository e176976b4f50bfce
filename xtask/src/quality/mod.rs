//! What detection is worth, measured: `cargo xtask quality` prints the figures of `docs/quality.md`
//! and fails when one falls.

mod exploits; // recorded attacks and everyday blocks, by the shape of their calls
mod figures; //  a row of the table, with its intervals
mod floors; //   what the figures may not fall below
mod nab; //      the Numenta Anomaly Benchmark, over the program's own output
mod series; //   run lengths and false alarms against their design, with dice
mod table; //    the one table, and the page where it stands

use std::{path::PathBuf, process::Command};

use anyhow::{Context, bail};

use self::figures::Figure;
use crate::{run, services};

/// What a part found.
#[derive(Debug, Default)]
struct Measured {
    figures: Vec<Figure>,
    /// Scores that have no row of their own, by name.
    scores: Vec<(String, f64)>,
    /// Detectors that there are, as far as the part knows them.
    detectors: Vec<String>,
}

impl Measured {
    /// Runs a measuring test, shows what it prints, and reads its figures.
    fn by_test(command: &mut Command) -> anyhow::Result<Self> {
        let printed = run::read(command)?;
        let mut measured = Self::default();
        for line in printed.lines() {
            if let Some(detector) = line.strip_prefix("detector ") {
                measured.detectors.push(detector.to_owned());
            } else if let Some(figure) = Figure::of_line(line)? {
                measured.figures.push(figure);
            } else {
                println!("{line}");
            }
        }
        Ok(measured)
    }
}

/// Measures and prints, and writes its own part of the page where there is one and it is told to;
/// fails when what it measures with is itself wrong.
type Measure = fn(write: bool) -> anyhow::Result<Measured>;

/// Everything that can be measured.
const PARTS: &[(&str, Measure)] =
    &[("exploits", exploits::run), ("nab", nab::run), ("series", series::run)];

/// Measures everything and prints the one table. Fails when a figure fell, and when the page has
/// other figures, unless they are to be written there.
pub(crate) fn all(write: bool) -> anyhow::Result<()> {
    let mut all = Measured::default();
    for (name, run) in PARTS {
        println!("\n== {name}");
        let found = run(write).with_context(|| format!("measuring {name}"))?;
        all.figures.extend(found.figures);
        all.scores.extend(found.scores);
        all.detectors.extend(found.detectors);
    }
    let table = table::render(&all)?;
    println!("\n== everything\n\n{table}");
    floors::check(&all)?;
    table::publish(&table, write)
}

/// Measures one part.
pub(crate) fn part(name: &str) -> anyhow::Result<()> {
    let Some((_, run)) = PARTS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PARTS.iter().map(|(known, _)| *known).collect();
        bail!("unknown part {name:?} (one of: {})", known.join(", "));
    };
    run(false)?.figures.iter().for_each(|figure| println!("{}", figure.row()));
    Ok(())
}

/// The folder of recorded data.
fn corpus() -> anyhow::Result<PathBuf> {
    services::corpus()?.context(
        "there is no corpus: BELLWETHER_CORPUS names none, and none lies beside the project",
    )
}

/// The program: the one that `BELLWETHER_PROGRAM` names, or else built as users get it.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BELLWETHER_PROGRAM") {
        return Ok(path.into());
    }
    run::build_program()?;
    run::program()
}
