//! Resident size of a process that does nothing but judge.

use std::{process::Command, sync::Arc};

use alert::Policy;
use bellwether::pipeline::{Judge, Rules};
use chain::Prove;
use model::{ChainEvent, UnixMillis, UnixSeconds};
use store::{EventLog, Store};

use crate::{
    blocks::{Blocks, bundle, network},
    mix,
    resident::status_mb,
    table::Table,
};

/// Runs this program as the process that is measured.
pub(super) const CHILD: &str = "--memory-child";

/// Monitors, as the goal has them.
const MONITORS: usize = 10_000;

/// Most that may be resident, in MB.
const RESIDENT_MB_MAX: f64 = 300.0;

/// Starts a fresh process and reports what it says of itself.
pub(super) fn measure(table: &mut Table) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg(CHILD).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [before_mb, resident_mb, peak_mb] = figures[..] else { panic!("{text}") };
    table.heading(&format!(
        "memory of a fresh process, {MONITORS} monitors, {} contracts",
        mix::CONTRACTS
    ));
    let label = "resident after judging every block with traces";
    table.single(label, resident_mb, "MB", RESIDENT_MB_MAX, RESIDENT_MB_MAX);
    table.note(&format!(
        "of it {before_mb:.0} MB the recorded blocks, which are in memory throughout; peak {peak_mb:.0} MB"
    ));
}

/// What that process does: the judge of the program on a store in a folder, over all blocks.
pub(super) fn child(blocks: &Blocks) {
    let before_mb = status_mb("VmRSS");
    let prove = Prove::nothing().on_chain(1);
    let registry = {
        let bundles: Vec<_> = blocks.all.iter().map(|block| bundle(block, false, &prove)).collect();
        mix::registry(&bundles)
    };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db")).unwrap();
    let rules = Rules {
        registry,
        monitors: Arc::new(mix::monitors(MONITORS)),
        policy: Arc::new(Policy::default()),
        plan: Arc::new(bellwether::paging::nobody()),
        outside: Arc::default(),
    };
    let mut judge = Judge::open(network(), store.clone(), rules).unwrap();
    for (number, block) in (1..).zip(&blocks.all) {
        let mut bundle = bundle(block, true, &prove);
        bundle.header.number = number;
        bundle.header.timestamp = UnixSeconds(1_700_000_000 + 12 * number);
        let event = ChainEvent::Committed(Arc::new(bundle));
        store.event_log().append(&network(), &[event]).unwrap();
        judge.advance(UnixMillis(1_700_000_000_000)).unwrap();
    }
    println!("{before_mb} {} {}", status_mb("VmRSS"), status_mb("VmHWM"));
}
