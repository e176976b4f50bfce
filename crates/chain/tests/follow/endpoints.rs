//! What endpoints can do, what they allow, and what they are.

use bellwether_chain::{
    config::{CrossCheck, TraceMode},
    endpoint::EndpointState,
    follow::Condition,
};
use model::BlindReason;

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config},
    synthetic::{CHAIN_ID, World},
};

#[tokio::test]
async fn an_endpoint_on_another_chain_is_never_used() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let (wrong, right) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    wrong.set_chain_id(CHAIN_ID + 1);
    let mut rig = Rig::start(config(vec![wrong.config("wrong"), right.config("right")]));
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    let status =
        rig.until_status(|status| status.endpoints[0].state == EndpointState::WrongChain).await;
    assert_eq!(
        status.endpoints[0].last_error.as_deref(),
        Some("serves chain 1338, the network is chain 1337")
    );
    let methods: Vec<_> = wrong.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["eth_chainId"]);
}

#[tokio::test]
async fn an_endpoint_that_comes_back_on_another_chain_is_left() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    node.fault(|_| Some(Reply::Http(502, None)));
    rig.until_status(|status| status.endpoints[0].state == EndpointState::Down).await;
    node.set_chain_id(1);
    node.set_tip(world.grow(tip, 0, 1));
    node.heal();
    rig.until_status(|status| status.endpoints[0].state == EndpointState::WrongChain).await;
    rig.assert_nothing_waits();
}

#[tokio::test]
async fn a_rate_limited_endpoint_is_left_alone_as_long_as_it_asks() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let (limited, other) =
        (FaultyEndpoint::start(&world, tip).await, FaultyEndpoint::start(&world, tip).await);
    limited.fault_at("eth_getBlockReceipts", 4, 1, Reply::Http(429, Some("600")));
    let mut settings = config(vec![limited.config("a"), other.config("b")]);
    settings.limits.parallel_blocks = 1;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    let served: Vec<_> =
        rig.bundles().iter().map(|bundle| bundle.endpoint.as_str().to_owned()).collect();
    assert_eq!(served, ["a", "a", "a", "b", "b", "b", "b", "b", "b", "b"]);
    let status =
        rig.until_status(|status| status.endpoints[0].state == EndpointState::Resting).await;
    assert!(!status.is_critical());
}

#[tokio::test]
async fn a_short_rate_limit_of_the_only_endpoint_is_sat_out() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 4, 2, Reply::Http(429, Some("0.05")));
    node.fault_at("eth_getBlockReceipts", 8, 1, Reply::Http(503, Some("0.05")));
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
}

#[tokio::test]
async fn our_own_rate_limit_paces_the_requests() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 20);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut endpoint = node.config("a");
    endpoint.requests_per_second = Some(40);
    let started = std::time::Instant::now();
    let mut rig = Rig::start(config(vec![endpoint]));
    rig.until_head(tip).await;
    let allowed = 40.0 + started.elapsed().as_secs_f64() * 40.0;
    assert!((node.calls().len() as f64) <= allowed + 1.0, "{} of {allowed}", node.calls().len());
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn without_receipts_by_block_they_are_fetched_one_by_one_in_batches() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 6);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| {
        (call.method == "eth_getBlockReceipts")
            .then_some(Reply::Error(-32601, "the method eth_getBlockReceipts does not exist"))
    });
    let mut settings = config(vec![node.config("a")]);
    settings.limits.parallel_blocks = 1;
    settings.limits.batch_calls_max = 2;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert_eq!(node.calls_of("eth_getBlockReceipts"), 1, "it is asked once and remembered");
    assert_eq!(node.calls_of("eth_getTransactionReceipt"), 18);
}

#[tokio::test]
async fn without_batches_the_calls_are_made_one_by_one() {
    let bodies = [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch is disabled"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#,
    ];
    for body in bodies {
        let (world, genesis) = World::new();
        let tip = world.grow(genesis, 0, 4);
        let node = FaultyEndpoint::start(&world, tip).await;
        node.refuse_batches(body);
        node.fault(|call| {
            (call.method == "eth_getBlockReceipts").then_some(Reply::Error(-32601, "no"))
        });
        let mut rig = Rig::start(config(vec![node.config("a")]));
        rig.until_head(tip).await;
        assert_eq!(rig.committed(), world.chain(tip, 1));
        assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    }
}

#[tokio::test]
async fn traces_are_taken_in_the_dialect_that_is_offered() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let serve_traces = |node: &FaultyEndpoint, dialect: &'static str| {
        let world = world.clone();
        node.fault(move |call| {
            let block = match dialect {
                "debug_traceBlockByHash" => world.find(call.params[0].as_str()?.parse().ok()?)?,
                _ => world.at(tip, call.number?)?,
            };
            let traces = match dialect {
                "debug_traceBlockByHash" => block.call_tracer.clone(),
                _ => block.parity.clone(),
            };
            (call.method == dialect).then_some(Reply::Result(traces))
        });
    };
    for dialect in ["debug_traceBlockByHash", "trace_block"] {
        let node = FaultyEndpoint::start(&world, tip).await;
        serve_traces(&node, dialect);
        let mut settings = config(vec![node.config("a")]);
        settings.traces = TraceMode::Required;
        let mut rig = Rig::start(settings);
        rig.until_head(tip).await;
        for bundle in rig.bundles() {
            let traces = bundle.traces.as_ref().expect("traces");
            let succeeded: Vec<_> =
                traces.iter().map(|trace| trace.frames[0].error.is_none()).collect();
            assert_eq!(succeeded, [true, false, true], "{dialect}");
        }
    }

    // Nobody offers any: the block comes without, and says so.
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config("a")]);
    settings.traces = TraceMode::Auto;
    let mut rig = Rig::start(settings.clone());
    rig.until_head(tip).await;
    assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_none()));

    // The second endpoint offers what the first one does not.
    let tracing = FaultyEndpoint::start(&world, tip).await;
    serve_traces(&tracing, "debug_traceBlockByHash");
    settings.endpoints.push(tracing.config("b"));
    settings.traces = TraceMode::Required;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.bundles().iter().all(|bundle| bundle.traces.is_some()));
}

#[tokio::test]
async fn no_error_and_no_status_shows_the_url() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at(
        "eth_getBlockReceipts",
        3,
        usize::MAX,
        Reply::Error(-32000, "key secretkey has no access"),
    );
    let gone = FaultyEndpoint::start(&world, tip).await;
    let endpoints = vec![gone.config_with_socket("gone"), node.config_with_socket("a")];
    drop(gone);
    let mut rig = Rig::start(config(endpoints));
    rig.until_head(tip).await;
    let status = rig.until_status(|status| status.endpoints[0].state == EndpointState::Down).await;
    let shown = format!("{status:?} {:?}", rig.history);
    assert!(shown.contains("key <secret> has no access"), "{shown}");
    assert!(!shown.contains("secretkey") && !shown.contains("127.0.0.1"), "{shown}");
}

/// Blocks up to 10 by everybody; block 10 of the first `liars` endpoints is on another fork.
async fn divided(
    liars: usize,
    honest: usize,
) -> (World, model::BlockRef, model::BlockRef, Vec<FaultyEndpoint>) {
    let (world, genesis) = World::new();
    let shared = world.grow(genesis, 0, 9);
    let (lie, truth) = (world.grow(shared, 666, 1), world.grow(shared, 0, 1));
    let mut nodes = Vec::new();
    for place in 0..liars + honest {
        let tip = if place < liars { lie } else { truth };
        nodes.push(FaultyEndpoint::start(&world, tip).await);
    }
    (world, lie, truth, nodes)
}

#[tokio::test]
async fn a_block_that_a_majority_contradicts_is_not_believed() {
    let (world, lie, truth, nodes) = divided(1, 2).await;
    let endpoints = nodes.iter().zip(["liar", "b", "c"]).map(|(node, name)| node.config(name));
    let mut settings = config(endpoints.collect());
    settings.cross_check = Some(CrossCheck { depth_blocks: 0 });
    let mut rig = Rig::start(settings);
    // All three have shown their heads before the last block is asked for.
    rig.until_head(truth).await;
    let liar =
        rig.until_status(|status| status.endpoints[0].state == EndpointState::Distrusted).await;
    assert_eq!(
        liar.endpoints[0].last_error.as_deref(),
        Some("contradicted by a majority about block 10")
    );
    assert!(!rig.chain().contains(&lie));
    assert_eq!(rig.chain(), world.chain(truth, 1));
}

#[tokio::test]
async fn a_block_that_two_endpoints_disagree_about_is_held_and_then_blind() {
    let (world, _, truth, nodes) = divided(1, 1).await;
    let mut settings = config(vec![nodes[0].config("a"), nodes[1].config("b")]);
    settings.cross_check = Some(CrossCheck { depth_blocks: 0 });
    let mut rig = Rig::start(settings);
    rig.until_head(world.at(truth, 9).unwrap().at).await;
    let is_told =
        |condition: &Condition| matches!(condition, Condition::Disagreement { number: 10, .. });
    let status = rig.until_status(|status| status.conditions.iter().any(is_told)).await;
    let told = status.conditions.iter().find(|condition| is_told(condition)).unwrap().to_string();
    assert!(told.contains("a sees 0x") && told.contains("b sees 0x"), "{told}");

    // The dispute outlives the block: others are built on it, on one side.
    let tip = world.grow(truth, 0, 1);
    nodes[1].set_tip(tip);
    let disputed = rig.until(|event| event.head().is_some_and(|head| head.number == 10)).await;
    match disputed {
        model::ChainEvent::Quarantined { reason: BlindReason::Unverified(reason), .. } => {
            assert!(reason.contains("endpoints disagree"), "{reason}");
        }
        other => panic!("{}", crate::rig::brief(&other)),
    }
    // It is settled: everybody sees the same.
    nodes[0].set_tip(tip);
    rig.until_head(tip).await;
    while !rig.cursor.quarantined.is_empty() {
        rig.next().await;
    }
    assert_eq!(rig.chain(), world.chain(tip, 1));
}

#[tokio::test]
async fn a_cross_check_without_a_second_opinion_says_so_and_goes_on() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    let silent = FaultyEndpoint::start(&world, tip).await;
    silent.fault(|_| Some(Reply::Http(500, None)));
    let mut settings = config(vec![node.config("a"), silent.config("b")]);
    settings.cross_check = Some(CrossCheck { depth_blocks: 1 });
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    let is_told = |condition: &Condition| matches!(condition, Condition::NotCrossChecked { .. });
    rig.until_status(|status| status.conditions.iter().any(is_told)).await;
}
