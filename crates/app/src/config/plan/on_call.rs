//! `on-call.toml`: schedules and escalations.

use std::collections::BTreeMap;

use alert::{
    oncall::{Layer, Rotation, Schedule, Shift, Turn, Turns},
    plan::Escalation,
};
use jiff::{
    ToSpan as _,
    civil::{DateTime, Time, Weekday, date},
    tz::TimeZone,
};
use model::Name;

use super::{
    super::{
        mistake::SourceFile,
        table::{Collector, Table, parse},
    },
    Known, Places, escalation, time,
};

/// When turns change hands unless the user says otherwise: at nine, and on Mondays where they are
/// weeks.
const HAND_OVER: (Weekday, Time) = (Weekday::Monday, Time::constant(9, 0, 0, 0));

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct OnCall {
    pub(super) schedules: BTreeMap<Name, Schedule>,
    /// Schedules in the order of the file.
    pub(super) order: Vec<Name>,
    pub(super) escalations: BTreeMap<Name, Escalation>,
    pub(super) fallback: Option<Vec<Name>>,
}

pub(super) fn on_call(
    file: &SourceFile,
    known: &Known,
    places: &mut Places,
    out: &Collector,
) -> OnCall {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut all = OnCall::default();
    let zone = time::zone(&table, "zone").unwrap_or(TimeZone::UTC);
    if table.has("fallback") {
        let people = table.names("fallback");
        people.iter().for_each(|person| known.person(&table, person, "fallback"));
        all.fallback = Some(people.into_iter().map(|person| person.value).collect());
    }
    for entry in table.tables("schedule") {
        let name = super::named(&entry, "escalations name a schedule by it");
        let place = entry.span();
        let Some(name) = name else {
            continue;
        };
        let schedule = schedule(&entry, &name.value, &zone, known);
        entry.finish();
        if all.order.contains(&name.value) {
            table.mistake(name.span, format!("two schedules are called {}", name.value));
            continue;
        }
        places.set("schedule", &name.value, file, place);
        all.order.push(name.value.clone());
        all.schedules.insert(name.value, schedule);
    }
    for entry in table.tables("escalation") {
        let name = super::named(&entry, "routes name an escalation by it");
        let place = entry.span();
        let Some(name) = name else {
            continue;
        };
        let escalation = escalation::escalation(&entry, &name.value, known);
        entry.finish();
        if all.escalations.contains_key(&name.value) {
            table.mistake(name.span, format!("two escalations are called {}", name.value));
            continue;
        }
        places.set("escalation", &name.value, file, place);
        all.escalations.extend(escalation.map(|escalation| (name.value, escalation)));
    }
    table.finish();
    all
}

fn schedule(table: &Table<'_>, name: &Name, above: &TimeZone, known: &Known) -> Schedule {
    let zone = time::zone(table, "zone").unwrap_or_else(|| above.clone());
    let rotations = table.tables("rotation");
    let mut layers = Vec::new();
    for (at, rotation) in rotations.into_iter().enumerate() {
        layers.extend(layer(&rotation, at, &zone, known));
        rotation.finish();
    }
    let listed = shifts(table, "shift", &zone, known);
    if !listed.is_empty() {
        layers.push(Layer {
            name: Name::new("shifts").expect("a plain slug"),
            zone: zone.clone(),
            turns: Turns::Listed(listed),
            hours: None,
            until: None,
        });
    }
    let overrides = shifts(table, "override", &zone, known);
    Schedule { name: name.clone(), layers, overrides }
}

fn layer(table: &Table<'_>, at: usize, above: &TimeZone, known: &Known) -> Option<Layer> {
    let name = table.name("name").map(|name| name.value);
    let name = name.or_else(|| Name::new(&format!("rotation-{}", at + 1)).ok())?;
    let zone = time::zone(table, "zone").unwrap_or_else(|| above.clone());
    let people = table.names("people");
    if people.is_empty() {
        table.mistake_help(
            table.span(),
            format!("rotation {name} has no people: nobody would be on call"),
            "people = [\"ann\", \"bob\"]",
        );
    }
    people.iter().for_each(|person| known.person(table, person, "people"));
    let turn = table.parsed("length", time::turn).map_or(Turn::Weeks(1), |turn| turn.value);
    let begins = begins(table, turn);
    let hours = time::hours(table, "hours", &zone);
    let until = time::moment_at(table, "until", &zone).map(|until| until.value);
    let people = people.into_iter().map(|person| person.value).collect();
    let turns = Turns::Rotation(Rotation { people, turn, begins });
    Some(Layer { name, zone, turns, hours, until })
}

/// The first hand-over: the day of `begins` (long ago, where it is not written) at the time of
/// `hand_over`; for weeks the first such weekday from then on.
fn begins(table: &Table<'_>, turn: Turn) -> DateTime {
    // A Monday before anybody wrote such a file, so that the rotation is always running.
    let long_ago = date(2024, 1, 1).at(0, 0, 0, 0);
    let written = table.moment_text("begins").and_then(|text| match time::local(&text.value) {
        Ok(at) => Some((at, text.value.contains(':'))),
        Err(error) => {
            table.mistake(text.span, format!("begins: {error}"));
            None
        }
    });
    let hand_over = table.parsed("hand_over", time::hand_over);
    if let (Some((_, true)), Some(hand_over)) = (&written, &hand_over) {
        table.mistake_help(
            hand_over.span.clone(),
            "begins says the time of the hand-over already",
            "write begins as a day (2026-01-05), or leave hand_over out",
        );
    }
    if let Some((at, true)) = written {
        return at;
    }
    let is_weeks = matches!(turn, Turn::Weeks(_));
    let (weekday, time) = match hand_over {
        Some(hand_over) => {
            if let (Some(_), false) = (hand_over.value.0, is_weeks) {
                table.mistake_help(
                    hand_over.span,
                    "hand_over names a weekday, and turns are not weeks",
                    "hand_over = \"09:00\"",
                );
            }
            hand_over.value
        }
        None => (None, HAND_OVER.1),
    };
    let from = written.map_or(long_ago, |(at, _)| at);
    let weekday = match (weekday, is_weeks, written.is_some()) {
        (Some(day), ..) => day,
        // Weeks that begin on a day of the user's choice are handed over on that weekday.
        (None, true, false) => HAND_OVER.0,
        (None, ..) => from.date().weekday(),
    };
    let days = from.date().weekday().until(weekday);
    let day = from.date().checked_add(i64::from(days).days()).unwrap_or(from.date());
    day.to_datetime(time)
}

fn shifts(table: &Table<'_>, key: &'static str, zone: &TimeZone, known: &Known) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for entry in table.tables(key) {
        let person = entry.name("person");
        match &person {
            Some(person) => known.person(&entry, person, "person"),
            None if !entry.has("person") => {
                entry.mistake(entry.span(), "person is missing; it must name who is on call");
            }
            None => {}
        }
        for missing in ["from", "to"].into_iter().filter(|key| !entry.has(key)) {
            entry.mistake(
                entry.span(),
                format!("{missing} is missing; it must be a moment like 2026-12-24T09:00"),
            );
        }
        let from = time::moment_at(&entry, "from", zone);
        let to = time::moment_at(&entry, "to", zone);
        // For whoever reads the file; nothing is decided by it.
        entry.text("reason");
        if let (Some(from), Some(to)) = (&from, &to)
            && to.value <= from.value
        {
            entry.mistake(to.span.clone(), format!("the {key} ends before it begins"));
        } else if let (Some(person), Some(from), Some(to)) = (person, from, to) {
            shifts.push(Shift { from: from.value, to: to.value, person: person.value });
        }
        entry.finish();
    }
    shifts
}
