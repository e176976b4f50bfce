//! The other ways in which a new implementation goes wrong for good: no further upgrade, an end
//! through the implementation, what constructors leave in the wrong storage, open initialisers.

use std::collections::BTreeSet;

use alloy_primitives::{Selector, U256, keccak256};

use super::{
    Build, Region,
    bytecode::Traces,
    namespace,
    read::SourceFacts,
    rules,
    storage::{SLOT_BYTES, slot_text},
};
use crate::lint::{Diagnostic, LeftOut, Place, Report, Severity};

/// One side of an upgrade: what its file says and what its code shows.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// What it holds.
    pub build: &'a Build,
    /// What its code shows, if it has code.
    pub traces: Option<&'a Traces>,
}

impl Side<'_> {
    /// The contract as a place of a diagnostic.
    pub(super) fn place(&self) -> Place {
        Place::contract(self.file, self.build.called())
    }

    fn at(&self, source: Option<&str>) -> Place {
        let Some((file, line)) = source.and_then(|source| source.rsplit_once(':')) else {
            return self.place();
        };
        match line.parse() {
            Ok(line) => Place { line: Some(line), ..Place::file(file) },
            Err(_) => self.place(),
        }
    }

    /// Selectors of the external functions; `None` when neither ABI nor code is there.
    fn selectors(&self) -> Option<BTreeSet<[u8; 4]>> {
        match (&self.build.functions, self.traces) {
            (Some(functions), _) => Some(functions.iter().map(|f| selector(f).0).collect()),
            (None, Some(traces)) => Some(traces.selectors.clone()),
            (None, None) => None,
        }
    }
}

/// The selector of a canonical signature.
fn selector(signature: &str) -> Selector {
    let hash = keccak256(signature);
    Selector::from([hash[0], hash[1], hash[2], hash[3]])
}

/// Whether these entry points are those of a UUPS implementation (EIP-1822, EIP-1967).
fn is_upgradeable(selectors: &BTreeSet<[u8; 4]>) -> bool {
    let has = |signature| selectors.contains(&selector(signature).0);
    has("proxiableUUID()") && (has("upgradeTo(address)") || has("upgradeToAndCall(address,bytes)"))
}

/// Judges the new implementation, and what it has lost against the old one.
pub fn check(old: Side<'_>, new: Side<'_>, report: &mut Report) {
    can_be_upgraded_again(old, new, report);
    opcodes(old, new, report);
    immutables(old, new, report);
    reserved_slots(new, report);
    match &new.build.source {
        Some(facts) => source(new, facts, report),
        None => report.left_out.push(LeftOut {
            place: new.place(),
            reason: "no syntax tree in the file, so constructors, initial values and initialisers \
                     are not judged"
                .to_owned(),
        }),
    }
}

fn can_be_upgraded_again(old: Side<'_>, new: Side<'_>, report: &mut Report) {
    let Some(before) = old.selectors().filter(is_upgradeable) else { return };
    let Some(after) = new.selectors() else {
        report.left_out.push(LeftOut {
            place: new.place(),
            reason: "neither ABI nor code in the file, so whether it can be upgraded again is not judged"
                .to_owned(),
        });
        return;
    };
    if is_upgradeable(&after) {
        return;
    }
    let lost: Vec<&str> =
        ["proxiableUUID()", "upgradeTo(address)", "upgradeToAndCall(address,bytes)"]
            .into_iter()
            .filter(|f| before.contains(&selector(f).0) && !after.contains(&selector(f).0))
            .collect();
    let message = format!(
        "`{}` has no {}: after this upgrade there is no other",
        new.build.called(),
        lost.join(" and no ")
    );
    report.diagnostics.push(
        Diagnostic::new(&rules::NOT_UPGRADEABLE, message)
            .at(new.place())
            .at(old.place().says("this one has them")),
    );
}

fn opcodes(old: Side<'_>, new: Side<'_>, report: &mut Report) {
    let Some(after) = new.traces else { return };
    let name = new.build.called();
    if after.self_destructs > 0 {
        let message = format!("`{name}` can reach SELFDESTRUCT");
        report.diagnostics.push(Diagnostic::new(&rules::SELF_DESTRUCT, message).at(new.place()));
    }
    // One is how UUPS runs the call that comes with an upgrade.
    let expected = usize::from(is_upgradeable(&after.selectors));
    let before = old.traces.map_or(0, |traces| traces.delegate_calls).max(expected);
    if after.delegate_calls > before {
        let message = format!(
            "`{name}` delegates in {}, {} were expected",
            counted(after.delegate_calls, "place"),
            before
        );
        report.diagnostics.push(Diagnostic::new(&rules::DELEGATE_CALL, message).at(new.place()));
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn immutables(old: Side<'_>, new: Side<'_>, report: &mut Report) {
    let count = |side: Side<'_>| {
        let from_code = side.build.code.as_ref().and_then(|code| code.immutables);
        side.build.source.as_ref().map(|facts| facts.immutables.len()).or(from_code)
    };
    let (Some(after), before) = (count(new), count(old)) else { return };
    if after <= before.unwrap_or(0) {
        return;
    }
    let message = match before {
        Some(before) => format!("`{}` has {after} immutable values, {before} before", new.build.called()),
        None => format!("`{}` has {}", new.build.called(), counted(after, "immutable value")),
    };
    let severity = if before.is_some() { Severity::Warning } else { Severity::Note };
    let mut found =
        Diagnostic::new(&rules::IMMUTABLE, message).with_severity(severity).at(new.place());
    if let Some(facts) = &new.build.source {
        found = found.with_note(format!("they are {}", facts.immutables.join(", ")));
    }
    report.diagnostics.push(found);
}

fn reserved_slots(new: Side<'_>, report: &mut Report) {
    let Some(layout) = &new.build.layout else { return };
    let mut found = |subject: String, slot: U256, what: &str| {
        let message = format!("{subject} covers {what}");
        let place = Place { slot: Some(slot_text(slot)), ..new.place() };
        report.diagnostics.push(Diagnostic::new(&rules::RESERVED_SLOT, message).at(place));
    };
    let slots = |bytes: U256| bytes.div_ceil(U256::from(SLOT_BYTES));
    for field in &layout.variables {
        let bytes = layout.types.get(&field.type_id).and_then(|t| t.bytes);
        if let (Some(place), Some(bytes)) = (field.place, bytes)
            && let Some(what) = namespace::reserved_in(place.slot, slots(bytes))
        {
            found(format!("`{}`", field.label), place.slot, what);
        }
    }
    for (id, fields) in &layout.namespaces {
        let Some(root) = namespace::root(id) else { continue };
        let root = U256::from_be_bytes(root.0);
        let end = fields.iter().filter_map(|f| f.place).map(|p| p.slot + U256::ONE).max();
        if let Some(what) = namespace::reserved_in(root, end.unwrap_or(U256::ONE)) {
            found(Region::Namespace(id.clone()).to_string(), root, what);
        }
    }
}

fn source(new: Side<'_>, facts: &SourceFacts, report: &mut Report) {
    for constructor in &facts.constructors {
        let names: Vec<String> = constructor.writes.iter().map(|w| format!("`{w}`")).collect();
        let message =
            format!("the constructor of `{}` writes {}", constructor.contract, names.join(", "));
        report.diagnostics.push(
            Diagnostic::new(&rules::CONSTRUCTOR, message).at(new.at(constructor.source.as_deref())),
        );
    }
    for variable in &facts.state_initialisers {
        let message = format!(
            "`{}.{}` is given a value that no proxy will have",
            variable.contract, variable.label
        );
        report.diagnostics.push(
            Diagnostic::new(&rules::STATE_INITIALISER, message)
                .at(new.at(variable.source.as_deref()).item(&variable.label)),
        );
    }
    for initialiser in facts.initialisers.iter().filter(|i| !i.runs_once) {
        let message = format!(
            "`{}.{}` can be called again by anybody who passes its own checks",
            initialiser.contract, initialiser.function
        );
        report.diagnostics.push(
            Diagnostic::new(&rules::UNGUARDED_INITIALISER, message)
                .at(new.at(initialiser.source.as_deref()).item(&initialiser.function)),
        );
    }
    let is_open = !facts.initialisers.is_empty() && !facts.disables_initialisers;
    if is_open && facts.missing_bases == 0 {
        let message = format!("the implementation `{}` can be initialised", new.build.called());
        report.diagnostics.push(Diagnostic::new(&rules::OPEN_INITIALISER, message).at(new.place()));
    }
    if facts.missing_bases > 0 {
        let (plural, verb) = if facts.missing_bases == 1 { ("", "is") } else { ("s", "are") };
        let count = facts.missing_bases;
        report.left_out.push(LeftOut {
            place: new.place(),
            reason: format!(
                "the source of {count} inherited contract{plural} {verb} not in the file, so constructors and \
                 initialisers there are not judged; build info has them"
            ),
        });
    }
}
