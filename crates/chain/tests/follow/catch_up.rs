//! History, the seam to the present, resuming, ranges.

use bellwether_chain::{
    RawBlock,
    config::{Finality, Start},
    follow::{Condition, Cursor, FollowError, RangeError, range, range_of},
    recorded::{Description, RecordedSource, Recording, record},
};
use model::{ChainEvent, Name, ReadPlan};
use tokio::sync::mpsc;

use crate::{
    faulty::{FaultyEndpoint, Reply},
    rig::{Rig, config, is_revert},
    synthetic::World,
};

#[tokio::test]
async fn the_seam_between_history_and_present_has_no_gap_and_no_duplicate() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 150);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    // The chain grows while we catch up.
    while rig.chain().last() != Some(&tip) {
        rig.next().await;
        if rig.history.len().is_multiple_of(10) && tip.number < 200 {
            tip = world.grow(tip, 0, 3);
            node.set_tip(tip);
        }
    }
    assert!(tip.number >= 180);
    assert_eq!(rig.committed(), world.chain(tip, 1));
    rig.until_status_or_event(|status| status.catching_up.is_none()).await;
}

#[tokio::test]
async fn catching_up_is_told_and_keeps_the_order_when_answers_overtake_each_other() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 40);
    let node = FaultyEndpoint::start(&world, tip).await;
    // Each third block fails once, so that its neighbours overtake it.
    for number in (3..40).step_by(3) {
        node.fault_at("eth_getBlockReceipts", number, 1, Reply::Http(500, None));
    }
    let mut settings = config(vec![node.config("a")]);
    settings.limits.parallel_blocks = 8;
    let mut rig = Rig::start(settings);
    rig.until_status_or_event(|status| status.catching_up.is_some()).await;
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn stopping_anywhere_and_resuming_from_the_cursor_loses_and_repeats_nothing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 60);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut cursor: Option<Cursor> = None;
    let mut told = Vec::new();
    for events in [1, 2, 7, 1, 20, 3] {
        let mut rig = Rig::resume(config(vec![node.config("a")]), cursor.take());
        for _ in 0..events {
            rig.next().await;
        }
        told.extend(rig.committed());
        // What was sent but not taken is not in the cursor, and is told again.
        cursor = Some(rig.kill());
    }
    let mut rig = Rig::resume(config(vec![node.config("a")]), cursor);
    rig.until_head(tip).await;
    told.extend(rig.committed());
    assert_eq!(told, world.chain(tip, 1));
}

#[tokio::test]
async fn a_reorg_while_we_were_away_is_told_when_we_come_back() {
    let (world, genesis) = World::new();
    let old = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, old).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(old).await;
    let cursor = rig.kill();
    let new = world.grow(world.at(old, 6).unwrap().at, 1, 30);
    node.set_tip(new);
    let mut rig = Rig::resume(config(vec![node.config("a")]), Some(cursor));
    let event = rig.next().await;
    assert!(is_revert(&event));
    rig.until_head(new).await;
    assert_eq!(rig.committed(), world.chain(new, 7));
}

#[tokio::test]
async fn quarantined_blocks_are_tried_again_after_a_restart() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 4, usize::MAX, Reply::Result(serde_json::json!([])));
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.until_head(tip).await;
    let cursor = rig.kill();
    assert_eq!(cursor.quarantined.len(), 1);
    node.heal();
    let mut rig = Rig::resume(config(vec![node.config("a")]), Some(cursor));
    let event = rig.next().await;
    assert!(matches!(event, ChainEvent::Recovered(bundle) if bundle.header.number == 4));
    assert!(rig.cursor.quarantined.is_empty());
}

#[tokio::test]
async fn following_begins_at_the_head_or_at_a_block() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config("a")]);
    settings.start = Start::Head;
    let mut rig = Rig::start(settings.clone());
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), [tip]);

    settings.start = Start::Block(0);
    let mut rig = Rig::start(settings.clone());
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 0));

    settings.start = Start::Block(12);
    let mut rig = Rig::start(settings);
    let tip = world.grow(tip, 0, 3);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 12));
}

#[tokio::test]
async fn blocks_become_final_by_depth_by_tag_or_at_once() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    let finalized = |number: u64| {
        let block = world.at(tip, number).unwrap().at;
        move |event: &ChainEvent| matches!(event, ChainEvent::Finalized { block: b, .. } if *b == block)
    };
    let mut settings = config(vec![node.config("a")]);
    for (finality, newest) in [(Finality::Latest, 10), (Finality::Blocks(3), 7)] {
        settings.finality = finality;
        let mut rig = Rig::start(settings.clone());
        rig.until(finalized(newest)).await;
    }
    for finality in [Finality::Safe, Finality::Finalized] {
        settings.finality = finality;
        node.set_finalized(4);
        let mut rig = Rig::start(settings.clone());
        rig.until(finalized(4)).await;
        node.set_finalized(8);
        rig.until(finalized(8)).await;
        // A mark that goes back is not told.
        node.set_finalized(5);
        let asked = node.calls().len();
        rig.until_status(|_| node.calls().len() > asked + 20).await;
        rig.assert_nothing_waits();
    }
}

#[tokio::test]
async fn blocks_are_final_on_the_way_while_we_catch_up_with_a_mark_far_ahead() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 200);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.set_finalized(190);
    let mut settings = config(vec![node.config("a")]);
    settings.finality = Finality::Finalized;
    settings.timing.finality_interval_ms = 1;
    let mut rig = Rig::start(settings);
    rig.until_finalized(190).await;
    let final_blocks = rig
        .history
        .iter()
        .filter(|event| matches!(event, ChainEvent::Finalized { block, .. } if block.number < 190));
    assert!(final_blocks.count() > 0, "{:#?}", rig.told());
}

#[tokio::test]
async fn a_mark_on_another_fork_makes_nothing_final_and_is_critical() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 10);
    let node = FaultyEndpoint::start(&world, tip).await;
    let other = world.at(world.grow(genesis, 1, 5), 4).unwrap();
    node.fault(move |call| {
        (call.params[0] == "finalized").then(|| Reply::Result(other.with_hashes()))
    });
    let mut settings = config(vec![node.config("a")]);
    settings.finality = Finality::Finalized;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    let is_conflict =
        |condition: &Condition| matches!(condition, Condition::FinalityConflict { .. });
    rig.until_status(|status| status.conditions.iter().any(is_conflict)).await;
    assert!(rig.status.borrow().is_critical());
    assert_eq!(rig.cursor.finalized, None);
}

#[tokio::test]
async fn a_recording_is_told_like_a_node_and_a_gap_in_it_is_not_hidden() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 20);
    let folder = tempfile::tempdir().unwrap();
    let network = Name::new("testnet").unwrap();
    let description = Description { network: network.clone(), chain_id: 1337 };
    for at in world.chain(tip, 5) {
        let block = world.get(at.hash);
        let (full, receipts) = (block.full.to_string(), block.receipts.to_string());
        let raw = RawBlock { block: full.as_bytes(), receipts: receipts.as_bytes(), traces: None };
        record(folder.path(), &description, at.number, raw).unwrap();
    }
    std::fs::remove_dir_all(folder.path().join("12")).unwrap();
    std::fs::write(folder.path().join("20/receipts.json"), "[]").unwrap();

    let settings = config(Vec::new());
    let recording = Recording::open(folder.path()).unwrap();
    let disk = Name::new("disk").unwrap();
    let source = RecordedSource::new(recording, disk, settings.prove.clone()).unwrap();
    let (oldest, newest) = (source.oldest(), source.newest());
    let (out, mut events) = mpsc::channel(4);
    let ranged = tokio::spawn(range_of(source, settings, oldest, newest, ReadPlan::default(), out));
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        assert_eq!(event.network(), &network);
        told.extend(event.head());
    }
    assert_eq!(told, world.chain(tip, 5));
    let end = ranged.await.unwrap().unwrap();
    let unjudged: Vec<_> = end.quarantined.iter().map(|entry| entry.link.block.number).collect();
    assert_eq!(unjudged, [12, 20]);
}

#[tokio::test]
async fn a_slow_receiver_slows_us_and_loses_nothing() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 100);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut rig = Rig::start(config(vec![node.config("a")]));
    rig.next().await;
    // Nobody takes anything until the channel (4), the stretch in flight (4) and the block in
    // hand are full.
    let mut asked = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let now = node.calls_of("eth_getBlockReceipts");
        if now == asked {
            break;
        }
        asked = now;
    }
    assert!(asked <= 12, "{asked} blocks were fetched for a receiver that takes none");
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn a_range_is_told_in_order_and_ends() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 90);
    let node = FaultyEndpoint::start(&world, tip).await;
    node.fault_at("eth_getBlockReceipts", 50, usize::MAX, Reply::Result(serde_json::json!([])));
    let (out, mut events) = mpsc::channel(4);
    let ranged =
        tokio::spawn(range(config(vec![node.config("a")]), 11, 80, ReadPlan::default(), out));
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.extend(event.head());
    }
    assert_eq!(told, world.chain(tip, 11)[..70]);
    let end = ranged.await.unwrap().unwrap();
    assert_eq!(end.quarantined.len(), 1);
    assert_eq!(end.quarantined[0].link.block.number, 50);
}

#[tokio::test]
async fn a_range_that_is_not_there_is_explained() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 5);
    let node = FaultyEndpoint::start(&world, tip).await;
    let settings = config(vec![node.config("a")]);
    let explain = async |settings, from, to| {
        let (out, _events) = mpsc::channel(4);
        range(settings, from, to, ReadPlan::default(), out).await.unwrap_err()
    };
    assert_eq!(
        explain(settings.clone(), 3, 9).await.to_string(),
        "range ends at block 9, the highest head is block 5"
    );
    assert_eq!(
        explain(settings.clone(), 9, 3).await.to_string(),
        "range starts at block 9 and ends before it, at block 3"
    );
    let mut nobody = settings.clone();
    nobody.endpoints.clear();
    assert_eq!(
        explain(nobody, 1, 2).await.to_string(),
        "network testnet: endpoints is empty, at least one is needed"
    );
    let mut silent = settings;
    silent.timing.request_timeout_ms = 50;
    silent.timing.connect_timeout_ms = 50;
    node.fault(|_| Some(Reply::Http(500, None)));
    assert_eq!(
        explain(silent, 1, 2).await,
        RangeError::NoEndpoint { waited_ms: 150, reason: "a: eth_chainId: HTTP status 500".into() }
    );
}

#[tokio::test]
async fn a_wrong_configuration_does_not_start() {
    let (world, genesis) = World::new();
    let node = FaultyEndpoint::start(&world, genesis).await;
    let mut settings = config(vec![node.config("a"), node.config("a")]);
    settings.limits.parallel_blocks = 0;
    let (out, _events) = mpsc::channel(1);
    let (_reads, reads) = tokio::sync::watch::channel(ReadPlan::default());
    let status = bellwether_chain::NetworkStatus::new(Name::new("testnet").unwrap());
    let (status, _) = tokio::sync::watch::channel(status);
    let outcome = bellwether_chain::follow(settings, None, reads, out, status).await;
    assert!(matches!(outcome, Err(FollowError::Config(mistakes)) if mistakes.len() == 2));
}
