//! Alerts, findings and their evidence.

use alert::pager::{Ruling, Verdict};
use model::{Action, Confidence, FindingStatus, Name, NotificationState};
use serde::Serialize;

use super::{Amount, Block, Fact, Moment, Report, WallMoment};
use crate::{paging, web::SiteInfo, words};

/// An alert.
#[derive(Debug, Serialize)]
pub struct Alert {
    /// Identity, the same in every run.
    pub id: String,
    /// Its page, when the public address is configured.
    pub url: Option<String>,
    /// Which drill it belongs to; `null`: it is real.
    pub drill: Option<String>,
    /// Network; `null`: it is of no chain.
    pub network: Option<String>,
    /// Monitor; of what no chain says, the name of its source.
    pub monitor: String,
    /// Deployment, when it is about one.
    pub deployment: Option<String>,
    /// `provisional`, `confirmed`, `retracted` or `reported`.
    pub state: &'static str,
    /// `info`, `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// What happened, in one sentence.
    pub title: String,
    /// Findings that the chain still supports.
    pub findings_standing: u64,
    /// Findings in all.
    pub findings_total: u64,
    /// Block time of the first finding.
    pub opened_at: Moment,
    /// Block time of the newest finding that stands.
    pub last_finding_at: Moment,
    /// When the alert was made.
    pub created_at: WallMoment,
    /// Milliseconds from the first block's time to the alert.
    pub block_to_alert_ms: i64,
    /// Where it is among people: `provisional`, `open`, `acknowledged`, `promoted`, `resolved`,
    /// `benign`, `duplicate` or `retracted`; `null`: nobody is told of its monitor's alerts.
    pub stage: Option<String>,
    /// Since when.
    pub stage_at: Option<WallMoment>,
    /// The person who put it there.
    pub stage_by: Option<String>,
    /// Who was told, and what last.
    pub told: Vec<Told>,
    /// The finding it began with; `null`: it is of no chain.
    pub first: Option<Finding>,
    /// What another system reports, or this program about itself; `null`: it is of a chain.
    pub report: Option<Report>,
}

/// A drill that began.
#[derive(Debug, Serialize)]
pub struct Drill {
    /// What it is called.
    pub drill: String,
    /// Its alert.
    pub alert: String,
}

/// What a receiver was told last.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Receiver.
    pub receiver: String,
    /// `opened`, `updated`, `confirmed`, `retracted` or `closed`.
    pub kind: &'static str,
    /// When it was decided.
    pub at: WallMoment,
    /// The alert's severity by now.
    pub severity: &'static str,
    /// Findings that stand by now.
    pub findings: u64,
}

impl Alert {
    pub(crate) fn new(alert: &model::Alert, info: &SiteInfo) -> Self {
        let told = |(receiver, told): (&Name, &model::Told)| Told {
            receiver: receiver.to_string(),
            kind: told.kind.as_str(),
            at: told.at.into(),
            severity: told.severity.as_str(),
            findings: told.findings,
        };
        Self {
            id: alert.id.to_string(),
            url: info.public_url.as_ref().map(|base| format!("{base}/alerts/{}", alert.id)),
            drill: alert.provenance().drill().map(ToString::to_string),
            network: alert.network.as_ref().map(ToString::to_string),
            monitor: alert.monitor.to_string(),
            deployment: alert.deployment.as_ref().map(ToString::to_string),
            state: alert.state.as_str(),
            severity: alert.severity.as_str(),
            title: alert.title().to_owned(),
            findings_standing: alert.findings_standing(),
            findings_total: alert.findings_total(),
            opened_at: alert.opened_at.into(),
            last_finding_at: alert.last_finding_at.into(),
            created_at: alert.created_at.into(),
            block_to_alert_ms: alert.created_at.millis_since(alert.opened_at.into()),
            stage: None,
            stage_at: None,
            stage_by: None,
            told: alert.told.iter().map(told).collect(),
            first: alert.finding().map(|first| Finding::new(first, None, info)),
            report: alert.report().map(Report::new),
        }
    }

    /// With where it is among people.
    pub(crate) fn at_stage(mut self, stage: Option<&store::AlertStage>) -> Self {
        self.stage = stage.map(|stage| stage.stage.clone());
        self.stage_at = stage.map(|stage| stage.at.into());
        self.stage_by = stage.and_then(|stage| stage.by.as_ref()).map(ToString::to_string);
        self
    }
}

/// Everything on record about an alert.
#[derive(Debug, Serialize)]
pub struct AlertDetails {
    /// The alert.
    pub alert: Alert,
    /// Its findings; those that are only counted are not among them.
    pub findings: Vec<Finding>,
    /// Messages about it.
    pub messages: Vec<Message>,
    /// Attempts to deliver them.
    pub attempts: Vec<Attempt>,
    /// Where it was among people, and who put it there, in order of time.
    pub life: Vec<LifeStep>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    /// What people said it turned out to be, oldest first: the last one holds.
    pub verdicts: Vec<AlertVerdict>,
}

/// A step of an alert's life among people.
#[derive(Debug, Serialize)]
pub struct LifeStep {
    /// When.
    pub at: WallMoment,
    /// The person; `null`: the chain.
    pub by: Option<String>,
    /// `acknowledge`, `promote`, `resolve`, `benign`, `duplicate` or `reopen`; `null`: what the chain
    /// says changed.
    pub deed: Option<&'static str>,
    /// Why.
    pub reason: String,
}

impl LifeStep {
    fn new(step: &alert::life::Step) -> Self {
        Self {
            at: step.at.into(),
            by: match &step.actor {
                alert::life::Actor::Person(by) => Some(by.to_string()),
                alert::life::Actor::Chain | alert::life::Actor::Watcher => None,
            },
            deed: step.deed.as_ref().map(alert::life::Deed::as_str),
            reason: words::clean(&step.reason),
        }
    }
}

/// What a person said of an alert.
#[derive(Debug, Serialize)]
pub struct AlertVerdict {
    /// `true-positive`, `benign-true`, `false-positive`, `duplicate` or `unknown`; `null` takes back
    /// what was said before.
    pub verdict: Option<&'static str>,
    /// Who said so.
    pub by: String,
    /// Why.
    pub because: String,
    /// When.
    pub at: WallMoment,
}

impl AlertVerdict {
    pub(crate) fn new(verdict: &model::AlertVerdict) -> Self {
        Self {
            verdict: verdict.assessment.map(model::Assessment::as_str),
            by: verdict.by.clone(),
            because: verdict.because.clone(),
            at: verdict.at.into(),
        }
    }
}

impl AlertDetails {
    pub(crate) fn new(
        details: &store::AlertDetails,
        verdicts: &[model::AlertVerdict],
        info: &SiteInfo,
    ) -> Self {
        let findings = details.findings.iter();
        let life = paging::life(details);
        let mut decisions: Vec<Decision> = details.decisions.iter().map(Decision::new).collect();
        decisions.extend(paging::rulings(details).iter().map(Decision::of_ruling));
        decisions.sort_by_key(|decision| decision.at.unix_ms);
        let mut alert = Alert::new(&details.alert, info);
        alert.stage = life.as_ref().map(|life| life.stage().as_str().to_owned());
        let last = life.as_ref().and_then(|life| life.steps().last().map(LifeStep::new));
        if let Some(last) = last {
            alert.stage_at = Some(last.at);
            alert.stage_by = last.by;
        }
        Self {
            alert,
            life: life.iter().flat_map(|life| life.steps()).map(LifeStep::new).collect(),
            findings: findings.map(|r| Finding::new(&r.finding, Some(r.status), info)).collect(),
            messages: details.notifications.iter().map(Message::new).collect(),
            attempts: details.attempts.iter().map(Attempt::new).collect(),
            decisions,
            verdicts: verdicts.iter().map(AlertVerdict::new).collect(),
        }
    }
}

/// One message to one receiver.
#[derive(Debug, Serialize)]
pub struct Message {
    /// Identity; receivers know a second delivery by it.
    pub id: String,
    /// Alert.
    pub alert: String,
    /// Receiver.
    pub receiver: String,
    /// The person it is for; `null`: all who read the receiver.
    pub person: Option<String>,
    /// `notice`, `page` or `summary`.
    pub form: &'static str,
    /// How many alerts it speaks of.
    pub alerts: u32,
    /// `opened`, `updated`, `confirmed`, `retracted` or `closed`.
    pub kind: &'static str,
    /// Counts the messages about this alert to this receiver, from 0.
    pub sequence: u32,
    /// Why it is sent.
    pub reason: String,
    /// When it was decided.
    pub decided_at: WallMoment,
    /// Attempts so far.
    pub attempts: u32,
    /// `due`, `delivered` or `failed`.
    pub state: &'static str,
    /// Due: not before this. Else: when it was settled.
    pub at: WallMoment,
    /// Receipt, or the reason of the failure.
    pub detail: Option<String>,
}

impl Message {
    pub(crate) fn new(notification: &model::Notification) -> Self {
        let (at, detail) = match &notification.state {
            NotificationState::Due { not_before } => (*not_before, None),
            NotificationState::Delivered { at, receipt } => (*at, Some(receipt.clone())),
            NotificationState::Failed { at, reason } => (*at, Some(reason.clone())),
        };
        Self {
            id: notification.id.to_string(),
            alert: notification.alert.to_string(),
            receiver: notification.receiver.to_string(),
            person: notification.person.as_ref().map(ToString::to_string),
            form: notification.form.as_str(),
            alerts: notification.alerts,
            kind: notification.kind.as_str(),
            sequence: notification.sequence,
            reason: notification.reason.clone(),
            decided_at: notification.decided_at.into(),
            attempts: notification.attempts,
            state: words::message_state(&notification.state),
            at: at.into(),
            detail,
        }
    }
}

/// One attempt to deliver a message.
#[derive(Debug, Serialize)]
pub struct Attempt {
    /// Message.
    pub message: String,
    /// Counts the attempts, from 1.
    pub number: u32,
    /// When it began.
    pub started_at: WallMoment,
    /// When its outcome was known; `null` while it runs, or when the program died in it.
    pub ended_at: Option<WallMoment>,
    /// `delivered`, `retry` or `failed`.
    pub outcome: Option<String>,
    /// Receipt or error.
    pub detail: String,
}

impl Attempt {
    fn new(attempt: &store::Attempt) -> Self {
        Self {
            message: attempt.notification.to_string(),
            number: attempt.number,
            started_at: attempt.started_at.into(),
            ended_at: attempt.ended_at.map(Into::into),
            outcome: attempt.outcome.clone(),
            detail: attempt.detail.clone(),
        }
    }
}

/// What was decided, and why.
#[derive(Debug, Serialize)]
pub struct Decision {
    /// When.
    pub at: WallMoment,
    /// Receiver, when it is about one.
    pub receiver: Option<String>,
    /// Of findings `withhold` or `group`; of who hears of it `sent`, `not sent`, `grouped`,
    /// `silenced`, `inhibited`, `shown`, `summarised`, `shed`, `escalating`, `escalation ended`, or
    /// the stage that it moved to.
    pub action: &'static str,
    /// Of a decision to notify: what the message says.
    pub kind: Option<&'static str>,
    /// Why.
    pub reason: String,
    /// When the next message may go, of a decision to hold.
    pub until: Option<WallMoment>,
}

impl Decision {
    fn of_ruling(ruling: &Ruling) -> Self {
        Self {
            at: ruling.at.into(),
            receiver: ruling.whom.as_ref().map(ToString::to_string),
            action: ruling.verdict.as_str(),
            kind: None,
            reason: words::clean(&ruling.why.to_string()),
            until: match ruling.verdict {
                Verdict::Grouped { until } | Verdict::Summarised { until } => Some(until.into()),
                _ => None,
            },
        }
    }

    fn new(decision: &model::Decision) -> Self {
        Self {
            at: decision.at.into(),
            receiver: decision.receiver.as_ref().map(ToString::to_string),
            action: decision.action.as_str(),
            reason: decision.reason.to_string(),
            kind: match decision.action {
                Action::Notify(kind) => Some(kind.as_str()),
                Action::Withhold | Action::Hold { .. } | Action::Group => None,
            },
            until: match decision.action {
                Action::Hold { until } => Some(until.into()),
                Action::Notify(_) | Action::Withhold | Action::Group => None,
            },
        }
    }
}

/// A claim with evidence.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Identity, the same in every run.
    pub id: String,
    /// Detector that made it.
    pub detector: String,
    /// Monitor on whose behalf.
    pub monitor: String,
    /// Version of detector and configuration.
    pub version: u32,
    /// Network.
    pub network: String,
    /// Deployment it is about.
    pub deployment: Option<String>,
    /// Contract it is about.
    pub address: Option<String>,
    /// Severity.
    pub severity: &'static str,
    /// `tentative`, `confirmed` or `retracted`; `null` inside an alert, whose `state` tells.
    pub status: Option<&'static str>,
    /// `proven`, `statistical` or `heuristic`.
    pub confidence: &'static str,
    /// Chance of seeing this when nothing is wrong, when `statistical`.
    pub p: Option<f64>,
    /// One sentence.
    pub title: String,
    /// Where on the chain.
    pub origin: Origin,
    /// Why we think so.
    pub evidence: Evidence,
    /// Money at risk, when known.
    pub value_at_risk: Option<Amount>,
    /// Path or address of the runbook.
    pub runbook: Option<String>,
}

/// Where on the chain.
#[derive(Debug, Serialize)]
pub struct Origin {
    /// Block.
    pub block: Block,
    /// The block's own time.
    pub at: Moment,
    /// Transaction.
    pub tx: Option<String>,
    /// Block-wide log index.
    pub log_index: Option<u32>,
    /// Pre-order index of the call frame.
    pub frame: Option<u32>,
    /// Page of the transaction, else of the block, in the configured explorer.
    pub url: Option<String>,
}

/// Why we think so.
#[derive(Debug, Serialize)]
pub struct Evidence {
    /// The deciding measurement.
    pub measure: Option<Measure>,
    /// Decoded values, most telling first.
    pub facts: Vec<Fact>,
}

/// A measurement against its threshold.
#[derive(Debug, Serialize)]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// Unit; empty for a ratio or count.
    pub unit: String,
    /// Measured value.
    pub value: f64,
    /// What it had to stay within.
    pub threshold: f64,
    /// What it usually is.
    pub history: Option<History>,
}

/// What a measurement is compared with.
#[derive(Debug, Serialize)]
pub struct History {
    /// Usual value.
    pub usual: f64,
    /// One standard deviation.
    pub spread: f64,
    /// Observations behind the two.
    pub n: u64,
}

impl Finding {
    pub(crate) fn new(
        finding: &model::Finding,
        status: Option<FindingStatus>,
        info: &SiteInfo,
    ) -> Self {
        let (confidence, p) = match finding.confidence {
            Confidence::Proven => ("proven", None),
            Confidence::Statistical { p } => ("statistical", Some(p)),
            Confidence::Heuristic => ("heuristic", None),
        };
        let (origin, explorer) = (&finding.origin, info.explorer(&finding.network));
        let measure = |measure: &model::Measure| Measure {
            name: measure.name.clone(),
            unit: measure.unit.clone(),
            value: measure.value,
            threshold: measure.threshold,
            history: measure.history.map(|h| History { usual: h.usual, spread: h.spread, n: h.n }),
        };
        Self {
            id: finding.id.to_string(),
            detector: finding.detector.clone(),
            monitor: finding.monitor.to_string(),
            version: finding.version,
            network: finding.network.to_string(),
            deployment: finding.deployment.as_ref().map(ToString::to_string),
            address: finding.address.map(|address| address.to_string()),
            severity: finding.severity.as_str(),
            status: status.map(words::finding_status),
            confidence,
            p,
            title: finding.title.clone(),
            origin: Origin {
                block: origin.block.into(),
                at: origin.timestamp.into(),
                tx: origin.tx.map(|hash| hash.to_string()),
                log_index: origin.log_index,
                frame: origin.frame,
                url: explorer.map(|explorer| match origin.tx {
                    Some(tx) => explorer.transaction(tx),
                    None => explorer.block(origin.block.number),
                }),
            },
            evidence: Evidence {
                measure: finding.evidence.measure.as_ref().map(measure),
                facts: finding.evidence.facts.iter().map(Fact::from).collect(),
            },
            value_at_risk: finding.value_at_risk.as_ref().map(Into::into),
            runbook: finding.runbook.clone(),
        }
    }
}
