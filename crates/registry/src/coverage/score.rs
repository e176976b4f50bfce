//! Cells and their worth.

use std::sync::Arc;

use model::{B256, BlockNumber, Guards, Roster};
use rustc_hash::FxHashMap;

use super::{Ledger, MonitorLedger, Target, TargetKind, Threat, targets};
use crate::Deployment;

/// What becomes of a monitor's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Nobody hears of them.
    Shadow,
    /// Somebody is told.
    Notify,
    /// Somebody is told that a person should look now.
    Page,
}

impl Stage {
    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Notify => "notify",
            Self::Page => "page",
        }
    }

    /// Its share of full worth: a third each.
    pub fn share(self) -> f64 {
        match self {
            Self::Shadow => 1.0 / 3.0,
            Self::Notify => 2.0 / 3.0,
            Self::Page => 1.0,
        }
    }
}

/// Which calls of a contract a monitor looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entries {
    /// All of them, whatever they call.
    All,
    /// Those with these selectors.
    These(Vec<[u8; 4]>),
}

/// What a monitor sees of the contracts that it guards, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Calls that it looks at.
    pub entries: Entries,
    /// Events that it looks at, by signature hash, ascending.
    pub topics: Vec<B256>,
    /// Whether it follows the money that contracts hold.
    pub money: bool,
    /// Whether it looks at what feeds answer.
    pub feeds: bool,
    /// What it is about.
    pub threats: Vec<Threat>,
}

impl Reach {
    /// Whether it would notice this threat to this target.
    pub fn sees(&self, kind: TargetKind, threat: Threat) -> bool {
        if !self.threats.contains(&threat) {
            return false;
        }
        let all_entries = self.entries == Entries::All;
        match kind {
            TargetKind::Entry(selector) => match &self.entries {
                Entries::All => true,
                Entries::These(selectors) => selectors.contains(&selector),
            },
            TargetKind::Fallback | TargetKind::Receive | TargetKind::UnknownCode => all_entries,
            TargetKind::Role(topic) | TargetKind::Setting(topic) => {
                self.topics.binary_search(&topic).is_ok()
            }
            TargetKind::Money => self.money,
            TargetKind::Feed => self.feeds,
        }
    }
}

/// A monitor that sees a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch {
    /// The monitor's place in the roster.
    pub monitor: u32,
    /// What becomes of its findings.
    pub stage: Stage,
    /// Share of blocks that it judged; `None` when it had nothing to judge yet.
    pub uptime: Option<f64>,
}

impl Watch {
    /// Worth of the cell by this monitor alone.
    pub fn value(&self) -> f64 {
        self.stage.share() * self.uptime.unwrap_or(0.0)
    }
}

/// How well a cell is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellState {
    /// No monitor sees it.
    Unwatched,
    /// A monitor sees it and nothing was judged yet.
    Unknown,
    /// Some blocks are missing.
    Partly,
    /// Every block was judged.
    Watched,
}

impl CellState {
    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unwatched => "unwatched",
            Self::Unknown => "unknown",
            Self::Partly => "partly",
            Self::Watched => "watched",
        }
    }
}

/// A target with one threat.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The target's place in [`DeploymentScore::targets`].
    pub target: u32,
    /// What could go wrong.
    pub threat: Threat,
    /// Who would notice, the best first.
    pub watches: Vec<Watch>,
}

impl Cell {
    /// Between 0 and 1.
    pub fn value(&self) -> f64 {
        self.watches.first().map_or(0.0, Watch::value)
    }

    /// How well it is watched.
    pub fn state(&self) -> CellState {
        let uptimes = || self.watches.iter().filter_map(|watch| watch.uptime);
        if self.watches.is_empty() {
            CellState::Unwatched
        } else if uptimes().any(|uptime| uptime >= 1.0) {
            CellState::Watched
        } else if uptimes().any(|uptime| uptime > 0.0) {
            CellState::Partly
        } else {
            CellState::Unknown
        }
    }
}

/// How well one deployment is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentScore {
    /// The deployment's place in the roster.
    pub deployment: u32,
    /// Between 0 and 1; `None` when there is nothing to watch.
    pub value: Option<f64>,
    /// Its weight in the whole.
    pub weight: f64,
    /// Whether its weight follows from a value that the user stated.
    pub is_weight_stated: bool,
    /// What must be watched.
    pub targets: Vec<Target>,
    /// Each target with each threat that applies.
    pub cells: Vec<Cell>,
    /// What each monitor on it judged: its place in the roster and its ledger.
    pub monitors: Vec<(u32, Arc<MonitorLedger>)>,
}

/// How well a network is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Between 0 and 1; `None` when there is nothing to watch.
    pub value: Option<f64>,
    /// Cells in all: the n of the number.
    pub cells: u64,
    /// Deployments, in the order of the roster.
    pub deployments: Vec<DeploymentScore>,
}

/// What is known of a roster's monitor beside its blocks.
pub trait Monitors {
    /// What the monitor at this place sees.
    fn reach(&self, monitor: u32) -> &Reach;
    /// What becomes of its findings about this deployment.
    fn stage(&self, monitor: u32, deployment: &Deployment) -> Stage;
    /// From where its blocks count on this deployment; `None`: from the first that was followed.
    fn start(&self, monitor: u32, deployment: &Deployment) -> Option<BlockNumber>;
}

/// Scores the deployments of a roster. `deployments` are those of the roster, in its order.
pub fn score(
    ledger: &Ledger<'_>,
    roster: &Roster,
    deployments: &[&Deployment],
    monitors: &impl Monitors,
) -> Score {
    let everywhere: Vec<u32> = (0u32..)
        .zip(&roster.monitors)
        .filter(|(_, monitor)| monitor.guards == Guards::All)
        .map(|(at, _)| at)
        .collect();
    let mut on_one: Vec<Vec<u32>> = vec![Vec::new(); deployments.len()];
    for (at, monitor) in (0u32..).zip(&roster.monitors) {
        if let Guards::Some(indexes) = &monitor.guards {
            for index in indexes {
                if let Some(list) = on_one.get_mut(*index as usize) {
                    list.push(at);
                }
            }
        }
    }
    let heaviest = deployments.iter().filter_map(|d| stated_weight(d)).fold(0.0, f64::max);
    let unstated = if heaviest > 0.0 { heaviest } else { 1.0 };
    // A monitor on a thousand contracts mostly judged the same blocks of each.
    let mut known: FxHashMap<(u32, Option<BlockNumber>, Vec<u8>), Arc<MonitorLedger>> =
        FxHashMap::default();
    let mut scores = Vec::with_capacity(deployments.len());
    for ((deployment, own), at) in deployments.iter().zip(&on_one).zip(0u32..) {
        let mut of_this = Vec::with_capacity(everywhere.len() + own.len());
        for &monitor in everywhere.iter().chain(own) {
            let start = monitors.start(monitor, deployment);
            let known = known.entry((monitor, start, ledger.presence(monitor, at)));
            let judged = known.or_insert_with(|| Arc::new(ledger.of(monitor, Some(at), start)));
            of_this.push((monitor, judged.clone()));
        }
        let targets = targets(deployment);
        let cells = cells(&targets, deployment, &of_this, monitors);
        let sum: f64 = cells.iter().map(Cell::value).sum();
        let stated = stated_weight(deployment);
        scores.push(DeploymentScore {
            deployment: at,
            value: (!cells.is_empty()).then(|| sum / cells.len() as f64),
            weight: stated.unwrap_or(unstated),
            is_weight_stated: stated.is_some(),
            targets,
            cells,
            monitors: of_this,
        });
    }
    Score { value: weighted(&scores), cells: count(&scores), deployments: scores }
}

/// The weighted mean of several deployments, of one network or of all.
pub(super) fn weighted<'s>(scores: impl IntoIterator<Item = &'s DeploymentScore>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for score in scores {
        if let Some(value) = score.value {
            sum += score.weight * value;
            weights += score.weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}

impl Score {
    /// Several networks as one.
    pub fn overall<'s>(scores: impl IntoIterator<Item = &'s Self> + Clone) -> Option<f64> {
        weighted(scores.into_iter().flat_map(|score| &score.deployments))
    }
}

fn count(scores: &[DeploymentScore]) -> u64 {
    scores.iter().map(|score| score.cells.len() as u64).sum()
}

fn stated_weight(deployment: &Deployment) -> Option<f64> {
    let value = deployment.value_at_risk.as_ref()?.to_f64();
    Some(value.max(0.0).ln_1p()).filter(|weight| *weight > 0.0)
}

fn cells(
    targets: &[Target],
    deployment: &Deployment,
    of_this: &[(u32, Arc<MonitorLedger>)],
    monitors: &impl Monitors,
) -> Vec<Cell> {
    let watches: Vec<Watch> = of_this
        .iter()
        .map(|(monitor, ledger)| Watch {
            monitor: *monitor,
            stage: monitors.stage(*monitor, deployment),
            uptime: ledger.uptime(),
        })
        .collect();
    let mut cells = Vec::new();
    for (target, at) in targets.iter().zip(0u32..) {
        for &threat in target.kind.threats() {
            let sees = |watch: &&Watch| monitors.reach(watch.monitor).sees(target.kind, threat);
            let mut of_cell: Vec<Watch> = watches.iter().filter(sees).copied().collect();
            of_cell.sort_by(|a, b| b.value().total_cmp(&a.value()).then(a.monitor.cmp(&b.monitor)));
            cells.push(Cell { target: at, threat, watches: of_cell });
        }
    }
    cells
}
