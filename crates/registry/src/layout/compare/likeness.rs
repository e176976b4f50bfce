//! How likely it is that a new field is an old one: by name, type, place and what its author says.

use std::collections::HashSet;

use super::{
    change::{Gravity, Why},
    types::{Comparer, Standing, worst},
};
use crate::layout::storage::Field;

/// Which names are on both sides: a field that takes over the name of another is rather that other.
pub(super) struct Names<'a> {
    old: HashSet<&'a str>,
    new: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(old: &'a [Field], new: &'a [Field]) -> Self {
        let names = |fields: &'a [Field]| fields.iter().map(|f| f.label.as_str()).collect();
        Self { old: names(old), new: names(new) }
    }
}

pub(super) fn is_same_name(before: &Field, after: &Field) -> bool {
    before.label == after.label || after.renamed_from.as_deref() == Some(before.label.as_str())
}

pub(super) fn is_same_place(before: &Field, after: &Field) -> bool {
    match (before.place, after.place) {
        (Some(before), Some(after)) => before == after,
        _ => true,
    }
}

/// Whether the author's annotation names the type that the field had.
pub(super) fn is_declared_retype(comparer: &Comparer<'_>, before: &Field, after: &Field) -> bool {
    let was = comparer.old.label(&before.type_id);
    after.retyped_from.as_deref().is_some_and(|says| spelled(says) == spelled(was))
}

/// The name that the author says the field had, when it is neither what it had nor what was said
/// before: then it may be another field that was meant to be here.
pub(super) fn misnamed(comparer: &Comparer<'_>, before: &Field, after: &Field) -> Option<Why> {
    let says = after.renamed_from.as_ref()?;
    let is_new = before.renamed_from.as_ref() != Some(says);
    (comparer.old_is_annotated && is_new && *says != before.label)
        .then(|| Why::AnnotationIsWrong { says: says.clone(), was: before.label.clone() })
}

/// A type as a person may spell it: without spaces and without the words that solc adds.
fn spelled(label: &str) -> String {
    let without = |word: &str| {
        let added = ["contract", "struct", "enum", "payable"];
        let head = added.iter().find_map(|added| {
            word.strip_suffix(added).filter(|head| !head.ends_with(char::is_alphanumeric))
        });
        head.unwrap_or(word).to_owned()
    };
    label.split_whitespace().map(without).collect()
}

/// How unlikely it is that the old field became the new one; see [`align`].
pub(super) fn cost<'a>(
    comparer: &mut Comparer<'a>,
    names: &Names<'_>,
    before: &'a Field,
    after: &'a Field,
) -> Option<u32> {
    let same_place = is_same_place(before, after);
    match (comparer.old.is_gap(before), comparer.new.is_gap(after)) {
        (true, true) => {
            return Some(if ends(comparer, before, after) == Some(true) { 0 } else { 2 });
        }
        (true, false) => return fills(comparer, before, after).then_some(1),
        (false, true) => {
            return match (before.label == after.label, same_place) {
                (true, _) => Some(2),
                (false, true) => Some(5),
                (false, false) => None,
            };
        }
        (false, false) => {}
    }
    let same_type = is_declared_retype(comparer, before, after)
        || worst(&comparer.types(&before.type_id, &after.type_id, Standing::Fixed))
            < Gravity::Breaks;
    match (is_same_name(before, after), same_type, same_place) {
        (true, true, true) => Some(0),
        (true, true, false) => Some(1),
        (true, false, true) => Some(2),
        (true, false, false) => Some(4),
        (false, true, true) => {
            let other = names.new.contains(before.label.as_str())
                || names.old.contains(after.label.as_str());
            Some(if other { 4 } else { 3 })
        }
        (false, false, true) => Some(5),
        (false, _, false) => None,
    }
}

/// Whether two gaps end at one byte.
fn ends(comparer: &Comparer<'_>, before: &Field, after: &Field) -> Option<bool> {
    Some(comparer.old.span(before)?.end == comparer.new.span(after)?.end)
}

/// Whether a field lies in an old gap and reaches into its last slot.
pub(super) fn fills(comparer: &Comparer<'_>, gap: &Field, after: &Field) -> bool {
    match (comparer.old.span(gap), comparer.new.span(after)) {
        (Some(gap), Some(field)) => {
            field.start >= gap.start && field.end_of_slot() == gap.end_of_slot()
        }
        _ => false,
    }
}
