//! `bellwether registry gate`: nothing is deployed that nobody will watch.

use std::path::PathBuf;

use anyhow::bail;
use model::{Address, Name};
use registry::parse_address;
use serde_json::json;

use super::super::{Outcome, loaded_from};
use crate::{
    config::Config,
    dossier::Watching,
    terminal::{Style, print_line},
    words,
};

/// Fail unless every address is declared and at least one monitor is on it: a step of the pipeline
/// that deploys.
///
/// Exit code 0 when each may be deployed, 1 when one may not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, before `forge script --broadcast`:\n  bellwether registry gate --network mainnet $(bellwether registry predict create2 --factory $FACTORY --salt $SALT --init-code out/Vault.sol/Vault.json)"
)]
pub(super) struct Gate {
    /// Addresses that are about to be deployed to.
    #[arg(required = true, value_name = "ADDRESS", value_parser = parse_address)]
    addresses: Vec<Address>,
    /// Network that they are on.
    #[arg(long)]
    network: Name,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// One JSON array instead of text.
    #[arg(long)]
    json: bool,
}

/// What the gate says about one address.
enum Answer<'c> {
    Armed { label: &'c Name, monitors: usize, is_planned: bool },
    NotWatched { label: &'c Name },
    NotDeclared,
}

impl Gate {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let networks: Vec<&str> = config.networks.iter().map(|n| n.chain.name.as_str()).collect();
        if !networks.contains(&self.network.as_str()) {
            bail!(
                "unknown network {:?} (declared: {})",
                self.network.as_str(),
                networks.join(", ")
            );
        }
        let answers: Vec<(Address, Answer<'_>)> =
            self.addresses.iter().map(|at| (*at, answer(&config, &self.network, *at))).collect();
        if self.json {
            let all = answers.iter().map(|(address, answer)| in_json(*address, answer));
            print_line(&serde_json::Value::Array(all.collect()));
        } else {
            for (address, answer) in &answers {
                tell(*address, answer);
            }
        }
        let is_open = answers.iter().all(|(_, answer)| matches!(answer, Answer::Armed { .. }));
        Ok(if is_open { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn answer<'c>(config: &'c Config, network: &Name, address: Address) -> Answer<'c> {
    let Some(index) = config.registry.index_at(network, address) else {
        return Answer::NotDeclared;
    };
    let deployment = config.registry.deployment(index);
    let label = &deployment.label;
    match Watching::on(deployment, &config.monitors, None).monitors.len() {
        0 => Answer::NotWatched { label },
        monitors => {
            let is_planned = config.registry.planned(index).is_some();
            Answer::Armed { label, monitors, is_planned }
        }
    }
}

fn tell(address: Address, answer: &Answer<'_>) {
    let style = Style::stdout();
    print_line(&match answer {
        Answer::Armed { label, monitors, is_planned } => {
            let planned = if *is_planned { "" } else { ", declared without a plan" };
            format!(
                "{address}  {}  {label}: {}{planned}",
                style.green("armed"),
                words::counted(*monitors as u64, "monitor")
            )
        }
        Answer::NotWatched { label } => {
            format!("{address}  {}  {label}: no monitor is on it", style.red("not watched"))
        }
        Answer::NotDeclared => {
            format!("{address}  {}  declare it in deployments/", style.red("not declared"))
        }
    });
}

fn in_json(address: Address, answer: &Answer<'_>) -> serde_json::Value {
    let (state, label, monitors, is_planned) = match answer {
        Answer::Armed { label, monitors, is_planned } => {
            ("armed", Some(label), *monitors, *is_planned)
        }
        Answer::NotWatched { label } => ("not-watched", Some(label), 0, false),
        Answer::NotDeclared => ("not-declared", None, 0, false),
    };
    json!({
        "address": address.to_string(),
        "state": state,
        "label": label,
        "monitors": monitors,
        "planned": is_planned,
    })
}
