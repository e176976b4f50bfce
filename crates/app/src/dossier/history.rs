//! What happened to a contract: alerts, and changes of what it is and who holds power over it.

use model::{Alert, FindingId, FindingStatus, Severity, UnixSeconds};
use registry::Deployment;
use store::{AlertFilter, FindingFilter, Store, StoreError};

use super::{Known, life::Life};

/// Alerts that a dossier lists; the alerts page has the rest.
pub const ALERTS_LISTED_MAX: usize = 20;

/// Findings that are gone through for changes, newest first.
pub const FINDINGS_READ_MAX: usize = 500;

/// Changes that a dossier lists.
pub(super) const CHANGES_LISTED_MAX: usize = 40;

/// Areas of detectors whose findings are changes of a contract, of its code or of power over it.
const CHANGE_AREAS: [&str; 3] = ["access/", "change/", "deployment/"];

/// What happened to one deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Newest first.
    pub alerts: Vec<Alert>,
    /// Whether there are more.
    pub has_more: bool,
    /// Upgrades, changes of roles and settings, and stages of its life; newest first.
    pub changes: Vec<Change>,
    /// Whether there are more.
    pub has_more_changes: bool,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Block.
    pub block: u64,
    /// Its time, where that is on record.
    pub at: Option<UnixSeconds>,
    /// In a sentence.
    pub what: String,
    /// The finding that told it, when one did.
    pub finding: Option<Found>,
}

/// A finding behind a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: FindingId,
    /// The detector.
    pub detector: String,
    /// How bad.
    pub severity: Severity,
    /// Whether the chain still supports it.
    pub status: FindingStatus,
}

impl History {
    pub(super) fn of(
        deployment: &Deployment,
        life: &Known<Life>,
        store: &Store,
    ) -> Result<Self, StoreError> {
        let label = || Some(deployment.label.clone());
        let filter = AlertFilter { deployment: label(), ..AlertFilter::default() };
        let page = store.alerts(&filter, None, ALERTS_LISTED_MAX)?;
        let filter = FindingFilter { deployment: label(), ..FindingFilter::default() };
        let findings = store.findings(&filter, None, FINDINGS_READ_MAX)?;
        let mut changes = life.yes().map(of_life).unwrap_or_default();
        let is_change = |detector: &str| CHANGE_AREAS.iter().any(|area| detector.starts_with(area));
        let told = findings.items.into_iter().filter(|of| is_change(&of.finding.detector));
        changes.extend(told.map(|record| Change {
            block: record.finding.origin.block.number,
            at: Some(record.finding.origin.timestamp),
            what: record.finding.title,
            finding: Some(Found {
                id: record.finding.id,
                detector: record.finding.detector,
                severity: record.finding.severity,
                status: record.status,
            }),
        }));
        changes.sort_by_key(|change| std::cmp::Reverse(change.block));
        let has_more_changes = findings.next.is_some() || changes.len() > CHANGES_LISTED_MAX;
        changes.truncate(CHANGES_LISTED_MAX);
        Ok(Self { alerts: page.items, has_more: page.next.is_some(), changes, has_more_changes })
    }
}

fn of_life(life: &Life) -> Vec<Change> {
    let change = |block, what| Change { block, at: None, what, finding: None };
    let mut changes = Vec::new();
    if let Some(creator) = &life.creator {
        changes.push(change(creator.block, format!("created by {}", creator.by)));
    }
    for since in &life.moves {
        let moved = since.what;
        let what = format!("{} → {}: {}", moved.from, moved.to, moved.cause);
        changes.push(change(since.block.number, what));
    }
    for delegate in &life.delegates {
        changes.push(change(delegate.block, format!("its {} is {}", delegate.kind, delegate.to)));
    }
    changes
}
