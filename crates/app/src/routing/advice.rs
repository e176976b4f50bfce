//! Plans that look healthy and reach nobody: what is wrong, and how to mend it.

use std::collections::{BTreeMap, BTreeSet};

use alert::{
    CLASS, Labels, PROTOCOL,
    plan::{AHEAD_DAYS, KINDS_MIN, PEOPLE_MIN, Plan, PlanFault},
};
use detect::MonitorSpec;
use model::{Name, Severity, UnixMillis};
use registry::Registry;
use serde::Serialize;

use crate::{
    config::{Config, nearest},
    words,
};

/// Something about a plan that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Advice {
    /// Whether it is no more than a note: true of small teams, and no mistake.
    pub is_note: bool,
    /// What is so.
    pub text: String,
    /// What to do.
    pub repair: String,
}

impl Advice {
    fn warning(text: impl Into<String>, repair: impl Into<String>) -> Self {
        Self { is_note: false, text: text.into(), repair: repair.into() }
    }

    fn note(text: impl Into<String>, repair: impl Into<String>) -> Self {
        Self { is_note: true, text: text.into(), repair: repair.into() }
    }
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.is_note { "note" } else { "warning" };
        write!(f, "{word}: {}\n   = {}", self.text, self.repair)
    }
}

/// A plan, with what its routes can be about.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What is guarded.
    pub registry: &'a Registry,
    /// What is watched.
    pub monitors: &'a [MonitorSpec],
    /// Networks.
    pub networks: Vec<&'a Name>,
}

impl<'a> From<&'a Config> for Known<'a> {
    fn from(config: &'a Config) -> Self {
        Self {
            plan: &config.plan,
            registry: &config.registry,
            monitors: &config.monitors,
            networks: config.networks.iter().map(|network| &network.chain.name).collect(),
        }
    }
}

/// Everything that should be known about a plan, looking [`AHEAD_DAYS`] ahead from `now`.
pub fn advice(known: &Known<'_>, now: UnixMillis) -> Vec<Advice> {
    let plan = known.plan;
    let mut all = Vec::new();
    let is_team = plan.people.len() >= PEOPLE_MIN;
    match plan.people.len() {
        0 => all.push(Advice::note(
            "nobody is named in people.toml: receivers are told, and nobody is called until they answer",
            "write people.toml with a [[person]] (name, zone, channels); docs/on-call.md shows how",
        )),
        1 => all.push(Advice::note(
            format!("critical alerts call one person, {}", listed(plan.people.keys())),
            "fine for a team of one; with a second [[person]] in people.toml both would be called",
        )),
        _ => {}
    }
    let mut gaps: BTreeMap<Name, Vec<(UnixMillis, UnixMillis)>> = BTreeMap::new();
    let mut few: BTreeMap<(Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    for fault in plan.faults(now) {
        match fault {
            PlanFault::Gap { schedule, from, to } => {
                gaps.entry(schedule).or_default().push((from, to));
            }
            PlanFault::TooFew { route, people, kinds, .. } if is_team => {
                few.entry((people, kinds)).or_default().push(route);
            }
            PlanFault::TooFew { .. } => {}
            PlanFault::NoChannels(person) => {
                if is_called(plan, &person) {
                    all.push(Advice::warning(
                        format!("{person} is to be called and has no channel"),
                        format!(
                            "people.toml: channels = [\"…\"] for {person}; receivers are {}",
                            listed(plan.channels.keys())
                        ),
                    ));
                }
            }
            other => {
                all.push(Advice::warning(
                    other.to_string(),
                    "see docs/on-call.md for what is meant",
                ));
            }
        }
    }
    all.extend(few.into_iter().map(|((people, kinds), routes)| too_few(&people, &kinds, &routes)));
    all.extend(gaps.into_iter().map(|(schedule, gaps)| gap(plan, &schedule, &gaps)));
    all.extend(unreachable(known));
    all.extend(unheard(plan));
    all.sort();
    all
}

fn listed<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<&str> = names.map(Name::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn is_called(plan: &Plan, person: &Name) -> bool {
    let by_schedule = plan.schedules.values().any(|schedule| schedule.people().contains(person));
    let target = alert::plan::Target::Person(person.clone());
    let mut rungs = plan.escalations.values().flat_map(|escalation| &escalation.rungs);
    by_schedule || plan.fallback.contains(person) || rungs.any(|rung| rung.to.contains(&target))
}

fn too_few(people: &[String], kinds: &[String], routes: &[String]) -> Advice {
    let or_nobody = |words: &[String], none: &str| match words {
        [] => none.to_owned(),
        words => words.join(" and "),
    };
    let repair = if people.len() < PEOPLE_MIN {
        format!(
            "name the readers of its receivers (readers = [\"…\"]), or give its escalation a second \
             person: at once, in a later step, or in fallback; {PEOPLE_MIN} are needed"
        )
    } else {
        format!(
            "give one of them a channel of another kind in people.toml; {KINDS_MIN} kinds are needed, \
             because two seldom fail together"
        )
    };
    Advice::warning(
        format!(
            "a critical alert by {} reaches {} over {} at once",
            routes.join(", "),
            or_nobody(people, "nobody who is known"),
            or_nobody(kinds, "no channel"),
        ),
        repair,
    )
}

/// Whether a moment lies in somebody's night.
pub(crate) fn is_night(plan: &Plan, person: &Name, at: UnixMillis) -> bool {
    plan.people.get(person).is_some_and(|person| person.nights().contain(at))
}

fn gap(plan: &Plan, schedule: &Name, gaps: &[(UnixMillis, UnixMillis)]) -> Advice {
    let clock = |at: UnixMillis| words::utc(words::seconds(at));
    let total_s: i64 = gaps.iter().map(|(from, to)| (to.0 - from.0) / 1_000).sum();
    let total = words::span(u64::try_from(total_s).unwrap_or(0));
    let people = plan.schedules.get(schedule).map(|s| s.people()).unwrap_or_default();
    let middle = |(from, to): &(UnixMillis, UnixMillis)| UnixMillis(i64::midpoint(from.0, to.0));
    let are_nights = gaps.len() > 1
        && gaps.iter().all(|gap| people.iter().all(|p| is_night(plan, p, middle(gap))));
    let (first_from, first_to) = gaps[0];
    let first = format!("{} to {}", clock(first_from), clock(first_to));
    let text = match gaps.len() {
        1 => format!("schedule {schedule}: nobody is on call from {first} ({total})"),
        n => format!(
            "schedule {schedule}: {} in the next {AHEAD_DAYS} days, {} times {total} in all, first from {first}",
            if are_nights { "nobody has night cover" } else { "nobody is on call" },
            words::grouped(n as u64)
        ),
    };
    let repair = if are_nights {
        "add a [[schedule.rotation]] for those hours (somebody on another continent, or with another \
         week), or let fallback take them knowingly"
    } else {
        "add an [[schedule.override]] or a [[schedule.rotation]] for that time in on-call.toml; until \
         then those in fallback are called"
    };
    Advice::warning(text, repair)
}

/// Routes whose matchers fit nothing that there is.
fn unreachable(known: &Known<'_>) -> Vec<Advice> {
    let deployments = known.registry.deployments();
    let values = |label: &str| -> Option<BTreeSet<String>> {
        let mut values: BTreeSet<String> = match label {
            "network" => known.networks.iter().map(ToString::to_string).collect(),
            "monitor" => known.monitors.iter().map(|m| m.name.to_string()).collect(),
            "deployment" => deployments.iter().map(|d| d.label.to_string()).collect(),
            PROTOCOL => {
                deployments.iter().flat_map(|d| &d.protocol).map(ToString::to_string).collect()
            }
            CLASS => deployments.iter().map(|d| d.class.as_str().to_owned()).collect(),
            "severity" => Severity::ALL.iter().map(ToString::to_string).collect(),
            _ => return None,
        };
        // Alerts about no deployment have neither it nor what follows from it.
        if matches!(label, "deployment" | PROTOCOL | CLASS) {
            values.insert(String::new());
        }
        Some(values)
    };
    let mut all = Vec::new();
    for (branch, way) in known.plan.tree.branches() {
        for matcher in &branch.matchers {
            let Some(values) = values(matcher.label()) else { continue };
            let fits =
                |value: &String| matcher.matches(&Labels::default().with(matcher.label(), value));
            if values.iter().any(fits) {
                continue;
            }
            let known = || values.iter().map(String::as_str).filter(|value| !value.is_empty());
            let repair = match nearest(matcher.value(), known()) {
                Some(near) => format!("did you mean {}={near:?}?", matcher.label()),
                None if known().next().is_none() => {
                    format!("the folder names no {}", matcher.label())
                }
                None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            all.push(Advice::warning(
                format!("route {}: no alert of this folder fits {matcher}", way.path),
                repair,
            ));
        }
    }
    all
}

/// Ways that nobody hears of.
fn unheard(plan: &Plan) -> Vec<Advice> {
    let ways = plan.tree.branches().filter(|(branch, way)| {
        let is_heard = !way.receivers.is_empty() || way.escalation.is_some();
        // What the root keeps when every alert goes further down is nothing.
        !is_heard
            && plan.tree.ends(Severity::Critical).iter().any(|end| end.path == way.path)
            && (branch.matchers.is_empty() || way.receivers.is_empty())
    });
    ways.map(|(_, way)| {
        Advice::warning(
            format!("what stays at route {} is heard by nobody", way.path),
            "name receivers for it, or end routes.toml with a [[route]] that takes everything",
        )
    })
    .collect()
}
