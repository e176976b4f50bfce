//! Everything about one address in one place: what it is, where in its life, who holds power over
//! it, what it puts at risk and relies on, who watches it and how well, which threats name it, what
//! happened to it. Page, API and command line show the same dossier.
//!
//! Facts come from two places that are both arguments: what people declared ([`Declared`]) and what
//! the program found out ([`Seen`]). A section that knows nothing says why ([`Known`]) instead of
//! being empty. An address that nobody declared has a dossier, too: it says so, and what label sets
//! and the graph of authority know.

mod covered; //      its coverage, the holes and what closes them
mod dependencies; // what it relies on
mod history; //      alerts that were about it, and what changed
mod identity; //     what it shows itself to be
mod interface; //    functions and events, each with who watches it
mod known; //        what is known, or why nothing is
mod life; //         stage and lineage
mod power; //        who can call what through whom
mod standing; //     all contracts in a line each
mod threatened; //   threats that name it
mod watching; //     monitors on it, and whether they could judge

use std::{fmt, sync::Arc};

use detect::{MonitorSpec, chronicle};
use model::{Address, Name, UnixSeconds};
use registry::{
    Deployment, Registry,
    gap::Clearance,
    threats::{Day, ThreatMap},
};
use store::{Store, StoreError};

pub use covered::{Covered, OpenCell};
pub use dependencies::Dependency;
pub use history::{ALERTS_LISTED_MAX, Change, FINDINGS_READ_MAX, Found, History};
pub use identity::Identity;
pub use interface::{Entry, EventEntry, Interface};
pub use known::{Known, Unknown};
pub use life::{CHILDREN_LISTED_MAX, Children, Creator, Delegated, Life};
pub use power::{Held, Power, WAYS_LISTED_MAX, Way};
pub use standing::{Standing, Standings};
pub use threatened::Threatened;
pub use watching::{BLOCKS_LOOKED_AT, Watch, Watching};

use crate::{authority, coverage::Account, web::NetworkInfo};

/// What people decided, as far as a dossier needs it.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// What is guarded, labels, and who should hold power.
    pub registry: &'a Arc<Registry>,
    /// What is watched.
    pub monitors: &'a [MonitorSpec],
    /// What could go wrong.
    pub threats: &'a ThreatMap,
    /// What people said about the time before contracts were watched.
    pub clearances: &'a [Clearance],
    /// Networks that are followed.
    pub networks: &'a [NetworkInfo],
}

impl Declared<'_> {
    fn chain_id(&self, network: &Name) -> Option<u64> {
        Some(self.networks.iter().find(|of| of.name == *network)?.chain_id)
    }
}

/// What the program found out.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What it remembers.
    pub store: &'a Store,
    /// Its ledger of coverage.
    pub account: &'a Account,
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

/// An address with what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Address.
    pub address: Address,
    /// A deployment's label, a principal's name or that of a label set.
    pub name: Option<String>,
}

impl Party {
    fn new(registry: &Registry, network: &Name, address: Address) -> Self {
        Self { address, name: registry.label(network, address).map(str::to_owned) }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.pad(name),
            None => write!(f, "{}", self.address),
        }
    }
}

/// Everything about one address.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// Network.
    pub network: Name,
    /// Address.
    pub address: Address,
    /// What was declared, or follows from the template of its factory; `None` when nobody guards it.
    pub deployment: Option<Deployment>,
    /// What label sets say.
    pub known_as: Vec<KnownAs>,
    /// What it shows itself to be.
    pub identity: Known<Identity>,
    /// Where in its life it is, and what it was before.
    pub life: Known<Life>,
    /// Who holds power over it, and over whom it does.
    pub power: Known<Power>,
    /// What it relies on that others control; empty: none found yet.
    pub dependencies: Vec<Dependency>,
    /// Our contracts that rely on it, when it is a dependency that is watched.
    pub relied_on_by: Option<Vec<Name>>,
    /// What it can be asked and can say.
    pub interface: Interface,
    /// Who watches it.
    pub watching: Watching,
    /// How well, and what is missing.
    pub covered: Known<Covered>,
    /// Threats that name it, worst first.
    pub threats: Known<Vec<Threatened>>,
    /// What happened to it.
    pub history: Known<History>,
}

impl Dossier {
    /// Gathers everything about an address as of `now`. Without a store, what the program finds out
    /// is unknown. Blocks while the store is read.
    ///
    /// # Errors
    /// When the store cannot be read: a part that failed never becomes an empty one.
    pub fn of(
        network: &Name,
        address: Address,
        declared: Declared<'_>,
        seen: Option<Seen<'_>>,
        now: UnixSeconds,
    ) -> Result<Self, StoreError> {
        let lives = match seen {
            Some(seen) => {
                let bounds = chronicle::REMEMBERED_KEYS;
                let entries = seen.store.detector_state_between(network, bounds)?;
                Some(life::Lives::read(declared.registry, network, &entries))
            }
            None => None,
        };
        let known = lives.as_ref().map_or(declared.registry.as_ref(), |lives| &lives.registry);
        let known_as = known.labels().of(network, address).map(|label| KnownAs {
            category: label.category.to_string(),
            name: label.name.to_owned(),
            source: label.source.to_owned(),
            confidence_percent: label.confidence_percent,
        });
        let power = match seen {
            Some(Seen { store, .. }) => {
                let (registry, monitors) = (declared.registry, declared.monitors);
                let chain_id = declared.chain_id(network);
                let all = authority::watched(store, registry, monitors, network, chain_id)?;
                Power::of(network, address, registry, &all, now)
            }
            None => Known::No(Unknown::no_store()),
        };
        let mut dossier = Self {
            network: network.clone(),
            address,
            deployment: None,
            known_as: known_as.collect(),
            identity: Known::No(Unknown::not_guarded(address)),
            life: Known::No(Unknown::not_guarded(address)),
            power,
            dependencies: Vec::new(),
            relied_on_by: dependencies::relied_on_by(network, address, declared.registry),
            interface: Interface::default(),
            watching: Watching::default(),
            covered: Known::No(Unknown::not_guarded(address)),
            threats: Known::No(Unknown::not_guarded(address)),
            history: Known::No(Unknown::not_guarded(address)),
        };
        if let Some(deployment) = known.at(network, address) {
            dossier.guarded(deployment, declared, seen.zip(lives.as_ref()), now)?;
        }
        Ok(dossier)
    }

    fn guarded(
        &mut self,
        deployment: &Deployment,
        declared: Declared<'_>,
        seen: Option<(Seen<'_>, &life::Lives)>,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        let factory = seen.and_then(|(_, lives)| lives.factory(deployment));
        let factory = factory.as_ref().map(|(factory, _)| factory);
        self.interface = Interface::of(Some(deployment), declared.monitors, factory);
        self.watching = Watching::on(deployment, declared.monitors, factory);
        self.dependencies = dependencies::of(deployment, declared.registry);
        self.threats =
            threatened::of(deployment, declared.threats, declared.registry, Day::of(now));
        let chronicle = seen.and_then(|(_, lives)| lives.chronicles.get(&deployment.address));
        let lineage = chronicle.map(|chronicle| &chronicle.lineage);
        self.identity = Known::Yes(Identity::of(deployment, lineage));
        match seen {
            Some((seen, lives)) => {
                self.watching.look(deployment, seen.store)?;
                self.life = match lives.of(deployment, declared.clearances) {
                    Some(life) => Known::Yes(life),
                    None => Known::No(Unknown::no_block(&self.network)),
                };
                self.covered = Covered::of(deployment, seen.account);
                self.history = Known::Yes(History::of(deployment, &self.life, seen.store)?);
            }
            None => {
                self.life = Known::No(Unknown::no_store());
                self.covered = Known::No(Unknown::no_store());
                self.history = Known::No(Unknown::no_store());
            }
        }
        self.deployment = Some(deployment.clone());
        Ok(())
    }

    /// What to call it: the deployment's label, else the first name of a label set.
    pub fn name(&self) -> Option<&str> {
        match &self.deployment {
            Some(deployment) => Some(deployment.label.as_str()),
            None => self.known_as.iter().map(|known| known.name.as_str()).find(|n| !n.is_empty()),
        }
    }

    /// Sections that know nothing, with why.
    pub fn unknown(&self) -> Vec<(&'static str, &Unknown)> {
        let all = [
            ("identity", self.identity.no()),
            ("life", self.life.no()),
            ("power", self.power.no()),
            ("coverage", self.covered.no()),
            ("threats", self.threats.no()),
            ("history", self.history.no()),
        ];
        all.into_iter().filter_map(|(section, why)| Some((section, why?))).collect()
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
