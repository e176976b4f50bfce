//! An upgrade judged: the comparison and the safety checks as one report of the lints.

use alloy_primitives::U256;

use super::{
    Build, Change, Comparison, Field, Gravity, Kind, Layout, Options, Region, Types, Why,
    bytecode::{ConflictKind, Confidence, Traces, conflicts, trace},
    compare, namespace, rules,
    safety::{self, Side},
    storage::slot_text,
};
use crate::lint::{Diagnostic, LeftOut, Place, Report, Rule, Severity};

/// Most fields that one diagnostic lists; what moves with them is counted.
const ROWS_MAX: usize = 8;

/// From what an upgrade was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Both sides told their layout.
    Layouts,
    /// At least one did not, so both were followed as bytecode: probable, not proven.
    Bytecode,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// From what.
    pub basis: Basis,
    /// The findings.
    pub report: Report,
    /// The comparison of the layouts, when that was the basis.
    pub comparison: Option<Comparison>,
}

/// Why an upgrade cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no storage layout in {lacks} and no code in {without_code}, so there is nothing to compare: build \
     with storageLayout (`forge build --extra-output storageLayout`), or give runtime code on both sides"
)]
pub struct Incomparable {
    /// The file without a layout.
    pub lacks: String,
    /// The file without code.
    pub without_code: String,
}

/// A build with the name of its file.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// What it holds.
    pub build: &'a Build,
}

/// Judges the upgrade from one build to another.
pub fn judge(old: Named<'_>, new: Named<'_>, options: Options) -> Result<Judgement, Incomparable> {
    let traces = |named: Named<'_>| named.build.code.as_ref().map(|code| trace(&code.bytes));
    let (old_traces, new_traces) = (traces(old), traces(new));
    let old = Side { file: old.file, build: old.build, traces: old_traces.as_ref() };
    let new = Side { file: new.file, build: new.build, traces: new_traces.as_ref() };
    let mut report = Report { judged: 1, ..Report::default() };
    let layouts = (&old.build.layout, &new.build.layout);
    let (basis, comparison) = match (layouts, old.traces, new.traces) {
        ((Some(before), Some(after)), _, _) => {
            let comparison = compare(before, after, options);
            Laid { old, new, before, after }.say(&comparison, &mut report);
            (Basis::Layouts, Some(comparison))
        }
        (_, Some(before), Some(after)) => {
            say_conflicts(old, new, (before, after), &mut report);
            (Basis::Bytecode, None)
        }
        ((before, _), old_code, _) => {
            let file = |is_old: bool| if is_old { old.file } else { new.file }.to_owned();
            return Err(Incomparable {
                lacks: file(before.is_none()),
                without_code: file(old_code.is_none()),
            });
        }
    };
    safety::check(old, new, &mut report);
    Ok(Judgement { basis, report, comparison })
}

/// Both layouts with their files.
#[derive(Clone, Copy)]
struct Laid<'a> {
    old: Side<'a>,
    new: Side<'a>,
    before: &'a Layout,
    after: &'a Layout,
}

impl Laid<'_> {
    fn say(self, comparison: &Comparison, report: &mut Report) {
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
                report.left_out.push(LeftOut {
                    place: self.place(change),
                    reason: why.lines().join(" "),
                });
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
        place.slot = field.place.map(|at| absolute(&change.region, at.slot, at.offset));
        place.says = field.source.as_ref().map(|source| format!("declared at {source}"));
        place
    }

    /// `before` and `after` of the fields, in columns.
    fn table(self, changes: &[Change]) -> Vec<String> {
        let mut rows: Vec<[String; 2]> = Vec::new();
        for change in changes.iter().take(ROWS_MAX) {
            let cell = |field: &Option<Field>, types: &Types| match field {
                Some(field) => {
                    let at = field.place.map(|at| absolute(&change.region, at.slot, at.offset));
                    let at = at.map_or_else(|| "?".to_owned(), |at| format!("slot {at}"));
                    format!("{at}  {} {}", types.label(&field.type_id), field.label)
                }
                None => "-".to_owned(),
            };
            rows.push([
                cell(&change.before, &self.before.types),
                cell(&change.after, &self.after.types),
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
        && first.why.is_empty()
        && next.why.is_empty()
        && shift(first).is_some_and(|by| shift(next) == Some(by))
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
    if change.why.contains(&Why::CodePointer) && change.gravity == Gravity::Careful {
        return &rules::CODE_POINTER;
    }
    let is_gap = change.why.iter().any(|why| {
        matches!(why, Why::GapEnds { .. } | Why::GapGrew | Why::GapUnfilled)
    });
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

fn say_conflicts(
    old: Side<'_>,
    new: Side<'_>,
    (before, after): (&Traces, &Traces),
    report: &mut Report,
) {
    report.left_out.push(LeftOut {
        place: new.place(),
        reason: "no storage layout on both sides, so both were followed as bytecode: what is found is \
                 probable, and what no followed path touches is not seen"
            .to_owned(),
    });
    for conflict in conflicts(before, after) {
        let (severity, word) = match conflict.confidence {
            Confidence::Probable => (Severity::Error, "probably"),
            Confidence::Possible => (Severity::Warning, "possibly"),
        };
        let (message, slot, notes) = match &conflict.kind {
            ConflictKind::Use { before, after } => (
                format!("slot {} is {word} used as something else", slot_text(before.slot)),
                before.slot,
                vec![format!("the old code uses {before}"), format!("the new code uses {after}")],
            ),
            ConflictKind::Abandoned { before } => (
                format!("slot {} is {word} not used any more", slot_text(before.slot)),
                before.slot,
                vec![format!("the old code writes {before}")],
            ),
            ConflictKind::NamespaceGone { root } => (
                format!("the namespace at {root} is {word} gone"),
                U256::from_be_bytes(root.0),
                vec!["the old code has storage there, the new code does not know the root".to_owned()],
            ),
        };
        let place = Place { slot: Some(slot_text(slot)), ..new.place() };
        let found =
            Diagnostic::new(&rules::BYTECODE, message).with_severity(severity).at(place);
        let found = notes.into_iter().fold(found, Diagnostic::with_note);
        report.diagnostics.push(found.at(old.place().says("the deployed code")));
    }
}
