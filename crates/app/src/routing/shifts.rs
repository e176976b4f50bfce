//! Who is on call, in words: now, at hand-overs, and when nobody is.

use alert::{
    oncall::{Schedule, Stretch},
    plan::Plan,
};
use model::{Name, UnixMillis};
use serde::Serialize;

use super::advice::is_night;
use crate::words;

/// How far ahead the end of a shift is looked for: longer than any turn that people agree to.
const AHEAD_DAYS: i64 = 120;

/// A shift as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShiftTold {
    /// Person.
    pub person: String,
    /// Why them: an override or a rotation.
    pub by: String,
    /// Since when, as far as it was looked at.
    pub from: String,
    /// Until when; none: as far as anybody can see.
    pub to: Option<String>,
}

/// Who is on call by one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Schedule.
    pub schedule: String,
    /// Who is on call; none: nobody.
    pub now: Option<ShiftTold>,
    /// Whether it is night where they are.
    pub is_night: bool,
    /// Who is next, if the turn ends.
    pub next: Option<ShiftTold>,
    /// Whether nobody is next.
    pub is_gap_next: bool,
}

/// A hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handover {
    /// Schedule.
    pub schedule: String,
    /// When, RFC 3339.
    pub at: String,
    /// When, as milliseconds since 1970.
    #[serde(skip)]
    pub at_ms: i64,
    /// Who was on call.
    pub from: Option<String>,
    /// Who is from then on.
    pub to: Option<String>,
    /// Why them.
    pub by: Option<String>,
}

/// A time at which nobody is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapTold {
    /// Schedule.
    pub schedule: String,
    /// From, RFC 3339.
    pub from: String,
    /// To, RFC 3339.
    pub to: String,
    /// How long.
    pub length_s: u64,
}

fn iso(at: UnixMillis) -> String {
    words::iso(words::seconds(at))
}

fn days(count: i64) -> i64 {
    count * 86_400_000
}

fn told(stretch: &Stretch, edge: UnixMillis) -> Option<ShiftTold> {
    let (person, by) = stretch.person.as_ref()?;
    let to = (stretch.to < edge).then(|| iso(stretch.to));
    Some(ShiftTold { person: person.to_string(), by: by.to_string(), from: iso(stretch.from), to })
}

/// Who is on call at a moment, until when, and who is next.
pub fn standing(plan: &Plan, schedule: &Schedule, at: UnixMillis) -> Standing {
    let edge = at.plus(days(AHEAD_DAYS));
    let map = schedule.coverage(at, edge);
    let own = map.first();
    let person = own.and_then(|stretch| stretch.person.as_ref()).map(|(person, _)| person);
    // The same person for another reason is not somebody else.
    let is_other = |stretch: &&Stretch| stretch.person.as_ref().map(|(p, _)| p) != person;
    let next = map.iter().find(is_other);
    let mut now = own.and_then(|own| told(own, edge));
    if let Some(now) = &mut now {
        now.to = next.map(|next| iso(next.from));
    }
    Standing {
        schedule: schedule.name.to_string(),
        now,
        is_night: person.is_some_and(|person| is_night(plan, person, at)),
        next: next.and_then(|next| told(next, edge)),
        is_gap_next: next.is_some_and(|next| next.person.is_none()),
    }
}

impl Standing {
    /// As lines for a terminal.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![match &self.now {
            Some(now) => format!(
                "{}: {}{} until {} ({})",
                self.schedule,
                now.person,
                if self.is_night { ", whose night it is," } else { "" },
                now.to.as_deref().unwrap_or("further notice"),
                now.by
            ),
            None => format!("{}: nobody is on call", self.schedule),
        }];
        match (&self.next, self.is_gap_next) {
            (Some(next), _) => lines.push(format!("  then {} from {}", next.person, next.from)),
            (None, true) => lines.push("  then nobody".to_owned()),
            (None, false) => {}
        }
        lines
    }
}

/// The hand-overs in the next days.
pub fn handovers(schedule: &Schedule, at: UnixMillis, days_ahead: u16) -> Vec<Handover> {
    let map = schedule.coverage(at, at.plus(days(i64::from(days_ahead))));
    let person =
        |stretch: &Stretch| stretch.person.as_ref().map(|(p, _): &(Name, _)| p.to_string());
    let pairs = map.windows(2).filter(|pair| person(&pair[0]) != person(&pair[1]));
    pairs
        .map(|pair| Handover {
            schedule: schedule.name.to_string(),
            at: iso(pair[1].from),
            at_ms: pair[1].from.0,
            from: person(&pair[0]),
            to: person(&pair[1]),
            by: pair[1].person.as_ref().map(|(_, by)| by.to_string()),
        })
        .collect()
}

impl Handover {
    /// As a line for a terminal.
    pub fn line(&self) -> String {
        let name = |who: &Option<String>| who.clone().unwrap_or_else(|| "nobody".to_owned());
        let by = self.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
        format!("{}  {}: {} → {}{by}", self.at, self.schedule, name(&self.from), name(&self.to))
    }
}

/// When nobody will be on call in the next days.
pub fn gaps(schedule: &Schedule, at: UnixMillis, days_ahead: u16) -> Vec<GapTold> {
    let gaps = schedule.gaps(at, at.plus(days(i64::from(days_ahead)))).into_iter();
    gaps.map(|(from, to)| GapTold {
        schedule: schedule.name.to_string(),
        from: iso(from),
        to: iso(to),
        length_s: u64::try_from((to.0 - from.0) / 1_000).unwrap_or(0),
    })
    .collect()
}

impl GapTold {
    /// As a line for a terminal.
    pub fn line(&self) -> String {
        let length = words::span(self.length_s);
        format!("{}: nobody is on call from {} to {} ({length})", self.schedule, self.from, self.to)
    }
}
