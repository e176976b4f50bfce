//! Everyday use of the protocol: seeded, so that the same seed on the same chain gives the same
//! blocks.
//!
//! What it promises, so that it never looks like an attack: nobody takes more than half a percent of
//! anything at once, what comes in balances what goes out, the oracle keeps its heartbeat, the
//! market stays near the world's price, privileged calls go through the council and its timelock,
//! and one or two transactions in a hundred fail in the ways that people's transactions fail.

mod governance; // proposals from idea to execution
mod upkeep; // the oracle's rounds and the market maker's trades

use alloy_primitives::{Address, B256, U256};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    Meridian, MeridianError, call,
    contracts::{BridgeLocker, MeridianToken, Pair, Vault},
    ether, read, submit,
};
use crate::devnet::{Devnet, TransactionRequest, Wallet};

/// What one block of ordinary life consists of: weight and act.
const ACTS: &[(u32, Act)] = &[
    (30, Act::Transfer),
    (10, Act::Pay),
    (11, Act::Deposit),
    (9, Act::Withdraw),
    (6, Act::DepositEther),
    (5, Act::WithdrawEther),
    (4, Act::Borrow),
    (4, Act::Repay),
    (14, Act::Swap),
    (4, Act::Issue),
    (4, Act::Redeem),
    (3, Act::Lock),
    (2, Act::Release),
    (2, Act::Mistake),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Transfer,
    Pay,
    Deposit,
    Withdraw,
    DepositEther,
    WithdrawEther,
    Borrow,
    Repay,
    Swap,
    Issue,
    Redeem,
    Lock,
    Release,
    Mistake,
}

/// The other side of the bridge.
const OTHER_CHAIN: u64 = 10;
/// Nobody takes more than this part of a pool at once: half a percent.
const SHARE_MAX: u64 = 200;

/// Generates the transactions of each next block.
#[derive(Debug, Clone)]
pub struct Traffic {
    rng: StdRng,
    /// Whether the oracle's reporter is at work. An attack on it sets this to false.
    pub is_oracle_reporting: bool,
    /// Blocks between proposals of the council; 0 for none.
    pub governance_every_blocks: u64,
    /// The world's price of ether in mUSD cents, which the market follows.
    world_price_cents: u64,
    /// Counts what came over the bridge.
    releases: u64,
    governance: governance::Governance,
}

impl Traffic {
    /// The traffic of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            is_oracle_reporting: true,
            governance_every_blocks: 240,
            world_price_cents: upkeep::WORLD_PRICE_CENTS,
            releases: 0,
            governance: governance::Governance::default(),
        }
    }

    /// Queues what happens in the next block and returns how many transactions that is.
    pub fn submit(&mut self, devnet: &Devnet, on: &Meridian) -> Result<usize, MeridianError> {
        let before = devnet.pending();
        self.upkeep(devnet, on)?;
        self.govern(devnet, on)?;
        // Each user acts at most once a block, so that nobody trips over themselves.
        let mut idle: Vec<&Wallet> = on.actors.users.iter().collect();
        for _ in 0..self.rng.random_range(2..=7) {
            let user = idle.swap_remove(self.rng.random_range(0..idle.len()));
            let total: u32 = ACTS.iter().map(|(weight, _)| weight).sum();
            let mut ticket = self.rng.random_range(0..total);
            let chosen = ACTS.iter().find(|(weight, _)| match ticket.checked_sub(*weight) {
                Some(rest) => {
                    ticket = rest;
                    false
                }
                None => true,
            });
            if let Some((_, act)) = chosen {
                self.act(devnet, on, user, *act)?;
            }
        }
        Ok(devnet.pending() - before)
    }

    fn act(
        &mut self,
        devnet: &Devnet,
        on: &Meridian,
        user: &Wallet,
        act: Act,
    ) -> Result<(), MeridianError> {
        let own = on.musd_of(devnet, user.address())?;
        let Some((wallet, request, what)) = self.plan(devnet, on, user, own, act)? else {
            // Not today: there is too little to do it with.
            return Ok(());
        };
        // A few people still use old wallets.
        let request = if self.rng.random_ratio(1, 12) { request.legacy() } else { request };
        submit(devnet, wallet, request, what)?;
        Ok(())
    }

    fn plan<'a>(
        &mut self,
        devnet: &Devnet,
        on: &'a Meridian,
        user: &'a Wallet,
        own: U256,
        act: Act,
    ) -> Result<Option<(&'a Wallet, TransactionRequest, &'static str)>, MeridianError> {
        let address = user.address();
        let some = |request, what| Ok(Some((user, request, what)));
        match act {
            Act::Transfer => {
                let value = self.up_to(own / U256::from(20));
                let to = self.other_user(on, address);
                some(call(on.token, MeridianToken::transferCall { to, value }), "transfer")
            }
            Act::Pay => {
                let wei = self.up_to(ether(1) / U256::from(4));
                some(TransactionRequest::pay(self.other_user(on, address), wei), "pay")
            }
            Act::Deposit => {
                let assets = self.up_to((own / U256::from(10)).min(ether(2_000)));
                if assets.is_zero() {
                    return Ok(None);
                }
                let deposit = Vault::depositCall { assets, receiver: address };
                some(call(on.vault, deposit), "deposit")
            }
            Act::Withdraw => {
                let shares = read(devnet, on.vault, Vault::sharesOfCall(address))?;
                let worth = read(devnet, on.vault, Vault::convertToAssetsCall { shares })?;
                let liquid = on.musd_of(devnet, on.vault)?;
                let assets = self.up_to((worth / U256::from(4)).min(share(liquid)));
                if assets.is_zero() {
                    return Ok(None);
                }
                let withdraw = Vault::withdrawCall { assets, receiver: address };
                some(call(on.vault, withdraw), "withdraw")
            }
            Act::DepositEther => {
                let wei = self.up_to(ether(1));
                some(call(on.vault, Vault::depositEtherCall {}).with_value(wei), "deposit ether")
            }
            Act::WithdrawEther => {
                let held = read(devnet, on.vault, Vault::etherOfCall(address))?;
                let debt = read(devnet, on.vault, Vault::debtOfCall(address))?;
                let amount =
                    self.up_to((held / U256::from(4)).min(share(devnet.balance(on.vault))));
                if amount.is_zero() || !debt.is_zero() {
                    return Ok(None);
                }
                some(call(on.vault, Vault::withdrawEtherCall { amount }), "withdraw ether")
            }
            Act::Borrow => {
                // A fifth of the collateral at a price well below any real one.
                let held = read(devnet, on.vault, Vault::etherOfCall(address))?;
                let debt = read(devnet, on.vault, Vault::debtOfCall(address))?;
                let room = (held * U256::from(200)).saturating_sub(debt);
                let amount = self.up_to(room.min(share(on.musd_of(devnet, on.vault)?)));
                if amount.is_zero() {
                    return Ok(None);
                }
                some(call(on.vault, Vault::borrowCall { amount }), "borrow")
            }
            Act::Repay => {
                let debt = read(devnet, on.vault, Vault::debtOfCall(address))?;
                let amount = debt.min(own);
                if amount.is_zero() {
                    return Ok(None);
                }
                some(call(on.vault, Vault::repayCall { amount }), "repay")
            }
            Act::Swap => {
                let reserve1 = devnet.balance(on.pair);
                let wei = self.up_to(share(reserve1).min(ether(1)));
                if self.rng.random() {
                    let swap = Pair::swapEtherForTokenCall { amount0Min: U256::ZERO, to: address };
                    return some(call(on.pair, swap).with_value(wei), "swap");
                }
                let price = read(devnet, on.pair, Pair::spotPriceCall {})?;
                let amount0 = (wei * price / ether(1)).min(own / U256::from(10));
                if amount0.is_zero() {
                    return Ok(None);
                }
                let to = address;
                let swap = Pair::swapTokenForEtherCall { amount0, amount1Min: U256::ZERO, to };
                some(call(on.pair, swap), "swap")
            }
            Act::Issue => {
                let issue =
                    MeridianToken::issueCall { to: address, amount: self.up_to(ether(1_000)) };
                Ok(Some((&on.actors.issuer, call(on.token, issue), "issue")))
            }
            Act::Redeem => {
                let amount = self.up_to((own / U256::from(10)).min(ether(1_000)));
                some(call(on.token, MeridianToken::redeemCall { amount }), "redeem")
            }
            Act::Lock => {
                let amount = self.up_to((own / U256::from(10)).min(ether(1_000)));
                some(lock(on, user, amount), "lock")
            }
            Act::Release => {
                let locked = read(devnet, on.bridge, BridgeLocker::lockedCall {})?;
                let amount = self.up_to(share(locked).min(ether(1_000)));
                self.releases += 1;
                let id = bridge_id(address, self.releases, devnet.now());
                let source = U256::from(OTHER_CHAIN);
                let release =
                    BridgeLocker::releaseCall { id, to: address, amount, sourceChain: source };
                Ok(Some((&on.actors.relayer, call(on.bridge, release), "release")))
            }
            Act::Mistake => {
                let mistakes: [(_, &'static str); 3] = [
                    (
                        call(
                            on.token,
                            MeridianToken::transferCall {
                                to: self.other_user(on, address),
                                value: own + U256::from(1),
                            },
                        ),
                        "transfer too much",
                    ),
                    (
                        call(
                            on.pair,
                            Pair::swapEtherForTokenCall {
                                amount0Min: ether(1_000_000),
                                to: address,
                            },
                        )
                        .with_value(ether(1) / U256::from(10)),
                        "swap with too little slippage",
                    ),
                    (
                        call(
                            on.vault,
                            Vault::withdrawCall { assets: ether(50_000), receiver: address },
                        ),
                        "withdraw too much",
                    ),
                ];
                let pick = self.rng.random_range(0..mistakes.len());
                let picked = mistakes.into_iter().nth(pick);
                Ok(picked.map(|(request, what)| (user, request, what)))
            }
        }
    }

    /// A random amount from a tenth of the most to the most.
    fn up_to(&mut self, most: U256) -> U256 {
        most / U256::from(1_000) * U256::from(self.rng.random_range(100..=1_000u64))
    }

    fn other_user(&mut self, on: &Meridian, than: Address) -> Address {
        let users = &on.actors.users;
        let start = self.rng.random_range(0..users.len());
        let after = users.iter().cycle().skip(start).map(Wallet::address);
        after.take(users.len()).find(|user| *user != than).unwrap_or(than)
    }
}

/// The most that is taken from a pool at once.
fn share(pool: U256) -> U256 {
    pool / U256::from(SHARE_MAX)
}

/// Sends mUSD to the same person on the other chain.
pub(super) fn lock(on: &Meridian, from: &Wallet, amount: U256) -> TransactionRequest {
    let recipient = B256::left_padding_from(from.address().as_slice());
    let destination = U256::from(OTHER_CHAIN);
    call(on.bridge, BridgeLocker::lockCall { amount, destinationChain: destination, recipient })
}

/// The id of something burnt on the other chain.
fn bridge_id(to: Address, count: u64, at: u64) -> B256 {
    let mut bytes = to.to_vec();
    bytes.extend(count.to_be_bytes());
    bytes.extend(at.to_be_bytes());
    alloy_primitives::keccak256(bytes)
}
