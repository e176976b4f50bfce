//! Running a command and failing with its words.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, bail};

/// The workspace's root folder.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask has no parent folder")?.to_path_buf())
}

/// The program, once `cargo build --release` made it.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root()?.join("target"), PathBuf::from);
    Ok(target.join("release/bellwether"))
}

/// Builds the program as users get it, and with it the benches: apart, what they need of dependencies
/// differs by a feature, and half of the tree would be built twice.
pub(crate) fn build_program() -> anyhow::Result<()> {
    let package = ["build", "--release", "--locked", "-p", "bellwether", "--bins", "--benches"];
    run(&mut cargo(package))
}

/// Runs a command in the workspace's root, showing it and its output; fails when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = show(command);
    println!("\n$ {shown}");
    let began = Instant::now();
    let status =
        command.current_dir(root()?).status().with_context(|| format!("starting {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    println!("  done in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command quietly and gives its standard output; fails with its standard error.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let shown = show(command);
    let output =
        command.current_dir(root()?).output().with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `cargo` with arguments.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(program.to_string_lossy().into_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
