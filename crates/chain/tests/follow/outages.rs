//! Silence and refusal: everything comes, later.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bellwether_chain::{
    endpoint::EndpointState,
    follow::{Condition, NetworkStatus},
};

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config},
    synthetic::World,
};

fn state(status: &NetworkStatus, place: usize) -> Option<EndpointState> {
    status.endpoints.get(place).map(|endpoint| endpoint.state)
}

#[tokio::test]
async fn http_503_for_eight_blocks_delays_them_and_loses_none() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    node.fault(|_| Some(Reply::Http(503, None)));
    for _ in 0..8 {
        tip = world.grow(tip, 0, 1);
        node.set_tip(tip);
    }
    rig.until_status(|status| state(status, 0) == Some(EndpointState::Down)).await;
    node.heal();
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
}

#[tokio::test]
async fn http_503_for_the_receipts_of_eight_blocks_alone_holds_the_chain_for_none_of_them() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 15);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        let is_meant = call.method == "eth_getBlockReceipts"
            && call.number.is_some_and(|number| (4..12).contains(&number));
        is_meant.then_some(Reply::Http(503, None))
    });
    let mut settings = config(vec![node.config("a")]);
    // The looks at the head succeed in between, so the outage is not of the whole endpoint.
    settings.timing.poll_interval_ms = 2;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.quarantined(), (4..12).collect::<Vec<_>>());
    node.heal();
    while !rig.cursor.quarantined.is_empty() {
        rig.next().await;
    }
    let mut judged = rig.committed();
    judged.sort();
    assert_eq!(judged, world.chain(tip, 1));
}

#[tokio::test]
async fn twenty_eight_blocks_that_pass_while_the_node_is_down_are_all_delivered() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    node.fault(|_| Some(Reply::Http(502, None)));
    rig.until_status(|status| status.conditions.contains(&Condition::NoEndpoint)).await;
    let tip = world.grow(tip, 0, 28);
    node.set_tip(tip);
    node.heal();
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    let status = rig.until_status(|status| status.conditions.is_empty()).await;
    assert_eq!(status.lag_blocks(), Some(0));
}

#[tokio::test]
async fn an_outage_in_the_middle_of_catching_up_quarantines_nothing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 40);
    let node = FaultyEndpoint::start(&world, tip).await;
    let is_down = Arc::new(AtomicBool::new(false));
    let switch = is_down.clone();
    node.fault(move |call| {
        if call.number == Some(20) && call.method == "eth_getBlockReceipts" {
            switch.store(true, Ordering::Relaxed);
        }
        switch.load(Ordering::Relaxed).then_some(Reply::Error(-32603, "upstream unavailable"))
    });
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_status_or_event(|_| is_down.load(Ordering::Relaxed)).await;
    let asked = node.calls().len();
    while node.calls().len() < asked + 30 {
        tokio::task::yield_now().await;
    }
    node.heal();
    rig.until_head(tip).await;
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn a_node_that_hangs_is_left_for_the_next_one() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let (hanging, healthy) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    hanging.fault(|call| {
        (call.method == "eth_getBlockReceipts" && call.number == Some(6)).then_some(Reply::Hang)
    });
    let mut settings = config(vec![hanging.config("a"), healthy.config("b")]);
    settings.timing.request_timeout_ms = 250;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    let sixth = rig.bundles().into_iter().find(|bundle| bundle.header.number == 6).unwrap();
    assert_eq!(sixth.endpoint.as_str(), "b");
}

#[tokio::test]
async fn a_node_that_hangs_alone_is_asked_again() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 6, 1, Reply::Hang);
    let mut settings = config(vec![node.config("a")]);
    settings.timing.request_timeout_ms = 250;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
}

#[tokio::test]
async fn a_dead_endpoint_costs_nothing_where_another_one_lives() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let (dead, healthy) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    let settings = config(vec![dead.config("a"), healthy.config("b")]);
    drop(dead);
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    let status = rig.until_status(|status| state(status, 0) == Some(EndpointState::Down)).await;
    assert_eq!(state(&status, 1), Some(EndpointState::Up));
    assert!(!status.is_critical());
}

#[tokio::test]
async fn the_preferred_endpoint_is_used_again_when_it_comes_back() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 3);
    let (first, second) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    first.fault(|_| Some(Reply::Http(500, None)));
    let mut rig = Rig::start(config(vec![first.config("a"), second.config("b")]));
    rig.until_head(tip).await;
    assert!(rig.bundles().iter().all(|bundle| bundle.endpoint.as_str() == "b"));
    first.heal();
    rig.until_status(|status| state(status, 0) == Some(EndpointState::Up)).await;
    tip = world.grow(tip, 0, 1);
    first.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.bundles().last().unwrap().endpoint.as_str(), "a");
}
