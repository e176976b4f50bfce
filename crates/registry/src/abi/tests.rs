//! An ABI in every form, found by every name, and explained when it is neither.

use alloy_dyn_abi::DynSolType;
use alloy_primitives::{b256, hex};
use expect_test::expect;
use proptest::prelude::*;

use super::*;

const VAULT: &str = r#"[
  {"type":"event","name":"Redeemed","anonymous":false,"inputs":[
    {"name":"holder","type":"address","indexed":true,"internalType":"address"},
    {"name":"amount","type":"uint256","indexed":false,"internalType":"uint256"}]},
  {"type":"event","name":"Transfer","inputs":[
    {"name":"from","type":"address","indexed":true},
    {"name":"to","type":"address","indexed":true},
    {"name":"value","type":"uint256","indexed":false}]},
  {"type":"event","name":"Transfer","inputs":[
    {"name":"from","type":"address","indexed":true},
    {"name":"to","type":"address","indexed":true},
    {"name":"tokenId","type":"uint256","indexed":true}]},
  {"type":"event","name":"Note","anonymous":true,"inputs":[
    {"name":"sig","type":"bytes4","indexed":true}]},
  {"type":"function","name":"deposit","stateMutability":"payable","outputs":[],"inputs":[]},
  {"type":"function","name":"deposit","stateMutability":"nonpayable","inputs":[
    {"name":"orders","type":"tuple[2]","internalType":"struct Vault.Order[2]","components":[
      {"name":"maker","type":"address","internalType":"address"},
      {"name":"legs","type":"tuple[]","internalType":"struct Vault.Leg[]","components":[
        {"name":"token","type":"address","internalType":"contract IERC20"},
        {"name":"size","type":"int128","internalType":"int128"}]}]}],
   "outputs":[{"name":"shares","type":"uint256","internalType":"uint256"}]},
  {"type":"error","name":"Insolvent","inputs":[{"name":"missing","type":"uint256"}]},
  {"type":"constructor","inputs":[],"stateMutability":"nonpayable"},
  {"type":"receive","stateMutability":"payable"}
]"#;

fn vault() -> ContractAbi {
    ContractAbi::from_json(VAULT).unwrap()
}

fn summary(abi: &ContractAbi) -> String {
    let events = abi.events().map(|event| format!("event {event}"));
    let functions = abi.functions().map(|function| format!("function {function}"));
    let errors = abi.errors().map(|error| format!("error {error}"));
    events.chain(functions).chain(errors).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_bare_array_and_both_artefacts_give_the_same_abi() {
    let foundry = format!(r#"{{"abi":{VAULT},"bytecode":{{"object":"0x__$ab$__"}},"id":3}}"#);
    let hardhat = format!(
        r#"{{"_format":"hh-sol-artifact-1","contractName":"Vault","abi":{VAULT},"bytecode":"0x6080","linkReferences":{{}}}}"#
    );
    expect![[r#"
        event Note(bytes4 indexed sig) anonymous
        event Redeemed(address indexed holder, uint256 amount)
        event Transfer(address indexed from, address indexed to, uint256 value)
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)
        function deposit()
        function deposit((address,(address,int128)[])[2] orders)
        error Insolvent(uint256 missing)"#]]
    .assert_eq(&summary(&vault()));
    for artefact in [foundry, hardhat] {
        assert_eq!(summary(&ContractAbi::from_json(&artefact).unwrap()), summary(&vault()));
    }
}

#[test]
fn a_file_that_is_no_abi_is_told_what_it_is() {
    let explain = |text: &str| ContractAbi::from_json(text).unwrap_err().to_string();
    expect!["not JSON: expected value at line 1 column 1"].assert_eq(&explain("pragma solidity"));
    expect![[r#"no ABI here: expected an array, or an artefact of Foundry or Hardhat with the key "abi"; found an object with the keys "inputs", "output""#]]
        .assert_eq(&explain(r#"{"inputs": 1, "output": 2}"#));
    expect![[r#"no ABI here: expected an array, or an artefact of Foundry or Hardhat with the key "abi"; found an object whose "abi" is a string (an ABI quoted twice?)"#]]
        .assert_eq(&explain(r#"{"abi": "[]"}"#));
    expect![[r#"no ABI here: expected an array, or an artefact of Foundry or Hardhat with the key "abi"; found a number"#]]
        .assert_eq(&explain("12"));
    assert!(ContractAbi::from_json("[]").unwrap().is_empty());
}

#[test]
fn an_old_or_handwritten_abi_may_leave_things_out() {
    let text = r#"[
        {"name":"total","constant":true,"inputs":[{"type":"address"}],"outputs":[{"type":"uint256"}]},
        {"type":"function","name":"pay","payable":true},
        {"type":"event","name":"Paid"}
    ]"#;
    let abi = ContractAbi::from_json(text).unwrap();
    expect![[r#"
        event Paid()
        function pay()
        function total(address)"#]]
    .assert_eq(&summary(&abi));
    let mutability = abi.functions().map(|function| function.mutability).collect::<Vec<_>>();
    use alloy_json_abi::StateMutability::{Payable, View};
    assert_eq!(mutability, [Payable, View]);
}

#[test]
fn every_bad_item_is_named_at_once() {
    let text = r#"[
        {"type":"event","name":"A","inputs":[{"name":"x","type":"uint257","indexed":false}]},
        {"type":"evnt","name":"B","inputs":[]},
        {"type":"function","name":"c","inputs":[{"name":"x","type":"uint256[99999]"}],"outputs":[],"stateMutability":"view"},
        {"type":"event","name":"D","inputs":[
            {"name":"a","type":"bool","indexed":true},{"name":"b","type":"bool","indexed":true},
            {"name":"c","type":"bool","indexed":true},{"name":"d","type":"bool","indexed":true}]},
        {"type":"error","name":"E","inputs":[{"name":"x","type":"tuple","components":[]}]}
    ]"#;
    expect![[r#"
        5 bad ABI items:
          [0] event A: invalid size for type: uint257
          [1] B: unknown variant `evnt`, expected one of `constructor`, `fallback`, `receive`, `function`, `event`, `error`
          [2] function c: type "uint256[99999]" takes 99999 words, at most 4096 are read
          [3] event D: needs 5 topics, a log has at most 4
          [4] error E: invalid type string: tuple"#]].assert_eq(&ContractAbi::from_json(text).unwrap_err().to_string());
}

#[test]
fn tuples_keep_the_names_of_their_fields() {
    let abi = vault();
    let orders = &abi.find_function("deposit((address,(address,int128)[])[2])").unwrap().inputs[0];
    let names = |params: &[Param]| params.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&orders.components), ["maker", "legs"]);
    assert_eq!(names(&orders.components[1].components), ["token", "size"]);
    assert_eq!(orders.components[1].components[1].ty, DynSolType::Int(128));
}

#[test]
fn selectors_and_topics_are_the_well_known_ones() {
    let abi = ContractAbi::from_solidity([
        "function transfer(address to, uint256 value) external returns (bool)",
        "event Transfer(address indexed from, address indexed to, uint256 value)",
        "error Error(string message)",
    ])
    .unwrap();
    assert!(abi.function_by_selector(hex!("a9059cbb")).is_some());
    assert!(abi.function_by_selector(hex!("ffffffff")).is_none());
    let topic0 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    assert!(abi.event_by_topic(topic0, 2).is_some());
    assert!(abi.event_by_topic(topic0, 3).is_none(), "ERC-721's has three indexed arguments");
    assert!(abi.error_by_selector(hex!("08c379a0")).is_some());
}

#[test]
fn both_transfers_live_side_by_side() {
    let abi = vault();
    let topic0 = abi.event_by_topic(
        b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
        3,
    );
    assert_eq!(topic0.unwrap().params[2].name, "tokenId");
}

#[test]
fn an_event_is_found_by_name_signature_or_declaration() {
    let abi = vault();
    for text in [
        "Redeemed",
        " Redeemed ",
        "Redeemed(address,uint256)",
        "Redeemed(address,uint)",
        "Redeemed(address indexed holder, uint256 amount)",
        "Redeemed(address indexed who, uint256 howMuch)",
        "event Redeemed(address indexed holder, uint256 amount);",
        "Redeemed(address holder, uint256 amount)",
    ] {
        let found = abi.find_event(text);
        assert_eq!(found.map(|e| e.name.as_str()), Ok("Redeemed"), "{text:?}");
    }
    let nft = "Transfer(address indexed, address indexed, uint256 indexed)";
    assert_eq!(abi.find_event(nft).unwrap().params[2].name, "tokenId");
    assert_eq!(abi.find_function("function deposit() payable").unwrap().inputs.len(), 0);
}

#[test]
fn what_is_not_found_is_explained_with_what_there_is() {
    let abi = vault();
    let event = |text: &str| abi.find_event(text).unwrap_err().to_string();
    let function = |text: &str| abi.find_function(text).unwrap_err().to_string();
    expect![[
        r#"no event "Redemed"; did you mean Redeemed(address indexed holder, uint256 amount)?"#
    ]]
    .assert_eq(&event("Redemed"));
    expect![[r#"no event "redeemed(address,uint256)"; did you mean Redeemed(address indexed holder, uint256 amount)?"#]].assert_eq(&event("redeemed(address,uint256)"));
    expect![[r#"no event "Redeemed(address indexed, uint256 indexed)"; did you mean Redeemed(address indexed holder, uint256 amount)?"#]].assert_eq(&event("Redeemed(address indexed, uint256 indexed)"));
    expect![[r#"no event "Liquidated"; the ABI has Note(bytes4 indexed sig) anonymous, Redeemed(address indexed holder, uint256 amount), Transfer(address indexed from, address indexed to, uint256 value), Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"#]].assert_eq(&event("Liquidated"));
    expect![[r#"event "Transfer" could be any of Transfer(address indexed from, address indexed to, uint256 value) | Transfer(address indexed from, address indexed to, uint256 indexed tokenId); write one of these in full"#]].assert_eq(&event("Transfer"));
    expect![[r#""Redeemed(address" is not the name or signature of an event: expected `)`; write it like Transfer or Transfer(address,address,uint256)"#]]
    .assert_eq(&event("Redeemed(address"));
    expect![[r#""Redeemed(adress,uint256)" is not the name or signature of an event: invalid type string: adress; write it like Transfer or Transfer(address,address,uint256)"#]].assert_eq(&event("Redeemed(adress,uint256)"));
    expect![[r#""" is not the name or signature of an event: a name is missing; write it like Transfer or Transfer(address,address,uint256)"#]].assert_eq(&event(""));
    expect![[r#"function "deposit" could be any of deposit() | deposit((address,(address,int128)[])[2] orders); write one of these in full"#]].assert_eq(&function("deposit"));
    expect![[r#"no function "deposit(uint256)"; did you mean deposit()?"#]]
        .assert_eq(&function("deposit(uint256)"));
    expect![[r#"no event "Any": the ABI has no events"#]]
        .assert_eq(&ContractAbi::default().find_event("Any").unwrap_err().to_string());
}

#[test]
fn a_deeply_nested_signature_is_refused_before_it_is_parsed() {
    let bomb = format!("e{}", "(".repeat(2000));
    let error = vault().find_event(&bomb).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "nested deeper than 16; write it like Transfer or Transfer(address,address,uint256)"
        ),
        "{error}"
    );
    assert!(EventAbi::parse(&"x".repeat(3000)).is_err());
}

#[test]
fn merging_keeps_one_of_each_and_the_first_answers() {
    let proxy = ContractAbi::from_solidity([
        "function admin() external returns (address proxyAdmin)",
        "event Upgraded(address indexed implementation)",
    ])
    .unwrap();
    let implementation = ContractAbi::from_solidity([
        "function admin() external returns (address implementationAdmin)",
        "function redeem(uint256 amount)",
        "event Upgraded(address indexed implementation)",
        "error Paused()",
    ])
    .unwrap();
    let both = ContractAbi::merged([&proxy, &implementation]);
    expect![[r#"
        event Upgraded(address indexed implementation)
        function admin()
        function redeem(uint256 amount)
        error Paused()"#]]
    .assert_eq(&summary(&both));
    assert_eq!(both.find_function("admin").unwrap().outputs[0].name, "proxyAdmin");
}

#[test]
fn every_integer_and_byte_width_resolves_to_itself() {
    for bits in (8..=256).step_by(8) {
        let text = format!("E(uint{bits} a, int{bits} b, bytes{} c)", bits / 8);
        let event = EventAbi::parse(&text).unwrap();
        let types: Vec<_> = event.params.iter().map(|param| param.ty.clone()).collect();
        let expected =
            [DynSolType::Uint(bits), DynSolType::Int(bits), DynSolType::FixedBytes(bits / 8)];
        assert_eq!(types, expected);
        assert_eq!(event.to_string(), text);
    }
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,80}") {
        let abi = vault();
        let _found = (abi.find_event(&text).is_ok(), abi.find_function(&text).is_ok());
        let _read = (ContractAbi::from_json(&text).is_ok(), EventAbi::parse(&text).is_ok());
    }

    /// What an error or a listing prints can be pasted back.
    #[test]
    fn an_event_is_found_by_what_it_prints(names in prop::collection::hash_set("[A-Za-z]{1,6}", 1..6)) {
        let texts: Vec<String> = names
            .iter()
            .filter(|name| !["event", "function", "error"].contains(&name.as_str()))
            .map(|name| format!("event {name}(address indexed a, (uint8,bytes)[3] b)"))
            .collect();
        if let Ok(abi) = ContractAbi::from_solidity(texts.iter().map(String::as_str)) {
            for event in abi.events() {
                prop_assert_eq!(abi.find_event(&event.to_string()), Ok(event));
                prop_assert_eq!(abi.find_event(&event.signature), Ok(event));
            }
        }
    }
}
