//! Who can make what happen, and where that is not what the policy says.

use axum::{extract::State, response::Html};
use model::{Address, FactValue, Name, UnixSeconds};
use registry::authority::{DriftItem, Effective, Graph, PowerOf, Repair, drift, unknown_before};
use serde::Serialize;
use store::{Store, StoreError};

use super::{
    NetworkInfo, Site, SiteInfo,
    layout::{self, Failure, When},
};
use crate::{
    authority::{AllWatched, Watched, watched},
    words,
};

/// Ways of one principal that are shown; the command shows all.
const WAYS_SHOWN_MAX: usize = 6;

/// Principals of one network that are shown.
const PRINCIPALS_SHOWN_MAX: usize = 100;

/// Drifts of one network that are shown, worst first.
const DRIFTS_SHOWN_MAX: usize = 200;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    has_policy: bool,
    networks: Vec<NetworkPart>,
    /// Monitors whose memory cannot be read, with why.
    unreadable: Vec<String>,
}

/// One network, as the monitor of authority remembers it.
#[derive(Serialize)]
struct NetworkPart {
    name: String,
    monitor: String,
    block: String,
    at: When,
    drifts: Vec<Drift>,
    accepted: Vec<Drift>,
    drifts_more: usize,
    principals: Vec<Principal>,
    principals_more: usize,
    /// Contracts whose role holders are not all known.
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct Drift {
    severity: &'static str,
    class: &'static str,
    title: String,
    power: String,
    since: When,
    since_block: Option<String>,
    accepted: Option<String>,
    repairs: Vec<Mend>,
}

/// An unsigned transaction.
#[derive(Serialize)]
struct Mend {
    from: String,
    to: String,
    to_address: String,
    method: String,
    data: String,
    explanation: String,
}

#[derive(Serialize)]
struct Principal {
    name: String,
    address: String,
    short: String,
    url: Option<String>,
    kind: &'static str,
    power: String,
    ways: Vec<Way>,
    ways_more: usize,
}

#[derive(Serialize)]
struct Way {
    can: String,
    contract: String,
    path: String,
    needs: String,
}

/// `GET /authority`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let info = site.info();
    let asked = info.clone();
    let read = site.read(move |store| read(store, &asked)).await?;
    let now = words::seconds(site.now());
    let (mut networks, mut unreadable) = (Vec::new(), Vec::new());
    for (network, all) in read {
        unreadable.extend(
            all.unreadable
                .iter()
                .map(|of| format!("{} on {network}: {}", of.monitor, words::clean(&of.why))),
        );
        networks.extend(all.known.into_iter().map(|one| part(network.clone(), one, &info, now)));
    }
    let page = Page {
        page: "authority",
        has_policy: info.registry.authority().policy.is_some(),
        networks,
        unreadable,
    };
    layout::render(&site, &info, "authority.html", page)
}

fn read(store: &Store, info: &SiteInfo) -> Result<Vec<(Name, AllWatched)>, StoreError> {
    let of_network = |network: &NetworkInfo| {
        let (registry, monitors) = (&info.registry, &info.monitors);
        let all = watched(store, registry, monitors, &network.name, Some(network.chain_id))?;
        Ok((network.name.clone(), all))
    };
    info.networks.iter().map(of_network).collect()
}

fn part(network: Name, read: Watched, info: &SiteInfo, now: UnixSeconds) -> NetworkPart {
    let Watched { monitor, at, remembered: found } = read;
    let (registry, declared) = (&info.registry, info.registry.authority());
    let graph = Graph::new(&found.observed, registry, declared);
    let items =
        drift(std::slice::from_ref(&found.observed), registry, declared, now, &found.history);
    let (accepted, open): (Vec<DriftItem>, Vec<DriftItem>) =
        items.into_iter().partition(|item| item.accepted.is_some());
    let powers = graph.powers();
    let unknown = found.observed.contracts.iter().filter_map(|(contract, held)| {
        let deployment = registry.at(&network, *contract)?;
        let block = unknown_before(held, &deployment.abi)?;
        Some(format!("{} before block {}", deployment.label, words::grouped(block)))
    });
    NetworkPart {
        name: network.to_string(),
        monitor: monitor.to_string(),
        block: words::grouped(at.block),
        at: When::new(at.at, now),
        drifts_more: open.len().saturating_sub(DRIFTS_SHOWN_MAX),
        drifts: open.iter().take(DRIFTS_SHOWN_MAX).map(|i| Drift::new(i, &graph, now)).collect(),
        accepted: accepted.iter().map(|item| Drift::new(item, &graph, now)).collect(),
        principals_more: powers.len().saturating_sub(PRINCIPALS_SHOWN_MAX),
        principals: powers
            .iter()
            .take(PRINCIPALS_SHOWN_MAX)
            .map(|power| Principal::new(power, &graph, info, &network))
            .collect(),
        unknown: unknown.collect(),
    }
}

impl Drift {
    fn new(item: &DriftItem, graph: &Graph, now: UnixSeconds) -> Self {
        Self {
            severity: item.severity.as_str(),
            class: item.key.class.as_str(),
            title: words::clean(&item.title),
            power: format!("{:.0}", item.power),
            since: When::new(item.since.at, now),
            since_block: item.since.block.map(words::grouped),
            accepted: item.accepted.as_deref().map(words::clean),
            repairs: item.repairs.iter().map(|repair| Mend::new(repair, graph)).collect(),
        }
    }
}

impl Mend {
    fn new(repair: &Repair, graph: &Graph) -> Self {
        let name = |address: Address| words::clean(&graph.name(address));
        Self {
            from: repair.from.map_or_else(|| "whoever the contract lets".to_owned(), name),
            to: name(repair.to),
            to_address: repair.to.to_string(),
            method: repair.method.clone(),
            data: repair.data.to_string(),
            explanation: words::clean(&repair.explanation),
        }
    }
}

impl Principal {
    fn new(power: &PowerOf, graph: &Graph, info: &SiteInfo, network: &Name) -> Self {
        let address = power.principal.to_string();
        let node = graph.get(power.principal);
        let name = node.map_or_else(|| address.clone(), |node| node.words());
        Self {
            name: words::clean(&name),
            short: words::short(&address),
            url: info.explorer(network).map(|explorer| explorer.address(power.principal)),
            address,
            kind: node.map_or("unknown", |node| node.kind.as_str()),
            power: format!("{:.1}", power.power),
            ways: power.can.iter().take(WAYS_SHOWN_MAX).map(|way| Way::new(way, graph)).collect(),
            ways_more: power.can.len().saturating_sub(WAYS_SHOWN_MAX),
        }
    }
}

impl Way {
    fn new(way: &Effective, graph: &Graph) -> Self {
        let delay = match way.path.delay_s {
            0 => "at once".to_owned(),
            delay_s => format!("after {}", FactValue::Seconds(delay_s)),
        };
        let signatures = words::counted(way.path.signatures, "signature");
        Self {
            can: way.capability.as_str().to_owned(),
            contract: words::clean(&graph.name(way.contract)),
            path: words::clean(&way.path.words(graph)),
            needs: format!("{signatures}, {delay}"),
        }
    }
}
