//! A canary out of a judged block: through the alert book, as a finding of any monitor.

use alert::{AlertBook, AlertInput, Policy, life::Truth, pager};
use model::{
    Alert, Anchor, BlockRef, Confidence, Decision, Evidence, Finding, FindingId, Name, Origin,
    Provenance, Severity, Stage, UnixMillis, UnixSeconds,
};
use registry::Registry;
use store::Input;

use crate::paging;

/// The monitor in whose name canaries are made; the user may have one that is called so, too, because
/// nothing of a canary is looked up by it.
const MONITOR: &str = "canary";

/// What goes on the path.
#[derive(Debug, Clone)]
pub struct Made {
    /// The alert.
    pub alert: Alert,
    /// What the pager is told.
    pub input: Input,
    /// Which findings are one alert, and why.
    pub decisions: Vec<Decision>,
}

/// The canary of a block; `None` when the alert book makes no alert of it, which is a canary that
/// does not arrive.
pub fn made(
    network: &Name,
    (block, timestamp): (BlockRef, UnixSeconds),
    policy: &Policy,
    now: UnixMillis,
) -> Option<Made> {
    let monitor = Name::new(MONITOR).expect("a plain slug");
    let finding = Finding {
        id: FindingId::derive(&monitor, 1, network, &Anchor::Block(block), "canary"),
        detector: Provenance::CANARY_DETECTOR.to_owned(),
        monitor,
        version: 1,
        network: network.clone(),
        deployment: None,
        address: None,
        severity: Severity::Info,
        confidence: Confidence::Proven,
        title: format!("canary of block {}: the path to people is tried", block.number),
        origin: Origin { block, timestamp, tx: None, log_index: None, frame: None },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    };
    // A book of its own: the one of what is real goes by the newest finding in it, which must not be
    // a canary's.
    let lasting = AlertInput::Lasting { network: network.clone(), findings: vec![finding] };
    let outcome = AlertBook::new().apply(lasting, policy, now);
    let alert = outcome.alerts.into_iter().next()?;
    let because = format!("made of block {}", block.number);
    let truth = Truth::from(alert.state);
    let facts = paging::facts(&alert, truth, &because, Stage::Page, &Registry::default());
    let input = paging::stored(&pager::Input::Alert(facts), now);
    let decisions = outcome.decisions.into_iter().filter(|decision| decision.receiver.is_none());
    Some(Made { alert, input, decisions: decisions.collect() })
}
