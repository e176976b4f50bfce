//! All contracts in a line each: stage, coverage, open alerts, drifts.

use std::collections::{BTreeMap, HashMap};

use detect::chronicle;
use model::{Address, AlertState, Name, UnixSeconds};
use registry::{authority::drift, lifecycle::Stage};
use store::{Store, StoreError};

use super::Declared;
use crate::{authority, coverage::Account};

/// Alerts with a finding in the last day before the newest one count as open, and those that are
/// still provisional.
const OPEN_S: u64 = 86_400;

/// How it stands with one contract. What is `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Where in its life it is.
    pub stage: Option<Stage>,
    /// How well it is watched, between 0 and 1.
    pub coverage: Option<f64>,
    /// Alerts about it that are provisional, or had a finding within a day of the network's newest;
    /// `None` before the first judged block.
    pub alerts_open: Option<usize>,
    /// Drifts of authority that stand and are not accepted; `None` without a policy, or when nobody
    /// follows who holds power over it.
    pub drifts: Option<usize>,
}

/// How it stands with all contracts.
#[derive(Debug, Clone, Default)]
pub struct Standings(HashMap<(Name, Address), Standing>);

impl Standings {
    /// Reads them. Blocks while the store is read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(
        store: &Store,
        declared: Declared<'_>,
        account: &Account,
        now: UnixSeconds,
    ) -> Result<Self, StoreError> {
        let registry = declared.registry;
        let mut all: HashMap<(Name, Address), Standing> = HashMap::new();
        let networks = account.networks.iter().map(|of| &of.plan.network);
        for network in networks.clone() {
            let is_judged = !store.coverage_newest(network, None, 1)?.is_empty();
            let entries = store.detector_state_between(network, chronicle::REMEMBERED_KEYS)?;
            for (address, chronicle) in chronicle::chronicles(&entries) {
                let standing = all.entry((network.clone(), address)).or_default();
                standing.stage = Some(chronicle.life.stage());
            }
            let mut alerts: BTreeMap<Name, usize> = BTreeMap::new();
            for alert in store.open_alerts(network, OPEN_S)? {
                if alert.state != AlertState::Retracted
                    && let Some(label) = alert.deployment
                {
                    *alerts.entry(label).or_default() += 1;
                }
            }
            let chain_id = declared.chain_id(network);
            let watched =
                authority::watched(store, registry, declared.monitors, network, chain_id)?;
            let mut drifts: HashMap<Address, usize> = HashMap::new();
            if registry.authority().policy.is_some() {
                for of in &watched.known {
                    let observed = std::slice::from_ref(&of.remembered.observed);
                    let history = &of.remembered.history;
                    let items = drift(observed, registry, registry.authority(), now, history);
                    let mut here: HashMap<Address, usize> =
                        observed[0].contracts.keys().map(|contract| (*contract, 0)).collect();
                    for item in items.iter().filter(|item| item.accepted.is_none()) {
                        *here.entry(item.key.contract).or_default() += 1;
                    }
                    // Two monitors of one contract find the same drifts of it.
                    for (contract, count) in here {
                        let known = drifts.entry(contract).or_default();
                        *known = count.max(*known);
                    }
                }
            }
            for deployment in registry.deployments().iter().filter(|d| d.network == *network) {
                let key = (network.clone(), deployment.address);
                let standing = all.entry(key).or_default();
                let open = alerts.get(&deployment.label).copied().unwrap_or(0);
                standing.alerts_open = is_judged.then_some(open);
                standing.drifts = drifts.get(&deployment.address).copied();
            }
        }
        // Before the first judged block a coverage of 0 would be a guess.
        for of in account.networks.iter().filter(|of| of.span.is_some()) {
            for score in &of.score.deployments {
                let label = &of.plan.roster.deployments[score.deployment as usize].label;
                if let Some(deployment) = registry.get(label) {
                    let key = (of.plan.network.clone(), deployment.address);
                    all.entry(key).or_default().coverage = score.value;
                }
            }
        }
        Ok(Self(all))
    }

    /// How it stands with one contract.
    pub fn of(&self, network: &Name, address: Address) -> Standing {
        self.0.get(&(network.clone(), address)).copied().unwrap_or_default()
    }
}
