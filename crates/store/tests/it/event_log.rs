//! One contract, every implementation.

use std::sync::Arc;

use bellwether_store::{
    CANONICAL_BLOCKS_MAX, CanonicalTail, EventLog, MemoryLog, QuarantinedBlock, Store, StoreError,
    TailBlock,
};
use expect_test::expect;
use model::{B256, BlindReason, BlockRef, ChainEvent, Name, Position};
use proptest::prelude::*;

use crate::world::{Op, World, block, bundle, hash, name};

fn committed(network: &Name, number: u64) -> ChainEvent {
    let bundle = bundle(network, block(number, number + 1), hash(number));
    ChainEvent::Committed(Arc::new(bundle))
}

fn events(network: &Name, numbers: std::ops::Range<u64>) -> Vec<ChainEvent> {
    numbers.map(|number| committed(network, number)).collect()
}

fn all(log: &dyn EventLog, network: &Name) -> Vec<ChainEvent> {
    let from = log.start(network).unwrap();
    log.read(network, from, usize::MAX).unwrap().into_iter().map(|(_, event)| event).collect()
}

/// What every event log must do. `make` gives a log without events.
fn event_log_contract<L: EventLog>(make: impl Fn() -> L) {
    an_empty_log_is_empty(&make());
    events_come_back_in_order_at_gapless_positions(&make());
    a_read_beyond_the_end_is_empty(&make());
    a_batch_is_appended_whole_or_not_at_all(&make());
    networks_are_independent(&make());
    retention_removes_from_the_front_and_never_renumbers(&make());
    readers_see_whole_batches_while_a_writer_appends(&make());
    the_canonical_tail_survives_retention(&make());
    old_blocks_leave_the_tail_unless_in_quarantine(&make());
}

fn an_empty_log_is_empty(log: &impl EventLog) {
    let net = name("mainnet");
    assert_eq!(log.start(&net).unwrap(), Position(0));
    assert_eq!(log.end(&net).unwrap(), Position(0));
    assert_eq!(log.read(&net, Position(0), 10).unwrap(), []);
    assert_eq!(log.append(&net, &[]).unwrap(), Position(0));
    assert_eq!(log.networks().unwrap(), []);
    assert_eq!(log.canonical_tail(&net, 10).unwrap(), CanonicalTail::default());
    log.truncate(&net, Position(0)).unwrap();
}

fn events_come_back_in_order_at_gapless_positions(log: &impl EventLog) {
    let net = name("mainnet");
    let batch = events(&net, 0..5);
    assert_eq!(log.append(&net, &batch[..2]).unwrap(), Position(0));
    assert_eq!(log.append(&net, &batch[2..]).unwrap(), Position(2));
    assert_eq!(log.append(&net, &[]).unwrap(), Position(5), "an empty batch tells the end");
    assert_eq!(log.end(&net).unwrap(), Position(5));
    let read = log.read(&net, Position(1), 3).unwrap();
    let expected: Vec<_> = (1..4).map(|i| (Position(i as u64), batch[i].clone())).collect();
    assert_eq!(read, expected);
    assert_eq!(all(log, &net), batch);
    assert_eq!(log.read(&net, Position(0), 0).unwrap(), []);
}

fn a_read_beyond_the_end_is_empty(log: &impl EventLog) {
    let net = name("mainnet");
    log.append(&net, &events(&net, 0..3)).unwrap();
    for beyond in [3, 4, 1_000_000] {
        assert_eq!(log.read(&net, Position(beyond), 10).unwrap(), []);
    }
}

fn a_batch_is_appended_whole_or_not_at_all(log: &impl EventLog) {
    let net = name("mainnet");
    let mut batch = events(&net, 0..3);
    batch.push(committed(&name("other"), 3));
    let refused = log.append(&net, &batch).unwrap_err();
    assert!(matches!(refused, StoreError::ForeignNetwork { .. }), "{refused}");
    assert_eq!(log.end(&net).unwrap(), Position(0));
    assert_eq!(log.canonical_tail(&net, 10).unwrap(), CanonicalTail::default());
}

fn networks_are_independent(log: &impl EventLog) {
    let (a, b) = (name("a"), name("b"));
    log.append(&b, &events(&b, 7..9)).unwrap();
    log.append(&a, &events(&a, 0..3)).unwrap();
    assert_eq!(log.append(&b, &events(&b, 9..10)).unwrap(), Position(2));
    assert_eq!(log.networks().unwrap(), [a.clone(), b.clone()]);
    assert_eq!(all(log, &a), events(&a, 0..3));
    assert_eq!(all(log, &b), events(&b, 7..10));
    log.truncate(&a, Position(3)).unwrap();
    assert_eq!(all(log, &b), events(&b, 7..10));
    assert_eq!(log.canonical_tail(&b, 10).unwrap().head(), Some(block(9, 10)));
}

fn retention_removes_from_the_front_and_never_renumbers(log: &impl EventLog) {
    let net = name("mainnet");
    let batch = events(&net, 0..6);
    log.append(&net, &batch).unwrap();
    log.truncate(&net, Position(4)).unwrap();
    assert_eq!(log.start(&net).unwrap(), Position(4));
    assert_eq!(log.end(&net).unwrap(), Position(6));
    let read = log.read(&net, Position(4), 10).unwrap();
    assert_eq!(read, [(Position(4), batch[4].clone()), (Position(5), batch[5].clone())]);
    let skipped = log.read(&net, Position(3), 10).unwrap_err().to_string();
    expect!["event log of mainnet begins at position 4; 3 was removed by retention"]
        .assert_eq(&skipped);
    log.truncate(&net, Position(2)).unwrap();
    assert_eq!(log.start(&net).unwrap(), Position(4), "going back does nothing");
    let beyond = log.truncate(&net, Position(7)).unwrap_err().to_string();
    expect!["event log of mainnet ends at position 6, cannot truncate before 7"].assert_eq(&beyond);
    log.truncate(&net, Position(6)).unwrap();
    assert_eq!((log.start(&net).unwrap(), log.end(&net).unwrap()), (Position(6), Position(6)));
    assert_eq!(log.append(&net, &events(&net, 6..7)).unwrap(), Position(6));
}

fn readers_see_whole_batches_while_a_writer_appends(log: &impl EventLog) {
    const BATCHES: u64 = 60;
    const BATCH: u64 = 5;
    let net = name("mainnet");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut at = Position(0);
                while at.0 < BATCHES * BATCH {
                    let end = log.end(&net).unwrap();
                    assert_eq!(end.0 % BATCH, 0, "half a batch was visible");
                    for (position, event) in log.read(&net, at, usize::MAX).unwrap() {
                        assert_eq!(position, at);
                        assert_eq!(event.head().unwrap().number, at.0);
                        at = at.next();
                    }
                    assert!(at >= end, "what was at the end can be read");
                }
            });
        }
        for batch in 0..BATCHES {
            let numbers = batch * BATCH..(batch + 1) * BATCH;
            log.append(&net, &events(&net, numbers)).unwrap();
        }
    });
}

fn the_canonical_tail_survives_retention(log: &impl EventLog) {
    let net = name("mainnet");
    log.append(&net, &events(&net, 0..4)).unwrap();
    let finalized = block(2, 3);
    log.append(&net, &[ChainEvent::Finalized { network: net.clone(), block: finalized }]).unwrap();
    let before = log.canonical_tail(&net, 2).unwrap();
    let tail = |number| TailBlock { block: block(number, number + 1), parent_hash: hash(number) };
    assert_eq!(before.blocks, [tail(2), tail(3)]);
    assert_eq!(before.finalized, Some(finalized));
    log.truncate(&net, Position(5)).unwrap();
    assert_eq!(log.canonical_tail(&net, 2).unwrap(), before);
}

fn old_blocks_leave_the_tail_unless_in_quarantine(log: &impl EventLog) {
    let net = name("mainnet");
    let reason = BlindReason::Unverified("bloom differs".into());
    let quarantined = ChainEvent::Quarantined {
        network: net.clone(),
        block: block(1, 2),
        parent_hash: hash(1),
        reason: reason.clone(),
    };
    log.append(&net, &[committed(&net, 0), quarantined, committed(&net, 2)]).unwrap();
    let far = CANONICAL_BLOCKS_MAX as u64 + 10;
    log.append(&net, &[committed(&net, far)]).unwrap();
    let tail = log.canonical_tail(&net, usize::MAX).unwrap();
    assert_eq!(tail.blocks.len(), 1, "only what lies in the window of the new head");
    let kept = QuarantinedBlock { block: block(1, 2), parent_hash: hash(1), reason };
    assert_eq!(tail.quarantined, [kept]);
    assert_eq!(tail.quarantined_total, 1);
}

#[test]
fn the_memory_log_keeps_the_contract() {
    event_log_contract(MemoryLog::new);
}

#[test]
fn the_embedded_log_keeps_the_contract_in_memory() {
    event_log_contract(|| Store::in_memory().unwrap().event_log());
}

#[test]
fn the_embedded_log_keeps_the_contract_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    event_log_contract(|| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Store::open(directory.path().join(format!("{n}.db"))).unwrap().event_log()
    });
}

#[test]
fn reopening_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    let mut world = World::new("mainnet");
    let ops = [Op::Commit(1), Op::Commit(2), Op::Quarantine, Op::Revert(1), Op::Commit(0)];
    let batch: Vec<ChainEvent> = ops.into_iter().map(|op| world.step(op).0).collect();
    let store = Store::open(&path).unwrap();
    store.event_log().append(&world.network, &batch).unwrap();
    store.event_log().truncate(&world.network, Position(1)).unwrap();
    let tail = store.event_log().canonical_tail(&world.network, 100).unwrap();
    drop(store);

    let log = Store::open(&path).unwrap().event_log();
    assert_eq!(all(&log, &world.network), batch[1..]);
    assert_eq!(log.start(&world.network).unwrap(), Position(1));
    assert_eq!(log.end(&world.network).unwrap(), Position(5));
    assert_eq!(log.canonical_tail(&world.network, 100).unwrap(), tail);
}

#[test]
fn the_newest_events_are_listed_without_their_bodies() {
    let log = Store::in_memory().unwrap().event_log();
    let net = name("mainnet");
    log.append(&net, &events(&net, 0..3)).unwrap();
    let ancestor = block(1, 2);
    let undone = vec![block(2, 3)];
    log.append(&net, &[ChainEvent::Reverted { network: net.clone(), undone, ancestor }]).unwrap();
    let newest: Vec<String> = log
        .newest(&net, 3)
        .unwrap()
        .iter()
        .map(|event| format!("{} {} {}", event.position.0, event.kind, event.block.number))
        .collect();
    expect!["3 reverted 1, 2 committed 2, 1 committed 1"].assert_eq(&newest.join(", "));
}

/// The tail in the plainest way: a fold over all events.
fn fold(events: &[ChainEvent], n: usize) -> CanonicalTail {
    let mut chain: Vec<(BlockRef, B256, Option<BlindReason>)> = Vec::new();
    let mut finalized = None;
    for event in events {
        match event {
            ChainEvent::Committed(bundle) => {
                chain.push((bundle.block_ref(), bundle.header.parent_hash, None));
            }
            ChainEvent::Quarantined { block, parent_hash, reason, .. } => {
                chain.push((*block, *parent_hash, Some(reason.clone())));
            }
            ChainEvent::Reverted { undone, .. } => {
                chain.retain(|(block, ..)| !undone.contains(block));
            }
            ChainEvent::Finalized { block, .. } => finalized = Some(*block),
            ChainEvent::Recovered(bundle) => {
                for (block, _, reason) in &mut chain {
                    if *block == bundle.block_ref() {
                        *reason = None;
                    }
                }
            }
        }
    }
    let in_quarantine = chain.iter().filter_map(|(block, parent_hash, reason)| {
        let (block, parent_hash, reason) = (*block, *parent_hash, reason.clone()?);
        Some(QuarantinedBlock { block, parent_hash, reason })
    });
    let quarantined: Vec<_> = in_quarantine.collect();
    let blocks = chain[chain.len().saturating_sub(n)..]
        .iter()
        .map(|(block, parent_hash, _)| TailBlock { block: *block, parent_hash: *parent_hash })
        .collect();
    CanonicalTail {
        blocks,
        finalized,
        quarantined_total: quarantined.len() as u64,
        quarantined: quarantined.into_iter().take(n).collect(),
    }
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0u8..4).prop_map(Op::Commit),
        1 => Just(Op::Quarantine),
        1 => Just(Op::Recover),
        3 => (1u8..5).prop_map(Op::Revert),
        1 => (0u8..6).prop_map(Op::Finalize),
    ];
    prop::collection::vec(op, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_canonical_tail_equals_a_fold_over_all_events(ops in ops(), n in 0usize..30, cut: u16) {
        let mut world = World::new("mainnet");
        let events: Vec<ChainEvent> = ops.into_iter().map(|op| world.step(op).0).collect();
        let cut = usize::from(cut) % events.len();
        let (memory, embedded) = (MemoryLog::new(), Store::in_memory().unwrap().event_log());
        for log in [&memory as &dyn EventLog, &embedded] {
            log.append(&world.network, &events[..cut]).unwrap();
            log.append(&world.network, &events[cut..]).unwrap();
            prop_assert_eq!(log.canonical_tail(&world.network, n).unwrap(), fold(&events, n));
            prop_assert_eq!(&all(log, &world.network), &events);
        }
    }
}
