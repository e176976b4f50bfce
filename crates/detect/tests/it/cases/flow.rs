//! The shape of calls: attacks, and what only looks like one.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use bellwether_detect::Judgement;
use expect_test::expect;
use model::{Finding, Frame, Severity};
use registry::{
    Deployment, Labels, Registry,
    dependencies::{Declared, Dependency, Kind, Price, Standing, TokenTerms, standard_abi},
};

use crate::chain::*;

const LENDER: u8 = 0x31;
const POOL: u8 = 0x32;
pub(super) const WORKER: u8 = 0x33;

pub(super) fn moved(to: Address, amount: u64) -> Vec<u8> {
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

fn loan_world(settings: &[(&str, &str)]) -> World {
    World::new(vec![detector("flow/flash_loan", &["vault"], settings, Severity::Critical)])
}

fn traced(world: &mut World, frames: Vec<Frame>) -> Judgement {
    world.push(12, &block([tx(MALLORY, WORKER).frames(frames)]).traced())
}

/// A pool is traded with on borrowed money, the vault is called, the pool is traded with back.
fn price_moved() -> Vec<Frame> {
    let (worker, pool, vault) = (address(WORKER), address(POOL), address(VAULT));
    let (token, other) = (address(TOKEN), address(0x34));
    let swap = |frames: &mut Vec<Frame>, given: Address, got: Address| {
        frames.push(frame(Some(3), 3, worker, given, &moved(pool, 100)));
        frames.push(frame(Some(3), 3, worker, pool, &[4; 4]));
        let at = frames.len() as u32 - 1;
        frames.push(frame(Some(at), 4, pool, got, &moved(worker, 90)));
    };
    loan(|frames| {
        swap(frames, token, other);
        frames.push(frame(Some(3), 3, worker, vault, &call("redeem(uint256)", 1)));
        swap(frames, other, token);
    })
}

pub(crate) fn price_moved_on_a_loan() -> Vec<Finding> {
    traced(&mut loan_world(&[]), price_moved()).findings
}

/// Borrowed, and nothing else: quiet where plain loans are not to be told.
pub(crate) fn plain_loan() -> Vec<Finding> {
    traced(&mut loan_world(&[("tells_plain_loans", "false")]), sold()).findings
}

#[test]
fn a_loan_is_told_mildly_and_with_a_moved_price_in_full() {
    let judgement = traced(&mut loan_world(&[]), sold());
    expect!["low: vault was called on money borrowed from 0x3131313131313131313131313131313131313132 for this transaction"].assert_eq(&told(&judgement));
    let judgement = traced(&mut loan_world(&[]), price_moved());
    expect!["critical: vault was called on money borrowed from 0x3131313131313131313131313131313131313132 for this transaction, and called between: 0x3232323232323232323232323232323232323233 was traded with in one direction and then back"].assert_eq(&told(&judgement));
}

#[test]
fn every_known_lender_is_recognised_and_an_unknown_one_by_what_moves() {
    // ERC-3156, Aave 2 and 3, Uniswap 2 and 3, Balancer, dYdX, Morpho, PancakeSwap, DODO.
    let known = [
        "onFlashLoan(address,address,uint256,uint256,bytes)",
        "executeOperation(address[],uint256[],uint256[],address,bytes)",
        "executeOperation(address,uint256,uint256,address,bytes)",
        "uniswapV2Call(address,uint256,uint256,bytes)",
        "uniswapV3FlashCallback(uint256,uint256,bytes)",
        "receiveFlashLoan(address[],uint256[],uint256[],bytes)",
        "callFunction(address,(address,uint256),bytes)",
        "onMorphoFlashLoan(uint256,bytes)",
        "pancakeCall(address,uint256,uint256,bytes)",
        "DVMFlashLoanCall(address,uint256,uint256,bytes)",
    ];
    for signature in known {
        let mut frames = sold();
        // The lender is known by its callback alone: nothing is seen to move.
        frames[2].input = vec![5; 4].into();
        frames[3].input = alloy_primitives::keccak256(signature)[..4].to_vec().into();
        assert_eq!(traced(&mut loan_world(&[]), frames).findings.len(), 1, "{signature}");
    }
    assert_eq!(traced(&mut loan_world(&[]), sold()).findings.len(), 1, "by what moves");
    let mut unpaid = sold();
    unpaid.pop();
    assert!(traced(&mut loan_world(&[]), unpaid).findings.is_empty(), "never paid back");
}

const DOLLAR: u8 = 0x35;

/// The vault, and a token that costs a dollar.
fn priced() -> Registry {
    let dollar = Dependency {
        label: name("dollar"),
        network: name(NETWORK),
        address: address(DOLLAR),
        kind: Kind::Token,
        of: vec![name("vault")],
        standing: Standing::Watched,
        stated_cents: None,
        covers: Vec::new(),
        token: Some(TokenTerms {
            symbol: "USDX".into(),
            decimals: 6,
            price: Some(Price::DOLLAR),
            priced_by: None,
            peg: None,
        }),
        feed: None,
        lending: None,
        code_hash: None,
        implementation: None,
    };
    let outside = Deployment {
        label: dollar.label.clone(),
        network: dollar.network.clone(),
        address: dollar.address,
        protocol: None,
        class: dollar.kind.class(),
        abi: standard_abi(dollar.kind),
        abi_known: false,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    let all = deployments().into_iter().chain([outside]).collect();
    Registry::new(all, Labels::default())
        .unwrap()
        .with_dependencies(Declared::new(vec![dollar], BTreeMap::new()), 1)
}

/// The vault pays so many millionths of a dollar and is paid `back`.
fn paid_out(amount: u64, back: u64) -> (TxBuilder, Vec<Frame>) {
    let (me, worker, vault, dollar) =
        (address(MALLORY), address(WORKER), address(VAULT), address(DOLLAR));
    let frames = vec![
        frame(None, 0, me, worker, &[1; 4]),
        frame(Some(0), 1, worker, vault, &call("redeem(uint256)", 1)),
        frame(Some(1), 2, vault, dollar, &moved(worker, amount)),
        frame(Some(0), 1, worker, dollar, &moved(vault, back)),
    ];
    let paid = tx(MALLORY, WORKER)
        .log(transfer(DOLLAR, vault, worker, amount))
        .log(transfer(DOLLAR, worker, vault, back));
    (paid, frames)
}

fn extracted(amount: u64, back: u64) -> Judgement {
    let monitor = detector("flow/value_extracted", &["vault"], &[], Severity::High);
    let (paid, frames) = paid_out(amount, back);
    World::of(priced(), vec![monitor]).push(12, &block([paid.frames(frames)]).traced())
}

pub(crate) fn paid_for_nothing() -> Vec<Finding> {
    extracted(25_000_000_000, 0).findings
}

pub(crate) fn paid_for() -> Vec<Finding> {
    extracted(25_000_000_000, 24_000_000_000).findings
}

#[test]
fn what_was_extracted_is_told_in_money_and_without_prices_nothing_is() {
    expect!["high: vault lost 25,000 USD while the sender's side became richer by 25,000 USD"]
        .assert_eq(&told(&extracted(25_000_000_000, 0)));
    let monitor = detector("flow/value_extracted", &["vault"], &[], Severity::High);
    let (paid, frames) = paid_out(25_000_000_000, 0);
    let judgement = World::new(vec![monitor]).push(12, &block([paid.frames(frames)]).traced());
    expect!["flow.value_extracted: could not evaluate: no token with a price is declared in dependencies/"].assert_eq(&blind(&judgement).join("\n"));
}

pub(super) fn path_world() -> World {
    let settings = [("transactions_min", "20"), ("unseen_share_max", "0.1")];
    World::new(vec![detector("flow/unusual_code_path", &["vault"], &settings, Severity::Critical)])
}

pub(super) fn redeemed_by(sender: u8, salt: u64) -> TxBuilder {
    let frames = vec![frame(None, 0, address(sender), address(VAULT), &call("redeem(uint256)", 1))];
    tx(sender, VAULT).frames(frames).salt(salt)
}

/// Thirty times the same, by two people.
pub(super) fn learned() -> World {
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

#[test]
fn who_was_taught_beforehand_knows_the_first_usual_transaction() {
    // The path of a plain redemption, as a world that learned it tells.
    let usual = {
        let redeem =
            vec![frame(None, 0, address(ALICE), address(VAULT), &call("redeem(uint256)", 1))];
        let trace = model::TxTrace { frames: redeem };
        let scene = bellwether_detect::trace::Scene::new(&trace, None);
        let protected = [address(VAULT)].into_iter().collect();
        let view = bellwether_detect::trace::View::new(&scene, &protected).unwrap();
        bellwether_detect::trace::Path::of(&view).unwrap().exact
    };
    let seeds = format!("{usual} x40");
    let settings =
        [("transactions_min", "20"), ("unseen_share_max", "0.1"), ("seed_paths", seeds.as_str())];
    let monitor = detector("flow/unusual_code_path", &["vault"], &settings, Severity::Critical);
    let mut world = World::new(vec![monitor]);
    let judgement = world.push(12, &block([redeemed_by(ALICE, 1)]).traced());
    assert!(judgement.findings.is_empty(), "{}", told(&judgement));
    let (me, vault, worker) = (address(MALLORY), address(VAULT), address(WORKER));
    let frames = vec![
        frame(None, 0, me, vault, &call("redeem(uint256)", 1)),
        frame(Some(0), 1, vault, worker, &[5; 4]),
        frame(Some(1), 2, worker, vault, &call("redeem(uint256)", 1)),
    ];
    let strange = tx(MALLORY, VAULT).frames(frames).salt(200);
    let judgement = world.push(12, &block([strange]).traced());
    assert_eq!(judgement.findings.len(), 1, "a path that was not taught is new from the start");
}
