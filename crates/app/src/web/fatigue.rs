//! How much people bear: by person, by route against its budget, by rule, and what to tune first.

use alert::fatigue::{PAGES_PER_SHIFT_MAX, PersonLoad, RouteLoad, RuleLoad, Share};
use axum::{
    extract::{Query, State},
    response::Html,
};
use serde::{Deserialize, Serialize};

use super::{
    Site,
    layout::{self, Failure},
};
use crate::{
    chart::{Bar, Palette, bars, sparkline},
    fatigue::{WEEKS_DEFAULT, WEEKS_MAX},
    words,
};

/// Size of a route's chart.
const CHART_PX: (u32, u32) = (420, 140);

/// Size of a line of acknowledgements.
const SPARK_PX: (u32, u32) = (90, 18);

/// Rules that the page lists; the API has all.
const RULES_SHOWN_MAX: usize = 25;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    weeks: u64,
    from: String,
    whole_since: Option<String>,
    actionable: Measured,
    ignored: Measured,
    at_night: Measured,
    people: Vec<Person>,
    shift_max: String,
    routes: Vec<Route>,
    rules: Vec<Rule>,
    rules_more: usize,
    proposal: Option<alert::fatigue::Proposal>,
}

/// A share, large, with what it rests on, small.
#[derive(Serialize)]
struct Measured {
    value: Option<String>,
    rest: String,
}

impl From<Share> for Measured {
    fn from(share: Share) -> Self {
        Self {
            value: share.value().map(words::percent),
            rest: format!("{} of {}", share.part, share.n),
        }
    }
}

#[derive(Serialize)]
struct Person {
    name: String,
    pages: usize,
    shifts: usize,
    per_shift: Option<String>,
    is_too_much: bool,
    at_night: Measured,
    ignored: Measured,
    actionable: Measured,
    answered: Option<String>,
    spark: String,
    drift: Option<String>,
}

#[derive(Serialize)]
struct Route {
    name: String,
    chart: String,
    title: String,
    is_over: bool,
}

#[derive(Serialize)]
struct Rule {
    monitor: String,
    detector: String,
    alerts: usize,
    pages: usize,
    actionable: Measured,
    ignored: Measured,
    duplicates: String,
    flaps: String,
}

/// How far back the page looks.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    weeks: Option<u64>,
}

/// `GET /fatigue?weeks=N`.
pub(super) async fn page(
    State(site): State<Site>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Failure> {
    let weeks = asked.weeks.unwrap_or(WEEKS_DEFAULT).clamp(1, WEEKS_MAX);
    let report = site.fatigue(weeks).await?;
    let found = &report.fatigue;
    let page = Page {
        page: "fatigue",
        weeks,
        from: words::utc(words::seconds(report.from)),
        whole_since: report.whole_since.map(|since| words::utc(words::seconds(since))),
        actionable: found.actionable.into(),
        ignored: found.ignored.into(),
        at_night: found.at_night.into(),
        people: found.people.iter().map(person).collect(),
        shift_max: words::number(PAGES_PER_SHIFT_MAX),
        routes: found.routes.iter().map(route).collect(),
        rules: found.rules.iter().take(RULES_SHOWN_MAX).map(rule).collect(),
        rules_more: found.rules.len().saturating_sub(RULES_SHOWN_MAX),
        proposal: found.proposal.clone(),
    };
    layout::render(&site, &site.info(), "fatigue.html", page)
}

fn person(load: &PersonLoad) -> Person {
    let answered: Vec<f64> = load
        .acknowledged_after_s
        .iter()
        .map(|median| median.map_or(f64::NAN, |seconds| seconds as f64))
        .collect();
    let last = load.acknowledged_after_s.iter().rev().flatten().next();
    let drift = load.drift_s.filter(|drift_s| *drift_s != 0).map(|drift_s| {
        let by = words::span(drift_s.unsigned_abs());
        if drift_s > 0 { format!("{by} later") } else { format!("{by} sooner") }
    });
    Person {
        name: load.person.to_string(),
        pages: load.pages,
        shifts: load.shifts,
        per_shift: load.pages_per_shift.map(words::number),
        is_too_much: load.is_too_much(),
        at_night: load.at_night.into(),
        ignored: load.ignored.into(),
        actionable: load.actionable.into(),
        answered: last.map(|seconds| words::span(*seconds)),
        spark: sparkline(&answered, SPARK_PX.0, SPARK_PX.1, Palette::Page),
        drift,
    }
}

fn route(load: &RouteLoad) -> Route {
    let weeks = load.weeks.len();
    let all = load.weeks.iter().enumerate().map(|(at, alerts)| {
        let back = weeks - 1 - at;
        let label = if back == 0 { "this week".to_owned() } else { format!("−{back}") };
        Bar { title: format!("{label}: {alerts} alerts"), value: *alerts as u64, label }
    });
    let title = match (load.budget_per_week, load.weeks_over) {
        (None, _) => format!("{}: no budget is agreed", load.route),
        (Some(budget), 0) => format!("{}: within its budget of {budget} a week", load.route),
        (Some(budget), over) => {
            let over = words::counted(over as u64, "week");
            format!("{}: over its budget of {budget} in {over}", load.route)
        }
    };
    let limit = load.budget_per_week.map(u64::from);
    Route {
        name: load.route.to_string(),
        chart: bars(&title, &all.collect::<Vec<_>>(), limit, CHART_PX, Palette::Page),
        title,
        is_over: load.weeks_over > 0,
    }
}

fn rule(load: &RuleLoad) -> Rule {
    Rule {
        monitor: load.monitor.to_string(),
        detector: load.detector.clone(),
        alerts: load.alerts,
        pages: load.pages,
        actionable: load.actionable.into(),
        ignored: load.ignored.into(),
        duplicates: words::grouped(load.duplicates),
        flaps: words::grouped(load.flaps),
    }
}
