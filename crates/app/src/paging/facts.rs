//! What the pager is told of our own alerts: their labels with what the registry knows, and what
//! left, where the evidence measures it.

use alert::{CLASS, EXPOSURE, PROTOCOL, life::Truth, pager::Facts};
use model::{Alert, Severity, Stage};
use registry::Registry;

/// The unit in which detectors measure what left, in US dollars.
const US_DOLLARS: &str = "USD";

/// The facts of an alert. `stage` is how far its monitor may go: one that only notifies is told as
/// no worse than that, so that nobody is called for it.
pub fn facts(
    alert: &Alert,
    truth: Truth,
    because: &str,
    stage: Stage,
    registry: &Registry,
) -> Facts {
    let mut facts = Facts::of(alert, because);
    facts.truth = truth;
    facts.outflow_usd = outflow_usd(alert);
    if stage == Stage::Notify {
        facts.severity = facts.severity.min(Stage::NOTIFY_SEVERITY_MAX);
        facts.labels.set(alert::SEVERITY, Severity::as_str(facts.severity));
    }
    let known = alert.deployment.as_ref().and_then(|label| registry.get(label));
    if let Some(deployment) = known {
        facts.labels.set(CLASS, deployment.class.as_str());
        if let Some(protocol) = &deployment.protocol {
            facts.labels.set(PROTOCOL, protocol.as_str());
        }
        if let Some(amount) = &deployment.value_at_risk {
            facts.labels.set(EXPOSURE, &amount.to_string());
        }
    }
    facts
}

/// What the first finding says left, in whole US dollars.
fn outflow_usd(alert: &Alert) -> Option<u64> {
    let measure = alert.finding()?.evidence.measure.as_ref()?;
    // A cast from a float saturates; what is no number is 0.
    (measure.unit == US_DOLLARS && measure.value >= 0.0).then_some(measure.value as u64)
}
