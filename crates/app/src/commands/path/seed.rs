//! `bellwether path seed`: from tests on a fork, before launch.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chain::{
    config::{EndpointConfig, Finality, NetworkConfig, TraceMode},
    rpc::{HttpRpc, Request},
};
use detect::{MonitorSpec, trace::Protected};
use model::{Address, Name, Secret};
use registry::Registry;

use super::{At, READ_AGAIN, write};
use crate::{
    commands::{Outcome, loaded_from},
    config::{Config, parse_address},
    paths::{self, Seed as Learned, learn, seed_file},
    terminal::{Progress, print_line},
    words,
};

/// Learn the paths of the project's own tests on a fork or a test chain, so that a monitor does not
/// begin with nothing.
///
/// Run the tests against a node that keeps call traces (anvil does), then name their blocks. Where a
/// contract has another address there than it will have, say so with --stands-for. What was learned
/// replaces paths/seed-MONITOR.toml.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether path seed --monitor paths --rpc http://127.0.0.1:8545 --from-block 1 --to-block 400 --stands-for 0x5fbd…0aa3=vault"
)]
pub(super) struct Seed {
    /// The monitor that is taught; its contracts decide what a path is.
    #[arg(long, value_name = "NAME")]
    monitor: Name,
    /// The node; without it, the endpoints of the monitor's network.
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// The network whose contracts are meant, where the monitor watches several.
    #[arg(long, value_name = "NAME")]
    network: Option<Name>,
    /// First block.
    #[arg(long, value_name = "NUMBER")]
    from_block: u64,
    /// Last block.
    #[arg(long, value_name = "NUMBER")]
    to_block: u64,
    /// An address of the test chain, and the deployment that it stands for.
    #[arg(long, value_name = "ADDRESS=LABEL")]
    stands_for: Vec<String>,
    #[command(flatten)]
    at: At,
}

impl Seed {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.at.folder)?;
        if self.to_block < self.from_block {
            bail!("--to-block {} lies before --from-block {}", self.to_block, self.from_block);
        }
        let monitor = self.monitor(&config)?;
        let salt = config.general.path_salt.known()?;
        let mut network = self.network(&config, monitor)?;
        let registry = &config.registry;
        let protected = protected(registry, monitor, &network.name);
        if protected.is_empty() {
            bail!("monitor {} guards nothing on {}", monitor.name, network.name);
        }
        let stands_for = self.standing(registry, &network.name)?;
        if let Some(url) = &self.rpc {
            network = at_node(network, &Secret::new(url.clone())).await?;
        }
        let mut progress = Progress::new();
        let (from, to) = (self.from_block, self.to_block);
        let learned = learn(network, (from, to), &protected, (&stands_for, &salt), |number| {
            progress.show(&format!("block {number} of {to}"));
        });
        let learned = learned.await;
        progress.clear();
        let paths::Learned { seen, blocks, transactions } = learned?;
        if seen.is_empty() {
            bail!(
                "no transaction of blocks {from} to {to} goes through the contracts of {}; if they have other addresses there, say so with --stands-for",
                monitor.name
            );
        }
        let seen = seen.into_iter().collect();
        let seed = Learned { monitor: monitor.name.clone(), salt: salt.mark(), seen };
        let file = format!("paths/seed-{}.toml", seed.monitor);
        let origin =
            format!("{transactions} transactions of blocks {from} to {to} of a test chain");
        write(&self.at.folder.join(&file), &seed_file(&seed, &origin))?;
        print_line(&format!(
            "{} in {} of {}: {file} has them, and {READ_AGAIN}",
            words::counted(seed.seen.len() as u64, "path"),
            words::counted(transactions, "transaction"),
            words::counted(blocks, "block"),
        ));
        Ok(Outcome::Fine)
    }

    fn monitor<'c>(&self, config: &'c Config) -> anyhow::Result<&'c MonitorSpec> {
        let found = config.monitors.iter().find(|monitor| monitor.name == self.monitor);
        let monitor = found.with_context(|| {
            let all: Vec<&str> = config.monitors.iter().map(|m| m.name.as_str()).collect();
            format!("unknown monitor {:?} (one of: {})", self.monitor.as_str(), all.join(", "))
        })?;
        if !paths::learns(monitor) {
            bail!("monitor {} does not learn paths; flow/unusual_code_path does", monitor.name);
        }
        Ok(monitor)
    }

    fn network(&self, config: &Config, monitor: &MonitorSpec) -> anyhow::Result<NetworkConfig> {
        let is_watched =
            |name: &Name| monitor.networks.is_empty() || monitor.networks.contains(name);
        let mut all = config.networks.iter().map(|network| &network.chain).filter(|chain| {
            is_watched(&chain.name) && self.network.as_ref().is_none_or(|name| *name == chain.name)
        });
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => bail!("monitor {} watches no such network", monitor.name),
            (Some(_), Some(_)) => {
                bail!(
                    "monitor {} watches several networks: choose one with --network",
                    monitor.name
                )
            }
        }
    }

    fn standing(
        &self,
        registry: &Registry,
        network: &Name,
    ) -> anyhow::Result<BTreeMap<Address, Address>> {
        let mut standing = BTreeMap::new();
        for text in &self.stands_for {
            let (there, label) = text
                .split_once('=')
                .with_context(|| format!("--stands-for {text:?} is not ADDRESS=LABEL"))?;
            let there = parse_address(there)
                .map_err(|error| anyhow::anyhow!("--stands-for {text:?}: {error}"))?;
            let here = registry
                .deployments()
                .iter()
                .find(|known| known.network == *network && known.label.as_str() == label)
                .with_context(|| {
                    format!("--stands-for {text:?}: {network} has no deployment {label:?}")
                })?;
            standing.insert(there, here.address);
        }
        Ok(standing)
    }
}

/// What the monitor guards on a network.
fn protected(registry: &Registry, monitor: &MonitorSpec, network: &Name) -> Protected {
    let is_meant = |label: &Name| monitor.is_on_everything() || monitor.on.contains(label);
    let own = registry.own().map(|(_, deployment)| deployment);
    own.filter(|known| known.network == *network && is_meant(&known.label))
        .map(|known| known.address)
        .collect()
}

/// The network as one node has it, whatever chain that says it is.
async fn at_node(network: NetworkConfig, url: &Secret<String>) -> anyhow::Result<NetworkConfig> {
    let endpoint = EndpointConfig {
        name: Name::new("given").expect("a plain slug"),
        url: url.clone(),
        ws_url: None,
        headers: Vec::new(),
        requests_per_second: None,
    };
    let rpc = HttpRpc::new(&endpoint, &network.timing, &network.limits)?;
    let answer = rpc.call(&Request::new("eth_chainId", "[]".to_owned())).await;
    let answer = answer.context("asking the node which chain it is on")?;
    let answer = answer.context("eth_chainId answered null")?;
    let id: String =
        serde_json::from_slice(&answer).context("reading the answer to eth_chainId")?;
    let digits = id.strip_prefix("0x").unwrap_or(&id);
    let chain_id =
        u64::from_str_radix(digits, 16).with_context(|| format!("eth_chainId answered {id:?}"))?;
    Ok(NetworkConfig {
        chain_id,
        endpoints: vec![endpoint],
        finality: Finality::Latest,
        traces: TraceMode::Required,
        cross_check: None,
        ..network
    })
}
