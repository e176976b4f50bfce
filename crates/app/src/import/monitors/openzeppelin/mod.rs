//! OpenZeppelin Monitor: its folder of JSON files.
//!
//! ```text
//! networks/*.json   one network each         monitors/*.json   one monitor each
//! triggers/*.json   a map from key to trigger, several each
//! ```
//!
//! Monitors name networks by slug and triggers by key; names are compared without case and without
//! spaces around them.

mod files; //    the shapes of its files
mod receiver; // triggers
pub(crate) mod reference; // how it matches, to compare with

use std::{collections::BTreeMap, sync::Arc};

use model::{Name, Severity};
use registry::ContractAbi;

use self::files::{Monitor, Network, Triggers};
use super::{
    assemble::assemble,
    draft::{Draft, Existing, variable},
    expression::Dialect,
    message::{Flavour, Template},
    rule::{Abi, Calls, Condition, Place, Rule, Status, TransactionCondition},
};
use crate::{import::Import, init::slug};

/// The texts of its folder, by path relative to it.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// `networks/*.json`
    pub networks: BTreeMap<String, String>,
    /// `monitors/*.json`
    pub monitors: BTreeMap<String, String>,
    /// `triggers/*.json`
    pub triggers: BTreeMap<String, String>,
    /// Blocks it processed last, by network slug: `data/SLUG_last_block.txt`.
    pub last_blocks: BTreeMap<String, u64>,
}

/// What was taken, with the rules as they were there.
#[derive(Debug)]
pub struct Taken {
    /// Our files and the report.
    pub import: Import,
    /// The rules, for comparing.
    pub(crate) rules: Vec<Rule>,
    /// Which rule each of our monitors comes from.
    pub(crate) origins: BTreeMap<Name, String>,
    /// The chain of each of our networks that rules are on.
    pub(crate) chains: Vec<(Name, u64)>,
}

/// Severity of its monitors, which have none.
const SEVERITY: Severity = Severity::Medium;

/// Takes over a folder.
pub fn take(folder: &Folder, name: &str, existing: Existing) -> Taken {
    let mut draft = Draft::new(name, existing);
    let networks = networks(folder, &mut draft);
    let receivers = triggers(folder, &mut draft);
    let mut rules: Vec<Rule> = Vec::new();
    for (path, text) in &folder.monitors {
        let monitor: Monitor = match files::read(text) {
            Ok(monitor) => monitor,
            Err(why) => {
                draft.report.leave(path, format!("it cannot be read: {why}"));
                continue;
            }
        };
        if rules.iter().any(|known| normal(&known.name) == normal(&monitor.name)) {
            let why = format!("another monitor is called {:?}; it would not start", monitor.name);
            draft.report.leave(path, why);
            continue;
        }
        rules.extend(rule(path, &monitor, &networks, &receivers, &mut draft));
    }
    assemble(&mut draft, &rules);
    let origins = draft.origins();
    let chains = networks.into_values().collect();
    Taken { import: draft.finish(), rules, origins, chains }
}

/// Names are compared so.
fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Our networks and their chains, by slug.
fn networks(folder: &Folder, draft: &mut Draft) -> BTreeMap<String, (Name, u64)> {
    let mut taken = BTreeMap::new();
    for (path, text) in &folder.networks {
        let network: Network = match files::read(text) {
            Ok(network) => network,
            Err(why) => {
                draft.report.leave(path, format!("it cannot be read: {why}"));
                continue;
            }
        };
        let what = format!("network {}", network.slug);
        if !network.network_type.eq_ignore_ascii_case("EVM") {
            let why =
                format!("{} is no EVM chain, and only those are watched", network.network_type);
            draft.report.leave(what, why);
            continue;
        }
        let Some(chain_id) = network.chain_id else {
            draft.report.leave(what, "it has no chain_id, which an EVM network needs");
            continue;
        };
        let name = draft.network(&slug(&normal(&network.slug)), chain_id);
        let last_block = folder.last_blocks.get(&normal(&network.slug)).copied();
        declare(&network, &name, last_block, draft);
        draft.report.take(format!("{what} ({})", network.name), format!("networks/{name}.toml"));
        taken.insert(normal(&network.slug), (name, chain_id));
    }
    taken
}

fn declare(network: &Network, name: &Name, last_block: Option<u64>, draft: &mut Draft) {
    let what = format!("network {}", network.slug);
    let mut variables = Vec::new();
    for (at, endpoint) in network.rpc_urls.iter().enumerate() {
        let what = format!("{what}, rpc_urls[{at}]");
        if endpoint.kind != "rpc" {
            let why = format!(
                "{:?} is not used for EVM networks there; ws_url may be set here",
                endpoint.kind
            );
            draft.report.leave(what, why);
            continue;
        }
        if endpoint.weight == 0 {
            draft.report.leave(what, "its weight is 0: it is never asked there");
            continue;
        }
        let number = if at == 0 { String::new() } else { (at + 1).to_string() };
        let wanted = variable(&["rpc", name.as_str(), &number]);
        variables.push(receiver::secret(&endpoint.url, &what, &wanted, draft));
    }
    let Some(new) = draft.new_network(name) else { return };
    if new.endpoints.is_empty() {
        new.finality = Some(match network.confirmation_blocks {
            0 => "latest".to_owned(),
            blocks => format!("{blocks} blocks"),
        });
        new.start = last_block.map(|last| last + 1);
        new.endpoints = variables;
    }
    if new.endpoints.is_empty() {
        let wanted = variable(&["rpc", name.as_str()]);
        new.endpoints.push(wanted.clone());
        draft.report.ask(format!("set {wanted} to the RPC URL of {name}: no endpoint was taken"));
    }
    if network.confirmation_blocks > 0 {
        draft.report.differ(
            &what,
            format!(
                "there a block is looked at when {} more are on top of it; here at once, and what it brought is confirmed after as many, or retracted",
                network.confirmation_blocks
            ),
        );
    }
    draft.report.differ(
        &what,
        format!(
            "there blocks are fetched by the clock ({}); here as they come",
            network.cron_schedule
        ),
    );
    if network.max_past_blocks.as_ref().is_some_and(serde_json::Value::is_number) {
        let why = "there max_past_blocks skips older blocks after a pause without a word; here every block is judged";
        draft.report.differ(what, why);
    }
}

/// What a trigger is here: its receiver, if it has one, and its template.
struct Told {
    receiver: Option<Name>,
    template: Option<Template>,
}

fn triggers(folder: &Folder, draft: &mut Draft) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::new();
    for (path, text) in &folder.triggers {
        let triggers: Triggers = match files::read(text) {
            Ok(triggers) => triggers,
            Err(why) => {
                draft.report.leave(path, format!("it cannot be read: {why}"));
                continue;
            }
        };
        for (key, trigger) in &triggers {
            let what = format!("trigger {key}");
            if told.contains_key(&normal(key)) {
                draft.report.leave(what, "another trigger has the same key");
                continue;
            }
            let template = receiver::template(&trigger.config);
            let receiver = receiver::take(key, trigger, draft);
            told.insert(normal(key), Told { receiver, template });
        }
    }
    told
}

fn rule(
    path: &str,
    monitor: &Monitor,
    networks: &BTreeMap<String, (Name, u64)>,
    receivers: &BTreeMap<String, Told>,
    draft: &mut Draft,
) -> Option<Rule> {
    let what = format!("monitor {:?}", monitor.name);
    let mut on = Vec::new();
    for slug in &monitor.networks {
        match networks.get(&normal(slug)) {
            Some((name, _)) if !on.contains(name) => on.push(name.clone()),
            Some(_) => {}
            None => draft.report.leave(format!("{what} on {slug}"), "that network was not taken"),
        }
    }
    if on.is_empty() {
        draft.report.leave(what, "none of its networks was taken");
        return None;
    }
    let mut places = Vec::new();
    for listed in &monitor.addresses {
        let Ok(address) = listed.address.trim().to_lowercase().parse() else {
            let why = format!("{:?} is no EVM address", listed.address);
            draft.report.leave(&what, why);
            continue;
        };
        let abi = abi(listed.contract_spec.as_ref(), &format!("{what}, {address}"), draft);
        for network in &on {
            places.push(Place { network: network.clone(), address, abi: abi.clone(), name: None });
        }
    }
    if monitor.addresses.is_empty() {
        let why = "it lists no address: there an empty list never matches anything; list what it should watch";
        draft.report.leave(what, why);
        return None;
    }
    for script in &monitor.trigger_conditions {
        let why = format!(
            "its filter script {} is not run: what it lets through and what it drops has to be said in `when`; until then the monitor tells more",
            script.script_path
        );
        draft.report.leave(format!("{what}, filter"), why);
    }
    let (mut told, mut message) = (Vec::new(), None);
    for key in &monitor.triggers {
        let Some(trigger) = receivers.get(&normal(key)) else {
            draft.report.leave(format!("{what}, trigger {key}"), "there is no such trigger");
            continue;
        };
        told.extend(trigger.receiver.clone().filter(|name| !told.contains(name)));
        match (&message, &trigger.template) {
            (None, Some(template)) => message = Some(template.clone()),
            (Some(first), Some(other)) if first != other => {
                let why = "its triggers have different messages; ours has the first one's for all";
                draft.report.differ(&what, why);
            }
            _ => {}
        }
    }
    draft.report.differ(
        "every monitor",
        format!("monitors there have no severity; ours say {SEVERITY}: choose what fits"),
    );
    let conditions = |list: &[files::Signature]| -> Vec<Condition> {
        let said =
            |expression: &Option<String>| expression.clone().filter(|text| !text.trim().is_empty());
        list.iter()
            .map(|of| Condition {
                signature: of.signature.clone(),
                expression: said(&of.expression),
            })
            .collect()
    };
    let mut transactions = Vec::new();
    for of in &monitor.match_conditions.transactions {
        let status = match of.status.as_str() {
            "Any" => Status::Any,
            "Success" => Status::Success,
            "Failure" => Status::Failure,
            other => {
                let why = format!(
                    "unknown status {other:?} (one of: Any, Success, Failure); it would not start"
                );
                draft.report.leave(what, why);
                return None;
            }
        };
        let expression = of.expression.clone().filter(|text| !text.trim().is_empty());
        transactions.push(TransactionCondition { status, expression });
    }
    Some(Rule {
        name: monitor.name.clone(),
        origin: format!("{:?} of OpenZeppelin Monitor ({path}).", monitor.name),
        dialect: Dialect::OpenZeppelin,
        places,
        events: conditions(&monitor.match_conditions.events),
        functions: conditions(&monitor.match_conditions.functions),
        transactions,
        calls: Calls::Outermost,
        severity: SEVERITY,
        message,
        is_paused: monitor.paused,
        receivers: told,
    })
}

/// The ABI that stands beside an address.
fn abi(spec: Option<&serde_json::Value>, what: &str, draft: &mut Draft) -> Option<Arc<Abi>> {
    let spec = spec.filter(|spec| !spec.is_null())?;
    let json = format!("{spec:#}\n");
    match ContractAbi::from_json(&json) {
        Ok(read) => Some(Arc::new(Abi { json, read: Arc::new(read) })),
        Err(why) => {
            draft.report.leave(format!("{what}, contract_spec"), why.to_string());
            None
        }
    }
}

/// The message of a trigger as a template.
fn template(title: &str, body: &str) -> Option<Template> {
    let text = match (title.trim(), body.trim()) {
        ("", "") => return None,
        ("", body) => body.to_owned(),
        (title, "") => title.to_owned(),
        (title, body) => format!("{title}: {body}"),
    };
    Some(Template { text, flavour: Flavour::Dollar })
}

#[cfg(test)]
mod tests;
