//! What each detector's word is worth, before its own history says otherwise.
//!
//! `seen_in_attacks` is the share of attacks in which the detector says something, `seen_in_benign`
//! the share of benign transactions of a protocol in which it does. Those of the four detectors of
//! calls are fitted on recorded attacks and everyday calls (`cargo xtask quality exploits` prints the
//! fit, and how often the fused probability is right on a part that was held out; `docs/quality.md`).
//! The others are set by judgement from the published incidents that the detectors' pages name: there
//! is no labelled data for them.
//! The benign side is replaced by the monitor's own history as soon as there is one, and the result
//! is calibrated on what people said ([`super::Calibration`]).

use super::signal::Phase;

/// Raised when the table changes: figures of two tables are not compared.
pub const VERSION: u32 = 2;

/// What is known of a detector before it has a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// Detectors of one group say the same thing in other words.
    pub group: &'static str,
    /// Part of an attack that it sees.
    pub phase: Phase,
    /// Share of attacks in which it says something.
    pub seen_in_attacks: f64,
    /// Share of benign blocks in which it says something.
    pub seen_in_benign: f64,
    /// Whether what it says is so by the chain's own word, not merely unusual.
    pub is_deterministic: bool,
}

const fn weight(
    group: &'static str,
    phase: Phase,
    seen_in_attacks: f64,
    seen_in_benign: f64,
    is_deterministic: bool,
) -> Weight {
    Weight { group, phase, seen_in_attacks, seen_in_benign, is_deterministic }
}

/// By detector, then by area; the first prefix that fits counts.
const TABLE: &[(&str, Weight)] = &[
    ("liquidity/", weight("money that leaves", Phase::Exploitation, 0.8, 1e-4, false)),
    // Fitted on 101 attacks and 11,234 everyday calls, with Laplace's correction.
    ("flow/attack_shape", weight("path of the code", Phase::Exploitation, 0.82, 2.2e-2, false)),
    ("flow/reentrant_call", weight("path of the code", Phase::Exploitation, 0.087, 8.6e-3, false)),
    ("flow/value_", weight("money that leaves", Phase::Exploitation, 0.11, 3.0e-3, false)),
    ("flow/flash_loan", weight("price and loan", Phase::Exploitation, 0.39, 9e-5, false)),
    ("oracle/price_", weight("price and loan", Phase::Exploitation, 0.3, 1e-3, false)),
    ("flow/", weight("path of the code", Phase::Exploitation, 0.5, 2e-3, false)),
    ("telemetry/", weight("unusual traffic", Phase::Exploitation, 0.3, 1e-2, false)),
    ("oracle/", weight("late or odd feed", Phase::Exploitation, 0.1, 1e-3, false)),
    ("invariant/", weight("broken invariant", Phase::Exploitation, 0.5, 1e-5, true)),
    ("state/", weight("silent change", Phase::Exploitation, 0.2, 1e-4, true)),
    ("reputation/", weight("who it is", Phase::Funding, 0.4, 1e-3, false)),
    ("deployment/", weight("new contract", Phase::Preparation, 0.3, 1e-3, false)),
    ("access/", weight("power moved", Phase::Governance, 0.15, 1e-4, true)),
    ("signers/", weight("power moved", Phase::Governance, 0.15, 1e-4, true)),
    ("governance/", weight("power moved", Phase::Governance, 0.1, 1e-4, true)),
    ("change/", weight("rules changed", Phase::Governance, 0.15, 1e-4, true)),
    ("dependency/", weight("what it relies on", Phase::Exploitation, 0.2, 1e-3, false)),
];

/// A rule of the user's own: what it means is not known here.
const EXPRESSION: Weight = weight("own rule", Phase::Exploitation, 0.2, 2e-2, false);

/// Detectors that speak of the watch itself are no evidence of an attack.
const NO_EVIDENCE: &[&str] = &["chain/", "silence/"];

/// What a detector's word is worth; `None` for one that speaks of the watch itself.
pub fn of(detector: &str) -> Option<Weight> {
    if NO_EVIDENCE.iter().any(|area| detector.starts_with(area)) {
        return None;
    }
    let found = TABLE.iter().find(|(prefix, _)| detector.starts_with(prefix));
    Some(found.map_or(EXPRESSION, |(_, weight)| *weight))
}
