//! Whether what one type stored can be read as another.
//!
//! Two types agree when every bit pattern that the old one wrote means the same value under the new
//! one and lies where the new one looks for it. Same bytes are not enough: a `bool` read as a
//! `uint8` or an enum with other values is a different statement about the world.

use std::collections::HashMap;

use super::{
    Options,
    change::{Gravity, Region, Why},
    fields::{Neighbours, compare_fields},
};
use crate::layout::storage::{Field, Shape, Type, Types};

/// How deep types are followed into each other; real ones stay below ten.
const DEPTH_MAX: usize = 64;

/// Longest explanation of one difference, in lines. A struct used in many places would otherwise
/// be explained in each of them.
const LINES_MAX: usize = 24;

/// Where a type stands decides whether it may grow and how it is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// A variable, a member or an element: something may follow.
    Fixed,
    /// The value of a mapping: nothing follows for 2^200 slots and more.
    Free,
    /// The key of a mapping: it is hashed as one padded word, or as its bytes.
    Key,
}

pub(super) type Differences = Vec<(Gravity, Why)>;

/// Two layouts' types, and what has been found about pairs of them.
pub(super) struct Comparer<'a> {
    pub(super) old: &'a Types,
    pub(super) new: &'a Types,
    pub(super) options: Options,
    found: HashMap<(&'a str, &'a str, Standing), Differences>,
    depth: usize,
}

/// The gravest of some differences.
pub(super) fn worst(differences: &Differences) -> Gravity {
    differences.iter().map(|(gravity, _)| *gravity).max().unwrap_or(Gravity::Fine)
}

impl<'a> Comparer<'a> {
    pub(super) fn new(old: &'a Types, new: &'a Types, options: Options) -> Self {
        Self { old, new, options, found: HashMap::new(), depth: 0 }
    }

    /// What differs between an old and a new type.
    pub(super) fn types(&mut self, old: &'a str, new: &'a str, at: Standing) -> Differences {
        let key = (old, new, at);
        if let Some(known) = self.found.get(&key) {
            return known.clone();
        }
        if self.depth >= DEPTH_MAX {
            let what = format!("types nested deeper than {DEPTH_MAX} are not followed");
            return vec![(Gravity::Breaks, Why::NotTold(what))];
        }
        // A type that contains itself, through a mapping or an array, agrees unless the rest of it
        // does not.
        self.found.insert(key, Vec::new());
        self.depth += 1;
        let mut differences = match (self.old.get(old), self.new.get(new)) {
            (Some(before), Some(after)) => self.shapes(before, after, at),
            _ => not_told(old, new, "what it is made of"),
        };
        self.depth -= 1;
        let lines: usize = differences.iter().map(|(_, why)| why.lines().len()).sum();
        if lines > LINES_MAX {
            let (before, after) = (self.old.label(old), self.new.label(new));
            differences = vec![(worst(&differences), other_type(before, after))];
        }
        self.found.insert(key, differences.clone());
        differences
    }

    fn shapes(&mut self, old: &'a Type, new: &'a Type, at: Standing) -> Differences {
        let breaks = |why| vec![(Gravity::Breaks, why)];
        match (&old.shape, &new.shape) {
            (Shape::Elementary(before), Shape::Elementary(after)) if before == after => Vec::new(),
            (Shape::Contract, Shape::Contract) => Vec::new(),
            (Shape::Contract, Shape::Elementary(address))
            | (Shape::Elementary(address), Shape::Contract)
                if address == "address" =>
            {
                Vec::new()
            }
            (Shape::Enum(before), Shape::Enum(after)) => enums(old, new, before, after),
            (Shape::Struct(before), Shape::Struct(after)) => match (before, after) {
                (Some(before), Some(after)) => self.structs((old, before), (new, after), at),
                _ => not_told(&old.label, &new.label, "its members"),
            },
            (
                Shape::Mapping { key: old_key, value: old_value },
                Shape::Mapping { key: new_key, value: new_value },
            ) => {
                let keys = self.types(old_key, new_key, Standing::Key);
                let values = self.types(old_value, new_value, Standing::Free);
                let mut all = inside("key", &new.label, keys);
                all.extend(inside("value", &new.label, values));
                all
            }
            (
                Shape::Array { element: old_element, length: before },
                Shape::Array { element: new_element, length: after },
            ) => {
                let elements = self.types(old_element, new_element, Standing::Fixed);
                let mut all = inside("element", &new.label, elements);
                match (before, after) {
                    (Some(before), Some(after)) if before != after => {
                        let grows_freely = after > before && at == Standing::Free;
                        if !grows_freely {
                            let (before, after) = (*before, *after);
                            all.push((Gravity::Breaks, Why::OtherLength { before, after }));
                        }
                    }
                    (Some(_), None) | (None, Some(_)) => {
                        all.push((Gravity::Breaks, other_type(&old.label, &new.label)));
                    }
                    _ => {}
                }
                all
            }
            (Shape::UserDefined(before), Shape::UserDefined(after)) => {
                if let Some(why) = other_size(old, new) {
                    return breaks(why);
                }
                match (before, after) {
                    (Some(before), Some(after)) => {
                        let (b, a) = (self.old.label(before), self.new.label(after));
                        alike(b, a, &old.label, &new.label, at)
                    }
                    _ if old.bytes.is_some() && new.bytes.is_some() => {
                        not_told(&old.label, &new.label, "what underlies it")
                    }
                    _ => breaks(Why::NotTold(format!(
                        "the layout tells neither the size of {} nor what underlies it",
                        new.label
                    ))),
                }
            }
            // Wrapping a value type, or unwrapping it, changes what the compiler checks and not what
            // it stores.
            (Shape::UserDefined(Some(under)), Shape::Elementary(plain))
                if self.old.label(under) == plain =>
            {
                same_encoding(&old.label, &new.label)
            }
            (Shape::Elementary(plain), Shape::UserDefined(Some(under)))
                if self.new.label(under) == plain =>
            {
                same_encoding(&old.label, &new.label)
            }
            (Shape::Function { is_internal: before }, Shape::Function { is_internal: after })
                if before == after =>
            {
                if *after {
                    vec![(Gravity::Careful, Why::CodePointer)]
                } else {
                    Vec::new()
                }
            }
            (Shape::Unknown, Shape::Unknown) if old.label == new.label => {
                not_told(&old.label, &new.label, "what it is made of")
            }
            _ => {
                let mut all = breaks(other_type(&old.label, &new.label));
                all.extend(other_size(old, new).map(|why| (Gravity::Breaks, why)));
                all
            }
        }
    }

    fn structs(
        &mut self,
        (old, before): (&'a Type, &'a [Field]),
        (new, after): (&'a Type, &'a [Field]),
        at: Standing,
    ) -> Differences {
        let neighbours = match at {
            Standing::Free => Neighbours::None,
            Standing::Fixed | Standing::Key => Neighbours::After(old.bytes),
        };
        let changes = compare_fields(self, before, after, &Region::Storage, neighbours);
        let changes: Vec<_> = changes.into_iter().filter(|c| c.gravity > Gravity::Fine).collect();
        match changes.iter().map(|c| c.gravity).max() {
            None => Vec::new(),
            Some(gravity) => vec![(gravity, Why::InStruct { name: new.label.clone(), changes })],
        }
    }
}

fn other_type(before: &str, after: &str) -> Why {
    Why::OtherType { before: before.to_owned(), after: after.to_owned() }
}

fn same_encoding(before: &str, after: &str) -> Differences {
    let why = Why::SameEncoding { before: before.to_owned(), after: after.to_owned() };
    vec![(Gravity::Careful, why)]
}

fn other_size(old: &Type, new: &Type) -> Option<Why> {
    match (old.bytes, new.bytes) {
        (Some(before), Some(after)) if before != after => Some(Why::OtherSize { before, after }),
        _ => None,
    }
}

/// What to say of two types whose inside no file shows: with one name they are probably one type,
/// with two nobody knows. Neither is proof.
fn not_told(before: &str, after: &str, what: &str) -> Differences {
    let (old_name, new_name) = (bare(before), bare(after));
    let text = if old_name == new_name {
        format!("the layout of {after} does not tell {what}, so a change inside it is not seen")
    } else {
        format!("{before} became {after}, and the layout does not tell {what}")
    };
    vec![(Gravity::Careful, Why::NotTold(text))]
}

/// The last part of a qualified name: the contract that declares a type often changes its name.
fn bare(label: &str) -> &str {
    let name = label.rsplit(['.', ' ']).next().unwrap_or(label);
    name
}

fn enums(
    old: &Type,
    new: &Type,
    before: &Option<Vec<String>>,
    after: &Option<Vec<String>>,
) -> Differences {
    if let Some(why) = other_size(old, new) {
        return vec![(Gravity::Breaks, why)];
    }
    let (Some(before), Some(after)) = (before, after) else {
        return not_told(&old.label, &new.label, "its values");
    };
    let first_other = before.iter().enumerate().find(|(at, value)| after.get(*at) != Some(*value));
    match first_other {
        None => Vec::new(),
        Some((at, value)) => {
            let why = Why::EnumValues {
                name: new.label.clone(),
                before: Some(value.clone()),
                after: after.get(at).cloned(),
            };
            vec![(Gravity::Breaks, why)]
        }
    }
}

/// User-defined value types of one size. `bytesN` is padded at the right of a key's word and all
/// others at the left, so as keys they do not find each other's entries.
fn alike(
    under_before: &str,
    under_after: &str,
    before: &str,
    after: &str,
    at: Standing,
) -> Differences {
    if under_before == under_after {
        return Vec::new();
    }
    let is_bytes = |name: &str| name.starts_with("bytes");
    if at == Standing::Key && is_bytes(under_before) != is_bytes(under_after) {
        return vec![(Gravity::Breaks, Why::OtherPadding)];
    }
    let name = |outer: &str, under: &str| format!("{outer} ({under})");
    same_encoding(&name(before, under_before), &name(after, under_after))
}

fn inside(part: &'static str, of: &str, differences: Differences) -> Differences {
    if differences.is_empty() {
        return differences;
    }
    let gravity = worst(&differences);
    let why = differences.into_iter().filter(|(g, _)| *g == gravity).map(|(_, why)| why).collect();
    vec![(gravity, Why::Inside { part, of: of.to_owned(), why })]
}
