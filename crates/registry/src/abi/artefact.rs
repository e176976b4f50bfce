//! The JSON forms an ABI comes in, and what to say when it is none of them.

use std::sync::Arc;

use alloy_json_abi::{AbiItem, JsonAbi};
use serde_json::Value;

use super::{ContractAbi, ErrorAbi, EventAbi, FunctionAbi, find};

type Object = serde_json::Map<String, Value>;

/// Why a text is not an ABI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AbiError {
    /// Not JSON at all.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON of another shape.
    #[error(
        "no ABI here: expected an array, or an artefact of Foundry or Hardhat with the key \"abi\"; found {found}"
    )]
    NoAbi {
        /// What the text holds instead.
        found: String,
    },
    /// An ABI with items that cannot be read.
    #[error("{}", list_items(.0))]
    Items(Vec<String>),
}

fn list_items(problems: &[String]) -> String {
    match problems {
        [one] => format!("bad ABI item: {one}"),
        many => format!("{} bad ABI items:\n  {}", many.len(), many.join("\n  ")),
    }
}

pub(super) fn read(text: &str) -> Result<ContractAbi, AbiError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| AbiError::NotJson(error.to_string()))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut object) => match object.remove("abi") {
            Some(Value::Array(items)) => items,
            Some(other) => {
                let found = format!("an object whose \"abi\" is {}", describe(&other));
                return Err(AbiError::NoAbi { found });
            }
            None => return Err(AbiError::NoAbi { found: describe(&Value::Object(object)) }),
        },
        other => return Err(AbiError::NoAbi { found: describe(&other) }),
    };
    let mut abi = JsonAbi::new();
    let mut problems = Vec::new();
    for (at, mut item) in items.into_iter().enumerate() {
        complete(&mut item);
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        let place = format!("[{at}] {name}");
        match serde_json::from_value::<AbiItem<'static>>(item) {
            Ok(AbiItem::Function(f)) => push(&mut abi.functions, f.name.clone(), f.into_owned()),
            Ok(AbiItem::Event(e)) => push(&mut abi.events, e.name.clone(), e.into_owned()),
            Ok(AbiItem::Error(e)) => push(&mut abi.errors, e.name.clone(), e.into_owned()),
            Ok(AbiItem::Fallback(f)) => abi.fallback = Some(f.into_owned()),
            Ok(AbiItem::Receive(r)) => abi.receive = Some(r.into_owned()),
            // Nothing that arrives by log, call or revert names it.
            Ok(AbiItem::Constructor(_)) => {}
            Err(error) => problems.push(format!("{}: {error}", place.trim_end())),
        }
    }
    resolve(&abi, problems)
}

/// Adds what the ABI specification lets a file leave out, and what compilers before 0.5 spelled
/// otherwise: no `anonymous` is false, `constant` is `view`, no `type` is a function.
fn complete(item: &mut Value) {
    let Value::Object(item) = item else { return };
    let is_true = |item: &Object, key: &str| item.get(key) == Some(&Value::Bool(true));
    let mutability = if is_true(item, "constant") {
        "view"
    } else if is_true(item, "payable") {
        "payable"
    } else {
        "nonpayable"
    };
    let mut set = |key: &str, value: Value| {
        item.entry(key).or_insert(value);
    };
    set("type", "function".into());
    set("inputs", Value::Array(Vec::new()));
    set("outputs", Value::Array(Vec::new()));
    set("anonymous", false.into());
    set("stateMutability", mutability.into());
    for list in ["inputs", "outputs"] {
        name_params(item.get_mut(list));
    }
}

fn name_params(params: Option<&mut Value>) {
    let Some(Value::Array(params)) = params else { return };
    for param in params {
        if let Value::Object(param) = param {
            param.entry("name").or_insert_with(|| "".into());
            name_params(param.get_mut("components"));
        }
    }
}

fn push<T>(map: &mut std::collections::BTreeMap<String, Vec<T>>, name: String, item: T) {
    map.entry(name).or_default().push(item);
}

pub(super) fn read_solidity<'a>(
    items: impl IntoIterator<Item = &'a str>,
) -> Result<ContractAbi, AbiError> {
    let mut abi = JsonAbi::new();
    let mut problems = Vec::new();
    for text in items {
        match find::parse_item(text) {
            Ok(AbiItem::Function(f)) => push(&mut abi.functions, f.name.clone(), f.into_owned()),
            Ok(AbiItem::Event(e)) => push(&mut abi.events, e.name.clone(), e.into_owned()),
            Ok(AbiItem::Error(e)) => push(&mut abi.errors, e.name.clone(), e.into_owned()),
            Ok(_) => problems.push(format!("{text:?} is no event, function or error")),
            Err(error) => problems.push(format!("{text:?}: {error}")),
        }
    }
    resolve(&abi, problems)
}

fn resolve(abi: &JsonAbi, mut problems: Vec<String>) -> Result<ContractAbi, AbiError> {
    let mut keep = |what: &str, name: &str, problem: String| {
        problems.push(format!("{what} {name}: {problem}"));
    };
    let mut functions: Vec<Arc<FunctionAbi>> = Vec::new();
    for function in abi.functions() {
        match FunctionAbi::resolve(function) {
            Ok(function) => functions.push(function),
            Err(problem) => keep("function", &function.name, problem),
        }
    }
    let mut events: Vec<Arc<EventAbi>> = Vec::new();
    for event in abi.events() {
        match EventAbi::resolve(event) {
            Ok(event) => events.push(event),
            Err(problem) => keep("event", &event.name, problem),
        }
    }
    let mut errors: Vec<Arc<ErrorAbi>> = Vec::new();
    for error in abi.errors() {
        match ErrorAbi::resolve(error) {
            Ok(error) => errors.push(error),
            Err(problem) => keep("error", &error.name, problem),
        }
    }
    if problems.is_empty() {
        let mut resolved = ContractAbi::index(functions, events, errors);
        resolved.has_fallback = abi.fallback.is_some();
        resolved.has_receive = abi.receive.is_some();
        Ok(resolved)
    } else {
        Err(AbiError::Items(problems))
    }
}

/// Longest list of keys in a message: enough to recognise the file by.
const KEYS_SHOWN_MAX: usize = 8;

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string (an ABI quoted twice?)".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(object) if object.is_empty() => "an empty object".to_owned(),
        Value::Object(object) => {
            let shown: Vec<String> =
                object.keys().take(KEYS_SHOWN_MAX).map(|key| format!("{key:?}")).collect();
            let more = if object.len() > KEYS_SHOWN_MAX { ", …" } else { "" };
            format!("an object with the keys {}{more}", shown.join(", "))
        }
    }
}
