//! Everything about one address in one place: what it is, what it can be asked, who watches it, what
//! happened to it. Page, API and command line show the same dossier.
//!
//! Facts come from two places that are both arguments: what people declared ([`Declared`]) and what
//! the store remembers. An address that nobody declared has a dossier, too: it says so, and what the
//! label sets know.

mod history; //   alerts that were about it
mod interface; // functions and events, each with who watches it
mod life; //      where in its life it is, and what it was before
mod watching; //  monitors on it, and whether they could judge

use detect::MonitorSpec;
use model::{Address, Name};
use registry::{Deployment, Registry};
use store::{Store, StoreError};

pub use history::{ALERTS_LISTED_MAX, History};
pub use interface::{Entry, EventEntry, Interface};
pub use life::Life;
pub use watching::{BLOCKS_LOOKED_AT, Watch, Watching};

/// What people decided, as far as a dossier needs it.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// What is guarded, and labels.
    pub registry: &'a Registry,
    /// What is watched.
    pub monitors: &'a [MonitorSpec],
}

/// A label that some list gives the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAs {
    /// Kind of label.
    pub category: String,
    /// What the list calls it; empty when it gives no name.
    pub name: String,
    /// Where the label comes from.
    pub source: String,
    /// How far the source is believed, 0 to 100.
    pub confidence_percent: u8,
}

/// Everything about one address.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// Network.
    pub network: Name,
    /// Address.
    pub address: Address,
    /// What was declared; `None` when nobody guards it.
    pub deployment: Option<Deployment>,
    /// What label sets say.
    pub known_as: Vec<KnownAs>,
    /// What it can be asked and can say.
    pub interface: Interface,
    /// Who watches it.
    pub watching: Watching,
    /// What happened to it; `None` when no store was there to ask.
    pub history: Option<History>,
}

impl Dossier {
    /// Gathers everything about an address. Blocks while the store is read.
    ///
    /// # Errors
    /// When the store cannot be read: a part that failed never becomes an empty one.
    pub fn of(
        network: &Name,
        address: Address,
        declared: Declared<'_>,
        store: Option<&Store>,
    ) -> Result<Self, StoreError> {
        let deployment = declared.registry.at(network, address).cloned();
        let known_as = declared.registry.labels().of(network, address).map(|label| KnownAs {
            category: label.category.to_string(),
            name: label.name.to_owned(),
            source: label.source.to_owned(),
            confidence_percent: label.confidence_percent,
        });
        let watched = deployment.as_ref().map(|d| Watching::on(d, declared.monitors));
        let mut watching = watched.unwrap_or_default();
        if let (Some(store), Some(deployment)) = (store, &deployment) {
            watching.look(deployment, store)?;
        }
        let history = match (store, &deployment) {
            (Some(store), Some(deployment)) => Some(History::of(deployment, store)?),
            _ => None,
        };
        Ok(Self {
            network: network.clone(),
            address,
            known_as: known_as.collect(),
            interface: Interface::of(deployment.as_ref(), declared.monitors),
            watching,
            history,
            deployment,
        })
    }

    /// What to call it: the deployment's label, else the first name of a label set.
    pub fn name(&self) -> Option<&str> {
        match &self.deployment {
            Some(deployment) => Some(deployment.label.as_str()),
            None => self.known_as.iter().map(|known| known.name.as_str()).find(|n| !n.is_empty()),
        }
    }
}

/// What somebody may call an address: a label of a deployment, or an address with or without its
/// network.
///
/// # Errors
/// What was asked for and what there is, in a sentence.
pub fn find(
    text: &str,
    network: Option<&Name>,
    networks: &[Name],
    registry: &Registry,
) -> Result<Vec<(Name, Address)>, String> {
    if let Ok(label) = Name::new(text)
        && let Some(deployment) = registry.get(&label)
        && network.is_none_or(|network| *network == deployment.network)
    {
        return Ok(vec![(deployment.network.clone(), deployment.address)]);
    }
    if !text.starts_with("0x") {
        let labels = registry.deployments().iter().map(|d| d.label.as_str());
        let help = match crate::config::nearest(text, labels) {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        };
        return Err(format!("{text:?} is neither a deployment's label nor an address{help}"));
    }
    let address = crate::config::parse_address(text)?;
    if let Some(network) = network {
        return Ok(vec![(network.clone(), address)]);
    }
    // One address may be many contracts: every network on which somebody knows it is meant.
    let is_known = |network: &&Name| registry.label(network, address).is_some();
    let known: Vec<_> = networks.iter().filter(is_known).map(|n| (n.clone(), address)).collect();
    if known.is_empty() {
        return Ok(networks.iter().map(|network| (network.clone(), address)).collect());
    }
    Ok(known)
}
