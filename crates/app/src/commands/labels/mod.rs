//! `bellwether labels`: what lists say about addresses.

mod explain; //    everything that is said of one address
mod import; //     a list becomes a file of the folder
mod list; //       what there is
mod retro_scan; // what a label that came late would have told

use super::Outcome;

/// What lists say about addresses: import them, see them, ask about one address, and look back when
/// a label comes late.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether labels import sdn.csv --format ofac --name ofac\n  bellwether labels explain 0x098B716B8Aaf21512996dC57EB0615e2383E2f96\n  bellwether labels retro-scan --days 30 --json"
)]
pub(super) struct LabelsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(import::Import),
    List(list::List),
    Explain(explain::Explain),
    RetroScan(retro_scan::RetroScan),
}

impl LabelsCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Import(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::RetroScan(command) => command.run(),
        }
    }
}
