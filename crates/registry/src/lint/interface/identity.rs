//! Interface ids (ERC-165) and selectors that stand for something else.

use alloy_primitives::hex;

use super::{BySelector, Infrastructure, joined};
use crate::lint::{Diagnostic, Place, Rule, Severity};

/// Different interfaces, one id.
pub(super) static INTERFACE_ID_AMBIGUITY: Rule = Rule {
    id: "interface-id-ambiguity",
    what: "Two different interfaces have the same ERC-165 id, the XOR of their selectors.",
    why: "supportsInterface answers for one and means the other.",
    severity: Severity::Warning,
    help: "rename a function in one of the interfaces",
};

/// A selector that means something else.
pub(super) static RESERVED_SELECTOR: Rule = Rule {
    id: "reserved-selector",
    what: "A function's selector is 0x00000000 or 0xffffffff.",
    why: "Zero is what an empty or unset selector looks like, so a forgotten value calls this \
          function; 0xffffffff is what ERC-165 keeps for no interface.",
    severity: Severity::Warning,
    help: "rename the function",
};

pub(super) static RULES: &[&Rule] = &[&INTERFACE_ID_AMBIGUITY, &RESERVED_SELECTOR];

const RESERVED: [[u8; 4]; 2] = [[0; 4], [0xff; 4]];

pub(super) fn check(all: &Infrastructure, functions: &BySelector<'_>, out: &mut Vec<Diagnostic>) {
    for (selector, group) in functions.iter().filter(|(selector, _)| RESERVED.contains(selector)) {
        let selector = hex::encode_prefixed(selector);
        let message = format!("{} has the selector {selector}", group[0].item.signature);
        let places = group.iter().map(|of| all.function_place(*of));
        out.push(Diagnostic::new(&RESERVED_SELECTOR, message).at_all(places));
    }
    for (at, surface) in all.surfaces.iter().enumerate() {
        for selector in surface.unnamed.iter().filter(|selector| RESERVED.contains(selector)) {
            let selector = hex::encode_prefixed(selector);
            let message = format!("a function without a name has the selector {selector}");
            let place = all.place(at, &selector, None);
            out.push(Diagnostic::new(&RESERVED_SELECTOR, message).at(place));
        }
    }
    interface_ids(all, out);
}

fn interface_ids(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    let ids =
        all.surfaces.iter().enumerate().filter(|(_, of)| of.is_contract).filter_map(|(at, of)| {
            let selectors = of.functions.iter().map(|f| f.selector).chain(of.unnamed.clone());
            let mut selectors: Vec<u32> = selectors.map(u32::from_be_bytes).collect();
            selectors.sort_unstable();
            selectors.dedup();
            let id = selectors.iter().fold(0, |id, selector| id ^ selector);
            // The id of a single function is its selector, and told as such.
            (selectors.len() > 1).then_some((id, (at, selectors)))
        });
    for (id, group) in joined(ids) {
        let signatures = |at: usize| {
            let mut all: Vec<&str> =
                all.surfaces[at].functions.iter().map(|f| f.signature.as_str()).collect();
            all.sort_unstable();
            all
        };
        let mut kinds: Vec<(usize, &Vec<u32>)> = Vec::new();
        for (at, selectors) in &group {
            let is_known = kinds.iter().any(|(known, other)| {
                *other == selectors && {
                    let is_named = |at: usize| all.surfaces[at].unnamed.is_empty();
                    !is_named(*known) || !is_named(*at) || signatures(*known) == signatures(*at)
                }
            });
            if !is_known {
                kinds.push((*at, selectors));
            }
        }
        if kinds.len() < 2 {
            continue;
        }
        let id = hex::encode_prefixed(id.to_be_bytes());
        let message = format!("{} different interfaces have the id {id}", kinds.len());
        let places = kinds.iter().map(|(at, selectors)| {
            let of = &all.surfaces[*at];
            let mut place = Place::contract(&of.file, &of.name);
            place.selector = Some(id.clone());
            place.says(format!("{} functions", selectors.len()))
        });
        out.push(Diagnostic::new(&INTERFACE_ID_AMBIGUITY, message).at_all(places));
    }
}
