//! Everything that is JSON: ABIs, artefacts, build information, answers of explorers, signature
//! lists and tables, bytecode-only artefacts.

use alloy_primitives::hex;
use serde_json::Value;

use super::{
    super::{CustomError, Event, Function, Infrastructure, Mutability, Param, Surface},
    Reading, Source, code, keep, list,
    types::{DEPTH_MAX, are_dimensions, with_dimensions},
};
use crate::lint::{LeftOut, Place};

pub(super) fn read(source: Source<'_>, into: &mut Infrastructure) -> Result<Reading, String> {
    let value: Value =
        serde_json::from_str(source.text).map_err(|error| format!("not JSON: {error}"))?;
    read_value(source, &value, into)
}

/// The same of JSON that is parsed already.
pub(in crate::lint) fn read_value(
    source: Source<'_>,
    value: &Value,
    into: &mut Infrastructure,
) -> Result<Reading, String> {
    value_of(source, source.stem(), value, into)
}

/// The contract that an artefact is of; where it does not say, its file's name.
pub(in crate::lint) fn name_of(source: Source<'_>, artefact: &Value) -> String {
    let said = artefact.as_object().and_then(contract_name);
    said.unwrap_or(source.stem()).to_owned()
}

fn value_of(
    source: Source<'_>,
    name: &str,
    value: &Value,
    into: &mut Infrastructure,
) -> Result<Reading, String> {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let lines = items.iter().filter_map(Value::as_str).map(|line| (line, None));
            let surface = list(source, lines, into);
            keep(surface, into)
        }
        Value::Array(items) if items.iter().all(is_abi_item) => {
            into.surfaces.push(abi(source.path, name, items, &mut into.left_out));
            Ok(Reading::Read)
        }
        Value::Object(object) => {
            let contracts = object
                .get("contracts")
                .or_else(|| object.get("output").and_then(|output| output.get("contracts")));
            if let Some(Value::Object(contracts)) = contracts {
                return compiled(source, contracts, into);
            }
            if let Some(Value::Array(items)) = object.get("abi") {
                let name = contract_name(object).unwrap_or(name);
                into.surfaces.push(abi(source.path, name, items, &mut into.left_out));
                return Ok(Reading::Read);
            }
            // An explorer's answer, or the older compilers' combined output: JSON within JSON.
            let quoted = object.get("result").or_else(|| object.get("abi"));
            if let Some(text) = quoted.and_then(Value::as_str)
                && text.trim_start().starts_with('[')
            {
                let inner = serde_json::from_str(text)
                    .map_err(|error| format!("the ABI inside is not JSON: {error}"))?;
                return value_of(source, name, &inner, into);
            }
            if let Some(code) = runtime_code(object) {
                let name = contract_name(object).unwrap_or(name);
                let code = code::from_hex(code)?;
                into.surfaces.push(code::surface(name, source.path, &code));
                return Ok(Reading::Read);
            }
            table(source, object, into)
        }
        _ => Ok(Reading::NotAnInterface),
    }
}

fn is_abi_item(item: &Value) -> bool {
    item.is_object() && (item.get("type").is_some() || item.get("inputs").is_some())
}

type Object = serde_json::Map<String, Value>;

/// Hardhat's and Truffle's `contractName`; Foundry keeps it in the metadata.
fn contract_name(object: &Object) -> Option<&str> {
    if let Some(name) = object.get("contractName").and_then(Value::as_str) {
        return Some(name);
    }
    let target = object.get("metadata")?.get("settings")?.get("compilationTarget")?.as_object()?;
    target.values().next()?.as_str()
}

fn runtime_code(object: &Object) -> Option<&str> {
    let code = object.get("deployedBytecode").or_else(|| object.get("runtimeBytecode"))?;
    code.as_str().or_else(|| code.get("object")?.as_str()).filter(|code| code.len() > 2)
}

/// The compiler's own output: `contracts[file][name].abi`, or with `file:name` as one key.
fn compiled(
    source: Source<'_>,
    contracts: &Object,
    into: &mut Infrastructure,
) -> Result<Reading, String> {
    let mut reading = Reading::NotAnInterface;
    for (file, of_file) in contracts {
        let combined = file.rsplit_once(':').map(|(_, name)| name);
        if let (Some(name), Some(_)) = (combined, of_file.get("abi")) {
            if value_of(source, name, of_file, into)? == Reading::Read {
                reading = Reading::Read;
            }
            continue;
        }
        for (name, contract) in of_file.as_object().into_iter().flatten() {
            if let Some(Value::Array(items)) = contract.get("abi") {
                into.surfaces.push(abi(source.path, name, items, &mut into.left_out));
                reading = Reading::Read;
            }
        }
    }
    Ok(reading)
}

/// Selectors or topics with their signatures, in either direction.
fn table(
    source: Source<'_>,
    object: &Object,
    into: &mut Infrastructure,
) -> Result<Reading, String> {
    let is_hash = |text: &str| {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        matches!(digits.len(), 8 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let is_table = !object.is_empty()
        && object.iter().all(|(key, value)| {
            is_hash(key) || (key.contains('(') && value.as_str().is_some_and(is_hash))
        });
    if !is_table {
        return Ok(Reading::NotAnInterface);
    }
    let mut surface = Surface {
        name: source.stem().to_owned(),
        file: source.path.to_owned(),
        ..Surface::default()
    };
    for (key, value) in object {
        let (hash, signatures): (&str, Vec<&str>) = match value {
            Value::String(text) if key.contains('(') => (text, vec![key]),
            Value::String(text) => (key, vec![text]),
            Value::Array(texts) => (key, texts.iter().filter_map(Value::as_str).collect()),
            _ => continue,
        };
        for signature in signatures {
            if let Err(reason) = entry(hash, signature, &mut surface) {
                into.left_out.push(LeftOut { place: Place::file(source.path), reason });
            }
        }
    }
    keep(surface, into)
}

fn entry(hash: &str, signature: &str, surface: &mut Surface) -> Result<(), String> {
    let digits = hash.strip_prefix("0x").unwrap_or(hash);
    let is_event = digits.len() == 64;
    let scope = super::Scope::default();
    let text = if is_event { format!("event {signature}") } else { signature.to_owned() };
    let (functions, events) = (surface.functions.len(), surface.events.len());
    super::solidity::item(&text, None, &scope, surface)?;
    let is = if is_event {
        let event = surface.events.last_mut();
        // A bare signature does not say which arguments are indexed.
        event.and_then(|event| {
            event.is_split_known = false;
            event.topic0.map(hex::encode)
        })
    } else {
        surface.functions.last().map(|function| hex::encode(function.selector))
    };
    match is {
        Some(is) if is.eq_ignore_ascii_case(digits) => Ok(()),
        is => {
            surface.functions.truncate(functions);
            surface.events.truncate(events);
            let is = is.unwrap_or_default();
            Err(format!("{signature} has the hash 0x{is}, the file says {hash}"))
        }
    }
}

/// A bare ABI array. Items that cannot be read are left out one by one, as are functions of
/// libraries that take storage: nobody outside can call them with a plain selector.
fn abi(file: &str, name: &str, items: &[Value], left_out: &mut Vec<LeftOut>) -> Surface {
    let mut surface = Surface {
        name: name.to_owned(),
        file: file.to_owned(),
        is_contract: true,
        ..Surface::default()
    };
    for item in items {
        if let Err(reason) = abi_item(item, &mut surface) {
            let named = item.get("name").and_then(Value::as_str).unwrap_or_default();
            left_out.push(LeftOut { place: Place::contract(file, name).item(named), reason });
        }
    }
    surface
}

fn abi_item(item: &Value, surface: &mut Surface) -> Result<(), String> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let is = |key: &str| item.get(key) == Some(&Value::Bool(true));
    let name = || text("name").filter(|name| !name.is_empty()).ok_or("an item without a name");
    match text("type").unwrap_or("function") {
        "function" => {
            // Compilers before 0.5 wrote `constant` and `payable`.
            let mutability = match text("stateMutability") {
                Some("pure") => Mutability::Pure,
                Some("view") => Mutability::View,
                Some("payable") => Mutability::Payable,
                Some(_) => Mutability::NonPayable,
                None if is("constant") => Mutability::View,
                None if is("payable") => Mutability::Payable,
                None => Mutability::NonPayable,
            };
            let function = Function::new(name()?, params(item.get("inputs"))?);
            let outputs = Some(params(item.get("outputs"))?);
            surface.functions.push(Function { outputs, mutability: Some(mutability), ..function });
        }
        "event" => {
            let params = params(item.get("inputs"))?;
            surface.events.push(Event::new(name()?, params, is("anonymous")));
        }
        "error" => {
            surface.errors.push(CustomError::new(name()?, &params(item.get("inputs"))?));
        }
        "constructor" | "fallback" | "receive" => {}
        other => return Err(format!("an item of the unknown type {other:?}")),
    }
    Ok(())
}

fn params(list: Option<&Value>) -> Result<Vec<Param>, String> {
    let Some(Value::Array(list)) = list else { return Ok(Vec::new()) };
    let param = |param: &Value| {
        Ok(Param {
            name: param.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            ty: ty(param, 0)?,
            indexed: param.get("indexed") == Some(&Value::Bool(true)),
        })
    };
    list.iter().map(param).collect()
}

fn ty(param: &Value, depth: usize) -> Result<String, String> {
    if depth > DEPTH_MAX {
        return Err(format!("tuples nested deeper than {DEPTH_MAX}"));
    }
    let text = param.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(dimensions) = text.strip_prefix("tuple").filter(|rest| are_dimensions(rest)) else {
        return with_dimensions(text).ok_or_else(|| format!("{text:?} is no type of the ABI"));
    };
    let fields = param.get("components").and_then(Value::as_array);
    let fields = fields.ok_or("a tuple without components")?;
    let fields: Result<Vec<String>, String> =
        fields.iter().map(|field| ty(field, depth + 1)).collect();
    Ok(format!("({}){dimensions}", fields?.join(",")))
}
