//! Figures from what is on record: alerts, what people said of them, what was judged.

use std::collections::{BTreeMap, BTreeSet};

use detect::quality::{
    Budget, Figures, Proposal, Recall, Record, Told, Watched, figures, propose, recall,
};
use model::{AlertState, Confidence, Guards, Incident, Name, Provenance, Stage, UnixSeconds};
use store::{AlertFilter, PAGE_MAX, Store, StoreError};

use crate::{coverage::Plan, words};

/// What the figures are about.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// What is watched.
    pub plan: &'a Plan,
    /// How far each monitor may go; those not named page.
    pub stages: &'a BTreeMap<Name, Stage>,
    /// False alarms that people are ready to bear.
    pub budget: Budget,
    /// Now.
    pub now: UnixSeconds,
}

/// How good detection is.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// Per monitor and version, those that judge now first.
    pub figures: Vec<Figures>,
    /// Per class of incidents.
    pub recall: Vec<Recall>,
    /// Per monitor: the stage its figures speak for, or what is missing.
    pub proposals: Vec<Proposal>,
    /// Incidents and drills on record.
    pub incidents: Vec<Incident>,
    /// What was borne to be false.
    pub budget: Budget,
}

/// Reads the record and computes the figures.
///
/// # Errors
/// When the store cannot be read.
pub fn gather(store: &Store, scope: Scope<'_>) -> Result<Quality, StoreError> {
    let (told, proven) = told(store)?;
    let watched = watched(store, &scope, &proven)?;
    let incidents: Vec<Incident> = store.incidents()?.into_values().collect();
    let figures = figures(&watched, &told, scope.budget, scope.now);
    let recall = recall(&incidents, &told);
    let proposals = watched.iter().filter_map(|one| {
        let of_it = |f: &&Figures| f.is_current && f.monitor == one.monitor;
        let own = figures.iter().find(of_it)?;
        let noticed = |is_drill: bool| {
            let classes = recall.iter().filter(|class| class.is_drill == is_drill);
            classes.filter_map(|class| class.by_monitor.get(&one.monitor)).sum()
        };
        let record = Record { incidents: noticed(false), drills: noticed(true) };
        Some(propose(one, own, record, scope.budget))
    });
    Ok(Quality { proposals: proposals.collect(), figures, recall, incidents, budget: scope.budget })
}

/// Every alert that stands, and the monitors of which each says what the chain itself says.
fn told(store: &Store) -> Result<(Vec<Told>, BTreeMap<Name, bool>), StoreError> {
    let verdicts = store.verdicts()?;
    let mut told = Vec::new();
    let mut seen = BTreeSet::new();
    let mut proven: BTreeMap<Name, bool> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = store.alerts(&AlertFilter::default(), cursor, PAGE_MAX)?;
        seen.extend(page.items.iter().map(|alert| alert.id));
        for alert in page.items.iter().filter(|alert| alert.state != AlertState::Retracted) {
            // Figures are of what detectors find.
            let Some(first) = alert.finding() else { continue };
            *proven.entry(alert.monitor.clone()).or_insert(true) &=
                first.confidence == Confidence::Proven;
            let latency_ms = alert.created_at.millis_since(alert.opened_at.into());
            told.push(Told {
                monitor: alert.monitor.clone(),
                detector: first.detector.clone(),
                version: first.version,
                network: first.network.clone(),
                deployment: alert.deployment.clone(),
                severity: alert.severity,
                opened_at: alert.opened_at,
                last_at: alert.last_finding_at,
                latency_ms: u64::try_from(latency_ms).ok(),
                assessment: verdicts.get(&alert.id).and_then(|verdict| verdict.assessment),
            });
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    // Alerts that retention removed: what people said of them still counts.
    let is_real = |detector: &str| Provenance::of_detector(detector).is_live();
    let forgotten = verdicts.values().filter(|verdict| !seen.contains(&verdict.alert));
    for verdict in forgotten.filter(|verdict| is_real(&verdict.about.detector)) {
        let about = &verdict.about;
        told.push(Told {
            monitor: about.monitor.clone(),
            detector: about.detector.clone(),
            version: about.version,
            network: about.network.clone(),
            deployment: about.deployment.clone(),
            severity: about.severity,
            opened_at: about.opened_at,
            last_at: about.opened_at,
            latency_ms: None,
            assessment: verdict.assessment,
        });
    }
    Ok((told, proven))
}

fn watched(
    store: &Store,
    scope: &Scope<'_>,
    proven: &BTreeMap<Name, bool>,
) -> Result<Vec<Watched>, StoreError> {
    let mut all: Vec<Watched> = Vec::new();
    for plan in scope.plan.networks.values() {
        let judged = store.judged(&plan.network)?;
        for (account, row) in plan.accounts.iter().zip(&plan.roster.monitors) {
            let blind = judged.blind.iter().find(|blind| blind.monitor == account.monitor);
            let deployments = plan.roster.deployments.iter().zip(0..);
            let on = deployments.filter(|(_, at)| match &row.guards {
                Guards::All => true,
                some @ Guards::Some(_) => some.contains(*at),
            });
            let on: BTreeSet<Name> = on.map(|(deployment, _)| deployment.label.clone()).collect();
            let known = all.iter().position(|one| one.monitor == account.monitor);
            let at = known.unwrap_or_else(|| {
                all.push(Watched {
                    monitor: account.monitor.clone(),
                    detector: account.detector.clone(),
                    version: account.version,
                    stage: scope.stages.get(&account.monitor).copied().unwrap_or_default(),
                    severity: account.severity,
                    is_deterministic: proven.get(&account.monitor).copied().unwrap_or(false),
                    seconds: 0,
                    blocks: 0,
                    blocks_blind: 0,
                    deployments: BTreeSet::new(),
                });
                all.len() - 1
            });
            let one = &mut all[at];
            one.seconds += judged.seconds;
            one.blocks += judged.blocks;
            one.blocks_blind += blind.map_or(0, |blind| blind.blocks);
            one.deployments.extend(on);
        }
    }
    Ok(all)
}

/// A share with its interval as people read it: `4 of 5, 38–96 %`.
pub(crate) fn share(share: detect::quality::Share) -> String {
    match share.value() {
        None => "no data".to_owned(),
        Some(_) => {
            let interval = share.wilson();
            format!(
                "{} of {}, {:.0}–{:.0} %",
                words::grouped(share.k),
                words::grouped(share.n),
                interval.low * 100.0,
                interval.high * 100.0
            )
        }
    }
}

/// A rate with its interval as people read it: `1.2 (0.4–2.9)`.
pub(crate) fn rate(rate: Option<(f64, detect::quality::Interval)>) -> String {
    rate.map_or_else(
        || "no data".to_owned(),
        |(value, interval)| {
            let number = |value: f64| words::number(value);
            format!("{} ({}–{})", number(value), number(interval.low), number(interval.high))
        },
    )
}
