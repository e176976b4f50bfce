//! What changed between two layouts, in the words of the lints.

use alloy_primitives::U256;

use crate::{
    layout::{
        Change, Comparison, Field, Gravity, Kind, Layout, Region, Types, Why, namespace, rules,
        safety::Side, storage::slot_text,
    },
    lint::{Diagnostic, LeftOut, Place, Report, Rule, Severity},
};

/// Most fields that one diagnostic lists; what moves with them is counted.
const ROWS_MAX: usize = 8;

/// Both layouts with their files.
#[derive(Clone, Copy)]
pub(super) struct Laid<'a> {
    pub(super) old: Side<'a>,
    pub(super) new: Side<'a>,
    pub(super) before: &'a Layout,
    pub(super) after: &'a Layout,
}

impl Laid<'_> {
    pub(super) fn say(self, comparison: &Comparison, report: &mut Report) {
        let mut at = 0;
        while let Some(change) = comparison.changes.get(at) {
            // What an insertion or deletion pushes along is one finding, not one per variable.
            let pushed = comparison.changes[at..]
                .iter()
                .take_while(|next| is_pushed_alike(change, next))
                .count()
                .max(1);
            self.say_one(&comparison.changes[at..at + pushed], report);
            at += pushed;
        }
        for (side, layout) in [(self.old, self.before), (self.new, self.after)] {
            for reason in self.unknown(side, layout) {
                report.left_out.push(LeftOut { place: side.place(), reason });
            }
        }
    }

    /// What the layouts did not tell.
    fn unknown(self, side: Side<'_>, layout: &Layout) -> Vec<String> {
        let mut unknown = layout.unknown.clone();
        let may_have_namespaces = side.traces.is_none_or(|traces| !traces.roots.is_empty());
        if layout.namespaces.is_empty()
            && side.build.source.is_none()
            && !layout.lists_namespaces
            && may_have_namespaces
        {
            unknown.push(
                "solc's layout does not list ERC-7201 namespaces and there is no syntax tree, so \
                 namespaces are not compared"
                    .to_owned(),
            );
        }
        unknown
    }

    fn say_one(self, changes: &[Change], report: &mut Report) {
        let Some(change) = changes.first() else { return };
        let (told, untold): (Vec<&Why>, Vec<&Why>) =
            change.why.iter().partition(|why| !why.is_not_told());
        if change.gravity == Gravity::Careful {
            for why in &untold {
                report
                    .left_out
                    .push(LeftOut { place: self.place(change), reason: why.lines().join(" ") });
            }
            if told.is_empty() && change.kind != Kind::Renamed {
                return;
            }
        }
        let severity = match change.gravity {
            Gravity::Fine => return,
            Gravity::Careful => Severity::Warning,
            Gravity::Breaks => Severity::Error,
        };
        let rule = rule_of(change);
        let mut message = change.in_words();
        if changes.len() > 1 {
            message.push_str(&format!(", and {} more with it", changes.len() - 1));
        }
        if let Region::Namespace(id) = &change.region
            && !matches!(change.kind, Kind::NamespaceDeleted | Kind::NamespaceMoved)
        {
            message.push_str(&format!(" in the namespace {id}"));
        }
        let mut found =
            Diagnostic::new(rule, message).with_severity(severity).at(self.place(change));
        for row in self.table(changes) {
            found = found.with_note(row);
        }
        for line in change.why.iter().flat_map(Why::lines) {
            found = found.with_note(line);
        }
        if let Some(help) = help(change) {
            found = found.with_help(help);
        }
        report.diagnostics.push(found);
    }

    /// Where to look: the new field, or the contract that lacks the old one.
    fn place(self, change: &Change) -> Place {
        let (side, field) = match (&change.after, &change.before) {
            (Some(after), _) => (self.new, after),
            (None, Some(before)) => (self.old, before),
            (None, None) => return self.new.place(),
        };
        let mut place = Place::contract(side.file, side.build.called()).item(&field.label);
        if !field.contract.is_empty() {
            place.contract = Some(field.contract.clone());
        }
        let region = if change.after.is_some() { region_after(change) } else { &change.region };
        place.slot = field.place.map(|at| absolute(region, at.slot, at.offset));
        place.says = field.source.as_ref().map(|source| format!("declared at {source}"));
        place
    }

    /// `before` and `after` of the fields, in columns.
    fn table(self, changes: &[Change]) -> Vec<String> {
        let mut rows: Vec<[String; 2]> = Vec::new();
        for change in changes.iter().take(ROWS_MAX) {
            let cell = |field: &Option<Field>, region: &Region, types: &Types| match field {
                Some(field) => {
                    let at = field.place.map(|at| absolute(region, at.slot, at.offset));
                    let at = at.map_or_else(|| "?".to_owned(), |at| format!("slot {at}"));
                    format!("{at}  {} {}", types.label(&field.type_id), field.label)
                }
                None => "-".to_owned(),
            };
            rows.push([
                cell(&change.before, &change.region, &self.before.types),
                cell(&change.after, region_after(change), &self.after.types),
            ]);
        }
        if rows.iter().all(|[before, after]| before == "-" && after == "-") {
            return Vec::new();
        }
        let head = ["before".to_owned(), "after".to_owned()];
        let width = rows.iter().chain([&head]).map(|row| row[0].chars().count()).max();
        let width = width.unwrap_or_default();
        let line = |[before, after]: &[String; 2]| {
            let pad = " ".repeat(width - before.chars().count());
            format!("{before}{pad} | {after}")
        };
        let mut lines: Vec<String> = [&head].into_iter().chain(&rows).map(line).collect();
        if changes.len() > ROWS_MAX {
            lines.push(format!("and {} more", changes.len() - ROWS_MAX));
        }
        lines
    }
}

/// Whether `next` moves by as much as `first`, in the same region.
fn is_pushed_alike(first: &Change, next: &Change) -> bool {
    let shift = |change: &Change| {
        let (before, after) = (change.before.as_ref()?.place?, change.after.as_ref()?.place?);
        (before.offset == after.offset).then(|| after.slot.wrapping_sub(before.slot))
    };
    first.kind == Kind::Moved
        && next.kind == Kind::Moved
        && first.region == next.region
        && only_ends_elsewhere(first)
        && only_ends_elsewhere(next)
        && shift(first).is_some_and(|by| shift(next) == Some(by))
}

/// Where the new field is; a namespace with another id is elsewhere.
fn region_after(change: &Change) -> &Region {
    change.moved_to.as_ref().unwrap_or(&change.region)
}

/// Whether nothing but its place differs; a gap that is pushed along ends elsewhere too.
fn only_ends_elsewhere(change: &Change) -> bool {
    change.why.iter().all(|why| matches!(why, Why::GapEnds { .. }))
}

/// The slot in the whole of storage: a namespace's root is added where it is known.
fn absolute(region: &Region, slot: U256, offset: u8) -> String {
    let (root, known) = match region {
        Region::Namespace(id) => match namespace::root(id) {
            Some(root) => (U256::from_be_bytes(root.0), true),
            None => (U256::ZERO, false),
        },
        Region::Storage | Region::Transient => (U256::ZERO, true),
    };
    let slot = slot_text(root.wrapping_add(slot));
    let prefix = if known { "" } else { "root+" };
    if offset == 0 { format!("{prefix}{slot}") } else { format!("{prefix}{slot} byte {offset}") }
}

fn rule_of(change: &Change) -> &'static Rule {
    let is_gap = change
        .why
        .iter()
        .any(|why| matches!(why, Why::GapEnds { .. } | Why::GapGrew | Why::GapUnfilled));
    match change.kind {
        _ if is_gap => &rules::GAP,
        Kind::GapResized => &rules::GAP,
        Kind::Deleted => &rules::DELETED,
        Kind::Inserted | Kind::Appended => &rules::INSERTED,
        Kind::Renamed => &rules::RENAMED,
        Kind::Retyped | Kind::Replaced => &rules::RETYPED,
        Kind::Moved | Kind::Reordered => &rules::MOVED,
        Kind::BaseMoved => &rules::BASE_SLOT,
        Kind::NamespaceDeleted | Kind::NamespaceMoved | Kind::NamespaceAdded => &rules::NAMESPACE,
    }
}

fn help(change: &Change) -> Option<String> {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    match change.kind {
        Kind::Renamed => Some(format!(
            "if it was renamed, write `/// @custom:oz-renamed-from {}` above `{}`, or give --allow-renames",
            before?.label, after?.label
        )),
        Kind::Moved if change.why.is_empty() => Some(
            "look for what was inserted, deleted or resized before it; undoing that moves it back"
                .to_owned(),
        ),
        Kind::Reordered => Some(format!("declare `{}` where it was", after?.label)),
        _ => None,
    }
}
