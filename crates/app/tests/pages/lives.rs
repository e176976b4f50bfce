//! What became of the sample's contracts: blocks that the real engine judges, so that the store
//! remembers lives, lineages and power as it would of a chain.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Bloom, keccak256};
use detect::{Engine, MonitorSpec};
use model::{
    Address, B256, BlockBundle, Bytes, ChainEvent, Finding, Header, Log, Position, Proof, Proven,
    ReadRequest, StateChange, StateRead, Transaction, TxStatus, U256,
};
use registry::{
    Registry,
    authority::{Allowed, Declared, DriftClass, Exception, Policy, Principal, PrincipalKind, Role},
    dependencies::{self, Dependency, Kind, Standing},
};

use super::{Clock, address, hash, name};

/// The protocol's Safe.
const SAFE: u64 = 70;
/// Who may pause.
const GUARDIAN: u64 = 71;
/// Somebody with a role that nobody gave them by policy.
const UNDECLARED: u64 = 72;
/// Who deployed the insurance fund.
const DEPLOYER: u64 = 73;

/// Who should hold power: all of the vault behind a timelock, and one key that may pause it.
pub(crate) fn declared() -> Declared {
    let principal = |label: &str, kind, seed| Principal {
        name: name(label),
        kind,
        addresses: BTreeMap::from([(name("mainnet"), address(seed))]),
        person: None,
        threshold: (kind == PrincipalKind::Safe).then_some(3),
        owners: None,
        modules: Vec::new(),
        guard: None,
        min_delay_s: None,
        is_treasury: false,
    };
    let allowed = |on: &str, role: Role, holder: &str| Allowed {
        on: name(on),
        role,
        holders: vec![name(holder)],
        max: None,
        is_optional: false,
    };
    let policy = Policy {
        principals: vec![
            principal("ops-safe", PrincipalKind::Safe, SAFE),
            principal("guardian", PrincipalKind::Key, GUARDIAN),
        ],
        allowed: vec![
            allowed("vault", Role::DEFAULT_ADMIN, "timelock"),
            allowed("vault", Role::access("PAUSER_ROLE"), "guardian"),
            allowed("timelock", Role::access("PROPOSER_ROLE"), "ops-safe"),
        ],
        exceptions: vec![Exception {
            class: DriftClass::Unknown,
            on: name("timelock"),
            principal: None,
            reason: "its history is being read".to_owned(),
            until: None,
        }],
        timelock: Some(name("timelock")),
        ..Policy::empty()
    };
    Declared { policy: Some(policy), ..Declared::default() }
}

/// A token that the vault holds and others control.
pub(crate) fn relied_on() -> dependencies::Declared {
    let usdc = Dependency {
        label: name("usdc"),
        network: name("mainnet"),
        address: address(77),
        kind: Kind::Token,
        of: vec![name("vault")],
        standing: Standing::Watched,
        stated_cents: Some(U256::from(1_240_000_000u64)),
        covers: Vec::new(),
        token: None,
        feed: None,
        lending: None,
        code_hash: None,
        implementation: None,
    };
    dependencies::Declared::new(vec![usdc], BTreeMap::new())
}

/// What the engine remembers after the sample's day, and what it found on the vault on the way.
pub(super) fn lived(
    registry: &Arc<Registry>,
    monitors: Vec<MonitorSpec>,
    clock: Clock,
) -> (Vec<StateChange>, Vec<Finding>) {
    let mut engine = Engine::new(registry.clone(), monitors).expect("monitors that compile");
    let (mut states, mut findings) = (Vec::new(), Vec::new());
    for (position, (back, logs)) in (1..).zip(story()) {
        let event = ChainEvent::Committed(Arc::new(bundle(clock, back, logs)));
        let judgement = engine.apply(Position(position), &event);
        states.push(judgement.state);
        let is_change = |finding: &Finding| finding.detector == "access/role_change";
        findings.extend(judgement.findings.into_iter().filter(is_change));
    }
    (states, findings)
}

/// Blocks with what they say, counted back from the head.
fn story() -> Vec<(u64, Vec<Log>)> {
    let (vault, timelock) = (address(2), address(5));
    let admin = address(5);
    let minutes = |count: u64| U256::from(count * 60).to_be_bytes::<32>();
    vec![
        (
            1_500,
            vec![
                granted(vault, B256::ZERO, admin),
                granted(vault, keccak256("PAUSER_ROLE"), address(GUARDIAN)),
                granted(timelock, keccak256("PROPOSER_ROLE"), address(SAFE)),
                log(
                    timelock,
                    "MinDelayChange(uint256,uint256)",
                    &[],
                    [minutes(0), minutes(2_880)].concat(),
                ),
                log(
                    address(SAFE),
                    "ChangedThreshold(uint256)",
                    &[],
                    U256::from(3).to_be_bytes_vec(),
                ),
            ],
        ),
        (1_200, vec![upgraded(vault, 80)]),
        (
            420,
            vec![
                upgraded(vault, 81),
                granted(vault, keccak256("KEEPER_ROLE"), address(UNDECLARED)),
            ],
        ),
        (90, vec![log(address(6), "Paused(address)", &[], word(address(GUARDIAN)).to_vec())]),
        (2, vec![log(address(1), "Unpaused(address)", &[], word(address(GUARDIAN)).to_vec())]),
    ]
}

fn word(of: Address) -> B256 {
    of.into_word()
}

fn log(from: Address, event: &str, indexed: &[B256], data: Vec<u8>) -> Log {
    let topics = std::iter::once(keccak256(event)).chain(indexed.iter().copied()).collect();
    Log { index: 0, address: from, topics, data: data.into() }
}

fn granted(contract: Address, role: B256, to: Address) -> Log {
    let indexed = [role, word(to), word(address(DEPLOYER))];
    log(contract, "RoleGranted(bytes32,address,address)", &indexed, Vec::new())
}

fn upgraded(proxy: Address, to: u64) -> Log {
    log(proxy, "Upgraded(address)", &[word(address(to))], Vec::new())
}

fn bundle(clock: Clock, back: u64, mut logs: Vec<Log>) -> BlockBundle {
    let block = clock.block(back);
    for (index, log) in (0..).zip(&mut logs) {
        log.index = index;
    }
    // The insurance fund came into being in the first block of the story.
    let is_first = back == 1_500;
    let transaction = Transaction {
        hash: hash(block.number + 1_000_000_000),
        index: 0,
        kind: 2,
        from: address(DEPLOYER),
        to: (!is_first).then(|| address(2)),
        nonce: 0,
        value: U256::ZERO,
        input: Bytes::new(),
        gas_limit: 1_000_000,
        gas_used: 100_000,
        effective_gas_price: U256::from(1_000_000_000u64),
        status: TxStatus::Success,
        created: is_first.then(|| address(6)),
        logs,
    };
    let code = |seed: u64, of: u64| StateRead {
        request: ReadRequest::CodeHash(address(of)),
        result: Ok(Bytes::from(hash(seed).to_vec())),
    };
    BlockBundle {
        network: name("mainnet"),
        endpoint: name("own-node"),
        header: Header {
            number: block.number,
            hash: block.hash,
            parent_hash: clock.block(back + 1).hash,
            timestamp: clock.at(back),
            beneficiary: Address::ZERO,
            base_fee_per_gas: None,
            gas_used: 100_000,
            gas_limit: 30_000_000,
            logs_bloom: Bloom::ZERO,
            receipts_root: B256::ZERO,
            transactions_root: B256::ZERO,
            state_root: B256::ZERO,
        },
        transactions: vec![transaction],
        traces: None,
        // The vault and the bridge's escrow run one proxy code.
        reads: vec![code(900, 2), code(900, 4), code(901, 1)],
        proof: Proof {
            header: Proven::Yes,
            transactions: Proven::Yes,
            senders: Proven::Yes,
            bloom: Proven::Yes,
            receipts: Proven::Yes,
        },
        traced_by: model::TraceSource::default(),
    }
}
