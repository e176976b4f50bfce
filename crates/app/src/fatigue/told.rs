//! The report as lines of text.

use alert::fatigue::{PAGES_PER_SHIFT_MAX, Share};

use super::Report;
use crate::words::{self, counted, seconds, span};

/// Rules that a report names one by one.
const RULES_SHOWN_MAX: usize = 10;

/// A share with what it is of.
pub(crate) fn share(share: Share) -> String {
    match share.value() {
        Some(value) => format!("{} ({} of {})", words::percent(value), share.part, share.n),
        None => "unknown (of none)".to_owned(),
    }
}

/// The report, a line each.
pub fn lines(report: &Report) -> Vec<String> {
    let found = &report.fatigue;
    let mut lines = vec![format!(
        "{} to {}: {} called for action, {} were never answered, {} of the pages came at night",
        words::utc(seconds(report.from)),
        words::utc(seconds(report.to)),
        share(found.actionable),
        share(found.ignored),
        share(found.at_night),
    )];
    if let Some(since) = report.whole_since {
        let since = words::utc(seconds(since));
        lines.push(format!("more was told than one look goes through: whole from {since} on"));
    }
    for person in &found.people {
        let mut line = format!(
            "{}: {} in {}",
            person.person,
            counted(person.pages as u64, "page"),
            counted(person.shifts as u64, "shift")
        );
        if let Some(per_shift) = person.pages_per_shift {
            let too_many = if per_shift > PAGES_PER_SHIFT_MAX { ", too many" } else { "" };
            line.push_str(&format!(", {} a shift{too_many}", words::number(per_shift)));
        }
        line.push_str(&format!(
            "; {} at night, {} never answered",
            share(person.at_night),
            share(person.ignored)
        ));
        line.extend(person.drift_s.map(drift));
        lines.push(line);
    }
    for route in &found.routes {
        let weeks: Vec<String> = route.weeks.iter().map(ToString::to_string).collect();
        let budget = match route.budget_per_week {
            Some(budget) if route.weeks_over > 0 => {
                format!(
                    "over its budget of {budget} in {}",
                    counted(route.weeks_over as u64, "week")
                )
            }
            Some(budget) => format!("within its budget of {budget}"),
            None => "no budget".to_owned(),
        };
        lines.push(format!("route {}: {} alerts a week, {budget}", route.route, weeks.join(", ")));
    }
    for rule in found.rules.iter().take(RULES_SHOWN_MAX) {
        lines.push(format!(
            "{} ({}): {}, called people for {}; {} called for action; {} and {} not told",
            rule.monitor,
            rule.detector,
            counted(rule.alerts as u64, "alert"),
            rule.pages,
            share(rule.actionable),
            counted(rule.duplicates, "repetition"),
            counted(rule.flaps, "flap"),
        ));
    }
    if let Some(more) = found.rules.len().checked_sub(RULES_SHOWN_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} quieter rules"));
    }
    match &found.proposal {
        Some(proposal) => {
            lines.push(format!("tune first: {}", proposal.change));
            lines.push(format!("  because {}", proposal.evidence));
            lines.push(format!("  {}", proposal.command));
        }
        None => {
            lines.push("nothing to propose: too little was judged, or it was worth it".to_owned())
        }
    }
    lines
}

/// How answering drifts.
fn drift(drift_s: i64) -> String {
    let by = span(drift_s.unsigned_abs());
    match drift_s {
        0 => "; answered as fast as before".to_owned(),
        1.. => format!("; answered {by} later than before"),
        _ => format!("; answered {by} sooner than before"),
    }
}
