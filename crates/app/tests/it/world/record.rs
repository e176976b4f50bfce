//! What a run leaves behind, in a form that two runs can be compared in.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Alert, AlertId, AlertState, BlockRef, FindingId, FindingStatus, Name, NotificationState,
};
use store::{AlertFilter, FindingFilter, FindingRecord, PAGE_MAX, Store};

/// Findings and alerts that stand, and the ledger.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Findings that are not retracted: monitor, status, block.
    pub(crate) findings: BTreeMap<FindingId, (Name, &'static str, BlockRef)>,
    /// Alerts that are not retracted: monitor, state, findings that stand.
    pub(crate) alerts: BTreeMap<AlertId, (Name, &'static str, BTreeSet<FindingId>)>,
    /// The blocks of the ledger, with the monitors that were blind on them.
    pub(crate) coverage: Vec<(BlockRef, String)>,
}

impl Record {
    /// Reads it of one network. Monitors whose findings are about the way to the chain instead of
    /// the chain itself (`chain/reorg`) are left out by name.
    pub(crate) fn read(store: &Store, network: &Name, without: &[&str]) -> Self {
        let counts = |monitor: &Name| !without.contains(&monitor.as_str());
        let findings = all_findings(store)
            .into_iter()
            .filter(|r| r.status != FindingStatus::Retracted && counts(&r.finding.monitor))
            .map(|r| {
                let status = match r.status {
                    FindingStatus::Tentative => "tentative",
                    FindingStatus::Confirmed => "confirmed",
                    FindingStatus::Retracted => "retracted",
                };
                (r.finding.id, (r.finding.monitor, status, r.finding.origin.block))
            })
            .collect();
        let alerts = all_alerts(store)
            .into_iter()
            .filter(|a| a.state != AlertState::Retracted && counts(&a.monitor))
            .map(|alert| {
                assert!(alert.more.is_empty(), "the test stays below the limit of kept findings");
                let stand = alert.findings.iter();
                let stand = stand.filter(|f| f.status != FindingStatus::Retracted);
                let stand = stand.map(|f| f.id).collect();
                (alert.id, (alert.monitor, alert.state.as_str(), stand))
            })
            .collect();
        let mut coverage = Vec::new();
        let mut from = 0;
        loop {
            let rows = store.coverage(network, from, PAGE_MAX).unwrap();
            let Some(last) = rows.last() else { break };
            from = last.block.number + 1;
            coverage.extend(rows.iter().map(|row| (row.block, format!("{:?}", row.result))));
        }
        Self { findings, alerts, coverage }
    }
}

/// All findings, retracted ones too.
pub(crate) fn all_findings(store: &Store) -> Vec<FindingRecord> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.findings(&FindingFilter::default(), after, PAGE_MAX).unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// All alerts, retracted ones too.
pub(crate) fn all_alerts(store: &Store) -> Vec<Alert> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.alerts(&AlertFilter::default(), after, PAGE_MAX).unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Asserts that every message in the outbox was delivered.
pub(crate) fn assert_all_delivered(store: &Store) {
    for alert in all_alerts(store) {
        for message in store.alert(alert.id).unwrap().unwrap().notifications {
            let is_delivered = matches!(message.state, NotificationState::Delivered { .. });
            assert!(is_delivered, "{message:?}");
        }
    }
}
