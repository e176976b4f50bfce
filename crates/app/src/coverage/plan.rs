//! What the files say must be watched: by whom, from which block, and who would hear of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alert::{Policy, Subject};
use detect::{Engine, MonitorAccount, MonitorSpec};
use model::{BlockNumber, Name, Roster, Severity};
use registry::{
    Deployment, Registry,
    coverage::{Ledger, Monitors, Reach, Stage},
};

use super::holes::{self, HoleGroup};

/// How blocks of the past are judged: `[backfill]` of `bellwether.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfilling {
    /// Whether holes are filled without being asked.
    pub is_automatic: bool,
    /// How far below the head holes are filled without being asked. What is older is listed with
    /// the command that fills it.
    pub depth_blocks: u64,
    /// Blocks judged before a hole, so that what remembers knows what was usual. Their findings are
    /// not told.
    pub warm_up_blocks: u64,
    /// Time between two looks at the ledger, in milliseconds.
    pub look_interval_ms: u64,
}

impl Default for Backfilling {
    /// A week of mainnet deep; the hour that windows remember as warm-up; a look a minute.
    fn default() -> Self {
        Self {
            is_automatic: true,
            depth_blocks: 50_400,
            warm_up_blocks: 300,
            look_interval_ms: 60_000,
        }
    }
}

/// What must be watched on all networks.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By name.
    pub networks: BTreeMap<Name, NetworkPlan>,
    /// How the past is judged.
    pub backfilling: Backfilling,
}

/// What must be watched on one network.
#[derive(Debug, Clone)]
pub struct NetworkPlan {
    /// Network.
    pub network: Name,
    /// Version of the set of monitors: names the roster.
    pub monitors_version: u64,
    /// Who watches what.
    pub roster: Roster,
    /// The roster's monitors as they judge, in its order.
    pub accounts: Vec<MonitorAccount>,
    registry: Arc<Registry>,
    policy: Arc<Policy>,
    /// Of the roster's monitors, in its order: what each sees, how bad it is, and from where its
    /// blocks count.
    reach: Vec<Reach>,
    severities: Vec<Severity>,
    starts: Vec<Option<BlockNumber>>,
}

impl Plan {
    /// The plan that these monitors make. `starts` names monitors that count from a block of their
    /// own. Monitors that do not compile were refused when the configuration was read.
    pub fn new(
        registry: &Arc<Registry>,
        monitors: &[MonitorSpec],
        policy: &Arc<Policy>,
        starts: &BTreeMap<Name, BlockNumber>,
        networks: impl IntoIterator<Item = Name>,
        backfilling: Backfilling,
    ) -> Self {
        let Ok(engine) = Engine::new(registry.clone(), monitors.to_vec()) else {
            return Self { backfilling, ..Self::default() };
        };
        let severities: HashMap<&Name, Severity> =
            monitors.iter().map(|spec| (&spec.name, spec.severity)).collect();
        let of_network = |network: Name| {
            let roster = engine.roster(&network);
            let names = roster.monitors.iter().map(|monitor| &monitor.name);
            let severity = |name| severities.get(name).copied().unwrap_or_default();
            NetworkPlan {
                monitors_version: engine.monitors_version(),
                accounts: engine.monitors(&network),
                reach: engine.reach(&network),
                severities: names.clone().map(severity).collect(),
                starts: names.map(|name| starts.get(name).copied()).collect(),
                registry: registry.clone(),
                policy: policy.clone(),
                roster,
                network,
            }
        };
        let networks = networks.into_iter().map(of_network);
        Self { networks: networks.map(|plan| (plan.network.clone(), plan)).collect(), backfilling }
    }
}

impl NetworkPlan {
    /// The deployments of the roster, in its order.
    pub fn deployments(&self) -> Vec<&Deployment> {
        self.registry.deployments().iter().filter(|d| d.network == self.network).collect()
    }

    /// The holes of all monitors, the same blocks and cause together, ascending.
    pub fn holes(&self, ledger: &Ledger<'_>) -> Vec<HoleGroup> {
        let deployments = self.deployments();
        let of_monitor = |monitor: u32| {
            let start = |at: u32| self.start(monitor, deployments[at as usize]);
            (monitor, ledger.holes_of(monitor, start))
        };
        holes::group((0..self.roster.monitors.len() as u32).map(of_monitor))
    }

    /// The names of these monitors of the roster.
    pub fn names(&self, monitors: &[u32]) -> Vec<Name> {
        monitors.iter().map(|at| self.roster.monitors[*at as usize].name.clone()).collect()
    }
}

impl Monitors for NetworkPlan {
    fn reach(&self, monitor: u32) -> &Reach {
        &self.reach[monitor as usize]
    }

    fn stage(&self, monitor: u32, deployment: &Deployment) -> Stage {
        let severity = self.severities[monitor as usize];
        let subject = Subject {
            network: Some(&self.network),
            monitor: &self.roster.monitors[monitor as usize].name,
            deployment: Some(&deployment.label),
            severity,
        };
        if self.policy.receivers(&subject).is_empty() {
            Stage::Shadow
        } else if severity >= Severity::High {
            Stage::Page
        } else {
            Stage::Notify
        }
    }

    fn start(&self, monitor: u32, deployment: &Deployment) -> Option<BlockNumber> {
        deployment.first_block.max(self.starts[monitor as usize])
    }
}
