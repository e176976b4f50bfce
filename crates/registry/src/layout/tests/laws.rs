//! What holds for all layouts.

use alloy_primitives::U256;
use proptest::prelude::*;

use crate::layout::{Build, Layout, Options, compare};

/// Types with their sizes in bytes; whether they begin a slot follows from the encoding.
const TYPES: &[(&str, u64)] = &[
    ("t_bool", 1),
    ("t_uint8", 1),
    ("t_uint64", 8),
    ("t_address", 20),
    ("t_uint128", 16),
    ("t_uint256", 32),
    ("t_bytes32", 32),
    ("t_mapping(t_address,t_uint256)", 32),
    ("t_array(t_uint256)3_storage", 96),
    ("t_array(t_uint256)dyn_storage", 32),
    ("t_string_storage", 32),
];

/// A variable: its name by number, its type by index.
type Declared = (u16, usize);

/// Where the compiler puts each variable: slot, offset and size.
fn placed(variables: &[Declared]) -> Vec<(u64, u64, u64)> {
    let (mut slot, mut offset) = (0, 0);
    let mut places = Vec::new();
    for (_, of) in variables {
        let (name, bytes) = TYPES[*of];
        let own_slots = name.contains('(');
        if offset > 0 && (own_slots || offset + bytes > 32) {
            (slot, offset) = (slot + 1, 0);
        }
        places.push((slot, offset, bytes));
        if own_slots || bytes >= 32 {
            slot += bytes.div_ceil(32);
        } else {
            offset += bytes;
            if offset == 32 {
                (slot, offset) = (slot + 1, 0);
            }
        }
    }
    places
}

/// The layout as solc would write it, read back.
fn layout(variables: &[Declared]) -> Layout {
    let storage: Vec<_> = variables
        .iter()
        .zip(placed(variables))
        .map(|((name, of), (slot, offset, _))| {
            serde_json::json!({
                "contract": "V.sol:V", "label": format!("v{name}"), "type": TYPES[*of].0,
                "slot": slot.to_string(), "offset": offset,
            })
        })
        .collect();
    let types: serde_json::Map<String, serde_json::Value> = TYPES
        .iter()
        .map(|(id, bytes)| {
            let listed = serde_json::json!({ "label": id, "numberOfBytes": bytes.to_string() });
            ((*id).to_owned(), listed)
        })
        .collect();
    let text = serde_json::json!({ "storage": storage, "types": types }).to_string();
    Build::read(&text, None, None).unwrap().layout.unwrap()
}

fn is_compatible(old: &[Declared], new: &[Declared]) -> bool {
    compare(&layout(old), &layout(new), Options::default()).is_compatible()
}

/// Compatible by brute force: each byte that old storage uses belongs, in new storage, to the same
/// byte of a variable of the same name and type.
fn is_compatible_byte_by_byte(old: &[Declared], new: &[Declared]) -> bool {
    let bytes = |variables: &[Declared]| {
        let mut owners = std::collections::BTreeMap::new();
        for (declared, (slot, offset, size)) in variables.iter().zip(placed(variables)) {
            for byte in 0..size {
                owners.insert(slot * 32 + offset + byte, (*declared, byte));
            }
        }
        owners
    };
    let new = bytes(new);
    bytes(old).iter().all(|(at, owner)| new.get(at) == Some(owner))
}

/// Variables with names of their own.
fn variables() -> impl Strategy<Value = Vec<Declared>> {
    proptest::collection::vec(0..TYPES.len(), 0..9).prop_map(|types| {
        types.into_iter().enumerate().map(|(at, of)| (u16::try_from(at).unwrap(), of)).collect()
    })
}

/// One or two edits of a list of variables: the changes that people make.
fn edited() -> impl Strategy<Value = (Vec<Declared>, Vec<Declared>)> {
    let edit =
        (0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..TYPES.len());
    (variables(), proptest::collection::vec(edit, 0..3)).prop_map(|(old, edits)| {
        let mut new = old.clone();
        for (fresh, (what, at, other, of)) in (100..).zip(edits) {
            let length = new.len();
            match what {
                0 => new.push((fresh, of)),
                1 => new.insert(at.index(length + 1), (fresh, of)),
                _ if length == 0 => {}
                2 => drop(new.remove(at.index(length))),
                3 => new.swap(at.index(length), other.index(length)),
                _ => new[at.index(length)].1 = of,
            }
        }
        (old, new)
    })
}

proptest! {
    #[test]
    fn a_layout_is_compatible_with_itself(variables in variables()) {
        let found = compare(&layout(&variables), &layout(&variables), Options::default());
        prop_assert!(found.changes.is_empty());
    }

    #[test]
    fn appending_is_compatible(old in variables(), more in proptest::collection::vec(0..TYPES.len(), 0..5)) {
        let mut new = old.clone();
        new.extend((100..).zip(more));
        prop_assert!(is_compatible(&old, &new));
    }

    #[test]
    fn deleting_a_variable_is_not(old in variables(), at in any::<prop::sample::Index>()) {
        prop_assume!(!old.is_empty());
        let mut new = old.clone();
        new.remove(at.index(old.len()));
        prop_assert!(!is_compatible(&old, &new));
    }

    #[test]
    fn another_order_is_not(old in variables(), at in any::<prop::sample::Index>()) {
        prop_assume!(old.len() > 1);
        let mut new = old.clone();
        let at = at.index(old.len() - 1);
        new.swap(at, at + 1);
        prop_assert!(!is_compatible(&old, &new));
    }

    #[test]
    fn the_verdict_is_that_of_every_byte((old, new) in edited()) {
        prop_assert_eq!(is_compatible(&old, &new), is_compatible_byte_by_byte(&old, &new));
    }

    #[test]
    fn another_base_is_one_finding(old in variables(), base in 1_u64..1_000) {
        prop_assume!(!old.is_empty());
        let before = layout(&old);
        let mut after = before.clone();
        for place in after.variables.iter_mut().filter_map(|v| v.place.as_mut()) {
            place.slot += U256::from(base);
        }
        let found = compare(&before, &after, Options::default());
        prop_assert_eq!(found.breaking().count(), 1);
        prop_assert_eq!(found.changes[0].kind, crate::layout::Kind::BaseMoved);
    }
}

/// One `uint256` in the form of OpenZeppelin's tools, which tells annotations.
fn annotated(label: &str, renamed_from: Option<&str>) -> Layout {
    let variable = serde_json::json!({
        "contract": "V", "label": label, "type": "t_uint256", "slot": "0", "offset": 0,
        "renamedFrom": renamed_from,
    });
    let types = serde_json::json!({ "t_uint256": { "label": "uint256", "numberOfBytes": "32" } });
    let text =
        serde_json::json!({ "solcVersion": "0.8.30", "storage": [variable], "types": types });
    Build::read(&text.to_string(), None, None).unwrap().layout.unwrap()
}

#[test]
fn a_rename_is_believed_when_it_names_what_was_there() {
    let is_compatible =
        |old: &Layout, new: &Layout| compare(old, new, Options::default()).is_compatible();
    let (a, b) = (annotated("a", None), annotated("b", Some("a")));
    assert!(is_compatible(&a, &b), "declared");
    assert!(is_compatible(&b, &b), "declared once, and kept");
    assert!(!is_compatible(&a, &annotated("b", None)), "not declared");
    assert!(!is_compatible(&a, &annotated("b", Some("c"))), "declared wrongly");
    assert!(!is_compatible(&a, &annotated("a", Some("c"))), "declared, and not renamed");
    let mut untold = annotated("b", None);
    untold.tells_annotations = false;
    assert!(is_compatible(&untold, &b), "the old side does not tell what was declared before");
}
