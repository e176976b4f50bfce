//! Which monitors a log, call or transaction concerns: lookups, never loops over monitors.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use rustc_hash::FxHashMap;

use crate::{
    expression::Slot,
    monitors::{Compiled, Matcher, Occasion, On, Rule},
};

/// A matcher of a monitor, by both positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MatcherRef {
    pub(super) monitor: u32,
    pub(super) matcher: u32,
}

/// Matchers waiting for the same kind of thing. Those that need a variable to be one of a few
/// addresses are found by its value.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    always: Vec<MatcherRef>,
    by_address: Vec<(Slot, FxHashMap<Address, Vec<MatcherRef>>)>,
    /// One matcher of each shape: events of one signature may index other arguments.
    shapes: Vec<MatcherRef>,
    shape_keys: Vec<Vec<bool>>,
}

impl Bucket {
    fn add(&mut self, at: MatcherRef, matcher: &Matcher) {
        let shape = matcher.shape();
        if !self.shape_keys.contains(&shape) {
            self.shape_keys.push(shape);
            self.shapes.push(at);
        }
        let Some(requirement) = matcher.index_by() else { return self.always.push(at) };
        let known = self.by_address.iter().position(|(slot, _)| *slot == requirement.slot);
        let known = known.unwrap_or_else(|| {
            self.by_address.push((requirement.slot, FxHashMap::default()));
            self.by_address.len() - 1
        });
        for address in requirement.addresses.iter() {
            self.by_address[known].1.entry(*address).or_default().push(at);
        }
    }

    /// Every matcher in it, some perhaps more than once.
    pub(super) fn all(&self) -> impl Iterator<Item = MatcherRef> {
        let indexed = self.by_address.iter().flat_map(|(_, by_value)| by_value.values().flatten());
        self.always.iter().chain(indexed).copied()
    }

    /// One matcher of each shape of event that is waited for.
    pub(super) fn shapes(&self) -> impl Iterator<Item = MatcherRef> {
        self.shapes.iter().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.always.is_empty() && self.by_address.is_empty()
    }

    /// Matchers that can be true, given how to find the value of an address variable.
    pub(super) fn candidates(
        &self,
        value: impl Fn(Slot) -> Option<Address>,
    ) -> impl Iterator<Item = MatcherRef> {
        let found =
            self.by_address.iter().filter_map(move |(slot, by_value)| by_value.get(&value(*slot)?));
        self.always.iter().chain(found.flatten()).copied()
    }
}

/// What concerns one guarded contract.
#[derive(Debug, Default)]
pub(super) struct Local {
    pub(super) events: FxHashMap<B256, Bucket>,
    pub(super) anonymous_events: Bucket,
    pub(super) calls: FxHashMap<[u8; 4], Bucket>,
    pub(super) direct_transactions: Bucket,
    pub(super) involving_transactions: Bucket,
    pub(super) detectors: Arc<Detectors>,
}

/// Which detectors want what of a contract. Contracts with the same detectors on them share one:
/// sixty topics for each of ten thousand contracts would be most of the memory.
#[derive(Debug, Default)]
pub(super) struct Detectors {
    pub(super) by_topic: FxHashMap<B256, Vec<u32>>,
    /// By any call, any transfer, any appearance.
    pub(super) by_call: Vec<u32>,
    pub(super) by_transfer: Vec<u32>,
    pub(super) by_transaction: Vec<u32>,
}

impl Detectors {
    /// What these of the monitors want.
    fn new(at: &[u32], monitors: &[Compiled]) -> Self {
        let mut wanted = Self::default();
        for &at in at {
            let Rule::Detector { wants, .. } = &monitors[at as usize].rule else { continue };
            for topic in &wants.topics {
                wanted.by_topic.entry(*topic).or_default().push(at);
            }
            wanted.by_call.extend(wants.calls.then_some(at));
            wanted.by_transfer.extend(wants.transfers.then_some(at));
            wanted.by_transaction.extend(wants.transactions.then_some(at));
        }
        wanted
    }
}

/// Detectors on contracts, gathered before it is known which contracts share theirs.
#[derive(Default)]
struct OnContracts(FxHashMap<u32, Vec<u32>>);

impl OnContracts {
    fn into_locals(
        self,
        monitors: &[Compiled],
        shared: &mut FxHashMap<Vec<u32>, Arc<Detectors>>,
        locals: &mut FxHashMap<u32, Local>,
    ) {
        for (index, on_it) in self.0 {
            let new = |on_it: &Vec<u32>| Arc::new(Detectors::new(on_it, monitors));
            let detectors = shared.entry(on_it).or_insert_with_key(new).clone();
            locals.entry(index).or_default().detectors = detectors;
        }
    }
}

/// All routes of one network.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// By the deployment's index in the registry.
    pub(super) local: FxHashMap<u32, Local>,
    /// What concerns every child of a factory, by the factory's index: one entry for all children,
    /// so that ten thousand of them cost no more than one.
    pub(super) of_children: FxHashMap<u32, Local>,
    pub(super) events_anywhere: FxHashMap<B256, Bucket>,
    pub(super) calls_anywhere: FxHashMap<[u8; 4], Bucket>,
    pub(super) transactions: Bucket,
    pub(super) every_block: Vec<u32>,
    pub(super) chain_moves: Vec<u32>,
    pub(super) coverage: Vec<u32>,
    pub(super) wants_transfers: bool,
    /// Whether any monitor asks which transactions involve a deployment.
    pub(super) wants_involving: bool,
}

impl Routes {
    pub(super) fn new(monitors: &[Compiled]) -> Self {
        Self::to_some(monitors, |_| true)
    }

    /// Routes to those monitors alone whose number is wanted; the others sleep.
    pub(super) fn to_some(monitors: &[Compiled], is_wanted: impl Fn(u32) -> bool) -> Self {
        let mut routes = Self::default();
        let (mut declared, mut children) = (OnContracts::default(), OnContracts::default());
        for (at, monitor) in (0u32..).zip(monitors).filter(|(at, _)| is_wanted(*at)) {
            match &monitor.rule {
                Rule::Detector { wants, guarded, children_of, .. } => {
                    routes.wants_transfers |= wants.transfers;
                    if wants.is_of_contracts() {
                        let on = |all: &mut OnContracts, index: &u32| {
                            all.0.entry(*index).or_default().push(at);
                        };
                        guarded.iter().for_each(|index| on(&mut declared, index));
                        children_of.iter().for_each(|index| on(&mut children, index));
                    }
                    routes.every_block.extend(wants.every_block.then_some(at));
                    routes.chain_moves.extend(wants.chain_moves.then_some(at));
                    routes.coverage.extend(wants.coverage.then_some(at));
                }
                Rule::Expression(matchers) => {
                    for (matcher_at, matcher) in matchers.iter().enumerate() {
                        let to = MatcherRef { monitor: at, matcher: matcher_at as u32 };
                        routes.wants_involving |= matches!(matcher.occasion, Occasion::Involving);
                        routes.bucket(matcher).add(to, matcher);
                    }
                }
            }
        }
        let mut shared = FxHashMap::default();
        declared.into_locals(monitors, &mut shared, &mut routes.local);
        children.into_locals(monitors, &mut shared, &mut routes.of_children);
        routes
    }

    fn bucket(&mut self, matcher: &Matcher) -> &mut Bucket {
        let local = match matcher.on {
            On::AnyAddress => None,
            On::Deployment(index) => Some(self.local.entry(index).or_default()),
            On::ChildrenOf(factory) => Some(self.of_children.entry(factory).or_default()),
        };
        match (local, &matcher.occasion) {
            (Some(local), occasion) => match occasion {
                Occasion::Event(event) => match event.topic0 {
                    Some(topic0) => local.events.entry(topic0).or_default(),
                    None => &mut local.anonymous_events,
                },
                Occasion::Call(function) => local.calls.entry(function.selector).or_default(),
                Occasion::Transaction => &mut local.direct_transactions,
                Occasion::Involving => &mut local.involving_transactions,
            },
            (None, Occasion::Event(event)) => {
                // An anonymous event cannot be told apart on an address whose ABI is not known; the
                // zero topic is no event's, so such a monitor is found by nothing.
                self.events_anywhere.entry(event.topic0.unwrap_or_default()).or_default()
            }
            (None, Occasion::Call(function)) => {
                self.calls_anywhere.entry(function.selector).or_default()
            }
            // Without a deployment there is nothing to be involved in: such a monitor is refused
            // when it is compiled.
            (None, Occasion::Transaction | Occasion::Involving) => &mut self.transactions,
        }
    }
}
