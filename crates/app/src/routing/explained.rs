//! The walk of an alert, hop by hop, and who hears of it.

use std::collections::BTreeSet;

use alert::{
    oncall::By,
    pager::Facts,
    plan::{AHEAD_DAYS, Hearing, Plan, Target},
};
use model::{Name, UnixMillis};
use serde::Serialize;

use crate::words;

/// Where an alert would go, in words and with stable names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// At which time.
    pub at: String,
    /// What the routes look at.
    pub labels: alert::Labels,
    /// Every branch that was asked.
    pub walk: Vec<Hop>,
    /// The ways that it takes.
    pub ways: Vec<WayTold>,
    /// Who hears nothing, and why.
    pub silent: Vec<Silent>,
}

/// A branch that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Branch.
    pub route: String,
    /// How deep it is; the root is at 0.
    pub depth: usize,
    /// Why it did not take the alert; none: it did.
    pub missed: Option<String>,
    /// Whether the alert stays here.
    pub is_end: bool,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayTold {
    /// Branch.
    pub route: String,
    /// What alerts share a message with it.
    pub grouped_by: Vec<(String, String)>,
    /// Receivers that are told.
    pub tells: Vec<Hears>,
    /// People that are called until somebody acknowledges.
    pub pages: Vec<Page>,
    /// Turns at which nobody is on call.
    pub nobody: Vec<String>,
}

/// A receiver that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hears {
    /// Receiver.
    pub receiver: String,
    /// Kind of channel.
    pub kind: &'static str,
    /// Who reads it.
    pub readers: Vec<String>,
    /// `at once`, `after 30 s`, `when its quiet hours end`
    pub when: String,
}

/// A person that is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Seconds from the alert.
    pub after_s: u64,
    /// Person.
    pub person: String,
    /// Channels at once, with their kinds.
    pub over: Vec<(String, &'static str)>,
    /// Why them.
    pub why: String,
}

/// Somebody who hears nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// Person or receiver.
    pub who: String,
    /// Why.
    pub why: String,
}

fn when_told(way: &Hearing) -> String {
    match (way.is_muted, way.wait_s) {
        (true, _) => "when its quiet hours end".to_owned(),
        (false, 0) => "at once".to_owned(),
        (false, wait_s) => format!("after {}", words::span(wait_s)),
    }
}

impl Explained {
    /// Where an alert would go at a moment, were it the first one.
    pub fn new(plan: &Plan, facts: &Facts, at: UnixMillis) -> Self {
        let preview = plan.preview(facts, [], at);
        let kind_of = |name: &Name| plan.channels.get(name).map_or("none", |c| c.kind.as_str());
        let walk = preview.walk.iter().map(|visit| Hop {
            route: visit.path.to_string(),
            depth: visit.depth,
            missed: visit.missed.as_ref().map(ToString::to_string),
            is_end: visit.is_end,
        });
        let way = |way: &Hearing| WayTold {
            route: way.path.to_string(),
            grouped_by: way.grouped_by.clone(),
            tells: way
                .receivers
                .iter()
                .map(|receiver| Hears {
                    receiver: receiver.to_string(),
                    kind: kind_of(receiver),
                    readers: plan.channels.get(receiver).map_or_else(Vec::new, |channel| {
                        channel.readers.iter().map(ToString::to_string).collect()
                    }),
                    when: when_told(way),
                })
                .collect(),
            pages: way
                .pages
                .iter()
                .map(|(after_s, person, channels, by)| Page {
                    after_s: *after_s,
                    person: person.to_string(),
                    over: channels.iter().map(|name| (name.to_string(), kind_of(name))).collect(),
                    why: match by {
                        None => "named by the escalation".to_owned(),
                        Some(By::Override) => "on call by an override".to_owned(),
                        Some(By::Layer(layer)) => format!("on call, rotation {layer}"),
                    },
                })
                .collect(),
            nobody: way
                .nobody
                .iter()
                .map(|(after_s, schedule)| {
                    format!("nobody is on call by {schedule} {}", after(*after_s))
                })
                .collect(),
        };
        let ways = preview.ways.iter().map(way).collect();
        Self {
            at: words::utc(words::seconds(at)),
            labels: facts.labels.clone(),
            walk: walk.collect(),
            ways,
            silent: silent(plan, facts, &preview.ways, at),
        }
    }

    /// As lines for a terminal.
    pub fn lines(&self) -> Vec<String> {
        let labels: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let mut lines = vec![format!("{} at {}", labels.join(" "), self.at), String::new()];
        for hop in &self.walk {
            let indent = "  ".repeat(hop.depth);
            let answer = match (&hop.missed, hop.is_end) {
                (Some(why), _) => format!("no: {why}"),
                (None, true) => "yes, and it stays here".to_owned(),
                (None, false) => "yes".to_owned(),
            };
            lines.push(format!("{indent}{}: {answer}", hop.route));
        }
        for way in &self.ways {
            lines.push(String::new());
            lines.push(format!("by {}:", way.route));
            for tells in &way.tells {
                let readers = match &tells.readers[..] {
                    [] => String::new(),
                    readers => format!(", read by {}", readers.join(", ")),
                };
                lines.push(format!(
                    "  tells {} over {} {}{readers}",
                    tells.receiver, tells.kind, tells.when
                ));
            }
            for page in &way.pages {
                lines.push(format!(
                    "  pages {} {} ({})",
                    page.words(),
                    after(page.after_s),
                    page.why
                ));
            }
            lines.extend(way.nobody.iter().map(|nobody| format!("  {nobody}")));
            if way.tells.is_empty() && way.pages.is_empty() {
                lines.push("  tells nobody".to_owned());
            }
        }
        if !self.silent.is_empty() {
            lines.push(String::new());
            lines.push("not told:".to_owned());
            lines.extend(
                self.silent.iter().map(|silent| format!("  {}: {}", silent.who, silent.why)),
            );
        }
        lines
    }
}

impl Page {
    /// `ann over voice and chat`
    pub fn words(&self) -> String {
        let kinds: Vec<&str> = self.over.iter().map(|(_, kind)| *kind).collect();
        match &kinds[..] {
            [] => format!("{}, who has no channel", self.person),
            kinds => format!("{} over {}", self.person, kinds.join(" and ")),
        }
    }
}

/// `at once`, `after 5 min`
pub(crate) fn after(after_s: u64) -> String {
    if after_s == 0 { "at once".to_owned() } else { format!("after {}", words::span(after_s)) }
}

/// Who there is and hears nothing of it, with the reason.
fn silent(plan: &Plan, facts: &Facts, ways: &[Hearing], at: UnixMillis) -> Vec<Silent> {
    let told: BTreeSet<&Name> = ways
        .iter()
        .flat_map(|way| way.receivers.iter().chain(way.pages.iter().map(|page| &page.1)))
        .collect();
    let reads: BTreeSet<&Name> = ways
        .iter()
        .flat_map(|way| &way.receivers)
        .filter_map(|name| plan.channels.get(name))
        .flat_map(|channel| &channel.readers)
        .collect();
    let escalations = || {
        let ways = ways.iter().filter_map(|way| plan.tree.way(&way.path));
        ways.filter_map(|way| plan.escalations.get(way.escalation.as_ref()?))
    };
    let mut silent = Vec::new();
    for person in plan.people.keys().filter(|name| !told.contains(name) && !reads.contains(name)) {
        let why = if let Some(escalation) =
            escalations().find(|escalation| facts.severity < escalation.page_from)
        {
            format!("people are paged from {} on", escalation.page_from)
        } else if escalations().next().is_none() {
            "no escalation pages for this way".to_owned()
        } else {
            let targets = escalations().flat_map(|e| &e.rungs).flat_map(|rung| &rung.to);
            let schedules = targets.filter_map(|target| match target {
                Target::OnCall(name) => plan.schedules.get(name),
                Target::Person(_) => None,
            });
            let theirs = schedules.filter(|schedule| schedule.people().contains(person));
            let turns = theirs.filter_map(|schedule| {
                let ahead = schedule.coverage(at, at.plus(AHEAD_DAYS * 86_400_000));
                let own = |(name, _): &(Name, By)| name == person;
                let next = ahead.into_iter().find(|s| s.person.as_ref().is_some_and(own))?;
                Some((next.from, schedule.name.clone()))
            });
            match turns.min() {
                Some((from, schedule)) => format!(
                    "not on call then; by {schedule} from {}",
                    words::utc(words::seconds(from))
                ),
                None => "in no step of the escalation".to_owned(),
            }
        };
        silent.push(Silent { who: person.to_string(), why });
    }
    let of_people: BTreeSet<&Name> =
        plan.people.values().flat_map(|person| &person.channels).collect();
    for channel in plan.channels.keys().filter(|name| !told.contains(name)) {
        let why = match of_people.contains(channel) {
            true => continue,
            false => "no route that takes the alert tells it".to_owned(),
        };
        silent.push(Silent { who: channel.to_string(), why });
    }
    silent
}
