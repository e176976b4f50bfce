//! One name for one thing, one thing under one name.

use alloy_primitives::{B256, keccak256};

use super::{Infrastructure, Of, Surface, joined};
use crate::lint::{Diagnostic, Place, Rule, Severity};

/// Same name, different interface.
pub(super) static HOMONYM_INTERFACE: Rule = Rule {
    id: "homonym-interface",
    what: "One name stands for different interfaces, or for different events.",
    why: "People, labels and monitors go by the name and mean the wrong one.",
    severity: Severity::Warning,
    help: "name different interfaces differently; a version in the name will do",
};

/// Different name, same interface.
pub(super) static SYNONYM: Rule = Rule {
    id: "synonym",
    what: "One interface goes by several names.",
    why: "What is learned about one is not found under the other.",
    severity: Severity::Note,
    help: "declare it once and import it",
};

/// Same function name, other arguments elsewhere.
pub(super) static NEAR_HOMONYM: Rule = Rule {
    id: "near-homonym",
    what: "Contracts have functions of one name with different arguments.",
    why: "An overload that exists in one contract and not in another is called on the wrong one, and \
          a monitor by name sees only one of them.",
    severity: Severity::Note,
    help: "use one list of arguments for one name, or say in the name what differs",
};

pub(super) static RULES: &[&Rule] = &[&HOMONYM_INTERFACE, &SYNONYM, &NEAR_HOMONYM];

/// An interface of fewer functions is too common to be the same by more than chance.
const SYNONYM_FUNCTIONS_MIN: usize = 3;

pub(super) fn check(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    let prints: Vec<Option<B256>> = all.surfaces.iter().map(fingerprint).collect();
    homonyms(all, &prints, out);
    events(all, out);
    synonyms(all, &prints, out);
    overloads(all, out);
}

/// A hash of all that others can see of a contract; `None` when not all of it is known.
fn fingerprint(surface: &Surface) -> Option<B256> {
    if !surface.is_contract || !surface.unnamed.is_empty() {
        return None;
    }
    let functions = surface.functions.iter().map(|function| {
        let mutability = function.mutability.map_or("", |m| m.as_str());
        let outputs = function.outputs.iter().flatten().map(|param| param.ty.as_str());
        format!("f{} {mutability} {}", function.signature, outputs.collect::<Vec<_>>().join(","))
    });
    let events = surface.events.iter().map(|event| {
        let split = event.params.iter().map(|param| if param.indexed { '1' } else { '0' });
        format!("e{} {}", event.signature, split.collect::<String>())
    });
    let errors = surface.errors.iter().map(|error| format!("x{}", error.signature));
    let mut parts: Vec<String> = functions.chain(events).chain(errors).collect();
    parts.sort_unstable();
    parts.dedup();
    Some(keccak256(parts.join("\n")))
}

fn homonyms(all: &Infrastructure, prints: &[Option<B256>], out: &mut Vec<Diagnostic>) {
    let named = all.surfaces.iter().zip(prints).enumerate();
    let named = named.filter_map(|(at, (of, print))| Some((of.name.as_str(), (at, (*print)?))));
    for (name, group) in joined(named) {
        let kinds = joined(group.into_iter().map(|(at, print)| (print, at)));
        if kinds.len() < 2 {
            continue;
        }
        let message = format!("{} different interfaces are called {name}", kinds.len());
        let places = kinds.iter().map(|(_, at)| {
            let of = &all.surfaces[at[0]];
            let (functions, events) = (of.functions.len(), of.events.len());
            Place::contract(&of.file, &of.name)
                .says(format!("{functions} functions, {events} events"))
        });
        let mut found = Diagnostic::new(&HOMONYM_INTERFACE, message).at_all(places);
        if let [(_, a), (_, b), ..] = kinds.as_slice()
            && let Some(difference) = difference(&all.surfaces[a[0]], &all.surfaces[b[0]])
        {
            found = found.with_note(difference);
        }
        out.push(found);
    }
}

/// The first thing that one has and the other has not.
fn difference(a: &Surface, b: &Surface) -> Option<String> {
    let only = |a: &Surface, b: &Surface| {
        let function = a
            .functions
            .iter()
            .find(|f| b.functions.iter().all(|other| other.signature != f.signature))
            .map(|f| format!("function {}", f.signature));
        let event = || {
            let missing =
                |e: &&super::Event| b.events.iter().all(|other| other.to_string() != e.to_string());
            a.events.iter().find(missing).map(|e| format!("event {e}"))
        };
        let what = function.or_else(event)?;
        Some(format!("only the one in {} has {what}", a.file))
    };
    only(a, b).or_else(|| only(b, a))
}

fn events(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    let named = all.surfaces.iter().enumerate().flat_map(|(surface, of)| {
        of.events.iter().map(move |item| (item.name.as_str(), Of { item, surface }))
    });
    for (name, group) in joined(named).iter().filter(|(_, group)| group.len() > 1) {
        let kinds = joined(group.iter().map(|of| (of.item.signature.as_str(), *of)));
        if kinds.len() > 1 {
            let message = format!("{} different events are called {name}", kinds.len());
            let places = kinds.iter().map(|(_, of)| all.event_place(of[0]));
            out.push(Diagnostic::new(&HOMONYM_INTERFACE, message).at_all(places));
        }
    }
}

fn synonyms(all: &Infrastructure, prints: &[Option<B256>], out: &mut Vec<Diagnostic>) {
    let printed = all.surfaces.iter().zip(prints).enumerate().filter_map(|(at, (of, print))| {
        (of.functions.len() >= SYNONYM_FUNCTIONS_MIN).then_some(((*print)?, at))
    });
    for (_, group) in joined(printed) {
        let mut names: Vec<&str> = Vec::new();
        let mut places = Vec::new();
        for at in group {
            let of = &all.surfaces[at];
            // IVault and Vault are one name: the interface and what implements it.
            let is_known = names.iter().any(|name| without_i(name) == without_i(&of.name));
            if !is_known {
                names.push(&of.name);
                places.push(Place::contract(&of.file, &of.name));
            }
        }
        if names.len() > 1 {
            let message = format!("one interface goes by {} names", names.len());
            out.push(Diagnostic::new(&SYNONYM, message).at_all(places));
        }
    }
}

fn without_i(name: &str) -> &str {
    match name.strip_prefix('I') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_uppercase()) => rest,
        _ => name,
    }
}

fn overloads(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    let named = all.surfaces.iter().enumerate().flat_map(|(surface, of)| {
        of.functions.iter().map(move |item| (item.name.as_str(), Of { item, surface }))
    });
    for (name, group) in joined(named).iter().filter(|(_, group)| group.len() > 1) {
        let kinds = joined(group.iter().map(|of| (of.item.signature.as_str(), *of)));
        if kinds.len() < 2 {
            continue;
        }
        // Overloads that every contract has are one interface, not a confusion of two.
        let surfaces = |of: &[Of<'_, super::Function>]| -> Vec<usize> {
            let mut surfaces: Vec<usize> = of.iter().map(|of| of.surface).collect();
            surfaces.sort_unstable();
            surfaces.dedup();
            surfaces
        };
        let everywhere = surfaces(group);
        if kinds.iter().all(|(_, of)| surfaces(of) == everywhere) {
            continue;
        }
        let message = format!("{name} is called with {} different lists of arguments", kinds.len());
        let places = kinds.iter().map(|(_, of)| all.function_place(of[0]));
        out.push(Diagnostic::new(&NEAR_HOMONYM, message).at_all(places));
    }
}
