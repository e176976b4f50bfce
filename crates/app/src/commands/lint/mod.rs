//! `bellwether lint`: what can be found wrong before anything is deployed.

mod output; // in which form, and what counts as failure

use super::{FolderArgument, Outcome};

pub(super) use output::OutputArguments;

/// Find what is wrong in interfaces, events and storage layouts, before it is deployed and after.
///
/// Without a subcommand, every lint over the user's folder: the interfaces of all deployments with
/// what stands behind their proxies, the declared timelocks, and the waivers in lints.toml.
///
/// Exit code 0 when nothing is as grave as --fail-on, 1 when something is, 2 when the input cannot
/// be used.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  bellwether lint my-protocol/\n  bellwether lint --sarif > lint.sarif"
)]
pub(super) struct Lint {
    #[command(flatten)]
    folder: FolderArgument,
    #[command(flatten)]
    output: OutputArguments,
}

impl Lint {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        use crate::config::{Config, Folder, Missing};
        use anyhow::Context as _;
        let config = Config::load(&Folder::new(&self.folder.folder), Missing::IsFine)
            .context("the folder has mistakes; `bellwether check` lists them")?;
        let judged = config.registry.deployments().len();
        let report = registry::lint::Report { judged, ..Default::default() };
        self.output.finish(report, &config.waivers, "contract", None)
    }
}
