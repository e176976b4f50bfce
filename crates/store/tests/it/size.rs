//! What the ledger costs: by what changes, never by how many watch or for how long.

use std::time::{Duration, Instant};

use bellwether_store::{Step, Store};
use model::{
    BlindMonitor, BlindReason, BlockCoverage, CoverageResult, Guards, Name, Position, Roster,
    RosterDeployment, RosterMonitor,
};

use crate::world::{block, name, time_of};

const DEPLOYMENTS: u32 = 10;

/// Blocks committed together, as while catching up.
const STEP_BLOCKS: u64 = 64;

/// Changes that each history has: someone goes blind and sees again, two blocks are in quarantine,
/// the configuration changes.
const RUNS: usize = 9;

/// What a history took.
#[derive(Debug)]
struct Cost {
    runs: usize,
    bytes: u64,
    roster_bytes: u64,
    writing: Duration,
    reading: Duration,
}

fn roster(monitors: u32) -> Roster {
    Roster {
        deployments: (0..DEPLOYMENTS)
            .map(|at| RosterDeployment {
                label: name(&format!("contract-{at}")),
                address: model::Address::repeat_byte(at as u8),
            })
            .collect(),
        monitors: (0..monitors)
            .map(|at| RosterMonitor {
                name: name(&format!("monitor-{at}")),
                rule: u64::from(at),
                guards: Guards::Some((0..DEPLOYMENTS).collect()),
                is_live_only: false,
            })
            .collect(),
    }
}

/// A history of so many blocks with the same nine changes, judged by so many monitors on ten
/// contracts each.
fn history(monitors: u32, blocks: u64) -> Cost {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let store = Store::open(&path).unwrap();
    let network = name("mainnet");
    let empty_bytes = size_of(&store, folder.path());
    store.put_roster(&network, 1, &roster(monitors)).unwrap();
    store.put_roster(&network, 2, &roster(monitors)).unwrap();
    let roster_bytes = size_of(&store, folder.path()) - empty_bytes;
    let all_blind: Vec<BlindMonitor> = (0..monitors)
        .map(|at| BlindMonitor {
            monitor: name(&format!("monitor-{at}")),
            reason: BlindReason::ReadMissing("price".into()),
        })
        .collect();
    let (tenth, begun) = (blocks / 10, Instant::now());
    let mut steps = Vec::new();
    for number in 0..blocks {
        let result = match number {
            n if n == tenth || n == tenth + 1 => {
                CoverageResult::Quarantined(BlindReason::Unverified(format!("block {n}")))
            }
            n if (2 * tenth..3 * tenth).contains(&n) => {
                CoverageResult::Judged { monitors_judged: 0, blind: all_blind.clone() }
            }
            n if n == 4 * tenth => {
                CoverageResult::Judged { monitors_judged: 0, blind: all_blind[..1].to_vec() }
            }
            _ => CoverageResult::Judged { monitors_judged: monitors, blind: vec![] },
        };
        steps.push(step(&network, number, 1 + u64::from(number >= 5 * tenth), result));
        if steps.len() as u64 == STEP_BLOCKS || number + 1 == blocks {
            store.commit_all(&steps).unwrap();
            steps.clear();
        }
    }
    let writing = begun.elapsed();
    let begun = Instant::now();
    let runs = store.ledger(&network).unwrap().runs.len();
    let reading = begun.elapsed();
    let bytes = size_of(&store, folder.path()) - empty_bytes;
    Cost { runs, bytes, roster_bytes, writing, reading }
}

fn step(network: &Name, number: u64, version: u64, result: CoverageResult) -> Step {
    let is_judged = matches!(result, CoverageResult::Judged { .. });
    let mut step = Step::new(network.clone(), Position(number), Position(number + 1), version);
    step.coverage.push(BlockCoverage {
        network: network.clone(),
        block: block(number, number + 1),
        timestamp: is_judged.then(|| time_of(number)),
        endpoint: is_judged.then(|| name("node-a")),
        monitors_version: version,
        result,
    });
    step
}

/// Bytes of the database as a copy has them, without what a write leaves behind.
fn size_of(store: &Store, folder: &std::path::Path) -> u64 {
    let copy = folder.join("copy.db");
    store.backup_to(&copy).unwrap();
    let bytes = std::fs::metadata(&copy).unwrap().len();
    std::fs::remove_file(copy).unwrap();
    bytes
}

#[test]
fn a_thousand_monitors_on_ten_contracts_cost_the_ledger_what_changes_and_not_what_they_are() {
    let few = history(10, 4_000);
    let many = history(1_000, 4_000);
    let many_longer = history(1_000, 8_000);
    for cost in [&few, &many, &many_longer] {
        let (written, read) = (cost.writing, cost.reading);
        println!("{} bytes, written in {written:?}, read in {read:?}", cost.bytes);
        assert_eq!(cost.runs, RUNS, "ranges are as many as changes");
    }
    // Who the monitors are is written once a version, who was blind once a list (and once in the
    // index that finds it), each in less than 32 bytes a monitor; each of the
    // 4,000 blocks costs the same bytes whether ten or a thousand judged it.
    let of_blocks = |cost: &Cost| cost.bytes - cost.roster_bytes;
    let lists = 1_000 * 2 * 32;
    assert!(of_blocks(&many) <= of_blocks(&few) + lists, "{many:?}, {few:?}");
    let a_block = (many_longer.bytes - many.bytes) as f64 / 4_000.0;
    println!("{a_block:.0} bytes a block");
    assert!(a_block < 200.0, "a row a block, which retention removes: {a_block} bytes");
    assert!(many.roster_bytes < 400_000, "{many:?}");
}
