//! Which blocks were judged by whom, and why others were not.

use std::sync::Arc;

use model::{
    Address, BlindReason, BlockNumber, BlockRange, BlockRanges, CoverageRun, HoleCause, LedgerRows,
    Name, Roster,
};
use rustc_hash::FxHashMap;

/// Blocks that a monitor should have judged and did not, all for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Blocks.
    pub range: BlockRange,
    /// Why.
    pub cause: HoleCause,
    /// Whether they were tried again by the present rule, with the same result: trying once more
    /// changes nothing before something else changes.
    pub is_tried: bool,
}

/// What one monitor judged of one deployment, by its present rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorLedger {
    /// Blocks that it should have judged; `None` when there is none yet.
    pub scope: Option<BlockRange>,
    /// Blocks that it judged.
    pub judged: BlockRanges,
    /// The rest, ascending.
    pub holes: Vec<Hole>,
}

impl MonitorLedger {
    /// Share of blocks judged; `None` when there is nothing to judge yet.
    pub fn uptime(&self) -> Option<f64> {
        Some(self.judged.blocks() as f64 / self.scope?.blocks() as f64)
    }
}

/// The ledger of one network under its present roster.
#[derive(Debug)]
pub struct Ledger<'a> {
    rows: &'a LedgerRows,
    roster: &'a Roster,
    /// Every roster on record, by name and address.
    past: FxHashMap<u64, Past<'a>>,
    /// Places in [`LedgerRows::backfilled`] by monitor.
    backfilled: FxHashMap<&'a Name, Vec<usize>>,
    /// Blind monitors of each distinct list, by the list's address.
    blind: FxHashMap<*const (), FxHashMap<&'a Name, &'a BlindReason>>,
}

#[derive(Debug)]
struct Past<'a> {
    roster: &'a Roster,
    monitors: FxHashMap<&'a Name, u32>,
    deployments: FxHashMap<Address, u32>,
}

impl<'a> Past<'a> {
    fn new(roster: &'a Roster) -> Self {
        let monitors = roster.monitors.iter().zip(0..).map(|(m, at)| (&m.name, at)).collect();
        let deployments =
            roster.deployments.iter().zip(0..).map(|(d, at)| (d.address, at)).collect();
        Self { roster, monitors, deployments }
    }
}

/// What somebody who was asked about a block would have said.
enum Standing {
    Judged,
    Not(HoleCause),
}

impl<'a> Ledger<'a> {
    /// Puts the rows of a network and its present roster together.
    pub fn new(rows: &'a LedgerRows, roster: &'a Roster) -> Self {
        let past = rows.rosters.iter().map(|(version, roster)| (*version, Past::new(roster)));
        let mut backfilled: FxHashMap<&Name, Vec<usize>> = FxHashMap::default();
        for (at, range) in rows.backfilled.iter().enumerate() {
            backfilled.entry(&range.monitor).or_default().push(at);
        }
        let mut blind = FxHashMap::default();
        for run in &rows.runs {
            blind
                .entry(list_of(run))
                .or_insert_with(|| run.blind.iter().map(|b| (&b.monitor, &b.reason)).collect());
        }
        Self { rows, roster, past: past.collect(), backfilled, blind }
    }

    /// From the first block that was followed to the newest on record.
    pub fn span(&self) -> Option<BlockRange> {
        BlockRange::new(self.rows.runs.first()?.range.first, self.rows.runs.last()?.range.last)
    }

    /// Which endpoints served these blocks, by name, with how many blocks each had served of the
    /// runs that they are in.
    pub fn endpoints(&self, range: BlockRange) -> Vec<(Name, u64)> {
        let mut served: std::collections::BTreeMap<&Name, u64> = Default::default();
        let runs = self.rows.runs.iter().filter(|run| run.range.intersection(range).is_some());
        for (endpoint, blocks) in runs.flat_map(|run| &run.endpoints) {
            *served.entry(endpoint).or_default() += blocks;
        }
        served.into_iter().map(|(name, blocks)| (name.clone(), blocks)).collect()
    }

    /// What a monitor (its place in the roster) judged of a deployment (its place there) from
    /// `start` on; without a start, from the first block that was followed.
    ///
    /// A monitor that only judges the present owes nothing from before it was there.
    pub fn of(
        &self,
        monitor: u32,
        deployment: Option<u32>,
        start: Option<BlockNumber>,
    ) -> MonitorLedger {
        let Some(span) = self.span() else { return MonitorLedger::default() };
        let is_live_only = self.roster.monitors[monitor as usize].is_live_only;
        let mut first = start.unwrap_or(span.first).max(self.rows.from);
        if is_live_only {
            let is_there = |run: &&CoverageRun| {
                !matches!(
                    self.standing(run, monitor, deployment),
                    Standing::Not(
                        HoleCause::AddedLater | HoleCause::RuleChanged | HoleCause::Unrecorded
                    )
                )
            };
            let began = self.rows.runs.iter().find(is_there).map(|run| run.range.first);
            first = first.max(began.unwrap_or(span.last.saturating_add(1)));
        }
        let Some(scope) = BlockRange::new(first, span.last) else {
            return MonitorLedger::default();
        };
        let mut judged = BlockRanges::new();
        let mut holes: Vec<Hole> = Vec::new();
        let mut next = scope.first;
        for run in &self.rows.runs {
            let Some(range) = run.range.intersection(scope) else { continue };
            if let Some(gap) = range.first.checked_sub(1).and_then(|l| BlockRange::new(next, l)) {
                push(&mut holes, gap, HoleCause::NotFollowed, false);
            }
            match self.standing(run, monitor, deployment) {
                Standing::Judged => judged.insert(range),
                Standing::Not(cause) => push(&mut holes, range, cause, false),
            }
            next = range.last.saturating_add(1);
        }
        let mut ledger = MonitorLedger { scope: Some(scope), judged, holes };
        self.fill(monitor, deployment, &mut ledger);
        ledger
    }

    /// What a monitor judged of everything it guards: the holes of all its deployments together.
    /// `start` says from where each deployment (its place in the roster) counts.
    pub fn holes_of(&self, monitor: u32, start: impl Fn(u32) -> Option<BlockNumber>) -> Vec<Hole> {
        let mut holes = Vec::new();
        for (representative, first) in self.classes(monitor, start) {
            for hole in self.of(monitor, representative, first).holes {
                let mut left = BlockRanges::from(hole.range);
                holes.iter().for_each(|known: &Hole| left.remove(known.range));
                let parts = left.iter().map(|range| Hole { range, ..hole.clone() });
                holes.extend(parts.collect::<Vec<_>>());
            }
        }
        holes.sort_by_key(|hole| hole.range);
        holes
    }

    /// Deployments of a monitor that the ledger cannot tell apart, one of each kind. A monitor on a
    /// thousand contracts has one kind, or two.
    fn classes(
        &self,
        monitor: u32,
        start: impl Fn(u32) -> Option<BlockNumber>,
    ) -> Vec<(Option<u32>, Option<BlockNumber>)> {
        let guards = &self.roster.monitors[monitor as usize].guards;
        let mut classes: FxHashMap<(Option<BlockNumber>, Vec<u8>), u32> = FxHashMap::default();
        for (_, at) in self.roster.deployments.iter().zip(0u32..) {
            if guards.contains(at) {
                classes.entry((start(at), self.presence(monitor, at))).or_insert(at);
            }
        }
        if classes.is_empty() {
            return vec![(None, None)];
        }
        let mut classes: Vec<_> =
            classes.into_iter().map(|((first, _), at)| (Some(at), first)).collect();
        classes.sort_unstable();
        classes
    }

    /// In which versions the monitor was on the deployment, and why not in the others: deployments
    /// with equal presence and start have equal ledgers.
    pub(super) fn presence(&self, monitor: u32, deployment: u32) -> Vec<u8> {
        let versions = self.past.keys().copied().collect::<std::collections::BTreeSet<u64>>();
        let of_version = |version| match self.is_present(version, monitor, Some(deployment)) {
            Ok(()) => 0,
            Err(HoleCause::AddedLater) => 1,
            Err(_) => 2,
        };
        versions.into_iter().map(of_version).collect()
    }

    fn standing(&self, run: &CoverageRun, monitor: u32, deployment: Option<u32>) -> Standing {
        if let Some(reason) = &run.quarantine {
            return Standing::Not(HoleCause::Quarantined(reason.clone()));
        }
        if let Err(cause) = self.is_present(run.monitors_version, monitor, deployment) {
            return Standing::Not(cause);
        }
        let name = &self.roster.monitors[monitor as usize].name;
        match self.blind.get(&list_of(run)).and_then(|blind| blind.get(name)) {
            Some(reason) => Standing::Not(HoleCause::Blind((*reason).clone())),
            None => Standing::Judged,
        }
    }

    /// Whether the roster of a version had the monitor, by its present rule, on the deployment.
    fn is_present(
        &self,
        version: u64,
        monitor: u32,
        deployment: Option<u32>,
    ) -> Result<(), HoleCause> {
        let past = self.past.get(&version).ok_or(HoleCause::Unrecorded)?;
        let present = &self.roster.monitors[monitor as usize];
        let at = past.monitors.get(&present.name).ok_or(HoleCause::AddedLater)?;
        let then = &past.roster.monitors[*at as usize];
        if let Some(deployment) = deployment {
            let address = self.roster.deployments[deployment as usize].address;
            let at = past.deployments.get(&address).ok_or(HoleCause::AddedLater)?;
            if !then.guards.contains(*at) {
                return Err(HoleCause::AddedLater);
            }
        }
        if then.rule == present.rule { Ok(()) } else { Err(HoleCause::RuleChanged) }
    }

    /// Closes the holes that were judged afterwards, and says of others why they could not be.
    fn fill(&self, monitor: u32, deployment: Option<u32>, ledger: &mut MonitorLedger) {
        let name = &self.roster.monitors[monitor as usize].name;
        for &at in self.backfilled.get(name).into_iter().flatten() {
            let filled = &self.rows.backfilled[at];
            if self.is_present(filled.monitors_version, monitor, deployment).is_err() {
                continue;
            }
            let mut left = Vec::with_capacity(ledger.holes.len());
            for hole in std::mem::take(&mut ledger.holes) {
                let Some(met) = hole.range.intersection(filled.range) else {
                    left.push(hole);
                    continue;
                };
                let mut rest = BlockRanges::from(hole.range);
                rest.remove(met);
                left.extend(rest.iter().map(|range| Hole { range, ..hole.clone() }));
                match &filled.blind {
                    None => ledger.judged.insert(met),
                    Some(reason) => left.push(Hole {
                        range: met,
                        cause: HoleCause::Blind(reason.clone()),
                        is_tried: true,
                    }),
                }
            }
            ledger.holes = left;
        }
        let mut holes = std::mem::take(&mut ledger.holes);
        holes.sort_by_key(|hole| hole.range);
        for hole in holes {
            push(&mut ledger.holes, hole.range, hole.cause, hole.is_tried);
        }
    }
}

fn push(holes: &mut Vec<Hole>, range: BlockRange, cause: HoleCause, is_tried: bool) {
    match holes.last_mut() {
        Some(last)
            if last.range.last.saturating_add(1) == range.first
                && last.cause == cause
                && last.is_tried == is_tried =>
        {
            last.range.last = range.last;
        }
        _ => holes.push(Hole { range, cause, is_tried }),
    }
}

/// Names a run's list of blind monitors. Equal lists that the store read once are one.
fn list_of(run: &CoverageRun) -> *const () {
    Arc::as_ptr(&run.blind).cast()
}
