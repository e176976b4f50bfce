//! Everything about one address.

mod sections; // what it is, its life, power over it, coverage, threats, changes

use model::Name;
use serde::Serialize;

use super::{Alert, Deployment};
use crate::{
    dossier::{self, Entry, EventEntry, Watch},
    web::SiteInfo,
};

pub use sections::{
    Change, CodeSince, Covered, Creator, Delegate, Dependency, Drift, Facet, Gap, Held, Identity,
    Life, OpenCell, Party, Power, Threatened, Trait, Unknown, Way,
};

/// Everything about one address. A section that is `null` is in `unknown` with its reason.
#[derive(Debug, Serialize)]
pub struct Dossier {
    /// Network.
    pub network: String,
    /// Address, checksummed.
    pub address: String,
    /// Whether somebody guards it.
    pub is_guarded: bool,
    /// What was declared; `null` when nobody guards it.
    pub deployment: Option<Deployment>,
    /// What label sets say.
    pub known_as: Vec<KnownAs>,
    /// Functions that can change its state.
    pub entries: Vec<Function>,
    /// How many functions only read.
    pub views: usize,
    /// Events.
    pub events: Vec<Event>,
    /// Monitors on it.
    pub monitors: Vec<Watcher>,
    /// Newest blocks that `monitors` and `blocks_not_judged` look back over; 0 before the first.
    pub blocks_looked_at: u64,
    /// Of those, blocks that nobody judged.
    pub blocks_not_judged: u64,
    /// Alerts about it, newest first; `null` when there is no store yet.
    pub alerts: Option<Vec<Alert>>,
    /// What it shows itself to be.
    pub identity: Option<Identity>,
    /// Where in its life it is, and what it was before.
    pub life: Option<Life>,
    /// Who holds power over it, and over whom it does.
    pub power: Option<Power>,
    /// What it relies on; empty: none found yet.
    pub dependencies: Vec<Dependency>,
    /// Our contracts that rely on it; `null` when it is no dependency that is watched.
    pub relied_on_by: Option<Vec<String>>,
    /// How well it is watched, and what is missing.
    pub coverage: Option<Covered>,
    /// Threats that name it, worst first.
    pub threats: Option<Vec<Threatened>>,
    /// Upgrades, changes of roles and settings, stages of its life; newest first.
    pub changes: Option<Vec<Change>>,
    /// Sections that know nothing, with why and what would change it.
    pub unknown: Vec<Unknown>,
}

/// A label.
#[derive(Debug, Serialize)]
pub struct KnownAs {
    /// Kind of label.
    pub category: String,
    /// What the list calls it; empty when it gives no name.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// How far the source is believed, 0 to 100.
    pub confidence_percent: u8,
}

/// A function that can change state.
#[derive(Debug, Serialize)]
pub struct Function {
    /// Canonical.
    pub signature: String,
    /// First four bytes of its calldata.
    pub selector: String,
    /// Whether native value may come with the call.
    pub is_payable: bool,
    /// Monitors over calls of this very function.
    pub monitors: Vec<String>,
}

/// An event.
#[derive(Debug, Serialize)]
pub struct Event {
    /// Canonical.
    pub signature: String,
    /// First topic; `null` when it is anonymous.
    pub topic0: Option<String>,
    /// The standard whose risk event it is.
    pub risk_of: Option<&'static str>,
    /// Monitors over this very event.
    pub monitors: Vec<String>,
}

/// A monitor.
#[derive(Debug, Serialize)]
pub struct Watcher {
    /// Its name.
    pub monitor: String,
    /// The detector, or the expression in words.
    pub rule: String,
    /// How bad a finding is.
    pub severity: &'static str,
    /// Whether it names the contract, rather than watching everything.
    pub is_named: bool,
    /// Blocks in which it was blind.
    pub blind_blocks: u64,
    /// Why it was blind in the newest of them.
    pub blind_reason: Option<String>,
}

impl Dossier {
    pub(crate) fn new(dossier: &dossier::Dossier, info: &SiteInfo) -> Self {
        let known_as = dossier.known_as.iter().map(|known| KnownAs {
            category: known.category.clone(),
            name: known.name.clone(),
            source: known.source.clone(),
            confidence_percent: known.confidence_percent,
        });
        let history = dossier.history.yes();
        let alerts =
            history.map(|history| history.alerts.iter().map(|a| Alert::new(a, info)).collect());
        let contradicts = |identity: &dossier::Identity| {
            dossier.deployment.as_ref().is_some_and(|d| identity.contradicts(d))
        };
        let threats = dossier.threats.yes();
        Self {
            network: dossier.network.to_string(),
            address: dossier.address.to_string(),
            is_guarded: dossier.deployment.is_some(),
            deployment: dossier.deployment.as_ref().map(|d| Deployment::new(d, info)),
            known_as: known_as.collect(),
            entries: dossier.interface.entries.iter().map(Function::new).collect(),
            views: dossier.interface.views,
            events: dossier.interface.events.iter().map(Event::new).collect(),
            monitors: dossier.watching.monitors.iter().map(Watcher::new).collect(),
            blocks_looked_at: dossier.watching.blocks,
            blocks_not_judged: dossier.watching.not_judged,
            alerts,
            identity: dossier.identity.yes().map(|of| Identity::new(of, contradicts(of))),
            life: dossier.life.yes().map(Life::new),
            power: dossier.power.yes().map(Power::new),
            dependencies: dossier.dependencies.iter().map(Dependency::new).collect(),
            relied_on_by: dossier.relied_on_by.as_deref().map(texts),
            coverage: dossier.covered.yes().map(Covered::new),
            threats: threats.map(|threats| threats.iter().map(Threatened::new).collect()),
            changes: history.map(|history| history.changes.iter().map(Change::new).collect()),
            unknown: dossier.unknown().into_iter().map(Unknown::new).collect(),
        }
    }
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

impl Function {
    fn new(entry: &Entry) -> Self {
        Self {
            signature: entry.signature.clone(),
            selector: hex::encode_prefixed(entry.selector),
            is_payable: entry.is_payable,
            monitors: texts(&entry.monitors),
        }
    }
}

impl Event {
    fn new(event: &EventEntry) -> Self {
        Self {
            signature: event.signature.clone(),
            topic0: event.topic0.map(|topic| topic.to_string()),
            risk_of: event.risk_of,
            monitors: texts(&event.monitors),
        }
    }
}

impl Watcher {
    fn new(watch: &Watch) -> Self {
        Self {
            monitor: watch.monitor.to_string(),
            rule: watch.rule.clone(),
            severity: watch.severity.as_str(),
            is_named: watch.is_named,
            blind_blocks: watch.blind.as_ref().map_or(0, |(blocks, _)| *blocks),
            blind_reason: watch.blind.as_ref().map(|(_, reason)| reason.to_string()),
        }
    }
}
