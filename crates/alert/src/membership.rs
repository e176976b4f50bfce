//! Which findings one alert is made of.
//!
//! An alert keeps its first [`FINDINGS_MAX`] findings one by one and counts the rest per block, so
//! that undoing a block undoes exactly the findings on it, however many there were. All of it is in
//! [`Alert`]: nothing here remembers anything else.

use std::collections::HashSet;

use model::{
    Alert, AlertId, AlertState, BlockNumber, BlockRef, Finding, FindingCount, FindingId,
    FindingStatus, FindingSummary, UnixMillis, UnixSeconds,
};

/// Findings that an alert keeps one by one: more than a person opens, and under 32 kB per alert.
pub const FINDINGS_MAX: usize = 256;

/// Blocks whose further findings an alert counts apart, so that they can be undone: on mainnet 13
/// hours of blocks that are not final and each hold findings. Beyond that the two oldest are added
/// up and fall together, with the older one.
pub const COUNTS_MAX: usize = 4_096;

/// A new alert, to which its first finding has yet to be added.
pub(crate) fn open(id: AlertId, fingerprint: String, first: &Finding, now: UnixMillis) -> Alert {
    Alert {
        id,
        fingerprint,
        network: Some(first.network.clone()),
        monitor: first.monitor.clone(),
        deployment: first.deployment.clone(),
        state: AlertState::Retracted,
        severity: first.severity,
        cause: first.clone().into(),
        findings: Vec::new(),
        more: Vec::new(),
        opened_at: first.origin.timestamp,
        last_finding_at: first.origin.timestamp,
        created_at: now,
        told: Default::default(),
    }
}

/// Begins a retracted alert anew with its first finding, which may be in another block now and
/// which has yet to be added.
pub(crate) fn reopen(alert: &mut Alert, first: &Finding) {
    alert.cause = first.clone().into();
    alert.opened_at = first.origin.timestamp;
}

/// The newest finding that stands in `block` or before it: its block and time.
///
/// A block can be judged late, so "the alert's last finding" depends on where one looks from.
pub(crate) fn last_before(alert: &Alert, block: BlockNumber) -> Option<(BlockNumber, UnixSeconds)> {
    let kept = alert.findings.iter().filter(|kept| kept.status != FindingStatus::Retracted);
    kept.map(|kept| (kept.block.number, kept.at))
        .chain(alert.more.iter().map(|more| (more.block.number, more.at)))
        .filter(|(number, _)| *number <= block)
        .max()
}

/// Adds a finding that does not stand in the alert yet; `false` when it must be counted instead.
pub(crate) fn keep(alert: &mut Alert, finding: &Finding, findings_max: usize) -> bool {
    alert.findings.retain(|kept| kept.id != finding.id);
    if alert.findings.len() >= findings_max {
        // What left the chain makes room; the store remembers it.
        let is_retracted = |kept: &FindingSummary| kept.status == FindingStatus::Retracted;
        let Some(oldest) = alert.findings.iter().position(is_retracted) else { return false };
        alert.findings.remove(oldest);
    }
    grow(alert, finding.severity, finding.origin.timestamp);
    alert.findings.push(FindingSummary {
        id: finding.id,
        block: finding.origin.block,
        at: finding.origin.timestamp,
        status: FindingStatus::Tentative,
        severity: finding.severity,
    });
    true
}

/// One finding among those that are only counted.
pub(crate) fn counted(finding: &Finding) -> FindingCount {
    FindingCount {
        block: finding.origin.block,
        at: finding.origin.timestamp,
        status: FindingStatus::Tentative,
        severity: finding.severity,
        count: 1,
        digest: digest(finding.id),
    }
}

/// Adds one more finding of the same block to a count.
pub(crate) fn count_in(count: &mut FindingCount, finding: &Finding) {
    count.count += 1;
    count.severity = count.severity.max(finding.severity);
    count.digest ^= digest(finding.id);
}

fn digest(id: FindingId) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&id.0[..8]);
    u64::from_be_bytes(first)
}

/// Adds counted findings; `false` when the alert holds the very same ones already.
pub(crate) fn add_count(alert: &mut Alert, count: FindingCount) -> bool {
    let is_same = |held: &FindingCount| {
        held.block == count.block && held.count == count.count && held.digest == count.digest
    };
    if alert.more.iter().any(is_same) {
        return false;
    }
    grow(alert, count.severity, count.at);
    alert.more.push(count);
    if alert.more.len() > COUNTS_MAX {
        let newer = alert.more.remove(1);
        let older = &mut alert.more[0];
        older.count += newer.count;
        older.severity = older.severity.max(newer.severity);
        older.at = older.at.max(newer.at);
        older.digest ^= newer.digest;
    }
    true
}

fn grow(alert: &mut Alert, severity: model::Severity, at: UnixSeconds) {
    if alert.state == AlertState::Retracted {
        (alert.severity, alert.last_finding_at) = (severity, at);
        alert.state = AlertState::Provisional;
    } else {
        alert.severity = alert.severity.max(severity);
        alert.last_finding_at = alert.last_finding_at.max(at);
    }
}

/// What left an alert.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Findings that were kept one by one.
    pub(crate) kept: Vec<FindingId>,
    /// All of them.
    pub(crate) count: u64,
}

/// Retracts the findings on blocks that left the chain.
pub(crate) fn undo(alert: &mut Alert, undone: &HashSet<BlockRef>) -> Left {
    let mut left = Left::default();
    for kept in &mut alert.findings {
        if kept.status != FindingStatus::Retracted && undone.contains(&kept.block) {
            kept.status = FindingStatus::Retracted;
            left.kept.push(kept.id);
        }
    }
    left.count = left.kept.len() as u64;
    alert.more.retain(|more| {
        let leaves = more.status == FindingStatus::Tentative && undone.contains(&more.block);
        left.count += if leaves { more.count } else { 0 };
        !leaves
    });
    if left.count > 0 {
        sum_up(alert);
    }
    left
}

/// Retracts findings that are kept one by one, whatever their block.
pub(crate) fn withdraw(alert: &mut Alert, findings: &HashSet<FindingId>) -> Left {
    let mut left = Left::default();
    for kept in &mut alert.findings {
        if kept.status != FindingStatus::Retracted && findings.contains(&kept.id) {
            kept.status = FindingStatus::Retracted;
            left.kept.push(kept.id);
        }
    }
    left.count = left.kept.len() as u64;
    if left.count > 0 {
        sum_up(alert);
    }
    left
}

/// Confirms the findings up to a final block; whether there were any.
pub(crate) fn settle(alert: &mut Alert, number: BlockNumber) -> bool {
    let becomes_final = |status: FindingStatus, block: &BlockRef| {
        status == FindingStatus::Tentative && block.number <= number
    };
    let mut changed = false;
    for kept in &mut alert.findings {
        if becomes_final(kept.status, &kept.block) {
            kept.status = FindingStatus::Confirmed;
            changed = true;
        }
    }
    // Final counts need no block of their own any more: one entry holds them all.
    let (settled, open): (Vec<_>, Vec<_>) =
        std::mem::take(&mut alert.more).into_iter().partition(|more| {
            more.status == FindingStatus::Confirmed || becomes_final(more.status, &more.block)
        });
    changed |= settled.iter().any(|more| more.status == FindingStatus::Tentative);
    let sum = settled.into_iter().reduce(|a, b| FindingCount {
        block: a.block.max(b.block),
        at: a.at.max(b.at),
        status: FindingStatus::Confirmed,
        severity: a.severity.max(b.severity),
        count: a.count + b.count,
        digest: a.digest ^ b.digest,
    });
    alert.more = sum
        .map(|sum| FindingCount { status: FindingStatus::Confirmed, ..sum })
        .into_iter()
        .chain(open)
        .collect();
    if changed {
        sum_up(alert);
    }
    changed
}

/// State, severity and last time from the findings that stand. When none does, the latter two stay
/// as they last were.
fn sum_up(alert: &mut Alert) {
    let kept = alert.findings.iter().map(|kept| (kept.status, kept.severity, kept.at));
    let more = alert.more.iter().map(|more| (more.status, more.severity, more.at));
    let standing: Vec<_> =
        kept.chain(more).filter(|(status, ..)| *status != FindingStatus::Retracted).collect();
    alert.state = if standing.is_empty() {
        AlertState::Retracted
    } else if standing.iter().any(|(status, ..)| *status == FindingStatus::Confirmed) {
        AlertState::Confirmed
    } else {
        AlertState::Provisional
    };
    if let Some(severity) = standing.iter().map(|(_, severity, _)| *severity).max() {
        alert.severity = severity;
    }
    if let Some(at) = standing.iter().map(|(.., at)| *at).max() {
        alert.last_finding_at = at;
    }
}

/// Whether a finding of it can still be reverted.
pub(crate) fn is_unsettled(alert: &Alert) -> bool {
    alert.findings.iter().any(|kept| kept.status == FindingStatus::Tentative)
        || alert.more.iter().any(|more| more.status == FindingStatus::Tentative)
}
