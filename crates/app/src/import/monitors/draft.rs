//! Our folder in the making: what of it is there already, and the files to come.

use std::{collections::BTreeMap, sync::Arc};

use model::{Address, Name, Severity};
use registry::{ContractAbi, Deployment};

use crate::{
    config::{Config, Folder, Missing, Surroundings as _},
    import::Report,
    init::slug,
};

/// What the folder that is imported into holds already.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// Whether there is a `bellwether.toml`.
    pub(crate) has_general: bool,
    /// Whether there is a `routes.toml`.
    pub(crate) has_routes: bool,
    /// Networks, with their chain ids.
    pub(crate) networks: Vec<(Name, u64)>,
    /// Deployments.
    pub(crate) deployments: Vec<Deployment>,
    /// Names of monitors.
    pub(crate) monitors: Vec<Name>,
    /// Files of monitors, those that are switched off too.
    pub(crate) monitor_files: Vec<String>,
}

impl Existing {
    /// Looks into a folder; one without `bellwether.toml` holds nothing yet.
    ///
    /// # Errors
    /// When the folder has mistakes: what is imported could not be checked together with it.
    pub fn of(folder: &std::path::Path) -> anyhow::Result<Self> {
        let has_routes = folder.join("routes.toml").exists();
        if !folder.join("bellwether.toml").exists() {
            return Ok(Self { has_routes, ..Self::default() });
        }
        let config = Config::load(&Folder::new(folder), Missing::IsFine);
        let networks_missing = !folder.join("networks").is_dir();
        let config = match config {
            Ok(config) => config,
            // A folder that has only a name so far is no mistake of the import.
            Err(_) if networks_missing => {
                return Ok(Self { has_general: true, has_routes, ..Self::default() });
            }
            Err(mistakes) => {
                anyhow::bail!(
                    "{} has mistakes; put them right first\n\n{mistakes}",
                    folder.display()
                )
            }
        };
        let networks = config.networks.iter().map(|n| (n.chain.name.clone(), n.chain.chain_id));
        let around = Folder::new(folder);
        let mut monitor_files = around.list("monitors")?;
        monitor_files.extend(around.list("monitors/paused")?);
        Ok(Self {
            has_general: true,
            has_routes,
            monitor_files,
            networks: networks.collect(),
            deployments: config.registry.deployments().to_vec(),
            monitors: config.monitors.iter().map(|monitor| monitor.name.clone()).collect(),
        })
    }
}

/// Our folder in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    /// What the folder calls itself.
    pub(crate) name: String,
    pub(crate) existing: Existing,
    pub(crate) networks: Vec<Network>,
    pub(crate) deployments: Vec<Guarded>,
    /// ABI files by path.
    pub(crate) abis: BTreeMap<String, String>,
    pub(crate) monitors: Vec<Monitor>,
    /// Monitors that an earlier import brought, with their rules there.
    pub(crate) known: Vec<(Name, String)>,
    pub(crate) receivers: Vec<(Name, Receiver)>,
    pub(crate) report: Report,
    names: Vec<Name>,
}

/// A network to be written.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) name: Name,
    pub(crate) chain_id: u64,
    /// `finalized`, `safe`, `latest`, `12 blocks`.
    pub(crate) finality: Option<String>,
    /// First block to judge, to go on where the other left off.
    pub(crate) start: Option<u64>,
    /// Environment variables that hold the endpoints' URLs.
    pub(crate) endpoints: Vec<String>,
}

/// A deployment to be written, or one that is there.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    pub(crate) deployment: Deployment,
    /// Paths of its ABI files; empty for one that is there already.
    pub(crate) abi_files: Vec<String>,
}

/// A monitor to be written.
#[derive(Debug, Clone)]
pub(crate) struct Monitor {
    pub(crate) name: Name,
    /// The rule's name there.
    pub(crate) rule: String,
    /// File stem: all monitors of one rule share a file.
    pub(crate) file: Name,
    /// Comment lines above the file's first monitor.
    pub(crate) origin: String,
    pub(crate) on: Vec<Name>,
    pub(crate) subject: Subject,
    pub(crate) when: Option<String>,
    pub(crate) say: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) is_paused: bool,
    pub(crate) receivers: Vec<Name>,
    /// What a reader of the file should know, one line each.
    pub(crate) notes: Vec<String>,
}

/// What a monitor looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Event(String),
    Call(String),
    /// Transactions that involve a deployment; all of them without one.
    Transaction,
}

/// A receiver to be written. What is secret is the name of an environment variable.
#[derive(Debug, Clone)]
pub(crate) enum Receiver {
    Mail {
        host: String,
        port: u16,
        username: Option<String>,
        password: Option<String>,
        from: String,
        to: Vec<String>,
    },
    Slack {
        url: String,
    },
    Webhook {
        url: String,
        secret: String,
    },
}

impl Draft {
    pub(crate) fn new(name: &str, existing: Existing) -> Self {
        let names = existing.monitors.clone();
        Self {
            name: name.to_owned(),
            existing,
            networks: Vec::new(),
            deployments: Vec::new(),
            abis: BTreeMap::new(),
            monitors: Vec::new(),
            known: Vec::new(),
            receivers: Vec::new(),
            report: Report::default(),
            names,
        }
    }

    /// The network of a chain: the one that is there, or a new one of this name.
    pub(crate) fn network(&mut self, wanted: &Name, chain_id: u64) -> Name {
        if let Some((name, _)) = self.existing.networks.iter().find(|(_, id)| *id == chain_id) {
            return name.clone();
        }
        if let Some(known) = self.networks.iter().find(|network| network.chain_id == chain_id) {
            return known.name.clone();
        }
        let is_taken = |name: &Name| {
            self.networks.iter().any(|n| n.name == *name)
                || self.existing.networks.iter().any(|(n, _)| n == name)
        };
        let name = free(wanted.clone(), is_taken);
        self.networks.push(Network {
            name: name.clone(),
            chain_id,
            finality: None,
            start: None,
            endpoints: Vec::new(),
        });
        name
    }

    /// The network's draft, if it is a new one.
    pub(crate) fn new_network(&mut self, name: &Name) -> Option<&mut Network> {
        self.networks.iter_mut().find(|network| network.name == *name)
    }

    /// A name for a monitor that no other has.
    pub(crate) fn monitor_name(&mut self, wanted: &str) -> Name {
        let name = free(slug(wanted), |name| self.names.contains(name));
        self.names.push(name.clone());
        name
    }

    /// Which rule each of our monitors comes from.
    pub(crate) fn origins(&self) -> BTreeMap<Name, String> {
        let new = self.monitors.iter().map(|monitor| (monitor.name.clone(), monitor.rule.clone()));
        new.chain(self.known.iter().cloned()).collect()
    }

    /// Gives back a name that came to nothing.
    pub(crate) fn release(&mut self, name: &Name) {
        self.names.retain(|known| known != name);
    }

    /// The deployment at an address with all ABIs that any rule brought for it.
    pub(crate) fn guard(
        &mut self,
        network: &Name,
        address: Address,
        wanted: Option<&str>,
        abis: &[Arc<super::rule::Abi>],
    ) -> usize {
        let is_it = |d: &Deployment| d.network == *network && d.address == address;
        if let Some(at) = self.deployments.iter().position(|known| is_it(&known.deployment)) {
            return at;
        }
        if let Some(known) = self.existing.deployments.iter().find(|d| is_it(d)) {
            self.deployments.push(Guarded { deployment: known.clone(), abi_files: Vec::new() });
            return self.deployments.len() - 1;
        }
        let short = hex::encode(&address[..4]);
        let wanted = wanted.map_or_else(|| slug(&format!("contract-{short}")), slug);
        let label = free(wanted, |label| {
            self.deployments.iter().any(|d| d.deployment.label == *label)
                || self.existing.deployments.iter().any(|d| d.label == *label)
        });
        let mut abi_files = Vec::new();
        for (at, abi) in abis.iter().enumerate() {
            let path = match at {
                0 => format!("abis/{label}.json"),
                _ => format!("abis/{label}-{}.json", at + 1),
            };
            self.abis.insert(path.clone(), abi.json.clone());
            abi_files.push(path);
        }
        if abi_files.is_empty() {
            let path = "abis/unknown.json".to_owned();
            self.abis.insert(path.clone(), "[]\n".to_owned());
            abi_files.push(path);
        }
        let abi = ContractAbi::merged(abis.iter().map(|abi| abi.read.as_ref()));
        let deployment = Deployment {
            label,
            network: network.clone(),
            address,
            protocol: None,
            class: registry::Class::Contract,
            abi: Arc::new(abi),
            abi_known: true,
            first_block: None,
            value_at_risk: None,
            token: None,
            oracle: None,
        };
        self.deployments.push(Guarded { deployment, abi_files });
        self.deployments.len() - 1
    }

    /// Adds a receiver under a name that no other has.
    pub(crate) fn receiver(&mut self, wanted: &str, receiver: Receiver) -> Name {
        let name = free(slug(wanted), |name| self.receivers.iter().any(|(n, _)| n == name));
        self.receivers.push((name.clone(), receiver));
        name
    }
}

/// The name itself, or with the first number that makes it free.
fn free(wanted: Name, is_taken: impl Fn(&Name) -> bool) -> Name {
    let mut number = 1;
    let mut candidate = wanted.clone();
    while is_taken(&candidate) {
        number += 1;
        let ending = format!("-{number}");
        let head: String = wanted.as_str().chars().take(Name::LEN_MAX - ending.len()).collect();
        candidate = Name::new(&format!("{head}{ending}")).unwrap_or_else(|_| wanted.clone());
    }
    candidate
}

/// The name of an environment variable made of words: `oz`, `Ops Slack`, `url` → `OZ_OPS_SLACK_URL`.
pub(crate) fn variable(words: &[&str]) -> String {
    let joined = words.join("_");
    let mut name = String::new();
    for c in joined.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_uppercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}
