//! Contracts and monitors of a large installation, on addresses that really occur in the blocks.

use std::{collections::HashMap, sync::Arc};

use detect::{Engine, MonitorSpec, RuleSpec, Subject, detectors};
use model::{Address, B256, BlockBundle, Name, Severity};
use registry::{
    Category, Class, ContractAbi, Deployment, Label, Labels, OracleConfig, Registry, TokenUnit,
};

use crate::blocks::network;

/// Guarded contracts.
pub(super) const CONTRACTS: usize = 1_000;

/// Labelled addresses: about what the public lists of exploiters and sanctions hold.
const LABELS: u64 = 100_000;

/// Contracts whose money is watched together, and tokens in which.
const POOLS: usize = 40;
const TOKENS: usize = 5;

/// Price feeds.
const FEEDS: usize = 10;

/// What every contract can say and be asked: some of the commonest standards.
const ABI: &[&str] = &[
    "event Transfer(address indexed from, address indexed to, uint256 value)",
    "event Approval(address indexed owner, address indexed spender, uint256 value)",
    "event Deposit(address indexed dst, uint256 wad)",
    "event Withdrawal(address indexed src, uint256 wad)",
    "event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)",
    "event Sync(uint112 reserve0, uint112 reserve1)",
    "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
    "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
    "event Upgraded(address indexed implementation)",
    "event AdminChanged(address previousAdmin, address newAdmin)",
    "event Paused(address account)",
    "event Unpaused(address account)",
    "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
    "function transfer(address to, uint256 amount) returns (bool)",
    "function transferFrom(address from, address to, uint256 amount) returns (bool)",
    "function approve(address spender, uint256 amount) returns (bool)",
    "function deposit() payable",
    "function withdraw(uint256 wad)",
    "function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes data)",
    "function grantRole(bytes32 role, address account)",
    "function revokeRole(bytes32 role, address account)",
    "function transferOwnership(address newOwner)",
    "function upgradeTo(address newImplementation)",
    "function pause()",
    "function unpause()",
    "function balanceOf(address account) view returns (uint256)",
    "function totalSupply() view returns (uint256)",
    "function latestRoundData() view returns (uint80, int256, uint256, uint256, uint80)",
];

/// The busiest addresses of some blocks: emitters of logs first, then targets of transactions, then
/// addresses that never occur.
pub(super) fn registry(bundles: &[BlockBundle]) -> Arc<Registry> {
    registry_of(bundles, CONTRACTS, LABELS)
}

/// The same with so many contracts and labelled addresses.
pub(super) fn registry_of(
    bundles: &[BlockBundle],
    contracts: usize,
    labelled: u64,
) -> Arc<Registry> {
    let mut seen: HashMap<Address, (u64, u64)> = HashMap::new();
    for tx in bundles.iter().flat_map(|bundle| &bundle.transactions) {
        if let (Some(to), false) = (tx.to, tx.input.is_empty()) {
            seen.entry(to).or_default().1 += 1;
        }
        for log in &tx.logs {
            seen.entry(log.address).or_default().0 += 1;
        }
    }
    let mut busiest: Vec<(Address, (u64, u64))> = seen.into_iter().collect();
    busiest.sort_by_key(|(address, (logs, calls))| (std::cmp::Reverse((*logs, *calls)), *address));
    let strangers = (0u64..).map(|n| (address("stranger", n), (0, 0)));
    let chosen = busiest.into_iter().chain(strangers).take(contracts);
    let deployments = chosen.enumerate();
    let deployments = deployments.map(|(at, (address, _))| deployment((at, contracts), address));
    let mut labels = Labels::builder();
    for n in 0..labelled {
        let (category, name) = (Category::Exploiter, format!("exploiter {}", n / 10));
        let label = Label { name: &name, ..Label::new(&category, "bench") };
        labels.add(None, address("labelled", n), label).unwrap();
    }
    Arc::new(Registry::new(deployments.collect(), labels.build()).unwrap())
}

fn deployment((at, of): (usize, usize), address: Address) -> Deployment {
    let is_feed = of > FEEDS && at >= of - FEEDS;
    let class = match at {
        _ if is_feed => Class::Oracle,
        at if at < of / 4 => Class::Token,
        at if at < of / 2 => Class::Pool,
        _ => Class::Contract,
    };
    Deployment {
        label: label(at),
        network: network(),
        address,
        protocol: None,
        class,
        abi: Arc::new(ContractAbi::from_solidity(ABI.iter().copied()).unwrap()),
        abi_known: false,
        first_block: None,
        value_at_risk: None,
        token: (class == Class::Token)
            .then(|| TokenUnit { symbol: format!("T{at}").into(), decimals: 18 }),
        oracle: is_feed.then_some(OracleConfig {
            heartbeat_s: 86_400,
            deviation: 0.01,
            decimals: 8,
        }),
    }
}

fn label(at: usize) -> Name {
    Name::new(&format!("contract-{at}")).unwrap()
}

fn address(what: &str, n: u64) -> Address {
    let hash = alloy_primitives::keccak256(format!("{what} {n}"));
    Address::from_word(B256::from(hash))
}

/// So many monitors, each set containing the smaller ones: first one detector of each area on all
/// contracts, as a small installation has them, then what grows with an installation.
pub(super) fn monitors(count: usize) -> Vec<MonitorSpec> {
    (0..count)
        .map(|n| match AREAS.get(n) {
            Some(id) => detector(n, id, Vec::new()),
            None => many(n),
        })
        .collect()
}

/// One detector of each area that needs nothing declared, and the one that watches the others. Named
/// one by one, so that figures of different days are about the same monitors.
const AREAS: [&str; 9] = [
    "access/role_change",
    "change/code_changed",
    "deployment/created",
    "dependency/appeared",
    "oracle/feed_late",
    "liquidity/outflow_exceeds_share",
    "reputation/known_bad_address",
    "telemetry/failed_calls_rise",
    "chain/blind",
];

/// Of twenty: thirteen expressions on one contract, three on any address, two detectors on one
/// contract, one on calls, one on transactions.
fn many(n: usize) -> MonitorSpec {
    let here = vec![label(n % CONTRACTS)];
    let party = address("party", n as u64);
    let event = |text: &str| Subject::Event(text.to_owned());
    let transfer = "Transfer(address indexed from, address indexed to, uint256 value)";
    let approval = "Approval(address indexed owner, address indexed spender, uint256 value)";
    match n % 20 {
        0..4 => expression(n, here, event(transfer), "value > 1e30 && tx.status == success"),
        4..8 => {
            let when = format!("value >= 2**255 && spender in [{party}, {}]", address("party", 1));
            expression(n, here, event(approval), &when)
        }
        8 | 9 => {
            expression(n, here, event(transfer), &format!("from == {party} && value > 1_000 ether"))
        }
        10 => expression(n, here, event("RoleGranted"), "account not in deployments"),
        11 => expression(n, here, event("OwnershipTransferred"), "newOwner not in deployments"),
        12 => expression(n, here, event("Swap"), "amount0Out > 1e30 || amount1Out > 1e30"),
        13 | 14 => expression(n, Vec::new(), event(transfer), &format!("to == {party}")),
        // Nothing to index by: each is asked about every approval of the block, so an installation
        // has a handful of them.
        15 if n < 100 => expression(n, Vec::new(), event(approval), "value > 1e40 && value < 1e41"),
        15 => expression(n, Vec::new(), event(approval), &format!("spender == {party}")),
        16 => detector(n, "access/role_change", here),
        17 => detector(n, "change/proxy_upgraded", here),
        18 => {
            let call = Subject::Call("transfer(address,uint256)".to_owned());
            expression(n, here, call, &format!("to == {party} && amount > 1e24"))
        }
        _ => expression(n, here, Subject::Transaction, "tx.value > 10_000 ether"),
    }
}

fn expression(n: usize, on: Vec<Name>, subject: Subject, when: &str) -> MonitorSpec {
    let rule = RuleSpec::Expression { subject, when: Some(when.to_owned()), any_address_abi: None };
    spec(n, on, rule)
}

/// A detector on every contract of a registry.
pub(super) fn detector_on(n: usize, id: &str, registry: &Registry) -> MonitorSpec {
    let on = registry.deployments().iter().map(|deployment| deployment.label.clone()).collect();
    spec(n, on, RuleSpec::Detector { id: id.to_owned(), params: detectors::Params::new() })
}

/// A detector on no contract, as those of the chain are.
pub(super) fn detector_on_nothing(n: usize, id: &str) -> MonitorSpec {
    spec(n, Vec::new(), RuleSpec::Detector { id: id.to_owned(), params: detectors::Params::new() })
}

fn detector(n: usize, id: &str, on: Vec<Name>) -> MonitorSpec {
    let mut params = detectors::Params::new();
    let mut on = on;
    if id == "liquidity/outflow_exceeds_share" {
        let tokens: Vec<String> = (0..TOKENS).map(|at| label(at).to_string()).collect();
        params.insert("tokens".to_owned(), tokens.join(","));
        on = (CONTRACTS / 4..).take(POOLS).map(label).collect();
    }
    spec(n, on, RuleSpec::Detector { id: id.to_owned(), params })
}

fn spec(n: usize, on: Vec<Name>, rule: RuleSpec) -> MonitorSpec {
    MonitorSpec {
        name: Name::new(&format!("monitor-{n}")).unwrap(),
        version: 1,
        networks: Vec::new(),
        on,
        children_of: Vec::new(),
        rule,
        severity: Severity::Medium,
        say: None,
        runbook: None,
    }
}

/// An engine with so many of the monitors.
pub(super) fn engine(registry: &Arc<Registry>, count: usize) -> Engine {
    Engine::new(registry.clone(), monitors(count)).unwrap_or_else(|errors| {
        let shown: Vec<String> = errors.iter().take(5).map(ToString::to_string).collect();
        panic!("{} monitors do not compile: {}", errors.len(), shown.join("\n"))
    })
}
