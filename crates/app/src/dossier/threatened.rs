//! Threats of the map that name a contract.

use std::collections::BTreeSet;

use model::Name;
use registry::{
    Deployment, Registry,
    threats::{Day, Gap, Rating, Threat, ThreatMap},
};

use super::{Known, Unknown};

/// A threat that names a contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Threatened {
    /// The threat.
    pub threat: Threat,
    /// How bad it is.
    pub rating: Rating,
    /// The map's currency, which its impact is in.
    pub currency: String,
    /// The assets and events through which it names the contract.
    pub through: Vec<Name>,
    /// What is missing against it.
    pub gaps: Vec<Gap>,
}

/// Worst first.
pub(super) fn of(
    deployment: &Deployment,
    map: &ThreatMap,
    registry: &Registry,
    today: Day,
) -> Known<Vec<Threatened>> {
    if map.is_empty() {
        return Known::No(Unknown::new("no threat is written down", "threats/*.toml"));
    }
    let is_named = |on: &[Name]| on.contains(&deployment.label);
    let assets = map.assets.iter().filter(|asset| is_named(&asset.deployments)).map(|of| &of.id);
    let events = map.events.iter().filter(|event| is_named(&event.on)).map(|of| &of.id);
    let places: BTreeSet<&Name> = assets.chain(events).collect();
    let gaps = map.gaps(registry, today);
    let concerned = map.worst_first().into_iter().filter_map(|threat| {
        let links = threat.assets.iter().chain(&threat.events);
        let through: Vec<Name> = links.filter(|id| places.contains(id)).cloned().collect();
        (!through.is_empty()).then(|| Threatened {
            threat: threat.clone(),
            rating: map.rating(threat),
            currency: map.scale.currency.clone(),
            through,
            gaps: gaps
                .iter()
                .filter(|gap| gap.threat.as_ref() == Some(&threat.id))
                .cloned()
                .collect(),
        })
    });
    Known::Yes(concerned.collect())
}
