//! One function an address.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use model::{AlertId, Name, UnixSeconds};
use registry::threats::Day;
use store::{AlertFilter, FindingFilter, LabelMatcher, RangeQuery};

use super::{parameters::Parameters, reply::Failure, wire};
use crate::{
    dossier, metrics as exposition, paging,
    pulse::{HEARTBEAT_TYPE, Heartbeat},
    signature::Envelope,
    web::{Site, SiteInfo},
    words,
};

type Answer<T> = Result<Json<T>, Failure>;

/// Undelivered messages that one answer lists.
const UNDELIVERED_MAX: usize = 200;

/// How far back one answer tells what was wrong with paging: a day.
const ALARMS_MS: i64 = 24 * 60 * 60 * 1_000;

/// Alarms that one answer lists.
const ALARMS_MAX: usize = 50;

/// Points of a series unless `step` says otherwise.
const POINTS_DEFAULT: u64 = 240;

/// Chain time of a series unless `from` says otherwise, in seconds.
const SERIES_SPAN_S: u64 = 3_600;

pub(super) async fn status(State(site): State<Site>, asked: Parameters) -> Answer<wire::Status> {
    asked.only(&[])?;
    let snapshot = site.snapshot().await?;
    let status = wire::Status::new(&snapshot, &site.info(), site.started_at());
    Ok(Json(status.beside(site.twins().heard())))
}

/// What this installation says of itself to others that watch it, signed.
pub(super) async fn heartbeat(State(site): State<Site>, asked: Parameters) -> Answer<Envelope> {
    asked.only(&[])?;
    let Some(key) = site.info().pulse.key.clone() else {
        let missing = "this installation has no heartbeat: [pulse] heartbeat_key is not set";
        return Err(Failure::missing(missing));
    };
    let snapshot = site.snapshot().await?;
    let beat = Heartbeat::of(&snapshot, site.started_at());
    let envelope = key.seal(HEARTBEAT_TYPE, &beat);
    envelope.map(Json).map_err(|error| Failure::missing(format!("no heartbeat: {error:#}")))
}

pub(super) async fn networks(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<wire::Network>> {
    asked.only(&[])?;
    let (snapshot, info) = (site.snapshot().await?, site.info());
    let items = snapshot.networks.iter().map(|n| wire::Network::new(n, &info)).collect();
    Ok(Json(wire::Page { items, next: None }))
}

/// The ledger of one network, newest block first.
pub(super) async fn coverage(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<wire::CoverageRow>> {
    asked.only(&["network", "before", "limit"])?;
    let known = networks_of(&site.info());
    let Some(network) = asked.network(&known)? else {
        let allowed = known.iter().map(ToString::to_string).collect();
        return Err(Failure::bad("parameter \"network\" is missing", allowed));
    };
    let (before, limit) = (asked.parsed::<u64>("before")?, asked.limit()?);
    let rows = site.read(move |store| store.coverage_newest(&network, before, limit)).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.block.number.to_string());
    Ok(Json(wire::Page { items: rows.iter().map(wire::CoverageRow::new).collect(), next }))
}

/// Coverage as a number, what it is made of, what is missing and what closes it.
pub(super) async fn ledger(State(site): State<Site>, asked: Parameters) -> Answer<wire::Ledger> {
    asked.only(&["network", "deployment"])?;
    let info = site.info();
    let network = asked.network(&networks_of(&info))?;
    let deployment = asked.name("deployment")?;
    if let Some(label) = deployment.as_ref().filter(|label| info.registry.get(label).is_none()) {
        return Err(Failure::missing(format!("there is no deployment {label}")));
    }
    let account = site.account().await?;
    let mut ledger = wire::Ledger::new(&account, &site.health());
    ledger.keep(network.as_ref(), deployment.as_ref());
    Ok(Json(ledger))
}

pub(super) async fn alerts(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<wire::Alert>> {
    asked.only(&[
        "network",
        "monitor",
        "deployment",
        "state",
        "open",
        "severity",
        "since",
        "until",
        "cursor",
        "limit",
    ])?;
    let info = site.info();
    let filter = AlertFilter {
        network: asked.network(&networks_of(&info))?,
        monitor: asked.name("monitor")?,
        deployment: asked.name("deployment")?,
        state: asked.state()?,
        severity_min: asked.severity()?,
        since: asked.moment("since")?,
        until: asked.moment("until")?,
        only_open: asked.parsed::<bool>("open")?.unwrap_or(false),
    };
    let (cursor, limit) = (asked.cursor()?, asked.limit()?);
    let page = site
        .read(move |store| {
            let mut page = store.alerts(&filter, cursor, limit)?;
            page.items = paging::with_told(store, page.items)?;
            let stages = store.stages(page.items.iter().map(|alert| alert.id))?;
            Ok((page, stages))
        })
        .await?;
    let (page, stages) = page;
    let item =
        |alert: &model::Alert| wire::Alert::new(alert, &info).at_stage(stages.get(&alert.id));
    let items = page.items.iter().map(item).collect();
    Ok(Json(wire::Page { items, next: page.next.map(|cursor| cursor.to_string()) }))
}

pub(super) async fn alert(
    State(site): State<Site>,
    Path(id): Path<String>,
    asked: Parameters,
) -> Answer<wire::AlertDetails> {
    asked.only(&[])?;
    let missing = || Failure::missing(format!("there is no alert {:?}", words::clean(&id)));
    let known: AlertId = id.parse().map_err(|_| missing())?;
    let read = site.read(move |store| {
        let details = store.alert(known)?;
        let details = details.map(|details| told(store, details)).transpose()?;
        Ok((details, store.verdicts_on(known)?))
    });
    let (details, verdicts) = read.await?;
    let details = details.ok_or_else(missing)?;
    Ok(Json(wire::AlertDetails::new(&details, &verdicts, &site.info())))
}

/// An alert with what its receivers were told last.
fn told(
    store: &store::Store,
    mut details: store::AlertDetails,
) -> Result<store::AlertDetails, store::StoreError> {
    let alerts = paging::with_told(store, vec![details.alert.clone()])?;
    details.alert = alerts.into_iter().next().unwrap_or(details.alert);
    Ok(details)
}

pub(super) async fn findings(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<wire::Finding>> {
    asked.only(&[
        "network",
        "monitor",
        "deployment",
        "status",
        "severity",
        "since",
        "until",
        "cursor",
        "limit",
    ])?;
    let info = site.info();
    let filter = FindingFilter {
        network: asked.network(&networks_of(&info))?,
        monitor: asked.name("monitor")?,
        deployment: asked.name("deployment")?,
        status: asked.status()?,
        severity_min: asked.severity()?,
        since: asked.moment("since")?,
        until: asked.moment("until")?,
    };
    let (cursor, limit) = (asked.cursor()?, asked.limit()?);
    let page = site.read(move |store| store.findings(&filter, cursor, limit)).await?;
    let items = page.items.iter().map(|r| wire::Finding::new(&r.finding, Some(r.status), &info));
    Ok(Json(wire::Page { items: items.collect(), next: page.next.map(|c| c.to_string()) }))
}

/// Points of all series of one metric; without a metric, the names of all metrics.
pub(super) async fn series(
    State(site): State<Site>,
    asked: Parameters,
) -> Result<Response, Failure> {
    asked.only(&["metric", "network", "label.", "from", "until", "step"])?;
    let Some(metric) = asked.text("metric").map(str::to_owned) else {
        let metrics = site.read(|store| store.series().metrics()).await?;
        return Ok(Json(wire::Metrics { metrics }).into_response());
    };
    let snapshot = site.snapshot().await?;
    let until = asked.moment("until")?.unwrap_or(UnixSeconds(snapshot.chain_now().0 + 1));
    let from = asked.moment("from")?.unwrap_or(UnixSeconds(until.0.saturating_sub(SERIES_SPAN_S)));
    let step_s = match asked.parsed::<u64>("step")? {
        Some(step_s) => step_s,
        None => until.seconds_since(from).div_ceil(POINTS_DEFAULT).max(1),
    };
    let matchers = asked.with_prefix("label.").map(|(l, v)| LabelMatcher::equal(l, v)).collect();
    let network = asked.network(&networks_of(&site.info()))?;
    let query = RangeQuery { network, metric, matchers, from, until, step_s };
    let found = site.read(move |store| Ok((store.series().range(&query)?, query))).await?;
    Ok(Json(wire::SeriesAnswer::new(&found.0, &found.1)).into_response())
}

pub(super) async fn deployments(
    State(site): State<Site>,
    asked: Parameters,
) -> Answer<wire::Page<wire::Deployment>> {
    asked.only(&["network"])?;
    let info = site.info();
    let network = asked.network(&networks_of(&info))?;
    let is_asked = |d: &&registry::Deployment| network.as_ref().is_none_or(|n| *n == d.network);
    let items = info.registry.deployments().iter().filter(is_asked);
    let items = items.map(|d| wire::Deployment::new(d, &info)).collect();
    Ok(Json(wire::Page { items, next: None }))
}

/// Everything about one address; the address may be a deployment's label.
pub(super) async fn address(
    State(site): State<Site>,
    Path((network, what)): Path<(String, String)>,
    asked: Parameters,
) -> Answer<wire::Dossier> {
    asked.only(&[])?;
    let info = site.info();
    let networks = networks_of(&info);
    let Some(network) = networks.iter().find(|known| known.as_str() == network).cloned() else {
        let allowed = networks.iter().map(ToString::to_string).collect();
        let error = format!("there is no network {:?}", words::clean(&network));
        return Err(Failure::NotFound(wire::Error { error, allowed }));
    };
    let found = dossier::find(&what, Some(&network), &networks, &info.registry);
    let address = match found.as_deref() {
        Ok([(_, address), ..]) => *address,
        Ok([]) => return Err(Failure::missing("there is no such address")),
        Err(error) => return Err(Failure::missing(words::clean(error))),
    };
    let dossier = site.dossier(network, address).await?;
    Ok(Json(wire::Dossier::new(&dossier, &info)))
}

/// The threat map as of today.
pub(super) async fn threats(State(site): State<Site>, asked: Parameters) -> Answer<wire::Threats> {
    asked.only(&[])?;
    let info = site.info();
    let today = Day::of(words::seconds(site.now()));
    Ok(Json(wire::Threats::new(&info.threats, &info.registry, today)))
}

pub(super) async fn outbox(State(site): State<Site>, asked: Parameters) -> Answer<wire::Outbox> {
    asked.only(&[])?;
    let snapshot = site.snapshot().await?;
    let since = site.now().plus(-ALARMS_MS);
    let read = site.read(move |store| {
        // In the order in which something goes: what is decided between the two is seen in the second.
        let (undecided, _) = store.inbox().backlog()?;
        let alarms = store.paging_alarms(since, ALARMS_MAX)?;
        Ok((undecided, alarms, store.outbox().undelivered(UNDELIVERED_MAX)?))
    });
    let (undecided, alarms, undelivered) = read.await?;
    Ok(Json(wire::Outbox::new(&snapshot.outbox, undecided, &alarms, &undelivered)))
}

/// The process is alive: it answers.
pub(super) async fn healthz() -> &'static str {
    "alive\n"
}

/// 200 only when every network is judged recently and messages leave.
pub(super) async fn readyz(State(site): State<Site>) -> Result<Response, Failure> {
    let reasons = site.snapshot().await?.not_ready();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let reasons = reasons.iter().map(wire::Reason::new).collect::<Vec<_>>();
    Ok((status, Json(wire::Ready { ready: reasons.is_empty(), reasons })).into_response())
}

pub(super) async fn metrics(State(site): State<Site>) -> Result<Response, Failure> {
    let snapshot = site.snapshot().await?;
    match exposition::render(&snapshot, site.started_at()) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response()),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}

pub(super) async fn unknown(uri: Uri) -> Failure {
    let addresses = [
        "status",
        "networks",
        "coverage",
        "ledger",
        "alerts",
        "alerts/{id}",
        "findings",
        "series",
        "deployments",
        "addresses/{network}/{address}",
        "threats",
        "outbox",
    ];
    let allowed = addresses.iter().map(|address| format!("/api/v1/{address}")).collect();
    let error = format!("the API has no {:?}", words::clean(uri.path()));
    Failure::NotFound(wire::Error { error, allowed })
}

pub(super) async fn read_only() -> Failure {
    Failure::ReadOnly
}

fn networks_of(info: &SiteInfo) -> Vec<Name> {
    info.networks.iter().map(|network| network.name.clone()).collect()
}
