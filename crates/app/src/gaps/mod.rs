//! The time before deployments were watched: which of it nobody has looked at, and judging it
//! afterwards.

mod file; // what a person said, as a file

use std::collections::BTreeMap;

use detect::{
    MonitorSpec, RuleSpec,
    chronicle::{self, Chronicle},
};
use model::{Address, Name};
use registry::{
    Deployment,
    gap::{Clearance, Gap, gap},
};
use store::{Store, StoreError};

use crate::config::Config;

pub use file::write;

/// How it stands with one deployment.
#[derive(Debug, Clone)]
pub struct Standing<'c> {
    /// The deployment.
    pub deployment: &'c Deployment,
    /// Whether a time before it was watched is left to look at.
    pub gap: Gap<'c>,
}

/// How it stands with every declared deployment. Without a store nothing was judged yet.
///
/// # Errors
/// When the store cannot be read: what is not known is not closed.
pub fn standings<'c>(
    config: &'c Config,
    store: Option<&Store>,
) -> Result<Vec<Standing<'c>>, StoreError> {
    let mut remembered: BTreeMap<(&Name, Address), Chronicle> = BTreeMap::new();
    for network in &config.networks {
        let network = &network.chain.name;
        let Some(store) = store else { break };
        let entries = store.detector_state_between(network, chronicle::CHRONICLE_KEYS)?;
        for (address, chronicle) in chronicle::chronicles(&entries) {
            remembered.insert((network, address), chronicle);
        }
    }
    let deployments = config.registry.own().map(|(_, deployment)| deployment);
    Ok(deployments
        .map(|deployment| {
            let chronicle = remembered.get(&(&deployment.network, deployment.address));
            of(config, deployment, chronicle)
        })
        .collect())
}

/// How it stands with one deployment, by what is remembered of it.
pub fn of<'c>(
    config: &'c Config,
    deployment: &'c Deployment,
    chronicle: Option<&Chronicle>,
) -> Standing<'c> {
    let birth = chronicle.and_then(|chronicle| chronicle.lineage.birth);
    let first_block = deployment.first_block.or(birth.map(|birth| birth.block.number));
    let judged = chronicle.and_then(|chronicle| chronicle.watched_since).map(|block| block.number);
    // What was declared before it existed and does not exist yet has nothing behind it.
    let is_armed = is_planned(config, deployment) && first_block.is_none() && judged.is_some();
    let gap = match is_armed {
        true => Gap::None,
        false => gap(deployment, first_block, judged, &config.clearances),
    };
    Standing { deployment, gap }
}

fn is_planned(config: &Config, deployment: &Deployment) -> bool {
    let index = config.registry.index_of(&deployment.label);
    index.is_some_and(|index| config.registry.planned(index).is_some())
}

/// The configuration with nothing but what watches this deployment. What watches the chain itself
/// has nothing to say about the past of one contract.
pub fn only(config: &Config, deployment: &Deployment) -> Config {
    let is_on = |monitor: &&MonitorSpec| {
        let is_here = monitor.networks.is_empty() || monitor.networks.contains(&deployment.network);
        is_here && (monitor.is_on_everything() || monitor.on.contains(&deployment.label))
    };
    let of_it = |monitor: &MonitorSpec| {
        let mut monitor = monitor.clone();
        match &monitor.rule {
            RuleSpec::Detector { id, .. } if id.starts_with("chain/") => return None,
            // An expression on any address is about no contract in particular.
            RuleSpec::Expression { .. } if monitor.is_on_everything() => return None,
            _ => monitor.on = vec![deployment.label.clone()],
        }
        monitor.children_of = Vec::new();
        Some(monitor)
    };
    let monitors = config.monitors.iter().filter(is_on).filter_map(of_it).collect();
    Config { monitors, ..config.clone() }
}

/// A clearance under the name of its file.
pub fn path_of(clearance: &Clearance) -> String {
    format!("gaps/{}.toml", clearance.label)
}
