//! Plans that look healthy and reach nobody.

use std::collections::{BTreeMap, BTreeSet};

use model::{Name, Severity, UnixMillis};

use super::{KINDS_MIN, PEOPLE_MIN, Plan, Target};
use crate::{hours::moment, oncall::ScheduleFault, route::Way};

/// How far ahead rotas are looked at: four weeks, so that a gap is known before anybody plans their
/// holidays around it.
pub const AHEAD_DAYS: i64 = 28;

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// A name that nothing has.
    #[error("{by} names the {kind} {name}, which does not exist")]
    Unknown {
        /// What names it.
        by: String,
        /// Channel, person, schedule or escalation.
        kind: &'static str,
        /// As written.
        name: Name,
    },
    /// An escalation without anybody in it, or whose rungs do not rise.
    #[error("escalation {name}: {what}")]
    Escalation {
        /// Escalation.
        name: Name,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Somebody who cannot be reached.
    #[error("{0} has no channels: nobody could call them")]
    NoChannels(Name),
    /// A channel that bears no messages.
    #[error("channel {0} bears no messages: burst and per_minute are at least 1")]
    NoRate(Name),
    /// A way on which critical alerts reach too few.
    #[error(
        "route {route}: at {at} a critical alert reaches {people} ({n_people}) over {kinds} ({n_kinds}) at once; it must reach {PEOPLE_MIN} people over {KINDS_MIN} kinds of channel",
        n_people = .people.len(), n_kinds = .kinds.len(),
        people = listed(.people), kinds = listed(.kinds), at = moment(*.at)
    )]
    TooFew {
        /// Branch.
        route: String,
        /// When first.
        at: UnixMillis,
        /// Whom it reaches then.
        people: Vec<String>,
        /// Over which kinds of channel.
        kinds: Vec<String>,
    },
    /// Nobody will be on call.
    #[error("schedule {schedule}: nobody is on call from {from} to {to}", from = moment(*.from), to = moment(*.to))]
    Gap {
        /// Schedule.
        schedule: Name,
        /// From.
        from: UnixMillis,
        /// To.
        to: UnixMillis,
    },
    /// Something else about a schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleFault),
}

fn listed(words: &[String]) -> String {
    if words.is_empty() { "nobody".to_owned() } else { words.join(" and ") }
}

impl Plan {
    /// Everything that is wrong with it, looking [`AHEAD_DAYS`] ahead from `now`.
    pub fn faults(&self, now: UnixMillis) -> Vec<PlanFault> {
        let mut faults = self.mistakes();
        for (name, person) in &self.people {
            if person.channels.is_empty() {
                faults.push(PlanFault::NoChannels(name.clone()));
            }
        }
        for schedule in self.schedules.values().filter(|schedule| schedule.faults().is_empty()) {
            let ahead = schedule.gaps(now, now.plus(AHEAD_DAYS * 86_400_000));
            let schedule = &schedule.name;
            faults.extend(ahead.into_iter().map(|(from, to)| PlanFault::Gap {
                schedule: schedule.clone(),
                from,
                to,
            }));
        }
        faults.extend(self.too_few(now));
        faults
    }

    /// What is wrong with it at any time: what no program can run on, whoever there is.
    pub fn mistakes(&self) -> Vec<PlanFault> {
        let mut faults = self.unknown();
        for (name, channel) in &self.channels {
            if channel.burst == 0 || channel.per_minute == 0 {
                faults.push(PlanFault::NoRate(name.clone()));
            }
        }
        for (name, escalation) in &self.escalations {
            let mut wrong = |what| {
                faults.push(PlanFault::Escalation { name: name.clone(), what });
            };
            if escalation.rungs.iter().all(|rung| rung.to.is_empty()) {
                wrong("it calls nobody");
            }
            if escalation.rungs.first().is_some_and(|rung| rung.after_s > 0) {
                wrong("its first step must be at once");
            }
            if escalation.rungs.windows(2).any(|pair| pair[0].after_s >= pair[1].after_s) {
                wrong("each step must come after the one before");
            }
            if escalation.repeat_s == 0 {
                wrong("repeat may not be 0");
            }
        }
        for schedule in self.schedules.values() {
            faults.extend(schedule.faults().into_iter().map(PlanFault::from));
        }
        faults
    }

    fn unknown(&self) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        let mut named = |by: String, kind: &'static str, name: &Name, is_there: bool| {
            if !is_there {
                faults.push(PlanFault::Unknown { by, kind, name: name.clone() });
            }
        };
        for way in self.tree.ways() {
            let by = || format!("route {}", way.path);
            for channel in &way.receivers {
                named(by(), "receiver", channel, self.channels.contains_key(channel));
            }
            if let Some(name) = &way.escalation {
                named(by(), "escalation", name, self.escalations.contains_key(name));
            }
        }
        for (name, person) in &self.people {
            for channel in &person.channels {
                let is_there = self.channels.contains_key(channel);
                named(format!("person {name}"), "receiver", channel, is_there);
            }
        }
        for (name, channel) in &self.channels {
            for person in &channel.readers {
                let is_there = self.people.contains_key(person);
                named(format!("receiver {name}"), "person", person, is_there);
            }
        }
        for (name, escalation) in &self.escalations {
            for target in escalation.rungs.iter().flat_map(|rung| &rung.to) {
                let by = format!("escalation {name}");
                match target {
                    Target::Person(person) => {
                        named(by, "person", person, self.people.contains_key(person));
                    }
                    Target::OnCall(schedule) => {
                        named(by, "schedule", schedule, self.schedules.contains_key(schedule));
                    }
                }
            }
        }
        for (name, schedule) in &self.schedules {
            for person in schedule.people() {
                let is_there = self.people.contains_key(person);
                named(format!("schedule {name}"), "person", person, is_there);
            }
        }
        for person in &self.fallback {
            named("fallback".to_owned(), "person", person, self.people.contains_key(person));
        }
        faults
    }

    /// The ways on which a critical alert reaches too few at some time ahead, each once.
    fn too_few(&self, now: UnixMillis) -> Vec<PlanFault> {
        let mut seen: BTreeMap<(&Vec<Name>, &Option<Name>), Option<PlanFault>> = BTreeMap::new();
        let mut faults = Vec::new();
        for way in self.tree.ends(Severity::Critical) {
            let found = seen
                .entry((&way.receivers, &way.escalation))
                .or_insert_with(|| self.first_too_few(way, now));
            if let Some(PlanFault::TooFew { at, people, kinds, .. }) = found {
                let route = way.path.to_string();
                let (at, people, kinds) = (*at, people.clone(), kinds.clone());
                faults.push(PlanFault::TooFew { route, at, people, kinds });
            }
        }
        faults
    }

    fn first_too_few(&self, way: &Way, now: UnixMillis) -> Option<PlanFault> {
        let escalation = way.escalation.as_ref().and_then(|name| self.escalations.get(name));
        let first = escalation.and_then(|escalation| escalation.rungs.first());
        let targets = first.map_or(&[][..], |rung| &rung.to);
        let mut moments = BTreeSet::from([now]);
        for target in targets {
            if let Target::OnCall(name) = target
                && let Some(schedule) = self.schedules.get(name)
            {
                let map = schedule.coverage(now, now.plus(AHEAD_DAYS * 86_400_000));
                moments.extend(map.into_iter().map(|stretch| stretch.from));
            }
        }
        moments.into_iter().find_map(|at| {
            let mut people: BTreeSet<Name> = BTreeSet::new();
            let mut kinds = BTreeSet::new();
            for channel in way.receivers.iter().filter_map(|name| self.channels.get(name)) {
                people.extend(channel.readers.iter().cloned());
                kinds.extend((!channel.readers.is_empty()).then_some(channel.kind));
            }
            let called = targets.iter().filter_map(|target| match target {
                Target::Person(person) => Some(person.clone()),
                Target::OnCall(name) => Some(self.schedules.get(name)?.at(at)?.0.clone()),
            });
            let mut called: BTreeSet<Name> = called.collect();
            people.extend(called.iter().cloned());
            if let Some(escalation) = escalation {
                called.extend(self.seconds(escalation, people.clone(), at));
            }
            for person in &called {
                people.insert(person.clone());
                let channels = self.at_once(person, Severity::Critical).into_iter();
                kinds.extend(channels.filter_map(|name| Some(self.channels.get(name)?.kind)));
            }
            let is_enough = people.len() >= PEOPLE_MIN && kinds.len() >= KINDS_MIN;
            (!is_enough).then(|| PlanFault::TooFew {
                route: way.path.to_string(),
                at,
                people: people.iter().map(ToString::to_string).collect(),
                kinds: kinds.iter().map(ToString::to_string).collect(),
            })
        })
    }
}
