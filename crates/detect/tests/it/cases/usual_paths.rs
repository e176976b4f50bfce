//! What a path takes to be usual, and what never lets it: a vault that learned one way in, and then
//! people who go another, from a wallet of their own.

use expect_test::expect;
use model::{Frame, FrameKind, PathSalt, Secret, Severity};
use registry::{Labels, Registry};

use super::{
    access_change::role,
    flow::{WORKER, learned, moved, path_world, redeemed_by},
};
use crate::chain::*;

const DAY_S: u64 = 86_400;

/// The vault calls somebody back: nobody did that before.
fn another_way(sender: u8, salt: u64, amount_lost: u64) -> TxBuilder {
    let (me, vault, worker, token) =
        (address(sender), address(VAULT), address(WORKER), address(TOKEN));
    let mut frames = vec![
        frame(None, 0, me, vault, &call("deposit(uint256)", 1)),
        frame(Some(0), 1, vault, worker, &[5; 4]),
    ];
    if amount_lost > 0 {
        frames.push(frame(Some(0), 1, vault, token, &moved(me, amount_lost)));
    }
    let walk = tx(sender, VAULT).frames(frames).salt(salt);
    if amount_lost > 0 { walk.log(transfer(TOKEN, vault, me, amount_lost)) } else { walk }
}

/// A vault that knows its ways, and six people who are funded on its first day.
fn six_people(days_known: u64) -> World {
    let mut world = learned();
    let funded = |who: u8| tx(0x70, 0x41 + who).pays(7).salt(u64::from(who));
    world.push(12, &block((0..6).map(funded)).traced());
    world.push(days_known * DAY_S, &block([redeemed_by(ALICE, 400)]).traced());
    world
}

/// What is told while each of them goes another way, one a day, for twelve days.
fn walked(days_known: u64, walk: impl Fn(u8, u64) -> TxBuilder) -> Vec<String> {
    let mut world = six_people(days_known);
    let day = |day: u64| {
        let walk = walk(0x41 + (day % 6) as u8, 500 + day);
        told(&world.push(DAY_S, &block([walk]).traced()))
    };
    (0..12).map(day).collect()
}

#[test]
fn five_known_callers_in_a_week_without_a_loss_make_a_path_usual() {
    let days = walked(31, |sender, salt| another_way(sender, salt, 0));
    expect![[r#"
        low: a path through vault.deposit that no transaction took before
        low: a path through vault.deposit that is not usual yet
        low: a path through vault.deposit that is not usual yet
        low: a path through vault.deposit that is not usual yet
        low: a path through vault.deposit that is not usual yet


        info: a path through vault.deposit is usual from now on: 6 callers known for 30 days took it within 7 days, and nothing was lost



    "#]].assert_eq(&days.join("\n"));
}

#[test]
fn callers_without_a_past_and_losses_leave_it_to_people() {
    let is_usual = |days: Vec<String>| days.iter().any(|told| told.contains("usual from now on"));
    assert!(is_usual(walked(31, |sender, salt| another_way(sender, salt, 0))));
    assert!(!is_usual(walked(1, |sender, salt| another_way(sender, salt, 0))), "two weeks old");
    assert!(!is_usual(walked(31, |sender, salt| another_way(sender, salt, 50))), "a loss");
    let granted = |sender: u8, salt: u64| another_way(sender, salt, 0).log(role(VAULT));
    assert!(!is_usual(walked(31, granted)), "a power");
}

#[test]
fn what_keeps_a_path_from_becoming_usual_is_told() {
    let mut world = six_people(31);
    let walk = another_way(0x41, 1, 0).log(role(VAULT));
    let found = world.push(12, &block([walk]).traced()).findings;
    let facts = &found[0].evidence.facts;
    let becomes = facts.iter().find(|fact| fact.name == "becomes usual").unwrap();
    assert_eq!(becomes.value.to_string(), "never by itself: it gives or uses power");
}

/// Forty redemptions in a loop through a proxy: what a keeper does here every day.
fn kept(code: u8, salt: u64) -> TxBuilder {
    let (keeper, worker, vault) = (address(ALICE), address(WORKER), address(VAULT));
    let mut frames = vec![frame(None, 0, keeper, worker, &[1; 4])];
    for _ in 0..40 {
        let redeem = call("redeem(uint256)", 1);
        frames.push(frame(Some(0), 1, worker, vault, &redeem));
        let proxy = frames.len() as u32 - 1;
        let behind = frame(Some(proxy), 2, vault, address(code), &redeem);
        frames.push(Frame { kind: FrameKind::DelegateCall, ..behind });
    }
    tx(ALICE, WORKER).frames(frames).salt(salt)
}

#[test]
fn an_upgrade_is_looked_at_closely_and_what_was_learned_stays() {
    let mut world = path_world();
    for salt in 0..30 {
        let judgement = world.push(12, &block([kept(0x51, salt)]).traced());
        assert_eq!(told(&judgement), "");
    }
    let after = world.push(12, &block([kept(0x52, 40)]).traced());
    expect!["critical: a known path through vault.redeem, on which other code runs, and it has the shape of an attack"].assert_eq(&told(&after));
    let other_code = &after.findings[0].evidence.facts;
    assert!(other_code.iter().any(|fact| fact.name == "other code than before"));
    let strange = world.push(12, &block([another_way(MALLORY, 41, 0)]).traced());
    expect!["high: a path through vault.deposit that no transaction took before"]
        .assert_eq(&told(&strange));
    // After a hundred transactions all is as before, only that the new code is the known one.
    for salt in 100..201 {
        world.push(12, &block([redeemed_by(ALICE, salt)]).traced());
    }
    assert_eq!(told(&world.push(12, &block([kept(0x52, 300)]).traced())), "");
}

#[test]
fn another_salt_learns_anew_and_says_so() {
    let salt = PathSalt::new(Secret::new("grains".to_owned()));
    let registry = Registry::new(deployments(), Labels::default()).unwrap().with_path_salt(salt);
    let settings = [("transactions_min", "20"), ("unseen_share_max", "0.1")];
    let monitor = detector("flow/unusual_code_path", &["vault"], &settings, Severity::Critical);
    let mut before = learned();
    let mut after = World::of(registry, vec![monitor]);
    (after.rows, after.undos) = (before.rows.clone(), before.undos.clone());
    (after.head, after.at) = (before.head, before.at);
    after.restart();
    let judgement = after.push(12, &block([redeemed_by(ALICE, 300)]).traced());
    assert_eq!(told(&judgement), "");
    expect!["flow.unusual_code_path: could not evaluate: the salt of fingerprints is another, and paths are learned anew: 0 of 20 transactions"].assert_eq(&blind(&judgement).join("\n"));
    let same = before.push(12, &block([redeemed_by(ALICE, 300)]).traced());
    assert!(blind(&same).is_empty(), "who has the salt of before knows all of it");
}
