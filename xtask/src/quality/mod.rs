//! What detection is worth, measured: `cargo xtask quality` prints the tables that stand in the
//! documentation.

mod nab; // the Numenta Anomaly Benchmark, over the program's own output

use std::path::PathBuf;

use crate::run;

/// Everything.
pub(crate) fn all() -> anyhow::Result<()> {
    nab::run()?;
    false_alarms()
}

/// The benchmark of series.
pub(crate) fn nab() -> anyhow::Result<()> {
    nab::run()
}

/// False alarms on long in-control series, against their design: the long form of a test.
pub(crate) fn false_alarms() -> anyhow::Result<()> {
    let mut command = run::cargo([
        "test",
        "-p",
        "bellwether-detect",
        "--test",
        "it",
        "--",
        "--ignored",
        "--nocapture",
        "a4_at_length",
    ]);
    run::run(&mut command)
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
