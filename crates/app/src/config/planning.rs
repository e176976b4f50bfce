//! The threat map of a folder, which may be there before anything is deployed.

use std::{collections::BTreeMap, sync::Arc};

use model::Name;
use registry::{Registry, threats::ThreatMap};

use super::{
    Config, Missing, Mistakes, Surroundings, bellwether, folder::Files, monitor, table::Collector,
    threats,
};

/// A threat map with what it is held against.
#[derive(Debug, Clone)]
pub struct Threats {
    /// The map.
    pub map: Arc<ThreatMap>,
    /// What is deployed; empty while planning.
    pub registry: Arc<Registry>,
    /// Whether nothing is deployed yet.
    pub is_planning: bool,
}

impl Threats {
    /// Reads the threat map of a folder. A folder with neither networks nor deployments is a plan:
    /// only `bellwether.toml`, `threats/`, `plans/`, the interfaces that threats name, and the names
    /// of monitors are read.
    ///
    /// # Errors
    /// All mistakes of all files that are read.
    pub fn load(around: &dyn Surroundings) -> Result<Self, Mistakes> {
        let files = Files::read(around)?;
        if !files.networks.is_empty() || !files.deployments.is_empty() {
            let config = Config::load(around, Missing::IsFine)?;
            return Ok(Self { map: config.threats, registry: config.registry, is_planning: false });
        }
        let out = Collector::default();
        let general = bellwether::general(&files.main, around, Missing::IsFine, &out);
        // What monitors are on is not there yet; only their names matter to a plan.
        let aside = Collector::default();
        let nothing = monitor::Known { labels: &[], factories: &[] };
        let monitors: Vec<Name> = files
            .monitors
            .iter()
            .flat_map(|file| monitor::monitors(file, &[], &nothing, &aside))
            .map(|declared| declared.spec.name)
            .collect();
        let declared = threats::Declared {
            name: general.as_ref().map_or("", |general| &general.name),
            deployments: &[],
            monitors: &monitors,
            networks: &[],
            chains: BTreeMap::new(),
            plans: files.plans.clone(),
            is_planning: true,
        };
        let map = threats::threats(&files.threats, declared, around, &out);
        let mistakes = out.into_mistakes();
        if !mistakes.is_empty() {
            return Err(Mistakes(mistakes));
        }
        Ok(Self { map: Arc::new(map), registry: Arc::default(), is_planning: true })
    }
}
