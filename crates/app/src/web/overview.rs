//! The first screen: what needs me now, can I trust what I see, what changed.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::{extract::State, response::Html};
use model::{Alert, AlertState, FindingStatus, Name, Severity, UnixSeconds};
use registry::Deployment;
use serde::Serialize;
use store::{AlertFilter, Store, StoreError};

use super::{
    Site, SiteInfo,
    alerts::Row,
    charts::{self, Activity, Charts},
    layout::{self, Failure},
};
use crate::{
    canary::{self, CanaryState},
    chart::{Palette, sparkline},
    paging,
    pulse::StageState,
    snapshot::{BlindMonitor, NetworkState, Snapshot, Trust, Verdict, WINDOW_S},
    words,
};

/// Alerts on the overview: what fits above the charts. `/alerts` has the rest.
const ALERTS_SHOWN_MAX: usize = 12;

/// Alerts that are read to be marked in charts, and to find the worst that stands: a day of storms.
const ALERTS_READ_MAX: usize = 200;

/// Deployments on the overview; the API has the rest.
const DEPLOYMENTS_SHOWN_MAX: usize = 40;

/// Reasons for less than full trust that are shown before the fold.
const REASONS_SHOWN_MAX: usize = 5;

const SPARK_PX: (u32, u32) = (72, 16);

/// What one look at the store brings, beside the snapshot.
struct Seen {
    alerts: Vec<Alert>,
    /// The worst standing alert, newest first among equals.
    worst: Option<Alert>,
    charts: Charts,
    activity: BTreeMap<(Name, String), Activity>,
}

#[derive(Serialize)]
struct Page {
    page: &'static str,
    headline: Headline,
    trust: Told,
    changes: Changes,
    networks: Vec<Network>,
    stages: Vec<Stage>,
    canaries: Vec<Canary>,
    alerts: Vec<Row>,
    has_more_alerts: bool,
    charts: Charts,
    /// Whether there is more than one, so that charts name theirs.
    has_networks: bool,
    deployments: Vec<Guarded>,
    deployments_total: usize,
}

/// A stage on the way from blocks to people.
#[derive(Serialize)]
struct Stage {
    text: String,
    age: String,
    is_stalled: bool,
}

impl Stage {
    fn new(state: &StageState) -> Self {
        let text = match state.stage.network() {
            Some(network) => format!("{} of {network}", state.stage.as_str()),
            None => state.stage.as_str().to_owned(),
        };
        Self { text, age: words::span(state.age_s), is_stalled: state.is_stalled() }
    }
}

/// How the canaries of a network fare.
#[derive(Serialize)]
struct Canary {
    network: String,
    /// How long ago the newest arrived.
    age: Option<String>,
    /// What does not happen to the one that does not arrive.
    hanging: Option<&'static str>,
    lost: u64,
    /// How long they took, to each point and the whole way.
    took: Vec<Took>,
}

/// How long canaries took to a point.
#[derive(Serialize)]
struct Took {
    stage: &'static str,
    last: Option<String>,
    median: Option<String>,
    p99: Option<String>,
}

impl Canary {
    fn new(state: &CanaryState) -> Self {
        let took = |stage, span: Option<canary::Span>| {
            let ms = |of: fn(canary::Span) -> u64| span.map(|span| words::millis(of(span)));
            let last = ms(|span| span.last_ms);
            Took { stage, last, median: ms(|span| span.median_ms), p99: ms(|span| span.p99_ms) }
        };
        let of = |point| state.to.iter().find(|(to, _)| *to == point).map(|(_, span)| *span);
        let points = canary::Point::ALL.into_iter().skip(1);
        let to = points.map(|point| took(point.as_str(), of(point)));
        Self {
            network: state.network.to_string(),
            age: state.arrived_ago_ms.map(|ms| words::span(ms / 1_000)),
            hanging: state.hanging.as_ref().map(|hanging| hanging.point.missing()),
            lost: state.lost,
            took: to.chain([took("whole way", state.whole)]).collect(),
        }
    }
}

/// `GET /`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let info = site.info();
    let snapshot = site.snapshot().await?;
    let (known, state) = (info.clone(), snapshot.clone());
    let seen = site.read(move |store| look(store, &known, &state)).await?;
    let now = words::seconds(snapshot.at);
    let shown: Vec<&Deployment> = shown(&info, &seen.activity);
    let monitors = |name: &Name| {
        info.networks.iter().find(|n| n.name == *name).map_or(0, |network| network.monitors)
    };
    let deployments: Vec<Guarded> = shown
        .into_iter()
        .map(|deployment| guarded(deployment, &info, &snapshot, &seen.activity))
        .collect();
    let network = |n: &NetworkState| Network::new(n, monitors(&n.health.name));
    let page = Page {
        page: "overview",
        headline: headline(&snapshot, seen.worst.as_ref()),
        trust: trust(&snapshot.trust),
        changes: changes(&snapshot),
        networks: snapshot.networks.iter().map(network).collect(),
        stages: snapshot.stages.iter().map(Stage::new).collect(),
        canaries: snapshot.canaries.iter().map(Canary::new).collect(),
        alerts: seen.alerts.iter().take(ALERTS_SHOWN_MAX).map(|a| Row::new(a, now)).collect(),
        has_more_alerts: seen.alerts.len() > ALERTS_SHOWN_MAX,
        charts: seen.charts,
        has_networks: snapshot.networks.len() > 1,
        deployments,
        deployments_total: info.registry.deployments().len(),
    };
    layout::render(&site, &info, "overview.html", page)
}

fn look(store: &Store, info: &SiteInfo, snapshot: &Snapshot) -> Result<Seen, StoreError> {
    let alerts = store.alerts(&AlertFilter::default(), None, ALERTS_READ_MAX)?.items;
    let mut alerts = paging::with_told(store, alerts)?;
    let since = UnixSeconds(words::seconds(snapshot.at).0.saturating_sub(WINDOW_S));
    let urgent = AlertFilter {
        severity_min: Some(Severity::High),
        since: Some(since),
        ..AlertFilter::default()
    };
    let urgent = store.alerts(&urgent, None, ALERTS_READ_MAX)?.items;
    let stands = |alert: &Alert| alert.state != AlertState::Retracted;
    let worst = urgent
        .into_iter()
        .filter(stands)
        .max_by_key(|alert| (alert.severity, alert.opened_at, Reverse(alert.id)));
    let end = snapshot.chain_now();
    let deployments = info.registry.deployments();
    let drawn: Vec<&str> =
        deployments.iter().take(DEPLOYMENTS_SHOWN_MAX).map(|d| d.label.as_str()).collect();
    let charts = charts::overview(store, &alerts, end)?;
    // An old alert to which something was added is news; of one moment, the worst comes first.
    alerts.sort_by_key(|alert| Reverse((alert.last_finding_at, alert.severity)));
    Ok(Seen { charts, activity: charts::activity(store, &drawn, end)?, alerts, worst })
}

/// In the order of the files; of too many, those that are called most.
fn shown<'a>(
    info: &'a SiteInfo,
    activity: &BTreeMap<(Name, String), Activity>,
) -> Vec<&'a Deployment> {
    let mut all: Vec<&Deployment> = info.registry.deployments().iter().collect();
    if all.len() > DEPLOYMENTS_SHOWN_MAX {
        let calls = |d: &&Deployment| {
            let key = (d.network.clone(), d.label.to_string());
            activity.get(&key).map_or(0.0, |activity| activity.calls)
        };
        all.sort_by(|a, b| calls(b).total_cmp(&calls(a)));
        all.truncate(DEPLOYMENTS_SHOWN_MAX);
    }
    all
}

#[derive(Serialize)]
struct Headline {
    urgent: u64,
    worst: Option<&'static str>,
    title: Option<String>,
    place: Option<String>,
    id: Option<String>,
    state: Option<&'static str>,
    /// Standing alerts of lower severity.
    other: u64,
    is_watching: bool,
    /// Whether silence can be believed everywhere.
    is_believed: bool,
}

fn headline(snapshot: &Snapshot, worst: Option<&Alert>) -> Headline {
    let standing = [AlertState::Provisional, AlertState::Confirmed, AlertState::Reported];
    let urgent = snapshot.alerts_where(&standing, Severity::High);
    Headline {
        urgent,
        worst: worst.map(|alert| alert.severity.as_str()),
        title: worst.map(|alert| words::clean(alert.title())),
        place: worst.map(words::place),
        id: worst.map(|alert| alert.id.to_string()),
        state: worst.map(|alert| alert.state.as_str()),
        other: snapshot.alerts_where(&standing, Severity::Info) - urgent,
        is_watching: snapshot.is_watching(),
        is_believed: snapshot.trust.verdict != Verdict::No,
    }
}

#[derive(Serialize)]
struct Told {
    word: &'static str,
    reasons: Vec<Because>,
    more: Vec<Because>,
}

#[derive(Serialize)]
struct Because {
    network: Option<String>,
    text: String,
}

fn trust(trust: &Trust) -> Told {
    let because = |reason: &crate::snapshot::Reason| Because {
        network: reason.network.as_ref().map(ToString::to_string),
        text: words::clean(&reason.text),
    };
    let mut reasons: Vec<Because> = trust.reasons.iter().map(because).collect();
    let more = reasons.split_off(REASONS_SHOWN_MAX.min(reasons.len()));
    Told { word: trust.verdict.as_str(), reasons, more }
}

#[derive(Serialize)]
struct Changes {
    findings: String,
    retracted_findings: u64,
    opened: String,
    retracted: u64,
    delivered: String,
    failed: u64,
    due: u64,
    blocks: String,
}

fn changes(snapshot: &Snapshot) -> Changes {
    let all = [
        AlertState::Provisional,
        AlertState::Confirmed,
        AlertState::Retracted,
        AlertState::Reported,
    ];
    let findings = |is_wanted: fn(FindingStatus) -> bool| -> u64 {
        let wanted = snapshot.findings.iter().filter(|count| is_wanted(count.status));
        wanted.map(|count| count.findings).sum()
    };
    Changes {
        findings: words::counted(findings(|_| true), "finding"),
        retracted_findings: findings(|status| status == FindingStatus::Retracted),
        opened: words::counted(snapshot.alerts_where(&all, Severity::Info), "alert"),
        retracted: snapshot.alerts_where(&[AlertState::Retracted], Severity::Info),
        delivered: words::counted(snapshot.outbox.lately.delivered, "message"),
        failed: snapshot.outbox.lately.failed,
        due: snapshot.outbox.counts.due,
        blocks: words::counted(snapshot.networks.iter().map(|n| n.coverage.judged).sum(), "block"),
    }
}

#[derive(Serialize)]
struct Network {
    name: String,
    chain_id: u64,
    /// Style of the state.
    class: &'static str,
    state: String,
    head_seen: Option<String>,
    head_age: Option<String>,
    judged: Option<String>,
    lag: Option<String>,
    lag_blocks: Option<String>,
    finalized: Option<String>,
    coverage: Option<String>,
    coverage_of: String,
    not_judged: Vec<String>,
    blind: Vec<Blind>,
    blind_now: usize,
    monitors: usize,
    endpoints: Vec<Endpoint>,
    websocket: Option<bool>,
}

#[derive(Serialize)]
struct Blind {
    monitor: String,
    reason: String,
    /// `now` or in how many blocks.
    when: String,
}

#[derive(Serialize)]
struct Endpoint {
    name: String,
    class: &'static str,
    text: String,
    error: Option<String>,
}

impl Network {
    fn new(network: &NetworkState, monitors: usize) -> Self {
        let (health, coverage) = (&network.health, &network.coverage);
        let (class, word) = match network.trust.verdict {
            Verdict::Yes => ("good", "watching"),
            Verdict::Partly => ("medium", "partly blind"),
            Verdict::No if health.stopped_reason.is_some() => ("critical", "stopped"),
            Verdict::No if network.judged.is_none() => ("unknown", "no data yet"),
            Verdict::No if health.catching_up => ("unknown", "catching up"),
            Verdict::No => ("critical", "blind"),
        };
        let mut not_judged = Vec::new();
        if coverage.missing > 0 {
            not_judged.push(format!("{} missing", words::grouped(coverage.missing)));
        }
        if coverage.quarantined > 0 {
            not_judged.push(format!("{} in quarantine", words::grouped(coverage.quarantined)));
        }
        let is_shown = |blind: &&BlindMonitor| blind.is_now || !blind.is_warming_up();
        let blind: Vec<&BlindMonitor> = coverage.blind.iter().filter(is_shown).collect();
        Self {
            name: health.name.to_string(),
            chain_id: health.chain_id,
            class,
            state: word.to_owned(),
            head_seen: health.head_seen.map(words::grouped),
            head_age: network.head_age_s.map(words::span),
            judged: network.judged.map(|judged| words::grouped(judged.block.number)),
            lag: network.lag_s.map(words::span),
            lag_blocks: network.lag_blocks.map(|blocks| words::counted(blocks, "block")),
            finalized: network.finalized.map(|block| words::grouped(block.number)),
            coverage: (coverage.blocks() > 0).then(|| words::grouped(coverage.judged)),
            coverage_of: words::grouped(coverage.blocks()),
            not_judged,
            blind_now: blind.iter().filter(|blind| blind.is_now).count(),
            blind: blind.into_iter().map(|b| told_blind(b, coverage.blocks())).collect(),
            monitors,
            endpoints: health.endpoints.iter().map(told_endpoint).collect(),
            websocket: health.websocket,
        }
    }
}

fn told_blind(blind: &BlindMonitor, of: u64) -> Blind {
    let when = format!("{} of {}", words::counted(blind.blocks, "block"), words::grouped(of));
    Blind {
        monitor: blind.monitor.to_string(),
        reason: words::clean(&blind.reason.to_string()),
        when: if blind.is_now { format!("now, {when}") } else { when },
    }
}

fn told_endpoint(endpoint: &crate::snapshot::EndpointHealth) -> Endpoint {
    let latency = endpoint.latency_ms.map(|ms| format!("{} ms", words::number(ms.round())));
    let mut parts = vec![endpoint.state.clone()];
    parts.extend(latency);
    Endpoint {
        name: endpoint.name.to_string(),
        class: if endpoint.healthy { "good" } else { "critical" },
        text: parts.join(", "),
        error: endpoint.last_error.as_deref().filter(|_| !endpoint.healthy).map(words::clean),
    }
}

#[derive(Serialize)]
struct Guarded {
    label: String,
    class: &'static str,
    network: String,
    address: String,
    short: String,
    url: Option<String>,
    /// `None`: nothing is known, which is not 0.
    calls: Option<String>,
    spark: Option<String>,
    failed: Option<String>,
    value_at_risk: Option<String>,
}

fn guarded(
    deployment: &Deployment,
    info: &SiteInfo,
    snapshot: &Snapshot,
    activity: &BTreeMap<(Name, String), Activity>,
) -> Guarded {
    let is_judged = snapshot.network(&deployment.network).is_some_and(|n| n.judged.is_some());
    let key = (deployment.network.clone(), deployment.label.to_string());
    let known = activity.get(&key).filter(|_| is_judged);
    let failed = |activity: &Activity| {
        if activity.calls > 0.0 {
            words::percent(activity.failed / activity.calls)
        } else {
            "0 %".into()
        }
    };
    let address = deployment.address.to_string();
    let spark = |a: &Activity| {
        let (width, height) = SPARK_PX;
        (!a.spark.is_empty()).then(|| sparkline(&a.spark, width, height, Palette::Page))
    };
    Guarded {
        label: deployment.label.to_string(),
        class: deployment.class.as_str(),
        network: deployment.network.to_string(),
        short: words::short(&address),
        url: info.explorer(&deployment.network).map(|e| e.address(deployment.address)),
        address,
        calls: is_judged.then(|| words::grouped(known.map_or(0.0, |a| a.calls).round() as u64)),
        spark: known.and_then(spark),
        failed: known.map(failed),
        value_at_risk: deployment.value_at_risk.as_ref().map(ToString::to_string),
    }
}
