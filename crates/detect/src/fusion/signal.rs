//! A finding with the weight of its evidence.

use alloy_primitives::{Address, B256};
use model::{Confidence, FactValue, Finding, FindingId, Name, Severity, TokenAmount, UnixSeconds};

use super::{
    LLR_RANGE,
    weights::{self, Weight},
};

/// Part of an attack that a signal belongs to, in the order in which attacks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Where the money for it came from.
    Funding,
    /// Contracts and approvals made ready.
    Preparation,
    /// Power that was taken or misused.
    Governance,
    /// The deed.
    Exploitation,
    /// Where the money went.
    Laundering,
}

impl Phase {
    /// The word used in pages and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Funding => "funding",
            Self::Preparation => "preparation",
            Self::Governance => "governance",
            Self::Exploitation => "exploitation",
            Self::Laundering => "laundering",
        }
    }
}

/// What two signals can have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// An address that nobody has a name for. What is labelled (our own contracts, tokens, routers,
    /// exchanges) is shared by everybody and joins nothing.
    Stranger(Address),
    /// A transaction.
    Transaction(B256),
}

/// How often a monitor spoke without an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Blocks that it judged; 0 when that is not known.
    pub blocks: u64,
    /// Findings in them, before this one, that no person called an attack.
    pub benign: u64,
}

impl History {
    /// Chance that it speaks in a benign block, by its own past with Laplace's correction: never
    /// less than one in the blocks seen and one more.
    pub fn rate(self) -> Option<f64> {
        (self.blocks > 0).then(|| {
            (self.benign as f64 + 1.0).min(self.blocks as f64 + 1.0) / (self.blocks as f64 + 1.0)
        })
    }
}

/// A finding with its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Finding.
    pub finding: FindingId,
    /// Detector.
    pub detector: String,
    /// Monitor.
    pub monitor: Name,
    /// Network.
    pub network: Name,
    /// Deployment it is about.
    pub deployment: Option<Name>,
    /// What happened.
    pub title: String,
    /// When, in chain time.
    pub at: UnixSeconds,
    /// How bad it is if it is true.
    pub severity: Severity,
    /// Money at risk, when known.
    pub value_at_risk: Option<TokenAmount>,
    /// Chance of seeing this when nothing is wrong.
    pub p: f64,
    /// Weight of the evidence, natural logarithm, within [`LLR_RANGE`].
    pub llr: f64,
    /// What its detector's word is worth.
    pub weight: Weight,
    /// Whether the chain itself says so.
    pub is_proven: bool,
    /// What it can be joined by.
    pub entities: Vec<Entity>,
}

impl Signal {
    /// The weight of a finding, given the past of its monitor; `None` for one that speaks of the
    /// watch itself.
    pub fn of(finding: &Finding, history: History) -> Option<Self> {
        let weight = weights::of(&finding.detector)?;
        let tail = match finding.confidence {
            Confidence::Statistical { p } if p.is_finite() => Some(p.clamp(0.0, 1.0)),
            _ => None,
        };
        // A tail probability is no smaller than what so few observations can show.
        let floor = history.rate();
        let p = match (tail, floor) {
            (Some(tail), Some(floor)) => tail.max(floor),
            (Some(tail), None) => tail.max(weight.seen_in_benign),
            (None, floor) => floor.unwrap_or(weight.seen_in_benign),
        };
        let p = p.clamp(f64::MIN_POSITIVE, 1.0);
        let llr = libm::log(weight.seen_in_attacks / p).clamp(LLR_RANGE.0, LLR_RANGE.1);
        let mut entities: Vec<Entity> =
            finding.evidence.facts.iter().flat_map(|fact| strangers(&fact.value)).collect();
        entities.extend(finding.origin.tx.map(Entity::Transaction));
        entities.sort_unstable();
        entities.dedup();
        Some(Self {
            finding: finding.id,
            detector: finding.detector.clone(),
            monitor: finding.monitor.clone(),
            network: finding.network.clone(),
            deployment: finding.deployment.clone(),
            title: finding.title.clone(),
            at: finding.origin.timestamp,
            severity: finding.severity,
            value_at_risk: finding.value_at_risk.clone(),
            p,
            llr,
            weight,
            is_proven: finding.confidence == Confidence::Proven,
            entities,
        })
    }
}

fn strangers(value: &FactValue) -> Vec<Entity> {
    match value {
        FactValue::Address { address, label: None } if !address.is_zero() => {
            vec![Entity::Stranger(*address)]
        }
        FactValue::Transaction(hash) => vec![Entity::Transaction(*hash)],
        FactValue::List(values) => values.iter().flat_map(strangers).collect(),
        _ => Vec::new(),
    }
}
