//! An upgrade judged: the comparison and the safety checks as one report of the lints.

mod laid; // two layouts

use alloy_primitives::U256;

use self::laid::Laid;
use super::{
    Build, Comparison, Options,
    bytecode::{Confidence, ConflictKind, Traces, conflicts, trace},
    compare, rules,
    safety::{self, Side},
    storage::slot_text,
};
use crate::lint::{Diagnostic, LeftOut, Place, Report, Severity};

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

fn say_conflicts(
    old: Side<'_>,
    new: Side<'_>,
    (before, after): (&Traces, &Traces),
    report: &mut Report,
) {
    report.left_out.push(LeftOut {
        place: new.place(),
        reason:
            "no storage layout on both sides, so both were followed as bytecode: what is found is \
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
                vec![
                    "the old code has storage there, the new code does not know the root"
                        .to_owned(),
                ],
            ),
        };
        let place = Place { slot: Some(slot_text(slot)), ..new.place() };
        let found = Diagnostic::new(&rules::BYTECODE, message).with_severity(severity).at(place);
        let found = notes.into_iter().fold(found, Diagnostic::with_note);
        report.diagnostics.push(found.at(old.place().says("the deployed code")));
    }
}
