//! Points of time series.

use std::collections::BTreeMap;

use serde::Serialize;
use store::{RangeQuery, SeriesPoints};

use super::Moment;

/// Names of all metrics.
#[derive(Debug, Serialize)]
pub struct Metrics {
    /// Sorted.
    pub metrics: Vec<String>,
}

/// All series that match.
#[derive(Debug, Serialize)]
pub struct SeriesAnswer {
    /// Metric, its unit last.
    pub metric: String,
    /// From this moment on.
    pub from: Moment,
    /// Before this moment.
    pub until: Moment,
    /// Width of a bucket in seconds.
    pub step_s: u64,
    /// By network and labels; those without a value in the range are not among them.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug, Serialize)]
pub struct Series {
    /// Network.
    pub network: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Buckets that hold a value, as columns.
    pub points: Points,
}

/// Buckets as columns of one length.
#[derive(Debug, Default, Serialize)]
pub struct Points {
    /// Where each bucket begins, in seconds since 1970.
    pub at: Vec<u64>,
    /// Smallest value.
    pub min: Vec<f64>,
    /// Largest value.
    pub max: Vec<f64>,
    /// Mean of the values.
    pub mean: Vec<f64>,
    /// Newest value.
    pub last: Vec<f64>,
    /// Seconds with a value.
    pub n: Vec<u64>,
}

impl SeriesAnswer {
    pub(crate) fn new(found: &[SeriesPoints], query: &RangeQuery) -> Self {
        Self {
            metric: query.metric.clone(),
            from: query.from.into(),
            until: query.until.into(),
            step_s: query.step_s,
            series: found.iter().map(Series::new).collect(),
        }
    }
}

impl Series {
    fn new(found: &SeriesPoints) -> Self {
        let mut points = Points::default();
        for bucket in &found.buckets {
            points.at.push(bucket.at.0);
            points.min.push(bucket.min);
            points.max.push(bucket.max);
            points.mean.push(bucket.mean);
            points.last.push(bucket.last);
            points.n.push(bucket.n);
        }
        Self {
            network: found.network.to_string(),
            labels: found.key.labels().iter().cloned().collect(),
            points,
        }
    }
}
