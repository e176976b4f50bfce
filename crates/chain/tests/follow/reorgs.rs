//! Chains that change their mind: retracted first, told anew after.

use bellwether_chain::{
    config::{Finality, Start},
    follow::{Condition, WaitReason},
};
use model::ChainEvent;

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config, is_revert},
    synthetic::{Tx, World},
};

/// Follows ten blocks, replaces the last `depth` by a branch that is one longer, and expects one
/// retraction before the new blocks.
async fn reorg_of(depth: u64) {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    let ancestor = world.at(old, 10 - depth).unwrap().at;
    let new = world.grow(ancestor, 1, depth + 1);
    node.set_tip(new);
    let event = rig.next().await;
    let mut undone = world.chain(old, ancestor.number + 1);
    undone.reverse();
    let network = event.network().clone();
    assert_eq!(event, ChainEvent::Reverted { network, undone, ancestor });
    rig.until_head(new).await;
    let expected = [world.chain(old, 1), world.chain(new, ancestor.number + 1)].concat();
    assert_eq!(rig.committed(), expected);
    assert_eq!(rig.status.borrow().reorgs, 1);
}

#[tokio::test]
async fn a_reorg_of_two_judged_blocks_retracts_them_and_tells_the_new_ones() {
    reorg_of(2).await;
}

#[tokio::test]
async fn reorgs_of_other_depths_too() {
    for depth in [1, 3, 9] {
        reorg_of(depth).await;
    }
}

#[tokio::test]
async fn a_reorg_to_a_branch_of_the_same_length_is_followed() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    let new = world.grow(world.at(old, 7).unwrap().at, 1, 3);
    node.set_tip(new);
    rig.until_head(new).await;
    assert_eq!(rig.reverts(), 1);
}

#[tokio::test]
async fn a_transaction_that_moves_to_another_block_is_told_in_both() {
    let (world, genesis) = World::new();
    let base = world.grow(genesis, 0, 3);
    let moving = Tx::transfer(777);
    let old = world.extend(base, 0, &[Tx::transfer(1), moving.clone()]);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    let between = world.extend(base, 1, &[Tx::transfer(1)]);
    let new = world.extend(between, 1, &[moving]);
    node.set_tip(new);
    rig.until_head(new).await;
    let hash = rig.bundles()[3].transactions[1].hash;
    let told_in: Vec<_> = rig
        .bundles()
        .iter()
        .filter(|bundle| bundle.transactions.iter().any(|tx| tx.hash == hash))
        .map(|bundle| bundle.block_ref())
        .collect();
    assert_eq!(told_in, [old, new]);
    let is_undone = |event: &ChainEvent| matches!(event, ChainEvent::Reverted { undone, .. } if undone.contains(&old));
    assert!(rig.history.iter().any(is_undone));
}

#[tokio::test]
async fn a_reorg_that_starts_before_the_first_block_we_told_undoes_everything() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut settings = config(vec![node.config("a")]);
    settings.start = Start::Head;
    let mut rig = Rig::start(settings);
    rig.until_head(old).await;
    assert_eq!(rig.committed(), [old]);
    let new = world.grow(world.at(old, 7).unwrap().at, 1, 5);
    node.set_tip(new);
    let event = rig.next().await;
    let ancestor = world.at(new, 9).unwrap().at;
    let network = event.network().clone();
    assert_eq!(event, ChainEvent::Reverted { network, undone: vec![old], ancestor });
    rig.until_head(new).await;
    assert_eq!(rig.chain()[1..], world.chain(new, 10));
}

#[tokio::test]
async fn a_shorter_branch_is_followed_only_after_patience() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut settings = config(vec![node.config("a")]);
    settings.timing.reorg_patience_ms = 300;
    let mut rig = Rig::start(settings);
    rig.until_head(old).await;
    let new = world.grow(world.at(old, 5).unwrap().at, 1, 3);
    node.set_tip(new);
    let contested = |why| move |condition: &Condition| matches!(condition, Condition::Contested { why: w, .. } if *w == why);
    rig.until_status(|status| status.conditions.iter().any(contested(WaitReason::Shorter))).await;
    rig.until_head(new).await;
    assert_eq!(rig.reverts(), 1);
    rig.until_status(|status| status.conditions.is_empty()).await;
}

#[tokio::test]
async fn a_shorter_branch_of_one_endpoint_never_wins_against_another_endpoint() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let (good, bad) =
        (FaultyEndpoint::start(&world, old).await, FaultyEndpoint::start(&world, old).await);
    let mut settings = config(vec![bad.config("bad"), good.config("good")]);
    settings.timing.reorg_patience_ms = 1;
    let mut rig = Rig::start(settings);
    rig.until_head(old).await;
    bad.set_tip(world.grow(world.at(old, 5).unwrap().at, 1, 4));
    rig.until_status(|status| status.endpoints[0].head == Some(9)).await;
    let asked = good.calls().len();
    rig.until_status(|_| good.calls().len() > asked + 20).await;
    let tip = world.grow(old, 0, 1);
    good.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.reverts(), 0);
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn endpoints_that_stay_on_two_forks_do_not_make_us_flap() {
    let (world, genesis) = World::new();
    let shared = world.grow(genesis, 0, 8);
    let (left, right) = (world.grow(shared, 1, 2), world.grow(shared, 2, 3));
    let a = FaultyEndpoint::start(&world, left).await;
    let b = FaultyEndpoint::start(&world, right).await;
    let mut rig = Rig::start(config(vec![a.config("a"), b.config("b")]));
    rig.until_head(right).await;
    let reverts = rig.reverts();
    let asked = a.calls().len();
    rig.until_status(|_| a.calls().len() > asked + 20).await;
    assert_eq!(rig.reverts(), reverts, "the longer fork stays");
    rig.assert_nothing_waits();
    // The other fork becomes the longer one.
    let left = world.grow(left, 1, 2);
    a.set_tip(left);
    rig.until_head(left).await;
    assert_eq!(rig.reverts(), reverts + 1);
}

#[tokio::test]
async fn a_reorg_deeper_than_the_window_stops_us_with_a_critical_status() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 20);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut settings = config(vec![node.config("a")]);
    settings.limits.window_blocks = 4;
    settings.finality = Finality::Blocks(3);
    let mut rig = Rig::start(settings);
    rig.until_head(old).await;
    rig.until_finalized(17).await;
    let new = world.grow(world.at(old, 10).unwrap().at, 1, 15);
    node.set_tip(new);
    let is_below = |condition: &Condition| matches!(condition, Condition::ForkBelowWindow { .. });
    let status = rig.until_status(|status| status.conditions.iter().any(is_below)).await;
    assert!(status.is_critical());
    assert_eq!(rig.reverts(), 0);
    // The chain comes back to what we know.
    let tip = world.grow(old, 0, 10);
    node.set_tip(tip);
    rig.until_head(tip).await;
    rig.until_finalized(27).await;
    rig.until_status(|status| !status.is_critical()).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn undoing_final_blocks_takes_patience_and_leaves_a_critical_status() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut settings = config(vec![node.config("a")]);
    settings.finality = Finality::Blocks(2);
    settings.timing.reorg_patience_ms = 200;
    let mut rig = Rig::start(settings);
    let eighth = world.at(old, 8).unwrap().at;
    rig.until(|event| matches!(event, ChainEvent::Finalized { block, .. } if *block == eighth))
        .await;
    let ancestor = world.at(old, 5).unwrap().at;
    let new = world.grow(ancestor, 1, 8);
    node.set_tip(new);
    let contested = |condition: &Condition| {
        matches!(condition, Condition::Contested { why: WaitReason::UndoesFinal, .. })
    };
    rig.until_status(|status| status.conditions.iter().any(contested)).await;
    let ChainEvent::Reverted { ancestor: told, .. } = rig.until(is_revert).await else {
        unreachable!()
    };
    assert_eq!(told, ancestor);
    rig.until_head(new).await;
    let undone = Condition::FinalUndone { finalized: eighth, ancestor };
    assert!(rig.status.borrow().conditions.contains(&undone));
    assert!(rig.status.borrow().is_critical());
}

#[tokio::test]
async fn a_branch_whose_headers_cannot_be_had_proves_nothing() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    node.fault(|call| {
        (call.method == "eth_getBlockByHash").then_some(Reply::Result(serde_json::Value::Null))
    });
    let new = world.grow(world.at(old, 5).unwrap().at, 1, 8);
    node.set_tip(new);
    rig.until_status(|_| node.calls_of("eth_getBlockByHash") > 10).await;
    assert_eq!(rig.reverts(), 0);
    node.heal();
    rig.until_head(new).await;
    assert_eq!(rig.reverts(), 1);
}

#[tokio::test]
async fn a_quarantined_block_that_is_reorged_away_is_forgotten() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let ninth = world.at(old, 9).unwrap().at.hash;
    node.fault(move |call| {
        let is_ninth = call.params[0].as_str().and_then(|hash| hash.parse().ok()) == Some(ninth);
        (call.method == "eth_getBlockReceipts" && is_ninth)
            .then(|| Reply::Result(serde_json::json!([])))
    });
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    assert_eq!(rig.quarantined(), [9]);
    let new = world.grow(world.at(old, 7).unwrap().at, 1, 5);
    node.set_tip(new);
    rig.until_head(new).await;
    rig.until_status(|status| status.quarantined.is_empty()).await;
    node.heal();
    let asked = node.calls().len();
    rig.until_status(|_| node.calls().len() > asked + 20).await;
    rig.assert_nothing_waits();
}

#[tokio::test]
async fn a_block_named_by_its_child_that_turns_out_to_belong_elsewhere_takes_us_there() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    // Two blocks are replaced, and the first block above them cannot be read: nobody can see that
    // it does not follow ours.
    let ancestor = world.at(old, 8).unwrap().at;
    let new = world.grow(ancestor, 1, 5);
    node.poison_block(11, Reply::Result(serde_json::json!({ "number": "eleven" })));
    node.set_tip(new);
    rig.until_head(new).await;
    assert_eq!(rig.quarantined(), [11]);
    assert_eq!(rig.reverts(), 0);
    node.heal();
    let ChainEvent::Reverted { ancestor: told, undone, .. } = rig.until(is_revert).await else {
        unreachable!()
    };
    assert_eq!(told, ancestor);
    assert_eq!(undone.len(), 5);
    rig.until_head(new).await;
    assert_eq!(rig.chain(), world.chain(new, 1));
    rig.until_status(|status| status.quarantined.is_empty()).await;
}
