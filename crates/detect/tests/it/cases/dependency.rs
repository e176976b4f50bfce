//! What ours rely on is stopped, swapped, frozen, replaced or voted about.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, I256, U256, keccak256};
use expect_test::expect;
use model::{Finding, FrameKind, Log, ReadRequest, Severity};
use registry::{
    Deployment, Labels, Registry,
    dependencies::{
        Declared, Dependency, FeedTerms, Kind, Lending, LendingTerms, Price, Standing, TokenTerms,
        standard_abi,
    },
};

use crate::chain::*;

const DOLLAR: u8 = 0xd1;
const RATE: u8 = 0xd2;
const MARKET: u8 = 0xd3;
const GOVERNOR: u8 = 0xd4;
const AGGREGATOR: u8 = 0xd5;
const STRANGER: u8 = 0xee;

fn dependency(label: &str, at: u8, kind: Kind) -> Dependency {
    Dependency {
        label: name(label),
        network: name(NETWORK),
        address: address(at),
        kind,
        of: vec![name("vault")],
        standing: Standing::Watched,
        stated_cents: None,
        covers: Vec::new(),
        token: None,
        feed: None,
        lending: None,
        code_hash: None,
        implementation: None,
    }
}

/// A vault that holds a dollar, lends it, has it priced, and is governed.
fn registry() -> Registry {
    let mut dollar = dependency("dollar", DOLLAR, Kind::Token);
    dollar.token = Some(TokenTerms {
        symbol: "USDX".into(),
        decimals: 6,
        price: None,
        priced_by: Some(name("rate")),
        peg: Some(Price::DOLLAR),
    });
    dollar.code_hash = Some(keccak256([1]));
    dollar.implementation = Some(address(0x71));
    let mut rate = dependency("rate", RATE, Kind::Feed);
    rate.feed =
        Some(FeedTerms { decimals: 8, aggregator: Some(address(AGGREGATOR)), heartbeat_s: None });
    rate.covers = vec![name("dollar"), name("market")];
    let mut market = dependency("market", MARKET, Kind::Lending);
    market.lending = Some(LendingTerms {
        interface: Lending::Aave,
        asset: name("dollar"),
        receipt: address(MARKET),
    });
    let governor = dependency("council", GOVERNOR, Kind::Governance);
    let all = vec![dollar, rate, market, governor];
    let outside = all.iter().map(|of| Deployment {
        label: of.label.clone(),
        network: of.network.clone(),
        address: of.address,
        protocol: None,
        class: of.kind.class(),
        abi: standard_abi(of.kind),
        abi_known: false,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    });
    let deployments: Vec<Deployment> = deployments().into_iter().chain(outside).collect();
    let count = all.len();
    Registry::new(deployments, Labels::default())
        .unwrap()
        .with_dependencies(Declared::new(all, BTreeMap::new()), count)
}

fn world(id: &str, params: &[(&str, &str)], severity: Severity) -> World {
    World::of(registry(), vec![detector(id, &[], params, severity)])
}

fn address_of(byte: u8) -> B256 {
    word_of(address(byte))
}

/// What a node answers after a block, as the plan asks: the vault holds 1,000 dollars and has lent
/// 500, of 10,000 that were deposited.
#[derive(Debug, Clone, Copy)]
struct State {
    price: u64,
    flags: u64,
    available: u64,
    aggregator: u8,
    code: u8,
    implementation: u8,
}

const USUAL: State = State {
    price: 100_000_000,
    flags: 1 << 56,
    available: 6_000_000_000,
    aggregator: AGGREGATOR,
    code: 1,
    implementation: 0x71,
};

impl State {
    fn answer(&self, request: &ReadRequest) -> Vec<u8> {
        let word = |value: u64| B256::from(U256::from(value)).to_vec();
        match request {
            ReadRequest::CodeHash(_) => keccak256([self.code]).to_vec(),
            ReadRequest::Writes(_) => Vec::new(),
            ReadRequest::Storage { slot, .. } => {
                let is_first = *slot == registry::proxy::EIP1967_IMPLEMENTATION;
                let word = if is_first { address_of(self.implementation) } else { B256::ZERO };
                word.to_vec()
            }
            ReadRequest::Balance(_) => word(0),
            ReadRequest::Call { to, input } => {
                let is = |signature: &str| input[..4] == keccak256(signature)[..4];
                let holder = input.get(16..36).map(Address::from_slice);
                if is("latestRoundData()") {
                    let answer = I256::try_from(self.price).unwrap().into_raw();
                    let words = [
                        U256::from(9),
                        answer,
                        U256::from(START),
                        U256::from(START),
                        U256::from(9),
                    ];
                    words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect()
                } else if is("aggregator()") {
                    address_of(self.aggregator).to_vec()
                } else if is("getConfiguration(address)") {
                    word(self.flags)
                } else if is("totalSupply()") {
                    word(10_000_000_000)
                } else if is("balanceOf(address)") && holder == Some(address(MARKET)) {
                    word(self.available)
                } else if is("balanceOf(address)") && *to == address(MARKET) {
                    word(500_000_000)
                } else {
                    word(1_000_000_000)
                }
            }
        }
    }
}

/// A block with every answer that is due in it.
fn push(world: &mut World, block: BlockBuilder, state: &State) -> bellwether_detect::Judgement {
    let due = world.engine.reads(&name(NETWORK)).due(world.head.number + 1);
    let mut block = block;
    block.reads = due
        .into_iter()
        .map(|request| model::StateRead { result: Ok(state.answer(&request).into()), request })
        .collect();
    world.push(12, &block)
}

/// So many blocks, in which everything was read that is read now and then.
fn live(world: &mut World, blocks: u64, state: &State) -> Vec<Finding> {
    (0..blocks).flat_map(|_| push(world, block([]), state).findings).collect()
}

/// Findings of a state that begins after a usual while.
fn after(id: &str, severity: Severity, state: &State) -> Vec<Finding> {
    let mut world = world(id, &[], severity);
    assert!(live(&mut world, 30, &USUAL).is_empty());
    live(&mut world, 80, state)
}

fn event(emitter: u8, signature: &str, topics: &[B256], data: Vec<u8>) -> Log {
    log(emitter, [&[keccak256(signature)], topics].concat(), data)
}

fn told_of(id: &str, severity: Severity, log: Log) -> Vec<Finding> {
    let mut world = world(id, &[], severity);
    assert!(live(&mut world, 30, &USUAL).is_empty());
    let found = push(&mut world, block([tx(ALICE, DOLLAR).log(log)]), &USUAL).findings;
    assert!(live(&mut world, 30, &USUAL).is_empty());
    found
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|f| format!("{}: {}\n", f.severity, f.title)).collect()
}

pub(crate) fn token_paused() -> Vec<Finding> {
    told_of("dependency/token_event", Severity::High, event(DOLLAR, "Pause()", &[], Vec::new()))
}

pub(crate) fn other_account_frozen() -> Vec<Finding> {
    let frozen = event(DOLLAR, "Blacklisted(address)", &[address_of(MALLORY)], Vec::new());
    told_of("dependency/token_event", Severity::High, frozen)
}

#[test]
fn a_pause_is_told_once_with_what_is_held() {
    let found = token_paused();
    expect![[r#"
        high: dollar was paused; 1,000 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&found));
    assert_eq!(found[0].value_at_risk.as_ref().unwrap().to_string(), "1,000 USD");
    assert_eq!(found[0].deployment, Some(name("dollar")));
}

#[test]
fn a_freeze_a_fee_and_a_mint_are_told_when_they_touch_us() {
    let found = |log| lines(&told_of("dependency/token_event", Severity::High, log));
    let ours = event(DOLLAR, "Blacklisted(address)", &[address_of(VAULT)], Vec::new());
    let fee = [B256::with_last_byte(25), B256::with_last_byte(9)].concat();
    let large = transfer(DOLLAR, Address::ZERO, address(MALLORY), 2_000_000_000);
    let small = transfer(DOLLAR, Address::ZERO, address(ALICE), 400_000_000);
    let moved = transfer(DOLLAR, address(ALICE), address(MALLORY), 9_000_000_000);
    let all = [
        found(ours),
        found(event(DOLLAR, "Params(uint256,uint256)", &[], fee)),
        found(large),
        found(small),
        found(moved),
    ];
    expect![[r#"
        critical: dollar froze vault; 1,000 USD of ours rely on it
        high: dollar takes a fee of 25 basis points; 1,000 USD of ours rely on it
        high: 2,000 USDX were made from nothing, 20.0 % of what there was; 1,000 USD of ours rely on it
    "#]]
    .assert_eq(&all.concat());
}

pub(crate) fn market_frozen() -> Vec<Finding> {
    let frozen = State { flags: 1 << 56 | 1 << 57, ..USUAL };
    after("dependency/market_state", Severity::High, &frozen)
}

pub(crate) fn market_busy() -> Vec<Finding> {
    let busy = State { available: 600_000_000, ..USUAL };
    after("dependency/market_state", Severity::High, &busy)
}

#[test]
fn a_freeze_and_a_run_on_a_market_are_told_once_each_until_they_are_over() {
    expect![[r#"
        high: market was frozen; 500 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&market_frozen()));
    let mut world = world("dependency/market_state", &[], Severity::High);
    let run = State { available: 100_000_000, ..USUAL };
    let calmer = State { available: 600_000_000, ..USUAL };
    live(&mut world, 30, &USUAL);
    let mut found = live(&mut world, 10, &run);
    found.extend(live(&mut world, 10, &calmer));
    assert_eq!(found.len(), 1, "94 % is not yet below 93 %: {}", lines(&found));
    found.extend(live(&mut world, 10, &USUAL));
    found.extend(live(&mut world, 10, &run));
    expect![[r#"
        high: market is lent out; 500 USD of ours rely on it
        high: market is lent out; 500 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&found));
}

#[test]
fn what_is_due_and_missing_is_blindness_and_what_is_not_due_is_not() {
    for id in [
        "dependency/market_state",
        "dependency/feed_changed",
        "dependency/depeg",
        "dependency/code_changed",
        "dependency/token_event",
    ] {
        let mut world = world(id, &[], Severity::High);
        let mut blind_blocks = 0;
        for _ in 0..25 {
            let due = world.engine.reads(&name(NETWORK)).due(world.head.number + 1);
            let is_blind = !blind(&world.push(12, &block([]))).is_empty();
            assert!(!is_blind || !due.is_empty(), "{id} is blind for what was not due");
            blind_blocks += usize::from(is_blind);
        }
        assert!(blind_blocks > 0, "{id} was quiet although nothing was read");
    }
}

pub(crate) fn aggregator_swapped() -> Vec<Finding> {
    let swapped = State { aggregator: STRANGER, ..USUAL };
    after("dependency/feed_changed", Severity::High, &swapped)
}

pub(crate) fn nothing_new() -> Vec<Finding> {
    let mut found = Vec::new();
    for id in ["feed_changed", "code_changed", "depeg"] {
        found.extend(after(&format!("dependency/{id}"), Severity::High, &USUAL));
    }
    found
}

#[test]
fn a_swap_of_the_aggregator_is_told_once_with_all_that_it_prices() {
    expect![[r#"
        high: 0xeEEEeeEeEeEeeeeEeeEEeEeEeeeEEEEeeEeEeeef answers behind rate now; 1,500 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&aggregator_swapped()));
}

#[test]
fn an_aggregator_that_nobody_looked_at_is_told_at_the_first_read() {
    let mut world = world("dependency/feed_changed", &[], Severity::High);
    let swapped = State { aggregator: STRANGER, ..USUAL };
    assert_eq!(live(&mut world, 20, &swapped).len(), 1);
}

pub(crate) fn off_its_peg() -> Vec<Finding> {
    after("dependency/depeg", Severity::Medium, &State { price: 99_000_000, ..USUAL })
}

#[test]
fn a_small_depeg_is_told_when_it_lasts_and_a_large_one_at_once() {
    expect![[r#"
        medium: USDX costs 0.9900 USD instead of 1.0000 for 10 min 0 s; 990 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&off_its_peg()));
    let mut world = world("dependency/depeg", &[], Severity::Medium);
    let (crash, scratch) =
        (State { price: 95_000_000, ..USUAL }, State { price: 99_600_000, ..USUAL });
    live(&mut world, 30, &USUAL);
    let found = live(&mut world, 80, &crash);
    expect![[r#"
        critical: USDX costs 0.9500 USD instead of 1.0000; 1,000 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&found));
    assert!(live(&mut world, 200, &scratch).is_empty(), "0.4 % is within what feeds do");
    assert_eq!(live(&mut world, 10, &crash).len(), 1, "a new fall is a new episode");
}

pub(crate) fn other_code() -> Vec<Finding> {
    after("dependency/code_changed", Severity::Medium, &State { code: 2, ..USUAL })
}

#[test]
fn other_code_is_critical_by_its_weight_and_an_event_explains_a_slot() {
    expect![[r#"
        critical: other code runs at the address of dollar; 1,000 USD of ours rely on it
        critical: other code runs at the address of rate; 1,500 USD of ours rely on it
        critical: other code runs at the address of market; 500 USD of ours rely on it
        high: other code runs at the address of council; how much of ours relies on it is not known
    "#]]
    .assert_eq(&lines(&sorted(other_code())));

    let mut world = world("dependency/code_changed", &[], Severity::Medium);
    live(&mut world, 30, &USUAL);
    let upgraded = State { implementation: 0x72, ..USUAL };
    let told = event(DOLLAR, "Upgraded(address)", &[address_of(0x72)], Vec::new());
    let mut found = push(&mut world, block([tx(ALICE, DOLLAR).log(told)]), &upgraded).findings;
    found.extend(live(&mut world, 60, &upgraded));
    found.extend(live(&mut world, 60, &State { implementation: 0x73, ..USUAL }));
    expect![[r#"
        critical: dollar runs the code of 0x7272727272727272727272727272727272727273 now; 1,000 USD of ours rely on it
        critical: dollar runs the code of 0x7373737373737373737373737373737373737374 now and no event said so; 1,000 USD of ours rely on it
    "#]]
    .assert_eq(&lines(&found));
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    let order = ["dollar", "rate", "market", "council"];
    findings.sort_by_key(|f| order.iter().position(|label| f.title.contains(label)));
    findings
}

/// `ProposalCreated` of OpenZeppelin's governor, with one call.
fn proposal(target: Address, data: &[u8]) -> Log {
    use alloy_dyn_abi::DynSolValue as Value;
    let values = Value::Tuple(vec![
        Value::Uint(U256::from(7), 256),
        Value::Address(address(ALICE)),
        Value::Array(vec![Value::Address(target)]),
        Value::Array(vec![Value::Uint(U256::ZERO, 256)]),
        Value::Array(vec![Value::String(String::new())]),
        Value::Array(vec![Value::Bytes(data.to_vec())]),
        Value::Uint(U256::from(1), 256),
        Value::Uint(U256::from(2), 256),
        Value::String("raise the cap".to_owned()),
    ]);
    let signature = "ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)";
    event(GOVERNOR, signature, &[], values.abi_encode_params())
}

pub(crate) fn proposal_about_us() -> Vec<Finding> {
    told_of("dependency/governance", Severity::Medium, proposal(address(VAULT), &[1, 2, 3, 4]))
}

pub(crate) fn proposal_about_others() -> Vec<Finding> {
    told_of("dependency/governance", Severity::Medium, proposal(address(STRANGER), &[1, 2, 3, 4]))
}

#[test]
fn proposals_are_told_that_call_or_name_us_or_what_we_rely_on() {
    let naming = [&selector("setAdmin(address)")[..], address_of(VAULT).as_slice()].concat();
    let named =
        told_of("dependency/governance", Severity::Medium, proposal(address(STRANGER), &naming));
    let market = told_of("dependency/governance", Severity::Medium, proposal(address(MARKET), &[]));
    let all = [proposal_about_us(), named, market].concat();
    expect![[r#"
        high: council is asked to call vault, which is ours
        high: council is asked to name vault, which is ours
        medium: council is asked to call market, which ours rely on
    "#]]
    .assert_eq(&lines(&all));
}

fn vault_calls(kind: FrameKind, to: Address, input: &[u8]) -> BlockBuilder {
    let outer = frame(None, 0, address(ALICE), address(VAULT), &[9, 9, 9, 9]);
    let mut inner = frame(Some(0), 1, address(VAULT), to, input);
    inner.kind = kind;
    block([tx(ALICE, VAULT).frames(vec![outer, inner])]).traced()
}

fn appears(calls: &[BlockBuilder]) -> Vec<Finding> {
    let mut world = world("dependency/appeared", &[], Severity::Medium);
    calls.iter().flat_map(|block| world.push(12, block).findings).collect()
}

pub(crate) fn stranger_called() -> Vec<Finding> {
    appears(&[vault_calls(FrameKind::StaticCall, address(STRANGER), &[1, 2, 3, 4])])
}

pub(crate) fn known_called() -> Vec<Finding> {
    let call = |to: u8| vault_calls(FrameKind::Call, address(to), &[1, 2, 3, 4]);
    appears(&[call(DOLLAR), call(POOL), vault_calls(FrameKind::Call, address(STRANGER), &[])])
}

#[test]
fn a_contract_that_nobody_declared_is_told_once_and_again_after_a_reorg() {
    let unknown = vault_calls(FrameKind::DelegateCall, address(STRANGER), &[1, 2, 3, 4]);
    let found = appears(&[unknown.clone(), unknown.clone()]);
    expect![[r#"
        medium: vault ran the code of 0xeEEEeeEeEeEeeeeEeeEEeEeEeeeEEEEeeEeEeeef, which nobody declared as a dependency
    "#]]
    .assert_eq(&lines(&found));
    let mut world = world("dependency/appeared", &[], Severity::Medium);
    let first = world.push(12, &unknown).findings;
    world.revert(1);
    let again = world.push_fork(12, &unknown, 1).findings;
    assert_eq!((first.len(), again.len()), (1, 1), "what was learned left with its block");
    let without_traces = world.push(12, &block([tx(ALICE, VAULT)]));
    assert!(blind(&without_traces)[0].contains("needs Traces"), "{:?}", blind(&without_traces));
}

#[test]
fn monitors_on_everything_are_on_ours_and_a_quiet_block_asks_only_what_is_due() {
    let spec = detector("access/role_change", &[], &[], Severity::High);
    let mut world = World::of(registry(), vec![spec]);
    let given = event(
        DOLLAR,
        "RoleGranted(bytes32,address,address)",
        &[B256::ZERO, address_of(MALLORY), address_of(MALLORY)],
        Vec::new(),
    );
    let judgement = world.push(12, &block([tx(ALICE, DOLLAR).log(given.clone())]));
    assert_eq!(told(&judgement), "", "roles of others' contracts");
    assert_eq!(judgement.samples, [], "how busy others are is not counted");
    let spec = detector("access/role_change", &["dollar"], &[], Severity::Low);
    let mut world = World::of(registry(), vec![spec]);
    let judgement = world.push(12, &block([tx(ALICE, DOLLAR).log(given)]));
    assert_eq!(judgement.findings.len(), 1, "whoever asks for them gets them");

    let all = Arc::new(registry());
    let specs: Vec<_> = registry::dependencies::OWN
        .iter()
        .map(|own| detector(own.detector, &[], &[], own.severity))
        .collect();
    let engine = bellwether_detect::Engine::new(all, specs).unwrap();
    let plan = engine.reads(&name(NETWORK));
    let busiest = (0..25).map(|number| plan.due(number).len()).max().unwrap();
    assert!(busiest < plan.reads().len(), "{busiest} of {} at once", plan.reads().len());
}
