//! How much people bear: pages a person and shift, what was worth it, what was ignored, how
//! acknowledgement drifts, and which rule to tune first.
//!
//! A pure function over the account of messages: who was told or called about what and when, when
//! somebody acknowledged, what it turned out to be. Shares come with their n, and where nobody said
//! what an alert was, nothing is claimed of it.

use std::collections::{BTreeMap, BTreeSet};

use model::{AlertId, Name, UnixMillis};
use serde::Serialize;

use crate::{plan::Plan, route::Path};

/// A week, from Monday to Monday in UTC.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// The first Monday after 1970 began, from which weeks are counted.
const MONDAY_MS: i64 = 4 * 24 * 60 * 60 * 1_000;

/// Judged alerts of a rule below which nothing is proposed: fewer prove little.
pub const JUDGED_MIN: usize = 5;

/// Pages of a shift beyond which it is too many: two, as Google's SRE book has it ("Being On-Call").
pub const PAGES_PER_SHIFT_MAX: f64 = 2.0;

/// A message that called or told somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: UnixMillis,
    /// Who: a person that was paged. `None`: a receiver was told.
    pub person: Option<Name>,
    /// About which alert.
    pub alert: AlertId,
    /// The rule that raised it.
    pub monitor: Name,
    /// What the rule is an instance of.
    pub detector: String,
    /// The network that it judged.
    pub network: Name,
    /// The way it took.
    pub route: Path,
    /// When somebody acknowledged the alert, if ever.
    pub acknowledged: Option<UnixMillis>,
    /// Whether it called for action, as far as somebody said so.
    pub was_actionable: Option<bool>,
}

/// What was not sent because it would have repeated something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The rule.
    pub monitor: Name,
    /// Repetitions of what was told already.
    pub duplicates: u64,
    /// Times that it stopped and came back.
    pub flaps: u64,
}

/// A share with what it is of; nothing of nothing is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Of them, so many.
    pub part: usize,
    /// All.
    pub n: usize,
}

impl Share {
    fn of<T>(all: impl IntoIterator<Item = T>, is_part: impl Fn(T) -> bool) -> Self {
        let (mut part, mut n) = (0, 0);
        for one in all {
            n += 1;
            part += usize::from(is_part(one));
        }
        Self { part, n }
    }

    /// As a number from 0 to 1.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.part as f64 / self.n as f64)
    }
}

/// What one person bore.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonLoad {
    /// Who.
    pub person: Name,
    /// Pages: distinct alerts that called them.
    pub pages: usize,
    /// Shifts that they had by the schedules.
    pub shifts: usize,
    /// Pages a shift; unknown without a shift.
    pub pages_per_shift: Option<f64>,
    /// Of their pages, those in their night.
    pub at_night: Share,
    /// Of their pages, those that nobody acknowledged.
    pub ignored: Share,
    /// Of those judged, those that called for action.
    pub actionable: Share,
    /// Median seconds until somebody acknowledged, week by week from the first; unknown in a week
    /// without.
    pub acknowledged_after_s: Vec<Option<u64>>,
    /// Seconds by which that median grew from the first half of the time to the second.
    pub drift_s: Option<i64>,
}

impl PersonLoad {
    /// Whether they were called too often, beyond [`PAGES_PER_SHIFT_MAX`].
    pub fn is_too_much(&self) -> bool {
        self.pages_per_shift.is_some_and(|pages| pages > PAGES_PER_SHIFT_MAX)
    }
}

/// What came by one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteLoad {
    /// Branch.
    pub route: Path,
    /// Alerts a week that people agreed to bear.
    pub budget_per_week: Option<u32>,
    /// Alerts in each week, from the first.
    pub weeks: Vec<usize>,
    /// Weeks in which there were more than agreed.
    pub weeks_over: usize,
}

/// What one rule cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleLoad {
    /// Monitor.
    pub monitor: Name,
    /// What it is an instance of.
    pub detector: String,
    /// The network of its first alert.
    pub network: Option<Name>,
    /// Alerts that somebody heard of.
    pub alerts: usize,
    /// Those of them that called a person.
    pub pages: usize,
    /// Of those judged, those that called for action.
    pub actionable: Share,
    /// Of its alerts, those that nobody acknowledged.
    pub ignored: Share,
    /// Repetitions that were not sent.
    pub duplicates: u64,
    /// Times it came back and was not told.
    pub flaps: u64,
}

/// A change that would spare people most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// The rule.
    pub monitor: Name,
    /// What it is an instance of.
    pub detector: String,
    /// Alerts that somebody heard of.
    pub alerts: usize,
    /// Of those judged, those that were nothing to act on.
    pub benign: Share,
    /// Why: in one sentence, with its numbers.
    pub evidence: String,
    /// What to change, in one sentence.
    pub change: String,
    /// The command that does it, or finds what to change.
    pub command: String,
}

/// How much people bore in a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fatigue {
    /// Weeks looked at, the last one perhaps not over.
    pub weeks: usize,
    /// Of all alerts that somebody judged, those that called for action.
    pub actionable: Share,
    /// Of all alerts heard of, those that nobody acknowledged.
    pub ignored: Share,
    /// Of all pages, those in the night of whom they called.
    pub at_night: Share,
    /// By person.
    pub people: Vec<PersonLoad>,
    /// By route.
    pub routes: Vec<RouteLoad>,
    /// By rule, the noisiest first.
    pub rules: Vec<RuleLoad>,
    /// For the noisiest rule, if enough was judged.
    pub proposal: Option<Proposal>,
}

/// Looks at what was heard within `from..to`.
pub fn fatigue(
    heard: &[Heard],
    suppressed: &[Suppressed],
    plan: &Plan,
    from: UnixMillis,
    to: UnixMillis,
) -> Fatigue {
    let first_week = week_of(from);
    let weeks = usize::try_from(week_of(UnixMillis(to.0 - 1)) - first_week + 1).unwrap_or(0);
    let heard: Vec<&Heard> = heard.iter().filter(|h| from <= h.at && h.at < to).collect();
    let period = Period { from, to, first_week, weeks };
    let alerts = each_alert(heard.iter().copied());
    let pages = each_page(&heard);
    let rules = rules(&heard, suppressed);
    Fatigue {
        weeks,
        actionable: actionable(&alerts),
        ignored: Share::of(&alerts, |alert| alert.acknowledged.is_none()),
        at_night: Share::of(&pages, |page| is_night(plan, page)),
        people: people(&pages, plan, &period),
        routes: routes(&heard, plan, &period),
        proposal: rules.first().and_then(proposal),
        rules,
    }
}

impl Fatigue {
    /// Whether somebody bore too much: called too often, or a route over its budget.
    pub fn is_too_much(&self) -> bool {
        self.people.iter().any(PersonLoad::is_too_much)
            || self.routes.iter().any(|route| route.weeks_over > 0)
    }
}

struct Period {
    from: UnixMillis,
    to: UnixMillis,
    first_week: i64,
    weeks: usize,
}

impl Period {
    fn week(&self, at: UnixMillis) -> usize {
        usize::try_from(week_of(at) - self.first_week).unwrap_or(0)
    }
}

fn week_of(at: UnixMillis) -> i64 {
    (at.0 - MONDAY_MS).div_euclid(WEEK_MS)
}

/// The first message about each alert, with what is known of it.
fn each_alert<'a>(heard: impl Iterator<Item = &'a Heard>) -> Vec<&'a Heard> {
    let mut first: BTreeMap<AlertId, &Heard> = BTreeMap::new();
    for one in heard {
        let known = first.entry(one.alert).or_insert(one);
        if one.at < known.at {
            *known = one;
        }
    }
    first.into_values().collect()
}

/// The first page of each person about each alert: that it went over two channels, or again, is not
/// another one.
fn each_page<'a>(heard: &[&'a Heard]) -> Vec<&'a Heard> {
    let mut first: BTreeMap<(&Name, AlertId), &Heard> = BTreeMap::new();
    for one in heard {
        let Some(person) = &one.person else { continue };
        let known = first.entry((person, one.alert)).or_insert(one);
        if one.at < known.at {
            *known = one;
        }
    }
    first.into_values().collect()
}

fn actionable(alerts: &[&Heard]) -> Share {
    Share::of(alerts.iter().filter_map(|alert| alert.was_actionable), |was| was)
}

fn is_night(plan: &Plan, page: &Heard) -> bool {
    let person = page.person.as_ref().and_then(|name| plan.people.get(name));
    person.is_some_and(|person| person.nights().contain(page.at))
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied().filter(|_| !values.is_empty())
}

fn after_s(page: &Heard) -> Option<u64> {
    u64::try_from((page.acknowledged?.0 - page.at.0) / 1_000).ok()
}

fn people(pages: &[&Heard], plan: &Plan, period: &Period) -> Vec<PersonLoad> {
    let mut shifts: BTreeMap<Name, usize> = BTreeMap::new();
    for schedule in plan.schedules.values() {
        for stretch in schedule.coverage(period.from, period.to) {
            if let Some((person, _)) = stretch.person {
                *shifts.entry(person).or_default() += 1;
            }
        }
    }
    let paged = pages.iter().filter_map(|page| page.person.as_ref());
    let names: BTreeSet<&Name> = paged.chain(shifts.keys()).collect();
    let load = |person: &Name| {
        let own: Vec<&Heard> =
            pages.iter().copied().filter(|page| page.person.as_ref() == Some(person)).collect();
        let in_weeks = |weeks: std::ops::Range<usize>| {
            let in_time = own.iter().filter(|page| weeks.contains(&period.week(page.at)));
            median(in_time.filter_map(|page| after_s(page)).collect())
        };
        let half = period.weeks.div_ceil(2);
        let halves = in_weeks(0..half).zip(in_weeks(half..period.weeks));
        let shifts = shifts.get(person).copied().unwrap_or(0);
        PersonLoad {
            person: person.clone(),
            pages: own.len(),
            shifts,
            pages_per_shift: (shifts > 0).then(|| own.len() as f64 / shifts as f64),
            at_night: Share::of(&own, |page| is_night(plan, page)),
            ignored: Share::of(&own, |page| page.acknowledged.is_none()),
            actionable: actionable(&own),
            acknowledged_after_s: (0..period.weeks).map(|week| in_weeks(week..week + 1)).collect(),
            drift_s: halves.map(|(early, late)| late as i64 - early as i64),
        }
    };
    names.into_iter().map(load).collect()
}

fn routes(heard: &[&Heard], plan: &Plan, period: &Period) -> Vec<RouteLoad> {
    let mut by_route: BTreeMap<&Path, Vec<&Heard>> = BTreeMap::new();
    for one in heard {
        by_route.entry(&one.route).or_default().push(one);
    }
    let load = |(route, heard): (&Path, Vec<&Heard>)| {
        let mut weeks = vec![0; period.weeks];
        for alert in each_alert(heard.into_iter()) {
            if let Some(week) = weeks.get_mut(period.week(alert.at)) {
                *week += 1;
            }
        }
        let budget_per_week = plan.tree.way(route).and_then(|way| way.budget_per_week);
        let is_over = |week: &&usize| budget_per_week.is_some_and(|b| **week > b as usize);
        let weeks_over = weeks.iter().filter(is_over).count();
        RouteLoad { route: route.clone(), budget_per_week, weeks, weeks_over }
    };
    by_route.into_iter().map(load).collect()
}

fn rules(heard: &[&Heard], suppressed: &[Suppressed]) -> Vec<RuleLoad> {
    let mut by_rule: BTreeMap<&Name, Vec<&Heard>> = BTreeMap::new();
    for one in heard {
        by_rule.entry(&one.monitor).or_default().push(one);
    }
    let load = |(monitor, heard): (&Name, Vec<&Heard>)| {
        let paged: BTreeSet<AlertId> =
            heard.iter().filter(|one| one.person.is_some()).map(|one| one.alert).collect();
        let alerts = each_alert(heard.into_iter());
        let of_rule = || suppressed.iter().filter(|s| s.monitor == *monitor);
        RuleLoad {
            monitor: monitor.clone(),
            detector: alerts.first().map(|alert| alert.detector.clone()).unwrap_or_default(),
            network: alerts.first().map(|alert| alert.network.clone()),
            alerts: alerts.len(),
            pages: paged.len(),
            actionable: actionable(&alerts),
            ignored: Share::of(&alerts, |alert| alert.acknowledged.is_none()),
            duplicates: of_rule().map(|s| s.duplicates).sum(),
            flaps: of_rule().map(|s| s.flaps).sum(),
        }
    };
    let mut rules: Vec<RuleLoad> = by_rule.into_iter().map(load).collect();
    // A page that was for nothing costs more than a message that was.
    let cost = |rule: &RuleLoad| {
        let for_nothing = 1.0 - rule.actionable.value().unwrap_or(0.5);
        (rule.alerts as f64 + 4.0 * rule.pages as f64) * for_nothing
    };
    rules.sort_by(|a, b| cost(b).total_cmp(&cost(a)).then_with(|| a.monitor.cmp(&b.monitor)));
    rules
}

/// What to do about a rule, if enough was judged to say so.
fn proposal(rule: &RuleLoad) -> Option<Proposal> {
    let Share { part, n } = rule.actionable;
    if n < JUDGED_MIN || part * 2 >= n {
        return None;
    }
    let monitor = &rule.monitor;
    let evidence = format!(
        "{monitor} raised {} alerts and called people for {}; {part} of {n} judged ones called for action, \
         {} of {} were never acknowledged",
        rule.alerts, rule.pages, rule.ignored.part, rule.ignored.n
    );
    let network = rule.network.as_ref().map_or("NETWORK", Name::as_str);
    let (change, command) = if rule.flaps as usize > rule.alerts {
        (
            format!("{monitor} flaps: let it hold for longer before it is raised"),
            format!("bellwether backtest . --stored {network}"),
        )
    } else if part == 0 && rule.pages > 0 {
        (
            format!("let {monitor} notify and not page until it is tuned"),
            format!(
                "bellwether quality promote {monitor} notify --by NAME --because \"{part} of {n} called for action\" --write"
            ),
        )
    } else {
        (
            format!("raise the threshold of {monitor} ({})", rule.detector),
            format!("bellwether tune . --stored {network} --budget page=1/week"),
        )
    };
    Some(Proposal {
        monitor: monitor.clone(),
        detector: rule.detector.clone(),
        alerts: rule.alerts,
        benign: Share { part: n - part, n },
        evidence,
        change,
        command,
    })
}

#[cfg(test)]
mod tests;
