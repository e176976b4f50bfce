//! One contract out of a file, whatever shape the file has.

use serde_json::Value;

use super::{
    Build, CHOICES_SHOWN_MAX, ReadError,
    ast::{self, Program},
    checked_code, describe, linked_code, solc,
};
use crate::layout::storage::Layout;

pub(super) fn contract(
    value: &Value,
    wanted: Option<&str>,
    stem: Option<&str>,
) -> Result<Build, ReadError> {
    // solc's standard output, alone or inside of build info.
    let output = value.get("output").filter(|o| o.get("contracts").is_some()).unwrap_or(value);
    if let Some(files) = output.get("contracts").and_then(Value::as_object) {
        return from_output(files, output, value, wanted);
    }
    if let Some(implementations) = value.get("impls").and_then(Value::as_object) {
        return from_manifest(implementations, wanted);
    }
    let build = artefact(value, stem)?;
    match (wanted, &build.name) {
        (Some(wanted), Some(name)) if !is_named(wanted, "", name) => Err(ReadError::NotHere {
            wanted: wanted.to_owned(),
            count: 1,
            choices: vec![name.clone()],
        }),
        _ => Ok(build),
    }
}

/// Whether `wanted` means the contract `name` of the source `file`.
fn is_named(wanted: &str, file: &str, name: &str) -> bool {
    match wanted.rsplit_once(':') {
        Some((path, wanted)) => {
            wanted == name && (file == path || file.ends_with(&format!("/{path}")))
        }
        None => wanted == name,
    }
}

fn from_output(
    files: &serde_json::Map<String, Value>,
    output: &Value,
    whole: &Value,
    wanted: Option<&str>,
) -> Result<Build, ReadError> {
    // `solc --combined-json` has `File.sol:Name` where standard output has a file with names.
    let mut all: Vec<(&str, &str, &Value)> = Vec::new();
    for (file, contracts) in files {
        match file.rsplit_once(':') {
            Some((path, name)) if contracts.get("evm").is_none() && !is_nested(contracts) => {
                all.push((path, name, contracts));
            }
            _ => {
                let contracts = contracts.as_object().into_iter().flatten();
                all.extend(
                    contracts.map(|(name, contract)| (file.as_str(), name.as_str(), contract)),
                );
            }
        }
    }
    let fits: Vec<_> = match wanted {
        Some(wanted) => all.iter().filter(|(file, name, _)| is_named(wanted, file, name)).collect(),
        // Interfaces and libraries have no storage; what is left is often one contract.
        None if all.len() > 1 => {
            all.iter().filter(|(_, _, contract)| has_storage(contract)).collect()
        }
        None => all.iter().collect(),
    };
    match fits.as_slice() {
        [(file, name, contract)] => {
            let program = Program::of_output(output, whole);
            build_of(contract, Some((file, name)), program)
        }
        [] if wanted.is_none() && all.is_empty() => {
            Err(ReadError::NoContract { found: "a compiler's output without contracts".to_owned() })
        }
        [] => Err(not_found(wanted, all.iter().map(|(file, name, _)| full_name(file, name)))),
        several => {
            Err(not_found(None, several.iter().map(|(file, name, _)| full_name(file, name))))
        }
    }
}

fn is_nested(contracts: &Value) -> bool {
    contracts.as_object().is_some_and(|o| {
        o.values().any(|c| c.get("evm").is_some() || c.get("storageLayout").is_some())
    })
}

fn has_storage(contract: &Value) -> bool {
    let storage = |key: &str| contract.get(key).and_then(|l| l.get("storage")?.as_array());
    storage("storageLayout").or_else(|| storage("storage-layout")).is_some_and(|s| !s.is_empty())
}

fn full_name(file: &str, name: &str) -> String {
    format!("{file}:{name}")
}

fn not_found(wanted: Option<&str>, names: impl Iterator<Item = String>) -> ReadError {
    let names: Vec<String> = names.collect();
    let count = names.len();
    let choices = names.into_iter().take(CHOICES_SHOWN_MAX).collect();
    match wanted {
        Some(wanted) => ReadError::NotHere { wanted: wanted.to_owned(), count, choices },
        None => ReadError::Several { count, choices },
    }
}

fn from_manifest(
    implementations: &serde_json::Map<String, Value>,
    wanted: Option<&str>,
) -> Result<Build, ReadError> {
    let address = |value: &Value| value.get("address").and_then(Value::as_str).map(str::to_owned);
    let fits = |hash: &str, value: &Value| {
        wanted.is_none_or(|wanted| {
            let is_address = address(value).is_some_and(|a| a.eq_ignore_ascii_case(wanted));
            is_address || hash.eq_ignore_ascii_case(wanted) || last_contract(value) == Some(wanted)
        })
    };
    let found: Vec<_> = implementations.iter().filter(|(hash, value)| fits(hash, value)).collect();
    let name = |(hash, value): &(&String, &Value)| {
        let address = address(value).unwrap_or_else(|| (*hash).clone());
        match last_contract(value) {
            Some(contract) => format!("{address} ({contract})"),
            None => address,
        }
    };
    match found.as_slice() {
        [(hash, value)] => {
            let layout = value.get("layout").ok_or_else(|| ReadError::NoContract {
                found: format!(
                    "an OpenZeppelin manifest whose implementation {hash} has no layout"
                ),
            })?;
            Ok(Build {
                name: last_contract(value).map(str::to_owned),
                layout: Some(solc::layout(layout)?),
                ..Build::default()
            })
        }
        [] => Err(not_found(wanted, implementations.iter().map(|i| name(&i)))),
        several => Err(not_found(None, several.iter().map(name))),
    }
}

/// The most derived contract that a manifest's layout names: the one that declares the last variable.
fn last_contract(implementation: &Value) -> Option<&str> {
    implementation.get("layout")?.get("storage")?.as_array()?.last()?.get("contract")?.as_str()
}

/// A layout by itself, or an artefact of one contract.
fn artefact(value: &Value, stem: Option<&str>) -> Result<Build, ReadError> {
    if value.get("storage").is_some_and(Value::is_array) {
        return Ok(Build { layout: Some(solc::layout(value)?), ..Build::default() });
    }
    if let Some(layout) = value.get("layout").filter(|l| l.get("storage").is_some()) {
        return Ok(Build { layout: Some(solc::layout(layout)?), ..Build::default() });
    }
    let is_known = ["storageLayout", "deployedBytecode", "runtimeBytecode", "evm"]
        .iter()
        .any(|key| value.get(key).is_some());
    if !is_known {
        return Err(ReadError::NoContract { found: describe(value) });
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let target = compilation_target(value);
    let name = text("contractName").or(target.as_ref().map(|(_, name)| *name)).or(stem);
    let file = text("sourceName").or(target.as_ref().map(|(file, _)| *file)).unwrap_or_default();
    build_of(value, name.map(|name| (file, name)), Program::of_artefact(value))
}

fn compilation_target(value: &Value) -> Option<(&str, &str)> {
    let metadata = value.get("metadata").or_else(|| value.get("compilation"))?;
    let target = metadata.get("settings")?.get("compilationTarget")?.as_object()?;
    let (file, name) = target.iter().next()?;
    Some((file.as_str(), name.as_str()?))
}

fn build_of(
    contract: &Value,
    name: Option<(&str, &str)>,
    program: Program<'_>,
) -> Result<Build, ReadError> {
    let present = |key: &str| contract.get(key).filter(|value| !value.is_null());
    let listed = present("storageLayout").or_else(|| present("storage-layout"));
    let mut layout = match listed {
        Some(layout) => Some(solc::layout(layout)?),
        None => None,
    };
    if let Some(transient) =
        present("transientStorageLayout").or_else(|| present("transient-storage-layout"))
    {
        solc::add_transient(layout.get_or_insert_with(Layout::default), transient)?;
    }
    let code = code(contract)?;
    let name_text = name.map(|(_, name)| name.to_owned());
    let source = name.and_then(|(file, name)| ast::facts(&program, file, name));
    if let (Some(layout), Some(listed), Some((file, name))) = (&mut layout, listed, name) {
        ast::enrich(layout, listed, &program, file, name)?;
    }
    if layout.is_none() && code.is_none() {
        return Err(ReadError::NoContract {
            found: format!(
                "{} without storageLayout (build with `forge build --extra-output storageLayout`, or \
                 outputSelection \"storageLayout\") and without code",
                describe(contract)
            ),
        });
    }
    Ok(Build { name: name_text, layout, code, functions: functions(contract), source })
}

fn code(contract: &Value) -> Result<Option<super::Code>, ReadError> {
    let places = [
        contract.get("evm").and_then(|evm| evm.get("deployedBytecode")),
        contract.get("deployedBytecode"),
        contract.get("runtimeBytecode"),
        contract.get("bin-runtime"),
    ];
    for place in places.into_iter().flatten() {
        let text = place
            .as_str()
            .or_else(|| place.get("object")?.as_str())
            .or_else(|| place.get("onchainBytecode")?.as_str());
        let Some(bytes) = text.and_then(linked_code) else { continue };
        let immutables = place
            .get("immutableReferences")
            .or_else(|| contract.get("immutableReferences"))
            .and_then(Value::as_object)
            .map(serde_json::Map::len);
        return checked_code(bytes, immutables).map(Some);
    }
    Ok(None)
}

fn functions(contract: &Value) -> Option<Vec<String>> {
    if let Some(methods) = contract
        .get("methodIdentifiers")
        .or_else(|| contract.get("evm")?.get("methodIdentifiers"))
        .and_then(Value::as_object)
    {
        return Some(methods.keys().cloned().collect());
    }
    let abi = contract.get("abi")?;
    let abi: alloy_json_abi::JsonAbi = serde_json::from_value(abi.clone()).ok()?;
    Some(abi.functions().map(alloy_json_abi::Function::signature).collect())
}
