//! Types and places of declarations that solc's layout leaves out: the structs of namespaces.
//!
//! The rules are those of the Solidity documentation ("Layout of State Variables in Storage"):
//! values are packed from the low-order end while they fit, structs and arrays begin a slot and so
//! does what follows them.

use alloy_primitives::U256;
use serde_json::Value;

use super::{Program, id, kind, name};
use crate::layout::{
    read::{FIELDS_MAX, ReadError},
    storage::{Field, Position, SLOT_BYTES, Shape, Type, Types},
    type_id,
};

/// How deep structs are followed into each other; real ones stay below ten.
const DEPTH_MAX: usize = 48;

/// The members of a struct at their places, with all their types in `types`.
pub(super) fn members(
    program: &Program<'_>,
    structure: &Value,
    types: &mut Types,
    depth: usize,
) -> Result<Vec<Field>, ReadError> {
    let listed = structure.get("members").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if listed.len() > FIELDS_MAX {
        let what = format!("struct {}", name(structure));
        return Err(ReadError::TooMany { what, count: listed.len(), limit: FIELDS_MAX });
    }
    let mut fields = Vec::with_capacity(listed.len());
    let mut free = Some(Free::default());
    for member in listed {
        let type_id = type_of(program, member.get("typeName"), types, depth)?;
        // After a member of unknown size nothing can be placed.
        let place = free.as_mut().and_then(|free| free.take(types.get(&type_id)?));
        if place.is_none() {
            free = None;
        }
        fields.push(Field {
            contract: String::new(),
            label: name(member).to_owned(),
            type_id,
            place,
            renamed_from: None,
            retyped_from: None,
            source: program.place(member),
        });
    }
    Ok(fields)
}

/// The first byte that is not taken yet.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Free {
    slot: U256,
    offset: u64,
}

impl Free {
    /// Puts a value of this type at the next place that the compiler would choose.
    pub(super) fn take(&mut self, of: &Type) -> Option<Position> {
        let bytes = of.bytes?;
        let own_slots =
            matches!(of.shape, Shape::Struct(_) | Shape::Array { .. } | Shape::Mapping { .. });
        let fits = U256::from(self.offset).checked_add(bytes)? <= U256::from(SLOT_BYTES);
        if self.offset > 0 && (own_slots || !fits) {
            self.next_slot(U256::ONE)?;
        }
        let place = Position { slot: self.slot, offset: u8::try_from(self.offset).ok()? };
        if own_slots || bytes >= U256::from(SLOT_BYTES) {
            self.next_slot(bytes.div_ceil(U256::from(SLOT_BYTES)))?;
        } else {
            self.offset += u64::try_from(bytes).ok()?;
            if self.offset == SLOT_BYTES {
                self.next_slot(U256::ONE)?;
            }
        }
        Some(place)
    }

    fn next_slot(&mut self, slots: U256) -> Option<()> {
        self.slot = self.slot.checked_add(slots)?;
        self.offset = 0;
        Some(())
    }
}

/// The id of the type that a type name means, spelled as solc spells it.
pub(super) fn type_of(
    program: &Program<'_>,
    node: Option<&Value>,
    types: &mut Types,
    depth: usize,
) -> Result<String, ReadError> {
    let Some(node) = node else { return Ok(unknown("t_unknown", "an unknown type", types)) };
    let text = |key: &str| {
        node.get("typeDescriptions").and_then(|d| d.get(key)?.as_str()).unwrap_or("t_unknown")
    };
    let (identifier, spelled) = (text("typeIdentifier"), text("typeString"));
    let new_id = match kind(node) {
        "ElementaryTypeName" => match name(node) {
            "string" | "bytes" => format!("t_{}_storage", name(node)),
            other => format!("t_{other}"),
        },
        "Mapping" => {
            let key = type_of(program, node.get("keyType"), types, depth)?;
            let value = type_of(program, node.get("valueType"), types, depth)?;
            format!("t_mapping({key},{value})")
        }
        "ArrayTypeName" => {
            let element = type_of(program, node.get("baseType"), types, depth)?;
            let tail = identifier.trim_end_matches("_ptr").trim_end_matches("_storage");
            let length = tail.rsplit('$').next().unwrap_or_default();
            format!("t_array({element}){length}_storage")
        }
        "FunctionTypeName" => match node.get("visibility").and_then(Value::as_str) {
            Some("external") => "t_function_external()".to_owned(),
            _ => "t_function_internal()".to_owned(),
        },
        "UserDefinedTypeName" => {
            let declared = node
                .get("referencedDeclaration")
                .and_then(Value::as_i64)
                .and_then(|id| program.declaration(id));
            match declared {
                Some(declared) => return declared_type(program, declared, types, depth),
                None => return Ok(unknown(identifier, spelled, types)),
            }
        }
        _ => return Ok(unknown(identifier, spelled, types)),
    };
    if types.get(&new_id).is_none() {
        let parsed = type_id::parse(&new_id);
        let listed = Type { label: spelled.to_owned(), bytes: parsed.bytes, shape: parsed.shape };
        types.0.insert(new_id.clone(), listed);
        if let Some(bytes) = array_bytes(types, &new_id)
            && let Some(listed) = types.0.get_mut(&new_id)
        {
            listed.bytes = Some(bytes);
        }
    }
    Ok(new_id)
}

fn array_bytes(types: &Types, id: &str) -> Option<U256> {
    let listed = types.get(id)?;
    listed.bytes.or_else(|| crate::layout::read::solc::derived(types, &listed.shape))
}

fn unknown(id: &str, label: &str, types: &mut Types) -> String {
    let listed = Type { label: label.to_owned(), bytes: None, shape: Shape::Unknown };
    types.0.entry(id.to_owned()).or_insert(listed);
    id.to_owned()
}

fn declared_type(
    program: &Program<'_>,
    declared: &Value,
    types: &mut Types,
    depth: usize,
) -> Result<String, ReadError> {
    let number = id(declared).unwrap_or_default();
    let short = name(declared);
    let canonical = declared.get("canonicalName").and_then(Value::as_str).unwrap_or(short);
    let (new_id, label) = match kind(declared) {
        "StructDefinition" => {
            (format!("t_struct({short}){number}_storage"), format!("struct {canonical}"))
        }
        "EnumDefinition" => (format!("t_enum({short}){number}"), format!("enum {canonical}")),
        "ContractDefinition" => {
            (format!("t_contract({short}){number}"), format!("contract {short}"))
        }
        "UserDefinedValueTypeDefinition" => {
            (format!("t_userDefinedValueType({short}){number}"), canonical.to_owned())
        }
        _ => return Ok(unknown(&format!("t_declared({short}){number}"), canonical, types)),
    };
    if types.get(&new_id).is_some() {
        return Ok(new_id);
    }
    if depth >= DEPTH_MAX {
        return Ok(unknown(&new_id, &label, types));
    }
    let parsed = type_id::parse(&new_id);
    // Listed before its members, because a struct may contain itself through a mapping.
    types.0.insert(
        new_id.clone(),
        Type { label: label.clone(), bytes: parsed.bytes, shape: parsed.shape },
    );
    let shape = match kind(declared) {
        "StructDefinition" => Shape::Struct(Some(members(program, declared, types, depth + 1)?)),
        "EnumDefinition" => Shape::Enum(Some(enum_values(declared))),
        "UserDefinedValueTypeDefinition" => {
            let under = type_of(program, declared.get("underlyingType"), types, depth + 1)?;
            Shape::UserDefined(Some(under))
        }
        _ => return Ok(new_id),
    };
    let bytes = crate::layout::read::solc::derived(types, &shape);
    types.0.insert(new_id.clone(), Type { label, bytes, shape });
    Ok(new_id)
}

/// The names of an enum's values, in order.
pub(super) fn enum_values(declared: &Value) -> Vec<String> {
    let members = declared.get("members").and_then(Value::as_array);
    members.into_iter().flatten().map(|member| name(member).to_owned()).collect()
}
