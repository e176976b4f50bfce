//! How well a contract is watched: its number, what is missing of it, and what closes that.

use model::{BlockRange, Name, UnixSeconds};
use registry::{Deployment, coverage::CellState};

use super::{Known, Unknown};
use crate::coverage::{Account, Missing};

/// Coverage of one contract.
#[derive(Debug, Clone)]
pub struct Covered {
    /// Between 0 and 1; `None` when there is nothing to watch.
    pub value: Option<f64>,
    /// Its weight in the whole: `ln(1 + value at risk)`.
    pub weight: f64,
    /// Whether the weight follows from a value at risk that was stated.
    pub is_weight_stated: bool,
    /// Targets with a threat each: the n of the number.
    pub cells: usize,
    /// How many of them are watched without a gap.
    pub watched: usize,
    /// Those that are not, unwatched ones first.
    pub open: Vec<OpenCell>,
    /// Blocks that monitors on it did not judge, newest first.
    pub holes: Vec<Missing>,
    /// From the first block that was followed to the newest on record.
    pub span: Option<BlockRange>,
    /// Time of the newest judged block.
    pub newest_at: Option<UnixSeconds>,
}

/// Something that could go wrong and is not watched, or not without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCell {
    /// Kind of target.
    pub kind: &'static str,
    /// What people call it.
    pub target: String,
    /// What could go wrong.
    pub threat: &'static str,
    /// How it is watched.
    pub state: CellState,
    /// Monitors that would notice.
    pub monitors: Vec<Name>,
}

impl Covered {
    pub(super) fn of(deployment: &Deployment, account: &Account) -> Known<Self> {
        let network = &deployment.network;
        let Some(of) = account.networks.iter().find(|of| of.plan.network == *network) else {
            return Known::No(Unknown::only(format!("{network} has no ledger")));
        };
        if of.span.is_none() {
            return Known::No(Unknown::no_block(network));
        }
        let roster = &of.plan.roster;
        let is_it = |at: u32| roster.deployments[at as usize].label == deployment.label;
        let Some(score) = of.score.deployments.iter().find(|score| is_it(score.deployment)) else {
            return Known::No(Unknown::only("the ledger keeps no account of a factory's children"));
        };
        let name = |at: u32| roster.monitors[at as usize].name.clone();
        let mut open: Vec<OpenCell> = score
            .cells
            .iter()
            .filter(|cell| cell.state() != CellState::Watched)
            .map(|cell| {
                let target = &score.targets[cell.target as usize];
                OpenCell {
                    kind: target.kind.as_str(),
                    target: target.name.clone(),
                    threat: cell.threat.as_str(),
                    state: cell.state(),
                    monitors: cell.watches.iter().map(|watch| name(watch.monitor)).collect(),
                }
            })
            .collect();
        open.sort_by_key(|cell| cell.state);
        let on_it: Vec<Name> = score.monitors.iter().map(|(at, _)| name(*at)).collect();
        let concerns = |missing: &&Missing| missing.monitors.iter().any(|m| on_it.contains(m));
        Known::Yes(Self {
            value: score.value,
            weight: score.weight,
            is_weight_stated: score.is_weight_stated,
            cells: score.cells.len(),
            watched: score.cells.len() - open.len(),
            open,
            holes: of.missing.iter().rev().filter(concerns).cloned().collect(),
            span: of.span,
            newest_at: of.newest_at,
        })
    }
}
