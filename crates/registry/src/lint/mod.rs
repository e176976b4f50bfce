//! What can be found wrong before anything is deployed: a table of rules, a report of what broke
//! them and where, and waivers that end.
//!
//! A rule judges and reports; it neither prints nor decides what fails a build. What a rule could
//! not judge stands in the report as [`LeftOut`], because an input that was not understood must
//! never look like one without fault.

mod diagnostic; // what was found, where
pub mod interface; // whether interfaces fit together
mod rule; //       what is looked for, and why
pub mod timelock; //  whether declared timelocks give time to react
mod waiver; //     what somebody has accepted, until when

pub use diagnostic::{Diagnostic, LeftOut, PLACES_MAX, Place, Report};
pub use rule::{Rule, Severity, UnknownSeverity};
pub use waiver::{WAIVER_EXPIRED, WAIVER_UNUSED, Waiver};

/// Every rule, in the order of the documentation.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let families = interface::RULES
        .iter()
        .chain([&crate::layout::rules::RULES, &timelock::RULES, &waiver::RULES]);
    families.flat_map(|family| family.iter().copied())
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests;
