//! Networks, coverage, trust and messages at one moment.

use model::{BlockCoverage, CoverageResult, UnixMillis};
use serde::Serialize;

use super::{Amount, Block, Message, Moment, Network, WallMoment, canary::Canary};
use crate::{
    pulse::StageState,
    snapshot::{self, OutboxState, Snapshot},
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
    pub(super) fn new(trust: &snapshot::Trust) -> Self {
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
