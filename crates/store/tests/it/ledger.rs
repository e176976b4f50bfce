//! The ledger's ranges against an account of every single block.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_store::{Backfill, Pass, Retention, Step, Store, StoreError};
use model::{
    BackfilledRange, BlindMonitor, BlindReason, BlockCoverage, BlockRange, BlockRef,
    CoverageResult, CoverageRun, Guards, Name, Position, Roster, RosterMonitor, UnixMillis,
};
use proptest::prelude::*;

use crate::world::{block, name, time_of};

/// What may happen to the chain and to the configuration.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// A block joins, judged with these monitors blind (a choice of a few), served by one of two.
    Judge { blind: u8, endpoint: u8 },
    /// A block joins unjudged.
    Quarantine { reason: u8 },
    /// A block in quarantine (the n-th modulo their number) is judged after all.
    Recover(u8),
    /// So many blocks leave.
    Revert(u8),
    /// Other monitors from now on.
    Configure(u8),
    /// All but so many blocks are final.
    Finalize(u8),
    /// Rows older than so many seconds are forgotten.
    Forget(u8),
    /// A monitor judges past blocks, or cannot.
    Backfill { monitor: u8, first: u8, blocks: u8, is_blind: bool },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (0_u8..4, 0_u8..2).prop_map(|(blind, endpoint)| Op::Judge { blind, endpoint }),
        3 => (0_u8..2).prop_map(|reason| Op::Quarantine { reason }),
        3 => any::<u8>().prop_map(Op::Recover),
        3 => (1_u8..6).prop_map(Op::Revert),
        1 => (0_u8..3).prop_map(Op::Configure),
        2 => (0_u8..8).prop_map(Op::Finalize),
        2 => (0_u8..6).prop_map(Op::Forget),
        3 => (0_u8..2, any::<u8>(), 1_u8..9, any::<bool>()).prop_map(
            |(monitor, first, blocks, is_blind)| Op::Backfill { monitor, first, blocks, is_blind }
        ),
    ]
}

/// One block's row, and the same kept by hand.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    block: BlockRef,
    version: u64,
    blind: Vec<BlindMonitor>,
    quarantine: Option<BlindReason>,
    endpoint: Option<Name>,
}

/// Who judged a block afterwards: endpoint and blindness.
type Judged = (u64, Option<Name>, Option<BlindReason>);

struct Account {
    store: Store,
    network: Name,
    position: u64,
    version: u64,
    rows: Vec<Row>,
    finalized: Option<u64>,
    backfilled: BTreeMap<(Name, u64), Judged>,
    /// Lowest height whose row is kept.
    floor: u64,
    /// Heights whose rows came back, below it too: blocks that left quarantine, or that joined in
    /// place of others.
    returned: BTreeSet<u64>,
    /// A block whose row was forgotten left the chain: who had served it is not known any more.
    is_served_unknown: bool,
}

impl Account {
    fn new(store: Store) -> Self {
        let network = name("mainnet");
        let (rows, backfilled) = (Vec::new(), BTreeMap::new());
        Self {
            store,
            network,
            position: 0,
            version: 7,
            rows,
            finalized: None,
            backfilled,
            floor: 0,
            returned: BTreeSet::new(),
            is_served_unknown: false,
        }
    }

    fn blind(choice: u8, number: u64) -> Vec<BlindMonitor> {
        let of = |monitor, reason| BlindMonitor { monitor: name(monitor), reason };
        match choice {
            0 => vec![],
            1 => vec![of("roles", BlindReason::Undecodable("no such event".into()))],
            // Counts that differ from block to block do not tear a range apart.
            2 => vec![of("gas", BlindReason::WarmingUp { seen: number, needed: 50 })],
            _ => vec![
                of("gas", BlindReason::WarmingUp { seen: number, needed: 50 }),
                of("roles", BlindReason::Undecodable("no such event".into())),
            ],
        }
    }

    fn without_counts(blind: &[BlindMonitor]) -> Vec<BlindMonitor> {
        let mut blind = blind.to_vec();
        for one in &mut blind {
            if let BlindReason::WarmingUp { seen, .. } = &mut one.reason {
                *seen = 0;
            }
        }
        blind
    }

    fn coverage(&self, row: &Row) -> BlockCoverage {
        let result = match &row.quarantine {
            Some(reason) => CoverageResult::Quarantined(reason.clone()),
            None => CoverageResult::Judged { monitors_judged: 2, blind: row.blind.clone() },
        };
        BlockCoverage {
            network: self.network.clone(),
            block: row.block,
            timestamp: row.endpoint.is_some().then(|| time_of(row.block.number)),
            endpoint: row.endpoint.clone(),
            monitors_version: row.version,
            result,
        }
    }

    /// Whether a block's row is kept, and not only what it added to the ranges.
    fn has_row(&self, row: &Row) -> bool {
        let number = row.block.number;
        number >= self.floor || self.returned.contains(&number) || row.quarantine.is_some()
    }

    fn apply(&mut self, op: Op) {
        let from = Position(self.position);
        let mut step = Step::new(self.network.clone(), from, from.next(), self.version);
        let next = self.rows.len() as u64 + 100;
        match op {
            Op::Configure(choice) => {
                self.version = u64::MAX - u64::from(choice);
                return;
            }
            Op::Backfill { monitor, first, blocks, is_blind } => {
                return self.backfill(monitor, first, blocks, is_blind);
            }
            Op::Forget(kept_s) => return self.forget(u64::from(kept_s)),
            Op::Judge { blind, endpoint } => self.rows.push(Row {
                block: block(next, self.position + 1),
                version: self.version,
                blind: Self::blind(blind, next),
                quarantine: None,
                endpoint: Some(name(["node-a", "node-b"][usize::from(endpoint)])),
            }),
            Op::Quarantine { reason } => self.rows.push(Row {
                block: block(next, self.position + 1),
                version: self.version,
                blind: vec![],
                quarantine: Some(BlindReason::Unverified(format!("reason {reason}"))),
                endpoint: None,
            }),
            Op::Recover(choice) => {
                let mut waiting: Vec<&mut Row> =
                    self.rows.iter_mut().filter(|row| row.quarantine.is_some()).collect();
                if waiting.is_empty() {
                    return;
                }
                let at = usize::from(choice) % waiting.len();
                let row = &mut *waiting[at];
                (row.quarantine, row.version) = (None, self.version);
                row.endpoint = Some(name("node-b"));
                let row = row.clone();
                self.returned.insert(row.block.number);
                step.coverage.push(self.coverage(&row));
            }
            Op::Revert(depth) => {
                let depth = usize::from(depth).min(self.rows.len());
                let left = self.rows.split_off(self.rows.len() - depth);
                step.reverted = left.iter().rev().map(|row| row.block).collect();
                let height = self.rows.len() as u64 + 100;
                self.backfilled.retain(|(_, number), _| *number < height);
                self.returned.retain(|number| *number < height);
                if self.finalized.is_some_and(|finalized| finalized >= height) {
                    let below = self.rows.last();
                    // A block whose row is gone cannot be named.
                    let is_known = |row: &&Row| self.has_row(row);
                    self.finalized = below.filter(is_known).map(|row| row.block.number);
                }
                self.is_served_unknown |= height < self.floor;
            }
            Op::Finalize(kept) => {
                let Some(at) = self.rows.len().checked_sub(usize::from(kept) + 1) else { return };
                let block = self.rows[at].block;
                step.finalized = Some(block);
                self.finalized = self.finalized.max(Some(block.number));
            }
        }
        if matches!(op, Op::Judge { .. } | Op::Quarantine { .. }) {
            step.coverage.push(self.coverage(self.rows.last().unwrap()));
            self.returned.insert(next);
        }
        self.position += 1;
        self.store.commit(&step).unwrap();
    }

    fn backfill(&mut self, monitor: u8, first: u8, blocks: u8, is_blind: bool) {
        let monitor = name(["roles", "gas"][usize::from(monitor)]);
        let first = 90 + u64::from(first) % (self.rows.len() as u64 + 20);
        let range = BlockRange { first, last: first + u64::from(blocks) - 1 };
        let blind = is_blind.then(|| BlindReason::ReadMissing("balance".into()));
        let backfill = Backfill {
            network: self.network.clone(),
            ranges: vec![BackfilledRange {
                monitor: monitor.clone(),
                monitors_version: self.version,
                range,
                blind: blind.clone(),
                endpoint: None,
            }],
            findings: vec![],
            alerts: vec![],
            inputs: vec![],
            decisions: vec![],
        };
        let committed = self.store.commit_backfill(&backfill);
        if self.finalized.is_none_or(|finalized| range.last > finalized) {
            assert!(matches!(committed, Err(StoreError::NotFinal { .. })), "{committed:?}");
            return;
        }
        committed.unwrap();
        for number in range.first..=range.last {
            let judged = (self.version, None, blind.clone());
            self.backfilled.insert((monitor.clone(), number), judged);
        }
    }

    fn forget(&mut self, kept_s: u64) {
        let limits = Retention { events_s: kept_s, coverage_s: kept_s, ..Retention::default() };
        let pass = self.store.forget(&self.network, &limits, UnixMillis(5)).unwrap();
        // After a row below the floor came back there is no simple account of how many go.
        let Some(finalized) = self.finalized else { return assert_eq!(pass, Pass::default()) };
        let judged = || self.rows.iter().filter(|row| row.quarantine.is_none());
        let is_final = |row: &&Row| row.block.number <= finalized;
        let Some(newest) = judged().filter(|row| self.has_row(row)).rfind(is_final) else { return };
        let before = time_of(newest.block.number).0.saturating_sub(kept_s);
        let is_old =
            |row: &&Row| row.block.number < finalized && time_of(row.block.number).0 < before;
        let last = judged().filter(is_old).map(|row| row.block.number).max();
        let gone = judged().filter(is_old).filter(|row| row.block.number >= self.floor).count();
        if !self.is_served_unknown {
            let told = pass.removed.iter().map(|(_, removed)| *removed).sum::<u64>();
            assert!(told >= gone as u64, "{pass:?}, {gone} expected");
        }
        let stays = |row: &Row| self.returned.contains(&row.block.number) && !is_old(&row);
        self.returned = self.rows.iter().filter(|row| stays(row)).map(|r| r.block.number).collect();
        self.floor = self.floor.max(last.map_or(0, |last| last + 1));
        let kept = self.store.coverage(&self.network, 0, usize::MAX).unwrap();
        let is_kept = |row: &BlockCoverage| {
            row.block.number >= self.floor
                || self.returned.contains(&row.block.number)
                || matches!(row.result, CoverageResult::Quarantined(_))
        };
        assert!(self.is_served_unknown || kept.iter().all(is_kept), "{kept:?}");
    }

    /// The runs that the rows, looked at one by one, make.
    fn runs(&self) -> Vec<CoverageRun> {
        let mut runs: Vec<CoverageRun> = Vec::new();
        for row in &self.rows {
            let number = row.block.number;
            let blind = Self::without_counts(&row.blind);
            let is_alike = |run: &CoverageRun| {
                run.range.last + 1 == number
                    && run.monitors_version == row.version
                    && *run.blind == blind
                    && run.quarantine == row.quarantine
            };
            if !runs.last().is_some_and(is_alike) {
                runs.push(CoverageRun {
                    range: BlockRange::one(number),
                    monitors_version: row.version,
                    blind: blind.into(),
                    quarantine: row.quarantine.clone(),
                    endpoints: vec![],
                });
            }
            let run = runs.last_mut().unwrap();
            run.range.last = number;
            let Some(endpoint) = &row.endpoint else { continue };
            match run.endpoints.iter_mut().find(|(name, _)| name == endpoint) {
                Some((_, blocks)) => *blocks += 1,
                None => run.endpoints.push((endpoint.clone(), 1)),
            }
            run.endpoints.sort();
        }
        runs
    }

    fn check(&self) {
        let ledger = self.store.ledger(&self.network).unwrap();
        let (mut told, mut expected) = (ledger.runs, self.runs());
        if self.is_served_unknown {
            told.iter_mut().chain(&mut expected).for_each(|run| run.endpoints.clear());
        }
        assert_eq!(told, expected);
        let mut told = BTreeMap::new();
        for range in &ledger.backfilled {
            for number in range.range.first..=range.range.last {
                let judged = (range.monitors_version, range.endpoint.clone(), range.blind.clone());
                let before = told.insert((range.monitor.clone(), number), judged);
                assert_eq!(before, None, "ranges of one monitor overlap at {number}");
            }
        }
        assert_eq!(told, self.backfilled);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn the_ledger_is_what_an_account_of_every_block_says(
        ops in prop::collection::vec(op(), 1..90),
    ) {
        let mut account = Account::new(Store::in_memory().unwrap());
        for op in ops {
            account.apply(op);
            account.check();
        }
        let report = account.store.verify().unwrap();
        prop_assert!(report.is_sound(), "{:?}", report.problems);
    }
}

#[test]
fn the_ledger_survives_reopening_and_names_its_rosters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let roster = |monitor: &str| Roster {
        deployments: vec![],
        monitors: vec![RosterMonitor {
            name: name(monitor),
            rule: u64::MAX,
            guards: Guards::All,
            is_live_only: false,
        }],
    };
    let mut account = Account::new(Store::open(&path).unwrap());
    let network = account.network.clone();
    account.store.put_roster(&network, u64::MAX, &roster("roles")).unwrap();
    account.store.put_roster(&network, u64::MAX, &roster("roles")).unwrap();
    account.apply(Op::Judge { blind: 0, endpoint: 0 });
    account.apply(Op::Configure(0));
    account.apply(Op::Judge { blind: 0, endpoint: 0 });
    account.apply(Op::Judge { blind: 0, endpoint: 1 });
    let before = account.store.ledger(&network).unwrap();
    drop(account);
    let store = Store::open(&path).unwrap();
    let ledger = store.ledger(&network).unwrap();
    assert_eq!(ledger, before);
    assert_eq!(ledger.runs.len(), 2);
    // Version 7 judged before anybody kept its roster.
    assert_eq!(ledger.rosters.keys().collect::<Vec<_>>(), [&u64::MAX]);
    assert_eq!(*ledger.rosters[&u64::MAX], roster("roles"));
}
