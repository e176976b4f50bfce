//! `bellwether lint selectors`: whether interfaces fit together, with no folder and no deployment.

use std::path::PathBuf;

use anyhow::bail;
use registry::lint::{
    Place, Report, Waiver,
    interface::{Infrastructure, Joint, JointKind, check, input},
};

use super::{OutputArguments, WaiversArgument};
use crate::{
    commands::Outcome,
    lint::files::{self, File},
};

/// Find collisions and disagreements between interfaces: selectors, topics, names, arguments.
///
/// Reads ABI arrays, artefacts of Foundry, Hardhat and Truffle, build information, Solidity (.sol),
/// lists of signatures (.txt, or JSON) and bytecode (.bin); folders are searched through. All that
/// is given is judged together. Needs no deployment and no folder of bellwether's.
///
/// Exit code 0 when nothing is as grave as --fail-on, 1 when something is, 2 when the input cannot
/// be used.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether lint selectors out/ dependencies/abis/\n  bellwether lint selectors abis/ --behind Proxy=Vault --behind Diamond=LoanFacet,SwapFacet"
)]
pub(in crate::commands) struct Selectors {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Contracts that are reached through one address: a proxy and its implementation, a diamond
    /// and its facets. Can be given several times.
    #[arg(long, value_name = "PROXY=CONTRACT[,CONTRACT…]")]
    behind: Vec<String>,
    #[command(flatten)]
    waivers: WaiversArgument,
    #[command(flatten)]
    output: OutputArguments,
}

impl Selectors {
    pub(in crate::commands) fn run(self) -> anyhow::Result<Outcome> {
        let waivers = self.waivers.load()?;
        let mut all = read(&files::find(&self.paths)?)?;
        if all.surfaces.is_empty() {
            bail!(
                "no interface in {}: give ABI files, artefacts, Solidity, lists of signatures (.txt) or bytecode (.bin)",
                shown(&self.paths)
            );
        }
        for joint in &self.behind {
            let joint = behind(joint, &all)?;
            all.joints.push(joint);
        }
        finish(check(&all), &waivers, &self.output)
    }
}

fn finish(report: Report, waivers: &[Waiver], output: &OutputArguments) -> anyhow::Result<Outcome> {
    output.finish(report, waivers, "interface", None)
}

/// The paths as they were given.
pub(super) fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// All interfaces in the files. A file that was named and holds none, or is broken, is an error; in
/// a folder that was searched, what is broken is left out by name and what is something else is
/// passed over.
pub(super) fn read(files: &[File]) -> anyhow::Result<Infrastructure> {
    let mut all = Infrastructure::default();
    let mut solidity = Vec::new();
    for file in files {
        let source = input::Source { path: &file.path, text: &file.text };
        if source.is_solidity() {
            solidity.push(source);
            continue;
        }
        match input::read(source, &mut all) {
            Ok(input::Reading::Read) => {}
            Ok(input::Reading::NotAnInterface) if !file.is_named => {}
            Ok(input::Reading::NotAnInterface) => bail!("{}: no interface in it", file.path),
            Err(reason) if file.is_named => bail!("{}: {reason}", file.path),
            Err(reason) => {
                let place = Place::file(&file.path);
                all.left_out.push(registry::lint::LeftOut { place, reason });
            }
        }
    }
    input::read_solidity(&solidity, &mut all);
    Ok(all)
}

fn behind(text: &str, all: &Infrastructure) -> anyhow::Result<Joint> {
    let Some((front, behind)) = text.split_once('=') else {
        bail!("--behind {text:?}: write PROXY=CONTRACT, or DIAMOND=FACET,FACET");
    };
    let find = |name: &str| {
        let name = name.trim();
        let mut named = all.surfaces.iter().enumerate().filter(|(_, of)| of.name == name);
        match (named.next(), named.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some((_, a)), Some((_, b))) => {
                bail!("--behind {text:?}: {name} is in {} and in {}", a.file, b.file)
            }
            (None, _) => bail!("--behind {text:?}: no interface is called {name:?}"),
        }
    };
    let behind: Vec<usize> = behind.split(',').map(find).collect::<anyhow::Result<_>>()?;
    let kind = if behind.len() > 1 { JointKind::Diamond } else { JointKind::Proxy };
    Ok(Joint { kind, name: front.trim().to_owned(), front: find(front)?, behind })
}
