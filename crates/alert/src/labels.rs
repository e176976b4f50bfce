//! Labels: the facts about an alert that routes, silences and inhibitions look at.

use std::{collections::BTreeMap, sync::Arc};

use model::{Alert, Cause};
use serde::{Deserialize, Serialize};

/// Labels of one alert; more come only from another system's alerts, and those beyond are refused
/// at the door.
pub const LABELS_MAX: usize = 64;

/// Longest value of a label, in bytes; the rest is cut. It may come from the chain, and a group's
/// identity is made of it.
pub const LABEL_LEN_MAX: usize = 512;

/// How bad, in the words of [`model::Severity`].
pub const SEVERITY: &str = "severity";
/// The chain, by its name in the files.
pub const NETWORK: &str = "network";
/// The protocol that the alert's deployment belongs to.
pub const PROTOCOL: &str = "protocol";
/// Class of the deployment (`vault`, `oracle`), or of the weakness.
pub const CLASS: &str = "class";
/// How much is exposed, in the user's own words (`treasury`, `over-10m`).
pub const EXPOSURE: &str = "exposure";
/// Which drill the alert belongs to; what is real has no such label. It is for people's eyes and
/// matchers: what decides is [`crate::pager::Facts::provenance`].
pub const DRILL: &str = "drill";
/// Who reports an alert that is of no chain; what a chain says has no such label.
pub const SOURCE: &str = "source";

/// What no other system may say of its alerts.
const OURS: [&str; 4] = [SEVERITY, "monitor", DRILL, SOURCE];

/// Names and values, sorted by name. A label that is not there has the empty value, as in
/// Alertmanager, so that `protocol=""` takes what belongs to no protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labels(BTreeMap<Arc<str>, Arc<str>>);

impl Labels {
    /// The labels that every alert has: severity, network, monitor, detector, and the deployment when
    /// there is one, the drill when it is one. The registry's words (protocol, class, exposure) are the
    /// caller's to add.
    ///
    /// A report keeps the labels that it came with, but for what only we can say: how bad it is in
    /// our words, who reports it, and that it is no drill.
    pub fn of(alert: &Alert) -> Self {
        let mut labels = Self::default();
        match &alert.cause {
            Cause::Found(first) => {
                labels.set("detector", &first.detector);
            }
            Cause::Reported(report) => {
                labels.set(SOURCE, report.source.name().as_str());
            }
        }
        labels.set(SEVERITY, alert.severity.as_str());
        labels.set("monitor", alert.monitor.as_str());
        if let Some(network) = &alert.network {
            labels.set(NETWORK, network.as_str());
        }
        if let Some(deployment) = &alert.deployment {
            labels.set("deployment", deployment.as_str());
        }
        if let Some(drill) = alert.provenance().drill() {
            labels.set(DRILL, drill.as_str());
        }
        let told = alert.report().into_iter().flat_map(|report| &report.labels);
        for (name, value) in told.filter(|(name, _)| !OURS.contains(&name.as_str())) {
            labels.set(name, value);
        }
        labels
    }

    /// The value of a label; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value)
    }

    /// Sets a label; an empty value removes it. A value longer than [`LABEL_LEN_MAX`] is cut, and a
    /// new label beyond [`LABELS_MAX`] is not taken (`false`).
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        if value.is_empty() {
            self.0.remove(name);
            return true;
        }
        if self.0.len() >= LABELS_MAX && !self.0.contains_key(name) {
            return false;
        }
        let end = value.floor_char_boundary(LABEL_LEN_MAX);
        self.0.insert(name.into(), value[..end].into());
        true
    }

    /// With one more label.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Name and value of each, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::default(), |labels, (name, value)| labels.with(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_not_there_is_empty_and_an_empty_one_is_not_there() {
        let labels = Labels::default().with("protocol", "acme").with("class", "");
        assert_eq!((labels.get("protocol"), labels.get("class")), ("acme", ""));
        assert_eq!(labels.iter().count(), 1);
    }

    #[test]
    fn what_comes_from_outside_is_bounded() {
        let long = "é".repeat(LABEL_LEN_MAX);
        let mut labels = Labels::default().with("symbol", &long);
        assert_eq!(labels.get("symbol").len(), LABEL_LEN_MAX);
        for i in 0..LABELS_MAX - 1 {
            assert!(labels.set(&format!("l{i}"), "x"));
        }
        assert!(!labels.set("one_more", "x"));
        assert!(labels.set("symbol", "y"), "one that is there may change");
    }
}
