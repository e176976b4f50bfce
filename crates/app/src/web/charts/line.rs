//! One function's failures or gas, as numbers: what was measured, and what is usual.

use std::collections::BTreeMap;

use model::{SeriesKey, UnixSeconds};
use store::{Bucket, LabelMatcher, RangeQuery, SeriesPoints, Store, StoreError};

use super::Subject;
use crate::chart::{BandPoint, Point};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Share of calls that fail.
    Failures,
    /// Gas per call.
    Gas,
}

/// Which series hold what is measured, and its usual range.
struct Metrics {
    /// The first of these that exists: what the detector compared comes before the plain mean.
    observed: &'static [&'static str],
    usual: &'static str,
    /// `None`: the usual range begins at 0.
    lower: Option<&'static str>,
    upper: &'static str,
    /// From the series' unit to the chart's.
    scale: f64,
}

impl Kind {
    /// The kind that a detector judges.
    pub(super) fn of_detector(detector: &str) -> Option<Self> {
        match detector.rsplit('/').next()? {
            "failed_calls_rise" => Some(Self::Failures),
            "gas_unusual" => Some(Self::Gas),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Gas => "gas",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Failures => "%",
            Self::Gas => "gas",
        }
    }

    fn metrics(self) -> Metrics {
        match self {
            Self::Failures => Metrics {
                observed: &["failed_ratio"],
                usual: "failed_ratio_usual",
                lower: None,
                upper: "failed_ratio_upper",
                scale: 100.0,
            },
            Self::Gas => Metrics {
                observed: &["gas_observed_gas", "gas_mean_gas"],
                usual: "gas_usual_gas",
                lower: Some("gas_lower_gas"),
                upper: "gas_upper_gas",
                scale: 1.0,
            },
        }
    }
}

/// From when to when, how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: UnixSeconds,
    pub(super) to: UnixSeconds,
    pub(super) step_s: u64,
}

/// Widths of charts with the width of a point, in seconds: at most 180 points, which is a point for
/// every three pixels.
const WIDTHS_S: [(u64, u64); 6] =
    [(300, 2), (900, 5), (3_600, 20), (2 * 3_600, 40), (4 * 3_600, 80), (super::REACH_S, 120)];

impl Range {
    /// The narrowest of the usual ranges that ends at `to` and holds `from`, else the widest: a new
    /// installation's chart is not a sliver at the edge of six empty hours.
    pub(super) fn between(from: UnixSeconds, to: UnixSeconds) -> Self {
        let needed_s = to.seconds_since(from);
        let fits = WIDTHS_S.iter().find(|(width_s, _)| *width_s >= needed_s);
        let (width_s, step_s) = *fits.unwrap_or(&WIDTHS_S[WIDTHS_S.len() - 1]);
        Self { from: UnixSeconds(to.0.saturating_sub(width_s)), to, step_s }
    }

    pub(super) fn span_s(self) -> u64 {
        self.to.seconds_since(self.from)
    }

    /// Longest time between two points that is still a line: a function is not called in every
    /// block.
    pub(super) fn gap_s(self) -> u64 {
        self.span_s() / 10
    }

    pub(super) fn buckets(self) -> usize {
        (self.span_s() / self.step_s) as usize + 1
    }

    /// The bucket that a moment falls into.
    pub(super) fn bucket(self, at: UnixSeconds) -> usize {
        let first = self.from.0 / self.step_s;
        (at.0 / self.step_s).saturating_sub(first) as usize
    }
}

/// One function's measured values with their usual range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) subject: Subject,
    pub(super) kind: Kind,
    pub(super) range: Range,
    /// Oldest first, in the chart's unit; never empty.
    pub(super) points: Vec<Point>,
    /// Usual range, oldest first; empty while it is not known.
    pub(super) band: Vec<BandPoint>,
    /// Newest usual value.
    pub(super) usual: Option<f64>,
    /// Monitor that keeps the usual range.
    pub(super) monitor: Option<String>,
}

impl Line {
    /// The newest measured value.
    pub(super) fn newest(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// The usual range at a moment.
    pub(super) fn band_at(&self, at: UnixSeconds) -> Option<BandPoint> {
        self.band.iter().rev().find(|band| band.at <= at).copied()
    }

    /// Whether a value lies outside the usual range of its moment.
    pub(super) fn is_outside(&self, point: Point) -> bool {
        self.band_at(point.at).is_some_and(|band| !(band.low..=band.high).contains(&point.value))
    }

    /// Whether the newest value is unusual.
    pub(super) fn is_unusual(&self) -> bool {
        self.newest().is_some_and(|point| self.is_outside(point))
    }

    /// When the newest value's being unusual began.
    pub(super) fn unusual_since(&self) -> Option<UnixSeconds> {
        let run = self.points.iter().rev().take_while(|point| self.is_outside(**point));
        run.last().map(|point| point.at)
    }

    /// Whether there is anything to see: not all zero.
    pub(super) fn is_telling(&self) -> bool {
        self.points.iter().any(|point| point.value != 0.0)
    }
}

/// The lines of every function that matches.
pub(super) fn read(
    store: &Store,
    kind: Kind,
    matchers: &[LabelMatcher],
    range: Range,
) -> Result<BTreeMap<Subject, Line>, StoreError> {
    let metrics = kind.metrics();
    let mut lines = BTreeMap::new();
    for metric in metrics.observed {
        for found in points(store, metric, matchers, range)? {
            let Some(subject) = Subject::new(&found.network, &found.key) else { continue };
            let scaled =
                |bucket: &Bucket| Point { at: bucket.at, value: bucket.last * metrics.scale };
            lines.entry(subject.clone()).or_insert_with(|| Line {
                kind,
                range,
                points: found.buckets.iter().map(scaled).collect(),
                band: Vec::new(),
                usual: None,
                monitor: None,
                subject,
            });
        }
    }
    let mut lowers = BTreeMap::new();
    if let Some(metric) = metrics.lower {
        for found in points(store, metric, matchers, range)? {
            lowers.insert((found.network.clone(), labels(&found.key)), found.buckets);
        }
    }
    for upper in points(store, metrics.upper, matchers, range)? {
        let line = Subject::new(&upper.network, &upper.key).and_then(|s| lines.get_mut(&s));
        // Of several monitors' ranges the first one's is shown.
        let Some(line) = line.filter(|line| line.band.is_empty()) else { continue };
        let lower = lowers.get(&(upper.network.clone(), labels(&upper.key)));
        let low_at = |at: UnixSeconds| {
            let buckets = lower.map_or(&[][..], Vec::as_slice);
            buckets.iter().find(|bucket| bucket.at == at).map_or(0.0, |bucket| bucket.last)
        };
        line.band = upper
            .buckets
            .iter()
            .map(|bucket| BandPoint {
                at: bucket.at,
                low: low_at(bucket.at) * metrics.scale,
                high: bucket.last * metrics.scale,
            })
            .collect();
        line.monitor = upper.key.label("monitor").map(str::to_owned);
    }
    for usual in points(store, metrics.usual, matchers, range)? {
        let line = Subject::new(&usual.network, &usual.key).and_then(|s| lines.get_mut(&s));
        let is_shown = |line: &&mut Line| line.monitor.as_deref() == usual.key.label("monitor");
        if let (Some(line), Some(newest)) = (line.filter(is_shown), usual.buckets.last()) {
            line.usual = Some(newest.last * metrics.scale);
        }
    }
    Ok(lines)
}

/// The points of one metric.
pub(super) fn points(
    store: &Store,
    metric: &str,
    matchers: &[LabelMatcher],
    range: Range,
) -> Result<Vec<SeriesPoints>, StoreError> {
    store.series().range(&RangeQuery {
        network: None,
        metric: metric.to_owned(),
        matchers: matchers.to_vec(),
        from: range.from,
        until: UnixSeconds(range.to.0 + 1),
        step_s: range.step_s,
    })
}

/// What tells apart the series of one metric.
fn labels(key: &SeriesKey) -> Vec<(String, String)> {
    key.labels().to_vec()
}
