//! All deployments and labels, looked up by network and address.

mod found; // children of factories, known since a block
mod plans; // what was said about contracts that do not exist yet

use std::sync::Arc;

use model::{Address, Log, Name, PathSalt};
use rustc_hash::FxHashMap;

use crate::{
    ContractAbi, DecodedCall, DecodedLog, Deployment, Labels, Undecoded, authority, dependencies,
};
pub use found::Child;
use found::Found;
pub use plans::Plans;

/// What is guarded on all networks: what the configuration declares, shared and never changed, and
/// laid over it what was found on one network since ([`Registry::adopt`]). A clone is cheap as long
/// as little was found. Lookups take well under a microsecond with tens of thousands of deployments.
///
/// Deployments have numbers: declared ones from 0 in the order of their declaration, found ones
/// after them in the order of their discovery.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    declared: Arc<Declared>,
    found: Found,
    authority: Arc<authority::Declared>,
    dependencies: Arc<dependencies::Declared>,
    /// How many of the declared deployments, the last ones, are there only because ours rely on them.
    outside: u32,
    /// What fingerprints of paths through these contracts are made with.
    path_salt: PathSalt,
}

#[derive(Debug, Default)]
struct Declared {
    deployments: Vec<Deployment>,
    labels: Labels,
    /// Networks as small numbers, so that the key below is 24 bytes and needs no text.
    networks: FxHashMap<Name, u32>,
    by_address: FxHashMap<(u32, Address), u32>,
    by_label: FxHashMap<Name, u32>,
    plans: Plans,
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
    /// A plan or template for a deployment that is not declared.
    #[error("no deployment is labelled {0:?}")]
    UnknownLabel(Name),
    /// A planned deployment whose recipe leads elsewhere.
    #[error("deployment {label:?}: its address is {address}, but its plan creates {predicted}")]
    PredictedElsewhere {
        /// Deployment.
        label: Name,
        /// Declared address.
        address: Address,
        /// Address that the recipe gives.
        predicted: Address,
    },
    /// Children that cannot be named.
    #[error("deployment {label:?}: children labelled {prefix}-1, {prefix}-2 … {problem}")]
    BadChildPrefix {
        /// The factory.
        label: Name,
        /// First part of the children's labels.
        prefix: Name,
        /// What is wrong with it.
        problem: String,
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
        Self::with_plans(deployments, labels, Plans::default())
    }

    /// The same with what is known about contracts that do not exist yet.
    ///
    /// # Errors
    /// All mistakes at once, those of the deployments before those of the plans.
    pub fn with_plans(
        deployments: Vec<Deployment>,
        labels: Labels,
        plans: Plans,
    ) -> Result<Self, Vec<RegistryError>> {
        let mut declared = Declared { labels, ..Declared::default() };
        let mut errors = Vec::new();
        for (at, deployment) in deployments.iter().enumerate() {
            let place = |d: &Deployment| format!("{} on {}", d.address, d.network);
            check(deployment, &mut errors);
            let network = declared.networks.len() as u32;
            let network = *declared.networks.entry(deployment.network.clone()).or_insert(network);
            if let Some(&first) = declared.by_label.get(&deployment.label) {
                errors.push(RegistryError::DuplicateLabel {
                    label: deployment.label.clone(),
                    first: place(&deployments[first as usize]),
                    second: place(deployment),
                });
            } else {
                declared.by_label.insert(deployment.label.clone(), at as u32);
            }
            if let Some(&first) = declared.by_address.get(&(network, deployment.address)) {
                errors.push(RegistryError::DuplicateAddress {
                    network: deployment.network.clone(),
                    address: deployment.address,
                    first: deployments[first as usize].label.clone(),
                    second: deployment.label.clone(),
                });
            } else {
                declared.by_address.insert((network, deployment.address), at as u32);
            }
        }
        declared.deployments = deployments;
        declared.plans = plans.indexed(&declared, &mut errors);
        if errors.is_empty() {
            let declared = Arc::new(declared);
            Ok(Self { declared, ..Self::default() })
        } else {
            Err(errors)
        }
    }

    /// All declared deployments, in the order they were given.
    pub fn deployments(&self) -> &[Deployment] {
        &self.declared.deployments
    }

    /// The deployment with this label, declared or found.
    pub fn get(&self, label: &Name) -> Option<&Deployment> {
        self.index_of(label).map(|index| self.deployment(index))
    }

    /// The number of the deployment with this label.
    pub fn index_of(&self, label: &Name) -> Option<u32> {
        let declared = self.declared.by_label.get(label).copied();
        declared.or_else(|| Some(self.declared_count() + self.found.labelled(label)?))
    }

    /// The deployment at this address, declared or found.
    pub fn at(&self, network: &Name, address: Address) -> Option<&Deployment> {
        self.index_at(network, address).map(|index| self.deployment(index))
    }

    /// The number of the deployment at this address.
    pub fn index_at(&self, network: &Name, address: Address) -> Option<u32> {
        let network = *self.declared.networks.get(network)?;
        let declared = self.declared.by_address.get(&(network, address)).copied();
        declared.or_else(|| Some(self.declared_count() + self.found.at(network, address)?))
    }

    /// A deployment by its number.
    ///
    /// # Panics
    /// When there is none of that number; numbers come from this registry or one it was cloned from.
    pub fn deployment(&self, index: u32) -> &Deployment {
        match index.checked_sub(self.declared_count()) {
            None => &self.declared.deployments[index as usize],
            Some(found) => &self.found.children()[found as usize].deployment,
        }
    }

    fn declared_count(&self) -> u32 {
        self.declared.deployments.len() as u32
    }

    /// What to call this address: the deployment's label, else the name in a label set.
    pub fn label(&self, network: &Name, address: Address) -> Option<&str> {
        match self.at(network, address) {
            Some(deployment) => Some(deployment.label.as_str()),
            None => self.declared.labels.name(network, address),
        }
    }

    /// The same registry, with what people declared about who holds what.
    #[must_use]
    pub fn with_authority(mut self, declared: authority::Declared) -> Self {
        self.authority = Arc::new(declared);
        self
    }

    /// What people declared about who holds what, and history that was read for it.
    pub fn authority(&self) -> &Arc<authority::Declared> {
        &self.authority
    }

    /// The same registry, with what people made of what ours rely on. The last `outside` deployments
    /// are there only because they are relied on.
    #[must_use]
    pub fn with_dependencies(mut self, declared: dependencies::Declared, outside: usize) -> Self {
        self.dependencies = Arc::new(declared);
        self.outside = u32::try_from(outside).unwrap_or(u32::MAX).min(self.declared_count());
        self
    }

    /// The same, with the salt of the installation's fingerprints of paths.
    #[must_use]
    pub fn with_path_salt(mut self, salt: PathSalt) -> Self {
        self.path_salt = salt;
        self
    }

    /// What fingerprints of paths through these contracts are made with.
    pub fn path_salt(&self) -> &PathSalt {
        &self.path_salt
    }

    /// What ours rely on, as people made of it.
    pub fn dependencies(&self) -> &Arc<dependencies::Declared> {
        &self.dependencies
    }

    /// Declared deployments that are ours to guard, with their numbers: all but those that are there
    /// only because ours rely on them.
    pub fn own(&self) -> impl Iterator<Item = (u32, &Deployment)> {
        (0..self.declared_count() - self.outside).zip(&self.declared.deployments)
    }

    /// Whether a deployment is there only because ours rely on it.
    pub fn is_outside(&self, index: u32) -> bool {
        (self.declared_count() - self.outside..self.declared_count()).contains(&index)
    }

    /// What is known about addresses in general.
    pub fn labels(&self) -> &Labels {
        &self.declared.labels
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

#[cfg(test)]
mod tests {
    use alloy_dyn_abi::DynSolValue;
    use expect_test::expect;
    use model::{B256, TokenAmount, U256};

    use super::*;
    use crate::{Category, Class, Label, OracleConfig, TokenUnit};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn deployment(label: &str, network: &str, address: Address, abi: &[&str]) -> Deployment {
        Deployment {
            label: name(label),
            network: name(network),
            address,
            protocol: None,
            class: Class::Contract,
            abi: Arc::new(ContractAbi::from_solidity(abi.iter().copied()).unwrap()),
            abi_known: true,
            first_block: None,
            value_at_risk: None,
            token: None,
            oracle: None,
        }
    }

    fn log(address: Address, topics: Vec<B256>) -> Log {
        Log { index: 0, address, topics, data: model::Bytes::new() }
    }

    #[test]
    fn one_address_on_two_networks_is_two_deployments() {
        let (here, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let (mainnet, base) = (name("mainnet"), name("base"));
        let mut labels = Labels::builder();
        for address in [here, other] {
            let category = Category::Exchange;
            let label = Label { name: "Desk", ..Label::new(&category, "l") };
            labels.add(None, address, label).unwrap();
        }
        let list =
            vec![deployment("vault", "mainnet", here, &[]), deployment("pool", "base", here, &[])];
        let registry = Registry::new(list, labels.build()).unwrap();
        let label = |network: &Name, address| registry.label(network, address);
        assert_eq!(label(&mainnet, here), Some("vault"));
        assert_eq!(label(&base, here), Some("pool"));
        assert_eq!(label(&base, other), Some("Desk"));
        assert_eq!(label(&name("gnosis"), here), Some("Desk"), "no deployment, but a label");
        assert_eq!(label(&base, Address::repeat_byte(3)), None);
        assert_eq!(registry.get(&name("pool")).unwrap().network, base);
        assert!(registry.get(&name("nothing")).is_none());
        assert_eq!(registry.deployments().len(), 2);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let address = Address::repeat_byte(1);
        let mut broken = deployment("feed", "base", Address::ZERO, &[]);
        broken.oracle = Some(OracleConfig { heartbeat_s: 0, deviation: f64::NAN, decimals: 8 });
        broken.token = Some(TokenUnit { symbol: "X".into(), decimals: 78 });
        broken.value_at_risk =
            Some(TokenAmount { raw: U256::ZERO, decimals: 200, symbol: "X".into() });
        let list = vec![
            deployment("vault", "mainnet", address, &[]),
            deployment("vault", "base", address, &[]),
            deployment("copy", "mainnet", address, &[]),
            broken,
        ];
        let errors = Registry::new(list, Labels::default()).unwrap_err();
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        expect![[r#"
            two deployments are labelled "vault": 0x0101010101010101010101010101010101010101 on mainnet and 0x0101010101010101010101010101010101010101 on base
            0x0101010101010101010101010101010101010101 on mainnet is deployed twice: as "vault" and as "copy"
            deployment "feed" has the zero address
            deployment "feed": value at risk has 200 decimals, at most 77 are possible
            deployment "feed": token has 78 decimals, at most 77 are possible
            deployment "feed": the oracle's heartbeat is 0 s, it must be at least 1 s
            deployment "feed": the oracle's deviation is NaN, it must be above 0 and below 1 (0.005 is 0.5 %)"#]].assert_eq(&errors.join("\n"));
    }

    #[test]
    fn a_log_is_read_with_the_abi_of_its_contract() {
        let token = Address::repeat_byte(1);
        let abi = ["event Transfer(address indexed from, address indexed to, uint256 value)"];
        let list = vec![deployment("token", "mainnet", token, &abi)];
        let registry = Registry::new(list, Labels::default()).unwrap();
        let (mainnet, word) = (name("mainnet"), B256::with_last_byte(7));
        let topic0 = registry.deployments()[0].abi.events().next().unwrap().topic0.unwrap();

        let mut paid = log(token, vec![topic0, word, word]);
        paid.data = word.0.into();
        let decoded = registry.decode_log(&mainnet, &paid).unwrap();
        assert_eq!(decoded.arg("value"), Some(&DynSolValue::Uint(U256::from(7), 256)));

        let read = |log: &Log| registry.decode_log(&mainnet, log).unwrap_err();
        assert_eq!(read(&log(token, vec![])), Undecoded::NoTopics);
        assert_eq!(read(&log(token, vec![word])), Undecoded::UnknownSignature);
        let nft = log(token, vec![topic0, word, word, word]);
        assert_eq!(read(&nft), Undecoded::UnknownSignature, "an ERC-721 Transfer");
        assert!(matches!(read(&log(token, vec![topic0, word, word])), Undecoded::Malformed(_)));
        assert_eq!(read(&log(Address::ZERO, vec![topic0])), Undecoded::UnknownContract);
        let elsewhere = registry.decode_log(&name("base"), &paid);
        assert_eq!(elsewhere, Err(Undecoded::UnknownContract));
    }

    #[test]
    fn an_anonymous_event_is_read_only_when_every_byte_fits_one_alone() {
        let ward = Address::repeat_byte(1);
        let abi = ["event Note(bytes4 indexed sig, uint256 value) anonymous"];
        let list = vec![deployment("ward", "mainnet", ward, &abi)];
        let registry = Registry::new(list, Labels::default()).unwrap();
        let read = |log: &Log| registry.decode_log(&name("mainnet"), log);
        let mut sig = B256::ZERO;
        sig[..4].copy_from_slice(&[1, 2, 3, 4]);
        let mut note = log(ward, vec![sig]);
        note.data = [9; 32].into();
        assert_eq!(read(&note).unwrap().event.name, "Note");
        note.data = [9; 64].into();
        assert_eq!(read(&note), Err(Undecoded::UnknownSignature), "more data than it writes");
        note.data = [9; 32].into();
        note.topics = vec![B256::repeat_byte(1)];
        assert_eq!(read(&note), Err(Undecoded::UnknownSignature), "no bytes4 but a hash");
        note.topics.clear();
        assert_eq!(read(&note), Err(Undecoded::NoTopics));
    }

    #[test]
    fn a_call_is_read_with_the_abi_of_its_target() {
        let vault = Address::repeat_byte(1);
        let list = vec![deployment("vault", "mainnet", vault, &["function pause()"])];
        let registry = Registry::new(list, Labels::default()).unwrap();
        let read = |to, input: &[u8]| {
            registry.decode_call(&name("mainnet"), to, input).map(|call| call.function.name.clone())
        };
        assert_eq!(read(vault, &[0x84, 0x56, 0xcb, 0x59]), Ok("pause".to_owned()));
        assert_eq!(read(vault, &[]), Err(Undecoded::NoSelector));
        assert_eq!(read(vault, &[1, 2, 3, 4]), Err(Undecoded::UnknownSignature));
        assert_eq!(read(Address::ZERO, &[1, 2, 3, 4]), Err(Undecoded::UnknownContract));
    }
}
