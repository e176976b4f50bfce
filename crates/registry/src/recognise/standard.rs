//! Well-known interfaces, by the functions that must all be there.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use alloy_primitives::B256;

use crate::{ContractAbi, EventAbi};

/// Something a contract is or can do, as far as its interface shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trait {
    /// Fungible token.
    Erc20,
    /// Non-fungible token.
    Erc721,
    /// Many tokens in one contract.
    Erc1155,
    /// Tokenised vault.
    Erc4626,
    /// Approvals by signature.
    Erc2612,
    /// Flash lender.
    Erc3156,
    /// Says which interfaces it has.
    Erc165,
    /// One owner.
    Ownable,
    /// One owner, who accepts.
    Ownable2Step,
    /// Roles with many holders.
    AccessControl,
    /// Roles whose holders can be listed.
    AccessControlEnumerable,
    /// Asks another contract who may call.
    AccessManaged,
    /// Is asked who may call.
    AccessManager,
    /// ds-auth: an owner and an authority, or `wards`.
    DsAuth,
    /// Can be paused.
    Pausable,
    /// Replaces its own code behind a proxy.
    UupsImplementation,
    /// Upgrades other contracts' proxies.
    ProxyAdmin,
    /// Tells proxies their implementation.
    Beacon,
    /// OpenZeppelin's timelock.
    TimelockController,
    /// Compound's timelock.
    CompoundTimelock,
    /// Holds calls back for a while, in a form of its own.
    TimelockShape,
    /// OpenZeppelin's governor.
    Governor,
    /// Compound's governor.
    GovernorBravo,
    /// Turns votes into calls, in a form of its own.
    GovernorShape,
    /// Safe.
    Safe,
    /// Several people sign together, in another form.
    MultisigShape,
    /// Says a price as Chainlink's feeds do.
    PriceFeed,
    /// Says a price in a form of its own.
    PriceShape,
    /// Aave's pool, second version.
    AaveV2Pool,
    /// Aave's pool, third version.
    AaveV3Pool,
    /// A market of Compound's second version.
    CompoundV2Market,
    /// The comptroller of Compound's second version.
    CompoundV2Comptroller,
    /// A market of Compound's third version.
    CompoundV3Market,
    /// Uniswap's pair, second version.
    UniswapV2Pair,
    /// Uniswap's pool, third version.
    UniswapV3Pool,
    /// Curve's pool.
    CurvePool,
    /// Trades out of reserves, in a form of its own.
    PairShape,
    /// Locks here and releases what comes back.
    LockReleaseBridge,
    /// A rollup's own bridge.
    CanonicalBridge,
    /// Takes deposits and gives them back, in a form of its own.
    VaultShape,
    /// Pays rewards for what is locked.
    Staking,
    /// Creates contracts.
    Factory,
    /// Forwards users' trades.
    Router,
    /// Takes contributions and pays claims.
    InsuranceFundShape,
    /// Keeps the protocol's money.
    TreasuryShape,
}

impl Trait {
    /// The words for it on pages and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erc20 => "ERC-20 token",
            Self::Erc721 => "ERC-721 token",
            Self::Erc1155 => "ERC-1155 token",
            Self::Erc4626 => "ERC-4626 vault",
            Self::Erc2612 => "ERC-2612 permit",
            Self::Erc3156 => "ERC-3156 flash lender",
            Self::Erc165 => "ERC-165",
            Self::Ownable => "Ownable",
            Self::Ownable2Step => "Ownable2Step",
            Self::AccessControl => "AccessControl",
            Self::AccessControlEnumerable => "AccessControlEnumerable",
            Self::AccessManaged => "AccessManaged",
            Self::AccessManager => "AccessManager",
            Self::DsAuth => "ds-auth",
            Self::Pausable => "Pausable",
            Self::UupsImplementation => "UUPS implementation",
            Self::ProxyAdmin => "ProxyAdmin",
            Self::Beacon => "upgradeable beacon",
            Self::TimelockController => "OpenZeppelin TimelockController",
            Self::CompoundTimelock => "Compound Timelock",
            Self::TimelockShape => "timelock",
            Self::Governor => "OpenZeppelin Governor",
            Self::GovernorBravo => "GovernorBravo",
            Self::GovernorShape => "governor",
            Self::Safe => "Safe",
            Self::MultisigShape => "multisig",
            Self::PriceFeed => "Chainlink-style feed",
            Self::PriceShape => "price source",
            Self::AaveV2Pool => "Aave v2 lending pool",
            Self::AaveV3Pool => "Aave v3 pool",
            Self::CompoundV2Market => "Compound v2 market",
            Self::CompoundV2Comptroller => "Compound v2 comptroller",
            Self::CompoundV3Market => "Compound v3 market",
            Self::UniswapV2Pair => "Uniswap v2 pair",
            Self::UniswapV3Pool => "Uniswap v3 pool",
            Self::CurvePool => "Curve pool",
            Self::PairShape => "liquidity pair",
            Self::LockReleaseBridge => "lock-and-release bridge",
            Self::CanonicalBridge => "canonical bridge",
            Self::VaultShape => "vault",
            Self::Staking => "staking",
            Self::Factory => "factory",
            Self::Router => "router",
            Self::InsuranceFundShape => "insurance fund",
            Self::TreasuryShape => "treasury",
        }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A well-known interface. Several entries may stand for one trait: forms of different age.
#[derive(Debug)]
pub(super) struct Standard {
    pub(super) is: Trait,
    /// Signatures of functions that must all be there.
    pub(super) needs: &'static [&'static str],
    /// Events that belong to it: each makes the conclusion surer and none is required, because old
    /// compilers and libraries put topics elsewhere.
    pub(super) events: &'static [&'static str],
}

const fn standard(
    is: Trait,
    needs: &'static [&'static str],
    events: &'static [&'static str],
) -> Standard {
    Standard { is, needs, events }
}

/// All of them. Signatures are canonical; full declarations are in [`super::signatures`].
pub(super) const STANDARDS: &[Standard] = &[
    standard(
        Trait::Erc20,
        &[
            "totalSupply()",
            "balanceOf(address)",
            "transfer(address,uint256)",
            "transferFrom(address,address,uint256)",
            "approve(address,uint256)",
            "allowance(address,address)",
        ],
        &["Transfer(address,address,uint256)", "Approval(address,address,uint256)"],
    ),
    standard(
        Trait::Erc721,
        &[
            "ownerOf(uint256)",
            "safeTransferFrom(address,address,uint256,bytes)",
            "setApprovalForAll(address,bool)",
        ],
        &["Transfer(address,address,uint256)", "ApprovalForAll(address,address,bool)"],
    ),
    standard(
        Trait::Erc1155,
        &[
            "balanceOfBatch(address[],uint256[])",
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        ],
        &["TransferSingle(address,address,address,uint256,uint256)"],
    ),
    standard(
        Trait::Erc4626,
        &[
            "asset()",
            "totalAssets()",
            "deposit(uint256,address)",
            "mint(uint256,address)",
            "withdraw(uint256,address,address)",
            "redeem(uint256,address,address)",
        ],
        &["Deposit(address,address,uint256,uint256)"],
    ),
    standard(
        Trait::Erc2612,
        &[
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "nonces(address)",
            "DOMAIN_SEPARATOR()",
        ],
        &[],
    ),
    standard(
        Trait::Erc3156,
        &[
            "maxFlashLoan(address)",
            "flashFee(address,uint256)",
            "flashLoan(address,address,uint256,bytes)",
        ],
        &[],
    ),
    standard(Trait::Erc165, &["supportsInterface(bytes4)"], &[]),
    standard(
        Trait::Ownable,
        &["owner()", "transferOwnership(address)"],
        &["OwnershipTransferred(address,address)"],
    ),
    standard(
        Trait::Ownable2Step,
        &["owner()", "pendingOwner()", "acceptOwnership()"],
        &["OwnershipTransferStarted(address,address)"],
    ),
    standard(
        Trait::AccessControl,
        &["hasRole(bytes32,address)", "grantRole(bytes32,address)", "revokeRole(bytes32,address)"],
        &["RoleGranted(bytes32,address,address)", "RoleRevoked(bytes32,address,address)"],
    ),
    standard(
        Trait::AccessControlEnumerable,
        &[
            "hasRole(bytes32,address)",
            "getRoleMemberCount(bytes32)",
            "getRoleMember(bytes32,uint256)",
        ],
        &[],
    ),
    standard(
        Trait::AccessManaged,
        &["authority()", "setAuthority(address)", "isConsumingScheduledOp()"],
        &["AuthorityUpdated(address)"],
    ),
    standard(
        Trait::AccessManager,
        &["canCall(address,address,bytes4)", "hasRole(uint64,address)"],
        &["RoleGranted(uint64,address,uint32,uint48,bool)"],
    ),
    standard(Trait::DsAuth, &["rely(address)", "deny(address)", "wards(address)"], &[]),
    standard(Trait::DsAuth, &["owner()", "authority()", "setAuthority(address)"], &[]),
    standard(Trait::Pausable, &["paused()"], &["Paused(address)", "Unpaused(address)"]),
    standard(
        Trait::UupsImplementation,
        &["proxiableUUID()", "upgradeToAndCall(address,bytes)"],
        &["Upgraded(address)"],
    ),
    standard(Trait::ProxyAdmin, &["owner()", "upgradeAndCall(address,address,bytes)"], &[]),
    standard(
        Trait::Beacon,
        &["implementation()", "upgradeTo(address)", "owner()"],
        &["Upgraded(address)"],
    ),
    standard(
        Trait::TimelockController,
        &[
            "getMinDelay()",
            "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
            "execute(address,uint256,bytes,bytes32,bytes32)",
        ],
        &["CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"],
    ),
    standard(
        Trait::CompoundTimelock,
        &[
            "delay()",
            "queueTransaction(address,uint256,string,bytes,uint256)",
            "executeTransaction(address,uint256,string,bytes,uint256)",
        ],
        &["QueueTransaction(bytes32,address,uint256,string,bytes,uint256)"],
    ),
    standard(
        Trait::Governor,
        &[
            "propose(address[],uint256[],bytes[],string)",
            "castVote(uint256,uint8)",
            "votingPeriod()",
        ],
        &["VoteCast(address,uint256,uint8,uint256,string)"],
    ),
    standard(
        Trait::GovernorBravo,
        &[
            "propose(address[],uint256[],string[],bytes[],string)",
            "queue(uint256)",
            "execute(uint256)",
        ],
        &["VoteCast(address,uint256,uint8,uint256,string)"],
    ),
    standard(
        Trait::Safe,
        &["getOwners()", "getThreshold()", "isOwner(address)", "nonce()"],
        &["ExecutionSuccess(bytes32,uint256)"],
    ),
    standard(
        Trait::MultisigShape,
        &["getOwners()", "required()", "confirmTransaction(uint256)"],
        &[],
    ),
    standard(Trait::PriceFeed, &["latestRoundData()"], &["AnswerUpdated(int256,uint256,uint256)"]),
    standard(
        Trait::AaveV2Pool,
        &["getReserveData(address)", "deposit(address,uint256,address,uint16)"],
        &["ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)"],
    ),
    standard(
        Trait::AaveV3Pool,
        &["getReserveData(address)", "supply(address,uint256,address,uint16)"],
        &["ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)"],
    ),
    standard(
        Trait::CompoundV2Market,
        &["underlying()", "exchangeRateStored()", "comptroller()", "accrueInterest()"],
        &["AccrueInterest(uint256,uint256,uint256,uint256)"],
    ),
    standard(
        Trait::CompoundV2Comptroller,
        &["enterMarkets(address[])", "getAccountLiquidity(address)", "getAllMarkets()"],
        &["MarketEntered(address,address)"],
    ),
    standard(
        Trait::CompoundV3Market,
        &["baseToken()", "supply(address,uint256)", "withdraw(address,uint256)", "numAssets()"],
        &["Supply(address,address,uint256)"],
    ),
    standard(
        Trait::UniswapV2Pair,
        &["getReserves()", "token0()", "token1()", "swap(uint256,uint256,address,bytes)"],
        &["Sync(uint112,uint112)"],
    ),
    standard(
        Trait::UniswapV3Pool,
        &["slot0()", "token0()", "token1()", "fee()", "liquidity()"],
        &["Swap(address,address,int256,int256,uint160,uint128,int24)"],
    ),
    standard(
        Trait::CurvePool,
        &["coins(uint256)", "get_virtual_price()", "exchange(int128,int128,uint256,uint256)"],
        &[],
    ),
    standard(
        Trait::CurvePool,
        &["coins(uint256)", "get_virtual_price()", "exchange(uint256,uint256,uint256,uint256)"],
        &[],
    ),
    standard(
        Trait::CanonicalBridge,
        &["finalizeWithdrawalTransaction((uint256,address,address,uint256,uint256,bytes))"],
        &[],
    ),
    standard(
        Trait::CanonicalBridge,
        &["bridgeETH(uint32,bytes)", "finalizeBridgeETH(address,address,uint256,bytes)"],
        &["ETHBridgeFinalized(address,address,uint256,bytes)"],
    ),
    standard(
        Trait::CanonicalBridge,
        &["outboundTransfer(address,address,uint256,uint256,uint256,bytes)"],
        &[],
    ),
    standard(
        Trait::Staking,
        &["stake(uint256)", "earned(address)", "getReward()"],
        &["Staked(address,uint256)", "RewardPaid(address,uint256)"],
    ),
    standard(
        Trait::Staking,
        &["poolInfo(uint256)", "userInfo(uint256,address)", "deposit(uint256,uint256)"],
        &[],
    ),
    standard(
        Trait::Factory,
        &["createPair(address,address)", "getPair(address,address)"],
        &["PairCreated(address,address,address,uint256)"],
    ),
    standard(
        Trait::Factory,
        &["createPool(address,address,uint24)", "getPool(address,address,uint24)"],
        &["PoolCreated(address,address,uint24,int24,address)"],
    ),
    standard(
        Trait::Router,
        &["swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"],
        &[],
    ),
    standard(
        Trait::Router,
        &["exactInput((bytes,address,uint256,uint256,uint256))", "multicall(bytes[])"],
        &[],
    ),
    standard(Trait::Router, &["execute(bytes,bytes[],uint256)"], &[]),
];

/// Declarations by selector and by topic, of everything in [`super::signatures`] and of every event
/// that is understood as a risk event.
pub(super) struct Dictionary {
    pub(super) abi: ContractAbi,
    /// Declarations of events by topic; one topic may be declared with different indexed arguments.
    pub(super) events: BTreeMap<B256, Vec<Arc<EventAbi>>>,
}

pub(super) static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let known = ContractAbi::from_solidity(super::signatures::all())
        .expect("the declarations parse, a test reads each");
    let mut events: BTreeMap<B256, Vec<Arc<EventAbi>>> = BTreeMap::new();
    let risk = crate::risk::sources().iter().map(|source| &source.event);
    for event in known.events().chain(risk) {
        if let Some(topic0) = event.topic0 {
            let of_topic = events.entry(topic0).or_default();
            if !of_topic.iter().any(|e| e.indexed_count() == event.indexed_count()) {
                of_topic.push(event.clone());
            }
        }
    }
    Dictionary { abi: known, events }
});
