//! What is committed outside the order of events: blocks judged afterwards, and holes.
//!
//! Neither moves a checkpoint. A back-fill may only speak of final blocks, so it never has to be
//! taken back with a reorg; if finality itself breaks, the step that reverts those blocks cuts what
//! was judged afterwards, too.

use std::collections::HashSet;

use model::{Alert, BackfilledRange, BlockNumber, Decision, Finding, FindingId, Name};
use rusqlite::Transaction;

use crate::{
    CommitReport, HoleRecord, Input, Store, StoreError, checkpoint,
    records::{coverage, findings},
    step::apply_alerts,
};

/// Blocks of the past that some monitors judged, with everything that follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Backfill {
    /// Network.
    pub network: Name,
    /// Who judged what, or could not. All of it must be final.
    pub ranges: Vec<BackfilledRange>,
    /// Findings made; one that is on record already is left as it is.
    pub findings: Vec<Finding>,
    /// Alerts that are new or changed, whole.
    pub alerts: Vec<Alert>,
    /// What the pager is told.
    pub inputs: Vec<Input>,
    /// What the alert engine decided, in order.
    pub decisions: Vec<Decision>,
}

/// What a look at the ledger led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Network.
    pub network: Name,
    /// Holes that are new or changed.
    pub holes: Vec<HoleRecord>,
    /// Findings made.
    pub findings: Vec<Finding>,
    /// Findings that hold no longer: their hole is closed.
    pub withdrawn: Vec<FindingId>,
    /// Alerts that are new or changed, whole.
    pub alerts: Vec<Alert>,
    /// What the pager is told.
    pub inputs: Vec<Input>,
    /// What the alert engine decided, in order.
    pub decisions: Vec<Decision>,
}

impl Store {
    /// Commits a back-fill: all of it, or nothing. Committed again, it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFinal`] when a range reaches above the network's newest final block.
    pub fn commit_backfill(&self, backfill: &Backfill) -> Result<CommitReport, StoreError> {
        self.write("commit a back-fill", |tx, _| {
            let network = &backfill.network;
            let finalized = finalized(tx, network)?;
            for range in &backfill.ranges {
                if finalized.is_none_or(|finalized| range.range.last > finalized) {
                    let (network, range) = (network.clone(), range.range);
                    return Err(StoreError::NotFinal { network, range, finalized });
                }
                coverage::insert_backfilled(tx, network, range)?;
            }
            for finding in &backfill.findings {
                if findings::load(tx, finding.id)?.is_none() {
                    findings::upsert(tx, finding)?;
                }
            }
            let findings_confirmed = match finalized {
                Some(finalized) => findings::confirm(tx, network, finalized)?,
                None => 0,
            };
            let Backfill { alerts, decisions, inputs, .. } = backfill;
            apply_alerts(tx, alerts, decisions, inputs)?;
            Ok(CommitReport { findings_confirmed, ..CommitReport::default() })
        })
    }

    /// Commits what a look at the ledger led to: all of it, or nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn commit_audit(&self, audit: &Audit) -> Result<CommitReport, StoreError> {
        self.write("commit a look at the ledger", |tx, _| {
            audit.holes.iter().try_for_each(|hole| coverage::put_hole(tx, hole))?;
            audit.findings.iter().try_for_each(|finding| findings::upsert(tx, finding))?;
            let findings_confirmed = match finalized(tx, &audit.network)? {
                Some(finalized) => findings::confirm(tx, &audit.network, finalized)?,
                None => 0,
            };
            let findings_retracted = findings::withdraw(tx, &audit.withdrawn)?;
            let Audit { alerts, decisions, inputs, .. } = audit;
            apply_alerts(tx, alerts, decisions, inputs)?;
            Ok(CommitReport { findings_confirmed, findings_retracted, finality_broken: false })
        })
    }

    /// Which of these findings are on record, whatever became of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn findings_on_record(
        &self,
        ids: impl IntoIterator<Item = FindingId>,
    ) -> Result<HashSet<FindingId>, StoreError> {
        self.read("look findings up", |tx| {
            let mut known = HashSet::new();
            for id in ids {
                if findings::load(tx, id)?.is_some() {
                    known.insert(id);
                }
            }
            Ok(known)
        })
    }
}

fn finalized(tx: &Transaction<'_>, network: &Name) -> Result<Option<BlockNumber>, StoreError> {
    let checkpoint = checkpoint::load(tx, network)?;
    Ok(checkpoint.and_then(|checkpoint| checkpoint.finalized).map(|block| block.number))
}
