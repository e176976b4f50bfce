//! One atomic step: everything that follows from a run of chain events.
//!
//! The effects of a step are applied in this order, whatever their order in the struct:
//!
//! 1. the guard: `from` is the stored checkpoint, `checkpoint` lies beyond it;
//! 2. `reverted`: findings of those blocks become retracted; their samples, coverage rows and ways
//!    back are deleted; finality falls back below them, should it have been above;
//! 3. `findings`, `samples`, `coverage`, `state`: what the joining blocks brought;
//! 4. `finalized`: findings up to it become confirmed, ways back up to it are dropped;
//! 5. `alerts`, `decisions`, `inputs`.
//!
//! So one step holds at most one reversal, before the blocks that join. A batch in which a block
//! joins and leaves again is several steps, given to [`Store::commit_all`], which is still one
//! transaction.

use std::collections::BTreeSet;

use model::{
    Alert, BlockCoverage, BlockRef, Decision, Finding, Name, Position, Provenance, Sample,
    StateChange,
};
use rusqlite::Transaction;

use crate::{
    Checkpoint, Input, Store, StoreError, checkpoint, paging,
    records::{alerts, canaries, coverage, findings, state},
    series::{self, SeriesIds},
};

/// The points that judging one block produced: they go when the block goes.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSamples {
    /// The block; for points that an event without a block produced, the head at that time.
    pub block: BlockRef,
    /// Points, at most one per series and second (of several, the last is kept).
    pub samples: Vec<Sample>,
}

/// Everything that follows from the events of one network in `from..checkpoint`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Network.
    pub network: Name,
    /// Position of the first event judged: must be the stored checkpoint (0 before the first step).
    pub from: Position,
    /// Position after the last event judged: the checkpoint from now on.
    pub checkpoint: Position,
    /// Version of the set of monitors that judged.
    pub monitors_version: u64,
    /// Blocks that left the chain, before anything below happened.
    pub reverted: Vec<BlockRef>,
    /// Findings made. One that is on record already takes the new origin and is tentative again.
    pub findings: Vec<Finding>,
    /// Points of time series, by block.
    pub samples: Vec<BlockSamples>,
    /// One row for each block that joined, or left quarantine.
    pub coverage: Vec<BlockCoverage>,
    /// Detector state, in order.
    pub state: Vec<StateChange>,
    /// Newest final block, when finality moved; it never moves down this way.
    pub finalized: Option<BlockRef>,
    /// Alerts that are new or changed, whole.
    pub alerts: Vec<Alert>,
    /// What the pager is told.
    pub inputs: Vec<Input>,
    /// What the alert engine decided, in order.
    pub decisions: Vec<Decision>,
}

/// What a commit changed beyond adding rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Findings that lost their block.
    pub findings_retracted: u64,
    /// Findings that became final.
    pub findings_confirmed: u64,
    /// Whether blocks that had been said to be final were reverted: the network's finality setting
    /// is too weak for it.
    pub finality_broken: bool,
}

impl Step {
    /// A step without effects but the checkpoint's.
    pub fn new(network: Name, from: Position, checkpoint: Position, monitors_version: u64) -> Self {
        Self {
            network,
            from,
            checkpoint,
            monitors_version,
            reverted: Vec::new(),
            findings: Vec::new(),
            samples: Vec::new(),
            coverage: Vec::new(),
            state: Vec::new(),
            finalized: None,
            alerts: Vec::new(),
            inputs: Vec::new(),
            decisions: Vec::new(),
        }
    }
}

impl Store {
    /// Commits one step: all of it, or nothing.
    ///
    /// # Errors
    /// [`StoreError::CheckpointMismatch`] when the step was committed before or another is missing
    /// before it; [`StoreError::CheckpointNotAdvancing`]; [`StoreError::ForeignNetwork`];
    /// [`StoreError::HeightTaken`] when a block joins where another stands.
    pub fn commit(&self, step: &Step) -> Result<CommitReport, StoreError> {
        self.commit_all(std::slice::from_ref(step))
    }

    /// Commits several steps, of one or of several networks, in one transaction.
    ///
    /// # Errors
    /// As [`Store::commit`]; nothing of any step is kept.
    pub fn commit_all(&self, steps: &[Step]) -> Result<CommitReport, StoreError> {
        if steps.is_empty() {
            return Ok(CommitReport::default());
        }
        self.write("commit a step", |tx, series| {
            let mut report = CommitReport::default();
            for step in steps {
                apply(tx, series, step, &mut report)?;
            }
            Ok(report)
        })
    }
}

fn apply(
    tx: &Transaction<'_>,
    series: &mut SeriesIds,
    step: &Step,
    report: &mut CommitReport,
) -> Result<(), StoreError> {
    let network = &step.network;
    let mut finalized = guard(tx, step)?;

    if !step.reverted.is_empty() {
        report.findings_retracted += findings::retract(tx, network, &step.reverted)?;
        // Before the coverage rows go: they tell which block stands below the reverted ones.
        if let Some(fallback) = finality_fallback(tx, step, finalized)? {
            report.finality_broken = true;
            finalized = fallback;
        }
        coverage::delete(tx, network, &step.reverted)?;
        series::delete(tx, network, &step.reverted)?;
        state::drop_undo(tx, network, &step.reverted)?;
    }

    for finding in &step.findings {
        check_network(step, "finding", &finding.network)?;
        findings::upsert(tx, finding)?;
    }
    for block in &step.samples {
        series::append(tx, series, network, block)?;
    }
    for row in &step.coverage {
        check_network(step, "coverage row", &row.network)?;
        coverage::upsert(tx, row)?;
    }
    for change in &step.state {
        check_network(step, "state change", &change.network)?;
        state::apply(tx, change)?;
    }

    if let Some(block) = step.finalized {
        report.findings_confirmed += findings::confirm(tx, network, block.number)?;
        if finalized.is_none_or(|known| known.number <= block.number) {
            finalized = Some(block);
        }
    }
    if let Some(block) = finalized {
        state::drop_undo_up_to(tx, network, block.number)?;
    }

    apply_alerts(tx, &step.alerts, &step.decisions, &step.inputs)?;
    let checkpoint = Checkpoint {
        network: network.clone(),
        position: step.checkpoint,
        monitors_version: step.monitors_version,
        finalized,
    };
    checkpoint::save(tx, &checkpoint)
}

/// Refuses a step that does not continue the last one; returns what was final so far.
fn guard(tx: &Transaction<'_>, step: &Step) -> Result<Option<BlockRef>, StoreError> {
    let (network, from, to) = (step.network.clone(), step.from, step.checkpoint);
    let checkpoint = checkpoint::load(tx, &step.network)?;
    let stored = checkpoint.as_ref().map_or(Position(0), |checkpoint| checkpoint.position);
    if from != stored {
        return Err(StoreError::CheckpointMismatch { network, from, stored });
    }
    if to <= from {
        return Err(StoreError::CheckpointNotAdvancing { network, from, to });
    }
    Ok(checkpoint.and_then(|checkpoint| checkpoint.finalized))
}

/// What is final after a reversal that reaches below finality: the block under the lowest reverted
/// one, if it is on record. `None` when the reversal stays above.
fn finality_fallback(
    tx: &Transaction<'_>,
    step: &Step,
    finalized: Option<BlockRef>,
) -> Result<Option<Option<BlockRef>>, StoreError> {
    let lowest = step.reverted.iter().map(|block| block.number).min();
    let (Some(finalized), Some(lowest)) = (finalized, lowest) else { return Ok(None) };
    if lowest > finalized.number {
        return Ok(None);
    }
    tracing::warn!(
        network = %step.network,
        finalized = finalized.number,
        lowest_reverted = lowest,
        "blocks that were said to be final left the chain"
    );
    match lowest.checked_sub(1) {
        Some(number) => Ok(Some(coverage::block_at(tx, &step.network, number)?)),
        None => Ok(Some(None)),
    }
}

pub(crate) fn apply_alerts(
    tx: &Transaction<'_>,
    alerts: &[Alert],
    decisions: &[Decision],
    inputs: &[Input],
) -> Result<(), StoreError> {
    for alert in alerts {
        alerts::upsert(tx, alert)?;
        if let (Provenance::Canary, Some(network)) = (alert.provenance(), &alert.network) {
            canaries::keep_newest(tx, network)?;
        }
    }
    for decision in decisions {
        alerts::append_decision(tx, decision)?;
    }
    inputs.iter().try_for_each(|input| paging::insert(tx, input).map(drop))
}

fn check_network(step: &Step, what: &'static str, found: &Name) -> Result<(), StoreError> {
    if *found == step.network {
        return Ok(());
    }
    let expected = step.network.clone();
    Err(StoreError::ForeignNetwork { what, expected, found: found.clone() })
}

/// Heights of the reverted blocks, ascending.
pub(crate) fn heights(blocks: &[BlockRef]) -> BTreeSet<u64> {
    blocks.iter().map(|block| block.number).collect()
}
