//! What reading the ledger costs: by what changed, never by how many blocks there were.

use std::{collections::HashSet, sync::Arc};

use model::{
    Address, BlindMonitor, BlindReason, BlockNumber, BlockRange, CoverageRun, Guards, LedgerRows,
    Name, Roster, RosterDeployment, RosterMonitor,
};

use super::{Entries, Hole, Ledger, Monitors, Reach, Stage, Threat, score};
use crate::{Class, ContractAbi, Deployment};

const MONITORS: u32 = 1_000;
const DEPLOYMENTS: u32 = 10;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn roster() -> Roster {
    Roster {
        deployments: (0..DEPLOYMENTS)
            .map(|at| RosterDeployment {
                label: name(&format!("contract-{at}")),
                address: Address::repeat_byte(at as u8 + 1),
            })
            .collect(),
        monitors: (0..MONITORS)
            .map(|at| RosterMonitor {
                name: name(&format!("monitor-{at}")),
                rule: 1,
                guards: Guards::Some((0..DEPLOYMENTS).collect()),
                is_live_only: false,
            })
            .collect(),
    }
}

/// The same five changes, so many blocks apart: all but the last monitor from the beginning, one
/// blind for a while, a quarantine, everybody.
fn rows(apart: u64) -> LedgerRows {
    let mut before = roster();
    before.monitors.pop();
    let run = |at: u64, version, blind: Vec<BlindMonitor>, quarantine| CoverageRun {
        range: BlockRange { first: at * apart, last: (at + 1) * apart - 1 },
        monitors_version: version,
        blind: Arc::new(blind),
        quarantine,
        endpoints: vec![(name("node-a"), apart)],
    };
    let blind =
        BlindMonitor { monitor: name("monitor-3"), reason: BlindReason::ReadMissing("x".into()) };
    LedgerRows {
        from: 0,
        runs: vec![
            run(0, 1, vec![], None),
            run(1, 1, vec![blind], None),
            run(2, 1, vec![], Some(BlindReason::Unverified("root".into()))),
            run(3, 1, vec![], None),
            run(4, 2, vec![], None),
        ],
        rosters: [(1, Arc::new(before)), (2, Arc::new(roster()))].into(),
        backfilled: vec![],
    }
}

struct Everything(Reach);

impl Monitors for Everything {
    fn reach(&self, _: u32) -> &Reach {
        &self.0
    }
    fn stage(&self, _: u32, _: &Deployment) -> Stage {
        Stage::Page
    }
    fn start(&self, _: u32, deployment: &Deployment) -> Option<BlockNumber> {
        deployment.first_block
    }
}

fn deployment(at: u32) -> Deployment {
    Deployment {
        label: name(&format!("contract-{at}")),
        network: name("mainnet"),
        address: Address::repeat_byte(at as u8 + 1),
        protocol: None,
        class: Class::Vault,
        abi: Arc::new(ContractAbi::from_solidity(["function withdraw(uint256 amount)"]).unwrap()),
        abi_known: true,
        first_block: Some(0),
        value_at_risk: None,
        token: None,
        oracle: None,
    }
}

/// All holes of all monitors in units of `apart`, and how many ledgers the score had to make.
fn read(apart: u64) -> (Vec<Vec<(u64, u64)>>, usize) {
    let (rows, roster) = (rows(apart), roster());
    let deployments: Vec<Deployment> = (0..DEPLOYMENTS).map(deployment).collect();
    let everything = Everything(Reach {
        entries: Entries::All,
        topics: vec![],
        money: true,
        feeds: false,
        threats: vec![Threat::Misuse, Threat::Drain],
    });
    let ledger = Ledger::new(&rows, &roster);
    let in_units = |hole: Hole| (hole.range.first / apart, (hole.range.last + 1) / apart);
    let holes = (0..MONITORS)
        .map(|monitor| ledger.holes_of(monitor, |_| Some(0)).into_iter().map(in_units).collect())
        .collect();
    let score = score(&ledger, &roster, &deployments.iter().collect::<Vec<_>>(), &everything);
    let ledgers = score.deployments.iter().flat_map(|of| &of.monitors);
    let distinct: HashSet<_> = ledgers.map(|(_, ledger)| Arc::as_ptr(ledger)).collect();
    (holes, distinct.len())
}

#[test]
fn a_thousand_monitors_on_ten_contracts_are_read_by_what_changed() {
    let (short, ledgers) = read(10);
    assert_eq!(ledgers, MONITORS as usize, "contracts that were watched alike are looked at once");
    assert_eq!(short[0], [(2, 3)], "the quarantine");
    assert_eq!(short[3], [(1, 2), (2, 3)], "and its blindness");
    assert_eq!(short[MONITORS as usize - 1], [(0, 2), (2, 3), (3, 4)], "all before it came");
    // Billions of blocks say the same, in the same number of ranges: were there anything for each
    // block, this would not end.
    assert_eq!(read(4_000_000_000), (short, ledgers));
}
