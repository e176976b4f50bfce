//! How canaries fare on their way from a judged block to the sink.

use serde::Serialize;

use super::Block;
use crate::canary::{self, CanaryState};

/// How the canaries of a network fare.
#[derive(Debug, Serialize)]
pub struct Canary {
    /// Network.
    pub network: String,
    /// Time between two of them, in milliseconds.
    pub every_ms: u64,
    /// Those that arrived since the start.
    pub arrived: u64,
    /// Those that a younger one overtook.
    pub lost: u64,
    /// Block of the newest that arrived.
    pub block: Option<Block>,
    /// How long ago it arrived, in milliseconds.
    pub arrived_ago_ms: Option<u64>,
    /// The one that does not arrive, if any.
    pub hanging: Option<HangingCanary>,
    /// How long they took to each point from the one before it, and to the sink (`whole`).
    pub latency: Vec<CanaryLatency>,
}

/// A canary that does not arrive.
#[derive(Debug, Serialize)]
pub struct HangingCanary {
    /// The block that it was made of.
    pub block: Block,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
    /// The point that it does not come past: `stored`, `taken`, `decided`, `queued` or `delivered`.
    pub before: &'static str,
    /// In words.
    pub text: &'static str,
}

/// How long canaries took.
#[derive(Debug, Serialize)]
pub struct CanaryLatency {
    /// To this point: `judged`, `stored`, `taken`, `decided`, `queued`, `delivered`; or `whole`.
    pub stage: &'static str,
    /// The newest of them, in milliseconds.
    pub last_ms: u64,
    /// Half of them took no longer.
    pub median_ms: u64,
    /// 99 of 100 took no longer.
    pub p99_ms: u64,
}

impl Canary {
    pub(super) fn new(state: &CanaryState) -> Self {
        let latency = |stage, span: canary::Span| {
            let canary::Span { last_ms, median_ms, p99_ms } = span;
            CanaryLatency { stage, last_ms, median_ms, p99_ms }
        };
        let to = state.to.iter().map(|(point, span)| latency(point.as_str(), *span));
        Self {
            network: state.network.to_string(),
            every_ms: state.every_ms,
            arrived: state.arrived,
            lost: state.lost,
            block: state.newest.map(|flight| flight.block.into()),
            arrived_ago_ms: state.arrived_ago_ms,
            hanging: state.hanging.as_ref().map(|hanging| HangingCanary {
                block: hanging.block.into(),
                age_ms: hanging.age_ms,
                before: hanging.point.as_str(),
                text: hanging.point.missing(),
            }),
            latency: to.chain(state.whole.map(|span| latency("whole", span))).collect(),
        }
    }
}
