//! Tuning: which thresholds find most within a budget of false alarms, on blocks that are past.
//!
//! All settings that are tried judge the blocks in one pass, each as a monitor of its own. Alerts that
//! have a moment in common with an incident on record count as telling of it; all others count as
//! false. So the blocks should hold nothing bad that is not on record.

mod chart; // the front, drawn
mod knobs; // which parameters are turned

use std::collections::{BTreeMap, BTreeSet};

use detect::{
    MonitorSpec, RuleSpec,
    quality::{
        Budget, Candidate, Dial, Folds, FrontPoint, HeldOut, Score, Weighed, choose, front,
        held_out, score,
    },
};
use model::{Incident, Name, Severity, UnixSeconds};

use crate::{
    backtest::{self, AlertRow, Progress, Report, Request},
    config::Config,
    replay::Source,
};

pub use chart::svg;
pub use knobs::{Setting, settings};

/// Parts of the time: what is chosen on four is measured on the fifth.
pub const FOLDS: usize = 5;

/// Shares of the budget for which the front is worked out.
const FRONT_SHARES: &[f64] = &[0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0];

/// Alerts from which people are woken.
const PAGE_FROM: Severity = Severity::High;

/// One monitor with what was chosen for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// Monitor.
    pub monitor: Name,
    /// Settings that were tried, the strictest first.
    pub settings: Vec<Setting>,
    /// Which of them is set now.
    pub present: usize,
    /// Which was chosen.
    pub chosen: usize,
    /// Alerts by setting: pages, messages, incidents noticed.
    pub counts: Vec<(u64, u64, u64)>,
    /// Alerts that the present setting gives and the chosen one does not, oldest first.
    pub lost: Vec<AlertRow>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Budget.
    pub budget: Budget,
    /// What was judged.
    pub covered: backtest::Covered,
    /// Monitors that were tuned.
    pub tuned: Vec<Tuned>,
    /// Monitors without a threshold that is turned: they stay, and their alerts are not in the figures.
    pub left: Vec<Name>,
    /// Incidents in the time that was judged.
    pub incidents: Vec<Name>,
    /// Incidents that the chosen settings miss and some setting notices.
    pub missed: Vec<Name>,
    /// Incidents that no setting notices.
    pub unseen: Vec<Name>,
    /// What the chosen settings come to on all the time: in sample.
    pub in_sample: Score,
    /// What the present settings come to.
    pub present: Score,
    /// What choices made without each part come to on it.
    pub held_out: Vec<HeldOut>,
    /// What smaller and larger budgets would buy, in sample.
    pub front: Vec<FrontPoint>,
}

/// Tries the settings on the blocks and chooses.
///
/// # Errors
/// When nothing can be tuned, monitors do not compile, or the blocks end early.
pub async fn run(
    config: &Config,
    source: Source,
    incidents: &[Incident],
    budget: Budget,
    workers: usize,
    on_progress: impl FnMut(Progress),
) -> anyhow::Result<Outcome> {
    let network = source.network();
    let mut tried: Vec<(&MonitorSpec, Vec<Setting>)> = Vec::new();
    let mut left = Vec::new();
    for spec in &config.monitors {
        let found = match &spec.rule {
            RuleSpec::Detector { id, params } => settings(id, params),
            RuleSpec::Expression { .. } => Vec::new(),
        };
        if found.len() > 1 { tried.push((spec, found)) } else { left.push(spec.name.clone()) }
    }
    if tried.is_empty() {
        anyhow::bail!("no monitor has a threshold that can be tuned");
    }
    let mut trial = config.clone();
    trial.monitors = tried
        .iter()
        .enumerate()
        .flat_map(|(at, (spec, settings))| {
            (0..settings.len()).map(move |k| (at, k, *spec, &settings[k]))
        })
        .map(|(at, k, spec, setting)| with(spec, trial_name(at, k), setting))
        .collect();
    let request = Request { workers, first_alerts: 0 };
    let reports = backtest::run(&[&trial], source, request, on_progress).await?;
    let Some(report) = reports.into_iter().next() else {
        anyhow::bail!("the blocks gave no report");
    };
    let (Some(from), Some(to)) = (report.covered.from, report.covered.to) else {
        anyhow::bail!("not one block was judged");
    };
    let here: Vec<&Incident> = incidents
        .iter()
        .filter(|one| one.network == network && one.from <= to && one.to >= from)
        .collect();
    let mut by_monitor: BTreeMap<&Name, Vec<&AlertRow>> = BTreeMap::new();
    for alert in &report.all_alerts {
        by_monitor.entry(&alert.monitor).or_default().push(alert);
    }
    let alerts_of = |at: usize, k: usize| -> &[&AlertRow] {
        by_monitor.get(&trial_name(at, k)).map_or(&[], Vec::as_slice)
    };
    let dials: Vec<Dial> = tried
        .iter()
        .enumerate()
        .map(|(at, (_, settings))| Dial {
            candidates: (0..settings.len()).map(|k| candidate(alerts_of(at, k), &here)).collect(),
        })
        .collect();
    let weighed: Vec<Weighed> =
        here.iter().map(|one| Weighed { at: one.from.max(from), worth: 1.0 }).collect();
    let folds = Folds::new(from, to, FOLDS);
    let all: BTreeSet<usize> = (0..folds.len()).collect();
    let choice = choose(&dials, &weighed, &folds, &all, budget);
    let present: Vec<usize> = tried
        .iter()
        .map(|(_, settings)| settings.iter().position(|s| s.is_present).unwrap_or(0))
        .collect();
    let noticed = |choice: &[usize]| -> BTreeSet<usize> {
        let picked = dials.iter().zip(choice).map(|(dial, at)| &dial.candidates[*at].noticed);
        picked.flatten().copied().collect()
    };
    let by_any: BTreeSet<usize> = dials
        .iter()
        .flat_map(|dial| dial.candidates.iter().flat_map(|c| c.noticed.iter().copied()))
        .collect();
    let chosen = noticed(&choice);
    let names = |is_meant: &dyn Fn(usize) -> bool| -> Vec<Name> {
        let all = here.iter().enumerate().filter(|(at, _)| is_meant(*at));
        all.map(|(_, one)| one.name.clone()).collect()
    };
    let tuned = tried
        .iter()
        .enumerate()
        .map(|(at, (spec, settings))| Tuned {
            monitor: spec.name.clone(),
            present: present[at],
            chosen: choice[at],
            counts: dials[at]
                .candidates
                .iter()
                .map(|c| (c.pages.len() as u64, c.notifies.len() as u64, c.noticed.len() as u64))
                .collect(),
            lost: lost(alerts_of(at, present[at]), alerts_of(at, choice[at])),
            settings: settings.clone(),
        })
        .collect();
    Ok(Outcome {
        budget,
        tuned,
        left,
        incidents: names(&|_| true),
        missed: names(&|at| by_any.contains(&at) && !chosen.contains(&at)),
        unseen: names(&|at| !by_any.contains(&at)),
        in_sample: score(&dials, &choice, &weighed, &folds, &all),
        present: score(&dials, &present, &weighed, &folds, &all),
        held_out: held_out(&dials, &weighed, &folds, budget),
        front: front(&dials, &weighed, &folds, budget, FRONT_SHARES),
        covered: covered(report),
    })
}

fn covered(report: Report) -> backtest::Covered {
    report.covered
}

/// A name that no user's monitor has in the way: the trial judges alone.
fn trial_name(at: usize, k: usize) -> Name {
    Name::new(&format!("trial-{at}-{k}")).expect("lower-case letters, digits and hyphens")
}

/// The monitor with another setting, under another name.
fn with(spec: &MonitorSpec, name: Name, setting: &Setting) -> MonitorSpec {
    let rule = match &spec.rule {
        RuleSpec::Detector { id, .. } => {
            RuleSpec::Detector { id: id.clone(), params: setting.params.clone() }
        }
        expression @ RuleSpec::Expression { .. } => expression.clone(),
    };
    MonitorSpec { name, rule, ..spec.clone() }
}

fn candidate(alerts: &[&AlertRow], incidents: &[&Incident]) -> Candidate {
    let mut candidate = Candidate::default();
    for alert in alerts {
        let mut is_true = false;
        for (at, incident) in incidents.iter().enumerate() {
            if tells_of(alert, incident) {
                candidate.noticed.insert(at);
                is_true = true;
            }
        }
        match alert.severity {
            _ if is_true => {}
            Severity::Info => {}
            severity if severity >= PAGE_FROM => candidate.pages.push(alert.opened_at),
            _ => candidate.notifies.push(alert.opened_at),
        }
    }
    candidate
}

fn tells_of(alert: &AlertRow, incident: &Incident) -> bool {
    let is_there = match &alert.deployment {
        Some(label) if !incident.deployments.is_empty() => incident.deployments.contains(label),
        _ => true,
    };
    is_there && alert.opened_at <= incident.to && alert.last_finding_at >= incident.from
}

/// Alerts of one setting that overlap none of another about the same thing.
fn lost(present: &[&AlertRow], chosen: &[&AlertRow]) -> Vec<AlertRow> {
    let is_kept = |alert: &AlertRow| {
        chosen.iter().any(|other| {
            other.deployment == alert.deployment
                && other.opened_at <= alert.last_finding_at
                && other.last_finding_at >= alert.opened_at
        })
    };
    present.iter().filter(|alert| !is_kept(alert)).map(|alert| (*alert).clone()).collect()
}

/// The chosen settings as monitors in shadow, beside those that are: TOML for a file of `monitors/`.
/// `None` when every monitor stays as it is.
pub fn shadow_file(config: &Config, outcome: &Outcome, at: UnixSeconds) -> Option<String> {
    let changed = outcome.tuned.iter().filter(|tuned| tuned.chosen != tuned.present);
    let mut text = String::new();
    for tuned in changed {
        let Some(spec) = config.monitors.iter().find(|spec| spec.name == tuned.monitor) else {
            continue;
        };
        let RuleSpec::Detector { id, .. } = &spec.rule else { continue };
        let setting = &tuned.settings[tuned.chosen];
        let quoted = |names: &[Name]| {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            names.join(", ")
        };
        let mut on: Vec<String> = spec.on.iter().map(|name| format!("\"{name}\"")).collect();
        on.extend(spec.children_of.iter().map(|name| format!("\"children-of:{name}\"")));
        text += &format!("[[monitor]]\nname = \"{}-tuned\"\n", tuned.monitor);
        text += &format!("stage = \"shadow\" # proposed by tune, {}\n", crate::words::iso(at));
        text += &format!("version = {}\ndetector = \"{id}\"\n", spec.version + 1);
        if !spec.networks.is_empty() {
            text += &format!("networks = [{}]\n", quoted(&spec.networks));
        }
        if !on.is_empty() {
            text += &format!("on = [{}]\n", on.join(", "));
        }
        text += &format!("severity = \"{}\"\n", spec.severity);
        if let Some(runbook) = &spec.runbook {
            text += &format!("runbook = {}\n", toml::Value::String(runbook.clone()));
        }
        text += "\n[monitor.params]\n";
        for (name, value) in &setting.params {
            // Numbers and words alike may be written as text.
            text += &format!("{name} = {}\n", toml::Value::String(value.clone()));
        }
        text.push('\n');
    }
    (!text.is_empty()).then_some(text)
}
