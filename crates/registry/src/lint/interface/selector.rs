//! Four bytes, one function: across all contracts, through proxies and among facets.

use alloy_primitives::hex;
use rustc_hash::FxHashMap;

use super::{BySelector, CustomError, Function, Infrastructure, Joint, JointKind, Of, joined};
use crate::lint::{Diagnostic, Rule, Severity};

/// Same selector, different canonical signature.
pub(super) static SELECTOR_COLLISION: Rule = Rule {
    id: "selector-collision",
    what: "Two different functions have the same four-byte selector.",
    why: "A call that means one runs the other; a decoder names the wrong one, and so does every \
          alert about it.",
    severity: Severity::Warning,
    help: "rename one of the functions, or add an argument to it",
};

/// A proxy answers what its implementation should.
pub(super) static PROXY_CLASH: Rule = Rule {
    id: "proxy-clash",
    what: "A proxy has a function with the selector of a function of its implementation.",
    why: "The proxy answers first: the implementation's function can never be called, and a proxy's \
          administration may hide behind a harmless name.",
    severity: Severity::Error,
    help: "rename the proxy's function, or use a proxy that has none of its own (ERC-1967 with UUPS)",
};

/// Two facets offer the same selector.
pub(super) static DIAMOND_DUP: Rule = Rule {
    id: "diamond-dup",
    what: "Two facets of a diamond have a function with the same selector.",
    why: "Only one of them can be cut in; which one answers depends on the order of the cuts.",
    severity: Severity::Warning,
    help: "leave the function in one facet, or cut it in from one only and waive this",
};

/// Same error selector, different canonical signature.
pub(super) static ERROR_SELECTOR_COLLISION: Rule = Rule {
    id: "error-selector-collision",
    what: "Two different custom errors have the same four-byte selector.",
    why: "A revert is explained with the wrong error, or with Solidity's own Error and Panic.",
    severity: Severity::Warning,
    help: "rename one of the errors",
};

pub(super) static RULES: &[&Rule] =
    &[&SELECTOR_COLLISION, &PROXY_CLASH, &DIAMOND_DUP, &ERROR_SELECTOR_COLLISION];

pub(super) fn check(all: &Infrastructure, functions: &BySelector<'_>, out: &mut Vec<Diagnostic>) {
    let mut joints_of: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for (at, joint) in all.joints.iter().enumerate() {
        for surface in std::iter::once(joint.front).chain(joint.behind.iter().copied()) {
            joints_of.entry(surface).or_default().push(at);
        }
    }
    for (selector, group) in functions.iter().filter(|(_, group)| group.len() > 1) {
        let signatures = distinct(group);
        let through = shared_joints(group, &joints_of);
        let mut is_told = false;
        for (joint, members) in through {
            let joint = &all.joints[joint];
            let is_clash = joint.kind != JointKind::Router && clash(all, joint, &members, out);
            if joint.kind == JointKind::Diamond {
                duplicate(all, joint, &members, out);
            }
            let is_collision = !is_clash && distinct(&members).len() > 1;
            if is_collision {
                let found = collision(all, *selector, &members).with_severity(Severity::Error);
                out.push(found.with_note(format!("both are reached through {}", joint.name)));
            }
            is_told |= (is_clash || is_collision) && members.len() == group.len();
        }
        let is_in_one_contract = has_two_in_one_surface(group);
        if signatures.len() > 1 && !is_told {
            let mut found = collision(all, *selector, group);
            if is_in_one_contract {
                found = found
                    .with_severity(Severity::Error)
                    .with_note("both are in one interface: one address answers to both");
            }
            out.push(found);
        }
    }
    errors(all, out);
}

fn distinct<'a>(group: &[Of<'a, Function>]) -> Vec<&'a str> {
    let mut signatures: Vec<&str> = group.iter().map(|of| of.item.signature.as_str()).collect();
    signatures.sort_unstable();
    signatures.dedup();
    signatures
}

/// The joints through which two or more members of the group are reached, with those members.
fn shared_joints<'a>(
    group: &[Of<'a, Function>],
    joints_of: &FxHashMap<usize, Vec<usize>>,
) -> Vec<(usize, Vec<Of<'a, Function>>)> {
    let members = group.iter().flat_map(|&of| {
        let joints = joints_of.get(&of.surface).map_or(&[][..], Vec::as_slice);
        joints.iter().map(move |&joint| (joint, of))
    });
    joined(members).into_iter().filter(|(_, members)| members.len() > 1).collect()
}

fn has_two_in_one_surface(group: &[Of<'_, Function>]) -> bool {
    let mut seen: FxHashMap<usize, &str> = FxHashMap::default();
    group.iter().any(|of| {
        seen.insert(of.surface, &of.item.signature).is_some_and(|other| other != of.item.signature)
    })
}

fn collision(all: &Infrastructure, selector: [u8; 4], group: &[Of<'_, Function>]) -> Diagnostic {
    let message = format!(
        "{} have the same selector {}",
        list(&distinct(group)),
        hex::encode_prefixed(selector)
    );
    // One place of each signature first: with many contracts, the rare one must not be cut off.
    let mut first: Vec<Of<'_, Function>> = Vec::new();
    let mut rest = Vec::new();
    for &of in group {
        let is_known = first.iter().any(|known| known.item.signature == of.item.signature);
        if is_known { &mut rest } else { &mut first }.push(of);
    }
    let places = first.into_iter().chain(rest).map(|of| all.function_place(of));
    Diagnostic::new(&SELECTOR_COLLISION, message).at_all(places)
}

/// `a and b`, `a, b and c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// A function of the front that hides one behind it. Returns whether there was one.
fn clash(
    all: &Infrastructure,
    joint: &Joint,
    members: &[Of<'_, Function>],
    out: &mut Vec<Diagnostic>,
) -> bool {
    let Some(front) = members.iter().find(|of| of.surface == joint.front) else { return false };
    let hidden: Vec<_> = members.iter().filter(|of| of.surface != joint.front).collect();
    let Some(first) = hidden.first() else { return false };
    let is_same = hidden.iter().all(|of| of.item.signature == front.item.signature);
    let message = if is_same {
        format!("{} answers {} before its implementation can", joint.name, front.item.signature)
    } else {
        format!(
            "{} of {} hides {} of its implementation: both have the selector {}",
            front.item.signature,
            joint.name,
            first.item.signature,
            hex::encode_prefixed(front.item.selector)
        )
    };
    // The same function on both sides is how some proxies show their own version; a different
    // one is never meant.
    let severity = if is_same { Severity::Warning } else { Severity::Error };
    let hidden = hidden.into_iter().map(|of| all.function_place(*of).says("never reached"));
    let found = Diagnostic::new(&PROXY_CLASH, message)
        .with_severity(severity)
        .at(all.function_place(*front).says("answers"))
        .at_all(hidden);
    out.push(found);
    true
}

fn duplicate(
    all: &Infrastructure,
    joint: &Joint,
    members: &[Of<'_, Function>],
    out: &mut Vec<Diagnostic>,
) {
    let facets: Vec<_> = members.iter().filter(|of| of.surface != joint.front).collect();
    for (_, same) in joined(facets.into_iter().map(|of| (of.item.signature.as_str(), *of))) {
        let [first, _, ..] = same.as_slice() else { continue };
        let message =
            format!("{} is in {} facets of {}", first.item.signature, same.len(), joint.name);
        let places = same.iter().map(|of| all.function_place(*of));
        out.push(Diagnostic::new(&DIAMOND_DUP, message).at_all(places));
    }
}

fn errors(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    const BUILT_IN: [(&str, [u8; 4]); 2] =
        [("Error(string)", [0x08, 0xc3, 0x79, 0xa0]), ("Panic(uint256)", [0x4e, 0x48, 0x7b, 0x71])];
    let declared = all.surfaces.iter().enumerate().flat_map(|(surface, of)| {
        of.errors.iter().map(move |item| (item.selector, Of { item, surface }))
    });
    for (selector, group) in joined(declared) {
        let mut signatures: Vec<&str> =
            group.iter().map(|of: &Of<'_, CustomError>| of.item.signature.as_str()).collect();
        signatures.extend(BUILT_IN.iter().filter(|(_, s)| *s == selector).map(|(name, _)| *name));
        signatures.sort_unstable();
        signatures.dedup();
        if signatures.len() < 2 {
            continue;
        }
        let selector = hex::encode_prefixed(selector);
        let message = format!("errors {} have the same selector {selector}", list(&signatures));
        let places = group.iter().map(|of| {
            let mut place = all.place(of.surface, &of.item.signature, of.item.line);
            place.selector = Some(selector.clone());
            place
        });
        out.push(Diagnostic::new(&ERROR_SELECTOR_COLLISION, message).at_all(places));
    }
}
