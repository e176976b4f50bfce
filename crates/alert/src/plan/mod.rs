//! The plan: who there is, how they are reached, who is called in which order.

mod fault; // plans that look healthy and reach nobody
mod preview; // where an alert would go
mod sink; // the plan of canaries, which can only name the sink

use std::collections::{BTreeMap, BTreeSet};

use jiff::{civil::Time, tz::TimeZone};
use model::{Name, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{
    Days, Hours, Span,
    oncall::Schedule,
    quiet::Inhibition,
    route::{Branch, Tree},
};

pub use fault::{AHEAD_DAYS, PlanFault};
pub use preview::{Hearing, Preview};
pub use sink::SinkPlan;

/// Minutes after the beginning at which an escalation climbs, unless the user says otherwise.
pub const CLIMB_MIN_DEFAULT: [u64; 3] = [2, 5, 10];

/// A channel that has not said that a page arrived is taken to have failed: 30 s.
pub const FAILOVER_S: u64 = 30;

/// People whom a critical alert reaches at once, at least.
pub const PEOPLE_MIN: usize = 2;

/// Kinds of channel over which it reaches them, at least.
pub const KINDS_MIN: usize = 2;

/// What kind of channel it is: two of different kinds seldom fail together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// Mail.
    Mail,
    /// A chat room or a direct message.
    Chat,
    /// A text message.
    Sms,
    /// A phone call.
    Voice,
    /// Another system's pager.
    Pager,
    /// Another program.
    Webhook,
    /// Standard output.
    Log,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Mail, Self::Chat, Self::Sms, Self::Voice, Self::Pager, Self::Webhook, Self::Log];

    /// The word used in files, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Chat => "chat",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Pager => "pager",
            Self::Webhook => "webhook",
            Self::Log => "log",
        }
    }
}

impl std::fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A way to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// What kind.
    pub kind: ChannelKind,
    /// Who reads it as a matter of course: the people behind a team's chat or mailing list.
    pub readers: Vec<Name>,
    /// Whether it is told when alerts are over. Retractions are told everywhere.
    pub tells_closed: bool,
    /// Messages in a row before a storm is summarised.
    pub burst: u32,
    /// Messages a minute that it bears in the long run.
    pub per_minute: u32,
}

impl Channel {
    /// A channel that bears ten messages in a row and six a minute; a mailbox, which rings nobody,
    /// sixty and thirty; a program ten thousand.
    pub fn new(kind: ChannelKind) -> Self {
        let (burst, per_minute) = match kind {
            ChannelKind::Webhook | ChannelKind::Log => (10_000, 10_000),
            ChannelKind::Mail => (60, 30),
            _ => (10, 6),
        };
        Self { kind, readers: Vec::new(), tells_closed: true, burst, per_minute }
    }
}

/// Somebody who can be on call.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// How they are reached, the first choice first.
    pub channels: Vec<Name>,
    /// Their clock, by which pages at night are counted.
    pub zone: TimeZone,
    /// When they sleep, on that clock.
    pub night: (Time, Time),
}

impl Person {
    /// Somebody who sleeps from ten to seven.
    pub fn new(channels: Vec<Name>, zone: TimeZone) -> Self {
        let hour = |hour| Time::constant(hour, 0, 0, 0);
        Self { channels, zone, night: (hour(22), hour(7)) }
    }

    /// Their nights, as hours on their clock.
    pub fn nights(&self) -> Hours {
        let span = Span { days: Days::ALL, from: self.night.0, to: self.night.1 };
        Hours { zone: self.zone.clone(), spans: vec![span] }
    }
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// This person.
    Person(Name),
    /// Whoever is on call by this schedule.
    OnCall(Name),
}

/// A step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Seconds since the beginning.
    pub after_s: u64,
    /// Who is paged.
    pub to: Vec<Target>,
}

/// Pages people until somebody acknowledges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Pages for alerts at least this bad.
    pub page_from: Severity,
    /// In order of time.
    pub rungs: Vec<Rung>,
    /// Seconds after the last rung at which it begins again; each further round doubles it, up to
    /// an hour.
    pub repeat_s: u64,
}

impl Escalation {
    /// These people one after the other: the first at once, the others after 2, 5 and 10 minutes.
    pub fn of(rungs: Vec<Vec<Target>>) -> Self {
        let default_s = |rung: usize| match rung.checked_sub(1) {
            None => 0,
            Some(at) => match CLIMB_MIN_DEFAULT.get(at) {
                Some(minutes) => minutes * 60,
                None => (CLIMB_MIN_DEFAULT[2] + 5 * (at as u64 - 2)) * 60,
            },
        };
        let rungs = rungs.into_iter().enumerate();
        let rungs = rungs.map(|(rung, to)| Rung { after_s: default_s(rung), to }).collect();
        Self { page_from: Severity::High, rungs, repeat_s: 10 * 60 }
    }
}

/// Everything that decides who hears what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where alerts go.
    pub tree: Tree,
    /// How groups and people are reached.
    pub channels: BTreeMap<Name, Channel>,
    /// Who there is.
    pub people: BTreeMap<Name, Person>,
    /// Who is on call when.
    pub schedules: BTreeMap<Name, Schedule>,
    /// Who is called in which order.
    pub escalations: BTreeMap<Name, Escalation>,
    /// Which alerts make others needless.
    pub inhibitions: Vec<Inhibition>,
    /// Who is paged when nobody is on call, or too few are for a critical alert.
    pub fallback: Vec<Name>,
    /// Outflow above which no single person can hide an alert, in US dollars.
    pub outflow_limit_usd: u64,
}

impl Default for Plan {
    /// Everything stays at one route, and nobody hears of it.
    fn default() -> Self {
        let root = Branch::new(Name::new("all").expect("a plain slug"));
        Self::new(Tree::new(root).expect("a root that takes everything"))
    }
}

impl Plan {
    /// A plan with these routes and nobody in it.
    pub fn new(tree: Tree) -> Self {
        Self {
            tree,
            channels: BTreeMap::new(),
            people: BTreeMap::new(),
            schedules: BTreeMap::new(),
            escalations: BTreeMap::new(),
            inhibitions: Vec::new(),
            fallback: Vec::new(),
            outflow_limit_usd: u64::MAX,
        }
    }

    /// Who is called together with those whom a critical alert reaches, as long as they are fewer
    /// than [`PEOPLE_MIN`]: those of the later steps, then those of the last resort.
    pub fn seconds(
        &self,
        escalation: &Escalation,
        mut reached: BTreeSet<Name>,
        at: UnixMillis,
    ) -> Vec<Name> {
        let later = escalation.rungs.iter().skip(1).flat_map(|rung| &rung.to);
        let later = later.filter_map(|target| match target {
            Target::Person(person) => Some(person),
            Target::OnCall(name) => Some(self.schedules.get(name)?.at(at)?.0),
        });
        let mut seconds = Vec::new();
        for person in later.chain(&self.fallback) {
            if reached.len() >= PEOPLE_MIN {
                break;
            }
            if reached.insert(person.clone()) {
                seconds.push(person.clone());
            }
        }
        seconds
    }

    /// Over which of a person's channels a page goes at once: over two of different kinds when it is
    /// critical, over the first choice otherwise.
    pub fn at_once(&self, person: &Name, severity: Severity) -> Vec<&Name> {
        let wanted = if severity >= Severity::Critical { KINDS_MIN } else { 1 };
        let mut kinds = Vec::new();
        let channels = self.people.get(person).into_iter().flat_map(|person| &person.channels);
        channels
            .filter(|name| {
                let kind = self.channels.get(*name).map(|channel| channel.kind);
                let is_new = kind.is_some_and(|kind| !kinds.contains(&kind));
                kinds.extend(kind.filter(|_| is_new));
                is_new && kinds.len() <= wanted
            })
            .collect()
    }
}
