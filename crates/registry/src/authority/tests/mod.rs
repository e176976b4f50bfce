//! A small protocol whose authority is as declared, and everything that can go wrong with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use expect_test::expect;
use model::{Log, Name, Severity, UnixSeconds};
use proptest::prelude::*;

use super::*;
use crate::{Class, ContractAbi, Deployment, Labels, Registry};

const DAY: u64 = 86_400;
const NOW: u64 = 1_800_000_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

const TOKEN: u8 = 0x10;
const VAULT: u8 = 0x11;
const FEED: u8 = 0x12;
const TIMELOCK: u8 = 0x13;
const PROXY_ADMIN: u8 = 0x14;
const SAFE: u8 = 0x20;
const SAFE_ON_BASE: u8 = 0x21;
const TREASURY: u8 = 0x22;
const GUARD: u8 = 0x23;
const ISSUER: u8 = 0x30;
const REPORTER: u8 = 0x31;
const GUARDIAN: u8 = 0x32;
const ADA: u8 = 0x40;
const BEN: u8 = 0x41;
const CYD: u8 = 0x42;
const MALLORY: u8 = 0x66;

const ROLES: [&str; 4] = [
    "function hasRole(bytes32 role, address account) view returns (bool)",
    "function grantRole(bytes32 role, address account)",
    "function revokeRole(bytes32 role, address account)",
    "function DEFAULT_ADMIN_ROLE() view returns (bytes32)",
];

fn deployment(label: &str, byte: u8, class: Class, items: &[&str]) -> Deployment {
    let all = ROLES.iter().chain(items).copied();
    Deployment {
        label: name(label),
        network: name("main"),
        address: at(byte),
        protocol: Some(name("acme")),
        class,
        abi: Arc::new(ContractAbi::from_solidity(all).unwrap()),
        abi_known: true,
        first_block: Some(1),
        value_at_risk: None,
        token: None,
        oracle: None,
    }
}

fn registry() -> Registry {
    let list = vec![
        deployment(
            "token",
            TOKEN,
            Class::Token,
            &[
                "function issue(address to, uint256 amount)",
                "function ISSUER_ROLE() view returns (bytes32)",
                "function PAUSER_ROLE() view returns (bytes32)",
            ],
        ),
        deployment(
            "vault",
            VAULT,
            Class::Vault,
            &[
                "function upgradeToAndCall(address implementation, bytes data) payable",
                "function changeAdmin(address admin)",
                "function guardian() view returns (address)",
                "function setGuardian(address who)",
            ],
        ),
        deployment(
            "feed",
            FEED,
            Class::Oracle,
            &[
                "function owner() view returns (address)",
                "function transferOwnership(address owner)",
                "function REPORTER_ROLE() view returns (bytes32)",
            ],
        ),
        deployment(
            "timelock",
            TIMELOCK,
            Class::Timelock,
            &[
                "function getMinDelay() view returns (uint256)",
                "function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)",
                "function PROPOSER_ROLE() view returns (bytes32)",
            ],
        ),
    ];
    Registry::new(list, Labels::default()).unwrap()
}

fn principal(text: &str, kind: PrincipalKind, byte: u8) -> Principal {
    Principal {
        name: name(text),
        kind,
        addresses: BTreeMap::from([(name("main"), at(byte))]),
        person: None,
        threshold: None,
        owners: None,
        modules: Vec::new(),
        guard: None,
        min_delay_s: None,
        is_treasury: false,
    }
}

fn allowed(on: &str, role: &str, holders: &[&str]) -> Allowed {
    Allowed {
        on: name(on),
        role: role.parse().unwrap(),
        holders: holders.iter().map(|holder| name(holder)).collect(),
        max: None,
        is_optional: false,
    }
}

fn policy() -> Policy {
    use PrincipalKind::*;
    let both = |byte| BTreeMap::from([(name("main"), at(byte)), (name("base"), at(byte))]);
    let of = |person: &str, byte| Principal {
        person: Some(name(person)),
        addresses: both(byte),
        ..principal(&format!("{person}-key"), Key, byte)
    };
    let safe = Principal {
        addresses: BTreeMap::from([(name("main"), at(SAFE)), (name("base"), at(SAFE_ON_BASE))]),
        threshold: Some(2),
        owners: Some(["ada-key", "ben-key", "cyd-key"].map(name).into()),
        guard: Some(name("tx-guard")),
        ..principal("ops", Safe, SAFE)
    };
    Policy {
        people: ["ada", "ben", "cyd"].map(|who| (name(who), Person::default())).into(),
        principals: vec![
            of("ada", ADA),
            of("ben", BEN),
            of("cyd", CYD),
            safe,
            Principal { addresses: both(GUARD), ..principal("tx-guard", Contract, GUARD) },
            principal("proxy-admin", ProxyAdmin, PROXY_ADMIN),
            principal("issuer", Key, ISSUER),
            principal("reporter", Key, REPORTER),
            principal("guardian", Key, GUARDIAN),
            Principal { is_treasury: true, ..principal("treasury", Key, TREASURY) },
        ],
        allowed: vec![
            allowed("token", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            Allowed { max: Some(1), ..allowed("token", "ISSUER_ROLE", &["issuer", "reporter"]) },
            allowed("vault", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            allowed("vault", "admin", &["proxy-admin"]),
            allowed("vault", "guardian", &["guardian"]),
            allowed("proxy-admin", "owner", &["timelock"]),
            allowed("feed", "owner", &["ops"]),
            allowed("feed", "REPORTER_ROLE", &["reporter"]),
            allowed("timelock", "DEFAULT_ADMIN_ROLE", &["timelock"]),
            allowed("timelock", "PROPOSER_ROLE", &["ops"]),
            allowed("timelock", "CANCELLER_ROLE", &["guardian"]),
            allowed("treasury", &format!("spender:{}", at(TOKEN)), &["vault"]),
        ],
        separations: vec![Separation {
            roles: vec![
                (name("token"), Role::access("ISSUER_ROLE")),
                (name("feed"), Role::access("REPORTER_ROLE")),
            ],
        }],
        timelock: Some(name("timelock")),
        ..Policy::empty()
    }
}

/// Everything as declared, until somebody changes it.
struct World {
    observed: Vec<Observed>,
    registry: Registry,
    declared: Declared,
    history: History,
}

impl World {
    fn new() -> Self {
        let moment = Moment { block: 100, at: UnixSeconds(NOW) };
        let mut main = Observed::new(name("main"), Some(1), moment);
        let mut base = Observed::new(name("base"), Some(8453), moment);
        for key in [ISSUER, REPORTER, GUARDIAN, ADA, BEN, CYD, TREASURY, MALLORY] {
            main.kinds.insert(at(key), PrincipalKind::Key);
            base.kinds.insert(at(key), PrincipalKind::Key);
        }
        let mut policy = policy();
        // `issuer` and `reporter` may both issue, one at a time, and either may be absent.
        policy.allowed[1].is_optional = true;
        let declared = Declared { policy: Some(policy), ..Declared::default() };
        let mut world = Self {
            observed: vec![main, base],
            registry: registry(),
            declared,
            history: History::default(),
        };
        let admin = Role::DEFAULT_ADMIN;
        let access = Role::access;
        for (on, role, who) in [
            (TOKEN, admin.clone(), TIMELOCK),
            (TOKEN, access("ISSUER_ROLE"), ISSUER),
            (VAULT, admin.clone(), TIMELOCK),
            (VAULT, Role::Admin, PROXY_ADMIN),
            (VAULT, Role::Named("guardian".into()), GUARDIAN),
            (PROXY_ADMIN, Role::Owner, TIMELOCK),
            (FEED, Role::Owner, SAFE),
            (FEED, access("REPORTER_ROLE"), REPORTER),
            (TIMELOCK, admin, TIMELOCK),
            (TIMELOCK, access("PROPOSER_ROLE"), SAFE),
            (TIMELOCK, access("CANCELLER_ROLE"), GUARDIAN),
            (TREASURY, Role::Spender(at(TOKEN)), VAULT),
        ] {
            world.gain(on, &role, who);
        }
        world.held(TIMELOCK).min_delay_s = Some(2 * DAY);
        world.safe(0, SAFE);
        world.safe(1, SAFE_ON_BASE);
        world
    }

    fn safe(&mut self, network: usize, byte: u8) {
        let held = self.observed[network].contracts.entry(at(byte));
        let held = held.or_insert_with(|| Holdings::new(Past::Whole));
        let when = Moment { block: 5, at: UnixSeconds(NOW - 400 * DAY) };
        for signer in [CYD, BEN, ADA] {
            let change = Change::Gained { role: Role::Signer, account: at(signer) };
            held.apply(&change, when).unwrap();
        }
        let guard = Change::Gained { role: Role::Guard, account: at(GUARD) };
        held.apply(&guard, when).unwrap();
        held.apply(&Change::Threshold(2), when).unwrap();
    }

    fn held(&mut self, on: u8) -> &mut Holdings {
        let contracts = &mut self.observed[0].contracts;
        contracts.entry(at(on)).or_insert_with(|| Holdings::new(Past::Whole))
    }

    fn gain(&mut self, on: u8, role: &Role, who: u8) {
        let change = Change::Gained { role: role.clone(), account: at(who) };
        let when = Moment { block: 5, at: UnixSeconds(NOW - 400 * DAY) };
        self.held(on).apply(&change, when).unwrap();
    }

    fn policy(&mut self) -> &mut Policy {
        self.declared.policy.as_mut().unwrap()
    }

    fn drift_at(&self, now: u64) -> Vec<DriftItem> {
        drift(&self.observed, &self.registry, &self.declared, UnixSeconds(now), &self.history)
    }

    fn drift(&self) -> Vec<DriftItem> {
        self.drift_at(NOW)
    }

    fn graph(&self) -> Graph {
        Graph::new(&self.observed[0], &self.registry, &self.declared)
    }
}

fn lines(items: &[DriftItem]) -> String {
    let line = |item: &DriftItem| format!("{} {}: {}", item.severity, item.key.class, item.title);
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

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
        critical departed-member: ben has left, but the key ben-key is still signer of ops
        low departed-member: ben has left, but the key ben-key is still signer of ops"#]]
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

#[test]
fn paths_name_everybody_on_the_way_with_signatures_and_delay() {
    let world = World::new();
    let graph = world.graph();
    let of_vault: Vec<String> = graph
        .effective(at(VAULT))
        .iter()
        .filter(|e| e.capability.weight() >= 10.0 || e.path.principal == at(GUARDIAN))
        .map(|e| e.words(&graph))
        .collect();
    expect![[r#"
        ops (2 of 3) can upgrade vault with 2 signatures, after 2 d 0 h: ops (2 of 3) → timelock (2 d 0 h) → proxy-admin → admin of vault
        ops (2 of 3) can decide who controls vault with 2 signatures, after 2 d 0 h: ops (2 of 3) → timelock (2 d 0 h) → DEFAULT_ADMIN_ROLE of vault
        guardian can pause vault at once, with one signature: guardian → guardian of vault"#]]
    .assert_eq(&of_vault.join("\n"));
}

#[test]
fn the_weakest_path_wins_and_contracts_that_control_each_other_end() {
    let mut world = World::new();
    world.gain(SAFE, &Role::Module, MALLORY);
    world.gain(PROXY_ADMIN, &Role::Owner, SAFE);
    // A module that the Safe owns, which is a circle.
    world.gain(MALLORY, &Role::Owner, SAFE);
    world.observed[0].kinds.insert(at(MALLORY), PrincipalKind::Contract);
    let graph = world.graph();
    let upgrades: Vec<(String, u64, u64)> = graph
        .effective(at(VAULT))
        .iter()
        .filter(|e| e.capability == Capability::Upgrade)
        .map(|e| (graph.name(e.path.principal), e.path.signatures, e.path.delay_s))
        .collect();
    let mallory = at(MALLORY).to_string();
    assert_eq!(upgrades, [("ops".into(), 2, 0), (mallory, 1, 0)]);
}

#[test]
fn power_adds_up_over_contracts_and_is_less_where_others_must_agree() {
    let world = World::new();
    let graph = world.graph();
    let powers = graph.powers();
    let lines: Vec<String> =
        powers.iter().map(|p| format!("{} {:.2}", graph.name(p.principal), p.power)).collect();
    expect![[r#"
        ops 12.83
        issuer 8.00
        reporter 5.00
        guardian 4.00
        tx-guard 2.00"#]]
    .assert_eq(&lines.join("\n"));
}

fn log(from: u8, signature: &str, words: &[B256], data: &[u8]) -> Log {
    let topics = std::iter::once(keccak256(signature)).chain(words.iter().copied()).collect();
    Log { index: 0, address: at(from), topics, data: Bytes::copy_from_slice(data) }
}

fn word(byte: u8) -> B256 {
    at(byte).into_word()
}

#[test]
fn logs_of_every_standard_fold_into_holdings() {
    let issuer = keccak256("ISSUER_ROLE");
    let mut native = B256::ZERO;
    native[..8].copy_from_slice(b"guardian");
    let mut said = U256::ONE.to_be_bytes_vec();
    said.extend([0; 32]);
    let max = U256::MAX.to_be_bytes_vec();
    let logs = [
        log(
            TOKEN,
            "RoleGranted(bytes32,address,address)",
            &[B256::ZERO, word(ADA), word(ADA)],
            &[],
        ),
        log(TOKEN, "RoleGranted(bytes32,address,address)", &[issuer, word(BEN), word(ADA)], &[]),
        log(TOKEN, "RoleRevoked(bytes32,address,address)", &[issuer, word(BEN), word(ADA)], &[]),
        log(TOKEN, "RoleGranted(bytes32,address,address)", &[issuer, word(CYD), word(ADA)], &[]),
        log(TOKEN, "OwnershipTransferStarted(address,address)", &[word(ADA), word(BEN)], &[]),
        log(TOKEN, "OwnershipTransferred(address,address)", &[word(ADA), word(BEN)], &[]),
        log(
            TOKEN,
            "RoleChange(bytes32,address,address,bool,bytes32)",
            &[native, word(CYD), word(ADA)],
            &said,
        ),
        log(TOKEN, "Approval(address,address,uint256)", &[word(TREASURY), word(VAULT)], &max),
        log(TOKEN, "Approval(address,address,uint256)", &[word(ADA), word(VAULT)], &max),
        log(TOKEN, "Paused(address)", &[], word(ADA).as_slice()),
    ];
    let mut by_contract: BTreeMap<Address, Holdings> = BTreeMap::new();
    for (block, log) in logs.iter().enumerate() {
        let when = Moment { block: block as u64, at: UnixSeconds(block as u64) };
        for (of, change) in Change::read(log, |who| who == at(TREASURY)).unwrap() {
            let held = by_contract.entry(of).or_insert_with(|| Holdings::new(Past::Whole));
            held.apply(&change, when).unwrap();
        }
    }
    let told: Vec<String> = by_contract
        .iter()
        .flat_map(|(of, held)| {
            held.all().map(move |(role, who, since)| {
                format!(
                    "{:02x}: {} {:02x} since {}",
                    of[0],
                    role.words(),
                    who[0],
                    since.unwrap().block
                )
            })
        })
        .collect();
    expect![[r#"
        10: owner 41 since 5
        10: DEFAULT_ADMIN_ROLE 40 since 0
        10: ISSUER_ROLE 42 since 3
        10: guardian 42 since 6
        22: spender of 0x1010101010101010101010101010101010101010 11 since 7"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_safe_says_who_founded_it_in_its_own_order() {
    // Encoded by hand: initializer and handler are zero, two owners, threshold two.
    let words = [4 * 32, 2, 0, 0, 2].map(|n: u64| U256::from(n).to_be_bytes::<32>());
    let mut data = words.concat();
    // The offset of the owners is that of the word that holds their number.
    data.extend(word(ADA).0);
    data.extend(word(BEN).0);
    let setup =
        log(SAFE, "SafeSetup(address,address[],uint256,address,address)", &[word(CYD)], &data);
    let mut held = Holdings::new(Past::Whole);
    let when = Moment { block: 1, at: UnixSeconds(1) };
    for (_, change) in Change::read(&setup, |_| false).unwrap() {
        held.apply(&change, when).unwrap();
    }
    assert_eq!((held.signers.clone(), held.threshold), (vec![at(ADA), at(BEN)], Some(2)));
    let added = log(SAFE, "AddedOwner(address)", &[], word(CYD).as_slice());
    for (_, change) in Change::read(&added, |_| false).unwrap() {
        held.apply(&change, when).unwrap();
    }
    assert_eq!(held.signers, [at(CYD), at(ADA), at(BEN)], "the newest is linked in front");
}

#[test]
fn answers_are_held_against_logs_and_never_mixed_into_them() {
    let world = World::new();
    let held = &world.observed[0].contracts[&at(FEED)];
    let feed = world.registry.get(&name("feed")).unwrap();
    let reporter = Role::access("REPORTER_ROLE");
    let known = BTreeMap::from([(reporter.clone(), BTreeSet::from([at(REPORTER)]))]);
    let asked = questions(feed.address, feed.class, None, &feed.abi, &known);
    let what: Vec<String> = asked.iter().map(|q| q.meaning.words()).collect();
    expect![[r#"owner, whether 0x3131313131313131313131313131313131313131 holds REPORTER_ROLE"#]]
        .assert_eq(&what.join(", "));

    let answer = |words: [B256; 2]| {
        let mut reading = Reading::default();
        for (question, word) in asked.iter().zip(words) {
            reading.take(question, Ok(word.as_slice()));
        }
        reading
    };
    let yes = B256::with_last_byte(1);
    assert_eq!(answer([word(SAFE), yes]).mismatches(held), []);
    let taken = answer([word(MALLORY), B256::ZERO]);
    let expected = [
        Mismatch::HoldsWithoutLog(Role::Owner, at(MALLORY)),
        Mismatch::LogWithoutHolding(Role::Owner, at(SAFE)),
        Mismatch::LogWithoutHolding(reporter.clone(), at(REPORTER)),
    ];
    assert_eq!(taken.mismatches(held), expected);
    let now = taken.over(held);
    assert!(now.holds(&Role::Owner, at(MALLORY)) && !now.holds(&reporter, at(REPORTER)));

    let mut silent = Reading::default();
    silent.take(&asked[0], Err("execution reverted"));
    silent.take(&asked[1], Ok(&[1, 2, 3]));
    assert_eq!(silent.failed.len(), 2, "what was not answered is not an answer");
    assert_eq!(silent.mismatches(held), []);
}

#[test]
fn where_the_past_is_unknown_a_new_holder_is_no_contradiction() {
    let mut held = Holdings::new(Past::UnknownBefore(50));
    let mut reading = Reading::default();
    reading.each.insert((Role::access("ISSUER_ROLE"), at(ADA)), true);
    reading.all.insert(Role::Owner, vec![at(BEN)]);
    assert_eq!(reading.mismatches(&held), []);
    let when = Moment { block: 60, at: UnixSeconds(60) };
    held.apply(&Change::Gained { role: Role::Owner, account: at(CYD) }, when).unwrap();
    let expected = [
        Mismatch::HoldsWithoutLog(Role::Owner, at(BEN)),
        Mismatch::LogWithoutHolding(Role::Owner, at(CYD)),
    ];
    assert_eq!(reading.mismatches(&held), expected, "but what a log said afterwards counts");
}

fn repairs_of(change: impl Fn(&mut World)) -> String {
    let mut world = World::new();
    change(&mut world);
    let graph = world.graph();
    let mut told = Vec::new();
    for item in world.drift() {
        for repair in &item.repairs {
            let from = repair.from.map_or("anybody".into(), |from| graph.name(from));
            let to = graph.name(repair.to);
            let method = repair.method.split('(').next().unwrap();
            told.push(format!("{from} → {to}.{method}: {}", repair.explanation));
            let selector = &keccak256(&repair.method)[..4];
            assert_eq!(&repair.data[..4], selector, "{}", repair.method);
        }
    }
    told.sort_unstable();
    told.dedup();
    told.join("\n")
}

#[test]
fn repairs_come_from_who_can_send_them() {
    expect![[r#"
        anybody → timelock.execute: After 2 d 0 h, makes the scheduled call.
        ops → timelock.schedule: Schedules with the timelock: Takes ISSUER_ROLE from 0x6666666666666666666666666666666666666666."#]]
    .assert_eq(&repairs_of(|w| w.gain(TOKEN, &Role::access("ISSUER_ROLE"), MALLORY)));
    expect!["ops → ops.swapOwner: Puts ben-key in the place of 0x6666666666666666666666666666666666666666."]
        .assert_eq(&repairs_of(|w| {
            w.held(SAFE).lose(&Role::Signer, Some(at(BEN)));
            w.gain(SAFE, &Role::Signer, MALLORY);
        }));
    expect!["ops → ops.changeThreshold: 2 signatures are needed from then on."]
        .assert_eq(&repairs_of(|w| w.held(SAFE).threshold = Some(1)));
    expect!["0x6666666666666666666666666666666666666666 → feed.transferOwnership: Gives ownership back to ops. 0x6666666666666666666666666666666666666666 holds it now and must sign; a thief will not."]
        .assert_eq(&repairs_of(|w| w.gain(FEED, &Role::Owner, MALLORY)));
}

#[test]
fn the_calldata_of_a_removed_signer_names_the_link_before_it() {
    let mut world = World::new();
    world.gain(SAFE, &Role::Signer, MALLORY);
    world.gain(SAFE, &Role::Signer, GUARDIAN);
    let items = world.drift();
    let repairs: Vec<Repair> = items.iter().flat_map(|item| item.repairs.clone()).collect();
    let files = bundles(&repairs, |_, from| from == at(SAFE));
    assert_eq!(files.len(), 1);
    let (path, bundle) = &files[0];
    assert_eq!(path, &format!("main-{}.json", at(SAFE)));
    assert_eq!(bundle["chainId"], "1");
    // The list is guardian, mallory, ada, ben, cyd: the later one goes first, so that the link
    // before the earlier one still holds.
    let data: Vec<&str> = bundle["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["data"].as_str().unwrap())
        .collect();
    let call = |link: Address, who: u8| {
        let words = [link.into_word(), word(who), B256::with_last_byte(2)];
        let selector = &keccak256("removeOwner(address,address,uint256)")[..4];
        alloy_primitives::hex::encode_prefixed([selector, words.concat().as_slice()].concat())
    };
    let first = address!("0000000000000000000000000000000000000001");
    assert_eq!(data, [call(at(GUARDIAN), MALLORY), call(first, GUARDIAN)]);
}

#[test]
fn a_scan_says_who_held_what_before_any_block_it_covers() {
    let granted = |block: u64, who: u8, signature: &str| PastLog {
        block,
        at: UnixSeconds(block * 12),
        tx: B256::repeat_byte(block as u8),
        index: 0,
        address: at(TOKEN),
        topics: vec![keccak256(signature), B256::ZERO, word(who), word(ADA)],
        data: Bytes::new(),
    };
    let (grant, revoke) =
        ("RoleGranted(bytes32,address,address)", "RoleRevoked(bytes32,address,address)");
    let logs = vec![granted(9, ADA, revoke), granted(3, ADA, grant), granted(7, BEN, grant)];
    let contracts = BTreeMap::from([(at(TOKEN), 1)]);
    let scan = Scan::new(name("main"), 1, 20, contracts, logs);
    let read = Scan::from_json(&scan.to_json().unwrap()).unwrap();
    assert_eq!(read, scan);
    let before = |block| {
        let all = scan.fold_before(block, |_| Some(1), |_| false).unwrap();
        assert_eq!(all.len(), 1, "others were not scanned");
        let held = &all[&at(TOKEN)];
        (held.of(&Role::DEFAULT_ADMIN).collect::<Vec<_>>(), held.past)
    };
    assert_eq!(before(7), (vec![at(ADA)], Past::Whole));
    assert_eq!(before(9), (vec![at(ADA), at(BEN)], Past::Whole));
    assert_eq!(before(21), (vec![at(BEN)], Past::Whole));
    assert_eq!(before(22).1, Past::UnknownBefore(22), "block 21 was not read");
    let late = scan.fold_before(5, |_| None, |_| false).unwrap();
    assert_eq!(late[&at(TOKEN)].past, Past::UnknownBefore(1));

    let cut = scan.to_json().unwrap().replace("\"block\": 7", "\"block\": 2");
    expect!["its logs are out of order at block 2"]
        .assert_eq(&Scan::from_json(&cut).unwrap_err().to_string());
    assert!(Scan::from_json("{}").is_err());
}

#[test]
fn more_holders_than_people_are_refused_and_change_nothing() {
    let mut held = Holdings::new(Past::Whole);
    let role = Role::access("ISSUER_ROLE");
    let when = Moment { block: 1, at: UnixSeconds(1) };
    let mut last = Ok(());
    for number in 0..=HOLDERS_MAX as u64 {
        let account = Address::left_padding_from(&number.to_be_bytes());
        last = held.apply(&Change::Gained { role: role.clone(), account }, when);
    }
    assert!(last.is_err());
    assert_eq!(held.of(&role).count(), HOLDERS_MAX);
}

proptest! {
    /// Folding is the same as keeping a plain set of who holds what.
    #[test]
    fn the_fold_agrees_with_a_plain_set(steps in prop::collection::vec((0u8..3, 0u8..6, any::<bool>()), 0..60)) {
        let roles = [Role::access("ISSUER_ROLE"), Role::Signer, Role::Owner];
        let mut held = Holdings::new(Past::Whole);
        let mut plain: BTreeSet<(u8, u8)> = BTreeSet::new();
        for (block, (role, who, gains)) in steps.into_iter().enumerate() {
            let when = Moment { block: block as u64, at: UnixSeconds(0) };
            let (of, account) = (roles[role as usize].clone(), at(who));
            let change = match gains {
                true => Change::Gained { role: of, account },
                false => Change::Lost { role: of, account: Some(account) },
            };
            held.apply(&change, when).unwrap();
            if gains {
                if role == 2 {
                    plain.retain(|(of, _)| *of != 2);
                }
                plain.insert((role, who));
            } else {
                plain.remove(&(role, who));
            }
        }
        for (role, of) in roles.iter().enumerate() {
            let expected: BTreeSet<Address> =
                plain.iter().filter(|(r, _)| *r as usize == role).map(|(_, who)| at(*who)).collect();
            prop_assert_eq!(held.of(of).collect::<BTreeSet<_>>(), expected);
        }
        prop_assert_eq!(held.signers.len(), held.of(&Role::Signer).count());
    }

    /// No log makes reading it panic.
    #[test]
    fn hostile_logs_are_errors_at_worst(
        pick in any::<prop::sample::Index>(),
        words in prop::collection::vec(any::<[u8; 32]>(), 0..4),
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let topics = Change::topics();
        let topic0 = topics[pick.index(topics.len())];
        let topics = std::iter::once(topic0).chain(words.into_iter().map(B256::from)).take(4).collect();
        let log = Log { index: 0, address: at(1), topics, data: data.into() };
        let _either = Change::read(&log, |_| true);
    }
}
