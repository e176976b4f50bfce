//! Coverage as a number, what it is made of, what is missing and what closes it.

use model::{BlockRange, Name};
use registry::coverage::{CellState, DeploymentScore};
use serde::Serialize;
use store::Forgotten;

use super::{Moment, WallMoment};
use crate::{
    coverage::{Account, Missing, NetworkAccount, Remedy},
    snapshot::NetworkHealth,
};

/// How the number comes about.
const FORMULA: &str = "sum of ln(1 + value at risk) x score over deployments / sum of ln(1 + value at risk); score = mean over cells (target x threat) of stage/3 x blocks judged/blocks, by the best monitor";

/// Coverage of all networks.
#[derive(Debug, Serialize)]
pub struct Ledger {
    /// When it was read.
    pub at: WallMoment,
    /// Between 0 and 1; `null` when there is nothing to watch.
    pub value: Option<f64>,
    /// How it comes about.
    pub formula: &'static str,
    /// Targets with a threat each: the n of the number.
    pub cells: u64,
    /// Networks.
    pub networks: Vec<LedgerNetwork>,
}

/// Coverage of one network.
#[derive(Debug, Serialize)]
pub struct LedgerNetwork {
    /// Network.
    pub network: String,
    /// First block that was followed; `null` before it.
    pub from: Option<u64>,
    /// Newest block on record.
    pub to: Option<u64>,
    /// Its time: how old the numbers are. `null` when it is in quarantine.
    pub newest_at: Option<Moment>,
    /// Between 0 and 1.
    pub value: Option<f64>,
    /// Cells of this network.
    pub cells: u64,
    /// What is guarded.
    pub deployments: Vec<LedgerDeployment>,
    /// Blocks that somebody did not judge, ascending.
    pub missing: Vec<MissingBlocks>,
    /// Holes that were closed last, newest first.
    pub closed: Vec<ClosedHole>,
    /// What retention removed, by kind.
    pub forgotten: Vec<ForgottenRecords>,
    /// Height below which nothing is said, because the ranges would be too many; mostly 0.
    pub read_from: u64,
    /// How judging the past goes; `null` when nothing is being judged and nothing failed.
    pub filling: Option<Filling>,
}

/// How well one deployment is watched.
#[derive(Debug, Serialize)]
pub struct LedgerDeployment {
    /// Label.
    pub deployment: String,
    /// Between 0 and 1; `null` when it has nothing to watch.
    pub value: Option<f64>,
    /// Weight in the whole.
    pub weight: f64,
    /// Whether the weight follows from a value at risk that was stated.
    pub is_weight_stated: bool,
    /// Targets with a threat each.
    pub cells: Vec<Cell>,
    /// Monitors on it, with the share of blocks that each judged.
    pub monitors: Vec<Watch>,
}

/// A target with a threat.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// Kind of target: `entry`, `fallback`, `receive`, `unknown_code`, `role`, `setting`, `money`,
    /// `dependency`.
    pub kind: &'static str,
    /// What people call it.
    pub target: String,
    /// What could go wrong.
    pub threat: &'static str,
    /// `watched`, `partly`, `unwatched` or `unknown`.
    pub state: &'static str,
    /// Between 0 and 1.
    pub value: f64,
    /// Monitors that would notice, the best first.
    pub monitors: Vec<Watch>,
}

/// A monitor.
#[derive(Debug, Serialize)]
pub struct Watch {
    /// Name.
    pub monitor: String,
    /// What becomes of its findings: `shadow`, `notify` or `page`; `null` where that is not asked.
    pub stage: Option<&'static str>,
    /// Share of blocks that it judged; `null` when there is none to judge yet.
    pub uptime: Option<f64>,
}

/// Blocks that some monitors did not judge.
#[derive(Debug, Serialize)]
pub struct MissingBlocks {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// How many.
    pub blocks: u64,
    /// Kind of cause: `not_followed`, `quarantined`, `added_later`, `rule_changed`, `unrecorded`,
    /// `blind`.
    pub cause: &'static str,
    /// The cause in words.
    pub reason: String,
    /// Whether they were tried again, with this result.
    pub is_tried: bool,
    /// Who did not judge them.
    pub monitors: Vec<String>,
    /// Endpoints that served these blocks.
    pub endpoints: Vec<String>,
    /// Whether it is being closed without anybody's doing.
    pub closes_by_itself: bool,
    /// What closes it, in words.
    pub remedy: String,
    /// The command that closes it; `null` where none does.
    pub command: Option<String>,
}

/// A hole that was closed.
#[derive(Debug, Serialize)]
pub struct ClosedHole {
    /// First block when it was seen first.
    pub from: u64,
    /// Last block.
    pub to: u64,
    /// Why it was there.
    pub reason: String,
    /// Monitors in all.
    pub monitors: u32,
    /// When it was seen.
    pub seen_at: WallMoment,
    /// When it was found closed.
    pub closed_at: Option<WallMoment>,
}

/// What retention removed of one kind since the store was made.
#[derive(Debug, Serialize)]
pub struct ForgottenRecords {
    /// `events`, `coverage` (rows, one a block; the ranges stay), `findings`, `alerts`, `decisions`,
    /// `messages`, `samples`, `closed_holes`.
    pub what: &'static str,
    /// How many.
    pub removed: u64,
    /// Chain time: what is older may be gone.
    pub up_to: Moment,
    /// When something was removed last.
    pub at: WallMoment,
}

/// How judging the past goes.
#[derive(Debug, Serialize)]
pub struct Filling {
    /// First block of what is being judged.
    pub from: Option<u64>,
    /// Last block.
    pub to: Option<u64>,
    /// Monitors that judge.
    pub monitors: usize,
    /// Newest block that is done.
    pub done_up_to: Option<u64>,
    /// Why it does not go on at the moment.
    pub failure: Option<String>,
}

impl Ledger {
    pub(crate) fn new(account: &Account, health: &[NetworkHealth]) -> Self {
        let of = |network: &NetworkAccount| {
            let health = health.iter().find(|h| h.name == network.plan.network);
            LedgerNetwork::new(network, health)
        };
        Self {
            at: account.at.into(),
            value: account.value,
            formula: FORMULA,
            cells: account.cells(),
            networks: account.networks.iter().map(of).collect(),
        }
    }

    /// Leaves out what was not asked for.
    pub(crate) fn keep(&mut self, network: Option<&Name>, deployment: Option<&Name>) {
        if let Some(network) = network {
            self.networks.retain(|of| of.network == network.as_str());
        }
        let Some(deployment) = deployment else { return };
        for network in &mut self.networks {
            network.deployments.retain(|of| of.deployment == deployment.as_str());
            let kept: Vec<&str> = network
                .deployments
                .iter()
                .flat_map(|of| &of.monitors)
                .map(|watch| watch.monitor.as_str())
                .collect();
            let is_about = |missing: &MissingBlocks| {
                missing.monitors.iter().any(|monitor| kept.contains(&monitor.as_str()))
            };
            network.missing.retain(is_about);
        }
        self.networks.retain(|network| !network.deployments.is_empty());
    }
}

impl LedgerNetwork {
    fn new(account: &NetworkAccount, health: Option<&NetworkHealth>) -> Self {
        let names = &account.plan.roster;
        let deployments = account.score.deployments.iter().map(|score| {
            let label = &names.deployments[score.deployment as usize].label;
            LedgerDeployment::new(label, score, account)
        });
        Self {
            network: account.plan.network.to_string(),
            from: account.span.map(|span| span.first),
            to: account.span.map(|span| span.last),
            newest_at: account.newest_at.map(Into::into),
            value: account.score.value,
            cells: account.score.cells,
            deployments: deployments.collect(),
            missing: account.missing.iter().map(MissingBlocks::new).collect(),
            closed: account
                .closed
                .iter()
                .map(|record| ClosedHole {
                    from: record.hole.seen_as.first,
                    to: record.hole.seen_as.last,
                    reason: record.hole.cause.to_string(),
                    monitors: record.hole.monitors_total,
                    seen_at: record.hole.seen_at.into(),
                    closed_at: record.closed_at.map(Into::into),
                })
                .collect(),
            forgotten: account.forgotten.iter().map(ForgottenRecords::new).collect(),
            read_from: account.read_from,
            filling: health.and_then(filling),
        }
    }
}

impl ForgottenRecords {
    fn new(forgotten: &Forgotten) -> Self {
        Self {
            what: forgotten.what.as_str(),
            removed: forgotten.removed,
            up_to: forgotten.up_to.into(),
            at: forgotten.at.into(),
        }
    }
}

fn filling(health: &NetworkHealth) -> Option<Filling> {
    let filling = &health.filling;
    let is_something = filling.range.is_some() || filling.failure.is_some();
    is_something.then(|| Filling {
        from: filling.range.map(|range| range.first),
        to: filling.range.map(|range| range.last),
        monitors: filling.monitors,
        done_up_to: filling.done_up_to,
        failure: filling.failure.clone(),
    })
}

impl LedgerDeployment {
    fn new(label: &Name, score: &DeploymentScore, account: &NetworkAccount) -> Self {
        let name = |at: u32| account.plan.roster.monitors[at as usize].name.to_string();
        let cells = score.cells.iter().map(|cell| {
            let target = &score.targets[cell.target as usize];
            Cell {
                kind: target.kind.as_str(),
                target: target.name.clone(),
                threat: cell.threat.as_str(),
                state: cell.state().as_str(),
                value: cell.value(),
                monitors: cell
                    .watches
                    .iter()
                    .map(|watch| Watch {
                        monitor: name(watch.monitor),
                        stage: Some(watch.stage.as_str()),
                        uptime: watch.uptime,
                    })
                    .collect(),
            }
        });
        Self {
            deployment: label.to_string(),
            value: score.value,
            weight: score.weight,
            is_weight_stated: score.is_weight_stated,
            cells: cells.collect(),
            monitors: score
                .monitors
                .iter()
                .map(|(at, ledger)| Watch {
                    monitor: name(*at),
                    stage: None,
                    uptime: ledger.uptime(),
                })
                .collect(),
        }
    }

    /// Cells in this state.
    pub(crate) fn in_state(&self, state: CellState) -> usize {
        self.cells.iter().filter(|cell| cell.state == state.as_str()).count()
    }
}

impl MissingBlocks {
    pub(super) fn new(missing: &Missing) -> Self {
        let BlockRange { first, last } = missing.hole.range;
        Self {
            from: first,
            to: last,
            blocks: missing.hole.range.blocks(),
            cause: missing.hole.cause.as_str(),
            reason: missing.hole.cause.to_string(),
            is_tried: missing.hole.is_tried,
            monitors: missing.monitors.iter().map(ToString::to_string).collect(),
            endpoints: missing.endpoints.iter().map(ToString::to_string).collect(),
            closes_by_itself: matches!(missing.remedy, Remedy::ByItself { .. }),
            remedy: missing.remedy.text(),
            command: missing.remedy.command().map(str::to_owned),
        }
    }
}
