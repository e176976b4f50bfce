//! `cargo xtask contracts [--check]`: compiles the devnet's Solidity sources into the committed
//! artefacts. The compiler comes from npm at the version that `contracts/package-lock.json` pins;
//! nobody needs it to build or run the program.

use std::{path::Path, process::Command};

use anyhow::{Context, bail, ensure};

/// Rewrites `contracts/artifacts` and the upgrades that the registry's tests judge, or with `--check` fails when it is out of date.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip_while(|arg| arg != "contracts").skip(1);
    let is_check = match (arguments.next().as_deref(), arguments.next()) {
        (None, None) => false,
        (Some("--check"), None) => true,
        (first, second) => {
            bail!("contracts takes only --check, not {:?}", second.or(first.map(str::to_owned)))
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
    if !folder.join("node_modules/solc").exists() {
        step(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    }
    for script in ["build.mjs", "layouts.mjs"] {
        let mut build = Command::new("node");
        build.arg(script).current_dir(&folder);
        if is_check {
            build.arg("--check");
        }
        step(&mut build)?;
    }
    Ok(())
}

fn step(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
