//! All contracts that are guarded.

use axum::{extract::State, response::Html};
use registry::Deployment;
use serde::Serialize;

use super::{
    Site, SiteInfo,
    contract::Bar,
    layout::{self, Failure},
};
use crate::{
    dossier::{Interface, Standings, Watching},
    words,
};

/// Contracts on the page: more are searched with the browser or listed by the API.
const CONTRACTS_SHOWN_MAX: usize = 1_000;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    protocols: Vec<Protocol>,
    shown: usize,
    total: usize,
}

/// The contracts of one protocol.
#[derive(Serialize)]
struct Protocol {
    name: Option<String>,
    contracts: Vec<Contract>,
}

#[derive(Serialize)]
struct Contract {
    label: String,
    class: &'static str,
    network: String,
    address: String,
    short: String,
    url: Option<String>,
    /// Monitors that name it, and those that watch everything.
    monitors: usize,
    entries: usize,
    value_at_risk: Option<String>,
    is_abi_known: bool,
    /// Where in its life it is; `None` before it was judged.
    stage: Option<&'static str>,
    meaning: Option<&'static str>,
    coverage: Option<String>,
    bar: Option<Bar>,
    alerts_open: Option<usize>,
    drifts: Option<usize>,
}

impl Contract {
    fn new(deployment: &Deployment, info: &SiteInfo, standings: &Standings) -> Self {
        let address = deployment.address.to_string();
        let watching = Watching::on(deployment, &info.monitors, None);
        let interface = Interface::of(Some(deployment), &[], None);
        let standing = standings.of(&deployment.network, deployment.address);
        Self {
            label: deployment.label.to_string(),
            class: deployment.class.as_str(),
            network: deployment.network.to_string(),
            short: words::short(&address),
            url: info.explorer(&deployment.network).map(|e| e.address(deployment.address)),
            address,
            monitors: watching.monitors.len(),
            entries: interface.entries.len(),
            value_at_risk: deployment.value_at_risk.as_ref().map(ToString::to_string),
            is_abi_known: deployment.abi_known,
            stage: standing.stage.map(registry::lifecycle::Stage::as_str),
            meaning: standing.stage.map(registry::lifecycle::Stage::meaning),
            coverage: standing.coverage.map(words::percent),
            bar: standing.coverage.map(Bar::new),
            alerts_open: standing.alerts_open,
            drifts: standing.drifts,
        }
    }
}

/// `GET /contracts`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let (info, standings) = (site.info(), site.standings().await?);
    // What ours rely on is listed with whoever relies on it.
    let deployments: Vec<&Deployment> = info.registry.own().map(|(_, own)| own).collect();
    let mut protocols: Vec<Protocol> = Vec::new();
    for deployment in deployments.iter().copied().take(CONTRACTS_SHOWN_MAX) {
        let name = deployment.protocol.as_ref().map(ToString::to_string);
        let contract = Contract::new(deployment, &info, &standings);
        match protocols.iter_mut().find(|protocol| protocol.name == name) {
            Some(protocol) => protocol.contracts.push(contract),
            None => protocols.push(Protocol { name, contracts: vec![contract] }),
        }
    }
    let shown = deployments.len().min(CONTRACTS_SHOWN_MAX);
    let page = Page { page: "contracts", protocols, shown, total: deployments.len() };
    layout::render(&site, &info, "contracts.html", page)
}
