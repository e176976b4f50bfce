//! Tenderly: alerts as its API gives them.
//!
//! An alert is a list of expressions that must all hold of one transaction. Its public documentation
//! does not spell the fields of all of them; those that are certain are taken, the others are told.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use model::{Name, Severity};
use registry::{EventAbi, Param};
use serde_json::Value;

use super::{
    assemble::add,
    draft::{Draft, Existing, Monitor, Subject, variable},
    expression::{Dialect, Scope, parse, translate},
    known_events::KnownEvents,
    value::{has, items, text},
};
use crate::{
    import::Import,
    init::{chain_name, slug},
};

/// Takes over alerts: one, an array of them, or the API's answer. An alert without a network is
/// taken on the chain `chain_id`.
///
/// # Errors
/// When the text is not JSON or holds no alert.
pub fn take(
    json: &str,
    name: &str,
    chain_id: u64,
    known: &KnownEvents,
    existing: Existing,
) -> Result<Import, String> {
    let whole: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let alerts: Vec<&Value> = match &whole {
        Value::Array(alerts) => alerts.iter().collect(),
        object if has(object, "alerts") => items(object, "alerts"),
        object if has(object, "alert") => items(object, "alert"),
        object => vec![object],
    };
    if !alerts.iter().any(|alert| has(alert, "expressions")) {
        return Err("it holds no alert of Tenderly: nothing has expressions".to_owned());
    }
    let mut draft = Draft::new(name, existing);
    for alert in alerts {
        Alert { alert, known, chain_id, draft: &mut draft }.take();
    }
    Ok(draft.finish())
}

/// One alert on its way.
struct Alert<'a> {
    alert: &'a Value,
    known: &'a KnownEvents,
    chain_id: u64,
    draft: &'a mut Draft,
}

/// The parts of an alert that were understood.
#[derive(Default)]
struct Parts<'v> {
    address: Option<Address>,
    is_direct: bool,
    log: Option<&'v Value>,
    when: Vec<String>,
}

impl Alert<'_> {
    fn take(self) {
        let name = text(self.alert, "name").unwrap_or("unnamed").to_owned();
        let what = format!("alert {name:?}");
        if has(self.alert, "delivery_channels") {
            let why = "the API gives their ids alone; say receivers and routes in routes.toml";
            self.draft.report.leave(format!("{what}, delivery channels"), why);
        }
        let mut chain_id = self.chain_id;
        let mut parts = Parts::default();
        for of in items(self.alert, "expressions") {
            let kind = text(of, "type").unwrap_or_default();
            let inner = of.get("expression").unwrap_or(&Value::Null);
            if kind == "network" {
                let written = inner.get("network_id");
                let id = written.and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
                match id {
                    Some(id) => chain_id = id,
                    None => return self.draft.report.leave(what, "its network has no chain id"),
                }
                continue;
            }
            // All expressions must hold: without one of them, the alert would mean something else.
            if let Err(why) = understand(kind, inner, &mut parts) {
                return self.draft.report.leave(format!("{what}, {kind}"), why);
            }
        }
        let network = self.draft.network(&chain_name(chain_id), chain_id);
        let wanted = variable(&["rpc", network.as_str()]);
        if let Some(new) = self.draft.new_network(&network)
            && new.endpoints.is_empty()
        {
            new.endpoints.push(wanted.clone());
            self.draft.report.ask(format!("set {wanted} to an RPC URL of {network}"));
        }
        self.settle(&name, &what, &network, parts);
    }

    fn settle(self, name: &str, what: &str, network: &Name, mut parts: Parts<'_>) {
        let mut on: Vec<usize> = Vec::new();
        let mut subject = Subject::Transaction;
        if let Some(log) = parts.log {
            match self.log(log, &mut parts.when) {
                Ok(event) => subject = Subject::Event(event),
                Err(why) => return self.draft.report.leave(what, why),
            }
            if let Some(address) = parts.address {
                parts.when.push(format!("tx.to == {address}"));
            }
        } else if let Some(address) = parts.address {
            if parts.is_direct {
                parts.when.push(format!("tx.to == {address}"));
            } else {
                on.push(self.draft.guard(network, address, None, &[]));
                self.draft.report.differ(
                    what,
                    "there any call of the address counts, also from inside other transactions; here a transaction that it sends, is called by, or emits a log in",
                );
            }
        }
        if subject == Subject::Transaction && on.is_empty() && parts.when.is_empty() {
            return self.draft.report.leave(what, "every transaction of the network would match");
        }
        let on: Vec<Name> =
            on.iter().map(|&at| self.draft.deployments[at].deployment.label.clone()).collect();
        let severity = match text(self.alert, "severity") {
            Some("critical" | "danger") => Severity::Critical,
            Some("warning") => Severity::Medium,
            Some("info" | "good") => Severity::Info,
            _ => Severity::Medium,
        };
        let ours = slug(name);
        let monitor = Monitor {
            file: ours.clone(),
            name: ours,
            rule: name.to_owned(),
            origin: format!("{name:?} of Tenderly."),
            networks: if on.is_empty() { vec![network.clone()] } else { Vec::new() },
            on,
            subject,
            when: (!parts.when.is_empty()).then(|| parts.when.join(" && ")),
            say: None,
            severity,
            is_paused: self.alert.get("enabled").and_then(Value::as_bool) == Some(false),
            receivers: Vec::new(),
            notes: Vec::new(),
        };
        add(self.draft, what, monitor);
    }

    /// The event that a log expression means, in full; what else it asks goes to `when`.
    fn log(&self, log: &Value, when: &mut Vec<String>) -> Result<String, String> {
        let topic = text(log, "event_id").and_then(|id| id.parse::<B256>().ok());
        let event = topic.and_then(|topic| self.known.by_topic(topic)).ok_or_else(|| {
            format!(
                "no ABI that came along has the event {} ({}); give one with --abi FILE",
                text(log, "event_name").unwrap_or("without name"),
                text(log, "event_id").unwrap_or("without event_id")
            )
        })?;
        for condition in items(log, "parameter_conditions") {
            when.push(parameter(condition, event)?);
        }
        let is_any = log.get("match_any").and_then(Value::as_bool) == Some(true);
        match text(log, "address").map(str::parse::<Address>) {
            Some(Ok(address)) if !is_any => when.push(format!("log.address == {address}")),
            _ if is_any
                && log.get("match_non_project_contracts").and_then(Value::as_bool) != Some(true) =>
            {
                return Err("it means every contract of the Tenderly project, which the file does not list; put them into deployments/ and name them in `on`".to_owned());
            }
            _ => {}
        }
        Ok(event.to_string())
    }
}

/// Takes one expression into the parts.
fn understand<'v>(kind: &str, inner: &'v Value, parts: &mut Parts<'v>) -> Result<(), String> {
    match kind {
        "contract_address" => {
            let address = text(inner, "address").and_then(|address| address.parse().ok());
            parts.address = Some(address.ok_or("its address is none")?);
            match text(inner, "transaction_type") {
                Some("internal") => {
                    return Err("calls from inside other transactions alone cannot be asked for; say call = \"…\" and call.depth > 0".to_owned());
                }
                kind => parts.is_direct = kind == Some("direct"),
            }
        }
        "tx_status" => match inner.get("transaction_success").and_then(Value::as_bool) {
            Some(true) => parts.when.push("tx.status == success".to_owned()),
            Some(false) => parts.when.push("tx.status == failed".to_owned()),
            None => {}
        },
        "tx_value" => {
            let value = text(inner, "transaction_value").ok_or("it has no transaction_value")?;
            let operator = text(inner, "operator").unwrap_or("==");
            let is_known = matches!(operator, ">" | ">=" | "<" | "<=" | "==" | "!=");
            let is_number = value.bytes().all(|b| b.is_ascii_digit());
            if !(is_known && is_number) {
                return Err(format!("{operator} {value:?} is no comparison with an amount of wei"));
            }
            parts.when.push(format!("tx.value {operator} {value}"));
        }
        "emitted_log" if parts.log.is_none() => parts.log = Some(inner),
        "emitted_log" => {
            return Err("two events in one transaction cannot be asked for in one monitor".to_owned());
        }
        "method_call" => {
            return Err("it names the function by the line of its source, which the file does not hold; say call = \"name\"".to_owned());
        }
        "whitelisted_caller_addresses" | "blacklisted_caller_addresses" => {
            return Err("documentation and behaviour there do not agree whether it means the listed senders or all others; say tx.from in [ … ] or tx.from not in [ … ]".to_owned());
        }
        "state_change" => {
            return Err("state variables are not followed by name; change/parameter_update finds settings that events announce".to_owned());
        }
        "eth_balance" => {
            return Err("balances are no condition here; liquidity/outflow_exceeds_share watches what leaves".to_owned());
        }
        other => return Err(format!("the expression {other:?} is not known")),
    }
    Ok(())
}

/// `wad >= 1000` about an event's parameter.
fn parameter(condition: &Value, event: &Arc<EventAbi>) -> Result<String, String> {
    let name = text(condition, "parameter_name").ok_or("a parameter condition names none")?;
    let operator = text(condition, "operator").unwrap_or("==");
    let value = condition.get("comparison_value").unwrap_or(&Value::Null);
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let params: &[Param] = &event.params;
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let value = if plain { value } else { format!("'{}'", value.replace(['\'', '\\'], "")) };
    let source = format!("{name} {operator} {value}");
    let scope = Scope { dialect: Dialect::Defender, theirs: Some(params), ours: params };
    // A value that begins with a letter is a text to compare with, not another parameter.
    let is_word = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(value.as_str(), "true" | "false");
    let source = if is_word { format!("{name} {operator} '{value}'") } else { source };
    parse(&source, Dialect::Defender)
        .and_then(|expr| translate(&expr, scope, &mut Vec::new()))
        .map_err(|mistake| mistake.render(&source))
}
