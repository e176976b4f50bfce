//! Everything about one address, in one place.

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
    dossier::{self, Declared, Dossier, Entry, EventEntry, KnownAs, Watch},
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
    let (declared, of) = (info.clone(), network.clone());
    let dossier = site
        .read(move |store| {
            let declared = Declared { registry: &declared.registry, monitors: &declared.monitors };
            Dossier::of(&of, address, declared, Some(store))
        })
        .await?;
    let now = words::seconds(site.now());
    let history = dossier.history.as_ref();
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
    };
    layout::render(&site, &info, "contract.html", page)
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
    lines.extend(dossier.known_as.iter().map(label));
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
