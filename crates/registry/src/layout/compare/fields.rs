//! One ordered list of fields against another: variables of a contract, members of a struct or of a
//! namespace.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{U256, U512};

use super::{
    align::{Step, align},
    change::{Change, Gravity, Kind, Region, Why},
    types::{Comparer, Differences, Standing, worst},
};
use crate::layout::storage::{Field, SLOT_BYTES, Span};

/// What lies after a list of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// Nothing: it may grow.
    None,
    /// Something, right after this many bytes (`None` where the layout does not tell how many).
    After(Option<U256>),
}

/// What became of the old fields.
pub(super) fn compare_fields<'a>(
    comparer: &mut Comparer<'a>,
    old: &'a [Field],
    new: &'a [Field],
    region: &Region,
    neighbours: Neighbours,
) -> Vec<Change> {
    let names = Names::of(old, new);
    let steps = align(old.len(), new.len(), |i, j| cost(comparer, &names, &old[i], &new[j]));
    let mut lists = Lists { old, new, region, neighbours, changes: Vec::new() };
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for &step in &steps {
        match step {
            Step::Pair(i, j) => lists.pair(comparer, &old[i], &new[j]),
            Step::Old(i) => gone.push(i),
            Step::New(j) => come.push(j),
        }
    }
    // What is deleted in one place and inserted in another is one thing out of order.
    for i in gone {
        let same = |j: &usize| {
            let (before, after) = (&old[i], &new[*j]);
            before.label == after.label
                && !comparer.old.is_gap(before)
                && !comparer.new.is_gap(after)
        };
        match come.iter().position(same) {
            Some(at) => {
                let j = come.remove(at);
                lists.push(Kind::Reordered, Gravity::Breaks, Some(&old[i]), Some(&new[j]), vec![]);
            }
            None => lists.deleted(comparer, &old[i]),
        }
    }
    let last_paired = steps.iter().filter_map(|s| match s {
        Step::Pair(_, j) => Some(*j),
        Step::Old(_) | Step::New(_) => None,
    });
    let last_paired = last_paired.max();
    for j in come {
        lists.added(comparer, j, last_paired);
    }
    let mut changes = lists.changes;
    let order = |change: &Change| {
        let field = change.after.as_ref().or(change.before.as_ref());
        field.and_then(|f| f.place)
    };
    changes.sort_by_key(order);
    changes
}

/// Which names are on both sides: a field that takes over the name of another is rather that other.
struct Names<'a> {
    old: HashSet<&'a str>,
    new: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(old: &'a [Field], new: &'a [Field]) -> Self {
        let names = |fields: &'a [Field]| fields.iter().map(|f| f.label.as_str()).collect();
        Self { old: names(old), new: names(new) }
    }
}

fn is_same_name(before: &Field, after: &Field) -> bool {
    before.label == after.label || after.renamed_from.as_deref() == Some(before.label.as_str())
}

fn is_same_place(before: &Field, after: &Field) -> bool {
    match (before.place, after.place) {
        (Some(before), Some(after)) => before == after,
        _ => true,
    }
}

/// Whether the author's annotation names the type that the field had.
fn is_declared_retype(comparer: &Comparer<'_>, before: &Field, after: &Field) -> bool {
    let was = comparer.old.label(&before.type_id);
    after.retyped_from.as_deref().is_some_and(|says| spelled(says) == spelled(was))
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
fn cost<'a>(
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
fn fills(comparer: &Comparer<'_>, gap: &Field, after: &Field) -> bool {
    match (comparer.old.span(gap), comparer.new.span(after)) {
        (Some(gap), Some(field)) => {
            field.start >= gap.start && field.end_of_slot() == gap.end_of_slot()
        }
        _ => false,
    }
}

struct Lists<'a, 'r> {
    old: &'a [Field],
    new: &'a [Field],
    region: &'r Region,
    neighbours: Neighbours,
    changes: Vec<Change>,
}

impl<'a> Lists<'a, '_> {
    fn push(
        &mut self,
        kind: Kind,
        gravity: Gravity,
        before: Option<&Field>,
        after: Option<&Field>,
        why: Vec<Why>,
    ) {
        let region = self.region.clone();
        let (before, after) = (before.cloned(), after.cloned());
        self.changes.push(Change { kind, gravity, region, before, after, why });
    }

    fn pair(&mut self, comparer: &mut Comparer<'a>, before: &'a Field, after: &'a Field) {
        match (comparer.old.is_gap(before), comparer.new.is_gap(after)) {
            (true, true) => return self.gaps(comparer, before, after),
            // The gap's last slot is in use now; what lies before it is judged by itself.
            (true, false) => {
                return self.push(Kind::Appended, Gravity::Fine, None, Some(after), vec![]);
            }
            (false, _) => {}
        }
        let moved = !is_same_place(before, after);
        let renamed = before.label != after.label;
        let declared_rename = renamed && is_same_name(before, after);
        let differences = comparer.types(&before.type_id, &after.type_id, Standing::Fixed);
        let (types, annotation) = self.retype(comparer, before, after, differences);
        let type_gravity = worst(&types);
        let mut why: Vec<Why> = types.into_iter().map(|(_, why)| why).collect();
        why.extend(annotation);
        let rename_gravity = match (renamed, declared_rename, comparer.options.allow_renames) {
            (false, ..) | (_, true, _) => Gravity::Fine,
            (true, false, true) => Gravity::Careful,
            (true, false, false) => Gravity::Breaks,
        };
        let place_gravity = if moved { Gravity::Breaks } else { Gravity::Fine };
        let gravity = type_gravity.max(rename_gravity).max(place_gravity);
        let kind = match (rename_gravity > Gravity::Fine, type_gravity > Gravity::Fine) {
            (true, true) => Kind::Replaced,
            (true, false) => Kind::Renamed,
            (false, true) => Kind::Retyped,
            (false, false) if moved => Kind::Moved,
            (false, false) if declared_rename => Kind::Renamed,
            (false, false) if !why.is_empty() => Kind::Retyped,
            (false, false) => return,
        };
        self.push(kind, gravity, Some(before), Some(after), why);
    }

    /// What of the differences between the types remains once the author's annotation is heard.
    fn retype(
        &self,
        comparer: &Comparer<'a>,
        before: &Field,
        after: &Field,
        differences: Differences,
    ) -> (Differences, Option<Why>) {
        if worst(&differences) < Gravity::Breaks {
            return (differences, None);
        }
        let Some(says) = after.retyped_from.as_deref() else { return (differences, None) };
        let was = comparer.old.label(&before.type_id);
        if !is_declared_retype(comparer, before, after) {
            let why = Why::AnnotationIsWrong { says: says.trim().to_owned(), was: was.to_owned() };
            return (differences, Some(why));
        }
        // An annotation can vouch for the meaning, never for the number of bytes.
        let bytes =
            |types: &crate::layout::storage::Types, id: &str| types.get(id).and_then(|t| t.bytes);
        let sizes = (bytes(comparer.old, &before.type_id), bytes(comparer.new, &after.type_id));
        match sizes {
            (Some(before), Some(after)) if before != after => {
                (vec![(Gravity::Breaks, Why::OtherSize { before, after })], None)
            }
            _ => (Vec::new(), Some(Why::Annotated)),
        }
    }

    fn gaps(&mut self, comparer: &Comparer<'_>, before: &Field, after: &Field) {
        let spans = (comparer.old.span(before), comparer.new.span(after));
        let length = |types: &crate::layout::storage::Types, field: &Field| match types
            .get(&field.type_id)
            .map(|t| &t.shape)
        {
            Some(crate::layout::storage::Shape::Array { length, .. }) => *length,
            _ => None,
        };
        let lengths = (length(comparer.old, before), length(comparer.new, after));
        let mut why = Vec::new();
        let mut kind = Kind::Moved;
        if let (Some(before), Some(after)) = lengths
            && before != after
        {
            kind = Kind::GapResized;
            why.push(Why::OtherLength { before, after });
        }
        match spans {
            (Some(was), Some(is)) if was.end == is.end => {
                if is.start >= was.start {
                    return;
                }
                why.push(Why::GapGrew);
            }
            (Some(was), Some(is)) => why.push(Why::GapEnds { slots: distance(was.end, is.end) }),
            _ if kind == Kind::Moved => return,
            _ => {
                let what =
                    "the layout tells no slots, so whether the gap ends where it did is unknown";
                why.push(Why::NotTold(what.to_owned()));
            }
        }
        self.push(kind, Gravity::Breaks, Some(before), Some(after), why);
    }

    fn deleted(&mut self, comparer: &Comparer<'_>, before: &Field) {
        if !comparer.old.is_gap(before) {
            return self.push(Kind::Deleted, Gravity::Breaks, Some(before), None, vec![]);
        }
        if self.new.iter().any(|after| fills(comparer, before, after)) {
            return;
        }
        self.push(Kind::Deleted, Gravity::Breaks, Some(before), None, vec![Why::GapUnfilled]);
    }

    fn added(&mut self, comparer: &Comparer<'_>, at: usize, last_paired: Option<usize>) {
        let after = &self.new[at];
        let used: Option<Vec<Span>> = self
            .old
            .iter()
            .filter(|field| !comparer.old.is_gap(field))
            .map(|field| comparer.old.span(field))
            .collect();
        let (lands_on_old, end) = match (used, comparer.new.span(after)) {
            (Some(used), Some(span)) => (used.iter().any(|old| old.overlaps(span)), Some(span.end)),
            // Without slots the order is all there is: what comes before an old field moves it.
            _ => (last_paired.is_some_and(|last| at < last), None),
        };
        if lands_on_old {
            return self.push(Kind::Inserted, Gravity::Breaks, None, Some(after), vec![]);
        }
        let has_room = match (self.neighbours, end) {
            (Neighbours::None, _) => true,
            (Neighbours::After(Some(bytes)), Some(end)) => end <= U512::from(bytes),
            (Neighbours::After(_), _) => false,
        };
        if has_room {
            self.push(Kind::Appended, Gravity::Fine, None, Some(after), vec![]);
        } else {
            self.push(Kind::Appended, Gravity::Breaks, None, Some(after), vec![Why::NoRoom]);
        }
    }
}

/// `2 slots later`, `1 slot earlier`.
fn distance(before: U512, after: U512) -> String {
    let (bytes, word) =
        if after > before { (after - before, "later") } else { (before - after, "earlier") };
    let slots = bytes / U512::from(SLOT_BYTES);
    let plural = if slots == U512::from(1) { "" } else { "s" };
    format!("{slots} slot{plural} {word}")
}

/// The same fields with every slot counted from another base, wrapping as the EVM does.
pub(super) fn rebased(fields: &[Field], from: U256, to: U256) -> Vec<Field> {
    let shift = to.wrapping_sub(from);
    let mut fields = fields.to_vec();
    for place in fields.iter_mut().filter_map(|field| field.place.as_mut()) {
        place.slot = place.slot.wrapping_add(shift);
    }
    fields
}

/// The fields of both lists that have a name of their own in each, by name; for telling where a
/// deleted field may have gone.
pub(super) fn by_label(fields: &[Field]) -> HashMap<&str, &Field> {
    fields.iter().map(|field| (field.label.as_str(), field)).collect()
}
