//! One network as it is followed: its trust, its ledger, its endpoints.

use chain::execute::ExecutionStatus;
use serde::Serialize;

use super::{Block, Moment, status::Trust};
use crate::{
    snapshot::{self, NetworkState},
    web::SiteInfo,
};

/// One network.
#[derive(Debug, Serialize)]
pub struct Network {
    /// Name.
    pub name: String,
    /// EIP-155 id.
    pub chain_id: u64,
    /// Whether it can be trusted.
    pub trust: Trust,
    /// Newest block that an endpoint showed.
    pub head_seen: Option<u64>,
    /// Seconds since the newest known block was made.
    pub head_age_s: Option<u64>,
    /// Newest judged block.
    pub judged: Option<Block>,
    /// Its own time.
    pub judged_at: Option<Moment>,
    /// Newest final block.
    pub finalized: Option<Block>,
    /// Blocks between the two.
    pub lag_blocks: Option<u64>,
    /// Chain time between the two, in seconds.
    pub lag_s: Option<u64>,
    /// Whether old blocks are being fetched.
    pub catching_up: bool,
    /// Why it is not followed any more.
    pub stopped_reason: Option<String>,
    /// Whether a WebSocket is up; `null` when none is configured.
    pub websocket: Option<bool>,
    /// Monitors that judge it.
    pub monitors: usize,
    /// The ledger of the newest blocks, summed up.
    pub coverage: Coverage,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Blocks executed here because no node traces them; `null` where there were none.
    pub execution: Option<Execution>,
}

/// How executing blocks goes that no node traces, since the start.
#[derive(Debug, Serialize)]
pub struct Execution {
    /// Blocks that have call traces from it.
    pub blocks: u64,
    /// Blocks that stayed without.
    pub blind: u64,
    /// Requests for parts of the state, of all blocks together.
    pub reads: u64,
    /// Parts of the state that were known from the block before, of all blocks together.
    pub kept: u64,
    /// Requests of the newest block that has traces.
    pub newest_reads: u32,
    /// Rounds of requests that it took.
    pub newest_rounds: u32,
    /// Milliseconds that it took.
    pub newest_ms: u64,
    /// Why the newest block stayed without; `null` when it has them.
    pub why_blind: Option<String>,
}

/// The ledger of the newest blocks, summed up.
#[derive(Debug, Serialize)]
pub struct Coverage {
    /// Lowest block looked at.
    pub from: u64,
    /// Blocks looked at.
    pub blocks: u64,
    /// Judged by all monitors or by some.
    pub judged: u64,
    /// Judged by every monitor.
    pub judged_by_all: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Not accounted for.
    pub missing: u64,
    /// Where those are, ascending.
    pub holes: Vec<Hole>,
    /// Monitors that were blind.
    pub blind: Vec<Blind>,
}

/// Blocks that nobody accounted for.
#[derive(Debug, Serialize)]
pub struct Hole {
    /// Lowest.
    pub first: u64,
    /// Highest.
    pub last: u64,
}

/// A monitor that was blind.
#[derive(Debug, Serialize)]
pub struct Blind {
    /// Monitor.
    pub monitor: String,
    /// Blocks that it could not judge.
    pub blocks: u64,
    /// Why, newest.
    pub reason: String,
    /// Whether it only lacks history.
    pub warming_up: bool,
    /// Whether it was blind in one of the newest 64 blocks.
    pub now: bool,
}

/// One endpoint. Never its address.
#[derive(Debug, Serialize)]
pub struct Endpoint {
    /// Name.
    pub name: String,
    /// State in one word.
    pub state: String,
    /// Whether it is asked.
    pub healthy: bool,
    /// Newest error.
    pub last_error: Option<String>,
    /// Moving average of its time to answer.
    pub latency_ms: Option<f64>,
    /// Newest block it showed.
    pub head: Option<u64>,
}

impl Network {
    pub(crate) fn new(network: &NetworkState, info: &SiteInfo) -> Self {
        let health = &network.health;
        let configured = info.networks.iter().find(|n| n.name == health.name);
        let endpoint = |endpoint: &snapshot::EndpointHealth| Endpoint {
            name: endpoint.name.to_string(),
            state: endpoint.state.clone(),
            healthy: endpoint.healthy,
            last_error: endpoint.last_error.clone(),
            latency_ms: endpoint.latency_ms,
            head: endpoint.head,
        };
        Self {
            name: health.name.to_string(),
            chain_id: health.chain_id,
            trust: Trust::new(&network.trust),
            head_seen: health.head_seen,
            head_age_s: network.head_age_s,
            judged: network.judged.map(|judged| judged.block.into()),
            judged_at: network.judged.and_then(|judged| judged.at).map(Into::into),
            finalized: network.finalized.map(Into::into),
            lag_blocks: network.lag_blocks,
            lag_s: network.lag_s,
            catching_up: health.catching_up,
            stopped_reason: health.stopped_reason.clone(),
            websocket: health.websocket,
            monitors: configured.map_or(0, |network| network.monitors),
            coverage: Coverage::new(&network.coverage),
            endpoints: health.endpoints.iter().map(endpoint).collect(),
            execution: health.execution.as_ref().map(Execution::new),
        }
    }
}

impl Execution {
    fn new(status: &ExecutionStatus) -> Self {
        Self {
            blocks: status.blocks,
            blind: status.blind,
            reads: status.reads,
            kept: status.kept,
            newest_reads: status.newest.reads,
            newest_rounds: status.newest.rounds,
            newest_ms: status.newest_ms,
            why_blind: status.why_blind.clone(),
        }
    }
}

impl Coverage {
    fn new(coverage: &snapshot::Coverage) -> Self {
        let blind = |blind: &snapshot::BlindMonitor| Blind {
            monitor: blind.monitor.to_string(),
            blocks: blind.blocks,
            reason: blind.reason.to_string(),
            warming_up: blind.is_warming_up(),
            now: blind.is_now,
        };
        Self {
            from: coverage.from,
            blocks: coverage.blocks(),
            judged: coverage.judged,
            judged_by_all: coverage.judged_by_all,
            quarantined: coverage.quarantined,
            missing: coverage.missing,
            holes: coverage.holes.iter().map(|h| Hole { first: h.first, last: h.last }).collect(),
            blind: coverage.blind.iter().map(blind).collect(),
        }
    }
}
