//! The front, drawn: what smaller and larger budgets would buy.

use detect::quality::Score;

use super::Outcome;
use crate::chart::{Palette, escape, format_si, value_ticks};

const WIDTH_PX: f64 = 640.0;
const HEIGHT_PX: f64 = 320.0;
const LEFT_PX: f64 = 56.0;
const RIGHT_PX: f64 = 24.0;
const TOP_PX: f64 = 36.0;
const BOTTOM_PX: f64 = 44.0;

/// False alarms a week against incidents noticed: the front as a line, the choice and what is set now
/// as marks.
pub fn svg(outcome: &Outcome) -> String {
    let palette = Palette::Print;
    let burden = |s: &Score| s.pages_per_week + s.notifies_per_day * 7.0;
    let told: Vec<&Score> = outcome
        .front
        .iter()
        .map(|p| &p.score)
        .chain([&outcome.in_sample, &outcome.present])
        .collect();
    let x_max = told.iter().map(|s| burden(s)).fold(1.0, f64::max);
    let y_max = outcome.incidents.len().max(1) as f64;
    let (x_ticks, y_ticks) = (value_ticks(0.0, x_max, 5), value_ticks(0.0, y_max, 4));
    let top = |ticks: &[f64], least: f64| ticks.last().copied().unwrap_or(least).max(least);
    let (x_top, y_top) = (top(&x_ticks, x_max), top(&y_ticks, y_max));
    let x = |value: f64| LEFT_PX + value / x_top * (WIDTH_PX - LEFT_PX - RIGHT_PX);
    let y = |value: f64| HEIGHT_PX - BOTTOM_PX - value / y_top * (HEIGHT_PX - TOP_PX - BOTTOM_PX);
    let title = format!(
        "{} of {} incidents for {} false alarms a week, in sample",
        outcome.in_sample.noticed,
        outcome.incidents.len(),
        format_si(burden(&outcome.in_sample))
    );
    let title = escape(&title);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" width="{WIDTH_PX}" height="{HEIGHT_PX}" role="img" aria-label="{title}" font-family="sans-serif" font-size="11"><title>{title}</title><text x="{LEFT_PX}" y="16" font-weight="600" fill="{}">{title}</text>"#,
        palette.text()
    );
    for tick in &y_ticks {
        svg += &format!(
            r#"<line x1="{LEFT_PX}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}" stroke="{}"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
            WIDTH_PX - RIGHT_PX,
            palette.hairline(),
            LEFT_PX - 6.0,
            y(*tick) + 3.5,
            palette.text(),
            format_si(*tick),
            at = y(*tick)
        );
    }
    for tick in &x_ticks {
        svg += &format!(
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle" fill="{}">{}</text>"#,
            x(*tick),
            HEIGHT_PX - BOTTOM_PX + 16.0,
            palette.text(),
            format_si(*tick)
        );
    }
    svg += &format!(
        r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{text}">false alarms a week</text><text x="{LEFT_PX}" y="{:.1}" fill="{text}">incidents noticed</text>"#,
        WIDTH_PX - RIGHT_PX,
        HEIGHT_PX - 8.0,
        TOP_PX - 6.0,
        text = palette.text()
    );
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for point in &outcome.front {
        let (px, py) = (x(burden(&point.score)), y(point.score.noticed as f64));
        match before {
            None => path += &format!("M{px:.1} {py:.1}"),
            // More is noticed only once the next choice is paid for.
            Some(level) => path += &format!("L{px:.1} {level:.1}L{px:.1} {py:.1}"),
        }
        before = Some(py);
    }
    svg += &format!(
        r#"<path d="{path}" fill="none" stroke="{}" stroke-width="1.6"/>"#,
        palette.line()
    );
    for point in &outcome.front {
        svg += &format!(
            r#"<circle cx="{:.1}" cy="{:.1}" r="2.5" fill="{}"><title>{}</title></circle>"#,
            x(burden(&point.score)),
            y(point.score.noticed as f64),
            palette.line(),
            escape(&format!("{} of the budget", point.share))
        );
    }
    for (word, score, shift) in
        [("chosen", &outcome.in_sample, -8.0), ("as it is", &outcome.present, 16.0)]
    {
        let (px, py) = (x(burden(score)), y(score.noticed as f64));
        svg += &format!(
            r#"<path d="M{px:.1} {:.1}l5 5l-5 5l-5 -5z" fill="{alarm}"/><text x="{:.1}" y="{:.1}" fill="{alarm}">{word}</text>"#,
            py - 5.0,
            px + 8.0,
            py + shift,
            alarm = palette.alarm()
        );
    }
    svg + "</svg>"
}
