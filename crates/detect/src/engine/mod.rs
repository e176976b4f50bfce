//! The fold: one chain event in, one judgement out.
//!
//! For each block: count what it did to guarded contracts, wake exactly the monitors that something
//! in it concerns, let each judge in isolation (one that fails is blind and leaves no trace in what
//! is remembered), and account for every monitor. Nothing here depends on the order of a hash map,
//! on time of day or on how many events come in one batch.

mod judging; //  one block under judgement
mod network; //  everything about one network: monitors, routes, state
mod routes; //   which monitors a log, call or transaction concerns

use std::sync::Arc;

use model::{
    BlockCoverage, BlockRef, ChainEvent, Finding, Name, Position, ReadPlan, Roster, Sample,
    Severity, StateChange, StateEntry, StateUndo, UnixSeconds,
};
use registry::{Registry, coverage::Reach};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{LedgerLook, Told},
    elsewhere::{Elsewhere, Nowhere},
    monitors::{self, MonitorError, MonitorSpec},
    state::{RestoreError, StateTable},
};
use network::Network;

/// The newest block of a network that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub(crate) block: BlockRef,
    /// Its time; of a block in quarantine, that of the block before.
    pub(crate) at: UnixSeconds,
}

/// The newest final block, and how far back undoing can never be needed or possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finality {
    pub(crate) block: BlockRef,
}

/// Everything that follows from one chain event.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Network.
    pub network: Name,
    /// New findings, in the order of the monitors' declaration.
    pub findings: Vec<Finding>,
    /// Blocks that left the chain, newest first; findings on them are void unless raised again, and
    /// so are samples.
    pub reverted: Vec<BlockRef>,
    /// Newest final block, when finality moved.
    pub finalized: Option<BlockRef>,
    /// Points of series, at the block's own time.
    pub samples: Vec<Sample>,
    /// The ledger's row of the block, when there is one.
    pub coverage: Vec<BlockCoverage>,
    /// How what is remembered changed.
    pub state: StateChange,
}

/// On what a monitor's verdict on a block depends besides the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependence {
    /// On nothing: blocks may be judged in any order, and apart from each other.
    Block,
    /// On the blocks before it, by what is remembered of them.
    Past,
    /// On what happens while it is watched (reorgs, blindness of others), which no block holds.
    Watch,
}

/// A monitor as it judges on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorAccount {
    /// Monitor.
    pub monitor: Name,
    /// Detector, `expression` for an expression.
    pub detector: String,
    /// Version of detector and configuration together, as findings carry it.
    pub version: u32,
    /// Severity as declared.
    pub severity: Severity,
    /// On what its verdicts depend.
    pub dependence: Dependence,
}

/// Judges the events of all networks.
pub struct Engine {
    registry: Arc<Registry>,
    specs: Arc<[MonitorSpec]>,
    networks: FxHashMap<Name, Network>,
    monitors_version: u64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("monitors", &self.specs.len())
            .field("networks", &self.networks.len())
            .field("monitors_version", &self.monitors_version)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Compiles the monitors for every network that a deployment or monitor names.
    ///
    /// # Errors
    /// All mistakes of all monitors at once, in the order of their declaration.
    pub fn new(
        registry: Arc<Registry>,
        monitors: Vec<MonitorSpec>,
    ) -> Result<Self, Vec<MonitorError>> {
        let specs: Arc<[MonitorSpec]> = monitors.into();
        let mut errors: Vec<MonitorError> = Vec::new();
        let mut names = monitors::network_names(&registry, &specs);
        if names.is_empty() {
            // Nothing names a network; the monitors are checked all the same.
            names.insert(Name::new("any").expect("a plain lower-case word is a name"));
        }
        let mut networks = FxHashMap::default();
        for name in names {
            let (network, found) = Network::new(name.clone(), &registry, &specs);
            for error in found {
                if !errors.contains(&error) {
                    errors.push(error);
                }
            }
            networks.insert(name, network);
        }
        if !errors.is_empty() {
            let order = |error: &MonitorError| specs.iter().position(|s| s.name == error.monitor);
            errors.sort_by_key(order);
            return Err(errors);
        }
        let monitors_version = monitors::set_version(&specs, &registry);
        Ok(Self { registry, specs, networks, monitors_version })
    }

    /// Changes whenever anything changes that monitors judge by; part of the coverage ledger.
    pub fn monitors_version(&self) -> u64 {
        self.monitors_version
    }

    /// Who judges a network, for the ledger.
    pub fn roster(&self, network: &Name) -> Roster {
        self.account(network, |of| {
            monitors::roster(&self.registry, &self.specs, network, &of.monitors)
        })
    }

    /// What each monitor of a network sees, in the order of its roster.
    pub fn reach(&self, network: &Name) -> Vec<Reach> {
        self.account(network, |of| of.monitors.iter().map(monitors::reach).collect())
    }

    /// The monitors of a network as they judge, in the order of its roster.
    pub fn monitors(&self, network: &Name) -> Vec<MonitorAccount> {
        self.account(network, |of| {
            let rows = of.monitors.iter().zip(&of.severities).zip(of.dependence());
            rows.map(|((monitor, severity), dependence)| MonitorAccount {
                monitor: monitor.name.clone(),
                detector: monitor.claimant.detector.to_string(),
                version: monitor.claimant.version,
                severity: *severity,
                dependence,
            })
            .collect()
        })
    }

    /// Lets all monitors of a network sleep but some: those judge exactly as they do among all.
    pub fn keep_only(&mut self, network: &Name, is_kept: impl Fn(&Name) -> bool) {
        self.network(network).keep_only(is_kept);
    }

    fn account<T>(&self, name: &Name, of: impl FnOnce(&Network) -> T) -> T {
        match self.networks.get(name) {
            Some(network) => of(network),
            // Nobody named it: it gets those monitors that watch all networks.
            None => of(&Network::new(name.clone(), &self.registry, &self.specs).0),
        }
    }

    /// Whether a monitor of this network remembers what it saw: its verdict on a block depends on
    /// the blocks before.
    pub fn remembers(&self, network: &Name) -> bool {
        self.account(network, Network::remembers)
    }

    /// Lets the monitors that are about watching itself look at the ledger: what they find, and
    /// which hole each finding is about. Nothing is remembered.
    pub fn look_at_ledger(
        &self,
        network: &Name,
        look: &LedgerLook<'_>,
    ) -> (Vec<Finding>, Vec<Told>) {
        self.networks.get(network).map_or_else(Default::default, |of| of.look_at_ledger(look))
    }

    /// Puts back what was remembered of a network, from the rows of the store.
    ///
    /// # Errors
    /// [`RestoreError`] when a row cannot be read; the network's state is as before then.
    pub fn restore(
        &mut self,
        network: &Name,
        entries: impl IntoIterator<Item = StateEntry>,
        undo: impl IntoIterator<Item = StateUndo>,
    ) -> Result<(), RestoreError> {
        let table = StateTable::restore(network.clone(), entries, undo)?;
        self.network(network).restore(table);
        Ok(())
    }

    /// The whole remembered state of a network as rows: equal states give equal rows.
    pub fn state(&self, network: &Name) -> Vec<StateEntry> {
        self.networks.get(network).map_or_else(Vec::new, |network| network.table.to_entries())
    }

    /// Reads of the state that must come with the blocks of a network.
    pub fn reads(&self, network: &Name) -> ReadPlan {
        self.networks.get(network).map_or_else(ReadPlan::default, Network::reads)
    }

    /// Applies one event, with no view of other networks.
    pub fn apply(&mut self, position: Position, event: &ChainEvent) -> Judgement {
        self.apply_beside(position, event, &Nowhere)
    }

    /// Applies one event, with a view of what is remembered of other networks.
    pub fn apply_beside(
        &mut self,
        position: Position,
        event: &ChainEvent,
        elsewhere: &dyn Elsewhere,
    ) -> Judgement {
        let version = self.monitors_version;
        // Positions are the store's business; the fold needs only the order of events.
        let _ = position;
        let network = self.network(event.network());
        match event {
            ChainEvent::Committed(bundle) => network.committed(bundle, version, elsewhere),
            ChainEvent::Recovered(bundle) => network.recovered(bundle, version),
            ChainEvent::Reverted { undone, .. } => network.reverted(event, undone),
            ChainEvent::Finalized { block, .. } => network.finalized(*block),
            ChainEvent::Quarantined { block, reason, .. } => {
                network.quarantined(event, *block, reason, version)
            }
        }
    }

    /// The network's monitors and state. One that no configuration names gets those monitors that
    /// watch all networks.
    fn network(&mut self, name: &Name) -> &mut Network {
        if !self.networks.contains_key(name) {
            let (network, _) = Network::new(name.clone(), &self.registry, &self.specs);
            self.networks.insert(name.clone(), network);
        }
        self.networks.get_mut(name).expect("it was put there a line before")
    }
}
