//! Networks, coverage, trust and messages at one moment.

use model::{BlockCoverage, CoverageResult, UnixMillis};
use serde::Serialize;

use super::{Amount, Block, Message, Moment, WallMoment};
use crate::{
    canary::{self, CanaryState},
    pulse::StageState,
    snapshot::{self, NetworkState, OutboxState, Snapshot},
    web::SiteInfo,
    words,
};

/// Everything at one moment.
#[derive(Debug, Serialize)]
pub struct Status {
    /// What the user calls this installation.
    pub name: String,
    /// Version of the program.
    pub version: &'static str,
    /// When the program started.
    pub started_at: WallMoment,
    /// When this was read.
    pub at: WallMoment,
    /// Whether all this can be trusted.
    pub trust: Trust,
    /// Networks.
    pub networks: Vec<Network>,
    /// Alerts that opened in the last 24 hours, by `state` and `severity`.
    pub alerts: Vec<Counted>,
    /// Findings of the last 24 hours, by status (as `state`) and `severity`.
    pub findings: Vec<Counted>,
    /// Messages due.
    pub messages_due: u64,
    /// Monitored deployments.
    pub deployments: usize,
    /// Other installations that tell the same people.
    pub twins: Vec<Twin>,
    /// The stages from blocks to people.
    pub stages: Vec<Stage>,
    /// Canaries through all of them, by network; none when they are off.
    pub canaries: Vec<Canary>,
}

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
    fn new(state: &CanaryState) -> Self {
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

/// A stage on the way from blocks to people.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// `judge`, `pager` or `outbox`.
    pub stage: &'static str,
    /// Its network, if it has one.
    pub network: Option<String>,
    /// How long ago it came round, in seconds.
    pub age_s: u64,
    /// Whether it stands still.
    pub is_stalled: bool,
    /// Why it failed since, if it did.
    pub failure: Option<String>,
}

impl Stage {
    fn new(state: &StageState) -> Self {
        Self {
            stage: state.stage.as_str(),
            network: state.stage.network().map(ToString::to_string),
            age_s: state.age_s,
            is_stalled: state.is_stalled(),
            failure: state.failure.clone(),
        }
    }
}

/// Another installation that tells the same people.
#[derive(Debug, Serialize)]
pub struct Twin {
    /// What people call it.
    pub name: String,
    /// Whether it speaks before this one.
    pub speaks_first: bool,
    /// How long a message is held back for it, in milliseconds.
    pub hold_ms: u64,
    /// When it was last heard.
    pub heard_at: Option<WallMoment>,
    /// Why it is not heard now, if so.
    pub error: Option<String>,
    /// Networks that it does not see: their alerts wait for nobody.
    pub does_not_see: Vec<String>,
}

impl From<crate::twin::Heard> for Twin {
    fn from(heard: crate::twin::Heard) -> Self {
        Self {
            name: heard.twin.name.to_string(),
            speaks_first: heard.twin.is_first,
            hold_ms: heard.twin.hold_ms,
            heard_at: heard.at.map(Into::into),
            error: heard.error,
            does_not_see: heard.does_not_see.iter().map(ToString::to_string).collect(),
        }
    }
}

/// How many of one kind.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// State or status.
    pub state: &'static str,
    /// Severity.
    pub severity: &'static str,
    /// How many; never 0.
    pub count: u64,
}

impl Status {
    pub(crate) fn new(snapshot: &Snapshot, info: &SiteInfo, started_at: UnixMillis) -> Self {
        let alerts = snapshot.alerts.iter().map(|count| Counted {
            state: count.state.as_str(),
            severity: count.severity.as_str(),
            count: count.alerts,
        });
        let findings = snapshot.findings.iter().map(|count| Counted {
            state: words::finding_status(count.status),
            severity: count.severity.as_str(),
            count: count.findings,
        });
        Self {
            name: info.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: started_at.into(),
            at: snapshot.at.into(),
            trust: Trust::new(&snapshot.trust),
            networks: snapshot.networks.iter().map(|n| Network::new(n, info)).collect(),
            alerts: alerts.collect(),
            findings: findings.collect(),
            messages_due: snapshot.outbox.counts.due,
            deployments: info.registry.deployments().len(),
            twins: Vec::new(),
            stages: snapshot.stages.iter().map(Stage::new).collect(),
            canaries: snapshot.canaries.iter().map(Canary::new).collect(),
        }
    }

    /// With what is known of other installations that tell the same people.
    #[must_use]
    pub(crate) fn beside(self, twins: Vec<crate::twin::Heard>) -> Self {
        Self { twins: twins.into_iter().map(Into::into).collect(), ..self }
    }
}

/// Whether what is told can be trusted.
#[derive(Debug, Serialize)]
pub struct Trust {
    /// `yes`, `partly` or `no`.
    pub verdict: &'static str,
    /// What makes it less than yes, gravest first.
    pub reasons: Vec<Reason>,
}

/// One thing that is missing.
#[derive(Debug, Serialize)]
pub struct Reason {
    /// Network it is about; `null` for the program as a whole.
    pub network: Option<String>,
    /// What kind of thing; `docs/trust.md` lists them.
    pub code: &'static str,
    /// In a sentence.
    pub text: String,
}

impl Reason {
    pub(crate) fn new(reason: &snapshot::Reason) -> Self {
        Self {
            network: reason.network.as_ref().map(ToString::to_string),
            code: reason.code.as_str(),
            text: reason.text.clone(),
        }
    }
}

impl Trust {
    fn new(trust: &snapshot::Trust) -> Self {
        let reasons = trust.reasons.iter().map(Reason::new).collect();
        Self { verdict: trust.verdict.as_str(), reasons }
    }
}

/// Answer of `/readyz`.
#[derive(Debug, Serialize)]
pub struct Ready {
    /// Whether every network is judged recently and messages leave.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<Reason>,
}

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

/// One row of the coverage ledger.
#[derive(Debug, Serialize)]
pub struct CoverageRow {
    /// Block.
    pub block: Block,
    /// The block's own time; `null` for a block in quarantine without a header.
    pub at: Option<Moment>,
    /// Endpoint that served it.
    pub endpoint: Option<String>,
    /// Version of the set of monitors, as a decimal string.
    pub monitors_version: String,
    /// `judged` or `quarantined`.
    pub result: &'static str,
    /// Monitors that judged it.
    pub monitors_judged: u32,
    /// Monitors that could not, with the reason.
    pub blind: Vec<BlindHere>,
    /// Why it is in quarantine.
    pub reason: Option<String>,
}

/// A monitor that could not judge one block.
#[derive(Debug, Serialize)]
pub struct BlindHere {
    /// Monitor.
    pub monitor: String,
    /// Why.
    pub reason: String,
}

impl CoverageRow {
    pub(crate) fn new(row: &BlockCoverage) -> Self {
        let (result, monitors_judged, blind, reason) = match &row.result {
            CoverageResult::Judged { monitors_judged, blind } => {
                let here = blind.iter().map(|b| BlindHere {
                    monitor: b.monitor.to_string(),
                    reason: b.reason.to_string(),
                });
                ("judged", *monitors_judged, here.collect(), None)
            }
            CoverageResult::Quarantined(reason) => {
                ("quarantined", 0, Vec::new(), Some(reason.to_string()))
            }
        };
        Self {
            block: row.block.into(),
            at: row.timestamp.map(Into::into),
            endpoint: row.endpoint.as_ref().map(ToString::to_string),
            monitors_version: row.monitors_version.to_string(),
            result,
            monitors_judged,
            blind,
            reason,
        }
    }
}

/// A guarded contract.
#[derive(Debug, Serialize)]
pub struct Deployment {
    /// The user's name for it.
    pub label: String,
    /// Network.
    pub network: String,
    /// Address, checksummed.
    pub address: String,
    /// Kind of thing.
    pub class: &'static str,
    /// Protocol it belongs to.
    pub protocol: Option<String>,
    /// Block that created it.
    pub first_block: Option<u64>,
    /// Whether its own ABI is known.
    pub abi_known: bool,
    /// Money that a total loss would cost, as the user states it.
    pub value_at_risk: Option<Amount>,
    /// Its page in the configured explorer.
    pub url: Option<String>,
}

impl Deployment {
    pub(crate) fn new(deployment: &registry::Deployment, info: &SiteInfo) -> Self {
        let explorer = info.explorer(&deployment.network);
        Self {
            label: deployment.label.to_string(),
            network: deployment.network.to_string(),
            address: deployment.address.to_string(),
            class: deployment.class.as_str(),
            protocol: deployment.protocol.as_ref().map(ToString::to_string),
            first_block: deployment.first_block,
            abi_known: deployment.abi_known,
            value_at_risk: deployment.value_at_risk.as_ref().map(Into::into),
            url: explorer.map(|explorer| explorer.address(deployment.address)),
        }
    }
}

/// Messages on their way.
#[derive(Debug, Serialize)]
pub struct Outbox {
    /// Waiting for their first or next attempt, or under way.
    pub due: u64,
    /// Of those, messages that were tried before.
    pub due_tried: u64,
    /// Taken by the receiver's side, since the store began.
    pub delivered: u64,
    /// Given up, since the store began.
    pub failed: u64,
    /// Taken in the last 24 hours.
    pub delivered_lately: u64,
    /// Given up in the last 24 hours.
    pub failed_lately: u64,
    /// How long the oldest due message has been waiting, in seconds.
    pub oldest_due_s: Option<u64>,
    /// What the pager was told and has yet to decide about.
    pub undecided: u64,
    /// What was wrong with the paging itself in the last 24 hours, newest first; at most 50.
    pub alarms: Vec<PagingAlarm>,
    /// Messages that nobody took, newest first; at most 200.
    pub undelivered: Vec<Message>,
}

/// Something wrong with the paging itself.
#[derive(Debug, Serialize)]
pub struct PagingAlarm {
    /// When.
    pub at: WallMoment,
    /// In words.
    pub text: String,
}

impl PagingAlarm {
    fn new(alarm: &store::AlarmRow) -> Self {
        Self { at: alarm.at.into(), text: words::clean(&alarm.text) }
    }
}

impl Outbox {
    pub(crate) fn new(
        outbox: &OutboxState,
        undecided: u64,
        alarms: &[store::AlarmRow],
        undelivered: &[model::Notification],
    ) -> Self {
        Self {
            undecided,
            alarms: alarms.iter().map(PagingAlarm::new).collect(),
            due: outbox.counts.due,
            due_tried: outbox.counts.due_tried,
            delivered: outbox.counts.delivered,
            failed: outbox.counts.failed,
            delivered_lately: outbox.lately.delivered,
            failed_lately: outbox.lately.failed,
            oldest_due_s: outbox.oldest_due_s,
            undelivered: undelivered.iter().map(Message::new).collect(),
        }
    }
}
