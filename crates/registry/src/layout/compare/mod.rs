//! An old layout against a new one: what of the old contract's storage the new code would misread.

mod align; //      which old thing is which new thing
pub mod change; // what the answer is made of
mod fields; //     lists of variables and members
mod types; //      one type read as another

use alloy_primitives::U256;

pub use change::{Change, Gravity, Kind, Region, Why};

use super::storage::{Field, Layout};
use fields::{Neighbours, by_label, compare_fields, rebased};
use types::Comparer;

/// What the user accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// A variable of the same type at the same place may have another name without an annotation.
    /// It is still reported: a name is often all that says what a number means.
    pub allow_renames: bool,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What changed, in the order of storage; also what changed harmlessly.
    pub changes: Vec<Change>,
    /// How many old fields were looked at.
    pub judged: usize,
}

impl Comparison {
    /// Whether everything that the old code stored is read by the new code as what it is.
    pub fn is_compatible(&self) -> bool {
        self.breaking().next().is_none()
    }

    /// The changes that are not compatible.
    pub fn breaking(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.gravity == Gravity::Breaks)
    }
}

/// Compares the layout that is deployed with the one that shall replace it.
pub fn compare(old: &Layout, new: &Layout, options: Options) -> Comparison {
    let mut changes = Vec::new();
    ordinary(old, new, options, &mut changes);
    namespaces(old, new, options, &mut changes);
    transient(old, new, options, &mut changes);
    say_where_they_went(new, &mut changes);
    let judged = old.variables.len() + old.namespaces.values().map(Vec::len).sum::<usize>();
    Comparison { changes, judged }
}

fn ordinary(old: &Layout, new: &Layout, options: Options, changes: &mut Vec<Change>) {
    let (region, free) = (Region::Storage, Neighbours::None);
    let Some((was, is)) = moved_base(old, new) else {
        let mut comparer = Comparer::new(&old.types, &new.types, options);
        changes.extend(compare_fields(
            &mut comparer,
            &old.variables,
            &new.variables,
            &region,
            free,
        ));
        return;
    };
    changes.push(Change {
        kind: Kind::BaseMoved,
        gravity: Gravity::Breaks,
        region: region.clone(),
        before: old.variables.first().cloned(),
        after: new.variables.first().cloned(),
        why: Vec::new(),
    });
    // Judged as if it had not moved, so that what else changed is seen too.
    let rebased = rebased(&new.variables, is, was);
    let mut comparer = Comparer::new(&old.types, &new.types, options);
    let mut rest = compare_fields(&mut comparer, &old.variables, &rebased, &region, free);
    for place in rest.iter_mut().filter_map(|change| change.after.as_mut()?.place.as_mut()) {
        place.slot = place.slot.wrapping_add(is.wrapping_sub(was));
    }
    changes.append(&mut rest);
}

/// Where ordinary storage began and begins, if that differs. Only `layout at` moves the first
/// variable while it stays the first.
fn moved_base(old: &Layout, new: &Layout) -> Option<(U256, U256)> {
    let (first_old, first_new) = (old.variables.first()?, new.variables.first()?);
    let declared = match (old.base_slot, new.base_slot) {
        (Some(was), Some(is)) => Some((was, is)),
        _ => None,
    };
    let seen = || {
        let is_first = |field: &Field| field.place.filter(|place| place.offset == 0);
        let (was, is) = (is_first(first_old)?, is_first(first_new)?);
        let is_same = first_old.label == first_new.label
            && !old.types.is_gap(first_old)
            && !new.types.is_gap(first_new);
        is_same.then_some((was.slot, is.slot))
    };
    declared.or_else(seen).filter(|(was, is)| was != is)
}

fn namespaces(old: &Layout, new: &Layout, options: Options, changes: &mut Vec<Change>) {
    let mut added: Vec<&String> =
        new.namespaces.keys().filter(|id| !old.namespaces.contains_key(*id)).collect();
    let mut comparer = Comparer::new(&old.types, &new.types, options);
    for (id, before) in &old.namespaces {
        let region = Region::Namespace(id.clone());
        if let Some(after) = new.namespaces.get(id) {
            let free = Neighbours::None;
            changes.extend(compare_fields(&mut comparer, before, after, &region, free));
            continue;
        }
        if before.is_empty() {
            continue;
        }
        let labels = |fields: &[Field]| fields.iter().map(|f| f.label.clone()).collect::<Vec<_>>();
        let twin = added.iter().position(|id| {
            new.namespaces.get(*id).is_some_and(|after| labels(after) == labels(before))
        });
        let (kind, after) = match twin {
            Some(at) => (Kind::NamespaceMoved, Some(added.remove(at))),
            None => (Kind::NamespaceDeleted, None),
        };
        changes.push(Change {
            kind,
            gravity: Gravity::Breaks,
            region,
            before: before.first().cloned(),
            after: after.and_then(|id| new.namespaces.get(id)?.first().cloned()),
            why: after.map(|id| Why::NowIn(id.clone())).into_iter().collect(),
        });
    }
    for id in added {
        changes.push(Change {
            kind: Kind::NamespaceAdded,
            gravity: Gravity::Fine,
            region: Region::Namespace(id.clone()),
            before: None,
            after: new.namespaces.get(id).and_then(|fields| fields.first().cloned()),
            why: Vec::new(),
        });
    }
}

/// Transient storage is empty at the start of every transaction, so no upgrade can make code read
/// what older code left there. A change is told all the same: contracts that delegate to each
/// other within one transaction share it.
fn transient(old: &Layout, new: &Layout, options: Options, changes: &mut Vec<Change>) {
    let mut comparer = Comparer::new(&old.types, &new.types, options);
    let region = Region::Transient;
    let found =
        compare_fields(&mut comparer, &old.transient, &new.transient, &region, Neighbours::None);
    changes.extend(found.into_iter().map(|mut change| {
        change.gravity = Gravity::Fine;
        change
    }));
}

/// A field that is gone from ordinary storage is often in a namespace now; its value is not.
fn say_where_they_went(new: &Layout, changes: &mut [Change]) {
    let deleted = changes
        .iter_mut()
        .filter(|change| change.kind == Kind::Deleted && change.region == Region::Storage);
    for change in deleted {
        let Some(before) = change.before.as_ref().filter(|b| !b.label.starts_with("__gap")) else {
            continue;
        };
        let home =
            new.namespaces.iter().find(|(_, f)| by_label(f).contains_key(before.label.as_str()));
        change.why.extend(home.map(|(id, _)| Why::NowIn(id.clone())));
    }
}
