//! What each kind of dependency is asked and says: enough to read its events and calls where its own
//! interface is not at hand.

use std::sync::{Arc, LazyLock};

use super::Kind;
use crate::ContractAbi;

const COMMON: &[&str] = &[
    "event Paused(address account)",
    "event Unpaused(address account)",
    "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
    "event Upgraded(address indexed implementation)",
    "event AdminChanged(address previousAdmin, address newAdmin)",
    "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
    "function owner() view returns (address)",
];

const TOKEN: &[&str] = &[
    "event Transfer(address indexed from, address indexed to, uint256 value)",
    "event Approval(address indexed owner, address indexed spender, uint256 value)",
    "event Pause()",
    "event Unpause()",
    "event Blacklisted(address indexed _account)",
    "event UnBlacklisted(address indexed _account)",
    "function totalSupply() view returns (uint256)",
    "function balanceOf(address account) view returns (uint256)",
    "function transfer(address to, uint256 value) returns (bool)",
    "function transferFrom(address from, address to, uint256 value) returns (bool)",
    "function approve(address spender, uint256 value) returns (bool)",
];

const FEED: &[&str] = &[
    "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
    "function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)",
    "function aggregator() view returns (address)",
];

const LENDING: &[&str] = &[
    "event Supply(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint16 indexed referralCode)",
    "event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount)",
    "function getConfiguration(address asset) view returns (uint256)",
    "function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)",
    "function withdraw(address asset, uint256 amount, address to) returns (uint256)",
];

const MARKET: &[&str] = &[
    "event Sync(uint112 reserve0, uint112 reserve1)",
    "event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)",
    "function getReserves() view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast)",
];

const GOVERNANCE: &[&str] = &[
    "event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description)",
    "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
];

/// The usual interface of a kind.
pub fn standard_abi(of: Kind) -> Arc<ContractAbi> {
    static ABIS: LazyLock<Vec<(Kind, Arc<ContractAbi>)>> = LazyLock::new(|| {
        let all = Kind::ALL.into_iter().map(|kind| {
            let own = match kind {
                Kind::Token => TOKEN,
                Kind::Feed => FEED,
                Kind::Lending => LENDING,
                Kind::Market => MARKET,
                Kind::Governance => GOVERNANCE,
                Kind::Bridge | Kind::Vault | Kind::Contract => &[],
            };
            let abi = ContractAbi::from_solidity(own.iter().chain(COMMON).copied());
            (kind, Arc::new(abi.expect("a test reads every one of them")))
        });
        all.collect()
    });
    let found = ABIS.iter().find(|(kind, _)| *kind == of);
    found.map(|(_, abi)| abi.clone()).unwrap_or_default()
}
