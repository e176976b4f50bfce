//! The JSON of its API and SDK: one monitor, an array of them, or `{"items": […]}`.

use serde_json::Value;

use super::{abi, calls, network, severity, tell_rest, transaction};
use crate::import::{
    Import,
    monitors::{
        assemble::assemble,
        draft::{Draft, Existing},
        expression::Dialect,
        message::{Flavour, Template},
        rule::{Condition, Place, Rule, Status, TransactionCondition},
        value::{has, items, text},
    },
};

/// Takes over monitors as the API gives them.
///
/// # Errors
/// When the text is not JSON or holds no monitor.
pub fn take(json: &str, name: &str, existing: Existing) -> Result<Import, String> {
    let whole: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let monitors = match &whole {
        Value::Array(monitors) => monitors.iter().collect(),
        object if has(object, "items") => items(object, "items"),
        object => vec![object],
    };
    if !monitors.iter().any(|monitor| has(monitor, "addressRules")) {
        return Err("it holds no monitor of Defender: nothing has addressRules".to_owned());
    }
    let mut draft = Draft::new(name, existing);
    let mut rules = Vec::new();
    for monitor in monitors {
        take_one(monitor, &mut draft, &mut rules);
    }
    assemble(&mut draft, &rules);
    Ok(draft.finish())
}

fn take_one(monitor: &Value, draft: &mut Draft, rules: &mut Vec<Rule>) {
    let name = text(monitor, "name").unwrap_or("unnamed").to_owned();
    let what = format!("monitor {name:?}");
    let kind = text(monitor, "type").unwrap_or("BLOCK");
    if kind != "BLOCK" {
        let why = format!("monitors of type {kind} listen to another service; `import forta` reads its findings");
        return draft.report.leave(what, why);
    }
    let chain = text(monitor, "network").unwrap_or_default();
    let Some(network) = network(chain, &what, draft) else { return };
    let nothing = Value::Null;
    let notify = monitor.get("notifyConfig").unwrap_or(&nothing);
    for channel in items(notify, "notifications") {
        let id = text(channel, "notificationId").unwrap_or("a channel");
        draft.report.leave(
            format!("{what}, notification {id}"),
            "the API's monitors hold its id alone; say receiver and route in routes.toml",
        );
    }
    let address_rules = items(monitor, "addressRules");
    let has_filter =
        address_rules.iter().any(|rule| rule.get("actionCondition").is_some_and(|of| has(of, "actionId")));
    tell_rest(&what, has(monitor, "alertThreshold"), has_filter, has(notify, "actionId"), draft);
    let message = text(notify, "messageBody");
    let message =
        message.map(|text| Template { text: text.to_owned(), flavour: Flavour::Mustache });
    let mut parts = Vec::new();
    for address_rule in address_rules {
        let abi = abi(address_rule.get("abi"), &what, draft);
        let mut places = Vec::new();
        for address in items(address_rule, "addresses") {
            match address.as_str().unwrap_or_default().trim().to_lowercase().parse() {
                Ok(address) => places.push(Place {
                    network: network.clone(),
                    address,
                    abi: abi.clone(),
                    name: None,
                }),
                Err(_) => draft.report.leave(&what, format!("{address} is no address")),
            }
        }
        let conditions = items(address_rule, "conditions");
        if conditions.is_empty() {
            parts.push((places.clone(), nothing.clone()));
        }
        parts.extend(conditions.into_iter().map(|condition| (places.clone(), condition.clone())));
    }
    let is_alone = parts.len() == 1;
    for (at, (places, condition)) in parts.into_iter().enumerate() {
        // Every condition of a rule is an alternative with its own addresses, events and functions.
        let name = if is_alone { name.clone() } else { format!("{name} {}", at + 1) };
        let said = |list: &str, key: &str| -> Vec<Condition> {
            let all = items(&condition, list).into_iter();
            all.filter_map(|of| {
                Some(Condition {
                    signature: text(of, key)?.to_owned(),
                    expression: text(of, "expression").map(str::to_owned),
                })
            })
            .collect()
        };
        let mut transactions = Vec::new();
        for of in items(&condition, "txConditions") {
            let status = match text(of, "status").unwrap_or("any") {
                "success" => Status::Success,
                "failed" => Status::Failure,
                _ => Status::Any,
            };
            let expression = transaction(text(of, "expression")).pop().and_then(|t| t.expression);
            transactions.push(TransactionCondition { status, expression });
        }
        rules.push(Rule {
            origin: format!("{name:?} of Defender (API)."),
            name,
            dialect: Dialect::Defender,
            places,
            events: said("eventConditions", "eventSignature"),
            functions: said("functionConditions", "functionSignature"),
            transactions,
            calls: calls(chain),
            severity: severity(text(notify, "severityLevel")),
            message: message.clone(),
            is_paused: monitor.get("paused").and_then(Value::as_bool) == Some(true)
                || monitor.get("enabled").and_then(Value::as_bool) == Some(false),
            receivers: Vec::new(),
        });
    }
}
