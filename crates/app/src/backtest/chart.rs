//! Alerts over time as SVG, one picture a side, and every change of a version marked.

use model::{Severity, UnixSeconds};

use super::report::Report;
use crate::{
    chart::{LineChart, Marker, Palette, Point},
    words,
};

/// Columns of a picture: one bucket of time each.
const BUCKETS: u64 = 60;
/// Buckets are whole minutes.
const BUCKET_S_MIN: u64 = 60;
/// Alerts at least this bad are marked one by one.
const MARKED_FROM: Severity = Severity::High;
/// Marks in one picture: more could not be told apart.
const MARKS_MAX: usize = 24;

const WIDTH_PX: u32 = 960;
const HEIGHT_PX: u32 = 200;

/// Alerts over time: the first report above, another one below. A time without blocks is hatched.
pub fn svg(reports: &[(&str, &Report)], changes: &[Marker]) -> Option<String> {
    let charts: Vec<String> =
        reports.iter().filter_map(|(name, report)| one(name, report, changes)).collect();
    if charts.len() != reports.len() {
        return None;
    }
    let [single] = charts.as_slice() else {
        let height = HEIGHT_PX * charts.len() as u32;
        let mut all = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" width="{WIDTH_PX}" height="{height}">"#
        );
        for (at, chart) in charts.iter().enumerate() {
            let y = HEIGHT_PX * at as u32;
            all.push_str(&format!(r#"<g transform="translate(0 {y})">{chart}</g>"#));
        }
        all.push_str("</svg>");
        return Some(all);
    };
    Some(single.clone())
}

fn one(name: &str, report: &Report, changes: &[Marker]) -> Option<String> {
    let (from, to) = (report.covered.from?, report.covered.to?);
    let span = to.seconds_since(from).max(1);
    let bucket_s = span.div_ceil(BUCKETS).next_multiple_of(BUCKET_S_MIN);
    let mut counts = vec![0u64; (span / bucket_s + 1) as usize];
    for alert in &report.all_alerts {
        let at = (alert.opened_at.seconds_since(from) / bucket_s) as usize;
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }
    // Where blocks do not follow each other, the counts would be of time that nobody judged.
    let is_whole = report.covered.seconds >= span;
    let points = (0u64..)
        .zip(&counts)
        .map(|(at, count)| Point { at: UnixSeconds(from.0 + at * bucket_s), value: *count as f64 });
    let is_marked = |severity: Severity| severity >= MARKED_FROM;
    let marked = report.all_alerts.iter().filter(|alert| is_marked(alert.severity));
    let mut markers: Vec<Marker> = marked
        .take(MARKS_MAX)
        .map(|alert| Marker { at: alert.opened_at, label: alert.monitor.to_string() })
        .collect();
    markers.extend(changes.iter().cloned());
    markers.sort_by_key(|marker| marker.at);
    let note = if is_whole { "" } else { " (blocks are missing in between)" };
    Some(
        LineChart {
            title: format!(
                "{name}: {} in {} of {}{note}",
                words::counted(report.alerts, "alert"),
                words::span(span),
                report.network
            ),
            unit: format!("per {}", words::span(bucket_s)),
            from,
            to,
            points: points.collect(),
            band: Vec::new(),
            markers,
            gap_s: bucket_s,
            width_px: WIDTH_PX,
            height_px: HEIGHT_PX,
        }
        .svg(Palette::Print),
    )
}
