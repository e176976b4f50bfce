//! The threat map: what could go wrong, and what each of it is met with.
//!
//! Threats, assets, controls, required events, monitors, panels and plans are joined by name; what
//! is not joined is a [`Gap`]. Four domains (on-chain, people, infrastructure, governance) stay
//! apart everywhere: a good score in one says nothing about another. Nothing here needs a
//! deployment: events are held against interfaces alone when nothing is deployed yet.

mod day; //      calendar days
mod fork; //     what hard forks changed
mod gap; //      what is not joined
mod markdown; // monitoring requirements as a section of a specification
mod matrix; //   who is met with what
mod rating; //   likelihood times impact
mod solidity; // required events as an interface
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use model::Name;

use crate::{ContractAbi, Registry};

pub use day::{Day, ParseDayError};
pub use fork::{Fork, ForkPlace, ethereum};
pub use gap::{Gap, GapKind};
pub use matrix::{Matrix, MatrixKind, MatrixRow};
pub use rating::{Likelihood, ParseLikelihoodError, Rating, Scale};
pub use solidity::{EventShape, ParseShapeError};

/// Where a threat comes from. Domains have controls and measures of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Code and what it holds.
    OnChain,
    /// Signers, staff, users: phishing, coercion, infiltration.
    People,
    /// Nodes, feeds, front ends, build and signing machines.
    Infrastructure,
    /// Votes, roles, delays.
    Governance,
}

/// A text that names no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown domain {0:?} (one of: on-chain, people, infrastructure, governance)")]
pub struct ParseDomainError(pub String);

impl Domain {
    /// All of them, in the order of pages and reports.
    pub const ALL: [Self; 4] =
        [Self::OnChain, Self::People, Self::Infrastructure, Self::Governance];

    /// The word used in files and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnChain => "on-chain",
            Self::People => "people",
            Self::Infrastructure => "infrastructure",
            Self::Governance => "governance",
        }
    }

    /// Whether what happens in it leaves a trace on the chain, so that events are required of it.
    pub fn is_seen_on_chain(self) -> bool {
        matches!(self, Self::OnChain | Self::Governance)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Domain {
    type Err = ParseDomainError;
    fn from_str(text: &str) -> Result<Self, ParseDomainError> {
        let found = Self::ALL.into_iter().find(|domain| domain.as_str() == text);
        found.ok_or_else(|| ParseDomainError(text.to_owned()))
    }
}

/// Something that could go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threat {
    /// Name, as references and requirements write it.
    pub id: Name,
    /// What happens, in one line.
    pub title: String,
    /// Where it comes from.
    pub domain: Domain,
    /// How often it is to be expected.
    pub likelihood: Likelihood,
    /// What it would cost, in whole units of the scale's currency.
    pub impact: u64,
    /// Day it was last thought through.
    pub reviewed: Day,
    /// Day by which it must be thought through again.
    pub review: Day,
    /// Vulnerability classes it belongs to.
    pub classes: Vec<Name>,
    /// What it would hurt.
    pub assets: Vec<Name>,
    /// What prevents or limits it.
    pub controls: Vec<Name>,
    /// Events that must be emitted for it to be seen.
    pub events: Vec<Name>,
    /// Monitors that would find it.
    pub monitors: Vec<Name>,
    /// Panels on which it would show.
    pub panels: Vec<Name>,
    /// Plans for when it happens: files of `plans/`.
    pub plans: Vec<String>,
}

/// Something worth protecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Name.
    pub id: Name,
    /// What it is, in one line.
    pub title: String,
    /// Deployments it consists of; none for people, keys and machines.
    pub deployments: Vec<Name>,
    /// Whether its code can never change: then only the chain around it can.
    pub is_immutable: bool,
}

/// Something that prevents or limits harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Name.
    pub id: Name,
    /// What it does, in one line.
    pub title: String,
}

/// An event that a contract must emit.
#[derive(Debug, Clone)]
pub struct RequiredEvent {
    /// Name; the requirement's id.
    pub id: Name,
    /// Its signature.
    pub shape: EventShape,
    /// What it means, in one line.
    pub meaning: String,
    /// Deployments that must emit it.
    pub on: Vec<Name>,
    /// Interfaces that must hold it while nothing is deployed, by their path.
    pub interfaces: Vec<(String, Arc<ContractAbi>)>,
}

/// A panel of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Name.
    pub id: Name,
    /// What it shows, in one line.
    pub title: String,
    /// Where it is.
    pub at: Option<String>,
}

/// A class of vulnerabilities, as catalogues list them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VulnerabilityClass {
    /// Name.
    pub id: Name,
    /// What it is, in one line.
    pub title: String,
    /// Day from which it is known to us.
    pub known_since: Day,
}

/// Everything, joined. References have been checked by whoever built it.
#[derive(Debug, Clone, Default)]
pub struct ThreatMap {
    /// Whose map it is.
    pub name: String,
    /// What counts as much money.
    pub scale: Scale,
    /// Threats, in the order of the files.
    pub threats: Vec<Threat>,
    /// Assets.
    pub assets: Vec<Asset>,
    /// Controls.
    pub controls: Vec<Control>,
    /// Required events.
    pub events: Vec<RequiredEvent>,
    /// Panels.
    pub panels: Vec<Panel>,
    /// Vulnerability classes.
    pub classes: Vec<VulnerabilityClass>,
    /// Forks that the user's files add to the shipped ones.
    pub forks: Vec<Fork>,
    /// Monitors that are declared.
    pub monitors: Vec<Name>,
    /// Plans that are there: files of `plans/`.
    pub plans: Vec<String>,
    /// EIP-155 ids of the declared networks.
    pub chains: BTreeMap<Name, u64>,
}

/// One domain's threats in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSummary {
    /// Domain.
    pub domain: Domain,
    /// How many threats have each rating, worst first.
    pub ratings: Vec<(Rating, usize)>,
    /// Loss to be expected in a hundred years: the sum of likelihood times impact. A year's is a
    /// hundredth of it.
    pub expected_per_century: u128,
    /// Gaps that concern threats of this domain.
    pub gaps: usize,
}

impl ThreatMap {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.threats.is_empty() && self.assets.is_empty() && self.events.is_empty()
    }

    /// How bad a threat is.
    pub fn rating(&self, threat: &Threat) -> Rating {
        self.scale.rate(threat.likelihood, threat.impact)
    }

    /// Threats, worst first; of one rating, the dearest first.
    pub fn worst_first(&self) -> Vec<&Threat> {
        let mut threats: Vec<&Threat> = self.threats.iter().collect();
        threats.sort_by_key(|threat| {
            let rating = std::cmp::Reverse(self.rating(threat));
            (rating, std::cmp::Reverse(threat.impact), threat.id.clone())
        });
        threats
    }

    /// Numbers of each domain. There is deliberately no number over all of them: whoever guards
    /// contracts well may still be phished.
    pub fn domains(&self, registry: &Registry, today: Day) -> Vec<DomainSummary> {
        let gaps = self.gaps(registry, today);
        let of = |domain: Domain| {
            let threats = || self.threats.iter().filter(move |t| t.domain == domain);
            let count = |rating| threats().filter(|t| self.rating(t) == rating).count();
            let expected =
                |t: &Threat| u128::from(t.impact) * u128::from(t.likelihood.per_century());
            let is_of_domain = |gap: &&Gap| {
                let threat = gap.threat.as_ref();
                threat.is_some_and(|id| threats().any(|t| t.id == *id))
            };
            DomainSummary {
                domain,
                ratings: Rating::WORST_FIRST.map(|rating| (rating, count(rating))).to_vec(),
                expected_per_century: threats().map(expected).sum(),
                gaps: gaps.iter().filter(is_of_domain).count(),
            }
        };
        Domain::ALL.map(of).to_vec()
    }
}
