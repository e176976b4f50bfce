//! What the detectors of call traces cost, all of them on together.
//!
//! `cargo bench -p bellwether-detect --bench traces`. Blocks of about 1,000 frames each, in the shapes
//! that blocks have and in those that would cost most: everyday calls, one long loop, one deep nest.
//! Each is judged with the monitors and without any, in turn; what is told is the difference, in CPU
//! time of this thread. The goal is one millisecond per 1,000 frames; it is missed when three
//! quarters of the repeats miss it, and the exit code is then 1, unless `--report` asks for figures
//! alone. `--repeats N` (41).

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not the program")]
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/chain.rs"]
mod chain;

use std::{process::ExitCode, time::Duration};

use alloy_primitives::U256;
use chain::*;
use cpu_time::ThreadTime;
use model::{Frame, FrameKind, Severity};

/// Detectors that look at call traces; `flow/value_extracted` has no prices here and stops early.
const DETECTORS: [&str; 5] = [
    "flow/attack_shape",
    "flow/unusual_code_path",
    "flow/flash_loan",
    "flow/value_extracted",
    "flow/reentrant_call",
];

/// Goal, in milliseconds per 1,000 frames.
const GOAL_MS: f64 = 1.0;

const ROUTER: u8 = 0x41;
const WORKER: u8 = 0x42;

fn moved(to: u8, amount: u64) -> Vec<u8> {
    let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
    input.extend(address(to).into_word());
    input.extend(U256::from(amount).to_be_bytes::<32>());
    input
}

/// A call below another; gives its place.
fn push(
    frames: &mut Vec<Frame>,
    parent: Option<u32>,
    (from, to): (u8, u8),
    kind: FrameKind,
    input: &[u8],
) -> u32 {
    let depth = parent.map_or(0, |parent| frames[parent as usize].depth + 1);
    let mut call = frame(parent, depth, address(from), address(to), input);
    call.kind = kind;
    frames.push(call);
    frames.len() as u32 - 1
}

/// A hundred people redeem through a router: ten frames each.
fn everyday() -> BlockBuilder {
    let one = |at: u64| {
        let mut frames = Vec::new();
        let root = push(&mut frames, None, (ALICE, ROUTER), FrameKind::Call, &[1; 4]);
        for _ in 0..3 {
            let input =
                [&[0x70, 0xa0, 0x82, 0x31][..], address(POOL).into_word().as_slice()].concat();
            push(&mut frames, Some(root), (ROUTER, TOKEN), FrameKind::StaticCall, &input);
        }
        let input = call("redeem(uint256)", at);
        let redeem = push(&mut frames, Some(root), (ROUTER, VAULT), FrameKind::Call, &input);
        let lent = push(&mut frames, Some(redeem), (VAULT, 0x51), FrameKind::DelegateCall, &input);
        for to in [ROUTER, POOL] {
            push(&mut frames, Some(lent), (VAULT, TOKEN), FrameKind::Call, &moved(to, 5 + at));
        }
        push(&mut frames, Some(root), (ROUTER, TOKEN), FrameKind::Call, &moved(ALICE, 5 + at));
        push(&mut frames, Some(root), (ROUTER, POOL), FrameKind::Call, &[6; 4]);
        tx(ALICE, ROUTER).salt(at).frames(frames)
    };
    block((0..100).map(one)).traced()
}

/// One contract redeems five hundred times.
fn loops() -> BlockBuilder {
    let mut frames = Vec::new();
    let root = push(&mut frames, None, (MALLORY, WORKER), FrameKind::Call, &[1; 4]);
    for at in 0..500 {
        let input = call("redeem(uint256)", at);
        let redeem = push(&mut frames, Some(root), (WORKER, VAULT), FrameKind::Call, &input);
        push(&mut frames, Some(redeem), (VAULT, TOKEN), FrameKind::Call, &moved(WORKER, at));
    }
    block([tx(MALLORY, WORKER).frames(frames)]).traced()
}

/// The vault and a contract call each other as deep as the chain allows.
fn nested() -> BlockBuilder {
    let mut frames = Vec::new();
    let mut parent = push(&mut frames, None, (MALLORY, WORKER), FrameKind::Call, &[1; 4]);
    for at in 0..1_000 {
        let (parties, input) = match at % 2 {
            0 => ((WORKER, VAULT), call("redeem(uint256)", at)),
            _ => ((VAULT, WORKER), vec![7; 4]),
        };
        parent = push(&mut frames, Some(parent), parties, FrameKind::Call, &input);
    }
    block([tx(MALLORY, WORKER).frames(frames)]).traced()
}

fn judged(monitors: &[&str], block: &BlockBuilder) -> Duration {
    let monitors =
        monitors.iter().map(|id| detector(id, &["vault"], &[], Severity::High)).collect();
    let mut world = World::new(monitors);
    let bundle = block.build(world.head, world.at + 12, 0);
    let event = model::ChainEvent::Committed(bundle);
    let began = ThreadTime::now();
    let judgement = world.engine.apply(model::Position(0), &event);
    let spent = began.elapsed();
    drop(judgement);
    spent
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--repeats");
    let repeats = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(41_usize).max(5);
    let mut is_missed = false;
    println!("| 1,000 frames | median | quartiles | goal |\n|---|---|---|---|");
    for (what, block) in
        [("everyday, 100 transactions", everyday()), ("one loop", loops()), ("one nest", nested())]
    {
        let mut costs: Vec<f64> = (0..repeats)
            .map(|_| {
                let (with, without) = (judged(&DETECTORS, &block), judged(&[], &block));
                with.saturating_sub(without).as_secs_f64() * 1e3
            })
            .collect();
        costs.sort_by(f64::total_cmp);
        let quarter = |at: usize| costs[at * (costs.len() - 1) / 4];
        println!(
            "| {what} | **{:.2} ms** | {:.2} – {:.2} | {GOAL_MS} ms |",
            quarter(2),
            quarter(1),
            quarter(3)
        );
        is_missed |= quarter(1) > GOAL_MS;
    }
    let is_report = arguments.iter().any(|argument| argument == "--report");
    ExitCode::from(u8::from(is_missed && !is_report))
}
