//! One topic, one event, read the same way everywhere.

use alloy_primitives::B256;

use super::{Event, Infrastructure, Of, joined, selector::list};
use crate::lint::{Diagnostic, Rule, Severity};

/// Same topic0, different event; or an event that can imitate any other.
pub(super) static TOPIC_COLLISION: Rule = Rule {
    id: "topic-collision",
    what: "A log of one event can be taken for a log of another.",
    why: "Whoever chooses the first topic of an anonymous event can write a log that every monitor \
          reads as a different event.",
    severity: Severity::Warning,
    help: "let the event not be anonymous, or do not index its first argument",
};

/// Same topic0, other indexed arguments.
pub(super) static TOPIC_INDEXED_MISMATCH: Rule = Rule {
    id: "topic-indexed-mismatch",
    what: "One event is declared with different indexed arguments.",
    why: "Logs have the same first topic but another shape: a decoder that knows one declaration \
          refuses the other's logs or reads wrong values from them.",
    severity: Severity::Warning,
    help: "declare the same arguments indexed everywhere, or give one event another name",
};

pub(super) static RULES: &[&Rule] = &[&TOPIC_COLLISION, &TOPIC_INDEXED_MISMATCH];

/// Events that standards themselves declare in two ways; what tells them apart is the number of
/// topics, and every decoder knows it: ERC-20 indexes two arguments, ERC-721 all three.
const FAMILIES: [&str; 2] =
    ["Transfer(address,address,uint256)", "Approval(address,address,uint256)"];
const FAMILY_SPLITS: [[bool; 3]; 2] = [[true, true, false], [true, true, true]];

pub(super) fn check(all: &Infrastructure, out: &mut Vec<Diagnostic>) {
    let events = || {
        all.surfaces
            .iter()
            .enumerate()
            .flat_map(|(surface, of)| of.events.iter().map(move |item| Of { item, surface }))
    };
    let by_topic = joined(events().filter_map(|of| Some((of.item.topic0?, of))));
    for (topic, group) in &by_topic {
        collision(all, *topic, group, out);
        indexed(all, group, out);
    }
    for of in events().filter(|of| of.item.topic0.is_none() && can_imitate(of.item)) {
        let message = format!(
            "{} is anonymous and its first topic is an argument: it can look like any event",
            of.item.name
        );
        out.push(Diagnostic::new(&TOPIC_COLLISION, message).at(all.event_place(of)));
    }
}

/// Whether the first topic can take any of 2^256 values: a shorter value is padded with zeros, as
/// no hash is.
fn can_imitate(event: &Event) -> bool {
    let first = event.params.iter().find(|param| param.indexed);
    first.is_some_and(|param| matches!(param.ty.as_str(), "bytes32" | "uint256" | "int256"))
}

fn collision(
    all: &Infrastructure,
    topic: B256,
    group: &[Of<'_, Event>],
    out: &mut Vec<Diagnostic>,
) {
    let mut signatures: Vec<&str> = group.iter().map(|of| of.item.signature.as_str()).collect();
    signatures.sort_unstable();
    signatures.dedup();
    if signatures.len() > 1 {
        let message = format!("events {} have the same topic {topic}", list(&signatures));
        let found = Diagnostic::new(&TOPIC_COLLISION, message)
            .with_severity(Severity::Error)
            .with_help("rename one of the events")
            .at_all(group.iter().map(|of| all.event_place(*of)));
        out.push(found);
    }
}

fn indexed(all: &Infrastructure, group: &[Of<'_, Event>], out: &mut Vec<Diagnostic>) {
    let split = |event: &Event| -> Vec<bool> { event.params.iter().map(|p| p.indexed).collect() };
    let Some((first, rest)) = group.split_first() else { return };
    // Cheap for the usual case: all alike.
    if rest.iter().all(|of| is_split_alike(first.item, of.item)) {
        return;
    }
    let known: Vec<Of<'_, Event>> =
        group.iter().copied().filter(|of| of.item.is_split_known).collect();
    let mut shown: Vec<(Vec<bool>, Of<'_, Event>)> = Vec::new();
    for of in known {
        let is_family = FAMILIES.contains(&of.item.signature.as_str());
        let mut of_kind = split(of.item);
        if is_family && FAMILY_SPLITS.iter().any(|allowed| of_kind == allowed) {
            of_kind = FAMILY_SPLITS[0].to_vec();
        }
        if !shown.iter().any(|(known, _)| *known == of_kind) {
            shown.push((of_kind, of));
        }
    }
    if shown.len() < 2 {
        return;
    }
    let message = format!(
        "{} is declared with {} different sets of indexed arguments",
        first.item.signature,
        shown.len()
    );
    let mut others: Vec<usize> = group.iter().map(|of| of.surface).collect();
    others.dedup();
    let mut found = Diagnostic::new(&TOPIC_INDEXED_MISMATCH, message);
    found = found.at_all(shown.iter().map(|(_, of)| all.event_place(*of)));
    if others.len() > shown.len() {
        found = found.with_note(format!("{} contracts declare it", others.len()));
    }
    out.push(found);
}

fn is_split_alike(a: &Event, b: &Event) -> bool {
    !a.is_split_known
        || !b.is_split_known
        || a.params.iter().zip(&b.params).all(|(a, b)| a.indexed == b.indexed)
}
