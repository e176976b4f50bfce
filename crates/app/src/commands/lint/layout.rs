//! `bellwether lint layout`: whether a new implementation finds what the old one stored.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use registry::layout::{Basis, Build, Comparison, Gravity, Named, Options, judge};
use serde_json::{Value, json};

use super::{OutputArguments, WaiversArgument};
use crate::{commands::Outcome, lint::files, terminal::print_line};

/// Compare the storage layout of the deployed contract with that of its next implementation.
///
/// Reads solc's storageLayout, artefacts of Foundry and Hardhat, build information, solc's standard
/// output and OpenZeppelin manifests, and names the contract as FILE.json:Contract where a file has
/// several. Artefacts with a syntax tree also tell ERC-7201 namespaces, annotations and what
/// constructors do. Without layouts on both sides, runtime code (hex, or in an artefact) is compared
/// and the result is only probable.
///
/// Exit code 0 when the layouts are compatible, 1 when something is as grave as --fail-on, 2 when
/// the input cannot be used.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether lint layout deployed/Vault.json out/Vault.sol/Vault.json\n  bellwether lint layout old-build-info.json:Vault new-build-info.json:VaultV2 --sarif"
)]
pub(in crate::commands) struct Layout {
    /// What is deployed: FILE or FILE:CONTRACT.
    #[arg(value_name = "OLD")]
    old: String,
    /// What shall replace it: FILE or FILE:CONTRACT.
    #[arg(value_name = "NEW")]
    new: String,
    /// Accept another name for a variable of the same type at the same place; it becomes a warning.
    #[arg(long)]
    allow_renames: bool,
    #[command(flatten)]
    waivers: WaiversArgument,
    #[command(flatten)]
    output: OutputArguments,
}

const NOT_FROM_LAYOUTS: &str =
    "no storage layout on both sides: judged from bytecode, so what follows is only probable\n";

impl Layout {
    pub(in crate::commands) fn run(self) -> anyhow::Result<Outcome> {
        let waivers = self.waivers.load()?;
        let (old_file, old) = read(&self.old)?;
        let (new_file, new) = read(&self.new)?;
        let old = Named { file: &old_file, build: &old };
        let new = Named { file: &new_file, build: &new };
        let judgement = judge(old, new, Options { allow_renames: self.allow_renames })?;
        if self.output.is_text() && judgement.basis == Basis::Bytecode {
            print_line(&NOT_FROM_LAYOUTS);
        }
        let extra = summary(judgement.basis, judgement.comparison.as_ref());
        let outcome =
            self.output.finish(judgement.report, &waivers, "upgrade", Some(("layout", extra)))?;
        if self.output.is_text()
            && let Some(comparison) = &judgement.comparison
        {
            print_line(&in_words(comparison));
        }
        Ok(outcome)
    }
}

/// The file and the contract that an argument names, and what the file tells of it.
fn read(argument: &str) -> anyhow::Result<(String, Build)> {
    let (path, contract) = split(argument);
    let file = files::find(std::slice::from_ref(&path))?;
    let [file] = file.as_slice() else {
        anyhow::bail!("{}: give a file, not a folder", path.display());
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let build = Build::read(&file.text, contract.as_deref(), stem)
        .with_context(|| format!("reading {}", file.path))?;
    Ok((file.path.clone(), build))
}

/// `FILE`, or `FILE:CONTRACT` with `path/File.sol:Name` as a contract too. A file of the whole name
/// comes first: colons are allowed in names of files.
fn split(argument: &str) -> (PathBuf, Option<String>) {
    let is_whole = Path::new(argument).exists();
    let parts = argument.match_indices(':').map(|(at, _)| (&argument[..at], &argument[at + 1..]));
    let mut files = parts.filter(|(file, _)| !is_whole && Path::new(file).is_file());
    match files.next() {
        Some((file, contract)) => (PathBuf::from(file), Some(contract.to_owned())),
        None => (PathBuf::from(argument), None),
    }
}

/// How many fields are as they were, and what became of the others.
fn counts(comparison: &Comparison) -> [(&'static str, usize); 3] {
    let count = |gravity: Gravity| {
        comparison.changes.iter().filter(|change| change.gravity == gravity).count()
    };
    [
        ("harmless", count(Gravity::Fine)),
        ("careful", count(Gravity::Careful)),
        ("breaking", count(Gravity::Breaks)),
    ]
}

fn in_words(comparison: &Comparison) -> String {
    let verdict = if comparison.is_compatible() { "compatible" } else { "not compatible" };
    let changes: Vec<String> =
        counts(comparison).iter().map(|(name, count)| format!("{count} {name}")).collect();
    let fields = comparison.judged;
    format!("storage layouts are {verdict}: {fields} old fields, changes: {}", changes.join(", "))
}

fn summary(basis: Basis, comparison: Option<&Comparison>) -> Value {
    let Some(comparison) = comparison else {
        return json!({ "basis": "bytecode", "confidence": "probable" });
    };
    debug_assert_eq!(basis, Basis::Layouts, "only layouts give a comparison");
    let changes: serde_json::Map<String, Value> =
        counts(comparison).iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    json!({
        "basis": "layouts",
        "compatible": comparison.is_compatible(),
        "fields": comparison.judged,
        "changes": changes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_named_after_the_file() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(split(file), (PathBuf::from(file), None));
        let (path, contract) = split(&format!("{file}:src/Vault.sol:Vault"));
        assert_eq!(path, PathBuf::from(file));
        assert_eq!(contract.as_deref(), Some("src/Vault.sol:Vault"));
        assert_eq!(split("no/such.json:Vault"), (PathBuf::from("no/such.json:Vault"), None));
    }
}
