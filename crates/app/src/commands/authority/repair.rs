//! `bellwether authority repair`: unsigned transactions that end drifts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use registry::authority::{DriftItem, bundles};
use serde_json::json;

use super::Place;
use crate::{
    commands::Outcome,
    terminal::{note, print_line},
};

/// Write the unsigned transactions that would end every drift: nothing is signed or sent.
///
/// One JSON file, and beside it one file for the Safe Transaction Builder per Safe. All fit the block
/// that was looked at; after some were executed, run the command again. Exit code 0 when all drifts
/// have transactions, 1 when some need a person to decide.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority repair --out repairs.json\n  bellwether authority repair --network mainnet | jq '.repairs[].explanation'"
)]
pub(super) struct Repair {
    #[command(flatten)]
    place: Place,
    /// File to write; without it, standard output. Bundles for Safes are written beside it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Repair {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.place.look().await?;
        let items = found.drift(&self.place.folder)?;
        let open: Vec<&DriftItem> = items.iter().filter(|item| item.accepted.is_none()).collect();
        let mut repairs = Vec::new();
        for repair in open.iter().flat_map(|item| &item.repairs) {
            // Two drifts may end by one transaction.
            if !repairs.contains(repair) {
                repairs.push(repair.clone());
            }
        }
        let undecided: Vec<_> = open
            .iter()
            .filter(|item| item.repairs.is_empty())
            .map(|item| json!({"class": item.key.class.as_str(), "title": item.title}))
            .collect();
        let blocks: Vec<_> = found
            .looks
            .iter()
            .map(|l| json!({"network": l.observed.network.as_str(), "block": l.observed.at.block}))
            .collect();
        let all = json!({
            "unsigned": true,
            "as_of": blocks,
            "repairs": repairs.iter().map(registry::authority::Repair::to_json).collect::<Vec<_>>(),
            "needs_a_decision": undecided,
        });
        found.tell_unknown();
        match &self.out {
            None => print_line(&serde_json::to_string_pretty(&all)?),
            Some(path) => {
                write(path, &serde_json::to_string_pretty(&all)?)?;
                print_line(&format!("{}  {} transactions, unsigned", path.display(), repairs.len()));
                let stem = path.file_stem().map_or("repairs".into(), |s| s.to_string_lossy());
                for (name, bundle) in bundles(&repairs, |network, who| found.is_safe(network, who)) {
                    let beside = path.with_file_name(format!("{stem}-{name}"));
                    write(&beside, &serde_json::to_string_pretty(&bundle)?)?;
                    print_line(&format!("{}  for the Safe Transaction Builder", beside.display()));
                }
            }
        }
        for item in &undecided {
            note(&format!("needs a decision: {}", item["title"].as_str().unwrap_or_default()));
        }
        Ok(if undecided.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, format!("{text}\n")).with_context(|| format!("writing {}", path.display()))
}
