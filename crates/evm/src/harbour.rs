//! A small protocol that owns nothing it relies on: a dollar, a price feed, a lending pool, a bridge
//! and a governor, all of them somebody else's. What finding dependencies is tried on.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolConstructor;

use crate::{
    artifact::{self, Artifact},
    devnet::{Devnet, DevnetConfig, DevnetError, TransactionRequest, Wallet},
    meridian::{call, ether},
};

/// Typed calls of its contracts, generated from the committed artefacts.
#[allow(missing_docs, unreachable_pub, clippy::too_many_arguments)] // generated
pub mod contracts {
    use alloy_sol_types::sol;

    sol!(Harbour, "../../contracts/artifacts/Harbour.json");
    sol!(Stablecoin, "../../contracts/artifacts/Stablecoin.json");
    sol!(LendingMarket, "../../contracts/artifacts/LendingMarket.json");
    sol!(FeedProxy, "../../contracts/artifacts/FeedProxy.json");
    sol!(MessageBridge, "../../contracts/artifacts/MessageBridge.json");
}

use contracts::{FeedProxy, LendingMarket, MessageBridge, Stablecoin};

use crate::meridian::contracts::{Governor, PriceOracle, Timelock};

/// Wallets' names are hashed with it.
const SEED: u64 = 0x4841_5242;
/// Dollars that each user begins with.
const USER_DOLLARS: u64 = 1_000_000;
/// First price: a dollar, with eight digits.
const ONE_DOLLAR: i64 = 100_000_000;

/// The protocol on a chain, with everything it relies on.
#[derive(Debug, Clone)]
pub struct Harbour {
    /// The protocol itself.
    pub harbour: Address,
    /// The dollar that it takes.
    pub dollar: Address,
    /// The pool that it lends to.
    pub market: Address,
    /// The feed that prices the dollar.
    pub feed: Address,
    /// Who answers behind the feed.
    pub aggregator: Address,
    /// The bridge that it sends over.
    pub bridge: Address,
    /// Who decides about it.
    pub governor: Address,
    /// Owns the dollar, the feed and the pool.
    pub owner: Wallet,
    /// Somebody who may propose to the governor.
    pub member: Wallet,
    /// Those who use it.
    pub users: Vec<Wallet>,
}

/// A number of whole dollars in the dollar's smallest unit.
pub fn dollars(whole: u64) -> U256 {
    U256::from(whole) * U256::from(1_000_000)
}

impl Harbour {
    fn wallets() -> (Wallet, Wallet, Vec<Wallet>) {
        let users = (0..3).map(|at| Wallet::derive(SEED, &format!("user {at}")));
        (Wallet::derive(SEED, "owner"), Wallet::derive(SEED, "member"), users.collect())
    }

    /// A chain on which everybody has ether.
    pub fn devnet_config() -> DevnetConfig {
        let (owner, member, users) = Self::wallets();
        let all = [owner, member].into_iter().chain(users);
        let genesis = all.map(|wallet| (wallet.address(), ether(1_000))).collect();
        DevnetConfig { genesis, ..DevnetConfig::default() }
    }

    /// Puts it on the chain, in two blocks.
    ///
    /// # Errors
    /// When the chain takes a transaction not, or has no block for it.
    pub fn deploy(devnet: &Devnet) -> Result<Self, DevnetError> {
        let (owner, member, users) = Self::wallets();
        let who = owner.address();
        let create = |artifact: Artifact, arguments: Vec<u8>| -> Result<Address, DevnetError> {
            let created = who.create(devnet.next_nonce(who));
            let initcode = [artifact.bytecode().to_vec(), arguments].concat();
            devnet.submit(&owner, TransactionRequest::create(initcode))?;
            Ok(created)
        };
        let first = ONE_DOLLAR.try_into().expect("a small number fits a signed word");
        let dollar =
            create(artifact::STABLECOIN, Stablecoin::constructorCall { owner_: who }.abi_encode())?;
        let oracle = PriceOracle::constructorCall {
            admin: who,
            reporter: who,
            heartbeat_: U256::from(3_600),
            first,
        };
        let aggregator = create(artifact::PRICE_ORACLE, oracle.abi_encode())?;
        let feed = FeedProxy::constructorCall { owner_: who, aggregator_: aggregator }.abi_encode();
        let feed = create(artifact::FEED_PROXY, feed)?;
        let market = LendingMarket::constructorCall { asset_: dollar, poolAdmin_: who };
        let market = create(artifact::LENDING_MARKET, market.abi_encode())?;
        let bridge = MessageBridge::constructorCall { token_: dollar, relayer_: who };
        let bridge = create(artifact::MESSAGE_BRIDGE, bridge.abi_encode())?;
        let timelock = Timelock::constructorCall { admin: who, delay: U256::from(600) };
        let timelock = create(artifact::TIMELOCK, timelock.abi_encode())?;
        let governor = Governor::constructorCall {
            timelock_: timelock,
            members: vec![member.address()],
            guardian_: who,
        };
        let governor = create(artifact::GOVERNOR, governor.abi_encode())?;
        let harbour = contracts::Harbour::constructorCall {
            dollar,
            market,
            bridge,
            feed_: feed,
            governor_: governor,
        };
        let harbour = create(artifact::HARBOUR, harbour.abi_encode())?;
        devnet.mine()?;
        for user in &users {
            let mint = Stablecoin::mintCall { to: user.address(), amount: dollars(USER_DOLLARS) };
            devnet.submit(&owner, call(dollar, mint))?;
            let approve = Stablecoin::approveCall { spender: harbour, value: U256::MAX };
            devnet.submit(user, call(dollar, approve))?;
        }
        devnet.mine()?;
        Ok(Self {
            harbour,
            dollar,
            market,
            feed,
            aggregator,
            bridge,
            governor,
            owner,
            member,
            users,
        })
    }

    /// One block with one transaction of a user, the `at`-th of an everyday life of deposits,
    /// withdrawals and transfers to other chains. Thousand dollars come in for every six blocks.
    ///
    /// # Errors
    /// When the chain does not take it.
    pub fn live(&self, devnet: &Devnet, at: u64) -> Result<(), DevnetError> {
        use contracts::Harbour::{depositCall, sendCall, withdrawCall};
        let user = &self.users[(at % self.users.len() as u64) as usize];
        let request = match at / 3 % 4 {
            0 => call(self.harbour, depositCall { amount: dollars(1_000) }),
            1 => call(self.harbour, depositCall { amount: dollars(500) }),
            2 => call(self.harbour, withdrawCall { amount: dollars(700) }),
            _ => {
                let (amount, destination) = (dollars(50), U256::from(10));
                call(self.harbour, sendCall { amount, destinationChain: destination })
            }
        };
        devnet.submit(user, request)?;
        devnet.mine().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meridian::read;

    #[test]
    fn fifty_transactions_of_everyday_life_all_take_effect() {
        let devnet = Devnet::new(Harbour::devnet_config());
        let on = Harbour::deploy(&devnet).unwrap();
        for at in 0..50 {
            on.live(&devnet, at).unwrap();
            let block = devnet.block(devnet.head().number).unwrap();
            assert!(block.transactions.iter().all(|tx| tx.receipt.status()), "transaction {at}");
        }
        let lent = read(&devnet, on.market, LendingMarket::balanceOfCall(on.harbour)).unwrap();
        assert!(lent > dollars(1_000), "{lent}");
    }
}
