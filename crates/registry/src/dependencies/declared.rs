//! What people confirmed, ignored and weighed.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, I256, U256};
use model::{Name, ReadRequest};

use super::{Kind, Price, cents_of};
use crate::Registry;

/// `balanceOf(address)`.
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
/// `latestRoundData()`.
const LATEST_ROUND_DATA: [u8; 4] = [0xfe, 0xaf, 0x96, 0x8c];
/// How far is followed what depends on what depends on …
const COVER_DEPTH_MAX: usize = 8;

/// What people made of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is one; it is watched.
    Watched,
    /// Somebody looked and decided that it does not matter.
    Ignored {
        /// Why.
        reason: String,
    },
}

/// An outside contract that people know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The user's name for it.
    pub label: Name,
    /// Network.
    pub network: Name,
    /// Contract.
    pub address: Address,
    /// What it is to us.
    pub kind: Kind,
    /// Our deployments that rely on it; empty for all on its network.
    pub of: Vec<Name>,
    /// What people made of it.
    pub standing: Standing,
    /// What its failure would cost, in cents of a dollar, as people state it; goes before what is
    /// measured.
    pub stated_cents: Option<U256>,
    /// Other dependencies that fail with it: what a feed prices, what a governor governs.
    pub covers: Vec<Name>,
    /// When it is a token.
    pub token: Option<TokenTerms>,
    /// When it is a feed.
    pub feed: Option<FeedTerms>,
    /// When it lends.
    pub lending: Option<LendingTerms>,
    /// Hash of the code that people looked at.
    pub code_hash: Option<B256>,
    /// Whose code ran there when people looked, when it is a proxy.
    pub implementation: Option<Address>,
}

/// How amounts of a token are read and priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTerms {
    /// `USDC` …; the user's word.
    pub symbol: Arc<str>,
    /// Digits after the point.
    pub decimals: u8,
    /// What one costs, as stated.
    pub price: Option<Price>,
    /// The feed that says what one costs; goes before the stated price.
    pub priced_by: Option<Name>,
    /// What one should cost.
    pub peg: Option<Price>,
}

/// How answers of a feed are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedTerms {
    /// Digits after the point.
    pub decimals: u8,
    /// Who answers behind it, as people looked at it; `None` when nobody stands behind it.
    pub aggregator: Option<Address>,
    /// Seconds between two answers that it promises.
    pub heartbeat_s: Option<u64>,
}

/// What is asked of something that lends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LendingTerms {
    /// Which interface it has.
    pub interface: Lending,
    /// The token that is lent: the label of a dependency.
    pub asset: Name,
    /// The token that stands for what was lent (an aToken); a Comet is its own.
    pub receipt: Address,
}

/// Interfaces of lending pools that can be asked for their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lending {
    /// Aave v2 and v3, and what is made of them: a bitmap of the reserve's configuration.
    Aave,
    /// Compound v3: flags of the market.
    Comet,
}

impl Lending {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aave => "aave",
            Self::Comet => "comet",
        }
    }
}

impl fmt::Display for Lending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Lending {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "aave" => Ok(Self::Aave),
            "comet" => Ok(Self::Comet),
            _ => Err(format!("unknown interface {text:?} (one of: aave, comet)")),
        }
    }
}

/// Something that is read now and then to know what is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reading {
    /// How much of a token a contract of ours holds.
    Held {
        /// Token.
        token: Address,
        /// Holder.
        holder: Address,
    },
    /// What a feed answers.
    Price {
        /// Feed.
        feed: Address,
        /// Digits of its answer after the point.
        decimals: u8,
    },
}

impl Reading {
    /// The read that tells it.
    pub fn request(&self) -> ReadRequest {
        match self {
            Self::Held { token, holder } => {
                let input = [&BALANCE_OF[..], holder.into_word().as_slice()].concat();
                ReadRequest::Call { to: *token, input: input.into() }
            }
            Self::Price { feed, .. } => {
                ReadRequest::Call { to: *feed, input: Bytes::from_static(&LATEST_ROUND_DATA) }
            }
        }
    }

    /// What the answer tells: an amount in the smallest unit, or a [`Price`]'s number. `None` when
    /// it tells nothing.
    pub fn value(&self, answer: &[u8]) -> Option<U256> {
        let word = |at: usize| answer.get(at * 32..(at + 1) * 32).map(U256::from_be_slice);
        match self {
            Self::Held { .. } => word(0),
            Self::Price { decimals, .. } => {
                Price::of_answer(I256::from_raw(word(1)?), *decimals).map(|price| price.0)
            }
        }
    }
}

/// What would be lost with a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// As people state it, in cents of a dollar.
    Stated(U256),
    /// As balances and prices say, in cents of a dollar.
    Measured(U256),
    /// Nobody states it, and not everything that would say it is known.
    Unknown,
}

impl Exposure {
    /// In cents of a dollar.
    pub fn cents(self) -> Option<U256> {
        match self {
            Self::Stated(cents) | Self::Measured(cents) => Some(cents),
            Self::Unknown => None,
        }
    }
}

/// All dependencies that people know of.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    all: Vec<Dependency>,
    by_address: BTreeMap<(Name, Address), usize>,
    by_label: BTreeMap<Name, usize>,
    tvl_cents: BTreeMap<Name, U256>,
}

impl Declared {
    /// Of two dependencies at one address or of one label the first counts; files with such are
    /// refused before. `tvl_cents` is what is locked on each network, as people state it.
    pub fn new(all: Vec<Dependency>, tvl_cents: BTreeMap<Name, U256>) -> Self {
        let (mut by_address, mut by_label) = (BTreeMap::new(), BTreeMap::new());
        for (at, one) in all.iter().enumerate() {
            by_address.entry((one.network.clone(), one.address)).or_insert(at);
            by_label.entry(one.label.clone()).or_insert(at);
        }
        Self { all, by_address, by_label, tvl_cents }
    }

    /// All of them, in the order of their declaration.
    pub fn all(&self) -> &[Dependency] {
        &self.all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those of a network that are watched.
    pub fn watched(&self, network: &Name) -> impl Iterator<Item = &Dependency> {
        let is_watched =
            move |one: &&Dependency| one.network == *network && one.standing == Standing::Watched;
        self.all.iter().filter(is_watched)
    }

    /// The dependency at an address, be it watched or ignored.
    pub fn at(&self, network: &Name, address: Address) -> Option<&Dependency> {
        self.by_address.get(&(network.clone(), address)).map(|at| &self.all[*at])
    }

    /// The dependency of this label.
    pub fn get(&self, label: &Name) -> Option<&Dependency> {
        self.by_label.get(label).map(|at| &self.all[*at])
    }

    /// What a contract of ours relies on: everything that is watched and says so.
    pub fn of<'d>(
        &'d self,
        network: &'d Name,
        label: &'d Name,
    ) -> impl Iterator<Item = &'d Dependency> {
        self.watched(network).filter(move |one| one.of.is_empty() || one.of.contains(label))
    }

    /// Our contracts that rely on a dependency.
    pub fn dependents(&self, of: &Dependency, registry: &Registry) -> Vec<Address> {
        let own = registry.own().map(|(_, deployment)| deployment);
        let relies = own.filter(|deployment| {
            deployment.network == of.network
                && self.at(&of.network, deployment.address).is_none()
                && (of.of.is_empty() || of.of.contains(&deployment.label))
        });
        relies.map(|deployment| deployment.address).collect()
    }

    /// Everything that has to be read to know what is at stake on a network, each once.
    pub fn readings(&self, network: &Name, registry: &Registry) -> Vec<Reading> {
        let mut readings = Vec::new();
        for one in self.watched(network) {
            if one.stated_cents.is_none() {
                let amounts = self.amounts(one, registry);
                readings.extend(amounts.into_iter().map(|(reading, _)| reading));
            }
            readings.extend(one.token.as_ref().and_then(|terms| self.price_reading(terms)));
            if let Some(asset) = self.asset_of(one) {
                readings.extend(self.price_reading(asset));
            }
        }
        readings.sort_unstable();
        readings.dedup();
        readings
    }

    /// The reading that says what a token costs, when a feed says it.
    pub fn price_reading(&self, terms: &TokenTerms) -> Option<Reading> {
        let feed = self.get(terms.priced_by.as_ref()?)?;
        let decimals = feed.feed.as_ref().map_or(8, |feed| feed.decimals);
        Some(Reading::Price { feed: feed.address, decimals })
    }

    /// The token that something lends.
    pub fn asset_of(&self, of: &Dependency) -> Option<&TokenTerms> {
        self.get(&of.lending.as_ref()?.asset)?.token.as_ref()
    }

    /// What our contracts hold of a token or lent, with how it is priced.
    fn amounts<'d>(
        &'d self,
        of: &'d Dependency,
        registry: &Registry,
    ) -> Vec<(Reading, &'d TokenTerms)> {
        let held = match (of.kind, &of.token, &of.lending) {
            (Kind::Token, Some(terms), _) => Some((of.address, terms)),
            (_, _, Some(lending)) => self.asset_of(of).map(|terms| (lending.receipt, terms)),
            _ => None,
        };
        let Some((token, terms)) = held else { return Vec::new() };
        let holders = self.dependents(of, registry).into_iter();
        holders.map(|holder| (Reading::Held { token, holder }, terms)).collect()
    }

    /// What a token costs.
    pub fn price(
        &self,
        terms: &TokenTerms,
        read: &dyn Fn(&Reading) -> Option<U256>,
    ) -> Option<Price> {
        match self.price_reading(terms) {
            Some(reading) => read(&reading).map(Price),
            None => terms.price,
        }
    }

    /// What would be lost with a dependency and what it covers. `read` gives what was read last.
    pub fn exposure(
        &self,
        of: &Dependency,
        registry: &Registry,
        read: &dyn Fn(&Reading) -> Option<U256>,
    ) -> Exposure {
        if let Some(cents) = of.stated_cents {
            return Exposure::Stated(cents);
        }
        let mut seen = Vec::new();
        self.add_covered(of, 0, &mut seen);
        let mut sum = None;
        for one in seen {
            let own = match one.stated_cents {
                Some(cents) => Some(cents),
                None => match self.measured(one, registry, read) {
                    Ok(cents) => cents,
                    // Less than all of it would be told as all of it.
                    Err(Missing) => return Exposure::Unknown,
                },
            };
            if let Some(cents) = own {
                sum = Some(sum.unwrap_or(U256::ZERO).saturating_add(cents));
            }
        }
        sum.map_or(Exposure::Unknown, Exposure::Measured)
    }

    fn measured(
        &self,
        of: &Dependency,
        registry: &Registry,
        read: &dyn Fn(&Reading) -> Option<U256>,
    ) -> Result<Option<U256>, Missing> {
        let mut sum = None;
        for (reading, terms) in self.amounts(of, registry) {
            let amount = read(&reading).ok_or(Missing)?;
            let cents = if amount.is_zero() {
                U256::ZERO
            } else {
                cents_of(amount, terms.decimals, self.price(terms, read).ok_or(Missing)?)
            };
            sum = Some(sum.unwrap_or(U256::ZERO).saturating_add(cents));
        }
        Ok(sum)
    }

    fn add_covered<'d>(&'d self, of: &'d Dependency, depth: usize, seen: &mut Vec<&'d Dependency>) {
        if depth > COVER_DEPTH_MAX || seen.iter().any(|known| known.label == of.label) {
            return;
        }
        seen.push(of);
        for covered in of.covers.iter().filter_map(|label| self.get(label)) {
            self.add_covered(covered, depth + 1, seen);
        }
    }

    /// What is locked on a network in cents: as stated, else what is held of tokens that are
    /// dependencies. `None` when neither is known.
    pub fn tvl_cents(
        &self,
        network: &Name,
        registry: &Registry,
        read: &dyn Fn(&Reading) -> Option<U256>,
    ) -> Option<U256> {
        if let Some(stated) = self.tvl_cents.get(network) {
            return Some(*stated);
        }
        let holdings =
            self.watched(network).filter(|one| one.token.is_some() || one.lending.is_some());
        let cents: Option<Vec<U256>> =
            holdings.map(|one| self.exposure(one, registry, read).cents()).collect();
        let cents = cents.filter(|cents| !cents.is_empty())?;
        Some(cents.into_iter().fold(U256::ZERO, U256::saturating_add))
    }

    /// Changes whenever anything changes that monitors judge by.
    pub fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.all, self.tvl_cents)
    }
}

/// A reading that is needed is not there.
struct Missing;
