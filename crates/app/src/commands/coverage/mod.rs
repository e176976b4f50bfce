//! `bellwether coverage`: what was watched, what was not, and how to close it.

mod backfill; // judge what was not judged
mod show; //     the number, what is missing, the command that closes it

use std::path::PathBuf;

use model::Name;

use super::Outcome;

/// Show what was watched and what was not: coverage as a number, the blocks that monitors did not
/// judge and why, and the command that closes each hole.
///
/// Works beside a running `bellwether run`. Exit code 0 when no block is missing, 1 when one is.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bellwether coverage\n  bellwether coverage vault --json | jq '.networks[].missing'\n  bellwether coverage backfill --monitor large-redeem"
)]
pub(super) struct Coverage {
    #[command(subcommand)]
    command: Option<Command>,
    /// A deployment's label; without it, all of them.
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<Name>,
    #[command(flatten)]
    folder: CoverageFolder,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Backfill(backfill::Backfill),
}

/// Where the user's folder is; the first word of the command is a deployment.
#[derive(Debug, clap::Args)]
struct CoverageFolder {
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Coverage {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Some(Command::Backfill(command)) => command.run().await,
            None => show::run(&self.folder.folder, self.deployment.as_ref(), self.json),
        }
    }
}
