//! The steps of CI, in the order that finds a mistake soonest.

use std::{process::Command, time::Instant};

use anyhow::{Context, bail, ensure};

use crate::{
    quality,
    run::{build_program, cargo, program, read, run},
    services,
};

type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("deny", deny),
    ("contracts", contracts),
    ("services", services::up),
    ("test", test),
    ("release", build_program),
    ("replay", replay),
    ("quality", quality),
    ("demo", demo),
    ("bench", bench),
];

/// All steps; stops at the first that fails.
pub(crate) fn all() -> anyhow::Result<()> {
    let began = Instant::now();
    for (name, step) in STEPS {
        println!("\n== {name} ({:.0} s so far)", began.elapsed().as_secs_f64());
        step().with_context(|| format!("ci step {name}"))?;
    }
    println!("\nci: all steps passed in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// One step by name.
pub(crate) fn step(name: &str) -> anyhow::Result<()> {
    let Some((_, step)) = STEPS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        bail!("unknown step {name:?} (one of: {})", known.join(", "));
    };
    step()
}

fn fmt() -> anyhow::Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> anyhow::Result<()> {
    run(&mut cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// The README's test command, with the real servers, and with the corpus where there is one. Without
/// either the same tests say what they skipped.
fn test() -> anyhow::Result<()> {
    let mut command = cargo(["test", "--workspace", "--locked"]);
    command.env("BELLWETHER_SERVICES", services::folder()?);
    if let Some(corpus) = services::corpus()? {
        command.env("BELLWETHER_CORPUS", corpus);
    }
    run(&mut command)
}

/// One TLS provider and no copyleft in the tree; the licences themselves are in `deny.toml`.
fn deny() -> anyhow::Result<()> {
    let found = cargo(["tree", "--workspace", "--locked", "-i", "aws-lc-sys"]).output()?;
    ensure!(found.stdout.is_empty(), "aws-lc-sys is in the tree: use the ring provider");
    if Command::new("cargo-deny").arg("--version").output().is_ok_and(|o| o.status.success()) {
        return run(&mut cargo(["deny", "--offline", "check", "licenses", "bans", "sources"]));
    }
    println!("cargo-deny is not installed: licences are checked by the tidy test alone");
    Ok(())
}

/// The committed artefacts are what the sources compile to.
fn contracts() -> anyhow::Result<()> {
    run(&mut cargo(["run", "--quiet", "--package", "xtask", "--", "contracts", "--check"]))
}

/// Every recorded block of the corpus, proven and counted.
fn replay() -> anyhow::Result<()> {
    let Some(corpus) = services::corpus()? else {
        println!("skipped: there is no corpus beside the project");
        return Ok(());
    };
    let shown =
        read(Command::new(program()?).args(["replay", "--json", "--recorded"]).arg(&corpus))?;
    let totals: serde_json::Value =
        serde_json::from_str(shown.lines().last().unwrap_or_default()).context("the totals")?;
    println!("{totals}");
    ensure!(totals["refused"] == 0, "replay refused a block of the corpus");
    Ok(())
}

/// What detection is worth, against the floors and the page.
fn quality() -> anyhow::Result<()> {
    if services::corpus()?.is_none() {
        println!("skipped but for what needs no data: there is no corpus beside the project");
        return quality::part("series");
    }
    quality::all(false)
}

/// The demo ends by itself and fails unless every scenario was found and nothing benign paged.
fn demo() -> anyhow::Result<()> {
    run(Command::new(program()?).args(["demo", "--exit-after", "90s", "--json"]))
}

/// Prints the figures. On a machine shared with others a figure is no verdict, so a missed goal is
/// shown and does not fail CI; run by hand, it does fail.
fn bench() -> anyhow::Result<()> {
    // The last two are long; here each is a part of it, which is enough to see that it works.
    let benches: [(&str, &[&str]); 4] = [
        ("pipeline", &[]),
        ("registry", &[]),
        ("pager", &["--findings", "100000", "--repeats", "5"]),
        ("paging", &["--alerts", "10000", "--findings", "100"]),
    ];
    for (name, options) in benches {
        let mut command =
            cargo(["bench", "-p", "bellwether", "--bench", name, "--locked", "--", "--report"]);
        command.args(options);
        if let Some(corpus) = services::corpus()? {
            command.env("BELLWETHER_CORPUS", corpus);
        }
        run(&mut command)?;
    }
    Ok(())
}
