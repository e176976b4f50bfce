//! What is wrong with the paging itself, as alerts of our own: one for each cause, however often it is
//! noticed, and over when its cause is.
//!
//! Nothing here can go round in a circle. An alert of our own about calls that nobody answers is no
//! cause of another one; whatever else goes wrong in telling of an alert of our own adds to the one
//! that is about it, and is told again only when it doubled.

use model::{Severity, Source, UnixMillis};

use super::{Alarm, GroupId, Pager, state::Card};
use crate::{Labels, SOURCE, plan::Plan};

/// The label of an alert of our own that names the channel that fails: it is told over others.
pub const FAILING: &str = "failing_channel";

/// What is not noticed again for so long is over: an hour.
pub const QUIET_S: u64 = 60 * 60;

/// What is noticed once, and no look can tell whether it is mended, stands for a day.
const DAY_S: u64 = 24 * 60 * 60;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How long an alert of our own stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Until [`Pager::is_mended`] says that its cause is gone.
    UntilMended,
    /// Until then, unless it is noticed again before.
    Until(UnixMillis),
}

/// An alert of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Names its cause: the same cause is the same alert.
    pub key: String,
    /// What kind it is.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// What it is about, for routes.
    pub about: Option<(&'static str, String)>,
    /// How long it stands.
    pub stands: Stands,
}

impl Alarm {
    /// The alert of our own that it is at `now`.
    ///
    /// What nobody else would notice pages; where people are called already, others are told.
    pub fn trouble(&self, now: UnixMillis) -> Trouble {
        let after = |s: u64| Stands::Until(now.plus(super::ms(s)));
        let of = |rule: &'static str, severity, about: Option<(&'static str, String)>, stands| {
            let key =
                about.as_ref().map_or_else(|| rule.to_owned(), |(_, it)| format!("{rule}/{it}"));
            Trouble { key, rule, severity, title: self.to_string(), about, stands }
        };
        match self {
            Self::Shed { whom, .. } => {
                of("StormShed", Severity::Medium, Some(("whom", whom.to_string())), after(QUIET_S))
            }
            Self::NobodyOnCall { schedule } => {
                let about = Some(("schedule", schedule.to_string()));
                of("NobodyOnCall", Severity::High, about, Stands::UntilMended)
            }
            Self::TooFewPeople { .. } => Trouble {
                title: "a critical alert reaches fewer than two people".to_owned(),
                ..of("TooFewPeople", Severity::High, None, after(DAY_S))
            },
            Self::Unreachable { person } => {
                let about = Some(("person", person.to_string()));
                of("Unreachable", Severity::High, about, after(QUIET_S))
            }
            Self::NobodyAnswers { rounds, .. } => Trouble {
                title: format!("nobody answers the calls, after {rounds} rounds"),
                ..of("NobodyAnswers", Severity::Medium, None, Stands::UntilMended)
            },
            Self::Undelivered { whom, error, .. } => Trouble {
                title: format!("{} does not deliver: {error}", whom.channel),
                ..of(
                    "ChannelFails",
                    Severity::High,
                    Some((FAILING, whom.channel.to_string())),
                    after(QUIET_S),
                )
            },
            Self::Waiting { channel, .. } => of(
                "MessagesWait",
                Severity::High,
                Some((FAILING, channel.to_string())),
                after(WAITING_QUIET_S),
            ),
            Self::Stale { .. } => of("ClosedAsStale", Severity::Low, None, after(DAY_S)),
            Self::OverBudget { path, .. } => {
                let about = Some(("route", path.to_string()));
                // Weeks begin on Mondays, and 1970 began on a Thursday.
                let monday = 4 * 24 * 60 * 60 * 1_000;
                let into = (now.0 - monday).rem_euclid(WEEK_MS);
                let end = Stands::Until(now.plus(WEEK_MS - into));
                of("OverBudget", Severity::Low, about, end)
            }
        }
    }

    /// Whether it is the state of something, and no event that counts each time.
    pub fn is_state(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

/// Messages that are delivered again make no noise after this: a minute without waiting.
const WAITING_QUIET_S: u64 = 60;

/// The channel that fails, if these are the labels of an alert of our own about one.
pub(super) fn failing(labels: &Labels) -> Option<&str> {
    Some(labels.get(FAILING)).filter(|name| is_own(labels) && !name.is_empty())
}

fn is_own(labels: &Labels) -> bool {
    labels.get(SOURCE) == Source::OWN
}

impl Pager {
    /// Whether an alarm may become an alert of our own: not when it is about calls for one.
    pub fn is_news_of_itself(&self, alarm: &Alarm) -> bool {
        match alarm {
            Alarm::NobodyAnswers { group, .. } | Alarm::TooFewPeople { group, .. } => {
                self.is_about_others(*group)
            }
            _ => true,
        }
    }

    /// Whether the cause of an alert of our own with [`Stands::UntilMended`] is gone at `now`.
    pub fn is_mended(&self, trouble: &str, now: UnixMillis) -> bool {
        match trouble.split_once('/') {
            Some(("NobodyOnCall", name)) => {
                let schedule = self.plan.schedules.iter().find(|(known, _)| known.as_str() == name);
                schedule.is_none_or(|(_, schedule)| schedule.at(now).is_some())
            }
            None if trouble == "NobodyAnswers" => !self.is_nobody_answering(),
            _ => true,
        }
    }

    /// Whether people are called for a whole round and more, and nobody is on it.
    fn is_nobody_answering(&self) -> bool {
        self.groups.iter().any(|(id, group)| {
            group.run.as_ref().is_some_and(|run| run.rounds > 0) && self.is_about_others(*id)
        })
    }

    /// Whether somebody is needed in a group for more than alerts of our own.
    fn is_about_others(&self, group: GroupId) -> bool {
        let members = self.groups.get(&group).into_iter().flat_map(|group| &group.members);
        let cards = members.filter_map(|alert| self.cards.get(alert));
        let is_needed =
            |card: &Card| card.life.stage().is_unattended() && !is_own(&card.facts.labels);
        cards.into_iter().any(is_needed)
    }
}

/// Who else could be told when everybody whom a way tells reads the channel that fails: those of the
/// other ways, and without any, people over other channels of theirs.
pub(super) fn others(plan: &Plan, failing: &str) -> Vec<super::Whom> {
    let works = |name: &&model::Name| name.as_str() != failing;
    let receivers = plan.tree.ways().flat_map(|way| &way.receivers).filter(works);
    let mut whom: Vec<super::Whom> = receivers.map(super::Whom::readers).collect();
    if whom.is_empty() {
        let first = |(name, person): (&model::Name, &crate::plan::Person)| {
            Some(super::Whom::person(name, person.channels.iter().find(works)?))
        };
        whom = plan.people.iter().filter_map(first).collect();
    }
    whom.sort_unstable();
    whom.dedup();
    whom
}
