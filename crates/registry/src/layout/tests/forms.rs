//! Every form of file, and what is none.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::upgrades::{STORAGE, build};
use crate::layout::{Build, Layout, ReadError, Shape};

fn solc(name: &str) -> Value {
    let output: Value = serde_json::from_str(STORAGE).unwrap();
    output["contracts"]["Storage.sol"][name].clone()
}

fn labels(layout: &Layout) -> Vec<&str> {
    layout.variables.iter().map(|v| v.label.as_str()).collect()
}

const LABELS: [&str; 8] =
    ["owner", "paused", "balances", "total", "last", "pending", "__gap", "name"];

fn read(value: &Value, wanted: Option<&str>) -> Result<Build, ReadError> {
    Build::read(&value.to_string(), wanted, Some("Before"))
}

#[test]
fn each_form_that_holds_a_layout_is_read() {
    let contract = solc("Before");
    let layout = contract["storageLayout"].clone();
    let output: Value = serde_json::from_str(STORAGE).unwrap();
    let forms = [
        ("solc's layout", layout.clone(), None),
        ("artefact", json!({ "abi": [], "storageLayout": layout }), None),
        ("standard output", output.clone(), Some("Before")),
        ("build info", json!({ "id": "1", "input": {}, "output": output }), Some("Before")),
        ("full name", output.clone(), Some("Storage.sol:Before")),
        (
            "combined JSON",
            json!({ "contracts": { "Storage.sol:Before": { "storage-layout": layout } } }),
            None,
        ),
        (
            "manifest",
            json!({ "manifestVersion": "3.2", "impls": {
                "aa": { "address": "0x01", "layout": layout },
                "bb": { "address": "0x02", "layout": { "storage": [], "types": {} } },
            } }),
            Some("0x01"),
        ),
    ];
    for (form, value, wanted) in forms {
        let build = read(&value, wanted).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(labels(&build.layout.unwrap()), LABELS, "{form}");
    }
}

#[test]
fn the_syntax_tree_tells_what_the_layout_leaves_out() {
    let layout = build(STORAGE, "Fits").layout.unwrap();
    let keeper = &layout.variables[0];
    assert_eq!(keeper.renamed_from.as_deref(), Some("owner"));
    assert_eq!(layout.variables[3].retyped_from.as_deref(), Some("uint256"));
    let orders = &layout.namespaces["erc7201:bellwether.storage.Orders"];
    let places: Vec<String> =
        orders.iter().map(|f| format!("{} {}", f.place.unwrap(), f.label)).collect();
    assert_eq!(places, ["0 count", "1 list", "2 more"]);
    let last = layout.types.get(&layout.variables[4].type_id).unwrap();
    let values = ["Mint", "Burn", "Swap"].map(str::to_owned).to_vec();
    assert_eq!(last.shape, Shape::Enum(Some(values)));
}

#[test]
fn code_is_read_with_and_without_a_layout() {
    let code = solc("Before")["evm"]["deployedBytecode"]["object"].as_str().unwrap().to_owned();
    let plain = Build::read(&format!("0x{code}\n"), None, None).unwrap();
    let artefact = read(&json!({ "deployedBytecode": format!("0x{code}") }), None).unwrap();
    let foundry = read(&json!({ "deployedBytecode": { "object": code } }), None).unwrap();
    assert!(plain.code.as_ref().is_some_and(|code| code.bytes.len() > 100));
    for build in [&artefact, &foundry] {
        assert_eq!(build.code, plain.code);
        assert_eq!(build.layout, None);
    }
    let unlinked = "6001__$0123456789abcdef0123456789abcdef01$__6002";
    let linked = read(&json!({ "deployedBytecode": unlinked }), None).unwrap();
    assert_eq!(linked.code.unwrap().bytes.len(), 24);
}

#[test]
fn transient_storage_is_apart() {
    let vault = build(super::upgrades::UPGRADES, "Vault").layout.unwrap();
    let transient: Vec<&str> = vault.transient.iter().map(|v| v.label.as_str()).collect();
    assert_eq!(transient, ["lock"]);
    assert!(!labels(&vault).contains(&"lock"));
}

fn refused(text: &str, wanted: Option<&str>, expected: &Expect) {
    expected.assert_eq(&Build::read(text, wanted, None).unwrap_err().to_string());
}

#[test]
fn what_cannot_be_used_says_what_was_expected_and_what_is_there() {
    refused(
        "pragma solidity",
        None,
        &expect!["neither JSON nor hex code: expected value at line 1 column 1"],
    );
    refused(
        "[]",
        None,
        &expect![
            "no storage layout and no code here: expected solc's storageLayout, an artefact of Foundry or Hardhat, build info, solc's standard output, an OpenZeppelin manifest, or runtime code as hex; found a list of 0"
        ],
    );
    refused(
        r#"{"abi": []}"#,
        None,
        &expect![[
            r#"no storage layout and no code here: expected solc's storageLayout, an artefact of Foundry or Hardhat, build info, solc's standard output, an OpenZeppelin manifest, or runtime code as hex; found an object with the keys "abi""#
        ]],
    );
    refused(
        STORAGE,
        None,
        &expect![
            "5 contracts here, name one as FILE.json:NAME (one of: Storage.sol:Before, Storage.sol:Breaks, Storage.sol:Drops, Storage.sol:Fits, Storage.sol:Inserts)"
        ],
    );
    refused(
        STORAGE,
        Some("Vault"),
        &expect![[
            r#"no contract "Vault" here (one of: Storage.sol:Before, Storage.sol:Breaks, Storage.sol:Drops, Storage.sol:Fits, Storage.sol:Inserts)"#
        ]],
    );
    refused(
        r#"{"storage": [{"label": "a"}], "types": {}}"#,
        None,
        &expect!["bad storage layout: storage[0].type: expected the id of a type, found null"],
    );
    let slot = r#"{"storage": [{"label": "a", "type": "t_bool", "slot": "x"}], "types": {}}"#;
    refused(
        slot,
        None,
        &expect![[r#"bad storage layout: storage[0].slot: expected a number, found "x""#]],
    );
    let offset = r#"{"storage": [{"label": "a", "type": "t_bool", "slot": "0", "offset": 32}], "types": {}}"#;
    refused(
        offset,
        None,
        &expect![
            "bad storage layout: storage[0].offset: expected a number below 32, found the number 32"
        ],
    );
    refused(
        r#"{"storageLayout": {"storage": [], "types": []}}"#,
        None,
        &expect!["bad storage layout: types: expected an object, found a list of 0"],
    );
    refused(
        r#"{"deployedBytecode": "0x", "abi": []}"#,
        None,
        &expect![[
            r#"no storage layout and no code here: expected solc's storageLayout, an artefact of Foundry or Hardhat, build info, solc's standard output, an OpenZeppelin manifest, or runtime code as hex; found an object with the keys "abi", "deployedBytecode" without storageLayout (build with `forge build --extra-output storageLayout`, or outputSelection "storageLayout") and without code"#
        ]],
    );
}

#[test]
fn a_type_that_contains_itself_and_a_chain_without_end_are_read_and_compared() {
    let own = json!({ "storage": [{ "label": "root", "type": "t_struct(N)1_storage", "slot": "0", "offset": 0 }],
        "types": { "t_struct(N)1_storage": { "label": "struct N", "numberOfBytes": "32", "members": [
            { "label": "next", "type": "t_mapping(t_uint256,t_struct(N)1_storage)", "slot": "0", "offset": 0 } ] } } });
    let layout = read(&own, None).unwrap().layout.unwrap();
    let same = crate::layout::compare(&layout, &layout, crate::layout::Options::default());
    assert!(same.is_compatible());

    let chain: serde_json::Map<String, Value> = (0..3_000)
        .map(|at| {
            let member = json!({ "label": "m", "type": format!("t_struct(S){}_storage", at + 1), "slot": "0", "offset": 0 });
            let listed = json!({ "label": "struct S", "numberOfBytes": "32", "members": [member] });
            (format!("t_struct(S){at}_storage"), listed)
        })
        .collect();
    let deep = json!({ "storage": [{ "label": "root", "type": "t_struct(S)0_storage", "slot": "0", "offset": 0 }], "types": chain });
    let layout = read(&deep, None).unwrap().layout.unwrap();
    let same = crate::layout::compare(&layout, &layout, crate::layout::Options::default());
    assert!(!same.is_compatible(), "what is not followed is not called compatible");
}
