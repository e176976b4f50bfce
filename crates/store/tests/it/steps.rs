//! One atomic step, and laws over many.

use bellwether_store::{CommitReport, Step, Store, StoreError};
use expect_test::expect;
use model::{AlertState, FindingStatus, NotificationKind, Position, StateUndo};
use proptest::prelude::*;

use crate::{
    event_log::ops,
    seen::{Model, Seen},
    world::{Op, World, alert, block, finding, judge, name, notification, put_alert},
};

fn network() -> model::Name {
    name("mainnet")
}

fn step(from: u64) -> Step {
    Step::new(network(), Position(from), Position(from + 1), 1)
}

#[test]
fn a_step_that_was_committed_is_refused_the_second_time() {
    let store = Store::in_memory().unwrap();
    let mut world = World::new("mainnet");
    let step = judge(&store, &mut world, Op::Commit(2));
    let before = Seen::of(&store, &network());
    let refused = store.commit(&step).unwrap_err();
    assert!(matches!(refused, StoreError::CheckpointMismatch { .. }));
    expect!["step of mainnet begins at position 0, but the checkpoint is 1"]
        .assert_eq(&refused.to_string());
    assert_eq!(Seen::of(&store, &network()), before);
}

#[test]
fn a_step_after_a_missing_one_and_one_that_stands_still_are_refused() {
    let store = Store::in_memory().unwrap();
    let missing = store.commit(&step(1)).unwrap_err().to_string();
    expect!["step of mainnet begins at position 1, but the checkpoint is 0"].assert_eq(&missing);
    let still = Step { checkpoint: Position(0), ..step(0) };
    let still = store.commit(&still).unwrap_err().to_string();
    expect!["step of mainnet does not advance: it begins at position 0 and ends at 0"]
        .assert_eq(&still);
    assert_eq!(store.checkpoint(&network()).unwrap(), None);
}

#[test]
fn a_refused_step_leaves_nothing_of_its_batch_behind() {
    let store = Store::in_memory().unwrap();
    let mut world = World::new("mainnet");
    let (_, first) = world.step(Op::Commit(2));
    let (_, mut second) = world.step(Op::Commit(1));
    second.findings.push(finding(&name("other"), 1, block(0, 1)));
    let refused = store.commit_all(&[first.clone(), second]).unwrap_err();
    assert!(matches!(refused, StoreError::ForeignNetwork { .. }), "{refused}");
    assert_eq!(store.inbox().waiting(1).unwrap(), [], "nobody is told of what was not kept");
    assert_eq!(Seen::of(&store, &network()), Seen::default());

    // The series of the first step were made in the transaction that was rolled back: their ids
    // must not be remembered.
    store.commit(&first).unwrap();
    let mut model = Model::default();
    model.apply(&first);
    assert_eq!(Seen::of(&store, &network()), model.seen());
    assert_eq!(store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn records_of_another_network_are_refused() {
    let store = Store::in_memory().unwrap();
    let foreign = finding(&name("other"), 1, block(0, 1));
    let step = Step { findings: vec![foreign], ..step(0) };
    expect!["finding of network other in a batch of network mainnet"]
        .assert_eq(&store.commit(&step).unwrap_err().to_string());
}

#[test]
fn a_second_block_at_a_height_needs_a_reversal_first() {
    let store = Store::in_memory().unwrap();
    let (_, first) = World::new("mainnet").step(Op::Commit(0));
    store.commit(&first).unwrap();
    let mut other = World::new("mainnet");
    other.position = 1;
    let (_, mut second) = other.step(Op::Commit(0));
    expect![
        "mainnet has block 0 (0x00000000…); 0 (0x00000000…) at the same height came without a reversal"
    ]
    .assert_eq(&store.commit(&second).unwrap_err().to_string());
    second.reverted = vec![first.coverage[0].block];
    store.commit(&second).unwrap();
    let ledger = store.coverage(&network(), 0, 10).unwrap();
    assert_eq!(ledger, second.coverage);
}

fn status(store: &Store, finding: &model::Finding) -> (u64, FindingStatus) {
    let record = store.finding(finding.id).unwrap().unwrap();
    (record.finding.origin.block.number, record.status)
}

#[test]
fn a_finding_is_tentative_then_retracted_then_stands_on_its_new_block_then_is_confirmed() {
    let store = Store::in_memory().unwrap();
    let (a, b) = (block(5, 50), block(6, 60));
    let found = finding(&network(), 1, a);
    store.commit(&Step { findings: vec![found.clone()], ..step(0) }).unwrap();
    assert_eq!(status(&store, &found), (5, FindingStatus::Tentative));

    let report = store.commit(&Step { reverted: vec![a], ..step(1) }).unwrap();
    assert_eq!(report, CommitReport { findings_retracted: 1, ..CommitReport::default() });
    assert_eq!(status(&store, &found), (5, FindingStatus::Retracted));

    let again = finding(&network(), 1, b);
    assert_eq!(again.id, found.id);
    store.commit(&Step { findings: vec![again.clone()], ..step(2) }).unwrap();
    assert_eq!(status(&store, &found), (6, FindingStatus::Tentative));

    // A block of another branch with the same height as the old origin says nothing about it.
    store.commit(&Step { reverted: vec![block(6, 61), a], ..step(3) }).unwrap();
    assert_eq!(status(&store, &found), (6, FindingStatus::Tentative));

    store.commit(&Step { finalized: Some(block(5, 51)), ..step(4) }).unwrap();
    assert_eq!(status(&store, &found), (6, FindingStatus::Tentative));
    let report = store.commit(&Step { finalized: Some(b), ..step(5) }).unwrap();
    assert_eq!(report.findings_confirmed, 1);
    assert_eq!(status(&store, &found), (6, FindingStatus::Confirmed));
}

#[test]
fn a_block_may_join_leave_and_join_again_in_one_transaction() {
    let store = Store::in_memory().unwrap();
    let a = block(5, 50);
    let found = finding(&network(), 1, a);
    let join = |from| Step { findings: vec![found.clone()], ..step(from) };
    let leave = Step { reverted: vec![a], ..step(1) };
    store.commit_all(&[join(0), leave, join(2)]).unwrap();
    assert_eq!(status(&store, &found), (5, FindingStatus::Tentative));
}

#[test]
fn finality_never_moves_down_except_when_the_chain_breaks_it() {
    let store = Store::in_memory().unwrap();
    let mut world = World::new("mainnet");
    for _ in 0..4 {
        store.commit(&world.step(Op::Commit(1)).1).unwrap();
    }
    let at = |number: usize| world.chain[number].at;
    let finalized = || store.checkpoint(&network()).unwrap().unwrap().finalized;
    store.commit(&Step { finalized: Some(at(2)), ..step(4) }).unwrap();
    store.commit(&Step { finalized: Some(at(1)), ..step(5) }).unwrap();
    assert_eq!(finalized(), Some(at(2)));

    let undone = vec![at(3), at(2)];
    let report = store.commit(&Step { reverted: undone.clone(), ..step(6) }).unwrap();
    assert!(report.finality_broken);
    assert_eq!(report.findings_retracted, 2, "one was confirmed: it is void all the same");
    assert_eq!(finalized(), Some(at(1)), "the block below the lowest that left");
    let rows = store.coverage(&network(), 0, 10).unwrap();
    assert_eq!(rows.iter().map(|row| row.block).collect::<Vec<_>>(), [at(0), at(1)]);
    let blocks_with_points = Seen::of(&store, &network()).points.len();
    assert_eq!(blocks_with_points, 3, "one each and a window's, none of the two that left");
    assert_eq!(store.verify().unwrap().problems, [""; 0]);
}

#[test]
fn ways_back_are_kept_oldest_first_and_only_above_finality() {
    let store = Store::in_memory().unwrap();
    let mut world = World::new("mainnet");
    for _ in 0..5 {
        judge(&store, &mut world, Op::Commit(0));
    }
    judge(&store, &mut world, Op::Finalize(3));
    let undo: Vec<StateUndo> = store.detector_state(&network()).unwrap().undo;
    let numbers: Vec<u64> = undo.iter().map(|undo| undo.block.number).collect();
    assert_eq!(numbers, [2, 3, 4]);
}

#[test]
fn alerts_can_change_without_a_step() {
    let store = Store::in_memory().unwrap();
    let alert = alert(&finding(&network(), 1, block(1, 1)), AlertState::Provisional);
    let message = notification(alert.id, NotificationKind::Opened, 0);
    put_alert(&store, &alert, std::slice::from_ref(&message));
    put_alert(&store, &alert, std::slice::from_ref(&message));
    assert_eq!(store.alert(alert.id).unwrap().unwrap().notifications, [message], "it is one");
    assert_eq!(store.checkpoints().unwrap(), []);
}

#[test]
fn networks_have_checkpoints_of_their_own() {
    let store = Store::in_memory().unwrap();
    let (mut a, mut b) = (World::new("a"), World::new("b"));
    judge(&store, &mut a, Op::Commit(1));
    judge(&store, &mut a, Op::Commit(1));
    judge(&store, &mut b, Op::Commit(1));
    let positions: Vec<_> = store
        .checkpoints()
        .unwrap()
        .into_iter()
        .map(|checkpoint| {
            assert_eq!(checkpoint.monitors_version, 1 << 63 | 5, "all 64 bits");
            (checkpoint.network.to_string(), checkpoint.position.0)
        })
        .collect();
    assert_eq!(positions, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(Seen::of(&store, &name("b")).coverage.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_of_steps_in_any_batches_equals_the_model(
        ops in ops(),
        batches in prop::collection::vec(1usize..8, 60),
    ) {
        let store = Store::in_memory().unwrap();
        let mut world = World::new("mainnet");
        let mut model = Model::default();
        let mut ops = ops.into_iter().peekable();
        for size in batches {
            let steps: Vec<Step> = ops.by_ref().take(size).map(|op| world.step(op).1).collect();
            store.commit_all(&steps).unwrap();
            for step in &steps {
                model.apply(step);
            }
            prop_assert_eq!(Seen::of(&store, &world.network), model.seen());
            if ops.peek().is_none() {
                break;
            }
        }
        prop_assert_eq!(store.verify().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn any_fork_tree_ends_where_a_chain_without_orphans_does(ops in ops()) {
        let store = Store::in_memory().unwrap();
        let mut world = World::new("mainnet");
        let steps: Vec<Step> = ops.into_iter().map(|op| world.step(op).1).collect();
        store.commit_all(&steps).unwrap();
        let forked = Seen::of(&store, &world.network);

        let straight = Store::in_memory().unwrap();
        let mut other = World::new("mainnet");
        for block in world.chain {
            let from = Position(other.position);
            let mut step = Step::new(other.network.clone(), from, from.next(), 1 << 63 | 5);
            other.position += 1;
            other.join(block, &mut step);
            straight.commit(&step).unwrap();
        }
        let mut step = Step::new(
            other.network.clone(),
            Position(other.position),
            Position(other.position + 1),
            1 << 63 | 5,
        );
        step.finalized = forked.finalized;
        straight.commit(&step).unwrap();

        let mut forked = forked.standing();
        let straight = Seen::of(&straight, &other.network).standing();
        // A block that left quarantine after it was final is confirmed with the next final block;
        // without orphans there was no waiting.
        for (id, (_, status)) in &mut forked.findings {
            if straight.findings.get(id).is_some_and(|(_, other)| *other == FindingStatus::Confirmed) {
                *status = FindingStatus::Confirmed;
            }
        }
        prop_assert_eq!(forked, straight);
    }
}
