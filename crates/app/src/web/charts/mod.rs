//! Which series are shown, and what they say.
//!
//! A chart is a finding drawn: its title is a sentence about the newest value against what is
//! usual. Few are shown, the telling ones first: what is unusual, what alerts are about, what is
//! called most.

mod line; //  one function's failures or gas, as numbers
mod title; // what a chart says

use std::collections::BTreeMap;

use model::{Alert, Name, SeriesKey, UnixSeconds};
use serde::Serialize;
use store::{LabelMatcher, MatchOp, Store, StoreError};

use crate::{
    chart::{self, LineChart, Marker, Palette, format_si},
    words,
};
use line::{Kind, Line, Range};

/// Failure charts, and gas charts, on the overview: two screens in all.
const CHARTS_PER_KIND_MAX: usize = 4;

/// Functions whose series are read to choose from.
const CANDIDATES_MAX: usize = 24;

/// Alerts marked in one chart; more would cover each other.
const MARKERS_MAX: usize = 6;

/// How far back charts of the overview reach, in seconds: six hours.
pub(super) const REACH_S: u64 = 6 * 3_600;

/// Chain time shown before and after an alert, in seconds.
const AROUND_ALERT_S: u64 = 30 * 60;

/// Two of them stand side by side on a 1,280-pixel screen.
const WIDTH_PX: u32 = 576;
const HEIGHT_PX: u32 = 168;

/// One function of one contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    network: Name,
    contract: String,
    function: String,
}

impl Subject {
    fn new(network: &Name, key: &SeriesKey) -> Option<Self> {
        let (contract, function) = (key.label("contract")?, key.label("function")?);
        let network = network.clone();
        Some(Self { network, contract: contract.to_owned(), function: function.to_owned() })
    }

    fn is_about(&self, alert: &Alert) -> bool {
        alert.network.as_ref() == Some(&self.network)
            && alert.deployment.as_ref().is_some_and(|name| name.as_str() == self.contract)
    }
}

/// A chart on a page.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    /// Unique on the page.
    id: String,
    title: String,
    /// Where, when there is more than one network.
    network: String,
    svg: String,
    unit: &'static str,
    rows: Vec<Row>,
    is_unusual: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    at: String,
    value: String,
    usual: Option<String>,
}

/// The charts of the overview.
#[derive(Debug, Serialize)]
pub(super) struct Charts {
    charts: Vec<Chart>,
    /// Width of a point, in words.
    step: String,
    /// Width of the charts, in words.
    span: String,
}

/// The most telling charts of what happened up to `end`; `alerts` are marked in them.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn overview(
    store: &Store,
    alerts: &[Alert],
    end: UnixSeconds,
) -> Result<Charts, StoreError> {
    let until = UnixSeconds(end.0 + 1);
    let calls =
        store.series().totals("calls", &[], UnixSeconds(end.0.saturating_sub(REACH_S)), until)?;
    let first_at = calls.iter().map(|total| total.first_at).min().unwrap_or(end);
    let range = Range::between(first_at, end);

    let mut active: Vec<(Subject, usize, f64)> = calls
        .iter()
        .filter_map(|total| {
            let subject = Subject::new(&total.network, &total.key)?;
            let marked = alerts.iter().filter(|alert| subject.is_about(alert)).count();
            Some((subject, marked, total.sum))
        })
        .collect();
    active.sort_by(|a, b| b.1.cmp(&a.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
    active.truncate(CANDIDATES_MAX);

    let one_of = |values: Vec<String>| MatchOp::OneOf(values);
    let contracts = active.iter().map(|(subject, ..)| subject.contract.clone()).collect();
    let functions = active.iter().map(|(subject, ..)| subject.function.clone()).collect();
    let matchers = [
        LabelMatcher { label: "contract".to_owned(), op: one_of(contracts) },
        LabelMatcher { label: "function".to_owned(), op: one_of(functions) },
    ];
    let mut chosen = Vec::new();
    for kind in [Kind::Failures, Kind::Gas] {
        let mut lines = line::read(store, kind, &matchers, range)?;
        let mut ranked: Vec<(Line, usize, f64)> = active
            .iter()
            .filter_map(|(subject, marked, calls)| Some((lines.remove(subject)?, *marked, *calls)))
            .collect();
        let rank = |(line, marked, calls): &(Line, usize, f64)| {
            (line.is_unusual(), line.is_telling(), *marked, *calls)
        };
        ranked.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
        // A function of which nothing ever fails tells little; one such line is enough.
        let telling = ranked.iter().filter(|(line, ..)| line.is_telling()).count().max(1);
        ranked.truncate(telling.min(CHARTS_PER_KIND_MAX));
        chosen.extend(ranked.into_iter().map(|(line, ..)| line));
    }
    chosen.sort_by_key(|line| !line.is_unusual());
    let charts = chosen.iter().map(|line| drawn(line, alerts)).collect();
    Ok(Charts { charts, step: words::span(range.step_s), span: words::span(range.span_s()) })
}

/// The series that an alert was raised on, around it; `None` when it was not raised on one, or the
/// points are gone.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn of_alert(store: &Store, alert: &Alert) -> Result<Option<Chart>, StoreError> {
    let (Some(kind), Some(contract)) = (Kind::of_detector(alert.rule()), &alert.deployment) else {
        return Ok(None);
    };
    let from = UnixSeconds(alert.opened_at.0.saturating_sub(AROUND_ALERT_S));
    let to = UnixSeconds(
        alert
            .opened_at
            .0
            .saturating_add(AROUND_ALERT_S)
            .min(alert.last_finding_at.0.saturating_add(AROUND_ALERT_S / 6)),
    );
    let range = Range::between(from, to);
    let matchers = [LabelMatcher::equal("contract", contract.as_str())];
    let lines = line::read(store, kind, &matchers, range)?;
    // The sentence names the function; of several that fit, the longest name is the right one.
    let is_named = |line: &Line| {
        let name = format!("{}.{}", line.subject.contract, line.subject.function);
        alert.network.as_ref() == Some(&line.subject.network) && alert.title().contains(&name)
    };
    let named = lines.into_values().filter(is_named).max_by_key(|l| l.subject.function.len());
    Ok(named.map(|line| drawn(&line, std::slice::from_ref(alert))))
}

fn drawn(line: &Line, alerts: &[Alert]) -> Chart {
    let subject = &line.subject;
    let in_range = |alert: &&Alert| {
        subject.is_about(alert) && (line.range.from..=line.range.to).contains(&alert.opened_at)
    };
    let about: Vec<&Alert> = alerts.iter().filter(in_range).take(MARKERS_MAX).collect();
    let mut markers: Vec<Marker> = about
        .iter()
        .map(|alert| Marker { at: alert.opened_at, label: alert.monitor.to_string() })
        .collect();
    markers.sort_by_key(|marker| marker.at);
    let title = title::of(line, &about);
    let line_chart = LineChart {
        title: title.clone(),
        unit: line.kind.unit().to_owned(),
        from: line.range.from,
        to: line.range.to,
        points: line.points.clone(),
        band: line.band.clone(),
        markers,
        gap_s: line.range.gap_s(),
        width_px: WIDTH_PX,
        height_px: HEIGHT_PX,
    };
    let row = |row: chart::Row| Row {
        at: words::utc(row.at),
        value: words::number(row.value),
        usual: row.usual.map(|b| format!("{} – {}", format_si(b.low), format_si(b.high))),
    };
    Chart {
        id: format!(
            "{}-{}-{}-{}",
            line.kind.as_str(),
            subject.network,
            subject.contract,
            hex::encode(subject.function.as_bytes())
        ),
        network: subject.network.to_string(),
        svg: line_chart.svg(Palette::Page),
        unit: line.kind.unit(),
        rows: line_chart.rows().into_iter().rev().map(row).collect(),
        is_unusual: line.is_unusual(),
        title,
    }
}

/// Calls of one deployment over an hour.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity {
    /// Calls.
    pub(super) calls: f64,
    /// Calls that took no effect.
    pub(super) failed: f64,
    /// Calls per bucket, oldest first; NaN where nothing was judged.
    pub(super) spark: Vec<f64>,
}

/// Chain time that an activity covers, in seconds.
pub(super) const ACTIVITY_S: u64 = 3_600;
const ACTIVITY_STEP_S: u64 = 120;

/// Deployments whose lines are read in one query: the store bounds the series of an answer.
const ACTIVITY_CHUNK: usize = 8;

/// What each contract did in the last hour before `end`, by network and label; one that is absent
/// was not called. `drawn` are the labels that get a line as well.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn activity(
    store: &Store,
    drawn: &[&str],
    end: UnixSeconds,
) -> Result<BTreeMap<(Name, String), Activity>, StoreError> {
    let until = UnixSeconds(end.0 + 1);
    let from = UnixSeconds(until.0.saturating_sub(ACTIVITY_S));
    let mut found: BTreeMap<(Name, String), Activity> = BTreeMap::new();
    let failed = store.series().totals("failed_calls", &[], from, until)?;
    let calls = store.series().totals("calls", &[], from, until)?;
    for (totals, is_failed) in [(calls, false), (failed, true)] {
        for total in totals {
            let Some(contract) = total.key.label("contract") else { continue };
            let activity = found.entry((total.network, contract.to_owned())).or_default();
            if is_failed {
                activity.failed += total.sum;
            } else {
                activity.calls += total.sum;
            }
        }
    }
    // Whole buckets only: a part of one would look like a drop.
    let whole = until.0 - until.0 % ACTIVITY_STEP_S;
    let range = Range {
        from: UnixSeconds(whole.saturating_sub(ACTIVITY_S)),
        to: UnixSeconds(whole.saturating_sub(1)),
        step_s: ACTIVITY_STEP_S,
    };
    for labels in drawn.chunks(ACTIVITY_CHUNK) {
        let op = MatchOp::OneOf(labels.iter().map(|label| (*label).to_owned()).collect());
        let matchers = [LabelMatcher { label: "contract".to_owned(), op }];
        for points in line::points(store, "calls", &matchers, range)? {
            let Some(contract) = points.key.label("contract") else { continue };
            let activity = found.entry((points.network, contract.to_owned())).or_default();
            activity.spark.resize(range.buckets(), 0.0);
            for bucket in points.buckets {
                if let Some(sum) = activity.spark.get_mut(range.bucket(bucket.at)) {
                    *sum += bucket.mean * bucket.n as f64;
                }
            }
        }
    }
    Ok(found)
}
