//! Meridian: a small but whole protocol, deployed the same way in every run.
//!
//! A dollar token (mUSD) that is issued and redeemed; a vault behind an upgradeable proxy that takes
//! mUSD deposits, holds ether and lends mUSD against it; a price oracle with a heartbeat; a market
//! between mUSD and ether; a lender for the length of one call; a council with a timelock; an
//! insurance fund; a bridge locker. Its weaknesses are real ones and documented where they are.

mod actors; // everyone with a key
pub mod contracts; // typed calls and events
mod deploy; // putting it on the chain
mod traffic; // what people do with it all day

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;

pub use actors::Actors;
pub use traffic::Traffic;

use crate::{
    artifact::{self, Artifact},
    devnet::{Devnet, DevnetConfig, DevnetError, TransactionRequest, Wallet},
};
use contracts::{InsuranceFund, MeridianToken, Vault};

/// Where the public keys of all actors come from.
const ACTORS_SEED: u64 = 0x4d45_5249_4449_414e;

/// Why the protocol could not be used.
#[derive(Debug, thiserror::Error)]
pub enum MeridianError {
    /// The chain refused.
    #[error("{what}: {source}")]
    Devnet {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: DevnetError,
    },
    /// A transaction that must succeed failed.
    #[error("{what}: transaction failed in block {block}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// Where.
        block: u64,
    },
    /// A read reverted or returned something else than its ABI says.
    #[error("read {what}: {reason}")]
    Read {
        /// Signature of the function.
        what: &'static str,
        /// What came back.
        reason: String,
    },
}

/// A contract of the protocol, for a monitor's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// A name for it, usable as a label.
    pub name: &'static str,
    /// Where it is.
    pub address: Address,
    /// What is there: for a proxy both the proxy and what runs behind it.
    pub artifacts: &'static [Artifact],
    /// The block that created it.
    pub first_block: u64,
}

/// The deployed protocol.
#[derive(Debug, Clone)]
pub struct Meridian {
    /// mUSD.
    pub token: Address,
    /// The vault as users know it: the proxy.
    pub vault: Address,
    /// The vault's implementation.
    pub vault_impl: Address,
    /// ETH / mUSD price feed.
    pub oracle: Address,
    /// Seconds between rounds that the feed promises.
    pub oracle_heartbeat_s: u64,
    /// Market between mUSD and ether.
    pub pair: Address,
    /// Lends mUSD for the length of one call.
    pub flash_lender: Address,
    /// The council.
    pub governor: Address,
    /// Delay between the council's decisions and their execution.
    pub timelock: Address,
    /// Insurance fund.
    pub fund: Address,
    /// Bridge locker.
    pub bridge: Address,
    /// Everyone with a key.
    pub actors: Actors,
    /// The block by which everything stood.
    pub deployed_at: u64,
    first_blocks: [(Address, u64); 10],
}

/// What the protocol holds when it is healthy.
mod level {
    /// Ether in the vault.
    pub(super) const VAULT_ETHER: u64 = 300;
    /// mUSD that the vault can pay out.
    pub(super) const VAULT_MUSD: u64 = 400_000;
    /// mUSD in the insurance fund.
    pub(super) const FUND_MUSD: u64 = 250_000;
    /// mUSD in the bridge locker.
    pub(super) const BRIDGE_MUSD: u64 = 300_000;
    /// mUSD that the flash lender can lend.
    pub(super) const LENDER_MUSD: u64 = 6_000_000;
    /// mUSD in the market.
    pub(super) const PAIR_MUSD: u64 = 1_000_000;
    /// Ether in the market: 2,000 mUSD each.
    pub(super) const PAIR_ETHER: u64 = 500;
}

impl Meridian {
    /// A chain configuration in which the protocol's actors have ether.
    pub fn devnet_config() -> DevnetConfig {
        let genesis = Actors::derive(ACTORS_SEED).genesis();
        DevnetConfig { genesis, ..DevnetConfig::default() }
    }

    /// Deploys everything and gives it money and users. The chain must have been made with
    /// [`Meridian::devnet_config`]; on a fresh one, addresses are the same in every run.
    pub fn deploy(devnet: &Devnet) -> Result<Self, MeridianError> {
        deploy::deploy(devnet, Actors::derive(ACTORS_SEED))
    }

    /// All contracts, for a monitor's configuration.
    pub fn deployments(&self) -> Vec<Deployed> {
        let all: [(&'static str, Address, &'static [Artifact]); 10] = [
            ("token", self.token, &[artifact::MERIDIAN_TOKEN]),
            ("vault", self.vault, &[artifact::PROXY, artifact::VAULT]),
            ("vault-implementation", self.vault_impl, &[artifact::VAULT]),
            ("oracle", self.oracle, &[artifact::PRICE_ORACLE]),
            ("pair", self.pair, &[artifact::PAIR]),
            ("flash-lender", self.flash_lender, &[artifact::FLASH_LENDER]),
            ("governor", self.governor, &[artifact::GOVERNOR]),
            ("timelock", self.timelock, &[artifact::TIMELOCK]),
            ("insurance-fund", self.fund, &[artifact::INSURANCE_FUND]),
            ("bridge", self.bridge, &[artifact::BRIDGE_LOCKER]),
        ];
        let first_block = |address: Address| {
            let known = self.first_blocks.iter().find(|(at, _)| *at == address);
            known.map_or(0, |(_, block)| *block)
        };
        all.map(|(name, address, artifacts)| {
            let first_block = first_block(address);
            Deployed { name, address, artifacts, first_block }
        })
        .into()
    }

    /// mUSD of an account.
    pub fn musd_of(&self, devnet: &Devnet, account: Address) -> Result<U256, MeridianError> {
        read(devnet, self.token, MeridianToken::balanceOfCall(account))
    }

    /// The treasury puts back, by ordinary deposits, what the vault, the fund and the bridge lack.
    /// Queued for the next block; nothing when nothing lacks.
    pub fn refill(&self, devnet: &Devnet) -> Result<(), MeridianError> {
        let treasury = &self.actors.treasury;
        let lacks = |has: U256, level: u64| ether(level).saturating_sub(has);
        let vault_ether = lacks(devnet.balance(self.vault), level::VAULT_ETHER);
        if !vault_ether.is_zero() {
            let request = call(self.vault, Vault::depositEtherCall {}).with_value(vault_ether);
            submit(devnet, treasury, request, "refill the vault's ether")?;
        }
        let vault_musd = lacks(self.musd_of(devnet, self.vault)?, level::VAULT_MUSD);
        if !vault_musd.is_zero() {
            let receiver = treasury.address();
            let deposit = Vault::depositCall { assets: vault_musd, receiver };
            submit(devnet, treasury, call(self.vault, deposit), "refill the vault's mUSD")?;
        }
        let fund = lacks(self.musd_of(devnet, self.fund)?, level::FUND_MUSD);
        if !fund.is_zero() {
            let contribute = InsuranceFund::contributeCall { amount: fund };
            submit(devnet, treasury, call(self.fund, contribute), "refill the fund")?;
        }
        let bridge = lacks(self.musd_of(devnet, self.bridge)?, level::BRIDGE_MUSD);
        if !bridge.is_zero() {
            submit(devnet, treasury, traffic::lock(self, treasury, bridge), "refill the bridge")?;
        }
        Ok(())
    }
}

/// Whole units of 18 decimals: ether, mUSD.
pub fn ether(units: u64) -> U256 {
    U256::from(units) * U256::from(1_000_000_000_000_000_000_u64)
}

/// Runs a read-only call on the newest state and decodes the answer.
pub fn read<C: SolCall>(devnet: &Devnet, to: Address, call: C) -> Result<C::Return, MeridianError> {
    let what = C::SIGNATURE;
    let outcome = devnet
        .call(to, call.abi_encode())
        .map_err(|source| MeridianError::Devnet { what, source })?;
    if !outcome.is_success {
        return Err(MeridianError::Read {
            what,
            reason: format!("reverted with {}", outcome.output),
        });
    }
    C::abi_decode_returns(&outcome.output)
        .map_err(|error| MeridianError::Read { what, reason: error.to_string() })
}

/// A transaction that makes this call.
pub fn call<C: SolCall>(to: Address, call: C) -> TransactionRequest {
    TransactionRequest::call(to, call.abi_encode())
}

/// Queues a transaction, naming it in the error.
pub(crate) fn submit(
    devnet: &Devnet,
    wallet: &Wallet,
    request: TransactionRequest,
    what: &'static str,
) -> Result<alloy_primitives::B256, MeridianError> {
    devnet.submit(wallet, request).map_err(|source| MeridianError::Devnet { what, source })
}
