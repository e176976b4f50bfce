//! A graph as entries to review.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;
use model::{Address, Name};
use registry::{
    Registry,
    dependencies::{
        Dependency, FeedTerms, Kind, Lending, LendingTerms, Price, Standing, TokenTerms,
    },
};

use super::Discovered;

/// A dependency as it would be declared, with what speaks for it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The entry.
    pub entry: Dependency,
    /// Who relies on it and why, a line each.
    pub why: Vec<String>,
    /// What ours would lose with it, in cents, as far as a feed prices it.
    pub exposure_cents: Option<u128>,
    /// Calls a day, over the blocks that were read.
    pub calls_per_day: Option<f64>,
    /// Whether `dependencies/` knows it already.
    pub is_declared: bool,
}

/// The first step of a graph as entries, heaviest first. Those that are declared keep their labels.
pub fn found(discovered: &Discovered, registry: &Registry) -> Vec<Found> {
    let network = &discovered.graph.network;
    let book = registry.dependencies();
    let labels = labels(discovered, registry);
    let priced: BTreeMap<Address, Vec<Address>> =
        discovered.prices.iter().fold(BTreeMap::new(), |mut by_feed, (token, (feed, _))| {
            by_feed.entry(*feed).or_insert_with(Vec::new).push(*token);
            by_feed
        });
    let name_of = |of: Address| match registry.label(network, of) {
        Some(label) => label.to_owned(),
        None => of.to_string(),
    };
    let mut all: Vec<Found> = Vec::new();
    for at in discovered.first_step() {
        let (Some(node), Some(label)) = (discovered.graph.node(at), labels.get(&at)) else {
            continue;
        };
        let dependents: Vec<(Address, _)> = discovered.graph.dependents(at).collect();
        let is_ours = |of: &Address| discovered.graph.ours().contains(of);
        let own_label = |of: &Address| registry.at(network, *of).map(|d| d.label.clone());
        let of: BTreeSet<Name> = dependents
            .iter()
            .map(|(of, _)| of)
            .filter(|of| is_ours(of))
            .filter_map(own_label)
            .collect();
        let mut why: Vec<String> = dependents
            .iter()
            .map(|(of, edge)| {
                let reasons: Vec<String> = edge.reasons.iter().map(ToString::to_string).collect();
                let calls = match edge.calls {
                    0 => String::new(),
                    calls => format!(" ({calls} calls seen)"),
                };
                format!("{}: {}{calls}", name_of(*of), reasons.join(", "))
            })
            .collect();
        if let Some(is) = discovered.recognised.get(&at) {
            why.push(format!("{}: {}", is.class.confidence, is.class.why));
        }
        let covered = priced.get(&at).into_iter().flatten().flat_map(|token| {
            let pools = discovered.receipts.iter().filter(move |(_, (asset, _))| asset == token);
            std::iter::once(*token).chain(pools.map(|(pool, _)| *pool))
        });
        let covers: BTreeSet<Name> = covered.filter_map(|of| labels.get(&of).cloned()).collect();
        let symbol: String = node
            .says
            .iter()
            .flat_map(|says| says.chars())
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect();
        let price = discovered.prices.get(&at);
        let token = (node.kind == Kind::Token).then_some(node.decimals).flatten().map(|decimals| {
            // Whoever has a dollar in its name should cost one.
            let is_dollar = symbol.to_ascii_uppercase().contains("USD");
            TokenTerms {
                symbol: symbol.as_str().into(),
                decimals,
                price: None,
                priced_by: price.and_then(|(feed, _)| labels.get(feed).cloned()),
                peg: (is_dollar && price.is_some()).then_some(Price::DOLLAR),
            }
        });
        let recognition = discovered.recognised.get(&at);
        let feed = (node.kind == Kind::Feed).then(|| FeedTerms {
            decimals: node.decimals.unwrap_or(8),
            aggregator: recognition.and_then(|is| is.getter("aggregator")),
            heartbeat_s: recognition.and_then(|is| is.heartbeat_s).filter(|s| *s > 0),
        });
        let lending = discovered.receipts.get(&at).and_then(|(token, receipt)| {
            let asset = labels.get(token)?.clone();
            Some(LendingTerms { interface: Lending::Aave, asset, receipt: *receipt })
        });
        all.push(Found {
            entry: Dependency {
                label: label.clone(),
                network: network.clone(),
                address: at,
                kind: node.kind,
                of: of.into_iter().collect(),
                standing: Standing::Watched,
                stated_cents: None,
                covers: covers.into_iter().collect(),
                token,
                feed,
                lending,
                code_hash: node.code_hash,
                implementation: node.implementation,
            },
            why,
            exposure_cents: discovered.graph.exposure_cents(at),
            calls_per_day: discovered.graph.calls_per_day(at, discovered.seconds),
            is_declared: book.at(network, at).is_some(),
        });
    }
    // What a feed prices is what would be lost with it.
    let own: BTreeMap<Name, u128> =
        all.iter().filter_map(|f| Some((f.entry.label.clone(), f.exposure_cents?))).collect();
    for one in all.iter_mut().filter(|one| one.exposure_cents.is_none()) {
        let covered = one.entry.covers.iter().filter_map(|label| own.get(label));
        one.exposure_cents = covered.copied().reduce(u128::saturating_add);
    }
    all.sort_by_key(|one| (std::cmp::Reverse(one.exposure_cents), one.entry.label.clone()));
    all
}

/// A label for each: the one it has, else what it says of itself, else what it is.
fn labels(discovered: &Discovered, registry: &Registry) -> BTreeMap<Address, Name> {
    let network = &discovered.graph.network;
    let book = registry.dependencies();
    let mut taken: BTreeSet<Name> =
        registry.deployments().iter().map(|deployment| deployment.label.clone()).collect();
    taken.extend(book.all().iter().map(|one| one.label.clone()));
    let mut labels = BTreeMap::new();
    for at in discovered.first_step() {
        let Some(node) = discovered.graph.node(at) else { continue };
        let known = book.at(network, at).map(|one| one.label.clone());
        let known = known.or_else(|| registry.at(network, at).map(|d| d.label.clone()));
        if let Some(label) = known {
            labels.insert(at, label);
            continue;
        }
        let says: String = node
            .says
            .iter()
            .flat_map(|says| says.chars())
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(24)
            .collect();
        let says = says.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        let base = match (says.is_empty(), node.kind) {
            (true, kind) => kind.to_string(),
            (false, Kind::Feed) => format!("{says}-feed"),
            (false, _) => says,
        };
        let numbered = (1u32..).map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") });
        let mut free = numbered.filter_map(|text| Name::new(&text).ok());
        let label = free.find(|name| !taken.contains(name));
        if let Some(label) = label {
            taken.insert(label.clone());
            labels.insert(at, label);
        }
    }
    labels
}

impl Found {
    /// What ours would lose with it, as an amount of dollars.
    pub fn exposure(&self) -> Option<model::TokenAmount> {
        self.exposure_cents.map(|cents| registry::dependencies::usd(U256::from(cents)))
    }
}
