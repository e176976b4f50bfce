//! An alert that somebody tries out.

use alert::{CLASS, Labels, PROTOCOL, SEVERITY, life::Truth, pager::Facts};
use model::{Alert, AlertId, Name, Provenance, Severity};
use registry::Registry;

/// The alert that is tried out: what is not said is filled in from the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Labels as given.
    pub labels: Labels,
    /// What left, in whole US dollars.
    pub outflow_usd: Option<u64>,
}

impl Trial {
    /// What the pager would be told of such an alert.
    pub fn facts(&self, severity: Severity, registry: &Registry) -> Facts {
        let mut labels = self.labels.clone();
        labels.set(SEVERITY, severity.as_str());
        let deployment = Name::new(labels.get("deployment")).ok();
        if let Some(known) = deployment.and_then(|name| registry.get(&name).cloned()) {
            let mut fill = |label: &str, value: &str| {
                if labels.get(label).is_empty() {
                    labels.set(label, value);
                }
            };
            fill("network", known.network.as_str());
            fill(CLASS, known.class.as_str());
            if let Some(protocol) = &known.protocol {
                fill(PROTOCOL, protocol.as_str());
            }
        }
        Facts {
            alert: AlertId([0; 16]),
            labels,
            severity,
            truth: Truth::Provisional,
            because: "tried out".to_owned(),
            findings: 1,
            outflow_usd: self.outflow_usd,
            provenance: Provenance::Live,
        }
    }
}

/// The labels of an alert on record, with what the registry knows of its deployment.
pub fn labels_of(alert: &Alert, registry: &Registry) -> Labels {
    let trial = Trial { labels: Labels::of(alert), outflow_usd: None };
    trial.facts(alert.severity, registry).labels
}
