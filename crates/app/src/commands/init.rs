//! `bellwether init`: from an address, or the folder of a development tool, to a folder that works.

use std::path::PathBuf;

use anyhow::{Context, bail};
use model::{Address, Secret};
use serde_json::json;

use super::Outcome;
use crate::{
    config::{Config, Folder, Missing, parse_address},
    init::{
        Discovery, Found, Written, address_on_chain, discover_project, formats_of, propose, write,
    },
    terminal::print_line,
};

/// Write a folder that works: from a contract's address and an RPC URL, or from a project of Foundry,
/// Hardhat, Truffle or the OpenZeppelin upgrades plug-ins. Never overwrites a file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether init my-protocol --address 0x5aAe…eAed --rpc https://…\n  bellwether init my-protocol --from ../contracts\n  cd contracts && bellwether init bellwether"
)]
pub(super) struct Init {
    /// Folder to write; it may exist.
    #[arg(default_value = "bellwether")]
    folder: PathBuf,
    /// Address of a contract to guard; repeat for several.
    #[arg(long, value_parser = parse_address, requires = "rpc")]
    address: Vec<Address>,
    /// RPC URL of the chain that the addresses are on. It is asked once and not written down.
    #[arg(long, value_name = "URL", env = "BELLWETHER_INIT_RPC", hide_env_values = true)]
    rpc: Option<String>,
    /// Project of Foundry, Hardhat or Truffle; the current folder when it is one.
    #[arg(long, value_name = "FOLDER", conflicts_with = "address")]
    from: Option<PathBuf>,
    /// What was written, as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let discovery = self.discover().await?;
        if discovery.found.is_empty() {
            for line in &discovery.left_out {
                print_line(line);
            }
            bail!("found no contract to guard");
        }
        let name = self.folder.file_name().map_or("my-protocol".into(), |n| n.to_string_lossy());
        let proposal = propose(&name, &discovery.found);
        let written = write(&proposal, &self.folder)?;
        // What was written must be what the program takes; a mistake here is ours.
        let checked = Config::load(&Folder::new(&self.folder), Missing::IsFine);
        if self.json {
            let files = |is_new: bool| -> Vec<&String> {
                let wanted = |w: &&Written| matches!(w, Written::New(_)) == is_new;
                written.iter().filter(wanted).map(Written::path).collect()
            };
            print_line(&json!({
                "folder": self.folder,
                "new": files(true),
                "kept": files(false),
                "notes": proposal.notes,
                "left_out": discovery.left_out,
                "mistakes": checked.as_ref().err().map(ToString::to_string),
            }));
        } else {
            for file in &written {
                match file {
                    Written::New(path) => print_line(&format!("  new   {path}")),
                    Written::Kept(path) => {
                        print_line(&format!("  kept  {path} (was there already)"))
                    }
                }
            }
            for note in proposal.notes.iter().chain(&discovery.left_out) {
                print_line(&format!("  {note}"));
            }
        }
        if let Err(mistakes) = checked {
            if !self.json {
                print_line(&format!("\n{mistakes}"));
            }
            return Ok(Outcome::FoundWrong);
        }
        if !self.json {
            print_line(&format!(
                "\nnext: bellwether check {0} && bellwether run {0}",
                self.folder.display()
            ));
        }
        Ok(Outcome::Fine)
    }

    async fn discover(&self) -> anyhow::Result<Discovery> {
        if let Some(rpc) = self.rpc.as_ref().filter(|_| !self.address.is_empty()) {
            let mut found: Vec<Found> = Vec::new();
            let mut left_out = Vec::new();
            for address in &self.address {
                let contract = address_on_chain(&Secret::new(rpc.clone()), *address)
                    .await
                    .with_context(|| format!("looking at {address}"))?;
                left_out.extend(contract.notes);
                found.push(contract.found);
            }
            return Ok(Discovery { found, left_out });
        }
        let project = self.from.clone().unwrap_or_else(|| PathBuf::from("."));
        if formats_of(&project).is_empty() {
            bail!(
                "{} is no project of Foundry, Hardhat, Truffle or the OpenZeppelin upgrades plug-ins; say --from FOLDER, or --address 0x… --rpc URL",
                project.display()
            )
        }
        discover_project(&project)
    }
}
