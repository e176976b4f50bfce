//! What the user allows: which alerts, which fields, how late.

use std::{collections::BTreeSet, fmt, str::FromStr};

use model::{Alert, Severity};
use serde::{Deserialize, Serialize};

use crate::Pattern;

/// How long an exploitable weakness that is not closed is kept back unless a rule says otherwise: 90
/// days, what finders of weaknesses commonly grant.
pub const HOLD_S_DEFAULT: u64 = 90 * 24 * 60 * 60;

/// Longest delay or hold: a year. What would be told later than that is not told at all.
pub const DELAY_S_MAX: u64 = 365 * 24 * 60 * 60;

/// A field that may be published. What an alert was found to be, and whether it goes on, is always
/// told; each of these only when the user lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// How bad.
    Severity,
    /// The network's name.
    Network,
    /// The deployment's label.
    Contract,
    /// The contract's address.
    Address,
    /// The transaction that the alert began with.
    Transaction,
    /// The block that it began with.
    Block,
    /// The time of that block.
    Time,
    /// What is at risk, as far as it is known.
    Value,
    /// Which detector found it: tells how it was noticed.
    Detector,
    /// The finding's own headline, as the team reads it: may tell measured values and limits.
    Headline,
}

/// A text that names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown field {0:?} (one of: severity, network, contract, address, transaction, block, time, value, detector, headline)"
)]
pub struct ParseFieldError(pub String);

impl Field {
    /// All fields.
    pub const ALL: [Self; 10] = [
        Self::Severity,
        Self::Network,
        Self::Contract,
        Self::Address,
        Self::Transaction,
        Self::Block,
        Self::Time,
        Self::Value,
        Self::Detector,
        Self::Headline,
    ];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Network => "network",
            Self::Contract => "contract",
            Self::Address => "address",
            Self::Transaction => "transaction",
            Self::Block => "block",
            Self::Time => "time",
            Self::Value => "value",
            Self::Detector => "detector",
            Self::Headline => "headline",
        }
    }
}

impl FromStr for Field {
    type Err = ParseFieldError;
    fn from_str(text: &str) -> Result<Self, ParseFieldError> {
        Self::ALL
            .into_iter()
            .find(|field| field.as_str() == text)
            .ok_or_else(|| ParseFieldError(text.to_owned()))
    }
}

/// Detectors, as a rule names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detectors {
    /// `flow/*`
    Area(String),
    /// `flow/flash_loan`, `expression`
    One(String),
}

/// A text that names no detectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no detectors (write flow/flash_loan, flow/* or expression)")]
pub struct ParseDetectorsError(pub String);

impl Detectors {
    /// Whether a detector is among them.
    pub fn contain(&self, detector: &str) -> bool {
        match self {
            Self::Area(area) => detector.split_once('/').is_some_and(|(of, _)| of == area),
            Self::One(one) => one == detector,
        }
    }
}

impl FromStr for Detectors {
    type Err = ParseDetectorsError;
    fn from_str(text: &str) -> Result<Self, ParseDetectorsError> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        match text.split_once('/') {
            Some((area, "*")) if is_word(area) => Ok(Self::Area(area.to_owned())),
            Some((area, name)) if is_word(area) && is_word(name) => Ok(Self::One(text.to_owned())),
            None if is_word(text) => Ok(Self::One(text.to_owned())),
            _ => Err(ParseDetectorsError(text.to_owned())),
        }
    }
}

impl fmt::Display for Detectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Area(area) => write!(f, "{area}/*"),
            Self::One(one) => f.write_str(one),
        }
    }
}

/// One kind of alert that may be published. Empty lists of networks, deployments and monitors take
/// all; detectors are always named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Found by one of these.
    pub detectors: Vec<Detectors>,
    /// On one of these networks.
    pub networks: Vec<Pattern>,
    /// About one of these deployments.
    pub deployments: Vec<Pattern>,
    /// By one of these monitors.
    pub monitors: Vec<Pattern>,
    /// At least this bad.
    pub severity_min: Severity,
    /// What it is called in public; `None`: the detector's own words for everybody.
    pub title: Option<String>,
    /// Least time between the alert and its publication.
    pub delay_s: u64,
    /// How long an exploitable weakness that is not closed is kept back.
    pub hold_s: u64,
}

impl Rule {
    /// A rule that takes all that these detectors find.
    pub fn of(detectors: Vec<Detectors>) -> Self {
        Self {
            detectors,
            networks: Vec::new(),
            deployments: Vec::new(),
            monitors: Vec::new(),
            severity_min: Severity::High,
            title: None,
            delay_s: 0,
            hold_s: HOLD_S_DEFAULT,
        }
    }

    fn takes(&self, alert: &Alert) -> bool {
        // What no detector found is not for the public.
        let Some(first) = alert.finding() else { return false };
        let fits = |patterns: &[Pattern], name: Option<&model::Name>| {
            let fits = |name| patterns.iter().any(|pattern| pattern.matches(name));
            patterns.is_empty() || name.is_some_and(fits)
        };
        self.detectors.iter().any(|detectors| detectors.contain(&first.detector))
            && fits(&self.networks, Some(&first.network))
            && fits(&self.deployments, alert.deployment.as_ref())
            && fits(&self.monitors, Some(&alert.monitor))
    }
}

/// What may be published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The first that takes an alert decides.
    pub rules: Vec<Rule>,
    /// What is told beside the title and whether it goes on.
    pub fields: BTreeSet<Field>,
}

impl Policy {
    /// The fields that are told unless the user lists others: what everybody can look up on the chain.
    pub const FIELDS_DEFAULT: [Field; 7] = [
        Field::Severity,
        Field::Network,
        Field::Contract,
        Field::Address,
        Field::Transaction,
        Field::Block,
        Field::Time,
    ];

    /// The rule that takes an alert.
    pub fn rule(&self, alert: &Alert) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.takes(alert))
    }
}
