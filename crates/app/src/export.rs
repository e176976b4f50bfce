//! What is guarded, as a document for others: an allow-list of fields, each public anyway.

use alloy_json_abi::StateMutability;
use model::UnixMillis;
use registry::Deployment;
use serde::{Deserialize, Serialize};

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
    /// What it can be asked and can say, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<ExportedInterface>,
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

    /// Everything guarded, as of now.
    pub fn new(config: &Config, with_interfaces: bool, now: UnixMillis) -> Self {
        let networks = config.networks.iter().map(|network| ExportedNetwork {
            name: network.chain.name.to_string(),
            chain_id: network.chain.chain_id,
        });
        let deployment = |deployment: &Deployment| ExportedDeployment {
            label: deployment.label.to_string(),
            network: deployment.network.to_string(),
            address: deployment.address.to_string(),
            class: deployment.class.to_string(),
            protocol: deployment.protocol.as_ref().map(ToString::to_string),
            first_block: deployment.first_block,
            interface: with_interfaces.then(|| ExportedInterface::of(deployment)),
        };
        Self {
            version: 1,
            name: config.general.name.clone(),
            at: words::iso(words::seconds(now)),
            networks: networks.collect(),
            deployments: config.registry.deployments().iter().map(deployment).collect(),
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
