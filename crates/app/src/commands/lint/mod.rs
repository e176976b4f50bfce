//! `bellwether lint`: what can be found wrong before anything is deployed.

mod events; //    whether what changes state says so
mod folder; //    everything over the user's folder
mod layout; //    whether an upgrade finds what is stored
mod output; //    in which form, and what counts as failure
mod selectors; // whether interfaces fit together
mod waivers; //   what is accepted, when there is no folder

use super::{FolderArgument, Outcome};

pub(super) use output::OutputArguments;
pub(super) use waivers::WaiversArgument;

/// Find what is wrong in interfaces, events and storage layouts, before it is deployed and after.
///
/// Without a subcommand, every lint over the user's folder: the interfaces of all deployments with
/// what stands behind their proxies, their events and the declared timelocks; lints.toml holds what
/// is accepted for a while.
///
/// Exit code 0 when nothing is as grave as --fail-on, 1 when something is, 2 when the input cannot
/// be used.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  bellwether lint my-protocol/\n  bellwether lint --sarif > lint.sarif"
)]
pub(super) struct Lint {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    folder: FolderArgument,
    #[command(flatten)]
    output: OutputArguments,
}

/// The lints that stand alone.
#[derive(Debug, clap::Subcommand)]
enum What {
    Layout(layout::Layout),
    Selectors(selectors::Selectors),
    Events(events::Events),
}

impl Lint {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.what {
            Some(What::Layout(command)) => command.run(),
            Some(What::Selectors(command)) => command.run(),
            Some(What::Events(command)) => command.run(),
            None => folder::run(&self.folder.folder, &self.output),
        }
    }
}
