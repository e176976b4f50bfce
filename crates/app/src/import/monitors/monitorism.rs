//! Monitorism: rules of `global_events` and configurations of `transaction_monitor`, both YAML.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use model::{Name, Severity};
use registry::{ContractAbi, EventAbi};
use serde_json::Value;

use super::{
    assemble::{add, assemble},
    draft::{Draft, Existing, Monitor, Subject, variable},
    expression::Dialect,
    known_events::{KnownEvents, abi_json},
    rule::{Abi, Calls, Condition, Place, Rule},
    value::{has, items, text, yaml},
};
use crate::{
    import::Import,
    init::{chain_name, slug},
};

/// Takes over one file. Its rules do not say on which chain they hold; `chain_id` does.
///
/// # Errors
/// When it is not YAML, or neither kind of file.
pub fn take(
    source: &str,
    name: &str,
    chain_id: u64,
    known: &KnownEvents,
    existing: Existing,
) -> Result<Import, String> {
    let whole = yaml(source)?;
    let mut draft = Draft::new(name, existing);
    let network = draft.network(&chain_name(chain_id), chain_id);
    let wanted = variable(&["rpc", network.as_str()]);
    if let Some(new) = draft.new_network(&network) {
        new.endpoints.push(wanted.clone());
        draft.report.ask(format!("set {wanted} to an RPC URL of {network}"));
    }
    if has(&whole, "watch_configs") {
        watches(&whole, &network, &mut draft);
    } else {
        let rules: Vec<&Value> = match &whole {
            Value::Array(rules) => rules.iter().collect(),
            one if has(one, "configuration") => items(one, "configuration"),
            one => vec![one],
        };
        if !rules.iter().any(|rule| has(rule, "events")) {
            return Err("it has neither `events` nor `watch_configs`, so it is no configuration of Monitorism that watches transactions".to_owned());
        }
        for rule in rules {
            events(rule, &network, known, &mut draft);
        }
    }
    Ok(draft.finish())
}

/// P0 wakes people there, P5 is a note.
fn severity(priority: Option<&str>) -> Severity {
    match priority.map(|word| word.trim().to_ascii_uppercase()).as_deref() {
        Some("P0") => Severity::Critical,
        Some("P1") => Severity::High,
        Some("P3") => Severity::Low,
        Some("P4" | "P5") => Severity::Info,
        _ => Severity::Medium,
    }
}

fn events(rule: &Value, network: &Name, known: &KnownEvents, draft: &mut Draft) {
    let name = text(rule, "name").unwrap_or("unnamed").to_owned();
    let what = format!("rule {name:?}");
    let priority = text(rule, "priority");
    let mut found: Vec<Arc<EventAbi>> = Vec::new();
    for event in items(rule, "events") {
        let signature = text(event, "signature").unwrap_or_default();
        let what = format!("{what}, event {signature}");
        if has(event, "topics") {
            let why = "topics are read there and never used: every such event matches, here too; say them in `when`";
            draft.report.differ(&what, why);
        }
        match known.by_signature(signature) {
            Some(event) => found.push(event.clone()),
            None => draft.report.leave(
                what,
                "the signature does not say which arguments are indexed, and without that its logs cannot be read; give an ABI that has it with --abi FILE",
            ),
        }
    }
    if found.is_empty() {
        return draft.report.leave(what, "none of its events was taken");
    }
    let severity = severity(priority);
    let origin = format!("{name:?} of Monitorism (global_events).");
    let addresses = addresses(rule, &what, draft);
    if addresses.is_empty() {
        // No address means every address there.
        for event in found {
            let ours = slug(&format!("{name}-{}", event.name));
            let monitor = Monitor {
                file: ours.clone(),
                name: ours,
                rule: name.clone(),
                origin: origin.clone(),
                on: Vec::new(),
                networks: vec![network.clone()],
                subject: Subject::Event(event.to_string()),
                when: None,
                say: None,
                severity,
                is_paused: false,
                receivers: Vec::new(),
                notes: Vec::new(),
            };
            add(draft, &format!("{what}, event {}", event.signature), monitor);
        }
        return;
    }
    let json = abi_json(&found);
    let abi = match ContractAbi::from_json(&json) {
        Ok(read) => Arc::new(Abi { json, read: Arc::new(read) }),
        Err(why) => return draft.report.leave(what, why.to_string()),
    };
    let places = addresses.into_iter().map(|address| Place {
        network: network.clone(),
        address,
        abi: Some(abi.clone()),
        name: None,
    });
    let conditions = found
        .iter()
        .map(|event| Condition { signature: event.signature.clone(), expression: None });
    let rule = Rule {
        name,
        origin,
        dialect: Dialect::Defender,
        places: places.collect(),
        events: conditions.collect(),
        functions: Vec::new(),
        transactions: Vec::new(),
        calls: Calls::Outermost,
        severity,
        message: None,
        is_paused: false,
        receivers: Vec::new(),
    };
    assemble(draft, &[rule]);
}

fn addresses(rule: &Value, what: &str, draft: &mut Draft) -> Vec<Address> {
    let mut found = Vec::new();
    for item in items(rule, "addresses") {
        let written = item.as_str().unwrap_or_default();
        match written.trim().parse::<Address>() {
            Ok(address) if !found.contains(&address) => found.push(address),
            Ok(_) => {}
            Err(_) => draft.report.leave(what, format!("{item} is no address")),
        }
    }
    found
}

/// Accounts that may send to listed addresses alone, and not too much.
fn watches(whole: &Value, network: &Name, draft: &mut Draft) {
    // There, what one account may call, all may.
    let mut allowed: Vec<Address> = Vec::new();
    let configs = items(whole, "watch_configs");
    for config in &configs {
        for filter in items(config, "filters") {
            let params = filter.get("params").unwrap_or(&Value::Null);
            let what = format!("watch {}", text(config, "address").unwrap_or("without address"));
            match text(filter, "type").unwrap_or_default() {
                "exact_match" => match text(params, "match").and_then(|m| m.parse().ok()) {
                    Some(address) if !allowed.contains(&address) => allowed.push(address),
                    Some(_) => {}
                    None => draft.report.leave(what, "an exact_match names no address"),
                },
                "dispute_game" => draft.report.leave(
                    what,
                    "games of a dispute_game factory are allowed there by asking the factory; here their addresses have to be listed, and until then calls of them are told",
                ),
                other => draft.report.leave(what, format!("unknown filter {other:?}")),
            }
        }
    }
    for config in configs {
        let written = text(config, "address").unwrap_or_default();
        let what = format!("watch {written}");
        let Ok(account) = written.parse::<Address>() else {
            draft.report.leave(what, "its address is none");
            continue;
        };
        let short = hex::encode(&account[..4]);
        let from = format!("tx.from == {account}");
        let listed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let stranger = match listed.as_slice() {
            [] => from.clone(),
            listed => format!("{from} && (tx.to == none || tx.to not in [{}])", listed.join(", ")),
        };
        if allowed.len() > 1 {
            draft.report.differ(
                &what,
                "addresses that any watch allows are allowed for all, as there; narrow the list where that is too much",
            );
        }
        let name = format!("unauthorized-{short}");
        transaction(draft, network, &what, &name, stranger, Severity::High);
        let thresholds = config.get("thresholds").and_then(Value::as_object);
        for (to, limit) in thresholds.into_iter().flatten() {
            let what = format!("{what}, threshold of {to}");
            let wei = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            let (Ok(to), Ok(wei)) = (to.parse::<Address>(), wei.trim().parse::<U256>()) else {
                draft.report.leave(what, "it is no address with an amount of wei");
                continue;
            };
            let when = format!("{from} && tx.to == {to} && tx.value > {wei}");
            let name = format!("threshold-{short}-{}", hex::encode(&to[..4]));
            transaction(draft, network, &what, &name, when, Severity::High);
        }
    }
}

/// A monitor of transactions anywhere on the network.
fn transaction(
    draft: &mut Draft,
    network: &Name,
    what: &str,
    name: &str,
    when: String,
    severity: Severity,
) {
    let ours = slug(name);
    let monitor = Monitor {
        file: ours.clone(),
        name: ours,
        rule: what.to_owned(),
        origin: format!("{what} of Monitorism (transaction_monitor)."),
        on: Vec::new(),
        networks: vec![network.clone()],
        subject: Subject::Transaction,
        when: Some(when),
        say: None,
        severity,
        is_paused: false,
        receivers: Vec::new(),
        notes: Vec::new(),
    };
    add(draft, what, monitor);
}
