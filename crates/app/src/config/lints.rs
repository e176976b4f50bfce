//! `lints.toml`: which findings of `bellwether lint` are accepted, why and until when.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use model::UnixSeconds;
use registry::lint::{
    self, Place, Waiver,
    timelock::{TIMELOCK_FLOOR_S, TIMELOCK_POLICY_S},
};

use super::{
    mistake::{Mistake, Mistakes, SourceFile, nearest},
    table::{Collector, Located, Table, parse},
};

/// What lints are told by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lints {
    /// Findings that somebody has accepted for a while.
    pub waivers: Vec<Waiver>,
    /// Least delay of a timelock, in seconds.
    pub timelock_policy_s: u64,
}

impl Default for Lints {
    fn default() -> Self {
        Self { waivers: Vec::new(), timelock_policy_s: TIMELOCK_POLICY_S }
    }
}

/// Reads a `lints.toml` that stands alone.
///
/// # Errors
/// All its mistakes.
pub fn read_lints(file: &SourceFile) -> Result<Lints, Mistakes> {
    let out = Collector::default();
    let lints = lints(file, &out);
    let mistakes = out.into_mistakes();
    if mistakes.is_empty() { Ok(lints) } else { Err(Mistakes(mistakes)) }
}

/// Reads the file.
pub(super) fn lints(file: &SourceFile, out: &Collector) -> Lints {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let waivers = table.tables("waiver").into_iter().filter_map(|table| waiver(table, out));
    let mut lints = Lints { waivers: waivers.collect(), ..Lints::default() };
    if let Some(timelock) = table.table("timelock") {
        if let Some(delay) = timelock.duration_ms("min_delay") {
            lints.timelock_policy_s = delay.value / 1_000;
            if lints.timelock_policy_s < TIMELOCK_FLOOR_S {
                timelock.mistake(
                    delay.span,
                    "min_delay must be at least 24h: nobody can react in less",
                );
            }
        }
        timelock.finish();
    }
    table.finish();
    lints
}

fn waiver(table: Table<'_>, out: &Collector) -> Option<Waiver> {
    let line = Mistake::at(table.file(), table.span(), "").line;
    let place = Place {
        line: line.and_then(|line| u32::try_from(line).ok()),
        ..Place::file(&table.file().path)
    };
    let rule = table.required_text("rule").filter(|rule| is_rule(rule, &table));
    let subject = table.required_text("subject");
    let reason = table.required_text("reason").filter(|reason| {
        let is_told = !reason.value.trim().is_empty();
        if !is_told {
            table.mistake(reason.span.clone(), "reason is empty; say why this is accepted");
        }
        is_told
    });
    if !table.has("until") {
        let mistake = Mistake::at(table.file(), table.span(), "until is missing");
        out.add(mistake.with_help("until = \"2027-01-31\": the last day of the waiver, in UTC"));
    }
    let until = table.parsed("until", |text| {
        let moment = end_of(text).ok_or_else(|| format!("{text:?} is not a day like 2027-01-31"));
        moment.map(|moment| (moment, text.to_owned()))
    });
    table.finish();
    let (until, until_text) = until?.value;
    Some(Waiver {
        rule: rule?.value,
        subject: subject?.value,
        reason: reason?.value,
        until,
        until_text,
        place,
    })
}

fn is_rule(rule: &Located<String>, table: &Table<'_>) -> bool {
    let is_known = lint::rule(&rule.value).is_some();
    if !is_known {
        let help = match nearest(&rule.value, lint::rules().map(|rule| rule.id)) {
            Some(near) => format!("did you mean {near}?"),
            None => "docs/lint.md lists the rules".to_owned(),
        };
        table.mistake_help(rule.span.clone(), format!("unknown rule {:?}", rule.value), help);
    }
    is_known
}

/// The moment at which the day is over in UTC.
pub(super) fn end_of(day: &str) -> Option<UnixSeconds> {
    let day: Date = day.parse().ok()?;
    let next = day.checked_add(1.day()).ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(next.timestamp().as_second()).ok().map(UnixSeconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_holds_to_the_end_of_its_day() {
        assert_eq!(end_of("1970-01-01"), Some(UnixSeconds(86_400)));
        assert_eq!(end_of("2026-02-30"), None);
        assert_eq!(end_of("soon"), None);
    }
}
