//! Who is on call: now, in the coming two weeks, and when nobody will be.

use alert::{
    oncall::{self, By, Schedule},
    plan::{AHEAD_DAYS, Plan, Target},
};
use axum::{
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use model::{Name, UnixMillis, UnixSeconds};
use serde::Serialize;

use super::{
    Site, SiteInfo,
    layout::{self, Failure},
};
use crate::{
    chart::{Palette, RotaBar, RotaRow, rota},
    routing::{Advice, Known, advice, explained::after, shifts},
    words,
};

/// Days that the map shows.
const MAP_DAYS: i64 = 14;

/// Days that a calendar holds: a quarter, read again by whoever subscribed.
const CALENDAR_DAYS: i64 = 90;

/// Width of the map.
const MAP_PX: u32 = 1_240;

const DAY_MS: i64 = 86_400_000;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    schedules: Vec<shifts::Standing>,
    title: String,
    map: String,
    shifts: Vec<Shift>,
    gaps: Vec<shifts::GapTold>,
    ahead_days: i64,
    people: Vec<PersonLine>,
    escalations: Vec<EscalationLine>,
    fallback: String,
    advice: Vec<Advice>,
}

/// A line of the table behind the map.
#[derive(Serialize)]
struct Shift {
    schedule: String,
    who: Option<String>,
    from: String,
    to: String,
    why: String,
}

#[derive(Serialize)]
struct PersonLine {
    name: String,
    zone: String,
    clock: String,
    night: String,
    is_night: bool,
    /// Receivers and kinds, in the order of choice. Addresses are nobody else's business.
    channels: String,
    on_call: Vec<String>,
}

#[derive(Serialize)]
struct EscalationLine {
    name: String,
    page_from: &'static str,
    steps: Vec<String>,
    repeat: String,
}

fn seconds(at: UnixMillis) -> UnixSeconds {
    words::seconds(at)
}

/// `GET /on-call`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let info = site.info();
    let (plan, now) = (&info.plan, site.now());
    let all = || plan.schedules.values();
    let standing: Vec<shifts::Standing> =
        all().map(|schedule| shifts::standing(plan, schedule, now)).collect();
    let gaps: Vec<shifts::GapTold> =
        all().flat_map(|schedule| shifts::gaps(schedule, now, AHEAD_DAYS as u16)).collect();
    let rows: Vec<RotaRow> = all().map(|schedule| row(plan, schedule, now)).collect();
    let title = title(&rows, &gaps);
    let span = (seconds(now), seconds(now.plus(MAP_DAYS * DAY_MS)));
    let page = Page {
        page: "on-call",
        map: rota(&title, &rows, span, MAP_PX, Palette::Page),
        title,
        shifts: all().flat_map(|schedule| lines(schedule, now)).collect(),
        people: plan.people.keys().map(|name| person(plan, name, &standing, now)).collect(),
        schedules: standing,
        gaps,
        ahead_days: AHEAD_DAYS,
        escalations: plan.escalations.iter().map(escalation).collect(),
        fallback: plan.fallback.iter().map(Name::as_str).collect::<Vec<_>>().join(", "),
        advice: advice(&known(&info), now),
    };
    layout::render(&site, &info, "on_call.html", page)
}

/// What advice looks at.
pub(super) fn known(info: &SiteInfo) -> Known<'_> {
    Known {
        plan: &info.plan,
        registry: &info.registry,
        monitors: &info.monitors,
        networks: info.networks.iter().map(|network| &network.name).collect(),
    }
}

fn title(rows: &[RotaRow], gaps: &[shifts::GapTold]) -> String {
    if rows.is_empty() {
        return "No schedule is written down".to_owned();
    }
    match gaps.len() {
        0 => "Somebody is on call at any time in the next two weeks".to_owned(),
        n => {
            let total: u64 = gaps.iter().map(|gap| gap.length_s).sum();
            format!(
                "Nobody is on call for {} in the next {AHEAD_DAYS} days, in {}",
                words::span(total),
                words::counted(n as u64, "gap")
            )
        }
    }
}

fn row(plan: &Plan, schedule: &Schedule, now: UnixMillis) -> RotaRow {
    let to = now.plus(MAP_DAYS * DAY_MS);
    let bars = schedule.coverage(now, to).into_iter().map(|stretch| {
        let who = stretch.person.as_ref().map(|(person, _)| person);
        let nights = who.and_then(|who| plan.people.get(who)).map(|person| {
            let nights = person.nights().between(stretch.from, stretch.to).into_iter();
            nights.map(|(from, to)| (seconds(from), seconds(to))).collect()
        });
        let (from, to) = (seconds(stretch.from), seconds(stretch.to));
        let why = stretch.person.as_ref().map(|(_, by)| format!(" ({by})")).unwrap_or_default();
        let title = format!(
            "{}{why}: {} to {}",
            who.map_or("nobody", Name::as_str),
            words::utc(from),
            words::utc(to)
        );
        RotaBar {
            from,
            to,
            who: who.map(ToString::to_string),
            is_override: matches!(stretch.person, Some((_, By::Override))),
            nights: nights.unwrap_or_default(),
            title,
        }
    });
    RotaRow { label: schedule.name.to_string(), bars: bars.collect() }
}

fn lines(schedule: &Schedule, now: UnixMillis) -> Vec<Shift> {
    let map = schedule.coverage(now, now.plus(MAP_DAYS * DAY_MS)).into_iter();
    map.map(|stretch| Shift {
        schedule: schedule.name.to_string(),
        who: stretch.person.as_ref().map(|(person, _)| person.to_string()),
        from: words::utc(seconds(stretch.from)),
        to: words::utc(seconds(stretch.to)),
        why: stretch.person.map_or("a gap".to_owned(), |(_, by)| by.to_string()),
    })
    .collect()
}

fn person(plan: &Plan, name: &Name, standing: &[shifts::Standing], now: UnixMillis) -> PersonLine {
    let person = &plan.people[name];
    let here = Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(person.zone.clone());
    let channels = person.channels.iter().map(|channel| match plan.channels.get(channel) {
        Some(known) => format!("{channel} ({})", known.kind),
        None => channel.to_string(),
    });
    let is_theirs = |standing: &&shifts::Standing| {
        standing.now.as_ref().is_some_and(|now| now.person == name.as_str())
    };
    PersonLine {
        name: name.to_string(),
        zone: person.zone.iana_name().unwrap_or("UTC").to_owned(),
        clock: here.strftime("%a %H:%M").to_string(),
        night: format!("{}–{}", person.night.0.strftime("%H:%M"), person.night.1.strftime("%H:%M")),
        is_night: person.nights().contain(now),
        channels: channels.collect::<Vec<_>>().join(", "),
        on_call: standing.iter().filter(is_theirs).map(|s| s.schedule.clone()).collect(),
    }
}

fn escalation((name, escalation): (&Name, &alert::plan::Escalation)) -> EscalationLine {
    let steps = escalation.rungs.iter().map(|rung| {
        let to = rung.to.iter().map(|target| match target {
            Target::Person(person) => person.to_string(),
            Target::OnCall(schedule) => format!("on call by {schedule}"),
        });
        format!("{}: {}", after(rung.after_s), to.collect::<Vec<_>>().join(", "))
    });
    EscalationLine {
        name: name.to_string(),
        page_from: escalation.page_from.as_str(),
        steps: steps.collect(),
        repeat: words::span(escalation.repeat_s),
    }
}

/// `GET /on-call/{schedule}.ics`.
pub(super) async fn calendar(
    State(site): State<Site>,
    Path(file): Path<String>,
) -> Result<Response, Failure> {
    let info = site.info();
    let name = file.strip_suffix(".ics").unwrap_or(&file);
    let schedule = info.plan.schedules.values().find(|schedule| schedule.name.as_str() == name);
    let Some(schedule) = schedule else {
        return Err(Failure::NotFound(format!("there is no schedule {}", words::clean(name))));
    };
    let now = site.now();
    let map = schedule.coverage(now, now.plus(CALENDAR_DAYS * DAY_MS));
    let text = oncall::write(&schedule.name, &map, now);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}
