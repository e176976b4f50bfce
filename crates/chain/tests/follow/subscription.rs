//! WebSocket: it wakes us, and that is all it can do.

use std::time::{Duration, Instant};

use bellwether_chain::rpc::SocketState;

use crate::{
    faulty::{FaultyEndpoint, Frame},
    rig::{Rig, config},
    synthetic::World,
};

#[tokio::test]
async fn a_new_head_is_noticed_at_once_however_rarely_we_poll() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config_with_socket("a")]);
    settings.timing.poll_interval_ms = 3_600_000;
    settings.timing.ws_silence_ms = 3_600_000;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    rig.until_status_or_event(|_| node.subscribers() > 0).await;
    let started = Instant::now();
    for _ in 0..5 {
        tip = world.grow(tip, 0, 1);
        node.announce(tip);
        rig.until_head(tip).await;
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn frames_that_cannot_be_read_do_no_harm() {
    let (world, genesis) = World::new();
    let tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config_with_socket("a")]);
    settings.timing.poll_interval_ms = 3_600_000;
    settings.timing.ws_silence_ms = 3_600_000;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    rig.until_status_or_event(|_| node.subscribers() > 0).await;
    for garbage in ["", "{", "null", "[[[", r#"{"method":"eth_subscription"}"#, "\u{1F980}"] {
        assert!(node.send_frame(Frame::Text(garbage.into())));
    }
    let tip = world.grow(tip, 0, 1);
    node.announce(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn a_dropped_connection_is_made_again_and_what_was_missed_is_fetched() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config_with_socket("a")]);
    settings.timing.poll_interval_ms = 3_600_000;
    settings.timing.ws_silence_ms = 3_600_000;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    for _ in 0..3 {
        rig.until_status_or_event(|_| node.subscribers() > 0).await;
        node.send_frame(Frame::Drop);
        tip = world.grow(tip, 0, 2);
        node.set_tip(tip);
        rig.until_head(tip).await;
    }
    assert_eq!(rig.committed(), world.chain(tip, 1));
}

#[tokio::test]
async fn a_silent_connection_is_replaced_and_polling_goes_on_beside_it() {
    let (world, genesis) = World::new();
    let mut tip = world.grow(genesis, 0, 3);
    let node = FaultyEndpoint::start(&world, tip).await;
    let mut settings = config(vec![node.config_with_socket("a")]);
    settings.timing.ws_silence_ms = 40;
    let mut rig = Rig::start(settings);
    rig.until_head(tip).await;
    rig.until_status_or_event(|status| {
        let down = SocketState::Down { why: "silent for 40 ms".into() };
        status.endpoints.first().is_some_and(|endpoint| endpoint.socket == down)
    })
    .await;
    tip = world.grow(tip, 0, 1);
    node.set_tip(tip);
    rig.until_head(tip).await;
    assert_eq!(rig.committed(), world.chain(tip, 1));
}
