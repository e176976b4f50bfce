//! What a rule is: its name, what it means, why it matters and what to do.

use std::{fmt, str::FromStr};

/// How much a finding of a lint matters. Ordered: a note is less than a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; often intended.
    Note,
    /// Probably wrong, or hard to monitor.
    Warning,
    /// Wrong: money or control can be lost, or what is deployed cannot be judged.
    Error,
}

/// A word that is no severity of a lint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown severity {0:?} (one of: error, warning, note)")]
pub struct UnknownSeverity(pub String);

impl Severity {
    /// The word for it; SARIF's `level` has the same three.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;
    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        [Self::Note, Self::Warning, Self::Error]
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}

/// A rule. Each is a `static` beside the code that judges it, listed in [`super::rules`].
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in reports, waivers and documentation: lower case with hyphens, after the bad thing.
    pub id: &'static str,
    /// What it means when it fires, in one sentence.
    pub what: &'static str,
    /// What can happen because of it.
    pub why: &'static str,
    /// How a finding of it counts unless the finding itself knows better.
    pub severity: Severity,
    /// What to do about it.
    pub help: &'static str,
}
