//! Wrong, empty, foreign and broken answers: never "no matches", never the end.

use bellwether_chain::{NetworkStatus, config::TraceMode, follow::Condition};
use model::{ChainEvent, TxStatus};
use serde_json::{Value, json};

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config, is_recovery},
    synthetic::{Tx, World},
};

/// Follows blocks 1 to 10 of one endpoint that answers wrongly three times, then rightly, and
/// expects every block in order, each once.
async fn survives_at(method: &'static str, number: u64, reply: Reply) -> NetworkStatus {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at(method, number, 3, reply);
    let mut settings = config(vec![node.config("a")]);
    settings.limits.attempts_max = 10;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
    rig.until_status(|status| status.told.is_some_and(|told| told.block == tip)).await
}

#[tokio::test]
async fn a_well_behaved_node_is_followed_to_its_head_with_all_that_happened() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
    for bundle in rig.bundles() {
        let statuses: Vec<_> = bundle.transactions.iter().map(|tx| tx.status).collect();
        assert_eq!(statuses, [TxStatus::Success, TxStatus::Failed, TxStatus::Success]);
        let logs: Vec<_> = bundle.transactions.iter().map(|tx| tx.logs.len()).collect();
        assert_eq!(logs, [1, 0, 1]);
    }
    let tip = world.grow(tip, 0, 2);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn an_error_inside_http_200_loses_no_block() {
    let error = Reply::Error(-32000, "upstream is busy");
    survives_at("eth_getBlockReceipts", 5, error.clone()).await;
    survives_at("eth_getBlockByNumber", 5, error).await;
}

#[tokio::test]
async fn a_null_block_at_the_head_is_waited_for() {
    survives_at("eth_getBlockByNumber", 10, Reply::Result(Value::Null)).await;
}

#[tokio::test]
async fn null_receipts_are_waited_for() {
    survives_at("eth_getBlockReceipts", 10, Reply::Result(Value::Null)).await;
    survives_at("eth_getBlockReceipts", 5, Reply::Result(Value::Null)).await;
}

#[tokio::test]
async fn empty_receipts_are_no_quiet_block() {
    survives_at("eth_getBlockReceipts", 5, Reply::Result(json!([]))).await;
}

#[tokio::test]
async fn receipts_of_another_block_are_refused() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let foreign = world.at(tip, 4).unwrap().receipts.clone();
    drop(world);
    survives_at("eth_getBlockReceipts", 5, Reply::Result(foreign)).await;
}

#[tokio::test]
async fn receipts_without_their_logs_are_refused_by_the_bloom() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let mut receipts = world.at(tip, 5).unwrap().receipts.clone();
    for receipt in receipts.as_array_mut().unwrap() {
        receipt["logs"] = json!([]);
    }
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 5, usize::MAX, Reply::Result(receipts));
    let mut rig = Rig::start(config(vec![node.config("a")]));
    let event = rig.until(|event| matches!(event, ChainEvent::Quarantined { .. })).await;
    let ChainEvent::Quarantined { block, reason, .. } = event else { unreachable!() };
    assert_eq!(block.number, 5);
    assert!(reason.to_string().contains("bloom"), "{reason}");
    rig.until_head(tip).await;
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    survives_at("eth_getBlockReceipts", 5, Reply::WrongId).await;
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    for body in ["<html>502 Bad Gateway</html>", "", r#"{"jsonrpc":"2.0","id":1,"result":[{"#] {
        survives_at("eth_getBlockReceipts", 5, Reply::Body(body)).await;
    }
}

#[tokio::test]
async fn a_block_that_was_not_asked_for_is_refused() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 4);
    let other = world.at(tip, 4).unwrap();
    let status = survives_at("eth_getBlockByNumber", 5, Reply::Result(other.full.clone())).await;
    let expected = format!("asked for block 5, got block {}", other.at);
    assert_eq!(status.endpoints[0].last_error, Some(expected));
}

#[tokio::test]
async fn a_header_that_does_not_hash_to_its_name_is_refused() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let mut forged = world.at(tip, 5).unwrap().full.clone();
    forged["timestamp"] = json!("0x1");
    survives_at("eth_getBlockByNumber", 5, Reply::Result(forged)).await;
}

/// Poisons block 5, expects the chain to go on without it, heals, and expects it to come back.
async fn is_quarantined_and_recovers(
    poison: impl Fn(&FaultyEndpoint, &World, model::BlockRef),
) -> Rig {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    poison(&node, &world, tip);
    let mut settings = config(vec![node.config("a")]);
    settings.limits.response_bytes_max = 60_000;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    assert_eq!(rig.quarantined(), [5]);
    assert_eq!(rig.chain()[1..], world.chain(tip, 2), "the chain goes on, hash by hash");
    let status = rig.until_status(|status| status.quarantined.len() == 1).await;
    assert_eq!(status.quarantined[0].link.block, world.at(tip, 5).unwrap().at);

    node.heal();
    let ChainEvent::Recovered(bundle) = rig.until(is_recovery).await else { unreachable!() };
    assert_eq!(bundle.block_ref(), world.at(tip, 5).unwrap().at);
    assert_eq!(bundle.transactions.len(), 3);
    let mut judged = rig.committed();
    judged.sort();
    assert_eq!(judged, world.chain(tip, 1), "every block was judged in the end, each once");
    rig.until_status(|status| status.quarantined.is_empty()).await;
    rig
}

#[tokio::test]
async fn a_block_with_a_broken_transaction_is_quarantined_and_recovers() {
    let rig = is_quarantined_and_recovers(|node, world, tip| {
        let mut broken = world.at(tip, 5).unwrap().full.clone();
        broken["transactions"][1]["value"] = json!("zero");
        node.fault_at("eth_getBlockByNumber", 5, usize::MAX, Reply::Result(broken.clone()));
        node.fault_at("eth_getBlockByHash", 5, usize::MAX, Reply::Result(broken));
    })
    .await;
    let reason = rig.told().into_iter().find(|told| told.starts_with("quarantined")).unwrap();
    assert!(reason.contains("cannot read block"), "{reason}");
}

#[tokio::test]
async fn a_block_without_a_readable_header_is_named_by_its_child_and_recovers() {
    is_quarantined_and_recovers(|node, _, _| {
        node.poison_block(5, Reply::Result(json!({ "number": "five" })));
    })
    .await;
}

#[tokio::test]
async fn a_broken_log_is_quarantined_and_recovers() {
    is_quarantined_and_recovers(|node, world, tip| {
        let mut broken = world.at(tip, 5).unwrap().receipts.clone();
        broken[0]["logs"][0]["topics"] = json!("none");
        node.fault_at("eth_getBlockReceipts", 5, usize::MAX, Reply::Result(broken));
    })
    .await;
}

#[tokio::test]
async fn an_oversize_block_is_quarantined_and_recovers() {
    let announced = Reply::Result(json!(["x".repeat(100_000)]));
    for oversize in [announced, Reply::Endless(100_000)] {
        let rig = is_quarantined_and_recovers(|node, _, _| {
            node.fault_at("eth_getBlockReceipts", 5, usize::MAX, oversize.clone());
        })
        .await;
        let reason = rig.told().into_iter().find(|told| told.starts_with("quarantined")).unwrap();
        assert!(reason.contains("answer is larger than 60000 bytes"), "{reason}");
    }
}

#[tokio::test]
async fn an_error_for_one_block_only_is_quarantined_and_recovers() {
    is_quarantined_and_recovers(|node, _, _| {
        let error = Reply::Error(-32000, "cannot read that one");
        node.fault_at("eth_getBlockReceipts", 5, usize::MAX, error);
    })
    .await;
}

#[tokio::test]
async fn a_poisoned_block_at_the_head_is_not_given_up_before_others_are_built_on_it() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 5, usize::MAX, Reply::Result(json!([])));
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(world.at(tip, 4).unwrap().at).await;
    rig.until_status(|_| node.calls_of("eth_getBlockReceipts") > 12).await;
    let is_told =
        |condition: &Condition| matches!(condition, Condition::BlockMissing { number: 5, .. });
    rig.until_status(|status| status.conditions.iter().any(is_told)).await;
    node.heal();
    rig.until_head(tip).await;
    assert!(rig.quarantined().is_empty(), "{:#?}", rig.told());
}

#[tokio::test]
async fn a_log_without_topics_is_delivered() {
    let (world, genesis) = World::new();
    let tip = world.extend(genesis, 0, &[Tx::anonymous(1), Tx::transfer(2)]);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    let bundle = &rig.bundles()[0];
    assert!(bundle.transactions[0].logs[0].topics.is_empty());
    assert_eq!(bundle.transactions[0].logs[0].data.as_ref(), b"anonymous");
    assert_eq!(bundle.transactions[1].logs[0].index, 1);
}

#[tokio::test]
async fn traces_that_never_come_cost_the_traces_but_not_the_block() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 6);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault(|call| match (call.method.as_str(), call.number) {
        ("debug_traceBlockByHash", Some(3)) => Some(Reply::Error(-32000, "trace timeout")),
        _ => None,
    });
    let traces = world.clone();
    node.fault(move |call| {
        let hash = call.params[0].as_str()?.parse().ok()?;
        (call.method == "debug_traceBlockByHash")
            .then(|| Reply::Result(traces.find(hash).unwrap().call_tracer.clone()))
    });
    let mut settings = config(vec![node.config("a")]);
    settings.traces = TraceMode::Auto;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    let traced: Vec<bool> = rig.bundles().iter().map(|bundle| bundle.traces.is_some()).collect();
    assert_eq!(traced, [true, true, false, true, true, true]);
}
