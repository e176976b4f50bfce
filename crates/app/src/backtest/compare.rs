//! Champion and challenger: the same blocks, two configurations, and what each has that the other
//! has not.

use std::collections::BTreeMap;

use model::{Name, Severity};
use serde::Serialize;

use super::report::{AlertRow, MonitorRow, Report};

/// Two reports on the same blocks, held against each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Per monitor of either: by name, so that a new version stands beside the old one.
    pub monitors: Vec<Pair>,
    /// Alerts of the champion that overlap no alert of the challenger of the same monitor about the
    /// same thing: what would be missed.
    pub only_champion: Vec<AlertRow>,
    /// The other way round: what would be new.
    pub only_challenger: Vec<AlertRow>,
    /// Alerts that both have, but not equally bad.
    pub other_severity: Vec<Regraded>,
    /// Alerts of the champion that the challenger has as well.
    pub in_both: u64,
}

/// One monitor, twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Monitor.
    pub monitor: Name,
    /// By the champion; none if it is new.
    pub champion: Option<SideFigures>,
    /// By the challenger; none if it was dropped.
    pub challenger: Option<SideFigures>,
}

/// The figures of one side that a decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideFigures {
    /// Version of detector and configuration together.
    pub version: u32,
    /// Alerts.
    pub alerts: u64,
    /// Alerts by severity.
    pub alerts_by_severity: BTreeMap<Severity, u64>,
    /// Blocks it could not judge.
    pub blocks_blind: u64,
}

/// An alert that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regraded {
    /// The champion's.
    pub alert: AlertRow,
    /// How bad the challenger finds it.
    pub challenger: Severity,
}

impl SideFigures {
    fn of(row: &MonitorRow) -> Self {
        Self {
            version: row.version,
            alerts: row.alerts,
            alerts_by_severity: row.alerts_by_severity.clone(),
            blocks_blind: row.blocks_blind,
        }
    }
}

/// Holds two reports on the same blocks against each other.
pub fn compare(champion: &Report, challenger: &Report) -> Comparison {
    let mut names: Vec<&Name> = champion.monitors.iter().map(|row| &row.monitor).collect();
    names.extend(challenger.monitors.iter().map(|row| &row.monitor));
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    let side = |report: &Report, name: &Name| {
        report.monitors.iter().find(|row| row.monitor == *name).map(SideFigures::of)
    };
    let monitors = names.into_iter().map(|name| Pair {
        monitor: name.clone(),
        champion: side(champion, name),
        challenger: side(challenger, name),
    });
    let of_challenger = by_fingerprint(challenger);
    let of_champion = by_fingerprint(champion);
    let (mut only_champion, mut other_severity, mut in_both) = (Vec::new(), Vec::new(), 0);
    for alert in &champion.all_alerts {
        match overlapping(&of_challenger, alert) {
            None => only_champion.push(alert.clone()),
            Some(other) => {
                in_both += 1;
                if other.severity != alert.severity {
                    let challenger = other.severity;
                    other_severity.push(Regraded { alert: alert.clone(), challenger });
                }
            }
        }
    }
    let is_new = |alert: &&AlertRow| overlapping(&of_champion, alert).is_none();
    let only_challenger = challenger.all_alerts.iter().filter(is_new).cloned().collect();
    Comparison {
        monitors: monitors.collect(),
        only_champion,
        only_challenger,
        other_severity,
        in_both,
    }
}

type ByFingerprint<'a> = BTreeMap<&'a str, Vec<&'a AlertRow>>;

fn by_fingerprint(report: &Report) -> ByFingerprint<'_> {
    let mut all: ByFingerprint<'_> = BTreeMap::new();
    for alert in &report.all_alerts {
        all.entry(&alert.fingerprint).or_default().push(alert);
    }
    all
}

/// The worst alert about the same thing whose time has a moment in common.
fn overlapping<'a>(all: &ByFingerprint<'a>, with: &AlertRow) -> Option<&'a AlertRow> {
    let same = all.get(with.fingerprint.as_str())?;
    same.iter()
        .filter(|one| {
            one.opened_at <= with.last_finding_at && with.opened_at <= one.last_finding_at
        })
        .max_by_key(|one| one.severity)
        .copied()
}
