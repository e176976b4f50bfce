//! `bellwether public`: what everybody hears.

mod export; //     files for a mirror
mod list; //        where alerts stand before the public
mod subscribers; // who gets mail
mod verify; //      whether a signed alert is genuine

use super::Outcome;

/// What everybody hears: where alerts stand before the public, who gets mail, and whether a signed
/// alert is genuine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether public list\n  bellwether public verify alert.json --public 5f1c…\n  bellwether public subscribers list"
)]
pub(super) struct Public {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::List),
    Verify(verify::Verify),
    Export(export::Export),
    Subscribers(subscribers::Subscribers),
}

impl Public {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Subscribers(command) => command.run().await,
        }
    }
}
