//! `serverless.yml`.

use std::collections::BTreeMap;

use model::Name;
use serde_json::Value;

use super::{abi, calls, network, notify, severity, tell_rest, transaction};
use crate::import::{
    Import,
    monitors::{
        assemble::assemble,
        draft::{Draft, Existing},
        expression::Dialect,
        message::{Flavour, Template},
        rule::{Condition, Place, Rule},
        value::{has, items, text, yaml},
    },
};

/// Takes over a `serverless.yml`.
///
/// # Errors
/// When it is not YAML, or holds no resources.
pub fn take(text: &str, name: &str, existing: Existing) -> Result<Import, String> {
    let whole = yaml(text)?;
    let Some(resources) = whole.get("resources").filter(|resources| resources.is_object()) else {
        return Err("it has no `resources`, so it is no serverless.yml of Defender".to_owned());
    };
    let mut draft = Draft::new(name, existing);
    let none = serde_json::Map::new();
    let of = |kind: &str| {
        let found = resources.get(kind);
        found.and_then(Value::as_object).unwrap_or(&none).clone()
    };
    for (kind, value) in resources.as_object().unwrap_or(&none) {
        if let Value::String(reference) = value {
            let why = format!("{reference} is another file, which is not read; put its content here");
            draft.report.leave(format!("resources.{kind}"), why);
        }
    }
    let mut receivers: BTreeMap<String, Option<Name>> = BTreeMap::new();
    for (key, channel) in of("notifications") {
        let receiver = notify::take(&key, &channel, &mut draft);
        receivers.insert(key, receiver);
    }
    let mut reading = Reading { whole: &whole, receivers: &receivers };
    let mut rules = Vec::new();
    for (key, monitor) in of("monitors") {
        rules.extend(reading.rule(&key, &monitor, &mut draft));
    }
    assemble(&mut draft, &rules);
    for (key, _) in of("actions") {
        draft.report.leave(
            format!("action {key}"),
            "its code is not run: nothing here acts by itself; a webhook receiver can start it",
        );
    }
    for kind in ["relayers", "relayer-groups", "policies", "forked-networks", "private-networks"] {
        for (key, _) in of(kind) {
            draft.report.pass_over(format!("{kind} {key}"), "it watches nothing");
        }
    }
    Ok(draft.finish())
}

struct Reading<'a> {
    whole: &'a Value,
    receivers: &'a BTreeMap<String, Option<Name>>,
}

impl Reading<'_> {
    /// What a value stands for: itself, or what `${self:resources.contracts.vault}` points to, with
    /// the last part of the path.
    fn resolved<'v>(&'v self, value: &'v Value) -> Result<(String, &'v Value), String> {
        let Value::String(written) = value else {
            let key = text(value, "name").unwrap_or_default();
            return Ok((key.to_owned(), value));
        };
        let path = written.trim().strip_prefix("${self:").and_then(|rest| rest.strip_suffix('}'));
        let Some(path) = path else {
            return Err(format!("{written:?} is the id of something that only Defender knew"));
        };
        let mut at = self.whole;
        for part in path.split('.') {
            at = at.get(part).ok_or_else(|| format!("{written}: there is no {part:?}"))?;
        }
        Ok((path.rsplit('.').next().unwrap_or(path).to_owned(), at))
    }

    fn rule(&mut self, key: &str, monitor: &Value, draft: &mut Draft) -> Option<Rule> {
        let name = text(monitor, "name").unwrap_or(key);
        let what = format!("monitor {name:?}");
        let kind = text(monitor, "type").unwrap_or("BLOCK");
        if kind != "BLOCK" {
            let why = format!("monitors of type {kind} listen to another service; `import forta` reads its findings");
            draft.report.leave(what, why);
            return None;
        }
        let chain = text(monitor, "network").unwrap_or_default();
        let network = network(chain, &what, draft)?;
        self.finality(monitor, &network, draft);
        let own_abi = abi(monitor.get("abi"), &what, draft);
        let mut places = Vec::new();
        let mut place = |address: &str, abi, name: Option<String>, draft: &mut Draft| {
            match address.trim().to_lowercase().parse() {
                Ok(address) => places.push(Place { network: network.clone(), address, abi, name }),
                Err(_) => draft.report.leave(&what, format!("{address:?} is no address")),
            }
        };
        for address in items(monitor, "addresses") {
            place(address.as_str().unwrap_or_default(), own_abi.clone(), None, draft);
        }
        for contract in items(monitor, "contracts") {
            match self.resolved(contract) {
                Ok((key, contract)) => {
                    let name = text(contract, "name").map_or(key, str::to_owned);
                    let what = format!("contract {name}");
                    let abi = abi(contract.get("abi"), &what, draft).or_else(|| own_abi.clone());
                    let address = text(contract, "address").unwrap_or_default();
                    place(address, abi, Some(name), draft);
                }
                Err(why) => draft.report.leave(format!("{what}, contract"), why),
            }
        }
        let nothing = Value::Null;
        let conditions = monitor.get("conditions").unwrap_or(&nothing);
        let said = |kind: &str| -> Vec<Condition> {
            let all = items(conditions, kind).into_iter();
            all.filter_map(|of| {
                Some(Condition {
                    signature: text(of, "signature")?.to_owned(),
                    expression: text(of, "expression").map(str::to_owned),
                })
            })
            .collect()
        };
        let notify = monitor.get("notify-config").unwrap_or(&nothing);
        let mut receivers: Vec<Name> = Vec::new();
        for channel in items(notify, "channels") {
            match self.resolved(channel) {
                Ok((key, _)) => {
                    receivers.extend(self.receivers.get(&key).and_then(Clone::clone));
                }
                Err(why) => draft.report.leave(format!("{what}, channel"), why),
            }
        }
        tell_rest(
            &what,
            has(monitor, "alert-threshold"),
            has(monitor, "action-condition"),
            has(monitor, "action-trigger"),
            draft,
        );
        let risk = text(monitor, "risk-category").filter(|risk| *risk != "NONE");
        let risk = risk.map(|risk| format!(" Risk: {risk}.")).unwrap_or_default();
        let message = text(notify, "message");
        Some(Rule {
            name: name.to_owned(),
            origin: format!("{name:?} of Defender (serverless.yml, monitors.{key}).{risk}"),
            dialect: Dialect::Defender,
            places,
            events: said("event"),
            functions: said("function"),
            transactions: transaction(text(conditions, "transaction")),
            calls: calls(chain),
            severity: severity(text(notify, "severity-level")),
            message: message
                .map(|text| Template { text: text.to_owned(), flavour: Flavour::Mustache }),
            is_paused: monitor.get("paused").and_then(Value::as_bool).unwrap_or(false),
            receivers,
        })
    }

    /// There each monitor waits for its own confirmation; here a network has one.
    fn finality(&self, monitor: &Value, network: &Name, draft: &mut Draft) {
        let level = match monitor.get("confirm-level") {
            Some(Value::Number(blocks)) => format!("{blocks} blocks"),
            Some(Value::String(word)) if matches!(word.as_str(), "safe" | "finalized") => {
                word.clone()
            }
            _ => return,
        };
        let Some(new) = draft.new_network(network) else { return };
        match &new.finality {
            None => new.finality = Some(level),
            Some(first) if *first != level => {
                let why = format!(
                    "there each monitor has its own confirm-level; here the network has one: {first}, not {level}"
                );
                draft.report.differ(format!("network {network}"), why);
            }
            Some(_) => {}
        }
    }
}
