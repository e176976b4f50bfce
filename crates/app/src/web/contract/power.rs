//! Who holds power over it, and over whom it does.

use model::{Name, UnixSeconds};
use registry::authority::DriftItem;
use serde::Serialize;

use super::{super::layout::When, Party};
use crate::{dossier, words};

#[derive(Serialize)]
pub(super) struct Power {
    monitor: String,
    block: String,
    at: When,
    roles: Vec<Held>,
    ways: Vec<Way>,
    holds: Vec<Held>,
    more: usize,
    unknown_before: Option<String>,
    has_policy: bool,
    drifts: Vec<Drift>,
    accepted: Vec<Drift>,
}

#[derive(Serialize)]
struct Held {
    role: String,
    other: Party,
    kind: &'static str,
    words: String,
    since: Option<When>,
    can: String,
    functions: Vec<String>,
    functions_more: usize,
}

#[derive(Serialize)]
struct Way {
    can: &'static str,
    principal: Party,
    path: String,
    needs: String,
}

#[derive(Serialize)]
struct Drift {
    severity: &'static str,
    class: &'static str,
    title: String,
    since: When,
    age: String,
    accepted: Option<String>,
    repairs: Vec<String>,
}

impl Power {
    pub(super) fn new(power: &dossier::Power, network: &Name, now: UnixSeconds) -> Self {
        let held = |of: &dossier::Held| Held {
            role: words::clean(&of.role),
            other: Party::new(&of.other, network),
            kind: of.kind,
            words: words::clean(&of.words),
            since: of.since.map(|since| When::new(since.at, now)),
            can: of.can.join(", "),
            functions: of.functions.clone(),
            functions_more: of.functions_more,
        };
        let drift = |item: &DriftItem| Drift {
            severity: item.severity.as_str(),
            class: item.key.class.as_str(),
            title: words::clean(&item.title),
            since: When::new(item.since.at, now),
            age: words::span(item.age_s),
            accepted: item.accepted.as_deref().map(words::clean),
            repairs: item.repairs.iter().map(|r| words::clean(&r.explanation)).collect(),
        };
        Self {
            monitor: power.monitor.to_string(),
            block: words::grouped(power.at.block),
            at: When::new(power.at.at, now),
            roles: power.roles.iter().map(held).collect(),
            ways: power.ways.iter().map(|way| Way::new(way, network)).collect(),
            holds: power.holds.iter().map(held).collect(),
            more: power.more,
            unknown_before: power.unknown_before.map(words::grouped),
            has_policy: power.drifts.is_some(),
            drifts: power.drifts.iter().flatten().map(drift).collect(),
            accepted: power.accepted.iter().map(drift).collect(),
        }
    }
}

impl Way {
    fn new(way: &dossier::Way, network: &Name) -> Self {
        let delay = match way.delay_s {
            0 => "at once".to_owned(),
            delay_s => format!("after {}", words::span(delay_s)),
        };
        let signatures = words::counted(way.signatures, "signature");
        Self {
            can: way.can,
            principal: Party::new(&way.principal, network),
            path: words::clean(&way.path),
            needs: format!("{signatures}, {delay}"),
        }
    }
}
