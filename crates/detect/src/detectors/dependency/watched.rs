//! The dependencies that a monitor watches, and what is at stake with them.

use std::num::NonZeroU32;

use model::{Address, FactValue, PlannedRead, Severity};
use registry::dependencies::{Dependency, Exposure, usd};

use crate::{
    detectors::{Block, Claim, Settings, Site},
    stakes::{READ_EVERY_BLOCKS, at_stake},
    state::StateTable,
};

/// A dependency with the contracts that rely on it.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// Number of its deployment.
    pub(super) index: u32,
    pub(super) dependency: Dependency,
    /// Ours that rely on it.
    pub(super) dependents: Vec<Address>,
}

/// Everything that the site's monitor watches, by the number of its deployment.
pub(super) fn watched(site: &Site) -> Vec<Watched> {
    let book = site.registry.dependencies();
    let of = |index: u32| {
        let deployment = site.deployment(index);
        let dependency = book.at(&site.network, deployment.address)?.clone();
        let dependents = book.dependents(&dependency, &site.registry);
        Some(Watched { index, dependency, dependents })
    };
    site.dependencies().into_iter().filter_map(of).collect()
}

/// `every_blocks` of a monitor.
pub(super) fn every_blocks(settings: &Settings) -> NonZeroU32 {
    let every = u32::try_from(settings.integer("every_blocks")).ok();
    every.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}

/// The dependency of this deployment.
pub(super) fn at(all: &[Watched], index: u32) -> Option<&Watched> {
    all.binary_search_by_key(&index, |one| one.index).ok().map(|at| &all[at])
}

/// Reads as the plan wants them.
pub(super) fn planned(
    requests: impl IntoIterator<Item = model::ReadRequest>,
    every: NonZeroU32,
) -> Vec<PlannedRead> {
    requests.into_iter().map(|request| request.every(every)).collect()
}

/// What a dependency weighs: its share of everything that is locked.
pub(super) enum Weight {
    /// Above the share that the monitor states.
    Heavy,
    /// Below it.
    Light,
    /// Nobody knows.
    Unknown,
}

/// A claim about a dependency with the money that is at stake with it.
pub(super) fn with_stake(
    claim: Claim,
    block: &Block<'_>,
    of: &Watched,
    memory: &StateTable,
) -> Claim {
    let severity = claim.severity;
    let stake = at_stake(&of.dependency, block.registry, memory);
    let mut claim = claim.about(block, of.dependency.address).severity(severity);
    let known = match stake.exposure {
        Exposure::Stated(_) => "as dependencies/ states it".to_owned(),
        Exposure::Measured(_) => match stake.oldest {
            Some(at) => {
                let age = block.bundle.header.number.saturating_sub(at);
                let is_late = age > 2 * u64::from(READ_EVERY_BLOCKS.get());
                let late = if is_late { ", reads are missing since" } else { "" };
                format!("measured after block {at}{late}")
            }
            None => "measured".to_owned(),
        },
        Exposure::Unknown => {
            "not known: nobody states it, or not all of it was read yet".to_owned()
        }
    };
    if let Some(cents) = stake.exposure.cents() {
        claim.value_at_risk = Some(usd(cents));
        claim = claim.fact("exposure", FactValue::Amount(usd(cents)));
    }
    claim = claim.fact("exposure is", FactValue::Text(known));
    if let Some(share) = stake.share {
        claim = claim.fact("share of what is locked", FactValue::Ratio(share));
    }
    let relying = of.dependents.iter().take(registry::fact::LIST_LEN_MAX);
    let relying = relying.map(|address| block.address_fact(*address));
    claim.fact("relied on by", FactValue::List(relying.collect()))
}

/// How much a dependency weighs against `share`.
pub(super) fn weight(block: &Block<'_>, of: &Watched, memory: &StateTable, share: f64) -> Weight {
    match at_stake(&of.dependency, block.registry, memory).share {
        Some(own) if own >= share => Weight::Heavy,
        Some(_) => Weight::Light,
        None => Weight::Unknown,
    }
}

/// Severity by weight: critical above the share, and not milder than high while nobody knows.
pub(super) fn by_weight(weight: &Weight, severity: Severity) -> Severity {
    match weight {
        Weight::Heavy => Severity::Critical,
        Weight::Unknown => severity.max(Severity::High),
        Weight::Light => severity,
    }
}

/// What would be lost, for a title: "; 1,485 USD rely on it".
pub(super) fn money(block: &Block<'_>, of: &Watched, memory: &StateTable) -> String {
    match at_stake(&of.dependency, block.registry, memory).exposure.cents() {
        Some(cents) => format!("; {} of ours rely on it", usd(cents)),
        None => "; how much of ours relies on it is not known".to_owned(),
    }
}
