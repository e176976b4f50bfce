//! `bellwether registry`: what is guarded, looked up, listed, handed on.

mod export; // a signed list for others to use
mod gap_audit; // what happened before a deployment was watched
mod gate; //   nothing is deployed that nobody will watch
mod key; //    keys to sign it with
mod list; //   all deployments
mod predict; // where a contract will be
mod show; //   everything about one address
mod verify; // a list that somebody else signed

use super::Outcome;

/// What is guarded: everything about one address, the list, and a signed export for others.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether registry show vault\n  bellwether registry show 0x5aAe…eAed --json\n  bellwether registry export --key registry.key > registry.json"
)]
pub(super) struct RegistryCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(show::Show),
    List(list::List),
    Key(key::Key),
    Export(export::Export),
    Verify(verify::Verify),
    Predict(predict::Predict),
    Gate(gate::Gate),
    GapAudit(gap_audit::GapAudit),
}

impl RegistryCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Show(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Key(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Gate(command) => command.run(),
            Command::GapAudit(command) => command.run().await,
        }
    }
}
