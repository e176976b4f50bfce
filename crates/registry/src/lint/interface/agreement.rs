//! One signature, one meaning: the same names in the same order, the same results, the same rights.

use super::{BySelector, Event, Function, Infrastructure, Mutability, Of, Param, joined};
use crate::lint::{Diagnostic, Place, Rule, Severity};

/// Same signature, other names or another order of them.
pub(super) static PARAMETER_MISMATCH: Rule = Rule {
    id: "parameter-mismatch",
    what: "One signature is declared with arguments of different names or in a different order.",
    why: "Where the order differs, a value is passed for another; where names differ, monitors and \
          people who name an argument miss half of the contracts.",
    severity: Severity::Note,
    help: "declare it once in a shared interface and inherit that",
};

/// Same signature, other results.
pub(super) static RETURN_MISMATCH: Rule = Rule {
    id: "return-mismatch",
    what: "One function signature is declared with different return types.",
    why: "A caller decodes a result that is not there (as with tokens whose transfer returns \
          nothing) and reverts, or reads it as something else.",
    severity: Severity::Warning,
    help: "return the same everywhere, or call the odd one through a wrapper that knows",
};

/// Same signature, other rights.
pub(super) static MUTABILITY_MISMATCH: Rule = Rule {
    id: "mutability-mismatch",
    what: "One function signature is declared with different mutability.",
    why: "Where one side says view, the call is made static and fails when the other side writes; \
          where one takes ether and the other does not, ether is refused or stuck.",
    severity: Severity::Warning,
    help: "declare it the same everywhere, or rename the one that does something else",
};

pub(super) static RULES: &[&Rule] = &[&PARAMETER_MISMATCH, &RETURN_MISMATCH, &MUTABILITY_MISMATCH];

pub(super) fn check(all: &Infrastructure, functions: &BySelector<'_>, out: &mut Vec<Diagnostic>) {
    for (_, group) in functions.iter().filter(|(_, group)| group.len() > 1) {
        let by_signature = joined(group.iter().map(|of| (of.item.signature.as_str(), *of)));
        for (signature, same) in by_signature.iter().filter(|(_, same)| same.len() > 1) {
            let declared: Vec<(&[Param], Of<'_, Function>)> =
                same.iter().map(|of| (of.item.inputs.as_slice(), *of)).collect();
            parameters(signature, &declared, |of| all.function_place(of), out);
            returns(all, signature, same, out);
            mutability(all, signature, same, out);
        }
    }
    let events = all.surfaces.iter().enumerate().flat_map(|(surface, of)| {
        of.events.iter().map(move |item| (item.signature.as_str(), Of { item, surface }))
    });
    for (signature, same) in joined(events).iter().filter(|(_, same)| same.len() > 1) {
        let declared: Vec<(&[Param], Of<'_, Event>)> =
            same.iter().map(|of| (of.item.params.as_slice(), *of)).collect();
        parameters(signature, &declared, |of| all.event_place(of), out);
    }
}

/// A name without the marks of style: `_to`, `to_`, `To` are one name.
fn plain(name: &str) -> String {
    name.trim_matches('_').to_ascii_lowercase()
}

/// Names of all arguments; `None` when one is missing, because nothing can be said then.
fn plain_names(params: &[Param]) -> Option<Vec<String>> {
    params.iter().map(|param| Some(plain(&param.name)).filter(|name| !name.is_empty())).collect()
}

fn parameters<'a, T>(
    signature: &str,
    declared: &[(&'a [Param], Of<'a, T>)],
    place: impl Fn(Of<'a, T>) -> Place,
    out: &mut Vec<Diagnostic>,
) {
    let (first, rest) = match declared {
        [first, rest @ ..] if !first.0.is_empty() => (first, rest),
        _ => return,
    };
    // The usual case costs no allocation: all alike to the letter.
    let alike = |a: &[Param], b: &[Param]| a.iter().zip(b).all(|(a, b)| a.name == b.name);
    if rest.iter().all(|(params, _)| alike(first.0, params)) {
        return;
    }
    let mut kinds: Vec<(Vec<String>, Of<'a, T>)> = Vec::new();
    for (params, of) in declared {
        let Some(names) = plain_names(params) else { continue };
        if !kinds.iter().any(|(known, _)| *known == names) {
            kinds.push((names, *of));
        }
    }
    let [(expected, _), others @ ..] = kinds.as_slice() else { return };
    if others.is_empty() {
        return;
    }
    let sorted = |names: &[String]| {
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        sorted
    };
    let is_permuted = kinds.iter().enumerate().any(|(at, (a, _))| {
        let sorted_a = sorted(a);
        kinds[at + 1..].iter().any(|(b, _)| sorted(b) == sorted_a)
    });
    let message = if is_permuted {
        format!("{signature} is declared with its arguments in a different order")
    } else {
        format!("{signature} is declared with arguments of different names")
    };
    debug_assert!(!expected.is_empty());
    let severity = if is_permuted { Severity::Warning } else { Severity::Note };
    let places = kinds.iter().map(|(names, of)| place(*of).says(names.join(", ")));
    let places: Vec<Place> = places.collect();
    out.push(Diagnostic::new(&PARAMETER_MISMATCH, message).with_severity(severity).at_all(places));
}

/// One place of each kind, or nothing when all are of one.
fn kinds<'a, K: PartialEq>(
    same: &[Of<'a, Function>],
    kind: impl Fn(&'a Function) -> Option<K>,
) -> Vec<(K, Of<'a, Function>)> {
    let mut kinds: Vec<(K, Of<'a, Function>)> = Vec::new();
    for of in same {
        if let Some(of_kind) = kind(of.item)
            && !kinds.iter().any(|(known, _)| *known == of_kind)
        {
            kinds.push((of_kind, *of));
        }
    }
    if kinds.len() < 2 { Vec::new() } else { kinds }
}

fn returns(
    all: &Infrastructure,
    signature: &str,
    same: &[Of<'_, Function>],
    out: &mut Vec<Diagnostic>,
) {
    let types = |function: &Function| -> Option<Vec<String>> {
        Some(function.outputs.as_ref()?.iter().map(|param| param.ty.clone()).collect())
    };
    let alike = |a: &Function, b: &Function| match (&a.outputs, &b.outputs) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.ty == b.ty),
        _ => false,
    };
    if same.windows(2).all(|pair| alike(pair[0].item, pair[1].item)) {
        return;
    }
    let kinds = kinds(same, types);
    if kinds.is_empty() {
        return;
    }
    let message = format!("{signature} returns different types");
    let places = kinds.iter().map(|(types, of)| {
        let says = match types.as_slice() {
            [] => "returns nothing".to_owned(),
            types => format!("returns {}", types.join(", ")),
        };
        all.function_place(*of).says(says)
    });
    out.push(Diagnostic::new(&RETURN_MISMATCH, message).at_all(places));
}

fn mutability(
    all: &Infrastructure,
    signature: &str,
    same: &[Of<'_, Function>],
    out: &mut Vec<Diagnostic>,
) {
    let kinds = kinds(same, |function| function.mutability);
    if kinds.is_empty() {
        return;
    }
    let is = |wanted: fn(Mutability) -> bool| kinds.iter().any(|(kind, _)| wanted(*kind));
    let is_read_and_write = is(Mutability::is_reading) && is(|kind| !kind.is_reading());
    // A caller can tell neither pure from view nor, unless it sends ether, payable from not.
    let severity = if is_read_and_write { Severity::Warning } else { Severity::Note };
    let message = format!("{signature} is declared with different mutability");
    let places = kinds.iter().map(|(kind, of)| all.function_place(*of).says(kind.as_str()));
    out.push(Diagnostic::new(&MUTABILITY_MISMATCH, message).with_severity(severity).at_all(places));
}
