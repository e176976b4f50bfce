//! iCalendar (RFC 5545) in and out.
//!
//! Out: one event per stretch of the map, in UTC, so that no reader needs our time zones. In: events
//! with a beginning and an end (or a duration) in UTC, in a named zone or as whole days, repeated
//! daily or weekly, as rotas are. What cannot be read exactly is not guessed: it is left out with its
//! line and reason, because a wrong rota is worse than a missing one.

mod lines; //  folded lines, parameters, escaped text
mod recur; //  RRULE
mod write; //  out

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use model::{Name, UnixMillis};

use super::Shift;
use crate::hours::{moment, unix};
use lines::Line;

pub use write::write;

/// Longest calendar that is read: 4 MiB, ten years of daily events.
pub const CALENDAR_LEN_MAX: usize = 4 * 1024 * 1024;

/// Events in one calendar, repeated ones counted each time.
pub const EVENTS_MAX: usize = 20_000;

/// Why a text is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Longer than is read.
    #[error("a calendar of {len} bytes; at most {CALENDAR_LEN_MAX} are read")]
    TooLong {
        /// Bytes.
        len: usize,
    },
    /// Something else altogether.
    #[error("not an iCalendar file: it does not begin with BEGIN:VCALENDAR")]
    NoCalendar,
    /// The file is cut off or put together wrongly.
    #[error("line {line}: {what}")]
    Structure {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// More than is read.
    #[error("the calendar has more than {EVENTS_MAX} events in the time asked for")]
    TooMany,
}

/// What was not taken from a calendar, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Line on which the event begins, counted from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// What a calendar says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// In order of time.
    pub shifts: Vec<Shift>,
    /// Events that were left out.
    pub left: Vec<Left>,
}

/// Where names of people and zones come from.
pub struct Around<'a> {
    /// Zone of events that name none, and of whole days.
    pub zone: &'a TimeZone,
    /// A zone by its name in the tz database.
    pub zones: &'a dyn Fn(&str) -> Option<TimeZone>,
    /// Whom an event is about: its summary, and the mail addresses of those who attend.
    pub person: &'a dyn Fn(&str, &[&str]) -> Option<Name>,
}

/// Reads the shifts that touch `from..to`.
pub fn read(
    text: &str,
    from: UnixMillis,
    to: UnixMillis,
    around: &Around<'_>,
) -> Result<Imported, CalendarError> {
    if text.len() > CALENDAR_LEN_MAX {
        return Err(CalendarError::TooLong { len: text.len() });
    }
    let events = events(text)?;
    // A moved occurrence is an event of its own that names the one it stands for.
    let mut moved: BTreeMap<&str, BTreeSet<Timestamp>> = BTreeMap::new();
    for event in &events {
        let stands_for = event.get("RECURRENCE-ID").and_then(|line| when(line, around).ok());
        if let (Some(uid), Some((at, zone, _))) = (event.get("UID"), stands_for) {
            moved.entry(&uid.value).or_default().extend(instant(at, &zone));
        }
    }
    let mut imported = Imported::default();
    for event in &events {
        let is_moved = event.get("RECURRENCE-ID").is_some();
        let others = event.get("UID").filter(|_| !is_moved).and_then(|uid| moved.get(&*uid.value));
        match event.shifts(from, to, around, others) {
            Ok(shifts) => imported.shifts.extend(shifts),
            Err(why) => imported.left.push(Left { line: event.line, why }),
        }
        if imported.shifts.len() > EVENTS_MAX {
            return Err(CalendarError::TooMany);
        }
    }
    imported.shifts.sort();
    Ok(imported)
}

/// The properties of one VEVENT.
struct Event {
    line: usize,
    properties: Vec<Line>,
}

fn events(text: &str) -> Result<Vec<Event>, CalendarError> {
    let lines = lines::unfold(text)?;
    let is = |line: &Line, name: &str, value: &str| {
        line.name == name && line.value.eq_ignore_ascii_case(value)
    };
    if !lines.first().is_some_and(|line| is(line, "BEGIN", "VCALENDAR")) {
        return Err(CalendarError::NoCalendar);
    }
    let mut open: Vec<String> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let mut last = 1;
    for line in lines {
        last = line.number;
        match &*line.name {
            "BEGIN" => {
                open.push(line.value.to_ascii_uppercase());
                if open == ["VCALENDAR", "VEVENT"] {
                    events.push(Event { line: line.number, properties: Vec::new() });
                }
            }
            "END" => {
                let closes = line.value.to_ascii_uppercase();
                if open.pop().as_ref() != Some(&closes) {
                    let what = format!("END:{closes} closes nothing");
                    return Err(CalendarError::Structure { line: line.number, what });
                }
            }
            // What is inside an event's own parts, such as a reminder, is not the event's.
            _ if open == ["VCALENDAR", "VEVENT"] => {
                if let Some(event) = events.last_mut() {
                    event.properties.push(line);
                }
            }
            _ => {}
        }
    }
    match open.last() {
        None => Ok(events),
        Some(part) => {
            let what = format!("the file ends within {part}: it is cut off");
            Err(CalendarError::Structure { line: last, what })
        }
    }
}

impl Event {
    fn get(&self, name: &str) -> Option<&Line> {
        self.properties.iter().find(|line| line.name == name)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.properties.iter().filter(move |line| line.name == name)
    }

    /// Its shifts that touch `from..to`, or why it cannot be one.
    fn shifts(
        &self,
        from: UnixMillis,
        to: UnixMillis,
        around: &Around<'_>,
        moved: Option<&BTreeSet<Timestamp>>,
    ) -> Result<Vec<Shift>, String> {
        if self.get("STATUS").is_some_and(|line| line.value.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(Vec::new());
        }
        if let Some(line) = self.get("RDATE") {
            return Err(format!("RDATE (line {}) is not read", line.number));
        }
        let start = self.get("DTSTART").ok_or("it has no DTSTART")?;
        let (begins, zone, is_day) = when(start, around)?;
        let length = self.length(begins, &zone, is_day, around)?;
        let mut without: BTreeSet<Timestamp> = moved.cloned().unwrap_or_default();
        for line in self.all("EXDATE") {
            for value in line.value.split(',') {
                let one = Line { value: value.to_owned(), ..line.clone() };
                let (at, zone, _) = when(&one, around)?;
                without.extend(instant(at, &zone));
            }
        }
        let starts = match self.all("RRULE").collect::<Vec<_>>()[..] {
            [] => vec![begins],
            [rule] => {
                let last = zone.to_datetime(moment(to));
                recur::starts(&rule.value, begins, last, &zone)
                    .map_err(|why| format!("RRULE (line {}): {why}", rule.number))?
            }
            _ => return Err("it has two RRULEs".to_owned()),
        };
        let summary = self.get("SUMMARY").map(|line| lines::text(&line.value)).unwrap_or_default();
        let attend: Vec<&str> = self
            .all("ATTENDEE")
            .map(|line| line.value.trim_start_matches(|c: char| c != ':').trim_start_matches(':'))
            .collect();
        let person = (around.person)(&summary, &attend)
            .ok_or_else(|| format!("nobody is known as {summary:?}"))?;
        let mut shifts = Vec::new();
        for start in starts {
            let Some(begins) = instant(start, &zone).filter(|at| !without.contains(at)) else {
                continue;
            };
            let Some(ends) = length.after(start, begins, &zone) else { continue };
            let (begins, ends) = (unix(begins), unix(ends));
            if begins < to && ends > from {
                shifts.push(Shift { from: begins, to: ends, person: person.clone() });
            }
        }
        Ok(shifts)
    }

    fn length(
        &self,
        begins: DateTime,
        zone: &TimeZone,
        is_day: bool,
        around: &Around<'_>,
    ) -> Result<Length, String> {
        if let Some(line) = self.get("DTEND") {
            let (ends, end_zone, _) = when(line, around)?;
            let (a, b) = (instant(begins, zone), instant(ends, &end_zone));
            if a >= b {
                return Err("it ends before it begins".to_owned());
            }
            // Repeated events keep their end on the clock on the wall, like their beginning.
            return match end_zone == *zone {
                true => Ok(Length::OnTheClock(begins.until(ends).map_err(|e| e.to_string())?)),
                false => match (a, b) {
                    (Some(a), Some(b)) => Ok(Length::Exact(b.duration_since(a))),
                    _ => Err("its end is out of range".to_owned()),
                },
            };
        }
        match self.get("DURATION") {
            Some(line) => {
                let span: jiff::Span = line
                    .value
                    .parse()
                    .map_err(|_| format!("DURATION {:?} cannot be read", line.value))?;
                if !span.is_positive() {
                    return Err("its DURATION is not positive".to_owned());
                }
                Ok(Length::OnTheClock(span))
            }
            None if is_day => Ok(Length::OnTheClock(1.day())),
            None => Err("it has neither DTEND nor DURATION".to_owned()),
        }
    }
}

enum Length {
    /// On the calendar: a day is a day.
    OnTheClock(jiff::Span),
    Exact(SignedDuration),
}

impl Length {
    fn after(&self, start: DateTime, begins: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::OnTheClock(span) => instant(start.checked_add(*span).ok()?, zone),
            Self::Exact(length) => begins.checked_add(*length).ok(),
        }
    }
}

fn instant(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(at).compatible().ok()
}

/// A date or a time, on the clock of which zone, and whether it is a whole day.
fn when(line: &Line, around: &Around<'_>) -> Result<(DateTime, TimeZone, bool), String> {
    let (value, name) = (line.value.trim(), &line.name);
    let unreadable = || format!("{name} {value:?} cannot be read");
    if value.len() == 8 {
        let date = Date::strptime("%Y%m%d", value).map_err(|_| unreadable())?;
        return Ok((date.at(0, 0, 0, 0), around.zone.clone(), true));
    }
    let (text, is_utc) = match value.strip_suffix('Z') {
        Some(text) => (text, true),
        None => (value, false),
    };
    let at = DateTime::strptime("%Y%m%dT%H%M%S", text).map_err(|_| unreadable())?;
    let zone = match line.parameter("TZID") {
        _ if is_utc => TimeZone::UTC,
        None => around.zone.clone(),
        Some(name) => {
            (around.zones)(name).ok_or_else(|| format!("the time zone {name:?} is not known"))?
        }
    };
    Ok((at, zone, false))
}
