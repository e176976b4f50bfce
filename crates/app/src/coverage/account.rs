//! Everything about coverage at one moment: what command, page and API all tell.

use model::{BlindReason, BlockNumber, BlockRange, HoleCause, Name, UnixMillis, UnixSeconds};
use registry::coverage::{Ledger, Score, score};
use store::{Forgotten, HoleRecord, Store, StoreError};

use super::{
    holes::{HoleGroup, is_fillable},
    plan::{Backfilling, NetworkPlan, Plan},
};

/// Closed holes that an account lists: what a person reads.
const CLOSED_LISTED_MAX: usize = 20;

/// Coverage of all networks.
#[derive(Debug, Clone)]
pub struct Account {
    /// When it was read.
    pub at: UnixMillis,
    /// Between 0 and 1; `None` when there is nothing to watch. The formula is in
    /// `registry::coverage`.
    pub value: Option<f64>,
    /// Networks, by name.
    pub networks: Vec<NetworkAccount>,
}

/// Coverage of one network.
#[derive(Debug, Clone)]
pub struct NetworkAccount {
    /// What must be watched.
    pub plan: NetworkPlan,
    /// From the first block that was followed to the newest on record.
    pub span: Option<BlockRange>,
    /// Time of the newest block that was judged: how old the numbers are.
    pub newest_at: Option<UnixSeconds>,
    /// The number, with everything it is made of.
    pub score: Score,
    /// What is missing, ascending.
    pub missing: Vec<Missing>,
    /// Holes that were closed last, newest first.
    pub closed: Vec<HoleRecord>,
    /// What retention removed since the store was made.
    pub forgotten: Vec<Forgotten>,
    /// Height below which the ledger has too many ranges to be read at once; mostly 0.
    pub read_from: BlockNumber,
}

/// Blocks that somebody did not judge.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The hole.
    pub hole: HoleGroup,
    /// Who did not judge them.
    pub monitors: Vec<Name>,
    /// Which endpoints served these blocks to others.
    pub endpoints: Vec<Name>,
    /// What closes it.
    pub remedy: Remedy,
}

/// What closes a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// It is being closed without anybody's doing.
    ByItself {
        /// How, in a sentence without its full stop.
        how: String,
        /// The command that does it at once, where there is one.
        command: Option<String>,
    },
    /// Somebody has to give this command.
    Command(String),
    /// Something has to be put right first.
    Repair(String),
}

impl Remedy {
    /// The command, where there is one.
    pub fn command(&self) -> Option<&str> {
        match self {
            Self::ByItself { command, .. } => command.as_deref(),
            Self::Command(command) => Some(command),
            Self::Repair(_) => None,
        }
    }

    /// In a sentence without its full stop.
    pub fn text(&self) -> String {
        match self {
            Self::ByItself { how, .. } | Self::Repair(how) => how.clone(),
            Self::Command(command) => format!("run {command}"),
        }
    }
}

impl Account {
    /// Reads the ledgers of all networks of the plan.
    ///
    /// Blocks: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &Store, plan: &Plan, now: UnixMillis) -> Result<Self, StoreError> {
        let mut networks = Vec::with_capacity(plan.networks.len());
        for network in plan.networks.values() {
            networks.push(NetworkAccount::read(store, network, &plan.backfilling)?);
        }
        let value = Score::overall(networks.iter().map(|network| &network.score));
        Ok(Self { at: now, value, networks })
    }

    /// Cells in all: the n of the number.
    pub fn cells(&self) -> u64 {
        self.networks.iter().map(|network| network.score.cells).sum()
    }

    /// Holes in all.
    pub fn holes(&self) -> usize {
        self.networks.iter().map(|network| network.missing.len()).sum()
    }
}

impl NetworkAccount {
    fn read(
        store: &Store,
        plan: &NetworkPlan,
        backfilling: &Backfilling,
    ) -> Result<Self, StoreError> {
        let rows = store.ledger(&plan.network)?;
        let ledger = Ledger::new(&rows, &plan.roster);
        let span = ledger.span();
        let score = score(&ledger, &plan.roster, &plan.deployments(), plan);
        let head = span.map_or(0, |span| span.last);
        let missing = plan.holes(&ledger).into_iter().map(|hole| {
            let monitors = plan.names(&hole.monitors);
            let served = ledger.endpoints(hole.range);
            Missing {
                endpoints: served.into_iter().map(|(endpoint, _)| endpoint).collect(),
                remedy: remedy(plan, &hole, &monitors, head, backfilling),
                monitors,
                hole,
            }
        });
        let newest = store.coverage_newest(&plan.network, None, 1)?;
        Ok(Self {
            span,
            newest_at: newest.first().and_then(|row| row.timestamp),
            missing: missing.collect(),
            closed: store.closed_holes(&plan.network, CLOSED_LISTED_MAX)?,
            forgotten: store.forgotten(&plan.network)?,
            read_from: rows.from,
            score,
            plan: plan.clone(),
        })
    }
}

fn remedy(
    plan: &NetworkPlan,
    hole: &HoleGroup,
    monitors: &[Name],
    head: u64,
    backfilling: &Backfilling,
) -> Remedy {
    let command = command(plan, hole, monitors);
    match &hole.cause {
        HoleCause::Quarantined(_) => Remedy::ByItself {
            how: "tried again until an endpoint can prove the block".to_owned(),
            command: None,
        },
        HoleCause::Blind(BlindReason::LevelTooLow { needs, .. }) => Remedy::Repair(format!(
            "give {} an endpoint with {}, or take these monitors off it",
            plan.network,
            match needs {
                model::Level::Traces => "call traces",
                _ => "what they need",
            }
        )),
        HoleCause::Blind(BlindReason::Untraced { .. }) => Remedy::Repair(format!(
            "give {} an endpoint with call traces, or one that gives the state before a block",
            plan.network
        )),
        HoleCause::Blind(_) if !is_fillable(hole, head) => {
            Remedy::Repair("blind at this moment; filled when it can see again".to_owned())
        }
        _ if hole.is_tried => Remedy::Command(command),
        _ => {
            let is_deep = hole.range.first < head.saturating_sub(backfilling.depth_blocks);
            if backfilling.is_automatic && !is_deep {
                let how = "being judged afterwards, once its blocks are final".to_owned();
                Remedy::ByItself { how, command: Some(command) }
            } else {
                Remedy::Command(command)
            }
        }
    }
}

/// The one command that closes a hole. A monitor is named only where it stands alone: of many, the
/// blocks say which are meant.
fn command(plan: &NetworkPlan, hole: &HoleGroup, monitors: &[Name]) -> String {
    let mut command = format!("bellwether coverage backfill --network {}", plan.network);
    if let [one] = monitors {
        command.push_str(&format!(" --monitor {one}"));
    }
    command.push_str(&format!(" --from {} --to {}", hole.range.first, hole.range.last));
    command
}
