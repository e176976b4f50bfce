//! Nodes that lag, go back, or are far apart: nothing moves back, nothing comes twice.

use bellwether_chain::config::Finality;
use serde_json::Value;

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config},
    synthetic::World,
};

#[tokio::test]
async fn a_head_that_goes_back_by_eight_moves_nothing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 20);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    node.set_tip(world.at(tip, 12).unwrap().at);
    rig.until_status(|status| status.endpoints[0].head == Some(12)).await;
    assert_eq!(rig.status.borrow().lag_blocks(), Some(0));
    let tip = world.grow(tip, 0, 1);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert_eq!(rig.reverts(), 0);
}

#[tokio::test]
async fn endpoints_twenty_five_blocks_apart_serve_what_each_of_them_has() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 30);
    let behind = FaultyEndpoint::start(&world, world.at(tip, 5).unwrap().at).await;
    let ahead = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![behind.config("behind"), ahead.config("ahead")]));
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    assert_eq!(rig.reverts(), 0);
    let asked_above_its_head = behind
        .calls()
        .into_iter()
        .filter(|call| call.method == "eth_getBlockByNumber" && call.params[0] != "latest")
        .any(|call| call.number > Some(5));
    assert!(!asked_above_its_head, "nobody is asked for what it cannot have");
}

#[tokio::test]
async fn a_lagging_node_does_not_pass_for_a_deep_reorg() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 40);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    // One of several machines behind the address is 30 blocks behind and answers about every
    // second request: old head, null blocks.
    let lagging = world.at(tip, 10).unwrap();
    let mut dice = 1_u64;
    node.fault(move |call| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let is_its_turn = dice >> 63 == 1;
        let answer = match (call.method.as_str(), call.number) {
            ("eth_getBlockByNumber", _) if call.params[0] == "latest" => lagging.with_hashes(),
            (
                "eth_getBlockByNumber" | "eth_getBlockByHash" | "eth_getBlockReceipts",
                Some(11..),
            ) => Value::Null,
            _ => return None,
        };
        is_its_turn.then_some(Reply::Result(answer))
    });
    let mut tip = tip;
    for _ in 0..5 {
        tip = world.grow(tip, 0, 1);
        node.set_tip(tip);
        rig.until_head(tip).await;
    }
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert_eq!(rig.reverts(), 0);
}

#[tokio::test]
async fn an_old_block_served_in_place_of_a_new_one_is_no_reorg() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 20);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    let old = world.at(tip, 3).unwrap().full.clone();
    node.fault_at("eth_getBlockByNumber", 21, 3, Reply::Result(old));
    let tip = world.grow(tip, 0, 1);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert_eq!(rig.reverts(), 0);
}

#[tokio::test]
async fn a_node_far_below_all_we_remember_says_nothing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 30);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config("a")]);
    settings.limits.window_blocks = 8;
    settings.finality = Finality::Blocks(5);
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    rig.until_finalized(25).await;
    // Resyncing from scratch, on another fork even.
    node.set_tip(world.grow(genesis, 9, 2));
    rig.until_status(|status| status.endpoints[0].head == Some(2)).await;
    let tip = world.grow(tip, 0, 1);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.reverts(), 0);
    assert_eq!(rig.committed(), world.chain(tip, 1));
}
