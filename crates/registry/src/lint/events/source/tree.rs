//! The compiler's syntax tree: declarations by their ids, and the few questions asked of nodes.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Param, Place};

/// One file of a compilation.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Unit<'a> {
    /// Its path in the compilation.
    pub(in super::super) path: &'a str,
    /// Its tree.
    pub(in super::super) ast: &'a Value,
    /// Its source, to tell lines from.
    pub(in super::super) text: Option<&'a str>,
}

/// All files of one compilation.
#[derive(Debug, Default)]
pub(in super::super) struct Tree<'a> {
    by_id: FxHashMap<i64, &'a Value>,
    /// Contracts with the file they are in.
    contracts: Vec<(&'a Value, usize)>,
    units: Vec<Unit<'a>>,
    /// Id of each file, as the file says itself or as those say that import it.
    ids: FxHashMap<&'a str, i64>,
}

/// Nodes that are referred to by id.
const DECLARATIONS: &[&str] = &[
    "ContractDefinition",
    "FunctionDefinition",
    "ModifierDefinition",
    "EventDefinition",
    "VariableDeclaration",
    "StructDefinition",
    "EnumDefinition",
    "UserDefinedValueTypeDefinition",
    "ErrorDefinition",
];

impl<'a> Tree<'a> {
    /// Adds a file; false, and nothing is added, when an id in it is taken or its imports mean other
    /// files: it then comes from another run of the compiler, whose ids mean something else.
    pub(in super::super) fn add(&mut self, unit: Unit<'a>) -> bool {
        let mut found = Vec::new();
        let mut waiting = vec![unit.ast];
        while let Some(node) = waiting.pop() {
            match node {
                Value::Array(items) => waiting.extend(items.iter().rev()),
                Value::Object(fields) => {
                    if DECLARATIONS.contains(&kind(node))
                        && let Some(id) = id_of(node)
                    {
                        found.push((id, node));
                    }
                    waiting.extend(fields.values().filter(|v| v.is_object() || v.is_array()));
                }
                _ => {}
            }
        }
        if found.iter().any(|(id, _)| self.by_id.contains_key(id)) {
            return false;
        }
        let imports = children(unit.ast, "nodes").filter(|node| kind(node) == "ImportDirective");
        let imports = imports.filter_map(|node| {
            Some((text_at(node, "absolutePath"), node.get("sourceUnit")?.as_i64()?))
        });
        let itself = id_of(unit.ast).map(|id| (text_at(unit.ast, "absolutePath"), id));
        let ids: Vec<(&str, i64)> = imports.chain(itself).collect();
        if ids.iter().any(|(path, id)| self.ids.get(path).is_some_and(|known| known != id)) {
            return false;
        }
        self.ids.extend(ids);
        let at = self.units.len();
        self.units.push(unit);
        let contracts = found.iter().filter(|(_, node)| kind(node) == "ContractDefinition");
        self.contracts.extend(contracts.map(|(_, node)| (*node, at)));
        self.by_id.extend(found);
        true
    }

    pub(super) fn get(&self, id: i64) -> Option<&'a Value> {
        self.by_id.get(&id).copied()
    }

    /// All contracts, interfaces and libraries.
    pub(super) fn contracts(&self) -> impl Iterator<Item = &'a Value> {
        self.contracts.iter().map(|(contract, _)| *contract)
    }

    /// The names of all contracts, interfaces and libraries: none of them needs another judge.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.contracts().map(|of| text_at(of, "name"))
    }

    /// Where a function is written, as a function of `contract`, which may inherit it.
    pub(super) fn place(&self, contract: &Value, function: &Value) -> Place {
        let scope = function.get("scope").and_then(Value::as_i64);
        let declared_in = |node: &Value| id_of(node) == scope;
        let unit = self.contracts.iter().find(|(node, _)| declared_in(node));
        let unit = unit.map(|(_, at)| self.units[*at]);
        let line = unit.and_then(|unit| {
            let offset: usize = text_at(function, "src").split(':').next()?.parse().ok()?;
            let before = unit.text?.as_bytes().get(..offset)?;
            u32::try_from(before.iter().filter(|byte| **byte == b'\n').count() + 1).ok()
        });
        let file = unit.map_or("", |unit| unit.path);
        Place { line, ..Place::contract(file, text_at(contract, "name")) }
    }
}

pub(super) fn kind(node: &Value) -> &str {
    text_at(node, "nodeType")
}

pub(super) fn text_at<'v>(node: &'v Value, key: &str) -> &'v str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn id_of(node: &Value) -> Option<i64> {
    node.get("id").and_then(Value::as_i64)
}

pub(super) fn reference(node: &Value) -> Option<i64> {
    node.get("referencedDeclaration").and_then(Value::as_i64)
}

/// The elements of a list; of a list that is not there, none.
pub(super) fn children<'v>(
    node: &'v Value,
    key: &str,
) -> impl Iterator<Item = &'v Value> + use<'v> {
    node.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The arguments of a function, modifier or event.
pub(super) fn params(node: &Value) -> impl Iterator<Item = &Value> {
    children(node.get("parameters").unwrap_or(&Value::Null), "parameters")
}

/// The type as the compiler spells it: `contract IERC20`, `struct Vault.Order storage ref`.
pub(super) fn type_of(node: &Value) -> &str {
    node.get("typeDescriptions").map(|types| text_at(types, "typeString")).unwrap_or_default()
}

/// A declared argument with its type as an ABI spells it, as far as one name tells.
pub(super) fn param_of(node: &Value) -> Param {
    let ty = type_of(node);
    let ty = [" storage pointer", " storage ref", " memory", " calldata"]
        .iter()
        .find_map(|location| ty.strip_suffix(location))
        .unwrap_or(ty);
    let dimensions = ty.find('[').unwrap_or(ty.len());
    let (base, dimensions) = ty.split_at(dimensions);
    let base = match base.split_once(' ') {
        Some(("contract" | "address", _)) => "address",
        Some(("enum", _)) => "uint8",
        Some(("struct", name)) => name,
        _ => base,
    };
    Param {
        name: text_at(node, "name").to_owned(),
        ty: format!("{base}{dimensions}"),
        indexed: node.get("indexed") == Some(&Value::Bool(true)),
    }
}
