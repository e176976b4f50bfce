//! Every rule on a compiled contract that breaks it, and on one that does not. The sources are in
//! contracts/layouts.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use crate::{
    layout::{Build, Judgement, Named, Options, judge, rules},
    lint::Diagnostic,
};

pub(super) const STORAGE: &str = include_str!("fixtures/Storage.json");
pub(super) const UPGRADES: &str = include_str!("fixtures/Upgrades.json");

pub(super) fn build(text: &str, name: &str) -> Build {
    Build::read(text, Some(name), None).unwrap()
}

pub(super) fn upgrade(old: &Build, new: &Build) -> Judgement {
    let named = |build| Named { file: "build.json", build };
    judge(named(old), named(new), Options::default()).unwrap()
}

fn ids(judgement: &Judgement) -> Vec<&'static str> {
    let ids: BTreeSet<&str> = judgement.report.diagnostics.iter().map(|d| d.rule.id).collect();
    ids.into_iter().collect()
}

/// Each successor of the vault, and the rules that it breaks.
const SUCCESSORS: &[(&str, &[&str])] = &[
    ("Vault", &[]),
    ("VaultAppends", &[]),
    ("VaultBase", &["layout-base-slot", "layout-reserved-slot"]),
    ("VaultConstructs", &["upgrade-constructor"]),
    ("VaultDelegates", &["upgrade-delegatecall"]),
    ("VaultEnds", &["upgrade-selfdestruct"]),
    ("VaultForEver", &["upgrade-bricks"]),
    ("VaultImmutable", &["upgrade-immutable"]),
    ("VaultInitialValue", &["upgrade-initial-value"]),
    ("VaultOpen", &["upgrade-initialiser-open"]),
    ("VaultPoints", &["layout-code-pointer"]),
    ("VaultUnguarded", &["upgrade-initialiser-unguarded"]),
];

/// Each successor of the plain contract, and the rules that it breaks.
const STORAGES: &[(&str, &[&str])] = &[
    ("Before", &[]),
    ("Fits", &[]),
    ("Inserts", &["layout-inserted", "layout-moved"]),
    ("Breaks", &["layout-gap", "layout-namespace", "layout-renamed", "layout-retyped"]),
    ("Drops", &["layout-deleted", "layout-gap", "layout-moved"]),
];

#[test]
fn each_contract_breaks_the_rules_it_is_written_to_break_and_no_other() {
    for (text, old, successors) in [(UPGRADES, "Vault", SUCCESSORS), (STORAGE, "Before", STORAGES)]
    {
        let deployed = build(text, old);
        for (name, expected) in successors {
            let judged = upgrade(&deployed, &build(text, name));
            assert_eq!(ids(&judged), *expected, "{name}");
            assert_eq!(judged.report.left_out, [], "{name}");
        }
    }
}

#[test]
fn every_rule_has_a_contract_that_breaks_it() {
    let broken: BTreeSet<&str> =
        SUCCESSORS.iter().chain(STORAGES).flat_map(|(_, ids)| ids.iter().copied()).collect();
    let without: Vec<&str> = rules::RULES
        .iter()
        .map(|rule| rule.id)
        // Judged where there is no layout; its tests are those of the bytecode.
        .filter(|id| *id != rules::BYTECODE.id && !broken.contains(id))
        .collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn a_declared_rename_is_enough_and_an_accepted_one_is_a_warning() {
    let (old, new) = (build(STORAGE, "Before"), build(STORAGE, "Breaks"));
    let named = |build| Named { file: "build.json", build };
    let accepted = judge(named(&old), named(&new), Options { allow_renames: true }).unwrap();
    let rename = |d: &&Diagnostic| d.rule.id == rules::RENAMED.id;
    let found = accepted.report.diagnostics.iter().find(rename).unwrap();
    assert_eq!(found.severity, crate::lint::Severity::Warning);
}

fn check(of: &Judgement, rule: &str, expected: &Expect) {
    let text: Vec<String> = of
        .report
        .diagnostics
        .iter()
        .filter(|d| d.rule.id == rule)
        .map(|d| format!("{}\n  {}\n  help: {}\n", d.message, d.notes.join("\n  "), d.help))
        .collect();
    expected.assert_eq(&text.concat());
}

#[test]
fn a_finding_shows_both_sides_and_says_why() {
    let deployed = build(STORAGE, "Before");
    let inserts = upgrade(&deployed, &build(STORAGE, "Inserts"));
    check(
        &inserts,
        "layout-moved",
        &expect![[r#"
        `owner` moves, and 7 more with it
          before                                       | after
          slot 0  address owner                        | slot 1  address owner
          slot 0 byte 20  bool paused                  | slot 1 byte 20  bool paused
          slot 1  mapping(address => uint256) balances | slot 2  mapping(address => uint256) balances
          slot 2  uint256 total                        | slot 3  uint256 total
          slot 3  enum Before.Kind last                | slot 4  enum Inserts.Kind last
          slot 4  struct Before.Order pending          | slot 5  struct Inserts.Order pending
          slot 5  uint256[50] __gap                    | slot 6  uint256[50] __gap
          slot 55  string name                         | slot 56  string name
          help: look for what was inserted, deleted or resized before it; undoing that moves it back
    "#]],
    );
    let breaks = upgrade(&deployed, &build(STORAGE, "Breaks"));
    check(
        &breaks,
        "layout-namespace",
        &expect![[r#"
        the namespace erc7201:bellwether.storage.Orders is erc7201:bellwether.storage.OrdersV2 now
          before                                                                                 | after
          slot 0x131ecf5f8b6fc67a70f9ed6f1b3ad0cceebcfe64e019ce14ee04592fab0ee500  uint256 count | slot 0xbc8889e7739f6478cc87140e2e8d3e3d8abd4f777992920391e81a44d853aa00  uint256 count
          help: keep the namespace's id; a new version of a module keeps the storage of the old one
    "#]],
    );
    check(
        &breaks,
        "layout-retyped",
        &expect![[r#"
            `total` has another type
              before                | after
              slot 2  uint256 total | slot 2  bytes32 total
              what was stored as uint256 would be read as bytes32
              it is declared to have been uint128, but it was uint256
              help: keep the type, or add a new variable and migrate the value; `/// @custom:oz-retyped-from OLD` declares a change of equal size on purpose
            `last` has another type
              before                        | after
              slot 3  enum Before.Kind last | slot 3  enum Breaks.Kind last
              in enum Breaks.Kind, the number of Mint now means Burn
              help: keep the type, or add a new variable and migrate the value; `/// @custom:oz-retyped-from OLD` declares a change of equal size on purpose
            `pending` has another type
              before                              | after
              slot 4  struct Before.Order pending | slot 4  struct Breaks.Order pending
              in struct Breaks.Order: `kind` has another type
              in enum Breaks.Kind, the number of Mint now means Burn
              in struct Breaks.Order: `by` is added
              it grows where something else follows; only the value of a mapping may grow
              help: keep the type, or add a new variable and migrate the value; `/// @custom:oz-retyped-from OLD` declares a change of equal size on purpose
        "#]],
    );
}
