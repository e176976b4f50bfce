//! Every rule on something it must find, and on its neighbour that it must not.
//!
//! The table is held against [`rules`]: a rule that is added without both fixtures fails here.

use model::UnixSeconds;

use super::super::{
    events::{self, Builds},
    interface::{self, Infrastructure, Joint, JointKind, input},
    timelock::{self, DeclaredTimelock, TIMELOCK_POLICY_S},
    *,
};
use crate::layout::{Build, Named, Options, judge};

const EVENTS: &str = include_str!("../../../../../contracts/lint/EventCoverage.json");
const STORAGE: &str = include_str!("../../layout/tests/fixtures/Storage.json");
const UPGRADES: &str = include_str!("../../layout/tests/fixtures/Upgrades.json");

/// What is judged.
#[derive(Clone, Copy)]
enum Given {
    /// Contracts that stand beside each other.
    Beside(&'static str),
    /// The first contract before the others, which are reached through it.
    Before(JointKind, &'static str),
    /// Files of Solidity that know nothing of each other.
    Apart(&'static [&'static str]),
    /// One function of the contract of contracts/lint, from its syntax tree.
    Function(&'static str),
    /// The upgrade from the first contract of contracts/layouts/Storage.sol to this one.
    Storage(&'static str),
    /// The same, from bytecode alone.
    StorageCode(&'static str),
    /// The upgrade from the vault of contracts/layouts/Upgrades.sol to this one.
    Vault(&'static str),
    /// A timelock's declared delay, in hours.
    Timelock(Option<u64>),
    /// A finding on `Vault`, and a waiver for this subject, so many seconds before it ends.
    Waived(&'static str, i64),
}
use Given::*;

impl Given {
    fn report(self) -> Report {
        match self {
            Beside(text) => of_sources(&[text], None),
            Before(kind, text) => of_sources(&[text], Some(kind)),
            Apart(texts) => of_sources(texts, None),
            Function(signature) => of_function(signature),
            Storage(to) => of_upgrade(STORAGE, "Before", to, true),
            StorageCode(to) => of_upgrade(STORAGE, "Before", to, false),
            Vault(to) => of_upgrade(UPGRADES, "Vault", to, true),
            Timelock(hours) => {
                let place = Place::contract("deployments/timelock.toml", "timelock");
                let declared = DeclaredTimelock { place, min_delay_s: hours.map(|h| h * 3_600) };
                timelock::check(&[declared], TIMELOCK_POLICY_S)
            }
            Waived(subject, seconds_left) => of_waiver(subject, seconds_left),
        }
    }
}

fn of_sources(texts: &[&str], kind: Option<JointKind>) -> Report {
    let mut all = Infrastructure::default();
    for (at, text) in texts.iter().enumerate() {
        let path = format!("{at}.sol");
        input::read_solidity(&[input::Source { path: &path, text }], &mut all);
    }
    if let Some(kind) = kind {
        let behind = (1..all.surfaces.len()).collect();
        all.joints.push(Joint { kind, name: "front".into(), front: 0, behind });
    }
    interface::check(&all)
}

fn of_function(signature: &str) -> Report {
    let mut builds = Builds::default();
    builds.read(input::Source { path: "build.json", text: EVENTS }).unwrap();
    let mut coverage = events::check(&builds);
    let is_it = |place: &Place| place.item.as_deref() == Some(signature);
    coverage.report.judged = coverage.functions.iter().filter(|f| is_it(&f.place)).count();
    coverage.report.diagnostics.retain(|found| found.places.iter().any(is_it));
    coverage.report
}

fn of_upgrade(text: &str, from: &str, to: &str, has_layout: bool) -> Report {
    let build = |name| {
        let build = Build::read(text, Some(name), None).unwrap();
        let layout = build.layout.clone().filter(|_| has_layout);
        Build { layout, ..build }
    };
    let (from, to) = (build(from), build(to));
    let named = |build| Named { file: "build.json", build };
    let mut report = judge(named(&from), named(&to), Options::default()).unwrap().report;
    if !has_layout {
        // That there was no layout to compare is told, as it should be.
        assert_eq!(report.left_out.len(), 1, "{report:#?}");
        report.left_out.clear();
    }
    report
}

fn of_waiver(subject: &str, seconds_left: i64) -> Report {
    let mut report = Timelock(None).report();
    let waiver = Waiver {
        rule: "timelock-undeclared".into(),
        subject: subject.into(),
        reason: "known".into(),
        until: UnixSeconds(1_000),
        until_text: "2026-01-01".into(),
        place: Place::file("lints.toml"),
    };
    report.waive(&[waiver], UnixSeconds(1_000_u64.saturating_add_signed(-seconds_left)));
    report
}

/// A rule, what it must find, and what, near to that, it must not.
const FIXTURES: &[(&str, Given, Given)] = &[
    (
        "selector-collision",
        Beside(
            "interface Token { function transfer(address to, uint256 amount) external; }
             interface Game { function many_msg_babbage(bytes1 x) external; }",
        ),
        // One signature is no collision, however often it is declared.
        Beside(
            "interface Token { function transfer(address to, uint256 amount) external; }
             interface Game { function transfer(address to, uint256 amount) external; }",
        ),
    ),
    (
        "proxy-clash",
        Before(
            JointKind::Proxy,
            "contract Proxy { function clash550254402() external {} }
             contract Vault { function proxyOwner() external view returns (address) {} }",
        ),
        Before(
            JointKind::Proxy,
            "contract Proxy { function upgradeTo(address implementation) external {} }
             contract Vault { function proxyOwner() external view returns (address) {} }",
        ),
    ),
    (
        "diamond-dup",
        Before(
            JointKind::Diamond,
            "contract Diamond { function facets() external {} }
             contract A { function owner() external view returns (address) {} }
             contract B { function owner() external view returns (address) {} }",
        ),
        Before(
            JointKind::Diamond,
            "contract Diamond { function facets() external {} }
             contract A { function owner() external view returns (address) {} }
             contract B { function admin() external view returns (address) {} }",
        ),
    ),
    (
        "error-selector-collision",
        Beside(
            "interface Token { error transfer(address to, uint256 amount); }
             interface Game { error many_msg_babbage(bytes1 x); }",
        ),
        Beside("interface Token { error Late(); } interface Game { error Late(); error Early(); }"),
    ),
    (
        "topic-collision",
        Beside("contract A { event Log(bytes32 indexed id, uint256 amount) anonymous; }"),
        // A selector is padded with zeros, as no hash of an event is.
        Beside("contract A { event LogNote(bytes4 indexed sig, uint256 amount) anonymous; }"),
    ),
    (
        "topic-indexed-mismatch",
        Beside(
            "contract A { event Paid(address indexed to, uint256 amount); }
             contract B { event Paid(address to, uint256 indexed amount); }",
        ),
        // Two standards declare it in two ways, and every decoder knows both.
        Beside(
            "contract A { event Transfer(address indexed from, address indexed to, uint256 value); }
             contract B { event Transfer(address indexed from, address indexed to, uint256 indexed value); }",
        ),
    ),
    (
        "parameter-mismatch",
        Beside(
            "contract A { function move(address from, address to) external {} }
             contract B { function move(address to, address from) external {} }",
        ),
        Beside(
            "contract A { function move(address from, address to) external {} }
             contract B { function move(address _from, address to_) external {} }",
        ),
    ),
    (
        "return-mismatch",
        Beside(
            "contract A { function pay(address to) external returns (bool) {} }
             contract B { function pay(address to) external {} }",
        ),
        Beside(
            "contract A { function pay(address to) external returns (bool) {} }
             contract B { function pay(address to) external returns (bool paid) {} }",
        ),
    ),
    (
        "mutability-mismatch",
        Beside(
            "contract A { function price() external view returns (uint256) {} }
             contract B { function price() external returns (uint256) {} }",
        ),
        Beside(
            "contract A { function price() external view returns (uint256) {} }
             contract B { function price() external view returns (uint256) {} }",
        ),
    ),
    (
        "homonym-interface",
        Apart(&[
            "interface Vault { function pay() external; function a() external; }",
            "interface Vault { function pay(uint256 x) external; function a() external; }",
        ]),
        Apart(&[
            "interface Vault { function pay() external; function a() external; }",
            "interface Vault { function a() external; function pay() external; }",
        ]),
    ),
    (
        "synonym",
        Beside(
            "interface IVault { function a() external; function b() external; function c() external; }
             interface IPool { function a() external; function b() external; function c() external; }",
        ),
        // An interface and the contract that implements it are meant to be alike.
        Beside(
            "interface IVault { function a() external; function b() external; function c() external; }
             contract Vault { function a() external {} function b() external {} function c() external {} }",
        ),
    ),
    (
        "near-homonym",
        Beside(
            "contract A { function mint(address to) external {} function mint(address to, uint256 n) external {} }
             contract B { function mint(address to, uint256 n) external {} }",
        ),
        Beside(
            "contract A { function mint(address to) external {} function mint(address to, uint256 n) external {} }
             contract B { function mint(address to) external {} function mint(address to, uint256 n) external {} }",
        ),
    ),
    (
        "interface-id-ambiguity",
        Beside(
            "interface A { function pre() external; function RSC() external; }
             interface B { function Ty() external; function x() external; }",
        ),
        Beside(
            "interface A { function pre() external; function RSC() external; }
             interface B { function RSC() external; function pre() external; }",
        ),
    ),
    (
        "reserved-selector",
        Beside(
            "interface Seaport { function fulfillBasicOrder_efficient_6GL6yc((address,uint256,uint256,address,address,address,uint256,uint256,uint8,uint256,uint256,bytes32,uint256,bytes32,bytes32,uint256,(uint256,address)[],bytes) o) external payable; }",
        ),
        Beside(
            "interface Seaport { function fulfillBasicOrder((address,uint256,uint256,address,address,address,uint256,uint256,uint8,uint256,uint256,bytes32,uint256,bytes32,bytes32,uint256,(uint256,address)[],bytes) o) external payable; }",
        ),
    ),
    ("layout-deleted", Storage("Drops"), Storage("Fits")),
    ("layout-inserted", Storage("Inserts"), Storage("Fits")),
    ("layout-moved", Storage("Inserts"), Storage("Breaks")),
    ("layout-retyped", Storage("Breaks"), Storage("Inserts")),
    ("layout-renamed", Storage("Breaks"), Storage("Fits")),
    ("layout-gap", Storage("Breaks"), Storage("Fits")),
    ("layout-namespace", Storage("Breaks"), Storage("Drops")),
    ("layout-base-slot", Vault("VaultBase"), Vault("VaultAppends")),
    ("layout-reserved-slot", Vault("VaultBase"), Vault("VaultAppends")),
    ("layout-code-pointer", Vault("VaultPoints"), Vault("VaultAppends")),
    ("layout-bytecode", StorageCode("Inserts"), StorageCode("Fits")),
    ("upgrade-bricks", Vault("VaultForEver"), Vault("VaultEnds")),
    ("upgrade-selfdestruct", Vault("VaultEnds"), Vault("VaultDelegates")),
    ("upgrade-delegatecall", Vault("VaultDelegates"), Vault("VaultEnds")),
    ("upgrade-constructor", Vault("VaultConstructs"), Vault("VaultImmutable")),
    ("upgrade-initial-value", Vault("VaultInitialValue"), Vault("VaultAppends")),
    ("upgrade-immutable", Vault("VaultImmutable"), Vault("VaultInitialValue")),
    ("upgrade-initialiser-unguarded", Vault("VaultUnguarded"), Vault("VaultAppends")),
    ("upgrade-initialiser-open", Vault("VaultOpen"), Vault("VaultUnguarded")),
    ("silent-state-change", Function("setFeeSilently(uint256)"), Function("setFee(uint256)")),
    ("event-coverage-unknown", Function("forward(address,bytes)"), Function("skim(address,uint256)")),
    ("event-lacks-caller", Function("setRate(uint256)"), Function("setFee(uint256)")),
    ("event-lacks-function", Function("pause()"), Function("setRate(uint256)")),
    ("event-lacks-inputs", Function("withdraw(uint256,address)"), Function("deposit(uint256,address)")),
    ("event-lacks-result", Function("withdraw(uint256,address)"), Function("deposit(uint256,address)")),
    ("event-lacks-amount", Function("withdraw(uint256,address)"), Function("deposit(uint256,address)")),
    ("event-lacks-token", Function("skim(address,uint256)"), Function("sweep(address,address,uint256)")),
    ("event-lacks-recipient", Function("withdraw(uint256,address)"), Function("sweep(address,address,uint256)")),
    ("timelock-too-short", Timelock(Some(47)), Timelock(Some(48))),
    ("timelock-undeclared", Timelock(None), Timelock(Some(47))),
    ("waiver-expired", Waived("timelock", 0), Waived("timelock", 1)),
    ("waiver-unused", Waived("governor", 1), Waived("timelock", 0)),
];

#[test]
fn every_rule_has_a_fixture_and_every_fixture_a_rule() {
    let mut with: Vec<&str> = FIXTURES.iter().map(|(rule, ..)| *rule).collect();
    let mut all: Vec<&str> = rules().map(|rule| rule.id).collect();
    with.sort_unstable();
    all.sort_unstable();
    assert_eq!(with, all);
}

#[test]
fn every_rule_finds_what_it_is_for_and_not_what_is_near_it() {
    for (rule, fires, quiet) in FIXTURES {
        let finds = |report: &Report| report.diagnostics.iter().any(|found| found.rule.id == *rule);
        let found = fires.report();
        assert!(finds(&found), "{rule} does not find what it is for: {found:#?}");
        let other = quiet.report();
        assert!(!finds(&other), "{rule} finds what is only near: {other:#?}");
        // Nothing is proven by what was not read.
        assert!(other.judged > 0 && other.left_out.is_empty(), "{rule}: {other:#?}");
    }
}
