//! The compiler's names of types, taken apart: `t_mapping(t_address,t_array(t_uint256)10_storage)`.
//!
//! solc's own layout says the parts in fields of their own; the layouts that OpenZeppelin's tools
//! keep say them in the id alone, and both leave out types that nothing needs to know by itself.

use alloy_primitives::U256;

use super::storage::{SLOT_BYTES, Shape};

/// Deepest nesting of brackets that is read; real types stay below ten.
const NESTING_MAX: usize = 48;

/// What an id says of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    /// What it is made of; members of structs and enums are never in an id.
    pub(super) shape: Shape,
    /// Bytes in storage where the id alone decides.
    pub(super) bytes: Option<U256>,
    /// A spelling for people; inner ids are spelled by [`super::read`].
    pub(super) name: String,
}

pub(super) fn parse(id: &str) -> Parsed {
    let unknown = || Parsed { shape: Shape::Unknown, bytes: None, name: id.to_owned() };
    let Some(rest) = id.strip_prefix("t_") else { return unknown() };
    let slot = Some(U256::from(SLOT_BYTES));
    let Some(open) = rest.find('(') else { return plain(rest) };
    let head = &rest[..open];
    let Some((inside, tail)) = brackets(&rest[open..]) else { return unknown() };
    if head.starts_with("function_") {
        let is_internal = head.starts_with("function_internal");
        let bytes = Some(U256::from(if is_internal { 8 } else { 24 }));
        return Parsed { shape: Shape::Function { is_internal }, bytes, name: id.to_owned() };
    }
    let named = |shape, bytes| Parsed { shape, bytes, name: inside.to_owned() };
    match head {
        "contract" => named(Shape::Contract, Some(U256::from(20))),
        "enum" => named(Shape::Enum(None), None),
        "struct" => named(Shape::Struct(None), None),
        "userDefinedValueType" => named(Shape::UserDefined(None), None),
        "mapping" => match arguments(inside).as_slice() {
            [key, value] => {
                let shape = Shape::Mapping { key: (*key).to_owned(), value: (*value).to_owned() };
                Parsed { shape, bytes: slot, name: id.to_owned() }
            }
            _ => unknown(),
        },
        "array" => {
            let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
            let length = match U256::from_str_radix(&digits, 10) {
                Ok(length) if !digits.is_empty() => Some(length),
                _ if tail.starts_with("dyn") => None,
                _ => return unknown(),
            };
            let bytes = if length.is_none() { slot } else { None };
            let shape = Shape::Array { element: inside.to_owned(), length };
            Parsed { shape, bytes, name: id.to_owned() }
        }
        _ => unknown(),
    }
}

/// A type without parts: its name without where the value lies.
fn plain(rest: &str) -> Parsed {
    let name = ["_storage_ptr", "_storage", "_memory_ptr", "_calldata_ptr", "_memory", "_payable"]
        .iter()
        .fold(rest, |name, suffix| name.strip_suffix(suffix).unwrap_or(name));
    match elementary_bytes(name) {
        Some(bytes) => {
            let canonical = match name {
                "uint" => "uint256",
                "int" => "int256",
                "byte" => "bytes1",
                other => other,
            };
            let shape = Shape::Elementary(canonical.to_owned());
            Parsed { shape, bytes: Some(U256::from(bytes)), name: canonical.to_owned() }
        }
        None => Parsed { shape: Shape::Unknown, bytes: None, name: name.to_owned() },
    }
}

/// Bytes of a value of this elementary type in storage.
pub(super) fn elementary_bytes(name: &str) -> Option<u64> {
    let number = |digits: &str| digits.parse::<u64>().ok();
    match name {
        "bool" | "byte" => Some(1),
        "address" => Some(20),
        "string" | "bytes" | "uint" | "int" => Some(SLOT_BYTES),
        _ => {
            if let Some(digits) = name.strip_prefix("bytes") {
                return number(digits).filter(|bytes| (1..=32).contains(bytes));
            }
            let digits = name.strip_prefix("uint").or_else(|| name.strip_prefix("int"))?;
            number(digits)
                .filter(|bits| (8..=256).contains(bits) && bits % 8 == 0)
                .map(|bits| bits / 8)
        }
    }
}

/// What is between the bracket that `text` begins with and its partner, and what follows.
fn brackets(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
        if depth > NESTING_MAX {
            return None;
        }
    }
    None
}

/// The parts between the commas outside of all brackets.
fn arguments(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_nested_ids_apart() {
        let mapping = parse("t_mapping(t_address,t_mapping(t_uint8,t_array(t_bool)3_storage))");
        assert_eq!(
            mapping.shape,
            Shape::Mapping {
                key: "t_address".into(),
                value: "t_mapping(t_uint8,t_array(t_bool)3_storage)".into()
            }
        );
        let array = parse("t_array(t_struct(S)741_storage)dyn_storage");
        assert_eq!(
            array.shape,
            Shape::Array { element: "t_struct(S)741_storage".into(), length: None }
        );
        assert_eq!(parse("t_address_payable").shape, Shape::Elementary("address".into()));
        assert_eq!(parse("t_string_memory_ptr").shape, Shape::Elementary("string".into()));
        assert_eq!(parse("t_uint24").bytes, Some(U256::from(3)));
    }

    #[test]
    fn what_is_no_type_id_is_unknown_and_never_panics() {
        for id in
            ["", "t_", "t_mapping(t_a", "t_mapping(t_a)", "t_uint7", "t_array(t_a)x", "uint256"]
        {
            assert_eq!(parse(id).shape, Shape::Unknown, "{id:?}");
        }
        assert_eq!(parse(&format!("t_{}", "array(t_".repeat(100_000))).shape, Shape::Unknown);
        assert_eq!(parse(&format!("t_array({}", ")".repeat(9))).shape, Shape::Unknown);
    }

    #[test]
    fn pointers_to_functions_are_told_apart() {
        let internal = parse("t_function_internal_nonpayable(t_uint256)returns(t_uint256)");
        assert_eq!(internal.shape, Shape::Function { is_internal: true });
        let external = parse("t_function_external_view()returns()");
        assert_eq!(external.shape, Shape::Function { is_internal: false });
    }
}
