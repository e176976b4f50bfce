//! What the monitors of authority remember, out of the store.

use std::sync::Arc;

use detect::{
    MonitorSpec, RuleSpec,
    detectors::access::authority_drift::{REMEMBERED_KEYS, Remembered, remembered},
};
use model::{Address, Name};
use registry::{Registry, authority::Moment};
use store::{Store, StoreError};

/// The detector whose monitors remember who holds what.
const DETECTOR: &str = "access/authority_drift";

/// What one monitor of authority remembers of a network.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The monitor.
    pub monitor: Name,
    /// As of this block.
    pub at: Moment,
    /// Who holds what, and since when.
    pub remembered: Remembered,
}

/// A monitor whose memory this version cannot read: what it knows is unknown, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The monitor.
    pub monitor: Name,
    /// Why.
    pub why: String,
}

/// What is remembered of a network.
#[derive(Debug, Clone, Default)]
pub struct AllWatched {
    /// By monitor.
    pub known: Vec<Watched>,
    /// Monitors whose memory cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl AllWatched {
    /// What the monitor with the widest view knows of a contract.
    pub fn over(&self, contract: Address) -> Option<&Watched> {
        let sees = self.known.iter().filter(|w| w.contracts().contains_key(&contract));
        sees.max_by_key(|watched| watched.contracts().len())
    }

    /// The widest view of all.
    pub fn widest(&self) -> Option<&Watched> {
        self.known.iter().max_by_key(|watched| watched.contracts().len())
    }
}

impl Watched {
    fn contracts(&self) -> &std::collections::BTreeMap<Address, registry::authority::Holdings> {
        &self.remembered.observed.contracts
    }
}

/// Reads it; empty before the first judged block, and when no monitor watches authority.
///
/// # Errors
/// When the store cannot be read.
pub fn watched(
    store: &Store,
    registry: &Arc<Registry>,
    monitors: &[MonitorSpec],
    network: &Name,
    chain_id: Option<u64>,
) -> Result<AllWatched, StoreError> {
    let mut all = AllWatched::default();
    let newest = store.coverage_newest(network, None, 1)?;
    let Some(newest) = newest.first() else { return Ok(all) };
    let Some(at) = newest.timestamp else { return Ok(all) };
    let at = Moment { block: newest.block.number, at };
    let is_one =
        |spec: &&MonitorSpec| matches!(&spec.rule, RuleSpec::Detector { id, .. } if id == DETECTOR);
    let mut monitors = monitors.iter().filter(is_one).peekable();
    if monitors.peek().is_none() {
        return Ok(all);
    }
    let entries = store.detector_state_between(network, REMEMBERED_KEYS)?;
    for spec in monitors {
        let monitor = spec.name.clone();
        match remembered(spec, registry, network, at, entries.clone()) {
            Ok(Some(mut remembered)) => {
                remembered.observed.chain_id = chain_id;
                all.known.push(Watched { monitor, at, remembered });
            }
            Ok(None) => {}
            Err(error) => all.unreadable.push(Unreadable { monitor, why: error.to_string() }),
        }
    }
    Ok(all)
}
