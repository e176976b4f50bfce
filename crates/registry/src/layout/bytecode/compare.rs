//! What old code and new code use the same bytes as.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};

use super::{Cell, NUMBERED_SLOTS_MAX, Traces, Use};

/// How sure a conflict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The widths differ, which may be the analysis and not the code.
    Possible,
    /// The uses are of different kind, or cut through each other.
    Probable,
}

/// Old and new code disagree about some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// How sure.
    pub confidence: Confidence,
    /// What it is about.
    pub kind: ConflictKind,
}

/// What old and new code disagree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictKind {
    /// The same bytes are used as different things.
    Use {
        /// By the old code.
        before: Cell,
        /// By the new code.
        after: Cell,
    },
    /// The old code writes a slot that the new code never touches.
    Abandoned {
        /// By the old code.
        before: Cell,
    },
    /// The old code has storage at a namespace's root that the new code does not know.
    NamespaceGone {
        /// The root.
        root: B256,
    },
}

/// All disagreements, in the order of storage.
pub fn conflicts(old: &Traces, new: &Traces) -> Vec<Conflict> {
    let mut found = Vec::new();
    let (before, after) = (by_slot(old), by_slot(new));
    for (slot, cells) in &before {
        match after.get(slot) {
            Some(now) => slot_conflict(cells, now, &mut found),
            None => found.extend(abandoned(cells)),
        }
    }
    let used = |root: &&B256| {
        let root = U256::from_be_bytes(root.0);
        old.cells.iter().any(|cell| cell.slot >= root && cell.slot - root < U256::from(256))
    };
    found.extend(old.roots.difference(&new.roots).filter(used).map(|root| Conflict {
        confidence: Confidence::Probable,
        kind: ConflictKind::NamespaceGone { root: *root },
    }));
    found
}

/// Cells by slot: those that the compiler numbers, and those at the roots of namespaces. Other
/// hashes are elements of arrays, whose place depends on values.
fn by_slot(traces: &Traces) -> BTreeMap<U256, Vec<&Cell>> {
    let mut slots: BTreeMap<U256, Vec<&Cell>> = BTreeMap::new();
    for cell in &traces.cells {
        let page = cell.slot - (cell.slot & U256::from(0xff));
        let is_namespace = traces.roots.contains(&B256::from(page));
        if cell.slot < U256::from(NUMBERED_SLOTS_MAX) || is_namespace {
            slots.entry(cell.slot).or_default().push(cell);
        }
    }
    slots
}

/// The gravest disagreement about one slot; one is enough to look at it.
fn slot_conflict(before: &[&Cell], after: &[&Cell], found: &mut Vec<Conflict>) {
    let pairs = before.iter().flat_map(|b| after.iter().map(move |a| (*b, *a)));
    let graded = pairs.filter_map(|(b, a)| Some((grade(b, a, before, after)?, b, a)));
    let worst = graded.max_by_key(|(confidence, _, _)| *confidence);
    found.extend(worst.map(|(confidence, b, a)| Conflict {
        confidence,
        kind: ConflictKind::Use { before: b.clone(), after: a.clone() },
    }));
}

fn abandoned(cells: &[&Cell]) -> Option<Conflict> {
    let before = cells.iter().find(|cell| cell.is_written)?;
    let kind = ConflictKind::Abandoned { before: (*before).clone() };
    Some(Conflict { confidence: Confidence::Possible, kind })
}

/// How sure it is that the two cannot both be right, if they disagree at all.
fn grade(b: &Cell, a: &Cell, before: &[&Cell], after: &[&Cell]) -> Option<Confidence> {
    let ((b_from, b_to), (a_from, a_to)) = (b.span(), a.span());
    let overlap = b_from < a_to && a_from < b_to;
    if !overlap || b.used_as == a.used_as && b_from == a_from {
        return None;
    }
    match (&b.used_as, &a.used_as) {
        (Use::Mapping { key: was, value: old }, Use::Mapping { key: is, value: new }) => {
            mappings(was, old, is, new)
        }
        // A mapping's own slot is never read by itself, so code that reads it has no mapping there.
        (Use::Mapping { .. }, _) | (_, Use::Mapping { .. }) => Some(Confidence::Probable),
        (Use::Value(_), Use::Value(_)) => values(b, a, before, after),
        // The head of an array is a length, that of a string a word: code that only reads the head
        // tells no more than that.
        (Use::Array, other) | (Use::Text, other) | (other, Use::Array) | (other, Use::Text)
            if other.is_plain_word() =>
        {
            None
        }
        (Use::Array, Use::Array) | (Use::Text, Use::Text) => None,
        _ => Some(Confidence::Probable),
    }
}

fn mappings(was: &str, old: &Use, is: &str, new: &Use) -> Option<Confidence> {
    let depth = |of: &Use| matches!(of, Use::Mapping { .. });
    if depth(old) != depth(new) {
        return Some(Confidence::Probable);
    }
    // Keys are masked by what they are; a full word may be a value that nobody masked.
    let told = |key: &str| !matches!(key, "uint256" | "bytes32" | "int256");
    if was != is && told(was) && told(is) {
        let is_address = |key: &str| key == "address";
        let sure = is_address(was) != is_address(is);
        return Some(if sure { Confidence::Probable } else { Confidence::Possible });
    }
    match (old, new) {
        (Use::Mapping { key: was, value: old }, Use::Mapping { key: is, value: new }) => {
            mappings(was, old, is, new)
        }
        _ => None,
    }
}

fn values(b: &Cell, a: &Cell, before: &[&Cell], after: &[&Cell]) -> Option<Confidence> {
    let ((b_from, b_to), (a_from, a_to)) = (b.span(), a.span());
    let is_word = |cell: &Cell| cell.used_as.is_plain_word();
    let is_packed = |cells: &[&Cell]| cells.len() > 1;
    if b_from != a_from {
        // Cut through each other. A whole word may be a packed slot that is copied as it is.
        let sure = !is_word(b) && !is_word(a);
        return Some(if sure { Confidence::Probable } else { Confidence::Possible });
    }
    if (b_from, b_to) == (a_from, a_to) {
        // `uint160` and `address`, `uint8` and `bool`: other words for the same bytes, mostly.
        return None;
    }
    let widths_are_told = !is_word(b) && !is_word(a);
    let is_packed = is_packed(before) || is_packed(after);
    (widths_are_told || is_packed).then_some(Confidence::Possible)
}
