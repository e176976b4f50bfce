//! RRULE, as far as rotas use it: daily and weekly, every so often, on certain days, until a time or
//! for so many times.

use jiff::{
    ToSpan as _,
    civil::{DateTime, Weekday},
    tz::TimeZone,
};

/// Occurrences that one rule may have up to the end of the time asked for.
const OCCURRENCES_MAX: usize = 10_000;

#[derive(Default)]
struct Rule {
    weekly: bool,
    interval: i64,
    days: Vec<Weekday>,
    count: Option<usize>,
    until: Option<DateTime>,
    week_begins: Option<Weekday>,
}

/// When the event begins, each time up to `last`, on the clock of its zone.
pub(super) fn starts(
    rule: &str,
    begins: DateTime,
    last: DateTime,
    zone: &TimeZone,
) -> Result<Vec<DateTime>, String> {
    let rule = parse(rule, zone)?;
    let until = rule.until.map_or(last, |until| until.min(last));
    let days = if rule.days.is_empty() { vec![begins.weekday()] } else { rule.days.clone() };
    let mut starts = Vec::new();
    let mut period = 0;
    loop {
        let begun = if rule.weekly {
            let week_begins = rule.week_begins.unwrap_or(Weekday::Monday);
            let monday = i64::from(begins.weekday().since(week_begins));
            begins.checked_sub(monday.days()).and_then(|b| b.checked_add((period * 7).days()))
        } else {
            begins.checked_add(period.days())
        };
        let Ok(begun) = begun else { break };
        if begun > until {
            break;
        }
        let length = if rule.weekly { 7 } else { 1 };
        for day in 0..length {
            let Ok(at) = begun.checked_add(day.days()) else { break };
            let is_on = if rule.weekly {
                days.contains(&at.weekday())
            } else {
                rule.days.is_empty() || days.contains(&at.weekday())
            };
            if at < begins || at > until || !is_on {
                continue;
            }
            if rule.count.is_some_and(|count| starts.len() >= count) {
                return Ok(starts);
            }
            if starts.len() >= OCCURRENCES_MAX {
                return Err(format!("it repeats more than {OCCURRENCES_MAX} times"));
            }
            starts.push(at);
        }
        period += rule.interval;
    }
    Ok(starts)
}

fn parse(text: &str, zone: &TimeZone) -> Result<Rule, String> {
    let mut rule = Rule { interval: 1, ..Rule::default() };
    let mut has_frequency = false;
    for part in text.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("{part:?} has no value"))?;
        match (key.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("FREQ", frequency @ ("DAILY" | "WEEKLY")) => {
                (rule.weekly, has_frequency) = (frequency == "WEEKLY", true);
            }
            ("FREQ", other) => return Err(format!("FREQ={other} is not read")),
            ("INTERVAL", n) => match n.parse() {
                Ok(n @ 1..=10_000) => rule.interval = n,
                _ => return Err(format!("INTERVAL={n} is not read")),
            },
            ("COUNT", n) => match n.parse() {
                Ok(n) => rule.count = Some(n),
                Err(_) => return Err(format!("COUNT={n} is not a number")),
            },
            ("UNTIL", at) => rule.until = Some(until(at, zone)?),
            ("BYDAY", days) => {
                for day in days.split(',') {
                    rule.days.push(weekday(day)?);
                }
            }
            ("WKST", day) => rule.week_begins = Some(weekday(day)?),
            (other, _) => return Err(format!("{other} is not read")),
        }
    }
    if has_frequency { Ok(rule) } else { Err("it has no FREQ".to_owned()) }
}

/// On the clock of the event's zone, like its beginnings.
fn until(text: &str, zone: &TimeZone) -> Result<DateTime, String> {
    let unreadable = |_| format!("UNTIL={text} cannot be read");
    if text.len() == 8 {
        let day = jiff::civil::Date::strptime("%Y%m%d", text).map_err(unreadable)?;
        return Ok(day.at(23, 59, 59, 0));
    }
    match text.strip_suffix('Z') {
        None => DateTime::strptime("%Y%m%dT%H%M%S", text).map_err(unreadable),
        Some(utc) => {
            let at = DateTime::strptime("%Y%m%dT%H%M%S", utc).map_err(unreadable)?;
            let at = TimeZone::UTC.to_timestamp(at).map_err(unreadable)?;
            Ok(zone.to_datetime(at))
        }
    }
}

fn weekday(text: &str) -> Result<Weekday, String> {
    Ok(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        other => return Err(format!("the day {other:?} is not read")),
    })
}
