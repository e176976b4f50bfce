//! `bellwether authority`: who can make what happen, who should, and what would mend the difference.

mod drift; //   observed against declared
mod propose; // what is observed, as a policy
mod repair; //  unsigned transactions that end drifts
mod scan; //    history
mod show; //    who can do what, through whom

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::{BlockNumber, Name, UnixSeconds};
use registry::authority::{self, DriftItem, History, Moment};
use store::Store;

use super::{Outcome, loaded_from};
use crate::{
    authority::{Look, look},
    clock,
    config::{Config, Network},
    terminal::note,
    words,
};

/// Who can make what happen: shown from the live chain, held against policy.toml, mended.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority show vault\n  bellwether authority propose > policy.toml\n  bellwether authority drift\n  bellwether authority repair --out repairs.json"
)]
pub(super) struct AuthorityCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(show::Show),
    Scan(scan::Scan),
    Propose(propose::Propose),
    Drift(drift::Drift),
    Repair(repair::Repair),
}

impl AuthorityCommand {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Show(command) => command.run().await,
            Command::Scan(command) => command.run().await,
            Command::Propose(command) => command.run().await,
            Command::Drift(command) => command.run().await,
            Command::Repair(command) => command.run().await,
        }
    }
}

/// Where to look.
#[derive(Debug, clap::Args)]
struct Place {
    /// Look on this network alone; without it on every network.
    #[arg(long)]
    network: Option<Name>,
    /// Look at this block instead of the newest one; needs one network.
    #[arg(long, requires = "network")]
    block: Option<BlockNumber>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

/// What was found, with the configuration that it was found by.
struct Found {
    config: Config,
    looks: Vec<Look>,
}

impl Place {
    fn networks<'c>(&self, config: &'c Config) -> anyhow::Result<Vec<&'c Network>> {
        let is_meant = |network: &&Network| {
            self.network.as_ref().is_none_or(|name| *name == network.chain.name)
        };
        let meant: Vec<&Network> = config.networks.iter().filter(is_meant).collect();
        if let (true, Some(name)) = (meant.is_empty(), &self.network) {
            let known = config.networks.iter().map(|n| n.chain.name.as_str());
            let known: Vec<&str> = known.collect();
            bail!("unknown network {:?} (declared: {})", name.as_str(), known.join(", "));
        }
        for network in &meant {
            let is_set = |e: &chain::config::EndpointConfig| !e.url.reveal().is_empty();
            if !network.chain.endpoints.iter().any(is_set) {
                let name = &network.chain.name;
                bail!("no endpoint of {name} has a URL: set the variables that networks/{name}.toml names");
            }
        }
        Ok(meant)
    }

    /// Looks at the live chains.
    async fn look(&self) -> anyhow::Result<Found> {
        let config = loaded_from(&self.folder)?;
        let mut looks = Vec::new();
        for network in self.networks(&config)? {
            let declared = config.registry.authority();
            let found = look(&network.chain, &config.registry, declared, self.block).await;
            let name = &network.chain.name;
            looks.push(found.with_context(|| format!("looking at authority on {name}"))?);
        }
        Ok(Found { config, looks })
    }
}

impl Found {
    /// What deviates from the policy now, with the age that the monitor knows.
    fn drift(&self, folder: &Path) -> anyhow::Result<Vec<DriftItem>> {
        let declared = self.config.registry.authority();
        if declared.policy.is_none() {
            bail!(
                "there is no policy.toml to hold authority against; `bellwether authority propose` writes one to begin with"
            );
        }
        let history = history(&self.config, folder)?;
        let observed: Vec<_> = self.looks.iter().map(|look| look.observed.clone()).collect();
        let now = words::seconds(clock::now());
        // A block of the past is judged by its own day.
        let newest = observed.iter().map(|one| one.at.at).max().unwrap_or(now);
        let is_past = now.seconds_since(newest) > RECENT_S;
        let now = if is_past { newest } else { now };
        Ok(authority::drift(&observed, &self.config.registry, declared, now, &history))
    }

    /// Says what could not be found out, where people read it.
    fn tell_unknown(&self) {
        for look in &self.looks {
            for unknown in &look.unknown {
                note(&format!("unknown on {}: {unknown}", look.observed.network));
            }
        }
    }
}

/// A newest block older than this is one of the past, in seconds.
const RECENT_S: u64 = 3_600;

/// What monitors of authority remember, from the store if there is one.
fn history(config: &Config, folder: &Path) -> anyhow::Result<History> {
    let mut all = History::default();
    let path = folder.join(&config.general.store);
    if !path.exists() {
        return Ok(all);
    }
    let store = Store::open_to_read(&path)
        .with_context(|| format!("reading the store {}", path.display()))?;
    for network in &config.networks {
        let name = &network.chain.name;
        for monitor in &config.monitors {
            use detect::detectors::access::authority_drift::{REMEMBERED_KEYS, remembered};
            let entries = store.detector_state_between(name, REMEMBERED_KEYS)?;
            let at = Moment { block: 0, at: UnixSeconds(0) };
            let found = remembered(monitor, &config.registry, name, at, entries)?;
            let Some(found) = found else { continue };
            all.first_seen.extend(found.history.first_seen);
            all.used.extend(found.history.used);
            all.watched_since = match (all.watched_since, found.history.watched_since) {
                // Of several networks the one that is watched for the shortest time counts.
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            };
        }
    }
    Ok(all)
}
