//! The shape of calls: attacks, and what only looks like one.

use alloy_primitives::{Address, U256};
use expect_test::expect;
use model::{Finding, Frame, Severity};

use crate::chain::*;

const LENDER: u8 = 0x31;
const POOL: u8 = 0x32;
const WORKER: u8 = 0x33;

fn moved(to: Address, amount: u64) -> Vec<u8> {
    let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
    input.extend([0; 12]);
    input.extend(to);
    input.extend(U256::from(amount).to_be_bytes::<32>());
    input
}

/// A loan of 100 from a lender, what is done with it, and the way back.
fn loan(inside: impl FnOnce(&mut Vec<Frame>)) -> Vec<Frame> {
    let (me, worker, lender, token) =
        (address(MALLORY), address(WORKER), address(LENDER), address(TOKEN));
    let mut frames = vec![
        frame(None, 0, me, worker, &[1; 4]),
        frame(Some(0), 1, worker, lender, &[2; 4]),
        frame(Some(1), 2, lender, token, &moved(worker, 100)),
        frame(Some(1), 2, lender, worker, &[3; 4]),
    ];
    inside(&mut frames);
    frames.push(frame(Some(3), 3, worker, token, &moved(lender, 100)));
    frames
}

fn looped() -> Vec<Frame> {
    let (worker, vault, token) = (address(WORKER), address(VAULT), address(TOKEN));
    loan(|frames| {
        for _ in 0..30 {
            frames.push(frame(Some(3), 3, worker, vault, &call("redeem(uint256)", 1)));
            let redeem = frames.len() as u32 - 1;
            frames.push(frame(Some(redeem), 4, vault, token, &moved(worker, 5)));
        }
    })
}

fn sold() -> Vec<Frame> {
    let (worker, pool, token) = (address(WORKER), address(POOL), address(TOKEN));
    loan(|frames| {
        frames.push(frame(Some(3), 3, worker, token, &moved(pool, 100)));
        frames.push(frame(Some(3), 3, worker, pool, &[4; 4]));
        frames.push(frame(Some(3), 3, worker, address(VAULT), &call("redeem(uint256)", 1)));
    })
}

fn shape_world() -> World {
    World::new(vec![detector("flow/attack_shape", &["vault"], &[], Severity::Critical)])
}

pub(crate) fn borrowed_and_looped() -> Vec<Finding> {
    let attack = tx(MALLORY, WORKER).frames(looped());
    shape_world().push(12, &block([attack]).traced()).findings
}

/// Somebody redeems with borrowed money: told, at most, but nobody is woken. With a higher bar for
/// telling it is quiet.
pub(crate) fn borrowed_and_sold() -> Vec<Finding> {
    let settings = [("notify_score", "4")];
    let monitor = detector("flow/attack_shape", &["vault"], &settings, Severity::Critical);
    let mut world = World::new(vec![monitor]);
    world.push(12, &block([tx(MALLORY, WORKER).frames(sold())]).traced()).findings
}

#[test]
fn an_attack_is_told_with_its_signs() {
    let attack = tx(MALLORY, WORKER).frames(looped());
    let judgement = shape_world().push(12, &block([attack.clone()]).traced());
    expect!["critical: a transaction with vault looks like an attack: 0xdb006a75 was called 30 times, and one more sign"].assert_eq(&told(&judgement));
    let judgement = shape_world().push(12, &block([attack]));
    assert_eq!(blind(&judgement), ["flow.attack_shape: needs Traces, the network gives Logs"]);
}

#[test]
fn a_path_that_was_judged_to_be_fine_stays_quiet_in_all_its_variations() {
    let attack = tx(MALLORY, WORKER).frames(looped());
    let found = shape_world().push(12, &block([attack.clone()]).traced()).findings;
    let fact = |name: &str| {
        found[0].evidence.facts.iter().find(|fact| fact.name == name).unwrap().value.to_string()
    };
    for (fine, is_quiet) in
        [(fact("path in general"), true), ("0123456789abcdef".to_owned(), false)]
    {
        let settings = [("fine_paths", fine.as_str())];
        let monitor = detector("flow/attack_shape", &["vault"], &settings, Severity::Critical);
        let mut world = World::new(vec![monitor]);
        let findings = world.push(12, &block([attack.clone()]).traced()).findings;
        assert_eq!(findings.is_empty(), is_quiet);
    }
}

fn path_world() -> World {
    let settings = [("transactions_min", "20"), ("unseen_share_max", "0.1")];
    World::new(vec![detector("flow/unusual_code_path", &["vault"], &settings, Severity::Critical)])
}

fn redeemed_by(sender: u8, salt: u64) -> TxBuilder {
    let frames = vec![frame(None, 0, address(sender), address(VAULT), &call("redeem(uint256)", 1))];
    tx(sender, VAULT).frames(frames).salt(salt)
}

/// Thirty times the same, by two people.
fn learned() -> World {
    let mut world = path_world();
    for salt in 0..30 {
        let sender = if salt % 2 == 0 { ALICE } else { MALLORY };
        let judgement = world.push(12, &block([redeemed_by(sender, salt)]).traced());
        assert!(judgement.findings.is_empty(), "nothing is new while all is new");
    }
    world
}

pub(crate) fn entered_from_a_callback() -> Vec<Finding> {
    let (me, vault, worker) = (address(MALLORY), address(VAULT), address(WORKER));
    let frames = vec![
        frame(None, 0, me, vault, &call("redeem(uint256)", 1)),
        frame(Some(0), 1, vault, worker, &[5; 4]),
        frame(Some(1), 2, worker, vault, &call("redeem(uint256)", 1)),
    ];
    let attack = tx(MALLORY, VAULT).frames(frames).salt(200);
    learned().push(12, &block([attack]).traced()).findings
}

pub(crate) fn usual_after_many() -> Vec<Finding> {
    learned().push(12, &block([redeemed_by(0x55, 200)]).traced()).findings
}
