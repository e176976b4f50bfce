//! Whether an alert is published, when, and why not.

use std::fmt;

use model::{Name, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Class, Notice, Policy, Publishable, Status, kind};
use crate::{
    hours::moment,
    life::{Life, Stage, Truth},
};

/// An alert, as far as publishing looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The alert, which is real.
    pub shown: &'a Publishable,
    /// How bad, after what its monitor may say.
    pub severity: Severity,
    /// Where it is among people.
    pub life: &'a Life,
    /// The silence that hides it, and until when.
    pub silence: Option<(&'a Name, UnixMillis)>,
    /// Its headline, made safe to show: taken only when the allow-list names it.
    pub headline: &'a str,
}

/// What it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Its block can still be reverted: the public hears what is certain.
    Certainty,
    /// A silence hides it from the team as well.
    Silence {
        /// Which.
        silence: Name,
    },
    /// It is an exploitable weakness and not closed yet.
    Closing,
    /// The rule's delay.
    Delay,
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certainty => f.write_str("its block can still be reverted"),
            Self::Silence { silence } => write!(f, "silenced by {silence}"),
            Self::Closing => {
                f.write_str("an exploitable weakness, told when it is closed or the hold is over")
            }
            Self::Delay => f.write_str("the delay of its rule"),
        }
    }
}

/// Why it is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldFor {
    /// It is about the watch itself.
    Internal,
    /// No rule of the allow-list takes it.
    NotListed,
    /// Its rule asks for worse.
    TooMild {
        /// How bad it would have to be.
        least: Severity,
    },
    /// It left the chain before it was published.
    Void,
    /// It turned out to be nothing, or another alert, before it was published.
    Nothing,
}

impl fmt::Display for WithheldFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal => f.write_str("it is about the watch itself"),
            Self::NotListed => f.write_str("no rule of public.toml takes it"),
            Self::TooMild { least } => write!(f, "its rule takes {least} and worse"),
            Self::Void => f.write_str("it left the chain before it was published"),
            Self::Nothing => f.write_str("it turned out to be nothing before it was published"),
        }
    }
}

/// Where an alert is before the public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everybody was told this.
    Published {
        /// The newest.
        notice: Box<Notice>,
    },
    /// Not yet.
    Waits {
        /// Until then at the latest; `None`: until the alert changes.
        until: Option<UnixMillis>,
        /// What for.
        why: WaitsFor,
    },
    /// Not as things stand.
    Withheld {
        /// Why.
        why: WithheldFor,
    },
}

impl Standing {
    /// When to look again though nothing changed.
    pub fn look_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Waits { until, .. } => *until,
            Self::Published { .. } | Self::Withheld { .. } => None,
        }
    }

    /// What everybody was told, if they were.
    pub fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Published { notice } => Some(notice),
            Self::Waits { .. } | Self::Withheld { .. } => None,
        }
    }

    /// The word used in commands.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Published { .. } => "published",
            Self::Waits { .. } => "waits",
            Self::Withheld { .. } => "withheld",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { notice } => {
                let at = moment(notice.updated_at);
                write!(f, "published as {}, revision {}, {at}", notice.id, notice.revision)
            }
            Self::Waits { until: Some(until), why } => {
                write!(f, "waits until {}: {why}", moment(*until))
            }
            Self::Waits { until: None, why } => write!(f, "waits: {why}"),
            Self::Withheld { why } => write!(f, "withheld: {why}"),
        }
    }
}

/// An alert with where it stood when it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub standing: Standing,
    /// Since when, wall time.
    pub since: UnixMillis,
}

/// Where an alert stands now, given where it stood. A published one stays published: what is new
/// about it becomes a revision, whatever the policy says by then.
pub fn consider(
    before: Option<&Standing>,
    subject: &Subject<'_>,
    policy: &Policy,
    now: UnixMillis,
) -> Standing {
    if let Some(published) = before.and_then(Standing::notice) {
        let next = Notice::of(subject, policy, Some(published), now);
        let notice = if next.is_news_after(published) { next } else { published.clone() };
        return Standing::Published { notice: Box::new(notice) };
    }
    match hurdle(subject, policy, now) {
        Err(why) => Standing::Withheld { why },
        Ok(Some((why, until))) => Standing::Waits { until, why },
        Ok(None) => {
            Standing::Published { notice: Box::new(Notice::of(subject, policy, None, now)) }
        }
    }
}

type Wait = (WaitsFor, Option<UnixMillis>);

fn hurdle(
    subject: &Subject<'_>,
    policy: &Policy,
    now: UnixMillis,
) -> Result<Option<Wait>, WithheldFor> {
    let alert = subject.shown.alert();
    let class = kind(&subject.shown.finding().detector).class;
    if class == Class::Internal {
        return Err(WithheldFor::Internal);
    }
    let rule = policy.rule(alert).ok_or(WithheldFor::NotListed)?;
    if subject.severity < rule.severity_min {
        return Err(WithheldFor::TooMild { least: rule.severity_min });
    }
    let stage = subject.life.stage();
    match stage {
        Stage::Retracted => return Err(WithheldFor::Void),
        Stage::Benign | Stage::Duplicate => return Err(WithheldFor::Nothing),
        _ => {}
    }
    if subject.life.truth() == Truth::Provisional {
        return Ok(Some((WaitsFor::Certainty, None)));
    }
    if let Some((silence, until)) = subject.silence {
        let silence = silence.clone();
        return Ok(Some((WaitsFor::Silence { silence }, Some(until))));
    }
    let after = |seconds: u64| {
        let ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        alert.created_at.plus(ms)
    };
    let is_closed = Status::from(stage).is_end();
    if class == Class::Weakness && !is_closed && now < after(rule.hold_s) {
        return Ok(Some((WaitsFor::Closing, Some(after(rule.hold_s)))));
    }
    // Without a delay nothing waits, also when a clock went back.
    if rule.delay_s > 0 && now < after(rule.delay_s) {
        return Ok(Some((WaitsFor::Delay, Some(after(rule.delay_s)))));
    }
    Ok(None)
}
