//! `bellwether dependencies`: what ours rely on.

mod discover; // from the live chain
mod list; //     as declared

use super::Outcome;

/// Contracts of others that ours rely on: found on the live chain, confirmed, ignored or weighed in
/// dependencies/.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether dependencies discover --write\n  bellwether dependencies list --json | jq '.[].label'"
)]
pub(super) struct DependenciesCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::List),
    Discover(discover::Discover),
}

impl DependenciesCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Discover(command) => command.run().await,
        }
    }
}
