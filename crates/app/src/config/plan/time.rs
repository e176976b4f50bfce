//! Times as people write them: zones, hours of the week, moments on a clock, lengths of turns.

use alert::{Days, Hours, Span, oncall::Turn};
use jiff::{
    Timestamp,
    civil::{DateTime, Time, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use model::UnixMillis;

use super::super::{
    mistake::nearest,
    table::{Located, Table},
};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// A zone of the tz database that the program carries: the same on every machine.
pub fn zone_named(text: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(text).ok()
}

/// A time zone by its name in the tz database.
pub(super) fn zone(table: &Table<'_>, key: &'static str) -> Option<TimeZone> {
    let text = table.text(key)?;
    let found = zone_named(&text.value);
    if found.is_none() {
        let known: Vec<String> =
            TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
        let help = match nearest(&text.value, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "a name of the tz database, such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
        };
        table.mistake_help(text.span, format!("{key}: unknown time zone {:?}", text.value), help);
    }
    found
}

/// `monday`, `mon`
fn weekday(text: &str) -> Option<Weekday> {
    let text = text.trim().to_ascii_lowercase();
    let fits = |name: &str| name == text || text.len() == 3 && name.starts_with(&text);
    WEEKDAYS.iter().find(|(name, _)| fits(name)).map(|(_, day)| *day)
}

/// `09:00`; `24:00` is the midnight at the end of a day.
fn time(text: &str) -> Result<Time, String> {
    let text = text.trim();
    if text == "24:00" {
        return Ok(Time::midnight());
    }
    let is_written_out = text.len() >= 4 && text.contains(':');
    let time = is_written_out.then(|| Time::strptime("%H:%M", text).ok()).flatten();
    time.ok_or_else(|| format!("{text:?} is not a time of day like 09:00"))
}

/// `22:00-07:00`
pub(super) fn from_to(text: &str) -> Result<(Time, Time), String> {
    let wrong = || format!("{text:?} is not a part of the day like 22:00-07:00");
    let (from, to) = text.split_once(['-', '–']).ok_or_else(wrong)?;
    Ok((time(from)?, time(to)?))
}

/// `mon-fri`, `sat,sun`, `daily`
fn days(text: &str) -> Result<Days, String> {
    let wrong = |part: &str| {
        format!("{part:?} is not a day of the week (write mon-fri, \"sat,sun\" or daily)")
    };
    if text == "daily" {
        return Ok(Days::ALL);
    }
    let mut chosen = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first = weekday(first).ok_or_else(|| wrong(part))?;
        let last = weekday(last).ok_or_else(|| wrong(part))?;
        // Round the end of the week, where it goes from Friday to Monday.
        let mut day = first;
        loop {
            chosen.push(day);
            if day == last {
                break;
            }
            day = day.next();
        }
    }
    Ok(Days::of(&chosen))
}

/// `mon-fri 09:00-17:00`, or every day: `22:00-06:00`.
pub(super) fn span(text: &str) -> Result<Span, String> {
    let text = text.trim();
    let (days_text, times) = text.rsplit_once(char::is_whitespace).unwrap_or(("daily", text));
    let (from, to) = from_to(times)?;
    Ok(Span { days: days(days_text.trim())?, from, to })
}

/// Hours of the week; none where the key is not written.
pub(super) fn hours(table: &Table<'_>, key: &'static str, zone: &TimeZone) -> Option<Hours> {
    let texts = table.texts(key);
    if texts.is_empty() {
        return None;
    }
    if texts.len() > alert::SPANS_MAX {
        table.mistake(
            table.span_of(key),
            format!("{key} has {} spans; at most {} are looked at", texts.len(), alert::SPANS_MAX),
        );
    }
    let mut spans = Vec::new();
    for text in texts {
        match span(&text.value) {
            Ok(span) => spans.push(span),
            Err(error) => table.mistake(text.span, format!("{key}: {error}")),
        }
    }
    Some(Hours { zone: zone.clone(), spans })
}

/// `2026-12-24T09:00` on the clock of a zone, or a moment with its own offset (`…Z`, `…+01:00`).
///
/// # Errors
/// What is wrong with the text.
pub fn moment(text: &str, zone: &TimeZone) -> Result<UnixMillis, String> {
    let unix = |at: Timestamp| UnixMillis(at.as_millisecond());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(unix(at));
    }
    let at = local(text)?;
    let at = zone.to_ambiguous_timestamp(at).compatible();
    at.map(unix).map_err(|_| format!("{text:?} is beyond the calendar"))
}

/// A day, with a time or from its midnight on.
pub(super) fn local(text: &str) -> Result<DateTime, String> {
    text.trim()
        .parse::<DateTime>()
        .map_err(|_| format!("{text:?} is not a moment like 2026-12-24T09:00"))
}

/// [`moment`] as the value of a key.
pub(super) fn moment_at(
    table: &Table<'_>,
    key: &'static str,
    zone: &TimeZone,
) -> Option<Located<UnixMillis>> {
    let text = table.moment_text(key)?;
    match moment(&text.value, zone) {
        Ok(value) => Some(Located { value, span: text.span }),
        Err(error) => {
            table.mistake(text.span, format!("{key}: {error}"));
            None
        }
    }
}

/// `12h`, `1d`, `2w`
pub(super) fn turn(text: &str) -> Result<Turn, String> {
    let wrong = || format!("{text:?} is not the length of a turn (write 12h, 1d or 1w)");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u16 = number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
    match unit {
        "h" => Ok(Turn::Hours(number)),
        "d" => Ok(Turn::Days(number)),
        "w" => Ok(Turn::Weeks(number)),
        _ => Err(wrong()),
    }
}

/// `monday 09:00`, or `09:00` where turns are not weeks.
pub(super) fn hand_over(text: &str) -> Result<(Option<Weekday>, Time), String> {
    match text.trim().split_once(char::is_whitespace) {
        None => Ok((None, time(text)?)),
        Some((day, at)) => match weekday(day) {
            Some(day) => Ok((Some(day), time(at)?)),
            None => Err(format!("{day:?} is not a day of the week (write monday 09:00)")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time as at;

    #[test]
    fn hours_of_the_week_are_read_as_people_write_them() {
        let read = |text: &str| span(text).unwrap();
        let office = read("mon-fri 09:00-17:30");
        assert_eq!((office.days, office.from, office.to), {
            (Days::WORKING, at(9, 0, 0, 0), at(17, 30, 0, 0))
        });
        assert_eq!(read("22:00-06:00").days, Days::ALL);
        assert_eq!(read("sat,sun 00:00-24:00").to, Time::midnight());
        let long = read("friday-mon 18:00-08:00").days;
        assert!(long.has(Weekday::Saturday) && long.has(Weekday::Monday));
        assert!(!long.has(Weekday::Tuesday));
        for wrong in ["", "mon-fri", "mon-fri 9-17", "someday 09:00-17:00", "09:00-25:00"] {
            assert!(span(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_moment_is_on_the_clock_of_its_place_unless_it_says_otherwise() {
        let berlin = zone_named("Europe/Berlin").unwrap();
        let read = |text: &str| moment(text, &berlin).unwrap();
        assert_eq!(read("2026-12-24T09:00"), read("2026-12-24T08:00Z"));
        assert_eq!(read("2026-12-24 09:00"), read("2026-12-24T09:00+01:00"));
        assert_eq!(read("2026-07-01"), read("2026-06-30T22:00Z"));
        assert!(moment("christmas", &berlin).is_err());
    }

    #[test]
    fn turns_and_hand_overs() {
        assert_eq!(turn("2w"), Ok(Turn::Weeks(2)));
        assert!(["0d", "w", "1m", "70000h"].iter().all(|text| turn(text).is_err()));
        assert_eq!(hand_over("Tuesday 08:30").unwrap(), {
            (Some(Weekday::Tuesday), at(8, 30, 0, 0))
        });
        assert_eq!(hand_over("08:30").unwrap().0, None);
    }
}
