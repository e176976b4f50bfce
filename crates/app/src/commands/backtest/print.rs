//! A backtest as people read it.

use model::Severity;

use crate::{
    backtest::{AlertRow, Comparison, MonitorRow, Report, SideFigures, Speed},
    terminal::{Style, print_line},
    words,
};

/// Longest title that a line shows, in characters.
const TITLE_CHARS_MAX: usize = 100;

pub(super) fn report(report: &Report) {
    let style = Style::stdout();
    print_line(&covered(report));
    let width = report.monitors.iter().map(|row| row.monitor.as_str().len()).max().unwrap_or(7);
    let width = width.max("monitor".len());
    let head = format!(
        "{:width$}  {:>8}  {:>8}  {:>28}  {:>14}  detector, version",
        "monitor", "findings", "alerts", "alerts a week (95 %)", "blocks blind"
    );
    print_line(&style.dim(&head));
    for row in &report.monitors {
        let findings: u64 = row.findings.values().sum();
        let line = format!(
            "{:width$}  {:>8}  {:>8}  {:>28}  {:>14}  {} v{}",
            row.monitor.as_str(),
            words::grouped(findings),
            words::grouped(row.alerts),
            weekly(row),
            words::grouped(row.blocks_blind),
            row.detector,
            row.version,
        );
        print_line(&line);
        if row.alerts > 0 {
            let by = row.alerts_by_severity.iter().rev();
            let by: Vec<String> = by.map(|(severity, n)| format!("{n} {severity}")).collect();
            print_line(&style.dim(&format!("{:width$}    alerts: {}", "", by.join(", "))));
        }
        for blind in &row.blind {
            let blocks = words::counted(blind.blocks, "block");
            print_line(&style.dim(&format!("{:width$}    blind: {blocks}: {}", "", blind.reason)));
        }
    }
    if !report.not_judged.is_empty() {
        let names: Vec<&str> = report.not_judged.iter().map(model::Name::as_str).collect();
        print_line(&format!(
            "not judged, because past blocks do not hold what they watch: {}",
            names.join(", ")
        ));
    }
    print_line(&format!(
        "{} in all, {} to receivers",
        words::counted(report.alerts, "alert"),
        words::counted(report.messages, "message")
    ));
    for alert in &report.first_alerts {
        print_line(&line_of(alert, style));
    }
    let rest = report.alerts.saturating_sub(report.first_alerts.len() as u64);
    if rest > 0 && !report.first_alerts.is_empty() {
        print_line(&style.dim(&format!("… and {} more", words::grouped(rest))));
    }
}

fn covered(report: &Report) -> String {
    let covered = &report.covered;
    let range = match (covered.from_block, covered.to_block) {
        (Some(from), Some(to)) => format!("blocks {from} to {to} of {}", report.network),
        _ => format!("no block of {}", report.network),
    };
    let mut text = format!("{range}: {} judged", words::grouped(covered.blocks));
    if covered.refused > 0 {
        text += &format!(", {} refused", words::grouped(covered.refused));
    }
    if covered.reverted > 0 {
        text += &format!(", {} left the chain", words::grouped(covered.reverted));
    }
    match covered.seconds {
        0 => text + "; no two follow each other, so there are no rates",
        seconds => text + &format!("; {} of chain time without a gap", words::span(seconds)),
    }
}

fn weekly(row: &MonitorRow) -> String {
    match row.alerts_per_week {
        Some(rate) => format!(
            "{} ({} to {})",
            words::number(rate.value),
            words::number(rate.low),
            words::number(rate.high)
        ),
        None => "unknown".to_owned(),
    }
}

fn line_of(alert: &AlertRow, style: Style) -> String {
    let severity = match alert.severity {
        Severity::High | Severity::Critical => style.red(alert.severity.as_str()),
        _ => alert.severity.to_string(),
    };
    let title: String = alert.title.chars().take(TITLE_CHARS_MAX).collect();
    let at = words::utc(alert.opened_at);
    format!("  {at}  block {}  {severity}  {}: {title}", alert.block, alert.monitor)
}

pub(super) fn comparison(comparison: &Comparison, first: usize) {
    let style = Style::stdout();
    print_line(&"== champion against challenger");
    let width =
        comparison.monitors.iter().map(|pair| pair.monitor.as_str().len()).max().unwrap_or(7);
    for pair in &comparison.monitors {
        let side = |side: &Option<SideFigures>| match side {
            Some(side) => format!("v{}: {} alerts", side.version, side.alerts),
            None => "not there".to_owned(),
        };
        print_line(&format!(
            "{:width$}  {:>24}  {:>24}",
            pair.monitor.as_str(),
            side(&pair.champion),
            side(&pair.challenger)
        ));
    }
    print_line(&format!(
        "{} in both, {} only by the champion (would be missed), {} only by the challenger (would be new), {} graded otherwise",
        comparison.in_both,
        comparison.only_champion.len(),
        comparison.only_challenger.len(),
        comparison.other_severity.len()
    ));
    for (what, alerts) in
        [("missed", &comparison.only_champion), ("new", &comparison.only_challenger)]
    {
        for alert in alerts.iter().take(first) {
            print_line(&format!("{}{}", style.bold(what), line_of(alert, style)));
        }
    }
}

pub(super) fn speed(speed: &Speed, reports: &[Report]) {
    let mut text = format!("{:.1} s, {:.1} s of processor time", speed.wall_s, speed.cpu_s);
    if let Some(rate) = speed.blocks_per_cpu_s {
        text += &format!(", {} blocks per second of it", words::grouped(rate as u64));
    }
    if let Some(judging) = reports.first().and_then(|report| report.judging_us) {
        text += &format!(
            "; judging a block: p50 {} µs, p95 {} µs",
            words::number(judging.p50),
            words::number(judging.p95)
        );
    }
    print_line(&Style::stdout().dim(&text));
}
