//! What is guarded, as a document for others: an allow-list of fields, each public anyway.
//!
//! Where in its life a contract is, who watches it and how well, and who holds power over it stay
//! private: that nobody watches a contract is nothing to hand on.

use std::collections::{BTreeSet, HashMap};

use alloy_json_abi::StateMutability;
use detect::chronicle;
use model::{Address, Name, UnixMillis};
use registry::{
    Deployment,
    lineage::{Delegate, Lineage, Since},
    proxy, recognise,
};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

use crate::{config::Config, words};

/// The document. Fields are added, never renamed or removed, within one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Version of this shape.
    pub version: u32,
    /// What the installation is called.
    pub name: String,
    /// When it was made, RFC 3339.
    pub at: String,
    /// Networks, in the order of the files.
    pub networks: Vec<ExportedNetwork>,
    /// Deployments, in the order of the files.
    pub deployments: Vec<ExportedDeployment>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedNetwork {
    /// Name within this document.
    pub name: String,
    /// EIP-155 id.
    pub chain_id: u64,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedDeployment {
    /// Its name.
    pub label: String,
    /// Network, one of those above.
    pub network: String,
    /// Checksummed.
    pub address: String,
    /// Kind of thing.
    pub class: String,
    /// Protocol it belongs to.
    pub protocol: Option<String>,
    /// Block that created it.
    pub first_block: Option<u64>,
    /// Kind of proxy that its interface or its life shows. Since version 2, as all below.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Well-known interfaces that it has.
    #[serde(default)]
    pub shows: Vec<String>,
    /// keccak256 of its code, when it was read.
    #[serde(default)]
    pub code_hash: Option<String>,
    /// Who created it, when that was seen.
    #[serde(default)]
    pub creator: Option<String>,
    /// What it delegated to, as far as that was seen; oldest first.
    #[serde(default)]
    pub delegates: Vec<ExportedDelegate>,
    /// Facets, when it is a diamond.
    #[serde(default)]
    pub facets: Vec<String>,
    /// What it can be asked and can say, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<ExportedInterface>,
}

/// What a proxy delegated to from a block on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedDelegate {
    /// `implementation` or `beacon`.
    pub kind: String,
    /// Checksummed.
    pub to: String,
    /// From this block on.
    pub block: u64,
}

/// Functions and events, by canonical signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedInterface {
    /// Whether it is the contract's own ABI.
    pub is_known: bool,
    /// Functions that can change its state.
    pub entries: Vec<String>,
    /// Functions that only read.
    pub views: Vec<String>,
    /// Events.
    pub events: Vec<String>,
}

impl Export {
    /// Says what is signed, in the envelope.
    pub const PAYLOAD_TYPE: &'static str = "application/vnd.bellwether.registry+json";

    /// Version of the shape that is written. Version 1, without proxies and lineages, is still read.
    pub const VERSION: u32 = 2;

    /// Everything guarded, as of now. Without a store nothing was seen of the contracts' lives.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(
        config: &Config,
        store: Option<&Store>,
        with_interfaces: bool,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let mut lives: HashMap<(Name, Address), Lineage> = HashMap::new();
        for network in &config.networks {
            let network = &network.chain.name;
            let Some(store) = store else { break };
            let entries = store.detector_state_between(network, chronicle::REMEMBERED_KEYS)?;
            for (address, chronicle) in chronicle::chronicles(&entries) {
                lives.insert((network.clone(), address), chronicle.lineage);
            }
        }
        let networks = config.networks.iter().map(|network| ExportedNetwork {
            name: network.chain.name.to_string(),
            chain_id: network.chain.chain_id,
        });
        let deployment = |deployment: &Deployment| {
            let lineage = lives.get(&(deployment.network.clone(), deployment.address));
            ExportedDeployment::new(deployment, lineage, with_interfaces)
        };
        Ok(Self {
            version: Self::VERSION,
            name: config.general.name.clone(),
            at: words::iso(words::seconds(now)),
            networks: networks.collect(),
            deployments: config.registry.deployments().iter().map(deployment).collect(),
        })
    }
}

impl ExportedDeployment {
    fn new(deployment: &Deployment, lineage: Option<&Lineage>, with_interface: bool) -> Self {
        let shows = recognise::by_abi(None, &deployment.abi).traits;
        let delegate = |since: &Since<Delegate>| {
            let (kind, to) = match since.what {
                Delegate::Implementation(to) => ("implementation", to),
                Delegate::Beacon(to) => ("beacon", to),
            };
            ExportedDelegate {
                kind: kind.to_owned(),
                to: to.to_string(),
                block: since.block.number,
            }
        };
        let facets: BTreeSet<Address> =
            lineage.iter().flat_map(|of| of.facets.values().copied()).collect();
        let code = lineage.and_then(|of| of.code.now().flatten());
        Self {
            label: deployment.label.to_string(),
            network: deployment.network.to_string(),
            address: deployment.address.to_string(),
            class: deployment.class.to_string(),
            protocol: deployment.protocol.as_ref().map(ToString::to_string),
            first_block: deployment.first_block,
            proxy: proxy::shown(&deployment.abi, lineage).map(|shown| shown.kind.to_owned()),
            shows: shows.iter().map(|of| of.is.as_str().to_owned()).collect(),
            code_hash: code.map(|hash| hash.to_string()),
            creator: lineage.and_then(|of| of.birth).map(|birth| birth.creator.to_string()),
            delegates: lineage.iter().flat_map(|of| of.delegates.iter()).map(delegate).collect(),
            facets: facets.into_iter().map(|facet| facet.to_string()).collect(),
            interface: with_interface.then(|| ExportedInterface::of(deployment)),
        }
    }
}

impl ExportedInterface {
    fn of(deployment: &Deployment) -> Self {
        let abi = &deployment.abi;
        let is_view = |mutability: StateMutability| {
            matches!(mutability, StateMutability::Pure | StateMutability::View)
        };
        let functions = |views: bool| {
            let wanted = abi.functions().filter(|f| is_view(f.mutability) == views);
            sorted(wanted.map(|function| function.signature.clone()))
        };
        Self {
            is_known: deployment.abi_known,
            entries: functions(false),
            views: functions(true),
            events: sorted(abi.events().map(|event| event.signature.clone())),
        }
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}
