//! What is not as declared, by class, contract and account.

use std::collections::BTreeSet;

use expect_test::expect;
use model::{Severity, UnixSeconds};

use super::{world::*, *};

#[test]
fn what_is_as_declared_has_no_drift() {
    assert_eq!(lines(&World::new().drift()), "");
    let mut without = World::new();
    without.declared.policy = None;
    without.gain(TOKEN, &Role::DEFAULT_ADMIN, MALLORY);
    assert_eq!(lines(&without.drift()), "", "without a policy there is nothing to drift from");
}

/// What is done to the world, and the class, contract and account by which it must be found.
type Seed = (&'static str, fn(&mut World), DriftClass, u8, Option<u8>);

const SEEDS: &[Seed] = &[
    (
        "a stranger may issue",
        |w| w.gain(TOKEN, &Role::access("ISSUER_ROLE"), MALLORY),
        DriftClass::Extra,
        TOKEN,
        Some(MALLORY),
    ),
    (
        "a stranger is admin",
        |w| w.gain(TOKEN, &Role::DEFAULT_ADMIN, MALLORY),
        DriftClass::Extra,
        TOKEN,
        Some(MALLORY),
    ),
    (
        "a single key is admin",
        |w| w.gain(VAULT, &Role::DEFAULT_ADMIN, ADA),
        DriftClass::KeyWithAdmin,
        VAULT,
        Some(ADA),
    ),
    (
        "ownership moved",
        |w| w.gain(FEED, &Role::Owner, MALLORY),
        DriftClass::Extra,
        FEED,
        Some(MALLORY),
    ),
    (
        "the owner is gone",
        |w| w.held(FEED).lose(&Role::Owner, None),
        DriftClass::Missing,
        FEED,
        Some(SAFE),
    ),
    (
        "ownership is offered to a stranger",
        |w| w.gain(FEED, &Role::PendingOwner, MALLORY),
        DriftClass::Extra,
        FEED,
        Some(MALLORY),
    ),
    (
        "the proxy's admin is a key",
        |w| w.gain(VAULT, &Role::Admin, MALLORY),
        DriftClass::Bypass,
        VAULT,
        Some(MALLORY),
    ),
    (
        "the proxy admin has another owner",
        |w| w.gain(PROXY_ADMIN, &Role::Owner, SAFE),
        DriftClass::Bypass,
        VAULT,
        Some(SAFE),
    ),
    (
        "a fourth signs",
        |w| w.gain(SAFE, &Role::Signer, MALLORY),
        DriftClass::Extra,
        SAFE,
        Some(MALLORY),
    ),
    (
        "a signer was removed",
        |w| w.held(SAFE).lose(&Role::Signer, Some(at(BEN))),
        DriftClass::Missing,
        SAFE,
        Some(BEN),
    ),
    (
        "one signature is enough",
        |w| w.held(SAFE).threshold = Some(1),
        DriftClass::Threshold,
        SAFE,
        None,
    ),
    (
        "a module acts without signatures",
        |w| w.gain(SAFE, &Role::Module, MALLORY),
        DriftClass::Extra,
        SAFE,
        Some(MALLORY),
    ),
    (
        "the guard was taken away",
        |w| w.held(SAFE).lose(&Role::Guard, None),
        DriftClass::Missing,
        SAFE,
        Some(GUARD),
    ),
    (
        "a stranger may propose",
        |w| w.gain(TIMELOCK, &Role::access("PROPOSER_ROLE"), MALLORY),
        DriftClass::Extra,
        TIMELOCK,
        Some(MALLORY),
    ),
    (
        "the delay was shortened",
        |w| w.held(TIMELOCK).min_delay_s = Some(3_600),
        DriftClass::DelayShort,
        TIMELOCK,
        None,
    ),
    (
        "another guardian",
        |w| w.gain(VAULT, &Role::Named("guardian".into()), MALLORY),
        DriftClass::Extra,
        VAULT,
        Some(MALLORY),
    ),
    (
        "the reporter lost its role",
        |w| w.held(FEED).lose(&Role::access("REPORTER_ROLE"), None),
        DriftClass::Missing,
        FEED,
        Some(REPORTER),
    ),
    (
        "nobody used the issuer's key",
        |w| w.history.watched_since = Some(UnixSeconds(NOW - 120 * DAY)),
        DriftClass::Unused,
        TOKEN,
        Some(ISSUER),
    ),
    (
        "a signer left the team",
        |w| {
            let left = Person { departed: Some(UnixSeconds(NOW - 3_600)) };
            w.policy().people.insert(name("ben"), left);
        },
        DriftClass::Departed,
        SAFE,
        Some(BEN),
    ),
    (
        "an owner was set without an event",
        |w| {
            let found = vec![Mismatch::HoldsWithoutLog(Role::Owner, at(MALLORY))];
            w.observed[0].mismatches.insert(at(FEED), found);
        },
        DriftClass::Unlogged,
        FEED,
        Some(MALLORY),
    ),
    (
        "signatures needed were changed without an event",
        |w| {
            w.observed[0].mismatches.insert(at(SAFE), vec![Mismatch::Threshold(2, 1)]);
        },
        DriftClass::Unlogged,
        SAFE,
        None,
    ),
    (
        "one key collects roles",
        |w| w.policy().roles_per_key_max = 1,
        DriftClass::ManyRoles,
        GUARDIAN,
        Some(GUARDIAN),
    ),
    (
        "the issuer also reports",
        |w| w.gain(FEED, &Role::access("REPORTER_ROLE"), ISSUER),
        DriftClass::NotSeparate,
        TOKEN,
        Some(ISSUER),
    ),
    (
        "two issuers at a time",
        |w| w.gain(TOKEN, &Role::access("ISSUER_ROLE"), REPORTER),
        DriftClass::TooMany,
        TOKEN,
        None,
    ),
    (
        "on the other network one signature is enough",
        |w| w.observed[1].contracts.get_mut(&at(SAFE_ON_BASE)).unwrap().threshold = Some(3),
        DriftClass::Networks,
        SAFE_ON_BASE,
        None,
    ),
    (
        "a stranger may spend the treasury's tokens",
        |w| w.gain(TREASURY, &Role::Spender(at(TOKEN)), MALLORY),
        DriftClass::Extra,
        TREASURY,
        Some(MALLORY),
    ),
    (
        "the past was not read",
        |w| w.held(TOKEN).past = Past::UnknownBefore(90),
        DriftClass::Unknown,
        TOKEN,
        None,
    ),
    (
        "nobody looked at the timelock",
        |w| drop(w.observed[0].contracts.remove(&at(TIMELOCK))),
        DriftClass::Unknown,
        TIMELOCK,
        None,
    ),
];

#[test]
fn every_seeded_drift_is_found_by_its_class_contract_and_account() {
    assert!(SEEDS.len() >= 20);
    let classes: BTreeSet<DriftClass> = SEEDS.iter().map(|(_, _, class, _, _)| *class).collect();
    assert_eq!(classes.len(), DriftClass::ALL.len(), "every class is seeded");
    for (what, change, class, contract, account) in SEEDS {
        let mut world = World::new();
        change(&mut world);
        let found = world.drift();
        let is_it = |item: &DriftItem| {
            let key = &item.key;
            (key.class, key.contract, key.account) == (*class, at(*contract), account.map(at))
        };
        assert!(found.iter().any(is_it), "{what}: {}", lines(&found));
        assert!(found.iter().all(|item| item.accepted.is_none()), "{what}");
    }
}

#[test]
fn a_departure_is_an_item_the_moment_it_is_due_and_grows_worse() {
    let mut world = World::new();
    let left_at = NOW + 10 * DAY;
    let left = Person { departed: Some(UnixSeconds(left_at)) };
    world.policy().people.insert(name("ben"), left);
    assert_eq!(lines(&world.drift_at(left_at - 1)), "", "not before");
    let within_a_day = world.drift_at(left_at + DAY - 1);
    expect![[r#"
        critical departed-member: ben has left, but the key ben-key still is signer of ops
        low departed-member: ben has left, but the key ben-key still is signer of ops"#]]
    .assert_eq(&lines(&within_a_day));
    assert_eq!(within_a_day[0].age_s, DAY - 1);
    assert_eq!(world.drift_at(left_at).len(), 2, "at once, on both networks");
}

#[test]
fn what_is_accepted_is_shown_last_until_it_is_due() {
    let mut world = World::new();
    world.gain(TOKEN, &Role::access("PAUSER_ROLE"), GUARDIAN);
    let exception = Exception {
        class: DriftClass::Extra,
        on: name("token"),
        principal: Some(name("guardian")),
        reason: "until the new key ceremony".into(),
        until: Some(UnixSeconds(NOW + DAY)),
    };
    world.policy().exceptions.push(exception);
    let items = world.drift();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].accepted.as_deref(), Some("until the new key ceremony"));
    assert_eq!(items[0].severity, Severity::Info);
    let later = world.drift_at(NOW + DAY);
    assert_eq!(later[0].accepted, None, "an exception ends");
}

#[test]
fn age_makes_the_same_drift_worse() {
    let ages = [0, 8, 15, 30, 400].map(|days| severity(DriftClass::Extra, 8.0, days * DAY));
    use Severity::*;
    assert_eq!(ages, [High, Critical, Critical, Critical, Critical]);
    let ages = [0, 15, 30].map(|days| severity(DriftClass::Extra, 2.0, days * DAY));
    assert_eq!(ages, [Low, Medium, Medium]);
    let seen = FirstSeen { block: Some(7), at: UnixSeconds(NOW - 20 * DAY) };
    let mut world = World::new();
    world.held(FEED).lose(&Role::Owner, None);
    let key = world.drift()[0].key.clone();
    world.history.first_seen.insert(key, seen);
    let item = &world.drift()[0];
    assert_eq!((item.since, item.age_s), (seen, 20 * DAY), "known from an earlier look");
}
