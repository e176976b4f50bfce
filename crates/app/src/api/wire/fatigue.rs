//! How much people bear.

use alert::fatigue as inside;
use serde::Serialize;

use super::WallMoment;
use crate::fatigue::Report;

/// How much people bore in a time.
#[derive(Debug, Serialize)]
pub struct Fatigue {
    /// From when on.
    pub from: WallMoment,
    /// Until when.
    pub to: WallMoment,
    /// There was more than one look goes through: it is whole only from then on.
    pub whole_since: Option<WallMoment>,
    /// Weeks from Monday to Monday in UTC that the time touches.
    pub weeks: usize,
    /// Of all alerts that somebody judged, those that called for action.
    pub actionable: Part,
    /// Of all alerts heard of, those that nobody answered.
    pub ignored: Part,
    /// Of all pages, those in the night of whom they called.
    pub at_night: Part,
    /// By person.
    pub people: Vec<Person>,
    /// By route.
    pub routes: Vec<Route>,
    /// By rule, the costliest first.
    pub rules: Vec<Rule>,
    /// What to tune first.
    pub proposal: Option<Proposal>,
}

/// A share with what it is of.
#[derive(Debug, Serialize)]
pub struct Part {
    /// Of them, so many.
    pub k: usize,
    /// All.
    pub n: usize,
    /// `k / n`; none of nothing.
    pub value: Option<f64>,
}

/// What one person bore.
#[derive(Debug, Serialize)]
pub struct Person {
    /// Who.
    pub person: String,
    /// Distinct alerts that called them.
    pub pages: usize,
    /// Shifts that they had by the schedules.
    pub shifts: usize,
    /// Pages a shift; none without a shift.
    pub pages_per_shift: Option<f64>,
    /// Whether that is too many.
    pub is_too_much: bool,
    /// Of their pages, those in their night.
    pub at_night: Part,
    /// Of their pages, those that nobody answered.
    pub ignored: Part,
    /// Of those judged, those that called for action.
    pub actionable: Part,
    /// Median seconds until somebody answered, week by week.
    pub answered_after_s: Vec<Option<u64>>,
    /// Seconds by which that grew from the first half of the time to the second.
    pub drift_s: Option<i64>,
}

/// What came by one route.
#[derive(Debug, Serialize)]
pub struct Route {
    /// The names from the root down, with slashes between.
    pub route: String,
    /// Alerts a week that people agreed to bear.
    pub budget_per_week: Option<u32>,
    /// Alerts in each week.
    pub weeks: Vec<usize>,
    /// Weeks in which there were more than agreed.
    pub weeks_over: usize,
}

/// What one rule cost.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// Monitor.
    pub monitor: String,
    /// What it is an instance of.
    pub detector: String,
    /// Alerts that somebody heard of.
    pub alerts: usize,
    /// Those of them that called a person.
    pub pages: usize,
    /// Of those judged, those that called for action.
    pub actionable: Part,
    /// Of its alerts, those that nobody answered.
    pub ignored: Part,
    /// Repetitions that were not told.
    pub duplicates: u64,
    /// Times it came back and was not told.
    pub flaps: u64,
}

/// A change that would spare people most.
#[derive(Debug, Serialize)]
pub struct Proposal {
    /// Monitor.
    pub monitor: String,
    /// What it is an instance of.
    pub detector: String,
    /// Alerts that somebody heard of.
    pub alerts: usize,
    /// Of those judged, those that were nothing to act on.
    pub benign: Part,
    /// Why, in one sentence.
    pub evidence: String,
    /// What to change, in one sentence.
    pub change: String,
    /// The command that does it, or finds what to change.
    pub command: String,
}

impl From<inside::Share> for Part {
    fn from(share: inside::Share) -> Self {
        Self { k: share.part, n: share.n, value: share.value() }
    }
}

impl Fatigue {
    /// The answer.
    pub fn new(report: &Report) -> Self {
        let found = &report.fatigue;
        Self {
            from: report.from.into(),
            to: report.to.into(),
            whole_since: report.whole_since.map(Into::into),
            weeks: found.weeks,
            actionable: found.actionable.into(),
            ignored: found.ignored.into(),
            at_night: found.at_night.into(),
            people: found.people.iter().map(Person::new).collect(),
            routes: found.routes.iter().map(Route::new).collect(),
            rules: found.rules.iter().map(Rule::new).collect(),
            proposal: found.proposal.as_ref().map(Proposal::new),
        }
    }
}

impl Person {
    fn new(load: &inside::PersonLoad) -> Self {
        Self {
            person: load.person.to_string(),
            pages: load.pages,
            shifts: load.shifts,
            pages_per_shift: load.pages_per_shift,
            is_too_much: load.is_too_much(),
            at_night: load.at_night.into(),
            ignored: load.ignored.into(),
            actionable: load.actionable.into(),
            answered_after_s: load.acknowledged_after_s.clone(),
            drift_s: load.drift_s,
        }
    }
}

impl Route {
    fn new(load: &inside::RouteLoad) -> Self {
        Self {
            route: load.route.to_string(),
            budget_per_week: load.budget_per_week,
            weeks: load.weeks.clone(),
            weeks_over: load.weeks_over,
        }
    }
}

impl Rule {
    fn new(load: &inside::RuleLoad) -> Self {
        Self {
            monitor: load.monitor.to_string(),
            detector: load.detector.clone(),
            alerts: load.alerts,
            pages: load.pages,
            actionable: load.actionable.into(),
            ignored: load.ignored.into(),
            duplicates: load.duplicates,
            flaps: load.flaps,
        }
    }
}

impl Proposal {
    fn new(found: &inside::Proposal) -> Self {
        Self {
            monitor: found.monitor.to_string(),
            detector: found.detector.clone(),
            alerts: found.alerts,
            benign: found.benign.into(),
            evidence: found.evidence.clone(),
            change: found.change.clone(),
            command: found.command.clone(),
        }
    }
}
