//! `bellwether threats`: what could go wrong, what each of it is met with, and what is missing.

mod export; // requirements for those who write the contracts
mod gaps; //   what is not joined
mod matrix; // who is met with what

use registry::threats::Day;

use super::{FolderArgument, Outcome};
use crate::{
    clock,
    config::{Folder, Threats},
    words,
};

/// The threat map: what could go wrong, what would find it, who does what then, and what is missing.
///
/// Threats are files in threats/. A folder without networks and deployments is a plan: events are
/// then held against interfaces alone.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether threats matrix my-protocol\n  bellwether threats gaps my-protocol --on 2027-01-31\n  bellwether threats export my-protocol --format solidity > IRiskEvents.sol"
)]
pub(super) struct ThreatsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Matrix(matrix::MatrixCommand),
    Gaps(gaps::Gaps),
    Export(export::Export),
}

impl ThreatsCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Matrix(command) => command.run(),
            Command::Gaps(command) => command.run(),
            Command::Export(command) => command.run(),
        }
    }
}

/// The map of a folder; its mistakes become the error, and so does there being none.
fn loaded(folder: &FolderArgument) -> anyhow::Result<Threats> {
    let threats = Threats::load(&Folder::new(&folder.folder))
        .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes:\n{mistakes}"))?;
    if threats.map.is_empty() {
        anyhow::bail!(
            "{} declares no threat: write threats/*.toml (docs/threats.md)",
            folder.folder.display()
        );
    }
    Ok(threats)
}

/// The day that was asked for, or today.
fn day(asked: Option<Day>) -> Day {
    asked.unwrap_or_else(|| Day::of(words::seconds(clock::now())))
}
