//! Points of time series.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// What identifies a series: a metric and its labels, sorted by label name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    metric: String,
    labels: Vec<(String, String)>,
}

impl SeriesKey {
    /// A series of `metric` with labels in any order.
    pub fn new<K: Into<String>, V: Into<String>>(
        metric: impl Into<String>,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut labels: Vec<(String, String)> =
            labels.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        labels.sort();
        Self { metric: metric.into(), labels }
    }

    /// Name of the metric, with its unit last (`gas_mean_gas`, `failed_ratio`).
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Sorted labels.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// The value of one label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

impl fmt::Display for SeriesKey {
    /// Prometheus notation: `calls{contract="vault",network="mainnet"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (name, value)) in self.labels.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// One point of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which series; shared, because a series has many points.
    pub series: Arc<SeriesKey>,
    /// Chain time.
    pub at: UnixSeconds,
    /// The value, in the unit the metric's name ends with.
    pub value: f64,
}
