//! `bellwether invariants`: what must always hold.

mod mine; // proposed out of the past

use super::Outcome;

/// What must always hold of your contracts: proposed out of past blocks, as monitors for a person to
/// read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether invariants mine --recorded blocks/ --out monitors/mined.toml\n  bellwether invariants mine --network mainnet --from 19426580 --to 19427580 --json | jq '.[].when'"
)]
pub(super) struct InvariantsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Mine(mine::Mine),
}

impl InvariantsCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Mine(command) => command.run().await,
        }
    }
}
