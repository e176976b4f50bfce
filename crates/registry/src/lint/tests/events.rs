//! What reaches an event and what does not: the same contract from its syntax tree, its bytecode
//! and its interface.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde_json::Value;

use super::super::{
    events::{Basis, Builds, Coverage, Function, Verdict, check},
    interface::input::Source,
    *,
};

const BUILD: &str = include_str!("../../../../../contracts/lint/EventCoverage.json");

fn judge(files: &[(&str, &str)]) -> Coverage {
    let mut builds = Builds::default();
    for (path, text) in files {
        builds.read(Source { path, text }).unwrap();
    }
    check(&builds)
}

/// The contract's artefact without its syntax tree.
fn artefact(parts: &[&str]) -> String {
    let build: Value = serde_json::from_str(BUILD).unwrap();
    let contract = &build["output"]["contracts"]["lint/EventCoverage.sol"]["EventCoverage"];
    let mut artefact = serde_json::Map::new();
    artefact.insert("contractName".into(), "EventCoverage".into());
    if parts.contains(&"abi") {
        artefact.insert("abi".into(), contract["abi"].clone());
    }
    if parts.contains(&"code") {
        artefact.insert(
            "deployedBytecode".into(),
            contract["evm"]["deployedBytecode"]["object"].clone(),
        );
    }
    Value::Object(artefact).to_string()
}

fn line(function: &Function) -> String {
    let verdict = match &function.verdict {
        Verdict::Emits => "emits".to_owned(),
        Verdict::Silent => "SILENT".to_owned(),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    };
    let (told, of) = function.score();
    let missing = function.missing().join(", ");
    let missing = if missing.is_empty() { missing } else { format!(" without {missing}") };
    let item = function.place.item.as_deref().unwrap_or_default();
    format!("{item} {verdict} {told}/{of}{missing}")
}

fn table(coverage: &Coverage, expected: Expect) {
    let lines: Vec<String> = coverage.functions.iter().map(line).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_syntax_tree_tells_what_each_function_writes_and_says() {
    let coverage = judge(&[("build-info/1.json", BUILD)]);
    table(
        &coverage,
        expect![[r#"
            setFee(uint256) emits 4/4
            setRate(uint256) emits 3/4 without caller
            setFeeSilently(uint256) SILENT 0/0
            pause() emits 1/3 without caller, function
            unpause() emits 1/3 without caller, function
            book(address,uint256) emits 4/4
            bookSilently(address,uint256) SILENT 0/0
            order(uint256,uint256) SILENT 0/0
            enqueue(uint256) SILENT 0/0
            dequeue() SILENT 0/0
            cancel(uint256) SILENT 0/0
            poke(bytes32,bytes32) SILENT 0/0
            deposit(uint256,address) emits 6/7 without function
            withdraw(uint256,address) emits 3/7 without inputs, result, amount, recipient
            sweep(address,address,uint256) emits 7/7
            skim(address,uint256) emits 5/7 without inputs, token
            forward(address,bytes) unknown: it runs other code on its own storage (delegatecall), chosen when it runs 0/0
            hook(uint256) emits 3/4 without caller
            setOwner(address) emits 4/4"#]],
    );
    assert!(coverage.functions.iter().all(|function| function.basis == Basis::Source));
    let fee =
        coverage.functions.iter().find(|f| f.place.item.as_deref() == Some("setFee(uint256)"));
    let place = &fee.unwrap().place;
    assert_eq!((place.file.as_deref(), place.line), (Some("lint/EventCoverage.sol"), Some(96)));
}

#[test]
fn bytecode_tells_which_functions_reach_no_event() {
    let coverage = judge(&[("EventCoverage.json", &artefact(&["abi", "code"]))]);
    table(
        &coverage,
        expect![[r#"
            poke(bytes32,bytes32) SILENT 0/0
            withdraw(uint256,address) emits 3/5 without inputs, amount
            hook(uint256) emits 2/3 without caller
            book(address,uint256) emits 3/3
            setOwner(address) emits 3/3
            enqueue(uint256) SILENT 0/0
            skim(address,uint256) emits 4/5 without recipient
            order(uint256,uint256) SILENT 0/0
            setRate(uint256) emits 2/3 without caller
            unpause() emits 0/2 without caller, function
            cancel(uint256) SILENT 0/0
            ping() SILENT 0/0
            sweep(address,address,uint256) emits 6/6
            setFee(uint256) emits 3/3
            deposit(uint256,address) emits 5/5
            forward(address,bytes) unknown: it runs other code on its own storage (delegatecall) 0/0
            pause() emits 0/2 without caller, function
            dequeue() SILENT 0/0
            bookSilently(address,uint256) SILENT 0/0
            setFeeSilently(uint256) SILENT 0/0"#]],
    );
}

#[test]
fn bytecode_agrees_with_the_syntax_tree_on_every_function() {
    let verdicts = |coverage: Coverage| -> BTreeMap<[u8; 4], bool> {
        let functions = coverage.functions.iter();
        let of = |f: &Function| Some((f.selector?, f.verdict == Verdict::Emits));
        functions.filter_map(of).collect()
    };
    let source = verdicts(judge(&[("build-info/1.json", BUILD)]));
    let named = verdicts(judge(&[("EventCoverage.json", &artefact(&["abi", "code"]))]));
    let unnamed = verdicts(judge(&[("EventCoverage.json", &artefact(&["code"]))]));
    assert!(source.len() > 15);
    for (selector, emits) in &source {
        assert_eq!(named.get(selector), Some(emits), "{selector:x?}");
        assert_eq!(unnamed.get(selector), Some(emits), "{selector:x?}");
    }
    // What only a lock writes cannot be told from a write in bytecode, and nothing else differs.
    let more: Vec<_> = named.keys().filter(|selector| !source.contains_key(*selector)).collect();
    assert_eq!(more, [&[0x5c, 0x36, 0xb1, 0x86]], "ping()");
}

#[test]
fn an_interface_alone_gives_suspicions_and_says_so() {
    let coverage = judge(&[("EventCoverage.json", &artefact(&["abi"]))]);
    assert!(coverage.functions.iter().all(|function| function.basis == Basis::Interface));
    assert_eq!(coverage.report.count(Severity::Error), 0, "a suspicion is no error");
    assert_eq!(coverage.report.count(Severity::Warning), 0);
}

#[test]
fn an_interface_without_any_event_is_told_once_and_not_once_a_function() {
    let bare = "function setFee(uint256 fee) external\nfunction pause() external\nfunction fee() view returns (uint256)\n";
    let report = judge(&[("I.txt", bare)]).report;
    let [found] = report.diagnostics.as_slice() else { panic!("{report:#?}") };
    assert_eq!((found.rule.id, found.severity), ("silent-state-change", Severity::Warning));
    assert_eq!(found.message, "the interface of I has no event at all");
    assert_eq!(found.notes[0], "these may write state: setFee(uint256), pause()");
    assert_eq!(found.places, [Place::contract("I.txt", "I")]);

    let many: String = (0..20).map(|n| format!("function set{n}(uint256) external\n")).collect();
    let report = judge(&[("I.txt", &many)]).report;
    assert!(report.diagnostics[0].notes[0].ends_with("set11(uint256) and 8 more"), "{report:#?}");

    for quiet in [
        "function fee() view returns (uint256)\n",
        "function setFee(uint256 fee)\nevent FeeSet(address indexed by, uint256 fee)\n",
    ] {
        let report = judge(&[("I.txt", quiet)]).report;
        assert!(report.diagnostics.is_empty(), "{report:#?}");
    }
}

#[test]
fn each_rule_fires_on_its_function_and_on_no_other_of_the_kind() {
    let coverage = judge(&[("build-info/1.json", BUILD)]);
    let of = |rule: &str| -> Vec<String> {
        let found = coverage.report.diagnostics.iter().filter(|found| found.rule.id == rule);
        found.map(|found| found.places[0].item.clone().unwrap()).collect()
    };
    expect![[r#"
        [
            (
                "silent-state-change",
                [
                    "setFeeSilently(uint256)",
                    "bookSilently(address,uint256)",
                    "order(uint256,uint256)",
                    "enqueue(uint256)",
                    "dequeue()",
                    "cancel(uint256)",
                    "poke(bytes32,bytes32)",
                ],
            ),
            (
                "event-coverage-unknown",
                [
                    "forward(address,bytes)",
                ],
            ),
            (
                "event-lacks-caller",
                [
                    "setRate(uint256)",
                    "pause()",
                    "unpause()",
                    "hook(uint256)",
                ],
            ),
            (
                "event-lacks-function",
                [
                    "pause()",
                    "unpause()",
                    "deposit(uint256,address)",
                ],
            ),
            (
                "event-lacks-inputs",
                [
                    "withdraw(uint256,address)",
                    "skim(address,uint256)",
                ],
            ),
            (
                "event-lacks-result",
                [
                    "withdraw(uint256,address)",
                ],
            ),
            (
                "event-lacks-amount",
                [
                    "withdraw(uint256,address)",
                ],
            ),
            (
                "event-lacks-token",
                [
                    "skim(address,uint256)",
                ],
            ),
            (
                "event-lacks-recipient",
                [
                    "withdraw(uint256,address)",
                ],
            ),
        ]"#]]
    .assert_eq(&format!(
        "{:#?}",
        [
            ("silent-state-change", of("silent-state-change")),
            ("event-coverage-unknown", of("event-coverage-unknown")),
            ("event-lacks-caller", of("event-lacks-caller")),
            ("event-lacks-function", of("event-lacks-function")),
            ("event-lacks-inputs", of("event-lacks-inputs")),
            ("event-lacks-result", of("event-lacks-result")),
            ("event-lacks-amount", of("event-lacks-amount")),
            ("event-lacks-token", of("event-lacks-token")),
            ("event-lacks-recipient", of("event-lacks-recipient")),
        ]
    ));
}

#[test]
fn our_own_contracts_are_judged_from_their_bytecode() {
    let vault = include_str!("../../../../../contracts/artifacts/Vault.json");
    let proxy = include_str!("../../../../../contracts/artifacts/Proxy.json");
    let coverage = judge(&[("Vault.json", vault), ("Proxy.json", proxy)]);
    table(
        &coverage,
        expect![[r#"
            withdraw(uint256,address) emits 5/5
            grantRole(bytes32,address) emits 2/3 without function
            liquidate(address) emits 5/5
            repay(uint256) emits 5/5
            withdrawEther(uint256) emits 5/5
            unpause() emits 2/2
            deposit(uint256,address) emits 5/5
            pause() emits 2/2
            renounceRole(bytes32) emits 2/3 without function
            depositEther() emits 2/2
            setWithdrawalFee(uint256) emits 1/2 without function
            setCollateralFactor(uint256) emits 1/2 without function
            borrow(uint256) emits 5/5
            revokeRole(bytes32,address) emits 2/3 without function
            initialize(address,address,address,address) emits 1/3 without function, inputs
            upgradeToAndCall(address,bytes) emits 1/3 without caller, inputs
            changeAdmin(address) emits 2/3 without caller"#]],
    );
}

#[test]
fn what_cannot_be_judged_is_left_out_and_never_fine() {
    let coverage = judge(&[("x.bin", "0x60006000fd")]);
    assert_eq!((coverage.functions.len(), coverage.report.left_out.len()), (0, 1));
    let mut builds = Builds::default();
    assert!(builds.read(Source { path: "a.sol", text: "contract A {}" }).is_err());
}
