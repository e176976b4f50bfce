//! Two networks and what travels between them.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, U256, keccak256};
use bellwether_detect::{Engine, Judgement, elsewhere::Elsewhere};
use expect_test::expect;
use model::{BlockRef, ChainEvent, Finding, Log, Name, Severity};
use registry::{Class, ContractAbi, Deployment, Labels, Registry};

use crate::chain::*;

const LOCKER: u8 = 0xe1;
const MINTER: u8 = 0xe2;
const SIDE: &str = "sidenet";

fn all() -> Vec<Deployment> {
    let of = |label: &str, network: &str, byte: u8, event: &str| Deployment {
        label: name(label),
        network: name(network),
        address: address(byte),
        class: Class::Bridge,
        abi: Arc::new(ContractAbi::from_solidity([event]).unwrap()),
        token: None,
        ..deployments()[0].clone()
    };
    vec![
        of("locker", NETWORK, LOCKER, "event Locked(bytes32 indexed id, uint256 amount)"),
        of("minter", SIDE, MINTER, "event Minted(bytes32 indexed id, uint256 amount)"),
    ]
}

fn monitor(params: &[(&str, &str)]) -> bellwether_detect::MonitorSpec {
    let networks = [("from_network", NETWORK), ("to_network", SIDE), ("late_s", "600")];
    let params: Vec<(&str, &str)> = networks.iter().chain(params).copied().collect();
    detector("bridge/arrived_unbacked", &["locker", "minter"], &params, Severity::Critical)
}

/// Rows of the other network, as a store would hold them.
#[derive(Debug)]
struct Rows<'a>(&'a str, &'a BTreeMap<Vec<u8>, Vec<u8>>);

impl Elsewhere for Rows<'_> {
    fn stored(&self, network: &Name, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        assert_eq!(network.as_str(), self.0);
        Ok(self.1.get(key).cloned())
    }
}

/// Both networks, each with its judge.
struct Two {
    main: World,
    side: World,
}

impl Two {
    fn new() -> Self {
        let world = || World::with(all(), Labels::default(), vec![monitor(&[])]);
        Self { main: world(), side: world() }
    }

    fn main(&mut self, seconds: u64, block: &BlockBuilder) -> Judgement {
        self.main.at += seconds;
        let bundle = block.build(self.main.head, self.main.at, 0);
        self.main.chain.push(bundle.clone());
        let rows = Rows(SIDE, &self.side.rows);
        self.main.apply_beside(&ChainEvent::Committed(bundle), &rows)
    }

    fn side(&mut self, seconds: u64, block: &BlockBuilder) -> Judgement {
        self.side.at += seconds;
        let mut bundle = (*block.build(self.side.head, self.side.at, 0)).clone();
        bundle.network = name(SIDE);
        let rows = Rows(NETWORK, &self.main.rows);
        self.side.apply_beside(&ChainEvent::Committed(Arc::new(bundle)), &rows)
    }

    /// Both move on without an event; what the side says.
    fn pass(&mut self, seconds: u64) -> String {
        self.main(seconds, &block([]));
        told(&self.side(seconds, &block([])))
    }

    fn finalize(&mut self, number: u64) {
        let block = BlockRef { number, hash: B256::ZERO };
        self.main.apply(&ChainEvent::Finalized { network: name(NETWORK), block });
    }
}

fn message(emitter: u8, event: &str, id: u8, amount: u64) -> BlockBuilder {
    let topics = vec![keccak256(event), B256::repeat_byte(id)];
    let log: Log = log(emitter, topics, U256::from(amount).to_be_bytes_vec());
    block([tx(ALICE, emitter).log(log).salt(id.into())])
}

fn locked(id: u8, amount: u64) -> BlockBuilder {
    message(LOCKER, "Locked(bytes32,uint256)", id, amount)
}

fn minted(id: u8, amount: u64) -> BlockBuilder {
    message(MINTER, "Minted(bytes32,uint256)", id, amount)
}

pub(crate) fn forged() -> Vec<Finding> {
    let mut two = Two::new();
    two.main(12, &block([]));
    two.side(12, &minted(1, 500));
    two.main(60, &block([]));
    two.side(12, &block([])).findings
}

pub(crate) fn relayed() -> Vec<Finding> {
    let mut two = Two::new();
    let mut found = two.main(12, &locked(1, 500)).findings;
    found.extend(two.side(60, &minted(1, 500)).findings);
    two.finalize(101);
    for _ in 0..20 {
        found.extend(two.main(600, &block([])).findings);
        found.extend(two.side(600, &block([])).findings);
    }
    found
}

#[test]
fn a_mint_that_nobody_locked_is_told_once_the_other_side_is_judged_beyond_it() {
    let mut two = Two::new();
    two.main(12, &block([]));
    assert_eq!(told(&two.side(12, &minted(1, 500))), "", "the lock may be in the next block");
    assert_eq!(told(&two.side(12, &block([]))), "");
    two.main(60, &block([]));
    expect!["critical: 500 were paid out here that nobody sent from testnet"]
        .assert_eq(&told(&two.side(12, &block([]))));
    assert_eq!(two.pass(60), "", "once");
}

#[test]
fn a_relay_before_the_other_side_is_judged_waits_and_is_blind_when_that_lasts() {
    let mut two = Two::new();
    two.side(100, &minted(1, 500));
    let judgement = two.side(901, &block([]));
    assert_eq!(told(&judgement), "");
    assert!(
        blind(&judgement)[0].contains("testnet is not judged as far"),
        "{:?}",
        blind(&judgement)
    );
    two.main(12, &locked(1, 500));
    two.main(2_000, &block([]));
    let judgement = two.side(12, &block([]));
    assert_eq!((told(&judgement), blind(&judgement)), (String::new(), Vec::new()));
}

#[test]
fn more_than_was_locked_and_twice_the_same_are_told() {
    let mut two = Two::new();
    two.main(12, &locked(1, 500));
    two.main(12, &locked(2, 500));
    expect!["critical: more arrived than was sent from testnet: 501 of 500"]
        .assert_eq(&told(&two.side(60, &minted(1, 501))));
    assert_eq!(told(&two.side(12, &minted(2, 500))), "");
    expect!["critical: a message arrived twice: 0x0202020202020202020202020202020202020202020202020202020202020202 was paid out before"]
        .assert_eq(&told(&two.side(12, &minted(2, 500))));
}

#[test]
fn a_lock_that_a_reorg_takes_back_after_the_mint_is_told() {
    let mut two = Two::new();
    two.main(12, &block([]));
    two.main(12, &locked(1, 500));
    assert_eq!(told(&two.side(60, &minted(1, 500))), "");
    two.main.revert(1);
    expect!["critical: what was sent from testnet left its chain after it was paid out here"]
        .assert_eq(&told(&two.side(12, &block([]))));
    assert_eq!(two.pass(60), "", "once");
}

#[test]
fn a_final_message_is_forgotten_on_both_sides_and_cannot_be_used_again() {
    let mut two = Two::new();
    let empty = (two.main.rows.len(), two.side.rows.len());
    two.main(12, &locked(1, 500));
    two.side(60, &minted(1, 500));
    two.finalize(101);
    for _ in 0..200 {
        assert_eq!(two.pass(600), "");
    }
    let of_messages =
        |world: &World| world.rows.keys().filter(|key| matches!(key[0], 80 | 81)).count();
    assert_eq!((empty, of_messages(&two.main), of_messages(&two.side)), ((0, 0), 0, 0));
    two.side(12, &minted(1, 500));
    assert!(two.pass(600).contains("nobody sent"));
}

#[test]
fn a_message_that_does_not_arrive_is_told_once() {
    let mut two = Two::new();
    two.main(12, &locked(1, 500));
    assert_eq!(told(&two.main(599, &block([]))), "");
    expect!["medium: a message to sidenet has not arrived for 10 min 0 s"]
        .assert_eq(&told(&two.main(1, &block([]))));
    assert_eq!(told(&two.main(5_000, &block([]))), "");
    two.side(6_000, &minted(1, 500));
    assert_eq!(two.pass(60), "");
}

#[test]
fn without_a_view_of_the_other_network_it_is_blind() {
    let mut alone = World::with(all(), Labels::default(), vec![monitor(&[])]);
    alone.push(12, &locked(1, 5));
    let judgement = alone.push(700, &block([]));
    assert_eq!(
        blind(&judgement),
        [
            "bridge.arrived_unbacked: could not evaluate: what is remembered of sidenet cannot be seen here"
        ]
    );
}

#[test]
fn networks_and_events_that_nobody_has_are_mistakes() {
    let registry = Arc::new(Registry::new(all(), Labels::default()).unwrap());
    let wrong = detector(
        "bridge/arrived_unbacked",
        &["locker", "minter"],
        &[("from_network", NETWORK), ("to_network", "sidnet")],
        Severity::Critical,
    );
    let mistakes = Engine::new(registry.clone(), vec![wrong]).unwrap_err();
    expect![[r#"parameter "to_network": unknown network "sidnet"; did you mean "sidenet"? (one of: sidenet, testnet)"#]]
        .assert_eq(&mistakes[0].message);
    let mistakes = Engine::new(registry, vec![monitor(&[("sent", "Lock"), ("amount", "value")])]);
    let said: Vec<String> = mistakes.unwrap_err().iter().map(|m| m.message.clone()).collect();
    expect![[r#"
        parameter "amount": Minted: unknown argument "value" (one of: id, amount)
        parameter "sent" on testnet: unknown event "Lock"; did you mean "Locked"? (one of: Locked)"#]].assert_eq(&said.join("\n"));
}
