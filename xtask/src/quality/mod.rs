//! What detection is worth, measured: `cargo xtask quality` prints the figures of `docs/quality.md`
//! and fails when one falls.

mod exploits; // recorded attacks and everyday blocks, by the shape of their calls
mod nab; //      the Numenta Anomaly Benchmark, over the program's own output
mod series; //   run lengths and false alarms against their design, with dice

use std::path::PathBuf;

use anyhow::bail;

use crate::run;

/// Measures, prints, and fails when a figure fell.
type Measure = fn() -> anyhow::Result<()>;

/// Everything that can be measured.
const PARTS: &[(&str, Measure)] =
    &[("exploits", exploits::run), ("nab", nab::run), ("series", series::run)];

/// Measures everything.
pub(crate) fn all() -> anyhow::Result<()> {
    PARTS.iter().try_for_each(|(_, run)| run())
}

/// Measures one part.
pub(crate) fn part(name: &str) -> anyhow::Result<()> {
    let Some((_, run)) = PARTS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PARTS.iter().map(|(known, _)| *known).collect();
        bail!("unknown part {name:?} (one of: {})", known.join(", "));
    };
    run()
}

/// The program: the one that `BELLWETHER_PROGRAM` names, or else built as users get it.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BELLWETHER_PROGRAM") {
        return Ok(path.into());
    }
    run::run(&mut run::cargo(["build", "--release", "-p", "bellwether"]))?;
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => folder.into(),
        None => run::root()?.join("target"),
    };
    Ok(target.join("release").join("bellwether"))
}
