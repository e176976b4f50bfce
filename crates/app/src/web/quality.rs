//! How good detection is: figures of each monitor with what they rest on, and what they speak for.

use axum::{extract::State, response::Html};
use serde::Serialize;

use super::{
    Site,
    layout::{self, Failure},
};
use crate::{api::wire, words};

#[derive(Serialize)]
struct Page {
    page: &'static str,
    monitors: Vec<Row>,
    past: Vec<Row>,
    recall: Vec<Class>,
    proposals: Vec<wire::Proposal>,
    staying: Vec<wire::Proposal>,
    judged: u64,
    alerts: u64,
    page_per_week: String,
    notify_per_day: String,
    caveat: &'static str,
}

#[derive(Serialize)]
struct Row {
    monitor: String,
    detector: String,
    version: u32,
    stage: &'static str,
    alerts: String,
    verdicts: Vec<(&'static str, u64)>,
    unlabelled: u64,
    precision: Measured,
    truth: Measured,
    contextual: Measured,
    per_week: Option<(String, String)>,
    false_per_week: Option<(String, String)>,
    designed: String,
    is_over_budget: bool,
    latency: Option<(String, String)>,
    blind: Measured,
    is_blind: bool,
}

/// A share, large, with what it rests on, small.
#[derive(Serialize)]
struct Measured {
    value: Option<String>,
    rest: String,
}

impl Measured {
    fn new(share: &wire::Share) -> Self {
        Self { value: share.value.map(words::percent), rest: share.text.clone() }
    }
}

#[derive(Serialize)]
struct Class {
    class: String,
    kind: &'static str,
    noticed: Measured,
    lead: Option<String>,
    missed: String,
}

/// `GET /quality`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let quality = wire::Quality::new(&*site.quality().await?);
    let info = site.info();
    let (current, past): (Vec<_>, Vec<_>) =
        quality.monitors.iter().partition(|monitor| monitor.is_current);
    let (staying, proposals) =
        quality.proposals.into_iter().partition(|proposal| proposal.from == proposal.to);
    let judged = |m: &wire::MonitorQuality| m.alerts - m.verdicts.unlabelled;
    let page = Page {
        page: "quality",
        alerts: quality.monitors.iter().map(|m| m.alerts).sum(),
        judged: quality.monitors.iter().map(judged).sum(),
        monitors: current.into_iter().map(row).collect(),
        past: past.into_iter().map(row).collect(),
        recall: quality.recall.iter().map(class).collect(),
        proposals,
        staying,
        page_per_week: words::number(quality.budget.page_per_week),
        notify_per_day: words::number(quality.budget.notify_per_day),
        caveat: quality.caveat,
    };
    layout::render(&site, &info, "quality.html", page)
}

fn row(monitor: &wire::MonitorQuality) -> Row {
    let rate = |rate: &Option<wire::WeeklyRate>| {
        rate.as_ref().map(|rate| {
            let interval = format!("{}–{}", words::number(rate.low), words::number(rate.high));
            (words::number(rate.per_week), interval)
        })
    };
    let v = &monitor.verdicts;
    let verdicts = [
        ("attacks", v.true_positive),
        ("benign", v.benign_true),
        ("false", v.false_positive),
        ("duplicate", v.duplicate),
        ("unknown", v.unknown),
    ];
    let seconds = |ms: f64| format!("{} s", words::number(ms / 1e3));
    let is_over_budget =
        monitor.false_per_week.as_ref().is_some_and(|r| r.per_week > monitor.designed_per_week);
    Row {
        monitor: monitor.monitor.clone(),
        detector: monitor.detector.clone(),
        version: monitor.version,
        stage: monitor.stage,
        alerts: words::grouped(monitor.alerts),
        verdicts: verdicts.into_iter().filter(|(_, n)| *n > 0).collect(),
        unlabelled: v.unlabelled,
        precision: Measured::new(&monitor.precision),
        truth: Measured::new(&monitor.truth),
        contextual: Measured::new(&monitor.contextual_precision),
        per_week: rate(&monitor.alerts_per_week),
        false_per_week: rate(&monitor.false_per_week),
        designed: words::number(monitor.designed_per_week),
        is_over_budget,
        latency: monitor.latency.as_ref().map(|l| (seconds(l.p50_ms), seconds(l.p95_ms))),
        blind: Measured::new(&monitor.blind),
        is_blind: monitor.blind.k > 0,
    }
}

fn class(class: &wire::IncidentClass) -> Class {
    Class {
        class: class.class.clone(),
        kind: if class.is_drill { "drills" } else { "incidents" },
        noticed: Measured::new(&class.noticed),
        lead: class.lead.as_ref().map(|lead| {
            let (size, side) = match lead.median_s {
                late if late < 0.0 => (-late, "late"),
                early => (early, "early"),
            };
            format!("{} {side} (median of {})", words::span(size as u64), lead.n)
        }),
        missed: class.missed.join(", "),
    }
}
