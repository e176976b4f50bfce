//! Hours of the week in a time zone: office hours, nights, the sun's way round.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use model::UnixMillis;

/// Spans in one set of hours: three a day.
pub const SPANS_MAX: usize = 21;

/// The moment on jiff's clock; out of its years (−9999 to 9999) the nearest one.
pub(crate) fn moment(at: UnixMillis) -> Timestamp {
    let limit = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at.0).unwrap_or(limit)
}

/// The moment on our own clock.
pub(crate) fn unix(at: Timestamp) -> UnixMillis {
    UnixMillis(at.as_millisecond())
}

/// Some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKING: Self = Self(0b001_1111);

    /// These days.
    pub fn of(days: &[Weekday]) -> Self {
        Self(days.iter().fold(0, |set, day| set | 1 << day.to_monday_zero_offset()))
    }

    /// Whether it is one of them.
    pub fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

/// From a time of day to another on some days; when it ends no later than it begins, on the day
/// after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Days on which it begins.
    pub days: Days,
    /// Begins.
    pub from: Time,
    /// Ends; not within.
    pub to: Time,
}

/// Spans of the week in a time zone. An hour that daylight saving leaves out is left out; one that
/// comes twice counts twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// Whose clock.
    pub zone: TimeZone,
    /// When; at most [`SPANS_MAX`] are looked at.
    pub spans: Vec<Span>,
}

impl Hours {
    /// Whether a moment lies within.
    pub fn contain(&self, at: UnixMillis) -> bool {
        let at = moment(at);
        let today = self.zone.to_datetime(at).date();
        let yesterday = today.yesterday().unwrap_or(today);
        [yesterday, today]
            .into_iter()
            .any(|day| self.on(day).any(|(from, to)| from <= at && at < to))
    }

    /// The parts of `from..to` that lie within, in order; they may overlap.
    pub fn between(&self, from: UnixMillis, to: UnixMillis) -> Vec<(UnixMillis, UnixMillis)> {
        let stretches = self.stretches(moment(from), moment(to)).into_iter();
        stretches.map(|(begin, end)| (unix(begin).max(from), unix(end).min(to))).collect()
    }

    /// The stretches that touch `from..to`, in order; they may overlap.
    pub(crate) fn stretches(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let last = self.zone.to_datetime(to).date();
        let first = self.zone.to_datetime(from).date();
        let mut day = first.yesterday().unwrap_or(first);
        let mut stretches = Vec::new();
        while day <= last {
            stretches.extend(self.on(day).filter(|(begin, end)| *begin < to && *end > from));
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        stretches.sort_unstable();
        stretches
    }

    /// What begins on a day of the zone's calendar.
    fn on(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let spans = self.spans.iter().take(SPANS_MAX);
        spans.filter(move |span| span.days.has(day.weekday())).filter_map(move |span| {
            let end = if span.to > span.from { day } else { day.checked_add(1.day()).ok()? };
            let instant = |day: Date, time: Time| {
                self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
            };
            Some((instant(day, span.from)?, instant(end, span.to)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{civil::time, tz::TimeZoneDatabase};

    fn hours(zone: &str, days: Days, from: Time, to: Time) -> Hours {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        Hours { zone, spans: vec![Span { days, from, to }] }
    }

    fn contain(hours: &Hours, at: &str) -> bool {
        hours.contain(unix(at.parse().unwrap()))
    }

    #[test]
    fn office_hours_follow_the_clock_on_the_wall_through_daylight_saving() {
        let office = hours("Europe/Berlin", Days::WORKING, time(9, 0, 0, 0), time(17, 0, 0, 0));
        assert!(contain(&office, "2026-03-27T08:00:00Z"), "Friday, 9:00 in winter");
        assert!(!contain(&office, "2026-03-27T07:59:59Z"));
        assert!(contain(&office, "2026-03-30T07:00:00Z"), "Monday, 9:00 in summer");
        assert!(!contain(&office, "2026-03-30T15:00:00Z"), "17:00 is after work");
        assert!(!contain(&office, "2026-03-28T10:00:00Z"), "Saturday");
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let friday = Days::of(&[Weekday::Friday]);
        let night = hours("UTC", friday, time(22, 0, 0, 0), time(6, 0, 0, 0));
        assert!(contain(&night, "2026-03-27T23:00:00Z"));
        assert!(contain(&night, "2026-03-28T05:59:59Z"), "Saturday morning");
        assert!(!contain(&night, "2026-03-27T05:00:00Z"), "Friday morning is Thursday's night");
    }

    #[test]
    fn an_hour_that_comes_twice_counts_twice_and_one_left_out_is_left_out() {
        let hour = hours("Europe/Berlin", Days::ALL, time(2, 0, 0, 0), time(3, 0, 0, 0));
        assert!(contain(&hour, "2026-10-25T00:30:00Z") && contain(&hour, "2026-10-25T01:30:00Z"));
        let spring = ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"];
        assert!(!spring.iter().any(|at| contain(&hour, at)));
    }
}
