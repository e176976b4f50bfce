use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor};

use super::{
    Actors, Meridian, MeridianError, call,
    contracts::{
        BridgeLocker, FlashLender, Governor, InsuranceFund, MeridianToken, Pair, PriceOracle,
        Proxy, Timelock, Vault,
    },
    ether, level, submit, traffic,
};
use crate::{
    artifact::{self, Artifact},
    devnet::{Devnet, TransactionRequest, Wallet},
};

/// Seconds between price rounds that the oracle promises.
const HEARTBEAT_S: u64 = 120;
/// Seconds between a decision of the council and its execution.
const TIMELOCK_DELAY_S: u64 = 600;
/// mUSD of the treasury after deployment: enough to refill everything many times.
const TREASURY_MUSD: u64 = 20_000_000;
/// mUSD that each user starts with.
const USER_MUSD: u64 = 20_000;
/// mUSD that the market maker trades with, beside the liquidity it provides.
const MARKET_MAKER_MUSD: u64 = 5_000_000;
/// First price: 2,000 mUSD with 8 decimals.
const FIRST_ANSWER: u64 = 200_000_000_000;

/// Puts the protocol on the chain.
pub(super) fn deploy(devnet: &Devnet, actors: Actors) -> Result<Meridian, MeridianError> {
    let admin = actors.admin.address();
    let mut stage = Stage { devnet, created: Vec::new() };
    let roles = Roles::new();

    let token = stage.create(
        &actors.admin,
        artifact::MERIDIAN_TOKEN,
        MeridianToken::constructorCall { admin },
    )?;
    let oracle = stage.create(
        &actors.admin,
        artifact::PRICE_ORACLE,
        PriceOracle::constructorCall {
            admin,
            reporter: actors.reporter.address(),
            heartbeat_: U256::from(HEARTBEAT_S),
            first: FIRST_ANSWER.try_into().expect("a small number fits a signed word"),
        },
    )?;
    let pair =
        stage.create(&actors.admin, artifact::PAIR, Pair::constructorCall { token_: token })?;
    let flash_lender = stage.create(
        &actors.admin,
        artifact::FLASH_LENDER,
        FlashLender::constructorCall { token_: token },
    )?;
    let timelock = stage.create(
        &actors.admin,
        artifact::TIMELOCK,
        Timelock::constructorCall { admin, delay: U256::from(TIMELOCK_DELAY_S) },
    )?;
    let governor = stage.create(
        &actors.admin,
        artifact::GOVERNOR,
        Governor::constructorCall {
            timelock_: timelock,
            members: actors.council.iter().map(Wallet::address).collect(),
            guardian_: actors.guardian.address(),
        },
    )?;
    let fund = stage.create(
        &actors.admin,
        artifact::INSURANCE_FUND,
        InsuranceFund::constructorCall { admin, claims: actors.claims.address(), token_: token },
    )?;
    let bridge = stage.create(
        &actors.admin,
        artifact::BRIDGE_LOCKER,
        BridgeLocker::constructorCall { admin, relayer: actors.relayer.address(), token_: token },
    )?;
    let vault_impl = stage.create_bare(&actors.admin, artifact::VAULT)?;
    let initialize = Vault::initializeCall { admin, token_: token, pair_: pair, oracle_: oracle };
    let vault = stage.create(
        &actors.admin,
        artifact::PROXY,
        Proxy::constructorCall {
            implementation: vault_impl,
            admin: actors.upgrader.address(),
            initialize: initialize.abi_encode().into(),
        },
    )?;
    stage.settle("deploy contracts")?;
    let first_blocks = stage.first_blocks();

    let meridian = Meridian {
        token,
        vault,
        vault_impl,
        oracle,
        oracle_heartbeat_s: HEARTBEAT_S,
        pair,
        flash_lender,
        governor,
        timelock,
        fund,
        bridge,
        deployed_at: 0,
        first_blocks: first_blocks
            .try_into()
            .map_err(|_| MeridianError::Failed { what: "deploy contracts", block: 0 })?,
        actors,
    };
    roles.grant(&stage, &meridian)?;
    issue(&stage, &meridian)?;
    open_allowances(&stage, &meridian)?;
    move_in(&stage, &meridian)?;
    Ok(Meridian { deployed_at: devnet.head().number, ..meridian })
}

/// Creations and calls that must succeed, with the blocks they end up in.
struct Stage<'a> {
    devnet: &'a Devnet,
    created: Vec<(Address, B256)>,
}

impl Stage<'_> {
    fn create(
        &mut self,
        wallet: &Wallet,
        artifact: Artifact,
        constructor: impl SolConstructor,
    ) -> Result<Address, MeridianError> {
        let initcode = [artifact.bytecode().as_ref(), &constructor.abi_encode()].concat();
        self.create_with(wallet, artifact.name, initcode)
    }

    fn create_bare(
        &mut self,
        wallet: &Wallet,
        artifact: Artifact,
    ) -> Result<Address, MeridianError> {
        self.create_with(wallet, artifact.name, artifact.bytecode().to_vec())
    }

    fn create_with(
        &mut self,
        wallet: &Wallet,
        what: &'static str,
        initcode: Vec<u8>,
    ) -> Result<Address, MeridianError> {
        let nonce = self.devnet.next_nonce(wallet.address());
        let hash = submit(self.devnet, wallet, TransactionRequest::create(initcode), what)?;
        let address = wallet.address().create(nonce);
        self.created.push((address, hash));
        Ok(address)
    }

    /// Mines until nothing waits and checks that every transaction succeeded.
    fn settle(&self, what: &'static str) -> Result<(), MeridianError> {
        while self.devnet.pending() > 0 {
            let mined = self.devnet.mine();
            let at = mined.map_err(|source| MeridianError::Devnet { what, source })?;
            let block = self.devnet.block(at.number);
            let transactions = block.iter().flat_map(|block| &block.transactions);
            let has_failed = transactions.into_iter().any(|tx| !tx.receipt.is_success());
            if has_failed || block.is_none_or(|block| block.transactions.is_empty()) {
                return Err(MeridianError::Failed { what, block: at.number });
            }
        }
        Ok(())
    }

    fn first_blocks(&self) -> Vec<(Address, u64)> {
        let found = self.created.iter().filter_map(|(address, hash)| {
            let (block, _) = self.devnet.transaction(*hash)?;
            Some((*address, block.header.number))
        });
        found.collect()
    }
}

/// Hashes of role names.
struct Roles {
    issuer: B256,
    risk: B256,
    guardian: B256,
    proposer: B256,
    executor: B256,
}

impl Roles {
    fn new() -> Self {
        Self {
            issuer: keccak256("ISSUER_ROLE"),
            risk: keccak256("RISK_ROLE"),
            guardian: keccak256("GUARDIAN_ROLE"),
            proposer: keccak256("PROPOSER_ROLE"),
            executor: keccak256("EXECUTOR_ROLE"),
        }
    }

    /// Gives everyone their role and leaves the vault and the timelock to the council.
    fn grant(&self, stage: &Stage<'_>, to: &Meridian) -> Result<(), MeridianError> {
        let actors = &to.actors;
        let grants = [
            (to.token, self.issuer, actors.issuer.address()),
            (to.vault, self.risk, to.timelock),
            (to.vault, self.risk, actors.risk_manager.address()),
            (to.vault, self.guardian, actors.guardian.address()),
            (to.vault, B256::ZERO, to.timelock),
            (to.timelock, self.proposer, to.governor),
            (to.timelock, self.executor, to.governor),
        ];
        for (contract, role, account) in grants {
            let grant = MeridianToken::grantRoleCall { role, account };
            submit(stage.devnet, &actors.admin, call(contract, grant), "grant roles")?;
        }
        for contract in [to.vault, to.timelock] {
            let renounce = MeridianToken::renounceRoleCall { role: B256::ZERO };
            submit(stage.devnet, &actors.admin, call(contract, renounce), "renounce admin roles")?;
        }
        stage.settle("grant roles")
    }
}

fn issue(stage: &Stage<'_>, to: &Meridian) -> Result<(), MeridianError> {
    let actors = &to.actors;
    let market_maker = level::PAIR_MUSD + MARKET_MAKER_MUSD;
    let mut amounts = vec![
        (actors.treasury.address(), TREASURY_MUSD),
        (actors.market_maker.address(), market_maker),
        (to.flash_lender, level::LENDER_MUSD),
    ];
    amounts.extend(actors.users.iter().map(|user| (user.address(), USER_MUSD)));
    for (account, amount) in amounts {
        let issue = MeridianToken::issueCall { to: account, amount: ether(amount) };
        submit(stage.devnet, &actors.issuer, call(to.token, issue), "issue mUSD")?;
    }
    stage.settle("issue mUSD")
}

/// Lets the contracts take what their users pay in.
fn open_allowances(stage: &Stage<'_>, to: &Meridian) -> Result<(), MeridianError> {
    let actors = &to.actors;
    let insiders = [&actors.treasury, &actors.market_maker];
    for wallet in actors.users.iter().chain(insiders) {
        for spender in [to.vault, to.pair, to.bridge] {
            let approve = MeridianToken::approveCall { spender, value: U256::MAX };
            let request = call(to.token, approve).with_gas_limit(80_000);
            submit(stage.devnet, wallet, request, "approve")?;
        }
    }
    let approve = MeridianToken::approveCall { spender: to.fund, value: U256::MAX };
    submit(stage.devnet, &actors.treasury, call(to.token, approve), "approve")?;
    stage.settle("approve")
}

/// Fills the market, the vault, the fund and the bridge, the latter mostly from users.
fn move_in(stage: &Stage<'_>, to: &Meridian) -> Result<(), MeridianError> {
    let actors = &to.actors;
    let add = call(to.pair, Pair::addLiquidityCall { amount0: ether(level::PAIR_MUSD) });
    let add = add.with_value(ether(level::PAIR_ETHER));
    submit(stage.devnet, &actors.market_maker, add, "add liquidity")?;
    for (i, user) in actors.users.iter().enumerate() {
        let receiver = user.address();
        let assets = ether(4_000 + 100 * (i as u64 % 7));
        let deposit = call(to.vault, Vault::depositCall { assets, receiver });
        submit(stage.devnet, user, deposit, "first deposits")?;
        let pledge = call(to.vault, Vault::depositEtherCall {}).with_value(ether(4));
        submit(stage.devnet, user, pledge, "first deposits")?;
        let amount = ether(2_000);
        submit(stage.devnet, user, traffic::lock(to, user, amount), "first locks")?;
    }
    stage.settle("first deposits")?;
    to.refill(stage.devnet)?;
    stage.settle("refill")
}
