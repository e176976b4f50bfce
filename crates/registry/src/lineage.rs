//! What a contract was before: its creator, every code it had, everything it delegated to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256};
use model::BlockRef;
use serde::{Deserialize, Serialize};

/// Entries of each history that are kept: weekly upgrades of five years. Older ones are counted, not
/// kept.
pub const HISTORY_MAX: usize = 256;

/// Functions of one diamond that are kept; the largest in use have some hundred. Further ones are
/// counted as [`FacetDiff::refused`].
pub const FACET_FUNCTIONS_MAX: usize = 4096;

/// How a contract came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// Account or contract that created it.
    pub creator: Address,
    /// Sender of the transaction.
    pub sender: Address,
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: BlockRef,
}

/// Since when something held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since<T> {
    /// What held.
    pub what: T,
    /// Block from which on.
    pub block: BlockRef,
}

/// What a proxy delegates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Delegate {
    /// The implementation itself.
    Implementation(Address),
    /// A beacon that tells the implementation.
    Beacon(Address),
}

/// A history of bounded length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<T> {
    kept: VecDeque<Since<T>>,
    dropped: u64,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), dropped: 0 }
    }
}

impl<T: Copy + PartialEq> History<T> {
    /// What holds now.
    pub fn now(&self) -> Option<T> {
        self.kept.back().map(|since| since.what)
    }

    /// All that is kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Since<T>> + ExactSizeIterator {
        self.kept.iter()
    }

    /// How many older entries were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether this would be something new.
    pub fn is_news(&self, what: T) -> bool {
        self.now() != Some(what)
    }

    /// Notes what holds from a block on; what held before, if that is something else.
    pub fn note(&mut self, what: T, block: BlockRef) -> Option<T> {
        let before = self.now();
        if before == Some(what) {
            return None;
        }
        if self.kept.len() == HISTORY_MAX {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(Since { what, block });
        before
    }
}

/// Which facet answers each function of a diamond.
pub type Functions = BTreeMap<[u8; 4], Address>;

/// What a contract was before and is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// How it came to be, when that was seen.
    pub birth: Option<Birth>,
    /// keccak256 of its code; `None` for no code.
    pub code: History<Option<B256>>,
    /// What it delegates to.
    pub delegates: History<Delegate>,
    /// Which facet answers each function, when it is a diamond.
    pub facets: Functions,
}

/// How the functions of a diamond changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacetDiff {
    /// Functions that were not there, with their facet.
    pub added: Vec<([u8; 4], Address)>,
    /// Functions that another facet answers now: selector, facet before if known, facet now.
    pub replaced: Vec<([u8; 4], Option<Address>, Address)>,
    /// Functions that are gone, with the facet that answered them if known.
    pub removed: Vec<([u8; 4], Option<Address>)>,
    /// Functions beyond [`FACET_FUNCTIONS_MAX`].
    pub refused: usize,
}

impl FacetDiff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.replaced.is_empty()
            && self.removed.is_empty()
            && self.refused == 0
    }

    /// How the functions of a diamond before differ from those after.
    pub fn between(before: &Functions, after: &Functions) -> Self {
        let mut diff = Self::default();
        for (selector, was) in before {
            match after.get(selector) {
                None => diff.removed.push((*selector, Some(*was))),
                Some(is) if is != was => diff.replaced.push((*selector, Some(*was), *is)),
                Some(_) => {}
            }
        }
        let added = after.iter().filter(|(selector, _)| !before.contains_key(*selector));
        diff.added.extend(added.map(|(selector, facet)| (*selector, *facet)));
        diff
    }

    /// Facets that answer something now that they did not answer before.
    pub fn new_facets(&self) -> BTreeSet<Address> {
        let added = self.added.iter().map(|(_, facet)| *facet);
        added.chain(self.replaced.iter().map(|(_, _, facet)| *facet)).collect()
    }
}

/// One entry of `DiamondCut`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCut {
    /// Facet; zero when functions are removed.
    pub facet: Address,
    /// 0 adds, 1 replaces, 2 removes.
    pub action: u8,
    /// Functions.
    pub selectors: Vec<[u8; 4]>,
}

impl FacetCut {
    fn removes(&self) -> bool {
        self.action == 2 || self.facet.is_zero()
    }

    /// Does to a diamond's functions what the cut says; the number of those beyond
    /// [`FACET_FUNCTIONS_MAX`].
    pub fn apply(&self, functions: &mut Functions) -> usize {
        let mut refused = 0;
        for selector in &self.selectors {
            if self.removes() {
                functions.remove(selector);
            } else if functions.len() < FACET_FUNCTIONS_MAX || functions.contains_key(selector) {
                functions.insert(*selector, self.facet);
            } else {
                refused += 1;
            }
        }
        refused
    }

    /// Reads the cuts of a decoded `DiamondCut((address,uint8,bytes4[])[],address,bytes)`, alone or
    /// within its arguments; `None` when the value has another shape.
    pub fn read_all(value: &DynSolValue) -> Option<Vec<Self>> {
        let cuts = match value {
            DynSolValue::Tuple(args) => return args.first().and_then(Self::read_all),
            DynSolValue::Array(cuts) => cuts,
            _ => return None,
        };
        cuts.iter().map(Self::read).collect()
    }

    fn read(value: &DynSolValue) -> Option<Self> {
        let [DynSolValue::Address(facet), DynSolValue::Uint(action, _), DynSolValue::Array(all)] =
            value.as_tuple()?
        else {
            return None;
        };
        let selector = |value: &DynSolValue| match value {
            DynSolValue::FixedBytes(word, 4) => word.first_chunk::<4>().copied(),
            _ => None,
        };
        let selectors = all.iter().map(selector).collect::<Option<_>>()?;
        Some(Self { facet: *facet, action: u8::try_from(*action).ok()?, selectors })
    }
}

impl Lineage {
    /// How these cuts would change the diamond.
    pub fn diff(&self, cuts: &[FacetCut]) -> FacetDiff {
        let mut now = self.facets.clone();
        let refused = cuts.iter().map(|cut| cut.apply(&mut now)).sum();
        let mut diff = FacetDiff { refused, ..FacetDiff::default() };
        let touched: BTreeSet<[u8; 4]> = cuts.iter().flat_map(|c| c.selectors.clone()).collect();
        for selector in touched {
            let last = cuts.iter().rev().find(|cut| cut.selectors.contains(&selector));
            let is_replacement = last.is_some_and(|cut| cut.action == 1);
            match (self.facets.get(&selector).copied(), now.get(&selector).copied()) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => diff.replaced.push((selector, Some(old), new)),
                // A diamond that was watched only since it stood has functions that are not known.
                (None, Some(new)) if is_replacement => diff.replaced.push((selector, None, new)),
                (None, Some(new)) => diff.added.push((selector, new)),
                (old, None) if last.is_some_and(FacetCut::removes) => {
                    diff.removed.push((selector, old));
                }
                (_, None) => {}
            }
        }
        diff
    }

    /// Takes a diff in.
    pub fn cut(&mut self, diff: &FacetDiff) {
        for (selector, facet) in &diff.added {
            self.facets.insert(*selector, *facet);
        }
        for (selector, _, facet) in &diff.replaced {
            self.facets.insert(*selector, *facet);
        }
        for (selector, _) in &diff.removed {
            self.facets.remove(selector);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventAbi;
    use model::Log;
    use proptest::prelude::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::with_last_byte(number as u8) }
    }

    fn cut(facet: u8, action: u8, selectors: &[u8]) -> FacetCut {
        let facet = Address::repeat_byte(facet);
        FacetCut { facet, action, selectors: selectors.iter().map(|b| [*b; 4]).collect() }
    }

    #[test]
    fn a_history_keeps_the_newest_and_counts_the_rest() {
        let mut history = History::default();
        for number in 0..HISTORY_MAX as u64 + 3 {
            assert_eq!(history.note(number, block(number)), number.checked_sub(1));
            assert_eq!(history.note(number, block(number + 1)), None, "the same is no news");
        }
        assert_eq!((history.iter().len(), history.dropped()), (HISTORY_MAX, 3));
        assert_eq!(history.iter().next().unwrap().what, 3);
    }

    #[test]
    fn facets_that_come_move_and_go_are_told_apart() {
        let mut lineage = Lineage::default();
        let first = lineage.diff(&[cut(1, 0, &[1, 2, 3])]);
        assert_eq!(first.added.len(), 3);
        lineage.cut(&first);
        let diff = lineage.diff(&[cut(2, 1, &[1, 9]), cut(0, 2, &[2, 8]), cut(3, 0, &[4])]);
        let (one, two, three) =
            (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
        assert_eq!(diff.added, [([4; 4], three)]);
        assert_eq!(diff.replaced, [([1; 4], Some(one), two), ([9; 4], None, two)]);
        assert_eq!(diff.removed, [([2; 4], Some(one)), ([8; 4], None)]);
        assert_eq!(diff.new_facets(), [two, three].into());
        lineage.cut(&diff);
        let facets: Vec<u8> = lineage.facets.keys().map(|selector| selector[0]).collect();
        assert_eq!(facets, [1, 3, 4, 9]);
        assert!(lineage.diff(&[cut(3, 1, &[4])]).is_empty(), "the same facet again");
    }

    #[test]
    fn two_lists_of_functions_differ_in_what_came_moved_and_went() {
        let a = Address::repeat_byte;
        let before: Functions = [([1; 4], a(1)), ([2; 4], a(1)), ([3; 4], a(2))].into();
        let after: Functions = [([1; 4], a(1)), ([2; 4], a(3)), ([4; 4], a(3))].into();
        let diff = FacetDiff::between(&before, &after);
        assert_eq!(diff.added, [([4; 4], a(3))]);
        assert_eq!(diff.replaced, [([2; 4], Some(a(1)), a(3))]);
        assert_eq!(diff.removed, [([3; 4], Some(a(2)))]);
        assert!(FacetDiff::between(&before, &before).is_empty());
    }

    #[test]
    fn the_cuts_of_the_standard_event_are_read() {
        let text = "DiamondCut((address,uint8,bytes4[])[] cuts, address init, bytes data)";
        let event = EventAbi::parse(text).unwrap();
        let cuts = DynSolValue::Array(vec![DynSolValue::Tuple(vec![
            DynSolValue::Address(Address::repeat_byte(1)),
            DynSolValue::Uint(alloy_primitives::U256::ZERO, 8),
            DynSolValue::Array(vec![DynSolValue::FixedBytes(
                B256::right_padding_from(&[0xaa; 4]),
                4,
            )]),
        ])]);
        let args = DynSolValue::Tuple(vec![
            cuts,
            DynSolValue::Address(Address::ZERO),
            DynSolValue::Bytes(Vec::new()),
        ]);
        let log = Log {
            index: 0,
            address: Address::ZERO,
            topics: vec![event.topic0.unwrap()],
            data: args.abi_encode_params().into(),
        };
        let decoded = event.decode(&log).unwrap();
        let read = FacetCut::read_all(&decoded.args[0]).unwrap();
        assert_eq!(read, [cut(1, 0, &[0xaa])]);
        assert_eq!(FacetCut::read_all(&DynSolValue::Bool(true)), None);
    }

    proptest! {
        #[test]
        fn a_diff_taken_in_leaves_what_the_cuts_say(
            cuts in prop::collection::vec((1u8..4, 0u8..3, prop::collection::vec(0u8..6, 0..4)), 0..8),
        ) {
            let mut lineage = Lineage::default();
            let mut model = BTreeMap::new();
            for (facet, action, selectors) in cuts {
                let cut = cut(facet, action, &selectors);
                for selector in &cut.selectors {
                    if action == 2 { model.remove(selector); } else { model.insert(*selector, cut.facet); }
                }
                let diff = lineage.diff(std::slice::from_ref(&cut));
                lineage.cut(&diff);
                prop_assert_eq!(&lineage.facets, &model);
            }
        }
    }
}
