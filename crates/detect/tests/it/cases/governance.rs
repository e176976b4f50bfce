//! Votes that are gathered, borrowed and used.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, keccak256};
use expect_test::expect;
use model::{Finding, Log, Severity};
use registry::{Class, ContractAbi, Deployment, Labels};

use crate::chain::*;

const GOVERNOR: u8 = 0xc1;
pub(super) const VOTES: u8 = 0xc2;

pub(crate) fn all() -> Vec<Deployment> {
    let abi = |items: &[&str]| Arc::new(ContractAbi::from_solidity(items.iter().copied()).unwrap());
    let mut all = deployments();
    let vault = all[0].clone();
    let plain = |label: &str, byte: u8, class: Class, abi: Arc<ContractAbi>| Deployment {
        label: name(label),
        address: address(byte),
        class,
        abi,
        token: None,
        ..vault.clone()
    };
    all.push(plain("governor", GOVERNOR, Class::Governor, abi(&[
        "function quorumNumerator() view returns (uint256)",
        "event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)",
        "event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description)",
    ])));
    all.push(plain("votes", VOTES, Class::Token, abi(&[
        "function totalSupply() view returns (uint256)",
        "event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes)",
    ])));
    all
}

fn world(id: &str, params: &[(&str, &str)], severity: Severity) -> World {
    let monitor = detector(id, &["governor", "votes"], params, severity);
    World::with(all(), Labels::default(), vec![monitor])
}

pub(super) fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

pub(crate) fn power(delegate: u8, before: u64, after: u64) -> Log {
    let topic = keccak256("DelegateVotesChanged(address,uint256,uint256)");
    log(VOTES, vec![topic, word_of(address(delegate))], words(&[before, after]))
}

fn vote(voter: u8) -> Log {
    let topic = keccak256("VoteCast(address,uint256,uint8,uint256,string)");
    let data = DynSolValue::Tuple(vec![
        DynSolValue::Uint(U256::from(1), 256),
        DynSolValue::Uint(U256::from(1), 8),
        DynSolValue::Uint(U256::from(500), 256),
        DynSolValue::String(String::new()),
    ]);
    log(GOVERNOR, vec![topic, word_of(address(voter))], data.abi_encode_params())
}

pub(super) fn proposal(calls: &[(Address, u64, &str, Vec<u8>)]) -> Log {
    proposal_between(100, 200, calls)
}

fn proposal_between(start: u64, end: u64, calls: &[(Address, u64, &str, Vec<u8>)]) -> Log {
    let topic = keccak256(
        "ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)",
    );
    let array = |of: Vec<DynSolValue>| DynSolValue::Array(of);
    let uint = |n: u64| DynSolValue::Uint(U256::from(n), 256);
    let data = DynSolValue::Tuple(vec![
        uint(7),
        DynSolValue::Address(address(MALLORY)),
        array(calls.iter().map(|call| DynSolValue::Address(call.0)).collect()),
        array(calls.iter().map(|call| uint(call.1)).collect()),
        array(calls.iter().map(|call| DynSolValue::String(call.2.to_owned())).collect()),
        array(calls.iter().map(|call| DynSolValue::Bytes(call.3.clone())).collect()),
        uint(start),
        uint(end),
        DynSolValue::String("routine maintenance".to_owned()),
    ]);
    log(GOVERNOR, vec![topic], data.abi_encode_params())
}

pub(super) fn says(logs: &[Log]) -> BlockBuilder {
    let says = tx(ALICE, VOTES);
    block([logs.iter().fold(says, |tx, log| tx.log(log.clone()))])
}

const STATED: [(&str, &str); 1] = [("quorum_votes", "1_000")];

pub(crate) fn gathered() -> Vec<Finding> {
    let mut world = world("governance/power_concentrated", &STATED, Severity::High);
    world.push(12, &says(&[power(MALLORY, 0, 600)])).findings
}

pub(crate) fn gathered_slowly() -> Vec<Finding> {
    let mut world = world("governance/power_concentrated", &STATED, Severity::High);
    let days = (0..5).flat_map(|day| {
        world.push(90_000, &says(&[power(MALLORY, day * 300, day * 300 + 300)])).findings
    });
    days.collect()
}

#[test]
fn votes_are_held_against_the_quorum_over_a_day() {
    let mut world = world("governance/power_concentrated", &STATED, Severity::High);
    assert_eq!(told(&world.push(12, &says(&[power(MALLORY, 100, 400)]))), "");
    let judgement = world.push(7_200, &says(&[power(MALLORY, 400, 650)]));
    expect!["high: 0x6666666666666666666666666666666666666667 gained 55 % of the quorum in votes within 24 h"]
        .assert_eq(&told(&judgement));
    assert_eq!(
        told(&world.push(60, &says(&[power(MALLORY, 650, 900)]))),
        "",
        "an episode is told once"
    );
    let judgement = world.push(60, &says(&[power(MALLORY, 900, 1_100)]));
    expect!["critical: 0x6666666666666666666666666666666666666667 gained 100 % of the quorum in votes within 24 h"]
        .assert_eq(&told(&judgement));
    assert_eq!(told(&world.push(100_000, &says(&[power(MALLORY, 1_100, 1_200)]))), "");
    assert_eq!(world.push(60, &says(&[power(MALLORY, 1_100, 1_700)])).findings.len(), 1);
}

#[test]
fn delegates_of_few_votes_are_not_remembered() {
    let mut world = world("governance/power_concentrated", &STATED, Severity::High);
    let few: Vec<Log> = (0..200).map(|delegate| power(delegate, 0, 49)).collect();
    world.push(12, &says(&few));
    let rows = |world: &World| world.rows.keys().filter(|key| key[0] == 75).count();
    assert_eq!(rows(&world), 0);
    world.push(12, &says(&[power(MALLORY, 49, 400)]));
    assert_eq!(rows(&world), 1);
    world.push(12, &says(&[power(MALLORY, 400, 3)]));
    assert_eq!(rows(&world), 0);
}

#[test]
fn the_quorum_is_asked_for_and_without_it_moving_votes_are_a_hole() {
    let mut world = world("governance/power_concentrated", &[], Severity::High);
    let judgement = world.push(12, &says(&[power(MALLORY, 0, 41)]));
    assert!(blind(&judgement)[0].contains("the quorum is not known"), "{:?}", blind(&judgement));
    for _ in 0..300 {
        let asked = block([]).read(GOVERNOR, selector("quorumNumerator()"), &[U256::from(4)]).read(
            VOTES,
            selector("totalSupply()"),
            &[U256::from(1_000)],
        );
        assert_eq!(blind(&world.push(12, &asked)), Vec::<String>::new());
    }
    let judgement = world.push(12, &says(&[power(ALICE, 0, 19), power(MALLORY, 41, 62)]));
    expect!["high: 0x6666666666666666666666666666666666666667 gained 52 % of the quorum in votes within 24 h"]
        .assert_eq(&told(&judgement));
}

pub(crate) fn borrowed() -> Vec<Finding> {
    let mut world = world("governance/votes_borrowed", &[], Severity::Critical);
    world.push(12, &says(&[power(MALLORY, 0, 600), vote(MALLORY), power(MALLORY, 600, 0)])).findings
}

pub(crate) fn voted_with_own() -> Vec<Finding> {
    let mut world = world("governance/votes_borrowed", &[], Severity::Critical);
    world.push(12, &says(&[power(ALICE, 0, 600)]));
    world.push(12, &says(&[vote(ALICE), power(ALICE, 600, 700), power(MALLORY, 100, 0)])).findings
}

#[test]
fn votes_of_one_transaction_of_one_block_and_votes_that_leave_are_told_apart() {
    let mut world = world("governance/votes_borrowed", &[], Severity::Critical);
    let found: Vec<String> =
        borrowed().iter().map(|f| format!("{}: {}", f.severity, f.title)).collect();
    assert_eq!(
        found,
        [
            "critical: 0x6666666666666666666666666666666666666667 voted in the transaction in which its votes came"
        ]
    );
    let two = block([
        tx(MALLORY, VOTES).log(power(MALLORY, 0, 5)),
        tx(MALLORY, GOVERNOR).log(vote(MALLORY)),
    ]);
    expect!["high: 0x6666666666666666666666666666666666666667 voted in the block in which its votes came"]
        .assert_eq(&told(&world.push(12, &two)));
    let through = says(&[power(MALLORY, 5, 105), power(MALLORY, 105, 50)]);
    expect!["medium: votes of 0x6666666666666666666666666666666666666667 came and left in one transaction"]
        .assert_eq(&told(&world.push(12, &through)));
    let fewer = says(&[power(MALLORY, 5, 105), power(MALLORY, 105, 60)]);
    assert_eq!(told(&world.push(12, &fewer)), "");
}

fn upgrade() -> Vec<u8> {
    let mut data = selector("upgradeTo(address)");
    data.extend(word_of(address(MALLORY)));
    data
}

pub(crate) fn upgrade_proposed() -> Vec<Finding> {
    let mut world = world("governance/proposal_dangerous", &[], Severity::High);
    world.push(12, &says(&[proposal(&[(address(VAULT), 0, "", upgrade())])])).findings
}

pub(crate) fn fee_proposed() -> Vec<Finding> {
    let mut world = world("governance/proposal_dangerous", &[], Severity::High);
    let fee = call("setFee(uint256)", 5);
    world.push(12, &says(&[proposal(&[(address(VAULT), 0, "", fee)])])).findings
}

#[test]
fn the_worst_call_of_a_proposal_names_it_and_its_arguments_are_shown() {
    let mut world = world("governance/proposal_dangerous", &[], Severity::High);
    let mut transfer = word_of(address(MALLORY)).to_vec();
    transfer.extend(B256::from(U256::from(9)));
    let calls = [
        // Compound's form: the signature beside the arguments.
        (address(TOKEN), 0, "transfer(address,uint256)", transfer),
        (address(VAULT), 0, "", upgrade()),
        (address(ALICE), 5, "", Vec::new()),
    ];
    let judgement = world.push(12, &says(&[proposal(&calls)]));
    expect!["critical: governor is asked to call upgradeTo of vault, which changes what code runs"]
        .assert_eq(&told(&judgement));
    let facts: Vec<String> = judgement.findings[0]
        .evidence
        .facts
        .iter()
        .map(|fact| format!("{} = {}", fact.name, fact.value))
        .collect();
    expect![[r#"
        target = vault (0xA1a1A1a1A1a1a1a1A1A1a1a1a1A1A1A1A1a1a1a2)
        changes = what code runs
        function = upgradeTo(address)
        argument 0 = 0x6666666666666666666666666666666666666667
        and = [transfer(address,uint256) of usd: who has the money, native value of 0x1111111111111111111111111111111111111112: who has the money]
        proposalId = 7
        proposer = 0x6666666666666666666666666666666666666667
        description = "routine maintenance"
        voteEnd = 200"#]].assert_eq(&facts.join("\n"));
    let money = world.push(12, &says(&[proposal(&calls[2..])]));
    expect!["high: governor is asked to send native value to 0x1111111111111111111111111111111111111112, which changes who has the money"].assert_eq(&told(&money));
}

/// A vote on the proposal of [`polled`].
fn ballot(voter: u8, support: u64, weight: u64) -> Log {
    let topic = keccak256("VoteCast(address,uint256,uint8,uint256,string)");
    let data = DynSolValue::Tuple(vec![
        DynSolValue::Uint(U256::from(7), 256),
        DynSolValue::Uint(U256::from(support), 8),
        DynSolValue::Uint(U256::from(weight), 256),
        DynSolValue::String(String::new()),
    ]);
    log(GOVERNOR, vec![topic, word_of(address(voter))], data.abi_encode_params())
}

/// Votes on a proposal that runs for a hundred blocks: in which of them, voter, support, weight.
fn polled(votes: &[(u64, u8, u64, u64)]) -> Vec<Finding> {
    let mut world = world("governance/vote_turned_late", &[], Severity::High);
    let begins = world.at + 12;
    world.push(12, &says(&[proposal_between(begins, begins + 1_200, &[])]));
    for at in 1..=105 {
        let now = votes.iter().filter(|vote| vote.0 == at);
        let logs: Vec<Log> = now.map(|(_, voter, side, n)| ballot(*voter, *side, *n)).collect();
        world.push(12, &says(&logs));
    }
    world.findings
}

pub(crate) fn turned_at_the_end() -> Vec<Finding> {
    polled(&[(10, ALICE, 0, 500), (99, MALLORY, 1, 900)])
}

pub(crate) fn decided_early() -> Vec<Finding> {
    polled(&[(10, MALLORY, 1, 900), (50, ALICE, 0, 500), (99, ALICE, 0, 100)])
}

#[test]
fn a_turn_at_the_end_is_told_once_by_what_it_means() {
    let heard = |votes: &[(u64, u8, u64, u64)]| {
        let found = polled(votes);
        found.iter().map(|f| format!("{}: {}", f.severity, f.title)).collect::<Vec<_>>().join("\n")
    };
    expect!["high: proposal 7 of governor passes now, by a vote of 0x6666666666666666666666666666666666666667 with 1.00 % of the time left"]
        .assert_eq(&heard(&[(10, ALICE, 0, 500), (99, MALLORY, 1, 900), (100, ALICE, 0, 500)]));
    let stopped = heard(&[(10, ALICE, 1, 500), (100, MALLORY, 0, 900)]);
    assert!(stopped.starts_with("medium: proposal 7 of governor fails now"), "{stopped}");
    // Abstaining turns nothing, and neither does a vote in good time.
    assert_eq!(heard(&[(10, ALICE, 0, 5), (50, ALICE, 1, 50), (100, MALLORY, 2, 900)]), "");
}
