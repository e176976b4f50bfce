//! Alerts that belong together.

use detect::fusion::{Attack as Fused, Entity, PRIOR};
use serde::Serialize;

use super::{Amount, Moment};
use crate::{attacks::Attacks as Found, words};

/// Attacks, the likeliest first.
#[derive(Debug, Serialize)]
pub struct Attacks {
    /// Attacks.
    pub items: Vec<Attack>,
    /// Chance before anything is known.
    pub prior: f64,
    /// Version of the table of weights.
    pub weights_version: u32,
    /// Judged attacks that the chances are calibrated on; `null`: too few, what is stated stands.
    pub calibrated_on: Option<u64>,
    /// Mean square of stated minus observed over the judged attacks, in sample; `null` without any.
    pub brier: Option<f64>,
    /// Expected calibration error over the same.
    pub calibration_error: Option<f64>,
    /// Judged attacks behind both.
    pub judged: u64,
    /// Alerts too many to be taken into account.
    pub left_out: usize,
}

/// One attack.
#[derive(Debug, Serialize)]
pub struct Attack {
    /// Known by its first finding.
    pub id: String,
    /// Network.
    pub network: String,
    /// Protocol, or the network.
    pub protocol: String,
    /// Phases seen, in the order in which attacks go.
    pub phases: Vec<&'static str>,
    /// Chance that it is one.
    pub posterior: f64,
    /// The same before calibration, as natural logarithm of the odds.
    pub log_odds: f64,
    /// `watch`, `notify`, `page` or `act`.
    pub reach: &'static str,
    /// Worst severity of its findings.
    pub severity: &'static str,
    /// Largest amounts at risk, one a token.
    pub value_at_risk: Vec<Amount>,
    /// Strangers that join it.
    pub strangers: Vec<String>,
    /// Transactions that join it.
    pub transactions: Vec<String>,
    /// First finding.
    pub first_at: Moment,
    /// Newest finding.
    pub last_at: Moment,
    /// Why: adds up, with the prior's, to `log_odds`.
    pub contributions: Vec<Contribution>,
}

/// One line of the explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Contribution {
    /// Its alert.
    pub alert: Option<String>,
    /// Monitor.
    pub monitor: String,
    /// Detector.
    pub detector: String,
    /// What happened.
    pub title: String,
    /// Evidence that says the same thing counts once.
    pub group: &'static str,
    /// Phase of an attack that it sees.
    pub phase: &'static str,
    /// Chance of seeing it when nothing is wrong.
    pub p: f64,
    /// Weight of the evidence.
    pub llr: f64,
    /// What it adds; 0 when a stronger one of its group counts.
    pub adds: f64,
}

impl Attack {
    pub(crate) fn new(attack: &Fused, found: &Found) -> Self {
        let strangers = attack.entities.iter().filter_map(|entity| match entity {
            Entity::Stranger(address) => Some(address.to_string()),
            Entity::Transaction(_) => None,
        });
        let transactions = attack.entities.iter().filter_map(|entity| match entity {
            Entity::Transaction(hash) => Some(hash.to_string()),
            Entity::Stranger(_) => None,
        });
        let contributions = attack.contributions.iter().map(|part| Contribution {
            alert: found.alerts.get(&part.signal.finding).map(ToString::to_string),
            monitor: part.signal.monitor.to_string(),
            detector: part.signal.detector.clone(),
            title: words::clean(&part.signal.title),
            group: part.signal.weight.group,
            phase: part.signal.weight.phase.as_str(),
            p: part.signal.p,
            llr: part.signal.llr,
            adds: part.adds,
        });
        Self {
            id: attack.id.to_string(),
            network: attack.network.to_string(),
            protocol: attack.protocol.to_string(),
            phases: attack.phases.iter().map(|phase| phase.as_str()).collect(),
            posterior: attack.posterior,
            log_odds: attack.log_odds,
            reach: attack.reach.as_str(),
            severity: attack.severity.as_str(),
            value_at_risk: attack.value_at_risk.iter().map(Amount::from).collect(),
            strangers: strangers.collect(),
            transactions: transactions.collect(),
            first_at: attack.first_at.into(),
            last_at: attack.last_at.into(),
            contributions: contributions.collect(),
        }
    }
}

impl Attacks {
    pub(crate) fn new(found: &Found) -> Self {
        Self {
            items: found.all.iter().map(|attack| Attack::new(attack, found)).collect(),
            prior: PRIOR,
            weights_version: detect::fusion::weights::VERSION,
            calibrated_on: found.calibrated_on,
            brier: found.reliability.as_ref().map(|reliability| reliability.brier),
            calibration_error: found.reliability.as_ref().map(|r| r.calibration_error),
            judged: found.reliability.as_ref().map_or(0, |reliability| reliability.n),
            left_out: found.left_out,
        }
    }
}
