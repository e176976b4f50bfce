//! `bellwether init`: from an address, or the folder of a development tool, to a folder that works.

use std::path::PathBuf;

use anyhow::{Context, bail};
use model::{Address, Secret};
use serde_json::json;

use super::Outcome;
use crate::{
    config::{Config, Folder, Missing, parse_address},
    init::{
        Artefacts, Discovery, Proposal, Proposed, Standing, Written, discover_project, formats_of,
        propose, survey, write,
    },
    terminal::print_line,
};

/// Write a folder that works: from a contract's address and an RPC URL, or from a project of Foundry,
/// Hardhat, Truffle or the OpenZeppelin upgrades plug-ins. Never overwrites a file.
///
/// From an address, everything that belongs to it is found: what it runs, who may do what, timelock,
/// governor, oracle, funds, tokens, and what else the same account created. PROPOSAL.md in the
/// folder says what was found, why, and what is proposed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether init my-protocol --address 0x5aAe…eAed --rpc https://…\n  bellwether init my-protocol --address 0x5aAe…eAed --rpc https://… --artifacts ../contracts/out --dry-run\n  bellwether init my-protocol --from ../contracts\n  cd contracts && bellwether init bellwether"
)]
pub(super) struct Init {
    /// Folder to write; it may exist.
    #[arg(default_value = "bellwether")]
    folder: PathBuf,
    /// Address of a contract to guard, best the one that users call; repeat for several.
    #[arg(long, value_parser = parse_address, requires = "rpc")]
    address: Vec<Address>,
    /// RPC URL of the chain that the addresses are on. It is asked once and not written down.
    #[arg(long, value_name = "URL", env = "BELLWETHER_INIT_RPC", hide_env_values = true)]
    rpc: Option<String>,
    /// Project of Foundry, Hardhat or Truffle; the current folder when it is one.
    #[arg(long, value_name = "FOLDER", conflicts_with = "address")]
    from: Option<PathBuf>,
    /// Folder with compiled contracts (Foundry's out/, Hardhat's artifacts/): names and ABIs are
    /// taken from those whose code is the code at an address.
    #[arg(long, value_name = "FOLDER", requires = "address")]
    artifacts: Option<PathBuf>,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// What was found and written, as one JSON object.
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
        let proposal = propose(&name, &discovery);
        if self.dry_run {
            self.show(&proposal, &discovery);
            return Ok(Outcome::Fine);
        }
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
                "contracts": proposal.contracts.iter().map(contract_json).collect::<Vec<_>>(),
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
                "\nread {0}/PROPOSAL.md\nnext: bellwether check {0} && bellwether run {0}",
                self.folder.display()
            ));
        }
        Ok(Outcome::Fine)
    }

    /// Every file with its text, on standard output.
    fn show(&self, proposal: &Proposal, discovery: &Discovery) {
        if self.json {
            let files: serde_json::Map<_, _> =
                proposal.files.iter().map(|(path, text)| (path.clone(), json!(text))).collect();
            print_line(&json!({
                "folder": self.folder,
                "would_write": files,
                "contracts": proposal.contracts.iter().map(contract_json).collect::<Vec<_>>(),
                "notes": proposal.notes,
                "left_out": discovery.left_out,
            }));
            return;
        }
        for (path, text) in proposal.files.iter().filter(|(path, _)| !path.starts_with("abis/")) {
            print_line(&format!("==> {path}\n{text}"));
        }
        for note in proposal.notes.iter().chain(&discovery.left_out) {
            print_line(&format!("  {note}"));
        }
        print_line(&"\nnothing was written");
    }

    async fn discover(&self) -> anyhow::Result<Discovery> {
        if let Some(rpc) = self.rpc.as_ref().filter(|_| !self.address.is_empty()) {
            let artefacts = match &self.artifacts {
                Some(folder) => Artefacts::read(folder)?,
                None => Artefacts::default(),
            };
            let found = survey(&Secret::new(rpc.clone()), &self.address, &artefacts)
                .await
                .context("looking at what belongs to the address")?;
            return Ok(Discovery::of_survey(found));
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

fn contract_json(contract: &Proposed) -> serde_json::Value {
    let recognition = &contract.recognition;
    let surveyed = contract.surveyed.as_ref();
    let holders = surveyed.iter().flat_map(|s| &s.holders).map(|holder| {
        json!({
            "role": holder.role,
            "account": holder.account,
            "kind": holder.kind.as_str(),
            "source": holder.source,
        })
    });
    let reasons = surveyed.iter().flat_map(|s| &s.reasons).map(ToString::to_string);
    json!({
        "label": contract.label,
        "chain_id": contract.chain_id,
        "address": contract.address,
        "class": recognition.class.class.as_str(),
        "confidence": recognition.class.confidence.as_str(),
        "why": recognition.class.why,
        "ours": contract.standing == Standing::Ours,
        "abi_known": surveyed.is_none_or(|s| s.abi_known),
        "because": reasons.collect::<Vec<_>>(),
        "created_in": surveyed.and_then(|s| s.created_in),
        "created_by": surveyed.and_then(|s| s.created_by),
        "traits": recognition.traits.iter()
            .map(|e| json!({"trait": e.is.as_str(), "why": e.why}))
            .collect::<Vec<_>>(),
        "proxy": recognition.proxy.as_ref().map(|proxy| json!({
            "kind": proxy.kind.as_str(),
            "targets": proxy.kind.targets(),
            "evidence": proxy.evidence,
        })),
        "delay_s": recognition.delay_s,
        "getters": recognition.getters.iter()
            .map(|getter| json!({"name": getter.name, "target": getter.target}))
            .collect::<Vec<_>>(),
        "holders": holders.collect::<Vec<_>>(),
        "monitors": contract.monitors.iter()
            .map(|(name, wish)| json!({"name": name, "severity": wish.severity, "why": wish.why, "receivers": ["terminal"]}))
            .collect::<Vec<_>>(),
    })
}
