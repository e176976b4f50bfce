//! Every kind of proxy: its change is told when it says so, told worse when it does not, and what
//! merely looks like a change is quiet.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, keccak256};
use bellwether_detect::chronicle;
use expect_test::expect;
use model::{ReadRequest, Severity, StateRead};
use registry::{
    Class, ContractAbi, Deployment, Labels, Registry,
    lifecycle::Stage,
    proxy::{
        AUTHORITY_SLOTS, EIP1822_IMPLEMENTATION, EIP1967_ADMIN, EIP1967_BEACON,
        EIP1967_IMPLEMENTATION, FACETS, IMPLEMENTATION, SAFE_SINGLETON, ZOS_ADMIN,
        ZOS_IMPLEMENTATION,
    },
};

use crate::chain::*;

/// The contract of all stories.
const SUBJECT: u8 = 0xb0;

const DIAMOND_ABI: &[&str] = &[
    "function facets() view returns ((address,bytes4[])[])",
    "event DiamondCut((address,uint8,bytes4[])[] diamondCut, address init, bytes data)",
];
const BEACON_ABI: &[&str] = &[
    "function implementation() view returns (address)",
    "function upgradeTo(address newImplementation)",
    "event Upgraded(address indexed implementation)",
];
const SAFE_ABI: &[&str] = &[
    "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) payable returns (bool)",
    "function getThreshold() view returns (uint256)",
    "event ChangedMasterCopy(address singleton)",
];

fn registry(class: Class, abi: &[&str]) -> Registry {
    let subject = Deployment {
        label: name("subject"),
        network: name(NETWORK),
        address: address(SUBJECT),
        protocol: None,
        class,
        abi: Arc::new(ContractAbi::from_solidity(abi.iter().copied()).unwrap()),
        abi_known: true,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    Registry::new(vec![subject], Labels::default()).unwrap()
}

fn world(class: Class, abi: &[&str]) -> World {
    let monitors = vec![
        detector("change/code_changed", &["subject"], &[], Severity::Critical),
        detector("change/proxy_upgraded", &["subject"], &[], Severity::Critical),
    ];
    World::of(registry(class, abi), monitors)
}

fn at_slot(slot: B256, word: B256) -> Vec<(B256, B256)> {
    vec![(slot, word)]
}

/// A block with a call of the subject, and the subject's state after it.
fn state(txs: Vec<TxBuilder>, code: &[u8], slots: &[(B256, B256)]) -> BlockBuilder {
    let subject = address(SUBJECT);
    let mut block = block(txs).code_hash(subject, code);
    for (slot, _) in AUTHORITY_SLOTS.iter().chain(&[(SAFE_SINGLETON, "")]) {
        let held = slots.iter().find(|(at, _)| at == slot).map_or(B256::ZERO, |(_, word)| *word);
        block = block.slot(subject, *slot, held);
    }
    block
}

fn answers(mut block: BlockBuilder, selector: [u8; 4], answer: Vec<u8>) -> BlockBuilder {
    let request = ReadRequest::Call { to: address(SUBJECT), input: selector.into() };
    block.reads.push(StateRead { request, result: Ok(answer.into()) });
    block
}

fn called() -> TxBuilder {
    tx(MALLORY, SUBJECT)
}

fn says(event: &str, indexed: Option<Address>, data: &[Address]) -> TxBuilder {
    let mut topics = vec![keccak256(event)];
    topics.extend(indexed.map(word_of));
    let data: Vec<u8> = data.iter().flat_map(|address| word_of(*address).0).collect();
    called().log(log(SUBJECT, topics, data))
}

/// What is told when a slot goes from one address to another in silence, when an event comes with
/// it, and when nothing changes but the subject is called.
fn slot_changes(class: Class, abi: &[&str], slot: B256, event: TxBuilder) -> String {
    let (one, two) = (word_of(address(1)), word_of(address(2)));
    let before = || state(vec![], &[1], &at_slot(slot, one));
    let after = |txs| state(txs, &[1], &at_slot(slot, two));
    let silent = |world: &mut World| told(&world.push(12, &after(vec![called()])));
    let (mut first, mut second, mut third) =
        (world(class, abi), world(class, abi), world(class, abi));
    for world in [&mut first, &mut second, &mut third] {
        assert_eq!(told(&world.push(12, &before())), "", "the first look is no change");
    }
    let told_of = told(&second.push(12, &after(vec![event])));
    let quiet = state(vec![called()], &[1], &at_slot(slot, one));
    assert_eq!(told(&third.push(12, &quiet)), "", "a call changes nothing");
    format!("silent: {}\ntold: {told_of}", silent(&mut first))
}

#[test]
fn transparent_and_uups_proxies_by_their_slot_and_their_admin() {
    let event = says("Upgraded(address)", Some(address(2)), &[]);
    expect![[r#"
        silent: critical: the EIP-1967 implementation of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: critical: subject was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&slot_changes(Class::Proxy, &[], EIP1967_IMPLEMENTATION, event.clone()));
    let uups = &["function proxiableUUID() view returns (bytes32)"];
    assert_eq!(
        slot_changes(Class::Vault, uups, EIP1967_IMPLEMENTATION, event.clone()),
        slot_changes(Class::Proxy, &[], EIP1967_IMPLEMENTATION, event),
        "a proxy behind its implementation's interface is one too"
    );
    let admin = says("AdminChanged(address,address)", None, &[address(1), address(2)]);
    expect![[r#"
        silent: critical: the EIP-1967 admin of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: "#]]
    .assert_eq(&slot_changes(Class::Proxy, &[], EIP1967_ADMIN, admin));
}

#[test]
fn beacon_proxies_by_their_slot_and_beacons_by_what_they_tell() {
    let event = says("BeaconUpgraded(address)", Some(address(2)), &[]);
    expect![[r#"
        silent: critical: the EIP-1967 beacon of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: critical: subject was upgraded: its beacon is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&slot_changes(Class::Proxy, &[], EIP1967_BEACON, event));

    let mut world = world(Class::Contract, BEACON_ABI);
    let telling = |txs: Vec<TxBuilder>, to: u8| {
        answers(state(txs, &[1], &[]), IMPLEMENTATION, word_of(address(to)).to_vec())
    };
    assert_eq!(told(&world.push(12, &telling(vec![], 1))), "");
    assert_eq!(told(&world.push(12, &telling(vec![called()], 1))), "");
    let upgraded = says("Upgraded(address)", Some(address(2)), &[]);
    expect!["critical: subject was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"]
        .assert_eq(&told(&world.push(12, &telling(vec![upgraded], 2))));
    expect!["critical: the beacon's implementation of subject is 0x0303030303030303030303030303030303030304 now, and no event says so"]
        .assert_eq(&told(&world.push(12, &telling(vec![called()], 3))));
    let silent = state(vec![], &[1], &[]);
    assert_eq!(
        blind(&world.push(12, &silent)),
        ["change.code_changed: state read missing: beacon's implementation of subject"]
    );
}

#[test]
fn old_standards_by_their_slots() {
    let event = says("Upgraded(address)", Some(address(2)), &[]);
    let erc1822 = slot_changes(Class::Proxy, &[], EIP1822_IMPLEMENTATION, event.clone());
    expect![[r#"
        silent: critical: the EIP-1822 implementation of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: critical: subject was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&erc1822);
    // ZeppelinOS did not index the argument.
    let unindexed = says("Upgraded(address)", None, &[address(2)]);
    expect![[r#"
        silent: critical: the zos implementation of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: critical: subject was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&slot_changes(Class::Proxy, &[], ZOS_IMPLEMENTATION, unindexed));
    let admin = says("AdminChanged(address,address)", None, &[address(1), address(2)]);
    expect![[r#"
        silent: critical: the zos admin of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: "#]]
    .assert_eq(&slot_changes(Class::Proxy, &[], ZOS_ADMIN, admin));
}

#[test]
fn a_safe_by_slot_zero_and_other_multisigs_not() {
    let event = says("ChangedMasterCopy(address)", None, &[address(2)]);
    expect![[r#"
        silent: critical: the Safe singleton of subject is 0x0202020202020202020202020202020202020203 now, and no event says so
        told: critical: subject was upgraded: its implementation is now 0x0202020202020202020202020202020202020203"#]]
    .assert_eq(&slot_changes(Class::Multisig, SAFE_ABI, SAFE_SINGLETON, event));
    // What lies in slot 0 of any other contract is its own business: here, a counter.
    let mut other = world(Class::Multisig, &["function execute(uint256 id)"]);
    for count in 1..4u64 {
        let word = B256::from(U256::from(count));
        let block = state(vec![called()], &[1], &at_slot(SAFE_SINGLETON, word));
        assert_eq!(told(&other.push(12, &block)), "");
    }
}

#[test]
fn a_proxy_that_shows_only_its_implementation_is_read_when_asked_for() {
    let reads = |params: &[(&str, &str)], abi: &[&str]| {
        let monitor = detector("change/code_changed", &["subject"], params, Severity::Critical);
        let world = World::of(registry(Class::Vault, abi), vec![monitor]);
        world.engine.reads(&name(NETWORK)).reads().len()
    };
    let vault = &["function deposit(uint256 assets)"];
    assert_eq!(reads(&[], vault), 1, "its code alone");
    assert_eq!(reads(&[("all_slots", "true")], vault), 1 + AUTHORITY_SLOTS.len());
    assert_eq!(reads(&[("all_slots", "true")], BEACON_ABI), 2 + AUTHORITY_SLOTS.len());
}

type Loupe<'a> = &'a [(u8, &'a [u8])];

fn facets(list: Loupe<'_>) -> Vec<u8> {
    let selector = |byte: &u8| DynSolValue::FixedBytes(B256::right_padding_from(&[*byte; 4]), 4);
    let facet = |(at, selectors): &(u8, &[u8])| {
        let selectors = selectors.iter().map(selector).collect();
        DynSolValue::Tuple(vec![DynSolValue::Address(address(*at)), DynSolValue::Array(selectors)])
    };
    let list = DynSolValue::Array(list.iter().map(facet).collect());
    DynSolValue::Tuple(vec![list]).abi_encode_params()
}

/// A cut as the diamond tells it: facet, action, functions.
fn cut(facet: u8, action: u8, functions: &[u8]) -> TxBuilder {
    let selector = |byte: &u8| DynSolValue::FixedBytes(B256::right_padding_from(&[*byte; 4]), 4);
    let one = DynSolValue::Tuple(vec![
        DynSolValue::Address(address(facet)),
        DynSolValue::Uint(U256::from(action), 8),
        DynSolValue::Array(functions.iter().map(selector).collect()),
    ]);
    let data = DynSolValue::Tuple(vec![
        DynSolValue::Array(vec![one]),
        DynSolValue::Address(Address::ZERO),
        DynSolValue::Bytes(Vec::new()),
    ])
    .abi_encode_params();
    let topic = keccak256("DiamondCut((address,uint8,bytes4[])[],address,bytes)");
    called().log(log(SUBJECT, vec![topic], data))
}

#[test]
fn a_diamond_by_its_cuts_and_by_its_loupe_function_by_function() {
    let mut world = world(Class::Contract, DIAMOND_ABI);
    let mut push = |txs: Vec<TxBuilder>, list: Loupe<'_>| {
        world.push(12, &answers(state(txs, &[1], &[]), FACETS, facets(list)))
    };
    assert_eq!(told(&push(vec![], &[(1, &[1, 2]), (2, &[3])])), "");
    assert_eq!(told(&push(vec![called()], &[(2, &[3]), (1, &[2, 1])])), "", "in any order");
    let replaced = push(vec![cut(3, 1, &[2])], &[(1, &[1]), (2, &[3]), (3, &[2])]);
    expect!["critical: subject was cut: 0 functions added, 1 replaced, 0 removed"]
        .assert_eq(&told(&replaced));
    let silent = push(vec![called()], &[(1, &[1]), (4, &[2, 9])]);
    expect![
        "critical: subject was cut, and no event says so: 1 functions added, 1 replaced, 1 removed"
    ]
    .assert_eq(&told(&silent));
    let facts: Vec<String> = silent.findings[0]
        .evidence
        .facts
        .iter()
        .map(|f| format!("{}: {}", f.name, f.value))
        .collect();
    expect![[r#"
        facets that answer now: [0x0404040404040404040404040404040404040405]
        functions added: [0x09090909]
        functions replaced: [0x02020202]
        functions removed: [0x03030303]"#]]
    .assert_eq(&facts.join("\n"));
    let half = push(vec![cut(5, 0, &[7])], &[(1, &[1]), (4, &[2, 9]), (5, &[7, 8])]);
    expect![[r#"
        critical: subject was cut, and no event says so: 1 functions added, 0 replaced, 0 removed
        critical: subject was cut: 1 functions added, 0 replaced, 0 removed"#]]
    .assert_eq(&told(&half));
    let nonsense = world.push(12, &answers(state(vec![], &[1], &[]), FACETS, vec![0xff; 96]));
    assert_eq!(
        blind(&nonsense),
        ["change.code_changed: state read missing: facets of subject"],
        "a loupe that cannot be read is no empty diamond"
    );
}

fn code_of_clone(target: u8) -> Vec<u8> {
    let (head, tail) = ("363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3");
    let decode = |text: &str| alloy_primitives::hex::decode(text).unwrap();
    [decode(head), address(target).to_vec(), decode(tail)].concat()
}

fn delegation(target: u8) -> Vec<u8> {
    [&[0xef, 1, 0][..], address(target).as_slice()].concat()
}

/// What is told as the subject's code goes from one to the next.
fn codes(class: Class, history: &[Vec<u8>]) -> Vec<String> {
    let mut world = world(class, &[]);
    let mut tell = |code: &Vec<u8>| told(&world.push(12, &state(vec![called()], code, &[])));
    history.iter().map(&mut tell).collect()
}

#[test]
fn a_clone_that_points_elsewhere_and_code_that_is_born_again() {
    let (one, two, none) = (code_of_clone(1), code_of_clone(2), vec![]);
    expect![[r#"
        [
            "",
            "",
            "critical: other code runs at the address of subject",
            "critical: the code of subject is gone",
            "",
            "critical: other code stands where the code of subject was gone",
            "critical: the code of subject is gone",
            "critical: the code of subject, which was gone, is back",
        ]
    "#]]
    .assert_debug_eq(&codes(
        Class::Contract,
        &[
            one.clone(),
            one.clone(),
            two.clone(),
            none.clone(),
            none.clone(),
            one.clone(),
            none,
            one,
        ],
    ));
}

#[test]
fn an_account_that_delegates_delegates_elsewhere_and_stops() {
    let none = vec![];
    expect![[r#"
        [
            "",
            "critical: code appeared at subject, which is an account without code",
            "critical: other code runs at the address of subject",
            "",
            "critical: the code of subject is gone",
        ]
    "#]]
    .assert_debug_eq(&codes(
        Class::Treasury,
        &[none.clone(), delegation(1), delegation(2), delegation(2), none.clone()],
    ));
    let mut world = world(Class::Treasury, &[]);
    for code in [none.clone(), delegation(1), none] {
        world.push(12, &state(vec![called()], &code, &[]));
    }
    let (_, chronicle) = chronicle::chronicles(&world.state()).pop().unwrap();
    assert_eq!(chronicle.life.stage(), Stage::Active, "an account that stops delegating lives on");
    let codes: Vec<bool> = chronicle.lineage.code.iter().map(|s| s.what.is_some()).collect();
    assert_eq!(codes, [false, true, false]);
}

#[test]
fn a_change_of_any_kind_is_undone_with_its_block() {
    let slot = |to: u8| at_slot(EIP1967_IMPLEMENTATION, word_of(address(to)));
    let mut world = world(Class::Proxy, DIAMOND_ABI);
    let push = |world: &mut World, to: u8, list: Loupe<'_>, fork: u64| {
        let block = answers(state(vec![called()], &[to], &slot(to)), FACETS, facets(list));
        told(&world.push_fork(12, &block, fork))
    };
    push(&mut world, 1, &[(1, &[1])], 0);
    let before = world.state();
    let changed = push(&mut world, 2, &[(2, &[1])], 0);
    assert_eq!(changed.lines().count(), 3, "{changed}");
    world.revert(1);
    assert_eq!(world.state(), before);
    assert_eq!(push(&mut world, 1, &[(1, &[1])], 1), "");
    world.restart();
    assert_eq!(push(&mut world, 2, &[(2, &[1])], 1), changed, "remembered across a restart");
}
