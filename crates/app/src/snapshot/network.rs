//! One network at one moment.

use chain::execute::ExecutionStatus;
use model::{
    BlindReason, BlockNumber, BlockRange, BlockRef, CoverageResult, Name, UnixMillis, UnixSeconds,
};
use store::{CoverageSummary, Store, StoreError};

use super::trust::{self, Trust, TrustLimits};

/// Newest blocks whose ledger is summed up: 33 hours of mainnet, 5.5 hours of a two-second chain.
pub const COVERAGE_BLOCKS_MAX: u64 = 10_000;

/// Newest blocks in which a monitor must have been blind to count as blind now: 13 minutes of
/// mainnet. A monitor that looks at rare events is not in every block's list.
pub const RECENT_BLOCKS: usize = 64;

/// What the follower of a network says about itself and its endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkHealth {
    /// Network.
    pub name: Name,
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Newest block that an endpoint showed.
    pub head_seen: Option<BlockNumber>,
    /// That block's own time.
    pub head_time: Option<UnixSeconds>,
    /// Endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointHealth>,
    /// Whether a WebSocket wakes us; `None` when none is configured.
    pub websocket: Option<bool>,
    /// Whether old blocks are being fetched.
    pub catching_up: bool,
    /// Why the network is not followed any more; `None` while it is.
    pub stopped_reason: Option<String>,
    /// How judging the past goes.
    pub filling: Filling,
    /// How executing blocks goes that no node traces; `None` where none was executed so far.
    pub execution: Option<ExecutionStatus>,
}

/// How judging the past goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filling {
    /// Blocks that are being judged; `None` while nothing is to be done.
    pub range: Option<BlockRange>,
    /// By how many monitors.
    pub monitors: usize,
    /// The newest of the blocks that is done.
    pub done_up_to: Option<BlockNumber>,
    /// Why it does not go on at the moment.
    pub failure: Option<String>,
}

impl NetworkHealth {
    /// A network of which nothing is known yet.
    pub fn unknown(name: Name, chain_id: u64) -> Self {
        Self {
            name,
            chain_id,
            head_seen: None,
            head_time: None,
            endpoints: Vec::new(),
            websocket: None,
            catching_up: false,
            stopped_reason: None,
            filling: Filling::default(),
            execution: None,
        }
    }
}

/// How an endpoint is doing. Holds no URL.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointHealth {
    /// Name from the configuration.
    pub name: Name,
    /// State in one word: `up`, `down`, `resting` …
    pub state: String,
    /// Whether it is asked.
    pub healthy: bool,
    /// Its newest error, without the URL.
    pub last_error: Option<String>,
    /// Moving average of its answers' time, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Newest block it showed.
    pub head: Option<BlockNumber>,
}

/// One network at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkState {
    /// What its follower says.
    pub health: NetworkHealth,
    /// The newest block that was judged; `None` when none was.
    pub judged: Option<Judged>,
    /// Newest final block that judging has seen.
    pub finalized: Option<BlockRef>,
    /// Blocks between head and judged; `None` while either is unknown.
    pub lag_blocks: Option<u64>,
    /// Chain time between head and judged, in seconds; `None` while either is unknown.
    pub lag_s: Option<u64>,
    /// Time since the newest block of the network, by our clock, in seconds: its own time says
    /// when it was made. `None` while no block is known; 0 when it claims to be from the future.
    pub head_age_s: Option<u64>,
    /// What the ledger says about the newest blocks.
    pub coverage: Coverage,
    /// Whether this network can be trusted.
    pub trust: Trust,
}

/// The newest judged block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Block.
    pub block: BlockRef,
    /// Its own time.
    pub at: Option<UnixSeconds>,
}

/// What the ledger says about the newest [`COVERAGE_BLOCKS_MAX`] blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Lowest block looked at.
    pub from: BlockNumber,
    /// Blocks judged, by all monitors or by some.
    pub judged: u64,
    /// Blocks that every monitor judged.
    pub judged_by_all: u64,
    /// Blocks that nobody accounted for.
    pub missing: u64,
    /// Where they are, ascending.
    pub holes: Vec<BlockRange>,
    /// Blocks in quarantine.
    pub quarantined: u64,
    /// The newest of them, with the reason.
    pub newest_quarantined: Option<(BlockNumber, BlindReason)>,
    /// Monitors that were blind, by name.
    pub blind: Vec<BlindMonitor>,
}

/// A monitor that was blind in some of the newest blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindMonitor {
    /// Monitor.
    pub monitor: Name,
    /// Blocks that it could not judge.
    pub blocks: u64,
    /// Why it could not judge the newest of them.
    pub reason: BlindReason,
    /// Whether one of them is among the newest [`RECENT_BLOCKS`].
    pub is_now: bool,
}

impl BlindMonitor {
    /// Whether it only lacks history.
    pub fn is_warming_up(&self) -> bool {
        matches!(self.reason, BlindReason::WarmingUp { .. })
    }
}

impl Coverage {
    /// Blocks looked at: judged, in quarantine or missing.
    pub fn blocks(&self) -> u64 {
        self.judged + self.quarantined + self.missing
    }
}

impl NetworkState {
    /// Reads one network's checkpoint and ledger and judges it.
    pub(super) fn read(
        store: &Store,
        health: &NetworkHealth,
        limits: &TrustLimits,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let checkpoint = store.checkpoint(&health.name)?;
        let recent = store.coverage_newest(&health.name, None, RECENT_BLOCKS)?;
        let newest = recent.first().map_or(0, |row| row.block.number);
        let from = newest.saturating_sub(COVERAGE_BLOCKS_MAX - 1);
        let summary = store.coverage_summary(&health.name, from)?;
        let blind_now = |monitor: &Name| {
            recent.iter().any(|row| match &row.result {
                CoverageResult::Judged { blind, .. } => blind.iter().any(|b| b.monitor == *monitor),
                CoverageResult::Quarantined(_) => false,
            })
        };
        let is_judged = |result: &CoverageResult| matches!(result, CoverageResult::Judged { .. });
        let judged = match recent.iter().find(|row| is_judged(&row.result)) {
            Some(row) => Some(Judged { block: row.block, at: row.timestamp }),
            // The newest blocks are all in quarantine: the one below them is further down.
            None => match summary.judged_ranges.last() {
                Some(range) => store
                    .coverage(&health.name, range.last, 1)?
                    .first()
                    .map(|row| Judged { block: row.block, at: row.timestamp }),
                None => None,
            },
        };
        let coverage = coverage(from, summary, blind_now);
        let finalized = checkpoint.and_then(|checkpoint| checkpoint.finalized);
        Ok(Self::new(health.clone(), judged, finalized, coverage, limits, now))
    }

    /// Puts together what was read; pure.
    pub(super) fn new(
        health: NetworkHealth,
        judged: Option<Judged>,
        finalized: Option<BlockRef>,
        coverage: Coverage,
        limits: &TrustLimits,
        now: UnixMillis,
    ) -> Self {
        let head_time = health.head_time.max(judged.and_then(|judged| judged.at));
        let now = crate::words::seconds(now);
        let judged_at = judged.and_then(|judged| judged.at);
        let lag_blocks = health
            .head_seen
            .zip(judged)
            .map(|(head, judged)| head.saturating_sub(judged.block.number));
        let lag_s = match lag_blocks {
            Some(0) => Some(0),
            _ => head_time.zip(judged_at).map(|(head, judged)| head.seconds_since(judged)),
        };
        let mut state = Self {
            lag_blocks,
            lag_s,
            head_age_s: head_time.map(|head| now.seconds_since(head)),
            health,
            judged,
            finalized,
            coverage,
            trust: Trust::default(),
        };
        state.trust = trust::of_network(&state, limits);
        state
    }
}

fn coverage(
    from: BlockNumber,
    summary: CoverageSummary,
    blind_now: impl Fn(&Name) -> bool,
) -> Coverage {
    let newest_quarantined = summary.quarantine.last().and_then(|row| match &row.result {
        CoverageResult::Quarantined(reason) => Some((row.block.number, reason.clone())),
        CoverageResult::Judged { .. } => None,
    });
    Coverage {
        from,
        judged: summary.judged,
        judged_by_all: summary.judged_by_all,
        missing: summary.missing,
        holes: summary.holes,
        quarantined: summary.quarantined,
        newest_quarantined,
        blind: summary
            .blind
            .into_iter()
            .map(|blind| BlindMonitor {
                is_now: blind_now(&blind.monitor),
                monitor: blind.monitor,
                blocks: blind.blocks,
                reason: blind.reason,
            })
            .collect(),
    }
}
