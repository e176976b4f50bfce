//! Safes whose signers were made to sign something.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, keccak256};
use expect_test::expect;
use model::{Finding, Frame, FrameKind, Log, Severity};
use registry::{Class, ContractAbi, Deployment, Labels, proxy::SAFE_SINGLETON};

use crate::chain::*;

const SAFE: u8 = 0xb1;
const SINGLETON: u8 = 0xb2;
const BACKDOOR: u8 = 0x67;
const EXEC: &str =
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)";

pub(crate) fn deployments_with_safe() -> Vec<Deployment> {
    let abi = ContractAbi::from_solidity([
        "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) payable returns (bool success)",
        "function getThreshold() view returns (uint256)",
        "event ExecutionSuccess(bytes32 txHash, uint256 payment)",
        "event AddedOwner(address owner)",
        "event ChangedThreshold(uint256 threshold)",
        "event EnabledModule(address indexed module)",
        "event ChangedGuard(address guard)",
    ])
    .unwrap();
    let mut all = deployments();
    let vault = all[0].clone();
    all.push(Deployment {
        label: name("treasury"),
        address: address(SAFE),
        class: Class::Multisig,
        abi: Arc::new(abi),
        token: None,
        ..vault
    });
    all
}

fn world() -> World {
    let monitors = vec![
        detector(
            "signers/safe_delegatecall",
            &["treasury"],
            &[("allowed", "pool")],
            Severity::Critical,
        ),
        detector("signers/safe_changed", &["treasury"], &[], Severity::High),
    ];
    World::with(deployments_with_safe(), Labels::default(), monitors)
}

/// What a Safe answers after a block.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) singleton: u8,
    pub(crate) nonce: u64,
    pub(crate) threshold: u64,
    pub(crate) owners: Vec<u8>,
}

pub(crate) fn usual() -> Answers {
    Answers { singleton: SINGLETON, nonce: 7, threshold: 2, owners: vec![1, 2, 3] }
}

pub(crate) fn state(txs: impl IntoIterator<Item = TxBuilder>, answers: &Answers) -> BlockBuilder {
    let mut owners = vec![U256::from(32), U256::from(answers.owners.len())];
    owners
        .extend(answers.owners.iter().map(|owner| U256::from_be_bytes(word_of(address(*owner)).0)));
    block(txs)
        .slot(address(SAFE), SAFE_SINGLETON, word_of(address(answers.singleton)))
        .read(SAFE, selector("nonce()"), &[U256::from(answers.nonce)])
        .read(SAFE, selector("getThreshold()"), &[U256::from(answers.threshold)])
        .read(SAFE, selector("getOwners()"), &owners)
}

fn executed() -> Log {
    log(SAFE, vec![keccak256("ExecutionSuccess(bytes32,uint256)")], vec![0; 64])
}

/// Calldata by which signers have the Safe make a call.
fn signed(to: Address, is_delegate: bool, data: &[u8]) -> Vec<u8> {
    let word = |n: u8| DynSolValue::Uint(U256::from(n), 256);
    let arguments = DynSolValue::Tuple(vec![
        DynSolValue::Address(to),
        word(0),
        DynSolValue::Bytes(data.to_vec()),
        word(u8::from(is_delegate)),
        word(0),
        word(0),
        word(0),
        DynSolValue::Address(Address::ZERO),
        DynSolValue::Address(Address::ZERO),
        DynSolValue::Bytes(vec![0; 65]),
    ]);
    let mut input = selector(EXEC);
    input.extend(arguments.abi_encode_params());
    input
}

/// Frames of a Safe transaction: the proxy, its own code, and what was signed.
fn frames(to: Address, is_delegate: bool, input: &[u8]) -> Vec<Frame> {
    let (safe, singleton) = (address(SAFE), address(SINGLETON));
    let delegate = |frame: Frame| Frame { kind: FrameKind::DelegateCall, ..frame };
    let last = frame(Some(1), 2, safe, to, &[0xa9, 0x05, 0x9c, 0xbb]);
    vec![
        frame(None, 0, address(MALLORY), safe, input),
        delegate(frame(Some(0), 1, safe, singleton, input)),
        if is_delegate { delegate(last) } else { last },
    ]
}

/// The transaction of February 2025 in its shape: a call that looks like a transfer runs a stranger's
/// code in the Safe's name, which overwrites slot 0.
fn overwritten(world: &mut World, is_traced: bool) -> bellwether_detect::Judgement {
    world.push(12, &state([], &usual()));
    let input = signed(address(BACKDOOR), true, &[0xa9, 0x05, 0x9c, 0xbb, 0]);
    let tx = tx(MALLORY, SAFE).input(input.clone()).log(executed());
    let after = Answers { singleton: BACKDOOR, nonce: 8, ..usual() };
    let tx = if is_traced { tx.frames(frames(address(BACKDOOR), true, &input)) } else { tx };
    let block = state([tx], &after);
    world.push(12, &if is_traced { block.traced() } else { block })
}

pub(crate) fn safe_taken_over() -> Vec<Finding> {
    overwritten(&mut world(), true).findings
}

pub(crate) fn safe_used() -> Vec<Finding> {
    let mut world = world();
    world.push(12, &state([], &usual()));
    let allowed = |to: Address, is_delegate: bool| {
        let input = signed(to, is_delegate, &[1, 2, 3, 4]);
        tx(ALICE, SAFE).input(input.clone()).log(executed()).frames(frames(to, is_delegate, &input))
    };
    let after = Answers { nonce: 9, ..usual() };
    let txs = [allowed(address(TOKEN), false), allowed(address(POOL), true)];
    world.push(12, &state(txs, &after).traced()).findings
}

#[test]
fn a_delegate_call_that_overwrites_slot_0_is_critical_in_its_block_with_and_without_traces() {
    for is_traced in [true, false] {
        let judgement = overwritten(&mut world(), is_traced);
        let told = told(&judgement).replace(&address(BACKDOOR).to_string(), "BACKDOOR");
        expect![[r#"
            critical: treasury ran the code of BACKDOOR in its own name
            critical: treasury runs the code of BACKDOOR now"#]]
        .assert_eq(&told);
    }
}

#[test]
fn what_an_allowed_batch_carries_is_judged_too() {
    let mut world = world();
    world.push(12, &state([], &usual()));
    let mut packed = vec![1];
    packed.extend(address(BACKDOOR));
    packed.extend([0; 64]);
    let batch = DynSolValue::Tuple(vec![DynSolValue::Bytes(packed)]);
    let mut data = selector("multiSend(bytes)");
    data.extend(batch.abi_encode_params());
    let library = "0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526".parse().unwrap();
    let tx = tx(ALICE, SAFE).input(signed(library, true, &data)).log(executed());
    let judgement = world.push(12, &state([tx], &Answers { nonce: 8, ..usual() }));
    let told = told(&judgement).replace(&address(BACKDOOR).to_string(), "BACKDOOR");
    assert_eq!(told, "critical: treasury ran the code of BACKDOOR in its own name");
}

#[test]
fn a_safe_that_acts_inside_of_another_call_is_a_hole_without_traces() {
    let mut world = world();
    world.push(12, &state([], &usual()));
    let tx = tx(ALICE, POOL).log(executed());
    let judgement = world.push(12, &state([tx], &Answers { nonce: 8, ..usual() }));
    assert_eq!(
        blind(&judgement),
        [
            "signers.safe_delegatecall: block could not be verified: treasury acted inside of another call, seen only in traces"
        ]
    );
}

#[test]
fn settings_are_told_by_their_events_and_by_what_is_read_when_there_is_none() {
    let mut world = world();
    world.push(12, &state([], &usual()));
    let event = |signature: &str, word: B256| log(SAFE, vec![keccak256(signature)], word.to_vec());
    let threshold = B256::from(U256::from(1));
    let tx_of = |log: Log| tx(ALICE, POOL).log(log);
    let now = Answers { threshold: 1, owners: vec![1, 2, 3, 4], ..usual() };
    let judgement = world.push(
        12,
        &state(
            [
                tx_of(event("AddedOwner(address)", word_of(address(4)))),
                tx_of(event("ChangedThreshold(uint256)", threshold)).salt(1),
                tx_of(event("EnabledModule(address)", word_of(address(5)))).salt(2),
                tx_of(event("ChangedGuard(address)", B256::ZERO)).salt(3),
            ],
            &now,
        )
        .traced(),
    );
    expect![[r#"
        high: 0x0404040404040404040404040404040404040405 signs for treasury
        critical: treasury needs 1 signatures from now on
        critical: module 0x0505050505050505050505050505050505050506 acts for treasury without signatures from now on
        critical: no guard checks the transactions of treasury any more"#]]
    .assert_eq(&told(&judgement));
    let silent = Answers { owners: vec![1, 2, 9], nonce: 3, threshold: 2, ..usual() };
    let judgement = world.push(12, &state([], &silent));
    expect![[r#"
        critical: the nonce of treasury went from 7 to 3, and 0 transactions were executed
        critical: treasury needs 2 signatures now, and no event says so
        critical: treasury has other owners now, and no event says so"#]]
    .assert_eq(&told(&judgement));
    assert_eq!(
        blind(&world.push(12, &block([]))),
        ["signers.safe_changed: state read missing: slot 0 of treasury"]
    );
}

#[test]
fn a_name_that_nobody_has_is_a_mistake() {
    let monitor = detector(
        "signers/safe_delegatecall",
        &["treasury"],
        &[("allowed", "poll, 0x0404040404040404040404040404040404040405")],
        Severity::Critical,
    );
    let registry = registry::Registry::new(deployments_with_safe(), Labels::default()).unwrap();
    let mistakes = bellwether_detect::Engine::new(Arc::new(registry), vec![monitor]).unwrap_err();
    expect![[r#"parameter "allowed": unknown deployment or address "poll"; did you mean "pool"? (one of: vault, usd, feed, pool, gold, treasury)"#]]
        .assert_eq(&mistakes[0].message);
}
