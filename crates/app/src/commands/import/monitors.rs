//! Rules of other monitors.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{Outcome, Target, read_file};
use crate::{
    config::{Config, Folder, Missing},
    import::{
        Import,
        monitors::{Comparison, Existing, OpenZeppelinFolder, Overlay, compare, take_openzeppelin},
    },
    terminal::print_line,
};

/// Networks, monitors and triggers of OpenZeppelin Monitor.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether import openzeppelin-monitor ../monitor/config --into my-protocol\n  bellwether import openzeppelin-monitor config --dry-run --compare --recorded blocks/"
)]
pub(super) struct OpenzeppelinMonitor {
    /// Its config folder, with networks/, monitors/ and triggers/, or the folder above it.
    folder: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Judge a recording as it would and as we do, and list every transaction that differs.
    #[arg(long, requires = "recorded")]
    compare: bool,
    /// Folder of recorded blocks to compare on; see `bellwether replay --help`.
    #[arg(long, value_name = "FOLDER", requires = "compare")]
    recorded: Option<PathBuf>,
}

impl OpenzeppelinMonitor {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let folder = read_openzeppelin(&self.folder)?;
        let existing = Existing::of(&self.target.into)?;
        let taken = take_openzeppelin(&folder, &name_of(&self.target.into), existing);
        let config = check(&taken.import, &self.target.into)?;
        let comparison = match &self.recorded {
            Some(recorded) => Some(compare(&taken, &config, recorded).await?),
            None => None,
        };
        if let Some(comparison) = comparison.as_ref().filter(|_| !self.target.json) {
            tell(comparison);
        }
        let is_refused = comparison.as_ref().is_some_and(|of| !of.refused.is_empty());
        let more = comparison.map_or(Value::Null, |comparison| json!({ "compared": comparison }));
        let outcome = self.target.settle(taken.import, more)?;
        Ok(if is_refused { Outcome::FoundWrong } else { outcome })
    }
}

/// What the folder is called, for a `bellwether.toml` that is not there yet.
fn name_of(into: &Path) -> String {
    let name = into.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "imported".to_owned())
}

/// The configuration as it will be. A mistake in it is a mistake of ours, and nothing is written.
fn check(import: &Import, into: &Path) -> anyhow::Result<Config> {
    let overlay = Overlay::new(Folder::new(into), &import.files);
    if !import.files.iter().any(|(path, _)| path.starts_with("networks/")) {
        let has_networks = into.join("networks").is_dir();
        if !has_networks {
            for item in &import.report.not_taken {
                print_line(&format!("  {}: {}", item.what, item.why));
            }
            bail!("nothing could be taken: there is no network that is watched here");
        }
    }
    Config::load(&overlay, Missing::IsFine)
        .map_err(|mistakes| anyhow::anyhow!("what would be written has mistakes\n\n{mistakes}"))
}

fn tell(comparison: &Comparison) {
    print_line(&format!(
        "compared on {} blocks with {} transactions",
        comparison.blocks, comparison.transactions
    ));
    for (number, reason) in &comparison.refused {
        print_line(&format!("  block {number} is not proven, so nothing is said of it: {reason}"));
    }
    for (rule, matches) in &comparison.rules {
        print_line(&format!(
            "  {rule}: {} matched by both, {} there alone, {} here alone",
            matches.both, matches.only_there, matches.only_here
        ));
    }
    for difference in &comparison.differences {
        let side = if difference.is_here { "here" } else { "there" };
        print_line(&format!(
            "    {} matches {side} alone: block {} tx {}: {}",
            difference.rule, difference.block, difference.tx, difference.why
        ));
    }
    print_line(&"");
}

/// Most files of one kind that are read.
const FILES_MAX: usize = 10_000;

/// Reads the folder's JSON files; it may also be given as the folder above `config/`.
fn read_openzeppelin(root: &Path) -> anyhow::Result<OpenZeppelinFolder> {
    let inner = root.join("config");
    let config = if inner.join("monitors").is_dir() { inner } else { root.to_owned() };
    if !config.join("monitors").is_dir() || !config.join("networks").is_dir() {
        bail!("{} has no networks/ and monitors/", root.display());
    }
    let last_blocks = [root.join("data"), config.join("../data")]
        .iter()
        .find(|data| data.is_dir())
        .map_or_else(|| Ok(BTreeMap::new()), |data| last_blocks(data))?;
    Ok(OpenZeppelinFolder {
        networks: json_files(&config, "networks")?,
        monitors: json_files(&config, "monitors")?,
        triggers: json_files(&config, "triggers")?,
        last_blocks,
    })
}

fn json_files(config: &Path, kind: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for path in listed(&config.join(kind))? {
        if path.extension().is_some_and(|ending| ending == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.insert(format!("{kind}/{name}"), read_file(&path)?);
        }
    }
    Ok(files)
}

/// The last block of each network, from `SLUG_last_block.txt`.
fn last_blocks(data: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for path in listed(data)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(slug) = name.strip_suffix("_last_block.txt")
            && let Ok(block) = read_file(&path)?.trim().parse()
        {
            found.insert(slug.trim().to_lowercase(), block);
        }
    }
    Ok(found)
}

/// The files of a folder, sorted; none when there is no folder.
fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listing = || format!("listing {}", folder.display());
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(listing)? {
        let path = entry.with_context(listing)?.path();
        if path.is_file() {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            bail!("{} holds more than {FILES_MAX} files", folder.display());
        }
    }
    paths.sort();
    Ok(paths)
}
