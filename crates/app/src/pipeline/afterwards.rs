//! What the judge does beside the order of events: takes in blocks that were judged afterwards, and
//! tells of holes in the ledger.
//!
//! Both go through the judge because it alone holds the alert book: a finding of the past joins the
//! alert it belongs to, and nobody is told twice.

use alert::AlertInput;
use detect::detectors::LedgerLook;
use model::{BackfilledRange, BlockRange, Fact, FactValue, Finding, Name, UnixMillis};
use store::{Audit, Backfill, HoleRecord};

use super::judge::{Judge, JudgeError};
use crate::coverage::{self, HoleGroup};

/// Blocks of the past that were judged, to be committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// All of the blocks.
    pub range: BlockRange,
    /// Who judged which of them, or could not.
    pub ranges: Vec<BackfilledRange>,
    /// What was found in them.
    pub findings: Vec<Finding>,
}

/// What committing it brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Findings that nobody had made before.
    pub findings: usize,
    /// What the pager was told.
    pub inputs: usize,
}

impl Judge {
    /// Takes in blocks that were judged afterwards, in one transaction with everything that follows.
    /// A finding that is on record already is left as it is.
    ///
    /// # Errors
    /// [`JudgeError`]; the judge must be opened anew then.
    pub fn take_filled(&mut self, filled: Filled, now: UnixMillis) -> Result<Taken, JudgeError> {
        let Filled { range, ranges, findings } = filled;
        let ids = findings.iter().map(|finding| finding.id);
        let known = self.in_store(|store| store.findings_on_record(ids))?;
        let mut findings: Vec<Finding> =
            findings.into_iter().filter(|finding| !known.contains(&finding.id)).collect();
        for finding in &mut findings {
            mark(finding, range);
        }
        let mut backfill = Backfill {
            network: self.network().clone(),
            ranges,
            findings: findings.clone(),
            alerts: Vec::new(),
            inputs: Vec::new(),
            decisions: Vec::new(),
        };
        let found = findings.len();
        if found > 0 {
            let network = self.network().clone();
            let mut inputs = vec![AlertInput::Findings { network: network.clone(), findings }];
            let checkpoint = self.in_store(|store| store.checkpoint(&network))?;
            // The blocks are final: what is found in them needs no confirmation to come.
            if let Some(block) = checkpoint.and_then(|checkpoint| checkpoint.finalized) {
                inputs.push(AlertInput::Finalized { network, block });
            }
            let outcome = self.tell(inputs, now);
            backfill.alerts = outcome.alerts;
            backfill.inputs = outcome.inputs;
            backfill.decisions = outcome.decisions;
        }
        self.in_store(|store| store.commit_backfill(&backfill))?;
        Ok(Taken { findings: found, inputs: backfill.inputs.len() })
    }

    /// Looks at the holes of the ledger: notes which are new, changed and closed, tells of those
    /// that have been open for too long, and takes back what was told of those that are closed.
    /// Gives how much the pager was told.
    ///
    /// # Errors
    /// [`JudgeError`]; the judge must be opened anew then.
    pub fn look_at_holes(
        &mut self,
        holes: &[(HoleGroup, Vec<Name>)],
        now: UnixMillis,
    ) -> Result<usize, JudgeError> {
        let network = self.network().clone();
        let open = self.in_store(|store| store.open_holes(&network))?;
        let mut changed = coverage::reconcile(&network, open.clone(), holes, now);
        let findings = self.tell_of(&open, &mut changed, now)?;
        if changed.is_empty() {
            return Ok(0);
        }
        let withdrawn = coverage::withdrawn(&changed);
        let mut inputs = Vec::new();
        if !findings.is_empty() {
            let (network, findings) = (network.clone(), findings.clone());
            inputs.push(AlertInput::Lasting { network, findings });
        }
        if !withdrawn.is_empty() {
            inputs.push(AlertInput::PutRight {
                network: network.clone(),
                findings: withdrawn.clone(),
                how: "the hole is closed: its blocks were judged".to_owned(),
            });
        }
        let outcome = self.tell(inputs, now);
        let audit = Audit {
            network,
            holes: changed,
            findings,
            withdrawn,
            alerts: outcome.alerts,
            inputs: outcome.inputs,
            decisions: outcome.decisions,
        };
        self.in_store(|store| store.commit_audit(&audit))?;
        Ok(audit.inputs.len())
    }

    /// Lets the monitors that are about watching itself look at the open holes that nobody was told
    /// of; notes on the holes what they found.
    fn tell_of(
        &self,
        open: &[HoleRecord],
        changed: &mut Vec<HoleRecord>,
        now: UnixMillis,
    ) -> Result<Vec<Finding>, JudgeError> {
        let network = self.network();
        let checkpoint = self.in_store(|store| store.checkpoint(network))?;
        // Before any block is final there is nothing that a finding about the past could rest on.
        let Some(block) = checkpoint.and_then(|checkpoint| checkpoint.finalized) else {
            return Ok(Vec::new());
        };
        let row = self.in_store(|store| store.coverage(network, block.number, 1))?;
        let at = row.first().and_then(|row| row.timestamp).unwrap_or_default();
        let is_changed = |record: &HoleRecord| {
            record.id.is_some() && changed.iter().any(|other| other.id == record.id)
        };
        let unchanged = open.iter().filter(|record| !is_changed(record)).cloned();
        let mut untold: Vec<HoleRecord> = unchanged
            .chain(changed.iter().cloned())
            .filter(|record| record.finding.is_none() && record.closed_at.is_none())
            .collect();
        let holes: Vec<_> = untold.iter().map(|record| record.hole.clone()).collect();
        let look = LedgerLook { holes: &holes, finalized: (block, at), now };
        let (findings, told) = self.engine().look_at_ledger(network, &look);
        for told in told {
            let record = &mut untold[told.hole];
            record.finding = Some(told.finding);
            let known = changed.iter_mut().find(|other| {
                other.closed_at.is_none() && other.hole == record.hole && other.id == record.id
            });
            match known {
                Some(known) => known.finding = record.finding,
                None => changed.push(record.clone()),
            }
        }
        Ok(findings)
    }
}

/// Says in the finding itself that it was found late.
fn mark(finding: &mut Finding, range: BlockRange) {
    finding.title.push_str(&format!(" (found in back-fill of blocks {range})"));
    let value = FactValue::Text(format!("blocks {range}, judged afterwards"));
    finding.evidence.facts.push(Fact { name: "found in back-fill".to_owned(), value });
}
