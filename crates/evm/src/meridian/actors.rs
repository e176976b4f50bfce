use alloy_primitives::{Address, U256};

use super::ether;
use crate::devnet::Wallet;

/// How many ordinary users there are: enough that each acts rarely.
const USERS: usize = 48;
/// How many people vote.
const COUNCIL: usize = 5;

/// Everyone with a key. Keys follow from one public seed, so addresses are the same in every run.
#[derive(Debug, Clone)]
pub struct Actors {
    /// Deploys the protocol and holds the token's admin role.
    pub admin: Wallet,
    /// Admin of the vault's proxy.
    pub upgrader: Wallet,
    /// Reports prices.
    pub reporter: Wallet,
    /// Issues mUSD.
    pub issuer: Wallet,
    /// Pays claims from the insurance fund.
    pub claims: Wallet,
    /// Releases what comes back over the bridge.
    pub relayer: Wallet,
    /// May change the vault's parameters without governance.
    pub risk_manager: Wallet,
    /// May pause the vault and veto proposals.
    pub guardian: Wallet,
    /// Holds the protocol's own money.
    pub treasury: Wallet,
    /// Provides liquidity and keeps the market's price near the world's.
    pub market_maker: Wallet,
    /// Vote on proposals.
    pub council: Vec<Wallet>,
    /// Ordinary users.
    pub users: Vec<Wallet>,
    /// Attackers, one per attack so that each is a stranger.
    pub attackers: Vec<Wallet>,
    /// An account that is on every list of exploiters.
    pub known_exploiter: Wallet,
}

/// One attacker per scenario, and some to spare.
const ATTACKERS: usize = 12;
/// Ether of each attacker: the dearest attack stakes forty, so it can be repeated fifty times.
const STRANGER_ETHER: u64 = 2_000;

impl Actors {
    pub(super) fn derive(seed: u64) -> Self {
        let one = |name: &str| Wallet::derive(seed, name);
        let many = |name: &str, count: usize| {
            (0..count).map(|i| Wallet::derive(seed, &format!("{name} {i}"))).collect()
        };
        Self {
            admin: one("admin"),
            upgrader: one("upgrader"),
            reporter: one("reporter"),
            issuer: one("issuer"),
            claims: one("claims"),
            relayer: one("relayer"),
            risk_manager: one("risk manager"),
            guardian: one("guardian"),
            treasury: one("treasury"),
            market_maker: one("market maker"),
            council: many("council", COUNCIL),
            users: many("user", USERS),
            attackers: many("attacker", ATTACKERS),
            known_exploiter: one("known exploiter"),
        }
    }

    /// Who starts with how much ether.
    pub(super) fn genesis(&self) -> Vec<(Address, U256)> {
        let staff = [
            &self.admin,
            &self.upgrader,
            &self.reporter,
            &self.issuer,
            &self.claims,
            &self.relayer,
            &self.risk_manager,
            &self.guardian,
        ];
        let with = |wei: u64| move |wallet: &Wallet| (wallet.address(), ether(wei));
        let rich = [&self.treasury, &self.market_maker].map(with(50_000));
        let staff = staff.into_iter().map(with(100));
        let council = self.council.iter().map(with(100));
        let users = self.users.iter().map(with(200));
        let strangers =
            self.attackers.iter().chain([&self.known_exploiter]).map(with(STRANGER_ETHER));
        rich.into_iter().chain(staff).chain(council).chain(users).chain(strangers).collect()
    }

    /// Addresses that lists of bad actors would name, with their category.
    pub fn known_bad(&self) -> Vec<(Address, &'static str)> {
        vec![(self.known_exploiter.address(), "exploiter")]
    }

    /// Everyone with a word for who they are, for labels. Attackers are strangers and not here.
    pub fn named(&self) -> Vec<(String, Address)> {
        let one = [
            ("admin", &self.admin),
            ("upgrader", &self.upgrader),
            ("reporter", &self.reporter),
            ("issuer", &self.issuer),
            ("claims", &self.claims),
            ("relayer", &self.relayer),
            ("risk-manager", &self.risk_manager),
            ("guardian", &self.guardian),
            ("treasury", &self.treasury),
            ("market-maker", &self.market_maker),
        ];
        let council = self.council.iter().enumerate().map(|(i, w)| (format!("council-{i}"), w));
        let one = one.into_iter().map(|(name, wallet)| (name.to_owned(), wallet));
        one.chain(council).map(|(name, wallet)| (name, wallet.address())).collect()
    }
}
