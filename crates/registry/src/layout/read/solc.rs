//! A layout as solc writes it (`storageLayout`, `transientStorageLayout`) and as OpenZeppelin's
//! upgrade tools keep it (`storage`, `types`, `namespaces`).
//!
//! The two differ in what they leave out: solc names the parts of a type in fields and never the
//! values of an enum; OpenZeppelin's form names the parts only in the id, lists enum values and
//! namespaces, and its older files have no slots.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde_json::{Map, Value};

use super::{FIELDS_MAX, ReadError, describe};
use crate::layout::{
    storage::{Field, Layout, Position, SLOT_BYTES, Shape, Type, Types},
    type_id::parse,
};

/// Most types in one layout.
const TYPES_MAX: usize = 4 * FIELDS_MAX;

type Object = Map<String, Value>;

pub(super) fn layout(value: &Value) -> Result<Layout, ReadError> {
    let object = value.as_object().ok_or_else(|| bad("storageLayout", "an object", value))?;
    let mut layout = Layout {
        variables: list(object, "storage")?,
        base_slot: match object.get("baseSlot") {
            None | Some(Value::Null) => None,
            Some(slot) => Some(number(slot, "baseSlot")?),
        },
        ..Layout::default()
    };
    match object.get("namespaces") {
        None | Some(Value::Null) => {}
        Some(Value::Object(namespaces)) => {
            for (id, fields) in namespaces {
                let fields = fields_of(fields, &format!("namespaces.{id}"))?;
                layout.namespaces.insert(id.clone(), fields);
            }
        }
        Some(other) => return Err(bad("namespaces", "an object", other)),
    }
    layout.lists_namespaces = object.get("namespaces").is_some_and(Value::is_object);
    add_types(object, &mut layout.types)?;
    complete(&mut layout);
    Ok(layout)
}

/// Adds solc's `transientStorageLayout`.
pub(super) fn add_transient(layout: &mut Layout, value: &Value) -> Result<(), ReadError> {
    let Some(object) = value.as_object() else {
        return Err(bad("transientStorageLayout", "an object", value));
    };
    layout.transient = list(object, "storage")?;
    add_types(object, &mut layout.types)?;
    complete(layout);
    Ok(())
}

fn bad(at: impl Into<String>, expected: &'static str, found: &Value) -> ReadError {
    ReadError::Bad { at: at.into(), expected, found: describe(found) }
}

fn list(object: &Object, key: &str) -> Result<Vec<Field>, ReadError> {
    match object.get(key) {
        Some(value) => fields_of(value, key),
        None => Err(ReadError::Bad {
            at: key.to_owned(),
            expected: "a list of variables",
            found: "nothing".to_owned(),
        }),
    }
}

fn fields_of(value: &Value, at: &str) -> Result<Vec<Field>, ReadError> {
    let items = value.as_array().ok_or_else(|| bad(at, "a list of variables", value))?;
    if items.len() > FIELDS_MAX {
        return Err(ReadError::TooMany {
            what: at.to_owned(),
            count: items.len(),
            limit: FIELDS_MAX,
        });
    }
    items.iter().enumerate().map(|(index, item)| field(item, &format!("{at}[{index}]"))).collect()
}

fn field(value: &Value, at: &str) -> Result<Field, ReadError> {
    let object = value.as_object().ok_or_else(|| bad(at, "a variable", value))?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let needed = |key: &str, expected: &'static str| {
        text(key).ok_or_else(|| {
            bad(format!("{at}.{key}"), expected, object.get(key).unwrap_or(&Value::Null))
        })
    };
    let place = match (object.get("slot"), object.get("offset")) {
        (Some(slot), offset) if !slot.is_null() => {
            let offset = match offset {
                None | Some(Value::Null) => U256::ZERO,
                Some(offset) => number(offset, &format!("{at}.offset"))?,
            };
            let offset = u8::try_from(offset).ok().filter(|o| u64::from(*o) < SLOT_BYTES);
            let offset = offset.ok_or_else(|| ReadError::Bad {
                at: format!("{at}.offset"),
                expected: "a number below 32",
                found: describe(object.get("offset").unwrap_or(&Value::Null)),
            })?;
            Some(Position { slot: number(slot, &format!("{at}.slot"))?, offset })
        }
        _ => None,
    };
    // solc qualifies the contract by its file.
    let contract = text("contract").unwrap_or_default();
    let contract = contract.rsplit(':').next().unwrap_or_default().to_owned();
    Ok(Field {
        contract,
        label: needed("label", "a name")?,
        type_id: needed("type", "the id of a type")?,
        place,
        renamed_from: text("renamedFrom").map(|name| name.trim().to_owned()),
        retyped_from: text("retypedFrom").map(|name| name.trim().to_owned()),
        source: text("src"),
    })
}

/// A number as JSON or as decimal or hexadecimal text.
fn number(value: &Value, at: &str) -> Result<U256, ReadError> {
    let parsed = match value {
        Value::Number(number) => number.as_u64().map(U256::from),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => U256::from_str_radix(digits, 16).ok(),
            None if text.is_empty() => None,
            None => U256::from_str_radix(text, 10).ok(),
        },
        _ => None,
    };
    parsed.ok_or_else(|| bad(at, "a number", value))
}

fn add_types(object: &Object, types: &mut Types) -> Result<(), ReadError> {
    let listed = match object.get("types") {
        // solc writes null for a contract without variables.
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(listed)) => listed,
        Some(other) => return Err(bad("types", "an object", other)),
    };
    if listed.len() > TYPES_MAX {
        let (count, limit) = (listed.len(), TYPES_MAX);
        return Err(ReadError::TooMany { what: "types".to_owned(), count, limit });
    }
    for (id, value) in listed {
        types.0.insert(id.clone(), one_type(id, value)?);
    }
    Ok(())
}

fn one_type(id: &str, value: &Value) -> Result<Type, ReadError> {
    let at = format!("types.{id}");
    let object = value.as_object().ok_or_else(|| bad(&at, "a type", value))?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let parsed = parse(id);
    let label = text("label").unwrap_or(&parsed.name).to_owned();
    let bytes = match object.get("numberOfBytes") {
        None | Some(Value::Null) => parsed.bytes,
        Some(bytes) => Some(number(bytes, &format!("{at}.numberOfBytes"))?),
    };
    let members = match object.get("members") {
        Some(Value::Array(members)) if !members.is_empty() => Some(members),
        _ => None,
    };
    let shape = match parsed.shape {
        Shape::Struct(_) => Shape::Struct(match object.get("members") {
            Some(members @ Value::Array(_)) => Some(fields_of(members, &format!("{at}.members"))?),
            _ => None,
        }),
        Shape::Enum(_) => {
            Shape::Enum(members.and_then(|members| {
                members.iter().map(|m| m.as_str().map(str::to_owned)).collect()
            }))
        }
        Shape::UserDefined(_) => Shape::UserDefined(text("underlying").map(str::to_owned)),
        Shape::Mapping { key, value } => Shape::Mapping {
            key: text("key").map_or(key, str::to_owned),
            value: text("value").map_or(value, str::to_owned),
        },
        Shape::Array { element, length } => {
            Shape::Array { element: text("base").map_or(element, str::to_owned), length }
        }
        other => other,
    };
    if let Shape::Enum(Some(values)) = &shape
        && values.len() > FIELDS_MAX
    {
        return Err(ReadError::TooMany { what: at, count: values.len(), limit: FIELDS_MAX });
    }
    Ok(Type { label, bytes, shape })
}

/// Adds the types that are named but not listed, and the sizes that follow from others.
pub(super) fn complete(layout: &mut Layout) {
    let mut wanted: Vec<String> = layout
        .variables
        .iter()
        .chain(&layout.transient)
        .chain(layout.namespaces.values().flatten())
        .map(|field| field.type_id.clone())
        .collect();
    wanted.extend(layout.types.0.values().flat_map(|t| parts(&t.shape)));
    while let Some(id) = wanted.pop() {
        if layout.types.0.contains_key(&id) || layout.types.0.len() >= TYPES_MAX {
            continue;
        }
        let parsed = parse(&id);
        wanted.extend(parts(&parsed.shape));
        let listed = Type { label: parsed.name, bytes: parsed.bytes, shape: parsed.shape };
        layout.types.0.insert(id, listed);
    }
    label_composites(&mut layout.types);
    size(&mut layout.types);
}

fn parts(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Mapping { key, value } => vec![key.clone(), value.clone()],
        Shape::Array { element, .. } => vec![element.clone()],
        Shape::UserDefined(Some(under)) => vec![under.clone()],
        Shape::Struct(Some(members)) => members.iter().map(|m| m.type_id.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Spells mappings and arrays that had no label of their own by their parts.
fn label_composites(types: &mut Types) {
    let unspelled: Vec<String> =
        types.0.iter().filter(|(id, t)| t.label == **id).map(|(id, _)| id.clone()).collect();
    // Inner ids are shorter than the ids that contain them.
    let mut unspelled = unspelled;
    unspelled.sort_by_key(String::len);
    for id in unspelled {
        let label = match types.get(&id).map(|t| &t.shape) {
            Some(Shape::Mapping { key, value }) => {
                format!("mapping({} => {})", types.label(key), types.label(value))
            }
            Some(Shape::Array { element, length }) => {
                let length = length.map(|l| l.to_string()).unwrap_or_default();
                format!("{}[{length}]", types.label(element))
            }
            _ => continue,
        };
        if let Some(listed) = types.0.get_mut(&id) {
            listed.label = label;
        }
    }
}

/// Computes the sizes that the file left out and that follow from other types.
fn size(types: &mut Types) {
    // Each round can size what contains what the last round sized; types that contain themselves
    // do so through a mapping or a growing array, which have a size from the start.
    for _ in 0..types.0.len() {
        let sized: BTreeMap<String, U256> = types
            .0
            .iter()
            .filter(|(_, t)| t.bytes.is_none())
            .filter_map(|(id, t)| Some((id.clone(), derived(types, &t.shape)?)))
            .collect();
        if sized.is_empty() {
            return;
        }
        for (id, bytes) in sized {
            if let Some(listed) = types.0.get_mut(&id) {
                listed.bytes = Some(bytes);
            }
        }
    }
}

pub(super) fn derived(types: &Types, shape: &Shape) -> Option<U256> {
    let slot = U256::from(SLOT_BYTES);
    match shape {
        Shape::UserDefined(Some(under)) => types.get(under)?.bytes,
        Shape::Enum(Some(values)) => Some(U256::from(if values.len() <= 256 { 1 } else { 2 })),
        Shape::Array { element, length: Some(length) } => {
            let element = types.get(element)?.bytes.filter(|bytes| !bytes.is_zero())?;
            let slots = if element <= slot {
                length.div_ceil(slot / element)
            } else {
                length.checked_mul(element.div_ceil(slot))?
            };
            slots.checked_mul(slot)
        }
        Shape::Struct(Some(members)) => {
            let last = members.last()?;
            let place = last.place?;
            let bytes = types.get(&last.type_id)?.bytes?;
            let end = U256::from(place.offset).checked_add(bytes)?.div_ceil(slot);
            place.slot.checked_add(end)?.checked_mul(slot)
        }
        _ => None,
    }
}
