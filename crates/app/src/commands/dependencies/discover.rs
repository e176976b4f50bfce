//! `bellwether dependencies discover`: from the live chain.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use model::Name;
use registry::dependencies::proposal;
use serde_json::{Value, json};

use super::list;
use crate::{
    commands::{Outcome, loaded_from},
    config::{Config, Network},
    dependencies::{Discovered, Found, discover, found},
    terminal::{Progress, Style, note, print_line},
};

/// Find what ours rely on: from the call traces of the newest blocks, from what our contracts name
/// when they are asked, and from their storage; weigh it by balances and prices.
///
/// With --write it becomes dependencies/NETWORK.toml to review; a file that is there is never
/// overwritten. Exit code 0 when everything found is declared or was written, 1 when not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether dependencies discover\n  bellwether dependencies discover --network mainnet --blocks 7200 --write"
)]
pub(super) struct Discover {
    /// Look on this network alone; without it on every network.
    #[arg(long)]
    network: Option<Name>,
    /// Read the traces of so many of the newest blocks.
    #[arg(long, default_value_t = 300)]
    blocks: u64,
    /// Write what is not declared yet into dependencies/NETWORK.toml.
    #[arg(long)]
    write: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Discover {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let mut networks = Vec::new();
        let mut undeclared = 0;
        for network in self.networks(&config)? {
            let name = &network.chain.name;
            let mut progress = Progress::new();
            let looked = discover(&network.chain, &config.registry, self.blocks, |text| {
                progress.show(&format!("{name}: {text}"));
            });
            let looked = looked.await;
            progress.clear();
            let looked = looked.with_context(|| format!("looking for dependencies on {name}"))?;
            let all = found(&looked, &config.registry);
            let new: Vec<&Found> = all.iter().filter(|one| !one.is_declared).collect();
            let written = match self.write && !new.is_empty() {
                true => Some(self.write_file(name, &new)?),
                false => None,
            };
            undeclared += if written.is_some() { 0 } else { new.len() };
            if self.json {
                networks.push(in_json(name, &looked, &all));
            } else {
                print(name, &looked, &all);
                if let Some(path) = &written {
                    print_line(&format!("written for review: {}", path.display()));
                }
            }
        }
        if self.json {
            print_line(&json!({"networks": networks, "undeclared": undeclared}));
        }
        Ok(if undeclared == 0 { Outcome::Fine } else { Outcome::FoundWrong })
    }

    fn networks<'c>(&self, config: &'c Config) -> anyhow::Result<Vec<&'c Network>> {
        let is_meant = |network: &&Network| {
            self.network.as_ref().is_none_or(|name| *name == network.chain.name)
        };
        let meant: Vec<&Network> = config.networks.iter().filter(is_meant).collect();
        if let (true, Some(name)) = (meant.is_empty(), &self.network) {
            let known: Vec<&str> = config.networks.iter().map(|n| n.chain.name.as_str()).collect();
            bail!("unknown network {:?} (declared: {})", name.as_str(), known.join(", "));
        }
        let is_set = |e: &chain::config::EndpointConfig| !e.url.reveal().is_empty();
        for network in &meant {
            if !network.chain.endpoints.iter().any(is_set) {
                let name = &network.chain.name;
                bail!(
                    "no endpoint of {name} has a URL: set the variables that networks/{name}.toml names"
                );
            }
        }
        Ok(meant)
    }

    fn write_file(&self, network: &Name, new: &[&Found]) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("dependencies");
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let entries: Vec<_> = new.iter().map(|one| (one.entry.clone(), one.why.clone())).collect();
        let path = folder.join(format!("{network}.toml"));
        create_new(&path, &proposal(network, &entries))?;
        Ok(path)
    }
}

/// Writes a file that is not there yet.
fn create_new(path: &Path, text: &str) -> anyhow::Result<()> {
    use io::Write;
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
            "{} is there and is not overwritten; without --write what is new is shown",
            path.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("writing {}", path.display())),
    };
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}

fn print(network: &Name, looked: &Discovered, all: &[Found]) {
    let style = Style::stdout();
    for one in all {
        let entry = &one.entry;
        let standing = if one.is_declared { style.dim("declared") } else { style.yellow("new") };
        print_line(&format!(
            "{standing}  {}  {}  {}",
            style.bold(entry.label.as_str()),
            entry.kind,
            entry.address
        ));
        for line in &one.why {
            print_line(&style.dim(&format!("  {line}")));
        }
        let exposure = one.exposure().map(|amount| format!("{amount} of ours rely on it"));
        let calls = one.calls_per_day.map(|calls| format!("{calls:.0} calls a day"));
        let weight: Vec<String> = exposure.into_iter().chain(calls).collect();
        if !weight.is_empty() {
            print_line(&format!("  {}", weight.join(", ")));
        }
    }
    for unknown in &looked.unknown {
        note(&format!("unknown on {network}: {unknown}"));
    }
    let new = all.iter().filter(|one| !one.is_declared).count();
    let range = looked.graph.seen().map_or_else(String::new, |range| format!(" in blocks {range}"));
    print_line(&format!(
        "{} dependencies on {network}, {new} not declared: {} transactions{range}, asked {} at block {}",
        all.len(),
        looked.transactions,
        looked.endpoint,
        looked.at.block
    ));
}

fn in_json(network: &Name, looked: &Discovered, all: &[Found]) -> Value {
    let total: u128 = all
        .iter()
        .filter(|one| one.entry.token.is_some() || one.entry.lending.is_some())
        .filter_map(|one| one.exposure_cents)
        .fold(0, u128::saturating_add);
    let dependencies: Vec<Value> = all
        .iter()
        .map(|one| {
            let mut value = list::in_json(&one.entry);
            value["why"] = json!(one.why);
            value["exposure_usd"] = json!(one.exposure().map(|amount| amount.to_decimal()));
            let share = one.exposure_cents.filter(|_| total > 0);
            value["share"] = json!(share.map(|cents| cents as f64 / total as f64));
            value["calls_per_day"] = json!(one.calls_per_day);
            value["declared"] = json!(one.is_declared);
            value
        })
        .collect();
    json!({
        "network": network,
        "endpoint": looked.endpoint,
        "block": looked.at.block,
        "transactions": looked.transactions,
        "dependencies": dependencies,
        "graph": looked.graph.to_json(),
        "unknown": looked.unknown,
    })
}
