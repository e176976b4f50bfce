//! Everything about one address, in one place.

mod coverage; // how well it is watched, and what is missing
mod life; //     where in its life it is, and what it was before
mod power; //    who holds power over it
mod story; //    threats that name it, and what changed

pub(super) use coverage::Bar;

use axum::{
    extract::{Path, State},
    response::Html,
};
use model::{Address, Name};
use serde::Serialize;

use super::{
    Site, SiteInfo,
    alerts::Row,
    layout::{self, Failure},
    lines::Line,
};
use crate::{
    dossier::{self, Dossier, Entry, EventEntry, KnownAs, Unknown, Watch},
    words,
};

#[derive(Serialize)]
struct Page {
    page: &'static str,
    name: String,
    network: String,
    address: String,
    is_guarded: bool,
    facts: Vec<Line>,
    watching: Watching,
    entries: Vec<Function>,
    views: usize,
    events: Vec<Event>,
    is_abi_known: bool,
    alerts: Vec<Row>,
    has_more_alerts: bool,
    glance: Glance,
    life: Section<life::Life>,
    power: Section<power::Power>,
    dependencies: Vec<Dependency>,
    coverage: Section<coverage::Coverage>,
    threats: Section<Vec<story::Threat>>,
    changes: Section<Vec<story::Change>>,
    has_more_changes: bool,
}

/// A section with its facts, or why it has none.
#[derive(Serialize)]
struct Section<T> {
    known: Option<T>,
    why: Option<String>,
    close: Option<String>,
}

impl<T> Section<T> {
    fn new<K>(of: &dossier::Known<K>, show: impl FnOnce(&K) -> T) -> Self {
        let unknown = of.no();
        Self {
            known: of.yes().map(show),
            why: unknown.map(|unknown: &Unknown| words::clean(&unknown.why)),
            close: unknown.and_then(|unknown| unknown.close.as_deref().map(words::clean)),
        }
    }
}

/// The four things to see first; `None` is unknown.
#[derive(Serialize)]
struct Glance {
    stage: Option<&'static str>,
    meaning: Option<&'static str>,
    coverage: Option<String>,
    bar: Option<coverage::Bar>,
    watched: Option<String>,
    drifts: Option<usize>,
    worst_drift: Option<&'static str>,
    alerts: Option<usize>,
    worst_alert: Option<&'static str>,
    at_risk: Option<String>,
}

#[derive(Serialize)]
struct Dependency {
    on: Party,
    kind: String,
    stated: Option<String>,
    is_code_reviewed: bool,
}

#[derive(Serialize)]
struct Watching {
    monitors: Vec<Watcher>,
    /// Blocks looked back over; empty before the first was judged.
    blocks: Option<String>,
    not_judged: Option<String>,
}

#[derive(Serialize)]
struct Watcher {
    monitor: String,
    rule: String,
    detector: Option<String>,
    severity: &'static str,
    is_named: bool,
    /// `judged`, or why not.
    blind: Option<String>,
}

#[derive(Serialize)]
struct Function {
    signature: String,
    selector: String,
    is_payable: bool,
    monitors: String,
}

#[derive(Serialize)]
struct Event {
    signature: String,
    risk_of: Option<&'static str>,
    monitors: String,
}

/// `GET /contracts/{network}/{address}`, where the address may be a deployment's label.
pub(super) async fn page(
    State(site): State<Site>,
    Path((network, what)): Path<(String, String)>,
) -> Result<Html<String>, Failure> {
    let info = site.info();
    let (network, address) = known(&info, &network, &what)?;
    let dossier = site.dossier(network.clone(), address).await?;
    let now = words::seconds(site.now());
    let history = dossier.history.yes();
    let explorer = info.explorer(&network);
    let page = Page {
        page: "contract",
        name: words::clean(dossier.name().unwrap_or("Unknown address")),
        network: network.to_string(),
        address: address.to_string(),
        is_guarded: dossier.deployment.is_some(),
        facts: facts(&dossier, &info),
        watching: watching(&dossier),
        entries: dossier.interface.entries.iter().map(Function::new).collect(),
        views: dossier.interface.views,
        events: dossier.interface.events.iter().map(Event::new).collect(),
        is_abi_known: dossier.interface.is_known,
        alerts: history
            .map_or_else(Vec::new, |h| h.alerts.iter().map(|alert| Row::new(alert, now)).collect()),
        has_more_alerts: history.is_some_and(|history| history.has_more),
        glance: Glance::new(&dossier),
        life: Section::new(&dossier.life, |life| life::Life::new(life, &network, explorer)),
        power: Section::new(&dossier.power, |power| power::Power::new(power, &network, now)),
        dependencies: dossier.dependencies.iter().map(|of| Dependency::new(of, &network)).collect(),
        coverage: Section::new(&dossier.covered, |of| coverage::Coverage::new(of, now)),
        threats: Section::new(&dossier.threats, |of| of.iter().map(story::Threat::new).collect()),
        changes: Section::new(&dossier.history, |history| {
            history.changes.iter().map(|change| story::Change::new(change, now)).collect()
        }),
        has_more_changes: history.is_some_and(|history| history.has_more_changes),
    };
    layout::render(&site, &info, "contract.html", page)
}

impl Glance {
    fn new(dossier: &Dossier) -> Self {
        let (life, covered) = (dossier.life.yes(), dossier.covered.yes());
        let drifts = dossier.power.yes().and_then(|power| power.drifts.as_deref());
        let is_judged = dossier.watching.blocks > 0;
        let alerts = dossier.history.yes().filter(|_| is_judged).map(|history| {
            history.alerts.iter().filter(|a| a.state != model::AlertState::Retracted)
        });
        let at_risk = dossier.deployment.as_ref().and_then(|d| d.value_at_risk.as_ref());
        Self {
            stage: life.map(|life| life.stage.as_str()),
            meaning: life.map(|life| life.stage.meaning()),
            coverage: covered.and_then(|covered| covered.value).map(words::percent),
            bar: covered.and_then(coverage::Bar::of),
            watched: covered.map(|of| format!("{} of {} watched", of.watched, of.cells)),
            drifts: drifts.map(<[_]>::len),
            worst_drift: drifts.and_then(|d| d.first()).map(|item| item.severity.as_str()),
            alerts: alerts.clone().map(Iterator::count),
            worst_alert: alerts
                .and_then(|alerts| alerts.map(|a| a.severity).max())
                .map(model::Severity::as_str),
            at_risk: at_risk.map(ToString::to_string),
        }
    }
}

impl Dependency {
    fn new(of: &dossier::Dependency, network: &Name) -> Self {
        Self {
            on: Party::new(&of.on, network),
            kind: of.kind.clone(),
            stated: of.stated.clone(),
            is_code_reviewed: of.code_reviewed.is_some(),
        }
    }
}

/// An address as pages show it.
#[derive(Serialize)]
struct Party {
    name: Option<String>,
    short: String,
    address: String,
    /// Its own dossier.
    page: String,
}

impl Party {
    fn new(party: &dossier::Party, network: &Name) -> Self {
        let address = party.address.to_string();
        Self {
            name: party.name.as_deref().map(words::clean),
            short: words::short(&address),
            page: format!("/contracts/{network}/{address}"),
            address,
        }
    }
}

fn known(info: &SiteInfo, network: &str, what: &str) -> Result<(Name, Address), Failure> {
    let networks: Vec<Name> = info.networks.iter().map(|network| network.name.clone()).collect();
    let Some(network) = networks.iter().find(|known| known.as_str() == network) else {
        let network = words::clean(network);
        return Err(Failure::NotFound(format!("there is no network {network}")));
    };
    let found = dossier::find(what, Some(network), &networks, &info.registry);
    let found = found.map_err(|error| Failure::NotFound(words::clean(&error)))?;
    found.into_iter().next().ok_or_else(|| Failure::NotFound("there is no such contract".into()))
}

fn facts(dossier: &Dossier, info: &SiteInfo) -> Vec<Line> {
    let url = info.explorer(&dossier.network).map(|explorer| explorer.address(dossier.address));
    let mut lines = vec![Line::code("Address", dossier.address.to_string(), url)];
    if let Some(deployment) = &dossier.deployment {
        lines.push(Line::text("What it is", deployment.class.as_str()));
        lines.extend(identity(dossier, deployment));
        if let Some(protocol) = &deployment.protocol {
            lines.push(Line::text("Protocol", protocol.as_str()));
        }
        let at_risk = deployment.value_at_risk.as_ref();
        lines.push(Line::text(
            "At risk",
            at_risk.map_or("not stated".to_owned(), ToString::to_string),
        ));
        if let Some(block) = deployment.first_block {
            lines.push(Line::text("Since block", words::grouped(block)));
        }
        if let Some(token) = &deployment.token {
            let text = format!("{}, {} decimals", words::clean(&token.symbol), token.decimals);
            lines.push(Line::text("Token", text));
        }
        if let Some(oracle) = &deployment.oracle {
            let every = words::span(oracle.heartbeat_s);
            let deviation = words::percent(oracle.deviation);
            lines.push(Line::text(
                "Promises",
                format!("an update every {every}, or at {deviation}"),
            ));
        }
    }
    if let Some(ours) = &dossier.relied_on_by {
        lines.push(Line::text("Relied on by", joined(ours)));
    }
    lines.extend(dossier.known_as.iter().map(label));
    lines
}

fn identity(dossier: &Dossier, deployment: &registry::Deployment) -> Vec<Line> {
    let Some(identity) = dossier.identity.yes() else { return Vec::new() };
    let mut lines = Vec::new();
    let shows: Vec<&str> = identity.shows.iter().map(|of| of.is.as_str()).collect();
    if !shows.is_empty() {
        lines.push(Line::text("Its interface shows", shows.join(", ")));
    }
    if identity.contradicts(deployment) {
        let (class, why) = (identity.concluded.class, &identity.concluded.why);
        let text = format!("the interface is that of a {class}: {}", words::clean(why));
        lines.push(Line::text("Its file may be wrong", text));
    }
    lines.push(match &identity.proxy {
        Some(proxy) => Line::text("Proxy", format!("{}: {}", proxy.kind, words::clean(&proxy.why))),
        None => Line::text("Proxy", "nothing speaks for one"),
    });
    lines
}

fn label(known: &KnownAs) -> Line {
    let name = words::clean(&known.name);
    let of = format!("from {}, {} % sure", words::clean(&known.source), known.confidence_percent);
    Line::text(&format!("Label: {}", known.category), format!("{name} ({of})"))
}

fn watching(dossier: &Dossier) -> Watching {
    let watching = &dossier.watching;
    Watching {
        monitors: watching.monitors.iter().map(|w| Watcher::new(w, watching.blocks)).collect(),
        blocks: (watching.blocks > 0).then(|| words::counted(watching.blocks, "block")),
        not_judged: (watching.not_judged > 0).then(|| words::counted(watching.not_judged, "block")),
    }
}

impl Watcher {
    fn new(watch: &Watch, of: u64) -> Self {
        let blind = watch.blind.as_ref().map(|(blocks, reason)| {
            let of = words::grouped(of);
            format!("blind in {} of {of} blocks: {reason}", words::grouped(*blocks))
        });
        Self {
            monitor: watch.monitor.to_string(),
            rule: words::clean(&watch.rule),
            detector: watch.detector.clone(),
            severity: watch.severity.as_str(),
            is_named: watch.is_named,
            blind: blind.map(|text| words::clean(&text)),
        }
    }
}

fn joined(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

impl Function {
    fn new(entry: &Entry) -> Self {
        Self {
            signature: entry.signature.clone(),
            selector: hex::encode_prefixed(entry.selector),
            is_payable: entry.is_payable,
            monitors: joined(&entry.monitors),
        }
    }
}

impl Event {
    fn new(event: &EventEntry) -> Self {
        Self {
            signature: event.signature.clone(),
            risk_of: event.risk_of,
            monitors: joined(&event.monitors),
        }
    }
}
