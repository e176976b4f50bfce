//! Each rule over interfaces fires on what it is for and keeps quiet on what is near it.

use expect_test::{Expect, expect};

use super::super::{
    interface::{
        Infrastructure, Joint, JointKind, check,
        input::{Reading, Source, read, read_solidity},
    },
    *,
};

fn solidity(text: &str) -> Infrastructure {
    let mut all = Infrastructure::default();
    read_solidity(&[Source { path: "all.sol", text }], &mut all);
    all
}

fn lines(report: &Report) -> String {
    let mut text = String::new();
    for found in &report.diagnostics {
        text.push_str(&format!("{}[{}]: {}\n", found.severity, found.rule.id, found.message));
        for place in &found.places {
            let says = place.says.as_ref().map_or(String::new(), |says| format!(" ({says})"));
            text.push_str(&format!("  {}{says}\n", place.subject()));
        }
        for note in &found.notes {
            text.push_str(&format!("  note: {note}\n"));
        }
    }
    for left_out in &report.left_out {
        text.push_str(&format!("left out: {}: {}\n", left_out.place.subject(), left_out.reason));
    }
    text
}

fn judged(text: &str, expected: Expect) {
    expected.assert_eq(&lines(&check(&solidity(text))));
}

/// What is found about these interfaces is of other rules only.
fn quiet(rule: &str, text: &str) {
    let all = solidity(text);
    assert!(all.left_out.is_empty() && !all.surfaces.is_empty(), "{:?}", all.left_out);
    let report = check(&all);
    assert!(report.diagnostics.iter().all(|found| found.rule.id != rule), "{}", lines(&report));
}

fn behind(kind: JointKind, text: &str) -> String {
    let mut all = solidity(text);
    let at = (1..all.surfaces.len()).collect();
    all.joints.push(Joint { kind, name: "the-proxy".into(), front: 0, behind: at });
    lines(&check(&all))
}

const COLLIDING: &str = "
    interface IToken { function transfer(address to, uint256 amount) external returns (bool); }
    interface IGame { function many_msg_babbage(bytes1 x) external; }";

#[test]
fn a_selector_with_two_meanings_is_found_across_contracts() {
    judged(
        COLLIDING,
        expect![[r#"
            warning[selector-collision]: many_msg_babbage(bytes1) and transfer(address,uint256) have the same selector 0xa9059cbb
              IToken.transfer(address,uint256)
              IGame.many_msg_babbage(bytes1)
        "#]],
    );
    quiet(
        "selector-collision",
        "interface A { function transfer(address to, uint amount) external; }
         interface B { function transfer(address, uint256) external; }",
    );
}

#[test]
fn a_collision_behind_one_address_is_an_error() {
    let both = behind(
        JointKind::Router,
        &format!("contract Router {{ function route() external {{}} }} {COLLIDING}"),
    );
    expect![[r#"
        error[selector-collision]: many_msg_babbage(bytes1) and transfer(address,uint256) have the same selector 0xa9059cbb
          IToken.transfer(address,uint256)
          IGame.many_msg_babbage(bytes1)
          note: both are reached through the-proxy
    "#]].assert_eq(&both);
}

#[test]
fn a_proxy_that_answers_for_its_implementation_is_found() {
    expect![[r#"
        error[proxy-clash]: clash550254402() of the-proxy hides proxyOwner() of its implementation: both have the selector 0x025313a2
          Proxy.clash550254402() (answers)
          Vault.proxyOwner() (never reached)
    "#]]
    .assert_eq(&behind(
        JointKind::Proxy,
        "contract Proxy { function clash550254402() external {} }
         contract Vault { function proxyOwner() external view returns (address) {} }",
    ));
    expect![[r#"
        warning[proxy-clash]: the-proxy answers admin() before its implementation can
          Proxy.admin() (answers)
          Vault.admin() (never reached)
    "#]]
    .assert_eq(&behind(
        JointKind::Proxy,
        "contract Proxy { function admin() external view returns (address); }
         contract Vault { function admin() external view returns (address); function x() external; }",
    ));
    expect![""].assert_eq(&behind(
        JointKind::Proxy,
        "contract Proxy { function upgradeTo(address implementation) external; }
         contract Vault { function deposit() external payable; }",
    ));
}

#[test]
fn a_facet_that_repeats_another_is_found() {
    expect![[r#"
        warning[diamond-dup]: owner() is in 2 facets of the-proxy
          AFacet.owner()
          BFacet.owner()
    "#]]
    .assert_eq(&behind(
        JointKind::Diamond,
        "contract Diamond { function diamond() external; }
         contract AFacet { function owner() external view returns (address); function a() external; }
         contract BFacet { function owner() external view returns (address); function b() external; }",
    ));
    expect![""].assert_eq(&behind(
        JointKind::Diamond,
        "contract Diamond { event Cut(); }
         contract AFacet { function a() external; }
         contract BFacet { function b() external; }",
    ));
}

#[test]
fn an_anonymous_event_that_chooses_its_topic_can_imitate_any_other() {
    judged(
        "contract A { event Log(bytes32 indexed id, uint256 amount) anonymous; }",
        expect![[r#"
            warning[topic-collision]: Log is anonymous and its first topic is an argument: it can look like any event
              A.Log(bytes32 indexed id, uint256 amount) anonymous
        "#]],
    );
    // A selector is padded with zeros, as no hash of an event is.
    quiet(
        "topic-collision",
        "contract A { event LogNote(bytes4 indexed sig) anonymous; event B(); }",
    );
}

#[test]
fn two_events_of_one_topic_are_found() {
    let mut all =
        solidity("contract A { event Paid(uint256 a); } contract B { event Sent(address a); }");
    // No two texts with one keccak are known, so the collision is made.
    all.surfaces[1].events[0].topic0 = all.surfaces[0].events[0].topic0;
    let report = check(&all);
    let found = report.diagnostics.iter().find(|found| found.rule.id == "topic-collision").unwrap();
    assert_eq!(found.severity, Severity::Error);
    assert!(
        found.message.starts_with("events Paid(uint256) and Sent(address) have the same topic 0x")
    );
}

#[test]
fn one_event_with_two_sets_of_topics_is_found() {
    judged(
        "contract A { event Paid(address indexed to, uint256 amount); }
         contract B { event Paid(address to, uint256 amount); }
         contract C { event Paid(address indexed to, uint256 amount); }",
        expect![[r#"
            warning[topic-indexed-mismatch]: Paid(address,uint256) is declared with 2 different sets of indexed arguments
              A.Paid(address indexed to, uint256 amount)
              B.Paid(address to, uint256 amount)
              note: 3 contracts declare it
        "#]],
    );
    let token = |split: &str| {
        format!(
            "event Transfer(address indexed from, address indexed to, uint256 {split}value);
             event Approval(address indexed from, address indexed to, uint256 {split}value);"
        )
    };
    let family = format!("contract T {{ {} }} contract N {{ {} }}", token(""), token("indexed "));
    quiet("topic-indexed-mismatch", &family);
    let odd = "contract T { event Transfer(address indexed from, address to, uint256 value); }
               contract N { event Transfer(address indexed from, address indexed to, uint256 value); }";
    assert!(lines(&check(&solidity(odd))).contains("warning[topic-indexed-mismatch]"));
}

#[test]
fn arguments_that_changed_places_are_a_warning_and_other_names_a_note() {
    judged(
        "contract A { function move(address from, address to) external; }
         contract B { function move(address _to, address _from) external; }",
        expect![[r#"
            warning[parameter-mismatch]: move(address,address) is declared with its arguments in a different order
              A.move(address,address) (from, to)
              B.move(address,address) (to, from)
        "#]],
    );
    judged(
        "contract A { function pay(address to) external; event Paid(address to); }
         contract B { function pay(address recipient) external; event Paid(address receiver); }",
        expect![[r#"
            note[parameter-mismatch]: Paid(address) is declared with arguments of different names
              A.Paid(address to) (to)
              B.Paid(address receiver) (receiver)
            note[parameter-mismatch]: pay(address) is declared with arguments of different names
              A.pay(address) (to)
              B.pay(address) (recipient)
        "#]],
    );
    quiet(
        "parameter-mismatch",
        "contract A { function pay(address _to) external; }
         contract B { function pay(address to) external; }
         contract C { function pay(address) external; }",
    );
}

#[test]
fn other_results_and_other_rights_are_found() {
    judged(
        "contract A { function transfer(address to, uint256 amount) external returns (bool); }
         contract B { function transfer(address to, uint256 amount) external; }",
        expect![[r#"
            warning[return-mismatch]: transfer(address,uint256) returns different types
              A.transfer(address,uint256) (returns bool)
              B.transfer(address,uint256) (returns nothing)
        "#]],
    );
    judged(
        "contract A { function price() external view returns (uint256); }
         contract B { function price() external returns (uint256); }",
        expect![[r#"
            warning[mutability-mismatch]: price() is declared with different mutability
              A.price() (view)
              B.price() (nonpayable)
        "#]],
    );
    judged(
        "contract A { function decimals() external pure returns (uint8); }
         contract B { function decimals() external view returns (uint8); }",
        expect![[r#"
            note[mutability-mismatch]: decimals() is declared with different mutability
              A.decimals() (pure)
              B.decimals() (view)
        "#]],
    );
    let alike = "contract A { function price() external view returns (uint256 p); }
                 contract B { function price() external view returns (uint256); }";
    quiet("return-mismatch", alike);
    quiet("mutability-mismatch", alike);
}

#[test]
fn one_name_for_two_interfaces_is_found() {
    let mut all = Infrastructure::default();
    let source = |path, text| Source { path, text };
    read_solidity(
        &[
            source(
                "v1/Vault.sol",
                "interface Vault { function pay() external; function a() external; }",
            ),
            source(
                "v2/Vault.sol",
                "interface Vault { function pay(uint256 x) external; function a() external; }",
            ),
        ],
        &mut all,
    );
    expect![[r#"
        warning[homonym-interface]: 2 different interfaces are called Vault
          Vault (2 functions, 0 events)
          Vault (2 functions, 0 events)
          note: only the one in v1/Vault.sol has function pay()
        note[near-homonym]: pay is called with 2 different lists of arguments
          Vault.pay()
          Vault.pay(uint256)
    "#]]
    .assert_eq(&lines(&check(&all)));
    judged(
        "contract A { event Paid(address to); } contract B { event Paid(address to, uint256 amount); }",
        expect![[r#"
            warning[homonym-interface]: 2 different events are called Paid
              A.Paid(address to)
              B.Paid(address to, uint256 amount)
        "#]],
    );
    quiet(
        "homonym-interface",
        "contract A { event Paid(address to); } contract B { event Paid(address to); }",
    );
}

#[test]
fn two_names_for_one_interface_are_a_note() {
    let body = "{ function a() external; function b() external; function c() external; }";
    judged(
        &format!("interface IVault {body} interface IPool {body} contract Vault {body}"),
        expect![[r#"
            note[synonym]: one interface goes by 2 names
              IVault
              IPool
        "#]],
    );
    quiet("synonym", &format!("interface IVault {body} contract Vault {body}"));
}

#[test]
fn an_overload_that_only_one_contract_has_is_a_note() {
    judged(
        "contract A { function mint(address to) external; function mint(address to, uint256 n) external; }
         contract B { function mint(address to, uint256 n) external; }",
        expect![[r#"
            note[near-homonym]: mint is called with 2 different lists of arguments
              A.mint(address)
              A.mint(address,uint256)
        "#]],
    );
    let overloads =
        "{ function mint(address to) external; function mint(address to, uint256 n) external; }";
    quiet("near-homonym", &format!("contract A {overloads} contract B {overloads}"));
}

#[test]
fn errors_of_one_selector_are_found_the_built_in_ones_included() {
    let mut all = solidity("contract A { error Late(); } contract B { error Early(); }");
    quiet(
        "error-selector-collision",
        "contract A { error Late(); } contract B { error Early(); error Late(); }",
    );
    all.surfaces[1].errors[0].selector = all.surfaces[0].errors[0].selector;
    let report = lines(&check(&all));
    assert!(
        report.starts_with("warning[error-selector-collision]: errors Early() and Late() have"),
        "{report}"
    );
    all.surfaces[1].errors[0].selector = [0x08, 0xc3, 0x79, 0xa0];
    let report = lines(&check(&all));
    assert!(
        report.contains("errors Early() and Error(string) have the same selector 0x08c379a0"),
        "{report}"
    );
}

#[test]
fn different_interfaces_with_one_id_are_found_and_equal_ones_are_not() {
    judged(
        "interface A { function pre() external; function RSC() external; }
         interface B { function Ty() external; function x() external; }",
        expect![[r#"
            warning[interface-id-ambiguity]: 2 different interfaces have the id 0x1ffbd373
              A (2 functions)
              B (2 functions)
        "#]],
    );
    let same = "{ function x() external; function y() external; }";
    quiet("interface-id-ambiguity", &format!("interface A {same} interface B {same}"));
}

#[test]
fn a_reserved_selector_is_found() {
    judged(
        "interface Seaport { function fulfillBasicOrder_efficient_6GL6yc((address,uint256,uint256,address,address,address,uint256,uint256,uint8,uint256,uint256,bytes32,uint256,bytes32,bytes32,uint256,(uint256,address)[],bytes) o) external payable; }",
        expect![[r#"
            warning[reserved-selector]: fulfillBasicOrder_efficient_6GL6yc((address,uint256,uint256,address,address,address,uint256,uint256,uint8,uint256,uint256,bytes32,uint256,bytes32,bytes32,uint256,(uint256,address)[],bytes)) has the selector 0x00000000
              Seaport.fulfillBasicOrder_efficient_6GL6yc((address,uint256,uint256,address,address,address,uint256,uint256,uint8,uint256,uint256,bytes32,uint256,bytes32,bytes32,uint256,(uint256,address)[],bytes))
        "#]],
    );
    quiet("reserved-selector", COLLIDING);
}

#[test]
fn types_are_made_canonical_before_they_are_compared() {
    let all = solidity(
        "type Price is uint128; enum Side { Buy, Sell }
         interface IERC20 { function f() external; }
         library L { struct Leg { IERC20 token; Price price; } }
         contract Market {
             struct Order { Side side; L.Leg[] legs; mapping(address => bool) seen; }
             struct Bid { Side side; L.Leg[2] legs; }
             modifier only(address who) { if (who != msg.sender) { revert(\"}\"); } _; }
             function place(Bid calldata bid, uint deadline) external only(address(0)) returns (bytes32 id) { id = keccak256(\"{\"); }
             function hidden(uint256 x) internal {}
             function deeper(mapping(address => bool) storage seen) private {}
             function bare() public /* comment } */ virtual override(A, B) {}
             uint256 public total;
             event Placed(bytes32 indexed id, Bid bid);
             error Late(Side side);
             receive() external payable {}
         }",
    );
    let market = all.surfaces.iter().find(|surface| surface.name == "Market").unwrap();
    let functions: Vec<&str> = market.functions.iter().map(|f| f.signature.as_str()).collect();
    assert_eq!(functions, ["place((uint8,(address,uint128)[2]),uint256)", "bare()"]);
    assert_eq!(market.events[0].signature, "Placed(bytes32,(uint8,(address,uint128)[2]))");
    assert_eq!(market.errors[0].signature, "Late(uint8)");
    assert_eq!(all.left_out, []);
}

#[test]
fn what_cannot_be_read_is_left_out_by_name() {
    let all = solidity(
        "contract A { function f(Missing m) external; function g(uint7 x) external; function h() external; }",
    );
    expect![[r#"
        left out: A: f: type Missing is declared nowhere, or in two ways
        left out: A: g: type uint7 is declared nowhere, or in two ways
    "#]]
    .assert_eq(&lines(&check(&all)));
    assert_eq!(all.surfaces[0].functions.len(), 1);
}

fn read_one(path: &str, text: &str) -> (Result<Reading, String>, Infrastructure) {
    let mut all = Infrastructure::default();
    (read(Source { path, text }, &mut all), all)
}

#[test]
fn every_form_of_input_gives_the_same_function() {
    let abi = r#"[{"type":"function","name":"pay","stateMutability":"nonpayable","outputs":[],
        "inputs":[{"name":"order","type":"tuple[]","components":[
            {"name":"to","type":"address"},{"name":"amount","type":"uint"}]}]}]"#;
    let quoted = serde_json::to_string(abi).unwrap();
    let human =
        r#"["function pay((address to, uint amount)[] order)", "event Paid(address indexed to)"]"#;
    for (path, text) in [
        ("a.json", abi.to_owned()),
        ("a.json", format!(r#"{{"abi":{abi},"bytecode":{{"object":"0x"}}}}"#)),
        ("a.json", format!(r#"{{"contractName":"A","abi":{abi}}}"#)),
        ("a.json", format!(r#"{{"output":{{"contracts":{{"a.sol":{{"A":{{"abi":{abi}}}}}}}}}}}"#)),
        ("a.json", format!(r#"{{"contracts":{{"a.sol:A":{{"abi":{abi}}}}}}}"#)),
        ("a.json", format!(r#"{{"contracts":{{"a.sol:A":{{"abi":{quoted}}}}}}}"#)),
        ("a.json", format!(r#"{{"status":"1","message":"OK","result":{quoted}}}"#)),
        ("a.json", r#"["pay((address,uint256)[])"]"#.to_owned()),
        ("a.json", human.to_owned()),
        ("a.json", r#"{"0x3526f65b":["pay((address,uint256)[])"]}"#.to_owned()),
        ("a.json", r#"{"pay((address,uint256)[])":"3526f65b"}"#.to_owned()),
        ("a.txt", "# ours\npay((address,uint256)[])\n\n".to_owned()),
        (
            "a.txt",
            "function pay(tuple(address to, uint256 amount)[] calldata order) external;\n"
                .to_owned(),
        ),
    ] {
        let (reading, all) = read_one(path, &text);
        assert_eq!(reading, Ok(Reading::Read), "{text}");
        assert_eq!(all.left_out, [], "{text}");
        assert_eq!(all.surfaces[0].functions[0].signature, "pay((address,uint256)[])", "{text}");
    }
}

#[test]
fn a_selector_that_is_not_the_hash_of_its_signature_is_told() {
    for (path, text) in [
        ("a.txt", "0xa9059cbb: transfer(address,uint256)\n0xa9059cbb: burn(uint256)"),
        ("a.json", r#"{"0xa9059cbb":["transfer(address,uint256)", "burn(uint256)"]}"#),
    ] {
        let (_, all) = read_one(path, text);
        assert_eq!(all.surfaces[0].functions.len(), 1);
        assert_eq!(all.left_out.len(), 1);
        assert!(
            all.left_out[0].reason.contains("0x42966c68, the file says 0xa9059cbb"),
            "{:?}",
            all.left_out
        );
    }
}

#[test]
fn what_is_no_interface_is_told_from_what_is_broken() {
    assert_eq!(
        read_one("package.json", r#"{"name":"x","version":"1"}"#).0,
        Ok(Reading::NotAnInterface)
    );
    assert_eq!(read_one("x.json", "12").0, Ok(Reading::NotAnInterface));
    assert_eq!(read_one("x.txt", "\n# nothing\n").0, Ok(Reading::NotAnInterface));
    assert!(read_one("x.json", "{").0.is_err());
    assert!(read_one("x.bin", "0xzz").0.is_err());
    let (reading, all) = read_one("x.txt", "some prose, and no signature\n");
    assert_eq!((reading, all.left_out.len()), (Ok(Reading::NotAnInterface), 1));
}

#[test]
fn bytecode_alone_gives_selectors_that_agree_with_the_names_elsewhere() {
    let artifact = include_str!("../../../../../contracts/artifacts/MeridianToken.json");
    let value: serde_json::Value = serde_json::from_str(artifact).unwrap();
    let code = value["deployedBytecode"].as_str().unwrap();
    let mut all = Infrastructure::default();
    read(Source { path: "MeridianToken.json", text: artifact }, &mut all).unwrap();
    read(Source { path: "unverified.bin", text: code }, &mut all).unwrap();
    let mut named: Vec<[u8; 4]> = all.surfaces[0].functions.iter().map(|f| f.selector).collect();
    named.sort_unstable();
    assert_eq!(all.surfaces[1].unnamed, named);
    assert_eq!(lines(&check(&all)), "", "the same functions are no collision");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,60}|(contract|function|event|struct|[a-z]{1,3}|[(){};,\\[\\]\"0-9 \n]){0,40}") {
        let _solidity = solidity(&text);
        let _list = read_one("a.txt", &text).0.is_ok();
        let _json = read_one("a.json", &text).0.is_ok();
    }

    /// Parameter names, white space and the order of files change nothing about what collides.
    #[test]
    fn collisions_do_not_depend_on_order(seed in 0usize..6) {
        let mut parts = [
            "interface A { function transfer(address to, uint256 n) external; }",
            "interface B { function   many_msg_babbage ( bytes1  ) external; }",
            "interface C { function other() external; }",
        ];
        parts.rotate_left(seed % 3);
        if seed > 2 {
            parts.reverse();
        }
        let report = check(&solidity(&parts.join("\n")));
        let count = report.diagnostics.iter().filter(|d| d.rule.id == "selector-collision").count();
        proptest::prop_assert_eq!(count, 1);
    }
}
