//! Whose turn it is.
//!
//! Hand-overs are counted on the calendar of the layer's zone and then looked up on its clock: the
//! n-th is `begins` plus n turns. One that daylight saving leaves out happens an hour later; one in
//! an hour that comes twice happens the first time, so that nobody is handed over to twice.

use jiff::{Span, Timestamp, Unit, civil::DateTime, tz::TimeZone};
use model::Name;

/// People in one rotation.
pub const PEOPLE_MAX: usize = 200;

/// Hand-overs in one coverage map: hourly ones for a year and more.
const HANDOVERS_MAX: usize = 10_000;

/// How long a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// So many hours.
    Hours(u16),
    /// So many days.
    Days(u16),
    /// So many weeks.
    Weeks(u16),
}

impl Turn {
    fn hours(self) -> i64 {
        match self {
            Self::Hours(n) => i64::from(n),
            Self::Days(n) => i64::from(n) * 24,
            Self::Weeks(n) => i64::from(n) * 24 * 7,
        }
    }

    /// On the calendar, where a day is a day however many hours it has.
    fn span(self, turns: i64) -> Option<Span> {
        let n = |each: u16| turns.checked_mul(i64::from(each));
        match self {
            Self::Hours(each) => Span::new().try_hours(n(each)?).ok(),
            Self::Days(each) => Span::new().try_days(n(each)?).ok(),
            Self::Weeks(each) => Span::new().try_weeks(n(each)?).ok(),
        }
    }
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// In the order of their turns; somebody may have several.
    pub people: Vec<Name>,
    /// How long each is on call.
    pub turn: Turn,
    /// First hand-over, on the clock of the layer's zone: its time of day is that of all of them.
    pub begins: DateTime,
}

impl Rotation {
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.people.is_empty() {
            Some("nobody is in the rotation")
        } else if self.turn.hours() == 0 {
            Some("a turn may not be 0 long")
        } else {
            None
        }
    }

    /// Whose turn it is; `None` before the first one.
    pub(super) fn at(&self, zone: &TimeZone, at: Timestamp) -> Option<&Name> {
        let turn = usize::try_from(self.turn_of(zone, at)?).ok()?;
        self.people.get(turn % self.people.len())
    }

    /// Which hand-over was the last; counted from 0.
    fn turn_of(&self, zone: &TimeZone, at: Timestamp) -> Option<i64> {
        if self.fault().is_some() || self.handover(zone, 0)? > at {
            return None;
        }
        let since = zone.to_datetime(at).since((Unit::Hour, self.begins)).ok()?;
        // Clocks jump by a few hours at the most, so the guess is off by a few hand-overs.
        let mut turn = (i64::from(since.get_hours()) / self.turn.hours()).max(0);
        while turn > 0 && self.handover(zone, turn).is_none_or(|handover| handover > at) {
            turn -= 1;
        }
        while self.handover(zone, turn + 1).is_some_and(|handover| handover <= at) {
            turn += 1;
        }
        Some(turn)
    }

    fn handover(&self, zone: &TimeZone, turn: i64) -> Option<Timestamp> {
        let at = self.begins.checked_add(self.turn.span(turn)?).ok()?;
        zone.to_ambiguous_timestamp(at).compatible().ok()
    }

    /// The hand-overs within `from..to`.
    pub(super) fn handovers(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Timestamp> {
        if self.fault().is_some() {
            return Vec::new();
        }
        let first = self.turn_of(zone, from).unwrap_or(0);
        (first..)
            .map_while(|turn| self.handover(zone, turn).filter(|handover| *handover < to))
            .take(HANDOVERS_MAX)
            .filter(|handover| *handover >= from)
            .collect()
    }
}
