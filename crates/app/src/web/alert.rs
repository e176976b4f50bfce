//! One alert, read top-down like a good pager message: what, where, how bad, how sure; why we think
//! so; what to do; who was told; what is like it.

use alert::{
    life::{Actor, Deed},
    pager::{Ruling, Verdict},
};
use axum::{
    extract::{Path, State},
    response::Html,
};
use model::{
    Action, Alert, AlertId, AlertState, Cause, FactValue, Finding, FindingStatus,
    NotificationState, Report, UnixSeconds,
};
use registry::Explorer;
use serde::Serialize;
use store::{AlertDetails, AlertFilter, Drills};

use super::{
    Site, SiteInfo,
    alerts::{self, Row},
    attacks,
    charts::{self, Chart},
    layout::{self, Failure, When},
    lines::Line,
    path,
    verdict::Verdicts,
};
use crate::{api::wire, paging, words};

/// Alerts of the same monitor about the same thing that are shown.
const SIMILAR_MAX: usize = 5;

/// Findings that are shown: in a storm they are all alike, and the API gives the rest.
const FINDINGS_SHOWN_MAX: usize = 20;

/// Decisions that are shown; the API gives the rest.
const DECISIONS_SHOWN_MAX: usize = 100;

#[derive(Serialize)]
struct Message {
    receiver: String,
    kind: &'static str,
    reason: String,
    state: &'static str,
    /// Receipt, reason of the failure, or when it is due.
    detail: String,
    attempts: u32,
    decided: When,
}

/// Where the alert is among people, and how it came there.
#[derive(Serialize)]
struct Lived {
    stage: &'static str,
    /// Who is on it.
    on_it: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    at: When,
    by: Option<String>,
    deed: Option<&'static str>,
    reason: String,
}

#[derive(Serialize)]
struct Decided {
    /// Not shown: for the order alone.
    #[serde(skip)]
    at_ms: i64,
    at: When,
    receiver: Option<String>,
    action: String,
    reason: String,
}

#[derive(Serialize)]
struct Found {
    id: String,
    severity: &'static str,
    status: &'static str,
    title: String,
    block: String,
    block_url: Option<String>,
    at: When,
}

#[derive(Serialize)]
struct Page {
    page: &'static str,
    alert: Head,
    place: Vec<Line>,
    evidence: Vec<Line>,
    chart: Option<Chart>,
    runbook: Option<Runbook>,
    messages: Vec<Message>,
    decisions: Vec<Decided>,
    decisions_total: usize,
    among_people: Option<Lived>,
    findings: Vec<Found>,
    similar: Vec<Row>,
    verdicts: Verdicts,
    paths: Option<path::Judged>,
    attack: Option<attacks::Told>,
    raw: String,
}

#[derive(Serialize)]
struct Head {
    id: String,
    /// Which drill it belongs to, if any.
    drill: Option<String>,
    title: String,
    severity: &'static str,
    state: &'static str,
    meaning: &'static str,
    /// `None`: no chain says so.
    confidence: Option<String>,
    monitor: String,
    findings: String,
    value_at_risk: Option<String>,
}

impl Head {
    fn new(alert: &Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            drill: alert.provenance().drill().map(ToString::to_string),
            title: words::clean(alert.title()),
            severity: alert.severity.as_str(),
            state: alert.state.as_str(),
            meaning: words::meaning(alert.state),
            confidence: alert.finding().map(|first| words::confidence(first.confidence)),
            monitor: alert.monitor.to_string(),
            findings: words::grouped(alert.findings_total()),
            value_at_risk: alert
                .finding()
                .and_then(|first| first.value_at_risk.as_ref())
                .map(ToString::to_string),
        }
    }
}

/// `GET /alerts/{id}`.
pub(super) async fn page(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Html<String>, Failure> {
    let missing = || Failure::NotFound(format!("there is no alert {}", words::clean(&id)));
    let known: AlertId = id.parse().map_err(|_| missing())?;
    let read = site.read(move |store| {
        let Some(details) = store.alert(known)? else { return Ok(None) };
        let alert = &details.alert;
        let same = AlertFilter {
            network: alert.network.clone(),
            monitor: Some(alert.monitor.clone()),
            deployment: alert.deployment.clone(),
            drills: if alert.provenance().is_live() { Drills::Without } else { Drills::Only },
            ..AlertFilter::default()
        };
        let similar = store.alerts(&same, None, SIMILAR_MAX + 1)?.items;
        let similar = paging::with_told(store, similar)?;
        let chart = charts::of_alert(store, alert)?;
        let verdicts = store.verdicts_on(known)?;
        Ok(Some((details, similar, chart, verdicts)))
    });
    let (details, similar, chart, verdicts) = read.await?.ok_or_else(missing)?;
    let found = site.attacks().await?;
    let info = site.info();
    let now = words::seconds(site.now());
    let alert = &details.alert;
    let similar = similar.iter().filter(|other| other.id != alert.id).take(SIMILAR_MAX);
    let raw = serde_json::to_string_pretty(&wire::AlertDetails::new(&details, &verdicts, &info))
        .unwrap_or_else(|error| format!("the record cannot be shown: {error}"));
    let page = Page {
        page: "alert",
        alert: Head::new(alert),
        place: place(alert, &info, now),
        evidence: evidence(alert, alert.network.as_ref().and_then(|at| info.explorer(at))),
        chart,
        runbook: alert.finding().and_then(|first| runbook(first, &info)),
        messages: messages(&details, now),
        decisions: decisions(&details, now),
        decisions_total: details.decisions.len() + details.rulings.len(),
        among_people: life(&details, now),
        findings: findings(&details, &info, now),
        similar: similar.map(|other| Row::new(other, now)).collect(),
        verdicts: Verdicts::new(&site, &verdicts, now),
        paths: path::Judged::new(&site, &info, &details),
        attack: attacks::Told::of_alert(&found, alert.id, now),
        raw: words::clean_lines(&raw),
    };
    layout::render(&site, &info, "alert.html", page)
}

/// Where and when.
fn place(alert: &Alert, info: &SiteInfo, now: UnixSeconds) -> Vec<Line> {
    let first = match &alert.cause {
        Cause::Found(first) => first,
        Cause::Reported(report) => return reported(alert, report, now),
    };
    let explorer = info.explorer(&first.network);
    let mut lines = vec![Line::text("Network", first.network.as_str())];
    if let Some(deployment) = &alert.deployment {
        lines.push(Line::text("Deployment", deployment.as_str()));
    }
    if let Some(address) = first.address {
        lines.push(Line::code(
            "Contract",
            address.to_string(),
            explorer.map(|e| e.address(address)),
        ));
    }
    if !alert.provenance().is_live() {
        // No block holds it.
        let at = first.origin.timestamp;
        lines.push(Line::text("When", format!("{}, {}", words::utc(at), words::ago(at, now))));
        return lines;
    }
    let block = first.origin.block;
    // An explorer would show the block that took its place.
    let is_gone = alert.state == AlertState::Retracted;
    lines.push(Line::code(
        "Block",
        format!("{} {}", words::grouped(block.number), block.hash),
        explorer.filter(|_| !is_gone).map(|e| e.block(block.number)),
    ));
    if let Some(tx) = first.origin.tx {
        lines.push(Line::code("Transaction", tx.to_string(), explorer.map(|e| e.transaction(tx))));
    }
    let at = first.origin.timestamp;
    lines.push(Line::text("When", format!("{}, {}", words::utc(at), words::ago(at, now))));
    lines.push(Line::text("Block to alert", alerts::latency(alert)));
    lines
}

/// Who reports it, and since when.
fn reported(alert: &Alert, report: &Report, now: UnixSeconds) -> Vec<Line> {
    let at = alert.opened_at;
    vec![
        Line::text("Reported by", report.source.to_string()),
        Line::text("Rule", words::clean(&report.rule)),
        Line::text("When", format!("{}, {}", words::utc(at), words::ago(at, now))),
        Line::text("Until we knew", alerts::latency(alert)),
    ]
}

/// The deciding measurement, then decoded values.
fn evidence(alert: &Alert, explorer: Option<&Explorer>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(measure) = alert.finding().and_then(|first| first.evidence.measure.as_ref()) {
        let told = words::measure(measure);
        lines.push(Line::text(&words::clean(&measure.name), told.value));
        lines.push(Line::text("Threshold", told.threshold));
        match told.usual {
            Some(usual) => lines.push(Line::text("Usually", usual)),
            None => lines.push(Line::text("Usually", "no history is kept for this rule")),
        }
    }
    lines.extend(alert.facts().iter().map(|fact| {
        let name = words::clean(&fact.name);
        let url = explorer.and_then(|explorer| match &fact.value {
            FactValue::Address { address, .. } => Some(explorer.address(*address)),
            FactValue::Transaction(hash) => Some(explorer.transaction(*hash)),
            FactValue::Block(block) => Some(explorer.block(block.number)),
            _ => None,
        });
        let is_code = matches!(
            fact.value,
            FactValue::Address { .. } | FactValue::Transaction(_) | FactValue::Bytes(_)
        );
        let is_untrusted = matches!(fact.value, FactValue::Untrusted(_));
        let value = words::clean(&fact.value.to_string());
        Line { name, value, url, is_code, is_untrusted }
    }));
    lines
}

#[derive(Serialize)]
struct Runbook {
    name: String,
    url: Option<String>,
    text: Option<String>,
}

fn runbook(finding: &Finding, info: &SiteInfo) -> Option<Runbook> {
    let name = finding.runbook.as_ref()?;
    // It comes from the user's files, so it may be a link, if it is one.
    let is_url = name.starts_with("https://") || name.starts_with("/docs/detectors/");
    Some(Runbook {
        url: is_url.then(|| name.clone()),
        text: info.runbooks.get(name).cloned(),
        name: words::clean(name),
    })
}

fn messages(details: &AlertDetails, now: UnixSeconds) -> Vec<Message> {
    let message = |notification: &model::Notification| Message {
        receiver: match &notification.person {
            Some(person) => format!("{person} over {}", notification.receiver),
            None => notification.receiver.to_string(),
        },
        kind: notification.kind.as_str(),
        reason: words::clean(&notification.reason),
        state: words::message_state(&notification.state),
        detail: match &notification.state {
            NotificationState::Due { not_before } => {
                let until_s = words::seconds(*not_before).seconds_since(now);
                let next = if until_s > 0 {
                    format!("next attempt in {}", words::span(until_s))
                } else {
                    "next attempt now".to_owned()
                };
                let last = details
                    .attempts
                    .iter()
                    .rfind(|a| a.notification == notification.id && !a.detail.is_empty());
                match last {
                    Some(attempt) => format!("{next}; {}", words::clean(&attempt.detail)),
                    None => next,
                }
            }
            NotificationState::Delivered { receipt, .. } => words::clean(receipt),
            NotificationState::Failed { reason, .. } => words::clean(reason),
        },
        attempts: notification.attempts,
        decided: When::new(words::seconds(notification.decided_at), now),
    };
    details.notifications.iter().map(message).collect()
}

fn decisions(details: &AlertDetails, now: UnixSeconds) -> Vec<Decided> {
    let decided = |decision: &model::Decision| Decided {
        at_ms: decision.at.0,
        at: When::new(words::seconds(decision.at), now),
        receiver: decision.receiver.as_ref().map(ToString::to_string),
        action: match decision.action {
            Action::Notify(kind) => format!("tell that it is {}", kind.as_str()),
            Action::Withhold => "tell nothing".to_owned(),
            Action::Hold { until } => {
                format!("wait until {}", words::utc(words::seconds(until)))
            }
            Action::Group => "add to this alert".to_owned(),
        },
        reason: words::clean(&decision.reason.to_string()),
    };
    let ruled = |ruling: &Ruling| Decided {
        at_ms: ruling.at.0,
        at: When::new(words::seconds(ruling.at), now),
        receiver: ruling.whom.as_ref().map(ToString::to_string),
        action: match ruling.verdict {
            Verdict::Grouped { until } | Verdict::Summarised { until } => {
                let until = words::utc(words::seconds(until));
                format!("{}, until {until} at most", ruling.verdict.as_str())
            }
            verdict => verdict.as_str().to_owned(),
        },
        reason: words::clean(&ruling.why.to_string()),
    };
    let mut all: Vec<Decided> = details.decisions.iter().map(decided).collect();
    all.extend(paging::rulings(details).iter().map(ruled));
    all.sort_by_key(|decided| decided.at_ms);
    all.reverse();
    all.truncate(DECISIONS_SHOWN_MAX);
    all
}

fn life(details: &AlertDetails, now: UnixSeconds) -> Option<Lived> {
    let life = paging::life(details)?;
    let step = |step: &alert::life::Step| Step {
        at: When::new(words::seconds(step.at), now),
        by: match &step.actor {
            Actor::Person(by) => Some(by.to_string()),
            Actor::Chain | Actor::Watcher => None,
        },
        deed: step.deed.as_ref().map(Deed::as_str),
        reason: words::clean(&step.reason),
    };
    Some(Lived {
        stage: life.stage().as_str(),
        on_it: life.acknowledgements().map(|(by, _)| by.to_string()).collect(),
        steps: life.steps().iter().map(step).collect(),
    })
}

fn findings(details: &AlertDetails, info: &SiteInfo, now: UnixSeconds) -> Vec<Found> {
    let explorer = details.alert.network.as_ref().and_then(|network| info.explorer(network));
    let newest_first = details.findings.iter().rev().take(FINDINGS_SHOWN_MAX);
    newest_first
        .map(|record| {
            let (finding, block) = (&record.finding, record.finding.origin.block.number);
            Found {
                id: finding.id.to_string(),
                severity: finding.severity.as_str(),
                status: words::finding_status(record.status),
                title: words::clean(&finding.title),
                block: words::grouped(block),
                block_url: (record.status != FindingStatus::Retracted)
                    .then(|| explorer.map(|explorer| explorer.block(block)))
                    .flatten(),
                at: When::new(finding.origin.timestamp, now),
            }
        })
        .collect()
}
