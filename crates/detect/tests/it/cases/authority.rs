//! Who holds power, held against a policy.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, U256, keccak256};
use bellwether_detect::Judgement;
use expect_test::expect;
use model::{Finding, Log, Severity, UnixSeconds};
use registry::{
    Class, ContractAbi, Deployment, Labels, Registry,
    authority::{Allowed, Declared, PastLog, Person, Policy, Principal, PrincipalKind, Role, Scan},
};

use crate::chain::*;

const BOB: u8 = 0x12;
const DAY: u64 = 86_400;

fn issuer() -> B256 {
    keccak256("ISSUER_ROLE")
}

fn key(who: &str, byte: u8) -> Principal {
    Principal {
        name: name(who),
        kind: PrincipalKind::Key,
        addresses: BTreeMap::from([(name(NETWORK), address(byte))]),
        person: Some(name(who)),
        threshold: None,
        owners: None,
        modules: Vec::new(),
        guard: None,
        min_delay_s: None,
        is_treasury: false,
    }
}

fn allowed(role: Role, holders: &[&str]) -> Allowed {
    let holders = holders.iter().map(|holder| name(holder)).collect();
    Allowed { on: name("vault"), role, holders, max: None, is_optional: false }
}

/// Bob may issue, pool is admin.
fn policy() -> Policy {
    Policy {
        people: ["bob"].map(|who| (name(who), Person::default())).into(),
        principals: vec![key("bob", BOB)],
        allowed: vec![
            allowed(Role::access("ISSUER_ROLE"), &["bob"]),
            allowed(Role::DEFAULT_ADMIN, &["pool"]),
        ],
        ..Policy::empty()
    }
}

fn log_of(event: &str, role: B256, who: u8) -> Log {
    let topics = vec![keccak256(event), role, word_of(address(who)), word_of(address(ALICE))];
    log(VAULT, topics, Vec::new())
}

fn granted(role: B256, who: u8) -> Log {
    log_of("RoleGranted(bytes32,address,address)", role, who)
}

fn revoked(role: B256, who: u8) -> Log {
    log_of("RoleRevoked(bytes32,address,address)", role, who)
}

/// What was read of the vault's history up to a block.
fn scan(to_block: u64) -> Scan {
    let past = |block: u64, log: Log| PastLog {
        block,
        at: UnixSeconds(START - DAY),
        tx: B256::repeat_byte(block as u8),
        index: 0,
        address: log.address,
        topics: log.topics,
        data: log.data,
    };
    let logs = vec![past(3, granted(B256::ZERO, POOL)), past(4, granted(issuer(), BOB))];
    let contracts = BTreeMap::from([(address(VAULT), 2)]);
    Scan::new(name(NETWORK), 1, to_block, contracts, logs)
}

fn registry(policy: Option<Policy>, scans: Vec<Scan>) -> Registry {
    let abi = ContractAbi::from_solidity([
        "function hasRole(bytes32 role, address account) view returns (bool)",
        "function grantRole(bytes32 role, address account)",
        "function issue(address to, uint256 amount)",
        "function ISSUER_ROLE() view returns (bytes32)",
        "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    ]);
    let deployment = |label: &str, byte: u8, class, abi: ContractAbi| Deployment {
        label: name(label),
        network: name(NETWORK),
        address: address(byte),
        protocol: None,
        class,
        abi: Arc::new(abi),
        abi_known: true,
        first_block: Some(2),
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    let list = vec![
        deployment("vault", VAULT, Class::Vault, abi.unwrap()),
        deployment("pool", POOL, Class::Pool, ContractAbi::default()),
    ];
    let declared = Declared { policy, scans, ..Declared::default() };
    Registry::new(list, Labels::default()).unwrap().with_authority(declared)
}

fn world(policy: Option<Policy>, scans: Vec<Scan>) -> World {
    let params = [("verify_every_blocks", "1")];
    let monitor = detector("access/authority_drift", &["vault"], &params, Severity::High);
    World::of(registry(policy, scans), vec![monitor])
}

/// A block whose reads say who holds what: pool is admin, bob issues or not.
fn answering(block: BlockBuilder, bob_issues: bool) -> BlockBuilder {
    let asked = |role: B256, who: u8| {
        [selector("hasRole(bytes32,address)"), role.to_vec(), word_of(address(who)).to_vec()]
            .concat()
    };
    block.read(VAULT, asked(B256::ZERO, POOL), &[U256::ONE]).read(
        VAULT,
        asked(issuer(), BOB),
        &[U256::from(u8::from(bob_issues))],
    )
}

fn quiet() -> BlockBuilder {
    answering(block([]), true)
}

fn with(log: Log) -> BlockBuilder {
    answering(block([tx(ALICE, VAULT).log(log)]), true)
}

fn step(world: &mut World, block: &BlockBuilder) -> Judgement {
    world.push(12, block)
}

pub(crate) fn stranger_may_issue() -> Vec<Finding> {
    let mut world = world(Some(policy()), vec![scan(100)]);
    step(&mut world, &with(granted(issuer(), MALLORY))).findings
}

pub(crate) fn as_declared() -> Vec<Finding> {
    let mut world = world(Some(policy()), vec![scan(100)]);
    let mut findings = Vec::new();
    for block in [quiet(), with(granted(issuer(), BOB)), quiet()] {
        let judgement = step(&mut world, &block);
        assert_eq!(blind(&judgement), Vec::<String>::new());
        findings.extend(judgement.findings);
    }
    findings
}

#[test]
fn a_drift_is_told_once_ends_with_its_cause_and_is_new_when_it_comes_back() {
    let mut world = world(Some(policy()), vec![scan(100)]);
    step(&mut world, &quiet());
    let first = step(&mut world, &with(granted(issuer(), MALLORY)));
    expect!["high: 0x6666666666666666666666666666666666666667 is ISSUER_ROLE of vault, which the policy does not allow"]
        .assert_eq(&told(&first));
    let finding = &first.findings[0];
    assert!(finding.origin.tx.is_some(), "it names the transaction that did it");
    let facts: Vec<&str> = finding.evidence.facts.iter().map(|f| f.name.as_str()).collect();
    assert!(facts.contains(&"repair calldata, unsigned"), "{facts:?}");
    assert_eq!(told(&step(&mut world, &quiet())), "", "told once");
    assert_eq!(told(&step(&mut world, &with(revoked(issuer(), MALLORY)))), "");
    let again = step(&mut world, &with(granted(issuer(), MALLORY)));
    assert_eq!(again.findings.len(), 1);
    assert_ne!(again.findings[0].id, finding.id, "another episode");
}

#[test]
fn an_admin_is_one_worse_and_age_makes_a_drift_worse() {
    let mut world = world(Some(policy()), vec![scan(100)]);
    let admin = step(&mut world, &with(granted(B256::ZERO, MALLORY)));
    assert_eq!(admin.findings[0].severity, Severity::Critical);
    step(&mut world, &with(revoked(B256::ZERO, MALLORY)));
    assert_eq!(
        told(&step(&mut world, &with(granted(issuer(), MALLORY)))).matches("high").count(),
        1
    );
    assert_eq!(told(&world.push(6 * DAY, &quiet())), "");
    let aged = world.push(4 * DAY, &quiet());
    assert!(told(&aged).starts_with("critical: 0x6666"), "{}", told(&aged));
}

#[test]
fn a_reorg_takes_the_drift_back_with_its_block() {
    let mut world = world(Some(policy()), vec![scan(100)]);
    step(&mut world, &quiet());
    let before = world.state();
    step(&mut world, &with(granted(issuer(), MALLORY)));
    step(&mut world, &quiet());
    world.revert(2);
    assert_eq!(world.state(), before);
    assert!(world.findings.is_empty());
    let fork = world.push_fork(12, &with(granted(issuer(), MALLORY)), 1);
    assert_eq!(fork.findings.len(), 1, "on the other branch it is found again");
}

#[test]
fn a_role_that_is_taken_without_an_event_is_found_by_reading() {
    let mut world = world(Some(policy()), vec![scan(100)]);
    step(&mut world, &quiet());
    let taken = step(&mut world, &answering(block([]), false));
    expect!["high: authority over vault changed without an event: events say that bob is ISSUER_ROLE, the contract denies it"]
        .assert_eq(&told(&taken));
    assert_eq!(told(&step(&mut world, &answering(block([]), false))), "");
    assert_eq!(told(&step(&mut world, &quiet())), "", "and it ends");
}

#[test]
fn somebody_who_left_is_told_within_the_hour() {
    let mut leaving = policy();
    let departed = Some(UnixSeconds(START + 2 * DAY));
    leaving.people.insert(name("bob"), Person { departed });
    let mut world = world(Some(leaving), vec![scan(100)]);
    let mut found = Vec::new();
    for hour in 1..=72 {
        for finding in world.push(3_600, &quiet()).findings {
            found.push((hour, finding.title));
        }
    }
    assert_eq!(
        found,
        [(48, "bob has left, but the key bob is still ISSUER_ROLE of vault".to_owned())]
    );
}

#[test]
fn what_was_never_read_is_unknown_and_a_newer_scan_ends_it() {
    let world_of = |scans| world(Some(policy()), scans);
    let mut without = world_of(Vec::new());
    let first = step(&mut without, &quiet());
    expect!["low: holders of roles of vault are unknown before block 101: they cannot be listed, and its history was not read"]
        .assert_eq(&told(&first));
    assert_eq!(blind(&first), Vec::<String>::new());
    // The program starts again with a scan that ends where watching began.
    let mut with_scan = world_of(vec![scan(100)]);
    let entries = without.state();
    with_scan.engine.restore(&name(NETWORK), entries, []).unwrap();
    with_scan.head = without.head;
    with_scan.at = without.at;
    let issued = step(&mut with_scan, &with(granted(issuer(), MALLORY)));
    assert_eq!(issued.findings.len(), 1, "{}", told(&issued));
    let open = told(&step(&mut with_scan, &quiet()));
    assert_eq!(open, "", "nothing is unknown any more");

    // One that leaves a gap does not.
    let mut gap = world_of(vec![scan(90)]);
    assert!(told(&step(&mut gap, &quiet())).contains("unknown before block 101"));
}

#[test]
fn a_read_that_is_missing_and_a_policy_that_is_missing_are_blindness() {
    let mut world_ = world(Some(policy()), vec![scan(100)]);
    let judgement = step(&mut world_, &block([]));
    assert!(
        blind(&judgement)[0].contains("state read missing: whether"),
        "{:?}",
        blind(&judgement)
    );
    let mut none = world(None, Vec::new());
    let judgement = step(&mut none, &quiet());
    assert!(blind(&judgement)[0].contains("there is no policy.toml"), "{:?}", blind(&judgement));
}

#[test]
fn a_key_that_is_used_is_not_told_to_lie_idle() {
    let idle_after = |used_on: &[u64]| -> Option<u64> {
        let mut world = world(Some(policy()), vec![scan(100)]);
        (1..=200).find(|day| {
            let block = match used_on.contains(day) {
                true => answering(
                    block([tx(BOB, VAULT).input(selector("issue(address,uint256)"))]),
                    true,
                ),
                false => quiet(),
            };
            !world.push(DAY, &block).findings.is_empty()
        })
    };
    assert_eq!(idle_after(&[]), Some(92), "ninety days after watching began");
    assert_eq!(idle_after(&[60]), Some(151));
}
