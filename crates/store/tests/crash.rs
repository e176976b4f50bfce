//! The process is killed at random points, again and again; what is on disk always agrees with
//! itself and with an undisturbed run.
//!
//! This program is both sides. As `child` it judges a chain with forks, as fast as it can, and takes
//! and settles messages in between. As the test it starts children, kills each with SIGKILL at a
//! random moment, and compares the database with a model that was never disturbed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "it/seen.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod seen;
#[path = "it/world.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod world;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bellwether_store::{EventLog as _, LEASE_MS, Step, Store};
use model::{NotificationId, NotificationState, Position, UnixMillis};

use crate::{
    seen::{Model, Seen},
    world::{Op, World},
};

const KILLS: u64 = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("child") => child(Path::new(&arguments[2])),
        Some("--list") => println!("a_killed_process_leaves_whole_steps: test"),
        _ => a_killed_process_leaves_whole_steps(),
    }
}

/// The same operation at the same position in every run.
fn op_at(position: u64) -> Op {
    let random = random(position);
    let size = (random >> 8) as u8 % 4;
    match random % 16 {
        0..=9 => Op::Commit(size),
        10 => Op::Quarantine,
        11 => Op::Recover,
        12..=14 => Op::Revert(size + 1),
        _ => Op::Finalize(size),
    }
}

/// SplitMix64 of the seed.
fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn child(path: &Path) {
    let store = Store::open(path).unwrap();
    let log = store.event_log();
    let (outbox, mut world) = (store.outbox(), World::new("mainnet"));
    let checkpoint = store.checkpoint(&world.network).unwrap().map_or(0, |c| c.position.0);
    let logged = log.end(&world.network).unwrap().0;
    while world.position < checkpoint {
        world.step(op_at(world.position));
    }
    loop {
        let mut events = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..=random(world.position) % 3 {
            let position = world.position;
            let (event, step) = world.step(op_at(position));
            if position >= logged {
                events.push(event);
            }
            steps.push(step);
        }
        log.append(&world.network, &events).unwrap();
        store.commit_all(&steps).unwrap();
        println!("{}", world.position);
        world::page(&store);
        let now = UnixMillis(world.position as i64 * LEASE_MS);
        for message in outbox.due(now, 3).unwrap() {
            match random(world.position ^ u64::from(message.id.0[0])) % 4 {
                0 => outbox.retry(message.id, now.plus(1), "503", now, None).unwrap(),
                1 => outbox.failed(message.id, "404", now, None).unwrap(),
                _ => outbox.delivered(message.id, "200", now, None).unwrap(),
            }
        }
    }
}

fn a_killed_process_leaves_whole_steps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    let mut undisturbed = Undisturbed::new();
    let mut settled = BTreeMap::new();
    let mut shortest_run = u64::MAX;
    for kill in 0..KILLS {
        let before = undisturbed.world.position;
        let said = run_and_kill(&path, kill);
        let store = Store::open(&path).unwrap();
        check(&store, &mut undisturbed, said);
        check_messages(&store, &mut settled);
        shortest_run = shortest_run.min(undisturbed.world.position - before);
    }
    assert!(undisturbed.world.position > KILLS, "the children got somewhere");
    println!(
        "{KILLS} kills, {} steps, {} messages settled: ok (shortest run {shortest_run} steps)",
        undisturbed.world.position,
        settled.len()
    );
}

/// Runs a child until a random moment; returns the last checkpoint it said was committed.
fn run_and_kill(path: &Path, kill: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("child")
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = 0;
    for _ in 0..=random(kill) % 12 {
        // A child that ends by itself has failed.
        said = lines.next().unwrap().unwrap().parse().unwrap();
    }
    // Somewhere inside the work after that line; sleeping is too coarse.
    let delay = Duration::from_micros(random(kill ^ 0xff) % 8_000);
    let began = Instant::now();
    while began.elapsed() < delay {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).filter_map(|line| line.parse().ok()).last().unwrap_or(said)
}

/// The same chain, judged without being killed.
struct Undisturbed {
    world: World,
    model: Model,
}

impl Undisturbed {
    fn new() -> Self {
        Self { world: World::new("mainnet"), model: Model::default() }
    }
}

fn check(store: &Store, undisturbed: &mut Undisturbed, said: u64) {
    let report = store.verify().unwrap();
    assert_eq!(report.problems, [""; 0]);
    let network = undisturbed.world.network.clone();
    let seen = Seen::of(store, &network);
    assert!(seen.checkpoint >= said, "{} is on disk, {said} was promised", seen.checkpoint);
    assert!(seen.checkpoint >= undisturbed.world.position, "a later run lost steps");
    let mut events = Vec::new();
    let first = undisturbed.world.position;
    while undisturbed.world.position < seen.checkpoint {
        let (event, step) = undisturbed.world.step(op_at(undisturbed.world.position));
        undisturbed.model.apply(&step);
        events.push(event);
    }
    assert_eq!(seen, undisturbed.model.seen(), "at {}", seen.checkpoint);
    let logged = store.event_log().read(&network, Position(first), events.len()).unwrap();
    let logged: Vec<_> = logged.into_iter().map(|(_, event)| event).collect();
    assert_eq!(logged, events);
}

/// A message that was settled stays as it was: no run may send it again.
fn check_messages(store: &Store, settled: &mut BTreeMap<NotificationId, NotificationState>) {
    for id in Seen::of(store, &world::name("mainnet")).notifications {
        let message = store.outbox().get(id).unwrap().unwrap();
        if let Some(before) = settled.get(&id) {
            assert_eq!(message.state, *before);
        }
        if !matches!(message.state, NotificationState::Due { .. }) {
            settled.insert(id, message.state);
        }
    }
}
