//! What the pager knows about an alert.

use model::{Alert, AlertId, Provenance, Severity};
use serde::{Deserialize, Serialize};

use crate::{Labels, life::Truth};

/// An alert as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Identity.
    pub alert: AlertId,
    /// What routes look at.
    pub labels: Labels,
    /// How bad.
    pub severity: Severity,
    /// What the chain says.
    pub truth: Truth,
    /// Why it says so now ("first finding", "block 123 left the chain").
    pub because: String,
    /// Findings that stand.
    pub findings: u64,
    /// What left, as far as it is known, in whole US dollars.
    pub outflow_usd: Option<u64>,
    /// Whether it is real, a drill's, or a canary.
    #[serde(default, skip_serializing_if = "Provenance::is_live")]
    pub provenance: Provenance,
}

impl Facts {
    /// Those of our own alert; the registry's labels and the outflow are the caller's to add.
    pub fn of(alert: &Alert, because: &str) -> Self {
        Self {
            alert: alert.id,
            labels: Labels::of(alert),
            severity: alert.severity,
            truth: alert.state.into(),
            because: because.to_owned(),
            findings: alert.findings_standing(),
            outflow_usd: None,
            provenance: alert.provenance(),
        }
    }
}
