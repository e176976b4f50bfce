//! What people say afterwards: whether an alert was right, and what really happened.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Address, AlertId, Name, Severity, UnixMillis, UnixSeconds};

/// What a person found an alert to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assessment {
    /// An attack, or the beginning of one.
    TruePositive,
    /// What the alert says did happen, and it was meant to.
    BenignTrue,
    /// What the alert says is not so, or is nothing unusual.
    FalsePositive,
    /// Says what another alert said already.
    Duplicate,
    /// Looked at, and nobody can tell.
    Unknown,
}

/// A text that names no [`Assessment`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown verdict {0:?} (one of: true-positive, benign-true, false-positive, duplicate, unknown)"
)]
pub struct ParseAssessmentError(pub String);

impl Assessment {
    /// All of them, the gravest first.
    pub const ALL: [Self; 5] =
        [Self::TruePositive, Self::BenignTrue, Self::FalsePositive, Self::Duplicate, Self::Unknown];

    /// The word used in commands, pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true-positive",
            Self::BenignTrue => "benign-true",
            Self::FalsePositive => "false-positive",
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
        }
    }

    /// What it means, for people who have to choose.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::TruePositive => "an attack, or the beginning of one",
            Self::BenignTrue => "it did happen, and it was meant to",
            Self::FalsePositive => "it is not so, or it is nothing unusual",
            Self::Duplicate => "another alert said so already",
            Self::Unknown => "looked at, and nobody can tell",
        }
    }
}

impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Assessment {
    type Err = ParseAssessmentError;
    fn from_str(text: &str) -> Result<Self, ParseAssessmentError> {
        Self::ALL
            .into_iter()
            .find(|assessment| assessment.as_str() == text)
            .ok_or_else(|| ParseAssessmentError(text.to_owned()))
    }
}

/// What a person said about an alert, once. A later one about the same alert takes its place; this
/// one stays on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertVerdict {
    /// Alert.
    pub alert: AlertId,
    /// What it was; `None` takes back what was said before.
    pub assessment: Option<Assessment>,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: String,
    /// When it was said.
    pub at: UnixMillis,
    /// The alert as it was then: it may be forgotten before what was said of it.
    pub about: VerdictSubject,
}

/// What a verdict is about, as far as figures need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictSubject {
    /// Network.
    pub network: Name,
    /// Monitor.
    pub monitor: Name,
    /// Detector, or `expression`.
    pub detector: String,
    /// Version of detector and configuration together.
    pub version: u32,
    /// Deployment, when the alert is about one.
    pub deployment: Option<Name>,
    /// Severity.
    pub severity: Severity,
    /// Block time of the first finding.
    pub opened_at: UnixSeconds,
}

impl VerdictSubject {
    /// Of an alert as it is now; `None`: no detector of ours found it.
    pub fn of(alert: &crate::Alert) -> Option<Self> {
        let first = alert.finding()?;
        Some(Self {
            network: first.network.clone(),
            monitor: alert.monitor.clone(),
            detector: first.detector.clone(),
            version: first.version,
            deployment: alert.deployment.clone(),
            severity: alert.severity,
            opened_at: alert.opened_at,
        })
    }
}

/// Longest name of a person, in bytes.
pub const BY_LEN_MAX: usize = 120;
/// Longest reason, in bytes: a paragraph.
pub const BECAUSE_LEN_MAX: usize = 2_000;

/// Why what a person said cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedbackError {
    /// Nobody says so.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Too long to be read.
    #[error("{what} is longer than {max} bytes")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Longest it may be.
        max: usize,
    },
    /// Something ends before it began.
    #[error("it ends ({to}) before it begins ({from}), in seconds since 1970")]
    EndsBeforeItBegins {
        /// Begin.
        from: u64,
        /// End.
        to: u64,
    },
    /// Verdicts say how good our own detectors are.
    #[error("alert {0} was reported by another system: only what a detector found is judged")]
    Reported(AlertId),
}

fn checked(what: &'static str, text: &str, max: usize) -> Result<String, FeedbackError> {
    let text = text.trim();
    match text.len() {
        0 => Err(FeedbackError::Empty(what)),
        len if len > max => Err(FeedbackError::TooLong { what, max }),
        _ => Ok(text.to_owned()),
    }
}

impl AlertVerdict {
    /// What `by` says of an alert.
    ///
    /// # Errors
    /// Without a person or a reason, when one of them is too long, or when no detector found it.
    pub fn new(
        alert: &crate::Alert,
        assessment: Option<Assessment>,
        by: &str,
        because: &str,
        at: UnixMillis,
    ) -> Result<Self, FeedbackError> {
        Ok(Self {
            alert: alert.id,
            assessment,
            by: checked("by", by, BY_LEN_MAX)?,
            because: checked("because", because, BECAUSE_LEN_MAX)?,
            at,
            about: VerdictSubject::of(alert).ok_or(FeedbackError::Reported(alert.id))?,
        })
    }
}

/// Something that really happened, or was staged to see what would be noticed: what recall is
/// measured by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name. A later record of the same name takes the place of this one, which stays on record.
    pub name: Name,
    /// What kind of thing it was, in the team's own words: `key-theft`, `oracle-manipulation`.
    pub class: Name,
    /// Whether it was staged.
    pub is_drill: bool,
    /// Network.
    pub network: Name,
    /// When it began.
    pub from: UnixSeconds,
    /// When it was over.
    pub to: UnixSeconds,
    /// When the first money was lost, if any was: what lead time counts up to.
    pub loss_at: Option<UnixSeconds>,
    /// Deployments it was about; empty: any.
    pub deployments: Vec<Name>,
    /// Whose address began it, when known.
    pub attacker: Option<Address>,
    /// Who says so.
    pub by: String,
    /// How it is known.
    pub because: String,
    /// When it was said.
    pub at: UnixMillis,
    /// Whether the record is taken back: it was not so.
    pub is_withdrawn: bool,
}

impl Incident {
    /// Checks what a person wrote.
    ///
    /// # Errors
    /// Without a person or a reason, or when it ends before it begins.
    pub fn checked(mut self) -> Result<Self, FeedbackError> {
        self.by = checked("by", &self.by, BY_LEN_MAX)?;
        self.because = checked("because", &self.because, BECAUSE_LEN_MAX)?;
        if self.to < self.from {
            return Err(FeedbackError::EndsBeforeItBegins { from: self.from.0, to: self.to.0 });
        }
        Ok(self)
    }
}

/// How far a monitor may go.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It judges and is on record; nobody is told.
    Shadow,
    /// People are told, but nobody is woken: its alerts are routed as if they were at most
    /// [`Stage::NOTIFY_SEVERITY_MAX`].
    Notify,
    /// As its severity says.
    #[default]
    Page,
    /// As its severity says, and an automatic action may rest on it.
    Act,
}

/// A text that names no [`Stage`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown stage {0:?} (one of: shadow, notify, page, act)")]
pub struct ParseStageError(pub String);

impl Stage {
    /// All of them, the most careful first.
    pub const ALL: [Self; 4] = [Self::Shadow, Self::Notify, Self::Page, Self::Act];

    /// Severity above which an alert wakes people.
    pub const NOTIFY_SEVERITY_MAX: Severity = Severity::Medium;

    /// The word used in files, commands and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Notify => "notify",
            Self::Page => "page",
            Self::Act => "act",
        }
    }

    /// The next stage up.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage > self)
    }

    /// The next stage down.
    pub fn before(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|stage| *stage < self)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = ParseStageError;
    fn from_str(text: &str) -> Result<Self, ParseStageError> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| ParseStageError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_others_are_explained() {
        for assessment in Assessment::ALL {
            assert_eq!(assessment.as_str().parse(), Ok(assessment));
        }
        for stage in Stage::ALL {
            assert_eq!(stage.as_str().parse(), Ok(stage));
            assert_eq!(stage.next().and_then(Stage::before), stage.next().map(|_| stage));
        }
        let error = "fp".parse::<Assessment>().unwrap_err().to_string();
        assert!(error.contains("false-positive"), "{error}");
        assert!("prod".parse::<Stage>().is_err());
    }
}
