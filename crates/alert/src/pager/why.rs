//! What was decided, and why: nothing is sent, kept back or grouped without a reason that people can
//! read.

use std::{collections::BTreeMap, fmt};

use model::{AlertId, Name, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{GroupId, MessageId, Whom};
use crate::{hours::moment, life::Stage, oncall::By, route::Path};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A message went to the outbox.
    Sent,
    /// None did.
    NotSent,
    /// It joined a group, which speaks at this time at the latest.
    Grouped {
        /// When.
        until: UnixMillis,
    },
    /// A silence hides it.
    Silenced,
    /// Another alert hides it.
    Inhibited,
    /// Nothing hides it any more.
    Shown,
    /// It waits for a summary.
    Summarised {
        /// When the summary comes.
        until: UnixMillis,
    },
    /// There was no room for it even in a summary; it is told later.
    Shed,
    /// It changed its place in life.
    Moved {
        /// To here.
        to: Stage,
    },
    /// The message waits for word of another installation that speaks first.
    Held {
        /// Not longer than this.
        until: UnixMillis,
    },
    /// Nothing holds it back (any more).
    Released,
    /// Another installation told the same people the same.
    ToldByTwin,
    /// People are being called until somebody acknowledges.
    Escalating,
    /// They are not called any more.
    Ended,
}

impl Verdict {
    /// The words used in pages and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NotSent => "not sent",
            Self::Grouped { .. } => "grouped",
            Self::Silenced => "silenced",
            Self::Inhibited => "inhibited",
            Self::Shown => "shown",
            Self::Summarised { .. } => "summarised",
            Self::Shed => "shed",
            Self::Moved { to } => to.as_str(),
            Self::Held { .. } => "held back",
            Self::Released => "not held back",
            Self::ToldByTwin => "told by the twin",
            Self::Escalating => "escalating",
            Self::Ended => "escalation ended",
        }
    }
}

/// A decision about an alert or a group, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// When.
    pub at: UnixMillis,
    /// About this alert; `None`: about its group as a whole.
    pub alert: Option<AlertId>,
    /// In this group.
    pub group: Option<GroupId>,
    /// Whom it concerns; `None`: nobody in particular.
    pub whom: Option<Whom>,
    /// The message that it made.
    pub message: Option<MessageId>,
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub why: Why,
}

/// Why. `Display` is the text that people read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its way leads here.
    OnTheWay {
        /// Branch.
        path: Path,
    },
    /// Alerts that these people have not heard of.
    New {
        /// How many.
        alerts: u64,
    },
    /// What was over began again.
    Again {
        /// How many.
        alerts: u64,
    },
    /// It became worse.
    Worse {
        /// How bad it is now.
        to: Severity,
    },
    /// At least twice as many findings as last told.
    More {
        /// Findings now.
        findings: u64,
    },
    /// Nothing changed for so long, and it still stands.
    Still {
        /// Seconds since the last word.
        after_s: u64,
    },
    /// They are over.
    Over {
        /// How many.
        alerts: u64,
    },
    /// They are final: what was told can not be reverted any more.
    Final {
        /// How many.
        alerts: u64,
    },
    /// They left the chain: what was told is void.
    Void {
        /// How many.
        alerts: u64,
    },
    /// A silence hides it.
    SilencedBy {
        /// Which.
        silence: Name,
        /// Until when.
        until: UnixMillis,
    },
    /// A silence would hide it, but it looks like an attack and one person cannot hide that.
    NotHiddenBy {
        /// Which.
        silence: Name,
    },
    /// Another alert makes it needless.
    InhibitedBy {
        /// Rule.
        rule: Name,
        /// That alert.
        alert: AlertId,
    },
    /// The branch is quiet at this hour.
    QuietHours,
    /// It keeps ending and beginning again.
    Flapping {
        /// So many times within an hour.
        times: u64,
    },
    /// Nothing hides it any more.
    Unhidden,
    /// They were told about it in another group.
    ToldIn {
        /// That group.
        group: GroupId,
    },
    /// The channel does not want to hear that alerts are over.
    ClosedNotWanted,
    /// More messages at once than the channel bears.
    Storm,
    /// Even the summary is full.
    SummaryFull,
    /// A summary of what waited.
    Summary {
        /// Groups in it.
        groups: u64,
        /// Alerts in it.
        alerts: u64,
    },
    /// It is their turn.
    Turn {
        /// Rung of the escalation, counted from 1.
        rung: u32,
        /// By which schedule and layer; `None`: by name.
        by: Option<(Name, OnCallBy)>,
    },
    /// Nobody else could be found: they are the last resort.
    Fallback,
    /// A critical alert reaches at least two people at once.
    SecondPerson,
    /// Another channel said no.
    FailedOver {
        /// That channel.
        from: Name,
        /// What it said.
        error: String,
    },
    /// Another channel did not say that it arrived.
    NoReceipt {
        /// That channel.
        from: Name,
    },
    /// Alerts that wait for somebody.
    Unattended {
        /// How many.
        alerts: u64,
    },
    /// Somebody is on it.
    Attended {
        /// The first who said so; `None`: it became an incident or is over.
        by: Option<Name>,
    },
    /// The escalation is not in the plan any more.
    NotPlanned,
    /// A person said so.
    Said {
        /// Who.
        by: Name,
        /// Their words.
        reason: String,
    },
    /// The chain says so.
    Chain {
        /// In which words.
        because: String,
    },
    /// Another installation speaks first and is heard.
    TwinFirst {
        /// Which.
        twin: Name,
    },
    /// Another installation told it.
    TwinTold {
        /// Which.
        twin: Name,
        /// When, by its clock.
        at: UnixMillis,
        /// What the receiver's side answered it.
        receipt: String,
    },
    /// It does not wait for another installation (any longer).
    TwinNot {
        /// Why.
        because: String,
    },
    /// Somebody said the same before.
    SaidBefore {
        /// Who says it again.
        by: Name,
    },
}

/// [`By`] as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCallBy {
    /// An override.
    Override,
    /// A layer.
    Layer(Name),
}

impl From<By> for OnCallBy {
    fn from(by: By) -> Self {
        match by {
            By::Override => Self::Override,
            By::Layer(layer) => Self::Layer(layer),
        }
    }
}

fn alerts(n: u64) -> String {
    if n == 1 { "1 alert".to_owned() } else { format!("{n} alerts") }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnTheWay { path } => write!(f, "route {path} takes it"),
            Self::New { alerts: n } => write!(f, "new: {}", alerts(*n)),
            Self::Again { alerts: n } => write!(f, "began again: {}", alerts(*n)),
            Self::Worse { to } => write!(f, "severity rose to {to}"),
            Self::More { findings } => write!(f, "{findings} findings by now"),
            Self::Still { after_s } => write!(f, "still standing after {} min", after_s / 60),
            Self::Over { alerts: n } => write!(f, "over: {}", alerts(*n)),
            Self::Final { alerts: n } => write!(f, "final by now: {}", alerts(*n)),
            Self::Void { alerts: n } => {
                write!(f, "left the chain, what was told is void: {}", alerts(*n))
            }
            Self::SilencedBy { silence, until } => {
                write!(f, "silenced by {silence} until {}", moment(*until))
            }
            Self::NotHiddenBy { silence } => write!(
                f,
                "silence {silence} does not hide it: it looks like an attack, and fewer than two people signed"
            ),
            Self::InhibitedBy { rule, alert } => write!(f, "inhibited by alert {alert} ({rule})"),
            Self::QuietHours => f.write_str("the route is quiet at this hour"),
            Self::Flapping { times } => write!(f, "flapping: {times} times within an hour"),
            Self::Unhidden => f.write_str("nothing hides it any more"),
            Self::ToldIn { group } => write!(f, "told in group {group} already"),
            Self::ClosedNotWanted => f.write_str("the channel does not hear when alerts are over"),
            Self::Storm => f.write_str("more messages than the channel bears"),
            Self::SummaryFull => f.write_str("the summary is full; it is told later"),
            Self::Summary { groups, alerts: n } => {
                write!(f, "summary of {} in {groups} groups", alerts(*n))
            }
            Self::Turn { rung, by: None } => write!(f, "step {rung} of the escalation"),
            Self::Turn { rung, by: Some((schedule, OnCallBy::Override)) } => {
                write!(f, "step {rung} of the escalation, on call by {schedule}, override")
            }
            Self::Turn { rung, by: Some((schedule, OnCallBy::Layer(layer))) } => {
                write!(f, "step {rung} of the escalation, on call by {schedule}, layer {layer}")
            }
            Self::Fallback => f.write_str("nobody else could be found"),
            Self::SecondPerson => f.write_str("a critical alert reaches two people at once"),
            Self::FailedOver { from, error } => write!(f, "{from} failed: {error}"),
            Self::NoReceipt { from } => write!(f, "{from} did not say that it arrived"),
            Self::Unattended { alerts: n } => write!(f, "waiting for somebody: {}", alerts(*n)),
            Self::Attended { by: Some(by) } => write!(f, "{by} is on it"),
            Self::Attended { by: None } => f.write_str("nothing waits for anybody"),
            Self::NotPlanned => f.write_str("the escalation is not in the plan any more"),
            Self::Said { by, reason } if reason.is_empty() => write!(f, "{by} said so"),
            Self::Said { by, reason } => write!(f, "{by}: {reason}"),
            Self::Chain { because } => f.write_str(because),
            Self::TwinFirst { twin } => write!(f, "the twin {twin} speaks first"),
            Self::TwinTold { twin, at, receipt } => {
                write!(f, "told by the twin {twin} at {}: {receipt}", moment(*at))
            }
            Self::TwinNot { because } => f.write_str(because),
            Self::SaidBefore { by } => write!(f, "{by} said what was said before"),
        }
    }
}

/// Something wrong with the paging itself: for the program to make an alert of its own of, which
/// must not go the way that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// A storm was larger than the summary: told later, and counted here.
    Shed {
        /// For whom.
        whom: Whom,
        /// Alerts that were put off, by severity.
        alerts: BTreeMap<Severity, u64>,
    },
    /// A schedule had nobody when it was asked.
    NobodyOnCall {
        /// Schedule.
        schedule: Name,
    },
    /// A critical alert reached fewer than two people.
    TooFewPeople {
        /// Group.
        group: GroupId,
        /// Whom it reached.
        people: Vec<Name>,
    },
    /// All channels of a person failed.
    Unreachable {
        /// Person.
        person: Name,
    },
    /// A whole round of an escalation without an answer.
    NobodyAnswers {
        /// Group.
        group: GroupId,
        /// Rounds so far.
        rounds: u32,
    },
    /// A message that is no page was not delivered.
    Undelivered {
        /// Message.
        message: MessageId,
        /// For whom.
        whom: Whom,
        /// What the channel said.
        error: String,
    },
    /// Messages over a channel wait for longer than they should.
    Waiting {
        /// Channel of the one that waits longest.
        channel: Name,
        /// Since when.
        since: UnixMillis,
    },
    /// Alerts that nobody closed were closed, because they stood for too long without a word.
    Stale {
        /// How many.
        alerts: u64,
        /// Why now.
        because: String,
    },
    /// More alerts in a week than people agreed to bear.
    OverBudget {
        /// Branch.
        path: Path,
        /// Alerts this week.
        alerts: u32,
        /// What was agreed.
        budget: u32,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shed { whom, alerts: shed } => {
                let all = shed.values().sum();
                write!(f, "more than {whom} bears: {} put off, told later", alerts(all))
            }
            Self::NobodyOnCall { schedule } => write!(f, "nobody is on call by {schedule}"),
            Self::TooFewPeople { group, people } => write!(
                f,
                "a critical alert (group {group}) reached {} people, it should reach two",
                people.len()
            ),
            Self::Unreachable { person } => write!(f, "all channels of {person} failed"),
            Self::NobodyAnswers { group, rounds } => {
                write!(f, "nobody answers for group {group} after {rounds} rounds of calls")
            }
            Self::Undelivered { message, whom, error } => {
                write!(f, "message {message} to {whom} was not delivered: {error}")
            }
            Self::Waiting { channel, since } => {
                write!(f, "messages wait, the oldest over {channel} since {}", moment(*since))
            }
            Self::Stale { alerts: n, because } => {
                write!(f, "{} that nobody closed were closed: {because}", alerts(*n))
            }
            Self::OverBudget { path, alerts, budget } => write!(
                f,
                "{alerts} alerts came on route {path} this week, {budget} were agreed to bear"
            ),
        }
    }
}
