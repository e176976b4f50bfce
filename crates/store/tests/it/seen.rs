//! What a store says, and a model of it: maps in memory that do what the store promises, in the
//! plainest way.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_store::{AlertFilter, FindingFilter, PAGE_MAX, RangeQuery, Step, Store};
use model::{
    Alert, AlertId, BlockCoverage, BlockRef, Finding, FindingId, FindingStatus, Name,
    NotificationId, SeriesKey, StateUndo, UnixSeconds,
};

use crate::world::{heard, page, put};

/// Everything a store can be asked about one network (and all alerts).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) checkpoint: u64,
    pub(crate) finalized: Option<BlockRef>,
    pub(crate) findings: BTreeMap<FindingId, (Finding, FindingStatus)>,
    pub(crate) coverage: Vec<BlockCoverage>,
    pub(crate) points: BTreeMap<(SeriesKey, u64), f64>,
    pub(crate) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) undo: Vec<StateUndo>,
    pub(crate) alerts: BTreeMap<AlertId, Alert>,
    pub(crate) notifications: BTreeSet<NotificationId>,
    pub(crate) decisions: u64,
}

impl Seen {
    /// What the store says, through its public interface alone.
    pub(crate) fn of(store: &Store, network: &Name) -> Self {
        // Who hears of what was found is decided before anybody looks.
        page(store);
        let checkpoint = store.checkpoint(network).unwrap();
        let mut seen = Self {
            checkpoint: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.position.0),
            finalized: checkpoint.and_then(|checkpoint| checkpoint.finalized),
            coverage: store.coverage(network, 0, usize::MAX).unwrap(),
            ..Self::default()
        };
        let filter = FindingFilter { network: Some(network.clone()), ..FindingFilter::default() };
        let mut after = None;
        loop {
            let page = store.findings(&filter, after, PAGE_MAX).unwrap();
            for record in page.items {
                seen.findings.insert(record.finding.id, (record.finding, record.status));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let range = RangeQuery {
            network: Some(network.clone()),
            metric: "calls".into(),
            matchers: Vec::new(),
            from: UnixSeconds(900),
            until: UnixSeconds(10_000),
            step_s: 1,
        };
        for series in store.series().range(&range).unwrap() {
            for bucket in series.buckets {
                seen.points.insert((series.key.clone(), bucket.at.0), bucket.last);
            }
        }
        let state = store.detector_state(network).unwrap();
        seen.undo = state.undo;
        put(&mut seen.state, &state.entries);
        let mut after = None;
        loop {
            let page = store.alerts(&AlertFilter::default(), after, PAGE_MAX).unwrap();
            for alert in page.items {
                let details = store.alert(alert.id).unwrap().unwrap();
                assert_eq!(details.alert, alert);
                seen.notifications.extend(details.notifications.iter().map(|n| n.id));
                seen.decisions += details.decisions.len() as u64;
                seen.alerts.insert(alert.id, alert);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        seen
    }

    /// What stands on the chain: all that orphaned blocks must leave no trace in.
    pub(crate) fn standing(&self) -> Self {
        let mut findings = self.findings.clone();
        findings.retain(|_, (_, status)| *status != FindingStatus::Retracted);
        Self {
            findings,
            coverage: self.coverage.clone(),
            points: self.points.clone(),
            state: self.state.clone(),
            finalized: self.finalized,
            ..Self::default()
        }
    }
}

/// The model: what a store that saw these steps must say.
#[derive(Default)]
pub(crate) struct Model {
    seen: Seen,
    samples: BTreeMap<(SeriesKey, u64, u64), f64>,
}

impl Model {
    pub(crate) fn apply(&mut self, step: &Step) {
        let seen = &mut self.seen;
        assert_eq!(seen.checkpoint, step.from.0, "the model is fed in order");
        seen.checkpoint = step.checkpoint.0;
        let gone: BTreeSet<BlockRef> = step.reverted.iter().copied().collect();
        for (finding, status) in seen.findings.values_mut() {
            if gone.contains(&finding.origin.block) {
                *status = FindingStatus::Retracted;
            }
        }
        seen.coverage.retain(|row| !gone.contains(&row.block));
        seen.undo.retain(|undo| !gone.contains(&undo.block));
        self.samples.retain(|(_, _, number), _| !gone.iter().any(|b| b.number == *number));
        for finding in &step.findings {
            let found = (finding.clone(), FindingStatus::Tentative);
            seen.findings.insert(finding.id, found);
        }
        for block in &step.samples {
            for sample in &block.samples {
                let key = (sample.series.as_ref().clone(), sample.at.0, block.block.number);
                self.samples.insert(key, sample.value);
            }
        }
        for row in &step.coverage {
            seen.coverage.retain(|known| known.block != row.block);
            seen.coverage.push(row.clone());
        }
        seen.coverage.sort_by_key(|row| row.block);
        for change in &step.state {
            put(&mut seen.state, &change.entries);
            seen.undo.extend(change.undo.clone());
        }
        if let Some(block) = step.finalized {
            seen.finalized = Some(block);
            for (finding, status) in seen.findings.values_mut() {
                let is_final = finding.origin.block.number <= block.number;
                if is_final && *status == FindingStatus::Tentative {
                    *status = FindingStatus::Confirmed;
                }
            }
        }
        if let Some(finalized) = seen.finalized {
            seen.undo.retain(|undo| undo.block.number > finalized.number);
        }
        seen.undo.sort_by_key(|undo| undo.block);
        for alert in &step.alerts {
            seen.alerts.insert(alert.id, alert.clone());
        }
        seen.notifications.extend(step.inputs.iter().map(|input| heard(&input.json).id));
        seen.decisions += step.decisions.len() as u64;
    }

    pub(crate) fn seen(&self) -> Seen {
        let mut seen = self.seen.clone();
        // Ascending by block, so that the highest block's point is the second's.
        for ((key, at, _), value) in &self.samples {
            seen.points.insert((key.clone(), *at), *value);
        }
        seen
    }
}
