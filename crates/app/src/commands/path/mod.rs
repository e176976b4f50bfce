//! `bellwether path`: what people and tests taught about paths through contracts.

mod fine; //     a path is fine from now on
mod list; //     what was taught
mod seed; //     from tests on a fork, before launch
mod withdraw; // a judgement is taken back

use std::path::{Path, PathBuf};

use super::Outcome;
use crate::paths::{FINE_FILE, FinePath, fine_file, write, written};

/// Paths through your contracts: which are fine, whoever said so and why, and what was learned before
/// launch. Detectors of paths and of attack shapes keep quiet about what is fine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether path fine ddb0b5602b7a9884 --why \"weekly rebalancing by the keeper\"\n  bellwether path list\n  bellwether path seed --monitor paths --rpc http://127.0.0.1:8545 --from-block 1 --to-block 400"
)]
pub(super) struct PathCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Fine(fine::Fine),
    List(list::List),
    Withdraw(withdraw::Withdraw),
    Seed(seed::Seed),
}

impl PathCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Fine(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Withdraw(command) => command.run(),
            Command::Seed(command) => command.run().await,
        }
    }
}

/// Where the user's folder is.
#[derive(Debug, clap::Args)]
struct At {
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

fn write_fine<'f>(
    folder: &Path,
    all: impl IntoIterator<Item = &'f FinePath>,
) -> anyhow::Result<()> {
    write(&folder.join(FINE_FILE), &fine_file(all))
}

/// What makes a program that runs read the folder again.
const READ_AGAIN: &str = "a program that runs reads it when it gets SIGHUP";
