//! All deployments and labels, looked up by network and address.

use model::{Address, Log, Name};
use rustc_hash::FxHashMap;

use crate::{ContractAbi, DecodedCall, DecodedLog, Deployment, Labels, Undecoded};

/// What is guarded on all networks. Built once per configuration; lookups take well under a
/// microsecond with tens of thousands of deployments.
#[derive(Debug, Default)]
pub struct Registry {
    deployments: Vec<Deployment>,
    labels: Labels,
    /// Networks as small numbers, so that the key below is 24 bytes and needs no text.
    networks: FxHashMap<Name, u32>,
    by_address: FxHashMap<(u32, Address), u32>,
    by_label: FxHashMap<Name, u32>,
}

/// A mistake in the set of deployments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two deployments have one label.
    #[error("two deployments are labelled {label:?}: {first} and {second}")]
    DuplicateLabel {
        /// The label.
        label: Name,
        /// Network and address of the earlier one.
        first: String,
        /// Network and address of the later one.
        second: String,
    },
    /// Two deployments are the same contract.
    #[error("{address} on {network} is deployed twice: as {first:?} and as {second:?}")]
    DuplicateAddress {
        /// Network.
        network: Name,
        /// Address.
        address: Address,
        /// Label of the earlier one.
        first: Name,
        /// Label of the later one.
        second: Name,
    },
    /// An address that no contract can have.
    #[error("deployment {0:?} has the zero address")]
    ZeroAddress(Name),
    /// More digits than a `uint256` has.
    #[error("deployment {label:?}: {what} has {decimals} decimals, at most {max} are possible", max = DECIMALS_MAX)]
    TooManyDecimals {
        /// Deployment.
        label: Name,
        /// Which setting.
        what: &'static str,
        /// The setting's value.
        decimals: u8,
    },
    /// A heartbeat of zero seconds would make every block late.
    #[error("deployment {0:?}: the oracle's heartbeat is 0 s, it must be at least 1 s")]
    NoHeartbeat(Name),
    /// A deviation that no price can be compared with.
    #[error(
        "deployment {label:?}: the oracle's deviation is {deviation}, it must be above 0 and below 1 (0.005 is 0.5 %)"
    )]
    BadDeviation {
        /// Deployment.
        label: Name,
        /// The value as text, because floats have no equality.
        deviation: String,
    },
}

/// Digits of the largest `uint256`.
const DECIMALS_MAX: u8 = 77;

impl Registry {
    /// Builds all indexes.
    ///
    /// # Errors
    /// All mistakes at once, in the order of the deployments.
    pub fn new(deployments: Vec<Deployment>, labels: Labels) -> Result<Self, Vec<RegistryError>> {
        let mut registry = Self { labels, ..Self::default() };
        let mut errors = Vec::new();
        for (at, deployment) in deployments.iter().enumerate() {
            let place = |d: &Deployment| format!("{} on {}", d.address, d.network);
            check(deployment, &mut errors);
            let network = registry.networks.len() as u32;
            let network = *registry.networks.entry(deployment.network.clone()).or_insert(network);
            if let Some(&first) = registry.by_label.get(&deployment.label) {
                errors.push(RegistryError::DuplicateLabel {
                    label: deployment.label.clone(),
                    first: place(&deployments[first as usize]),
                    second: place(deployment),
                });
            } else {
                registry.by_label.insert(deployment.label.clone(), at as u32);
            }
            if let Some(&first) = registry.by_address.get(&(network, deployment.address)) {
                errors.push(RegistryError::DuplicateAddress {
                    network: deployment.network.clone(),
                    address: deployment.address,
                    first: deployments[first as usize].label.clone(),
                    second: deployment.label.clone(),
                });
            } else {
                registry.by_address.insert((network, deployment.address), at as u32);
            }
        }
        registry.deployments = deployments;
        if errors.is_empty() { Ok(registry) } else { Err(errors) }
    }

    /// All deployments, in the order they were given.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The deployment with this label.
    pub fn get(&self, label: &Name) -> Option<&Deployment> {
        self.by_label.get(label).map(|&at| &self.deployments[at as usize])
    }

    /// The deployment at this address.
    pub fn at(&self, network: &Name, address: Address) -> Option<&Deployment> {
        let network = *self.networks.get(network)?;
        self.by_address.get(&(network, address)).map(|&at| &self.deployments[at as usize])
    }

    /// What to call this address: the deployment's label, else the name in a label set.
    pub fn label(&self, network: &Name, address: Address) -> Option<&str> {
        match self.at(network, address) {
            Some(deployment) => Some(deployment.label.as_str()),
            None => self.labels.name(network, address),
        }
    }

    /// What is known about addresses in general.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Reads a log with the ABI of the contract that emitted it.
    ///
    /// # Errors
    /// [`Undecoded`] says which knowledge is missing, or that the log does not fit its signature.
    pub fn decode_log(&self, network: &Name, log: &Log) -> Result<DecodedLog, Undecoded> {
        let deployment = self.at(network, log.address).ok_or(Undecoded::UnknownContract)?;
        decode_log(&deployment.abi, log)
    }

    /// Reads the calldata of a call to `to`.
    ///
    /// # Errors
    /// [`Undecoded`] says which knowledge is missing, or that the input does not fit its selector.
    pub fn decode_call(
        &self,
        network: &Name,
        to: Address,
        input: &[u8],
    ) -> Result<DecodedCall, Undecoded> {
        let deployment = self.at(network, to).ok_or(Undecoded::UnknownContract)?;
        let selector = input.first_chunk::<4>().ok_or(Undecoded::NoSelector)?;
        let function =
            deployment.abi.function_by_selector(*selector).ok_or(Undecoded::UnknownSignature)?;
        function.decode(input)
    }
}

fn decode_log(abi: &ContractAbi, log: &Log) -> Result<DecodedLog, Undecoded> {
    if let Some((topic0, indexed)) = log.topics.split_first()
        && let Some(event) = abi.event_by_topic(*topic0, indexed.len())
    {
        return event.decode(log);
    }
    let mut fitting = abi.anonymous_events().filter_map(|event| event.decode_exactly(log));
    match (fitting.next(), fitting.next()) {
        (Some(decoded), None) => Ok(decoded),
        _ if log.topics.is_empty() => Err(Undecoded::NoTopics),
        _ => Err(Undecoded::UnknownSignature),
    }
}

fn check(deployment: &Deployment, errors: &mut Vec<RegistryError>) {
    let label = || deployment.label.clone();
    if deployment.address.is_zero() {
        errors.push(RegistryError::ZeroAddress(label()));
    }
    let decimals = [
        ("value at risk", deployment.value_at_risk.as_ref().map(|amount| amount.decimals)),
        ("token", deployment.token.as_ref().map(|token| token.decimals)),
        ("oracle", deployment.oracle.map(|oracle| oracle.decimals)),
    ];
    for (what, decimals) in decimals {
        if let Some(decimals) = decimals.filter(|decimals| *decimals > DECIMALS_MAX) {
            errors.push(RegistryError::TooManyDecimals { label: label(), what, decimals });
        }
    }
    if let Some(oracle) = deployment.oracle {
        if oracle.heartbeat_s == 0 {
            errors.push(RegistryError::NoHeartbeat(label()));
        }
        if !(oracle.deviation > 0.0 && oracle.deviation < 1.0) {
            let deviation = oracle.deviation.to_string();
            errors.push(RegistryError::BadDeviation { label: label(), deviation });
        }
    }
}
