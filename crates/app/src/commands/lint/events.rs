//! `bellwether lint events`: whether everything that changes state also says so.

use std::path::PathBuf;

use anyhow::bail;
use registry::lint::{
    LeftOut, Place,
    events::{Builds, Coverage, Reading, check},
    interface::input::Source,
};

use super::{OutputArguments, WaiversArgument, selectors::shown};
use crate::{
    commands::Outcome,
    lint::{
        coverage,
        files::{self, File},
    },
    terminal::print_line,
};

/// Find functions that change state without an event, and events that tell too little.
///
/// Reads build information and artefacts: where they hold the compiler's syntax trees, functions are
/// followed through modifiers, bases and libraries; else their bytecode is; of an interface alone,
/// names are all there is, and what they suggest is marked as a suspicion. What cannot be decided is
/// reported as unknown, never as fine.
///
/// Exit code 0 when nothing is as grave as --fail-on, 1 when something is, 2 when the input cannot
/// be used.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  forge build --build-info && bellwether lint events out/build-info\n  bellwether lint events artifacts/ --json | jq '.functions[] | select(.verdict == \"silent\")'"
)]
pub(in crate::commands) struct Events {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    waivers: WaiversArgument,
    #[command(flatten)]
    output: OutputArguments,
}

impl Events {
    pub(in crate::commands) fn run(self) -> anyhow::Result<Outcome> {
        let waivers = self.waivers.load()?;
        let (builds, is_any) = read(&files::find(&self.paths)?)?;
        if !is_any {
            bail!(
                "nothing to judge in {}: give build information, artefacts, ABIs or bytecode (.bin)",
                shown(&self.paths)
            );
        }
        let Coverage { functions, report } = check(&builds);
        if self.output.is_text() {
            print_line(&coverage::table(&functions));
        }
        let extra = ("functions", coverage::json(&functions));
        self.output.finish(report, &waivers, "function", Some(extra))
    }
}

/// All builds in the files, and whether there is any. A file that was named and cannot be used is an
/// error; in a folder that was searched, it is left out by name, and Solidity is passed over
/// because what it compiles to is what is judged.
fn read(files: &[File]) -> anyhow::Result<(Builds, bool)> {
    let mut builds = Builds::default();
    let mut is_any = false;
    for file in files {
        let source = Source { path: &file.path, text: &file.text };
        if source.is_solidity() && !file.is_named {
            continue;
        }
        match builds.read(source) {
            Ok(Reading::Read) => is_any = true,
            Ok(Reading::NotAnInterface) if !file.is_named => {}
            Ok(Reading::NotAnInterface) => {
                bail!("{}: neither a build nor an interface is in it", file.path)
            }
            Err(reason) if file.is_named => bail!("{}: {reason}", file.path),
            Err(reason) => {
                builds.leave_out(LeftOut { place: Place::file(&file.path), reason });
            }
        }
    }
    Ok((builds, is_any))
}
