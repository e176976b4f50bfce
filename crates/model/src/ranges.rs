//! Sets of block heights, kept as the ranges they are made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::BlockNumber;

/// Blocks without a gap between them; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockRange {
    /// Lowest.
    pub first: BlockNumber,
    /// Highest, itself included.
    pub last: BlockNumber,
}

impl BlockRange {
    /// `first..=last`; `None` when `last` is before `first`.
    pub fn new(first: BlockNumber, last: BlockNumber) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// One block.
    pub fn one(number: BlockNumber) -> Self {
        Self { first: number, last: number }
    }

    /// How many blocks; more than a `u64` holds counts as its maximum.
    pub fn blocks(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// Whether this height is in it.
    pub fn contains(self, number: BlockNumber) -> bool {
        self.first <= number && number <= self.last
    }

    /// What both have.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

impl fmt::Display for BlockRange {
    /// `7` or `7–19`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}–{}", self.first, self.last),
        }
    }
}

/// A set of heights.
///
/// Invariant: the ranges ascend, and between two of them at least one height is missing. So equal
/// sets are equal values, and a set of a million contiguous blocks is one range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockRanges(Vec<BlockRange>);

impl BlockRanges {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = BlockRange> + ExactSizeIterator {
        self.0.iter().copied()
    }

    /// Whether there is no height in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many heights.
    pub fn blocks(&self) -> u64 {
        self.iter().fold(0, |sum: u64, range| sum.saturating_add(range.blocks()))
    }

    /// From the lowest height to the highest.
    pub fn span(&self) -> Option<BlockRange> {
        BlockRange::new(self.0.first()?.first, self.0.last()?.last)
    }

    /// Whether this height is in it.
    pub fn contains(&self, number: BlockNumber) -> bool {
        let above = self.0.partition_point(|range| range.last < number);
        self.0.get(above).is_some_and(|range| range.contains(number))
    }

    /// Adds a range. Cheap at the upper end, where a chain grows.
    pub fn insert(&mut self, new: BlockRange) {
        // Ranges that touch the new one, by overlap or by standing next to it.
        let from = self.0.partition_point(|range| range.last.saturating_add(1) < new.first);
        let to = self.0.partition_point(|range| range.first <= new.last.saturating_add(1));
        let mut joined = new;
        if let Some(touched) = self.0.get(from..to).filter(|touched| !touched.is_empty()) {
            joined.first = joined.first.min(touched[0].first);
            joined.last = joined.last.max(touched[touched.len() - 1].last);
        }
        self.0.splice(from..to.max(from), [joined]);
    }

    /// Takes a range away.
    pub fn remove(&mut self, gone: BlockRange) {
        let from = self.0.partition_point(|range| range.last < gone.first);
        let to = self.0.partition_point(|range| range.first <= gone.last);
        if from >= to {
            return;
        }
        let below =
            gone.first.checked_sub(1).and_then(|last| BlockRange::new(self.0[from].first, last));
        let above =
            gone.last.checked_add(1).and_then(|first| BlockRange::new(first, self.0[to - 1].last));
        self.0.splice(from..to, below.into_iter().chain(above));
    }

    /// What both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let mut both = Vec::new();
        while let (Some(x), Some(y)) = (a.first(), b.first()) {
            both.extend(x.intersection(*y));
            if x.last <= y.last {
                a = &a[1..];
            } else {
                b = &b[1..];
            }
        }
        Self(both)
    }

    /// What this one has and the other has not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = self.clone();
        other.iter().for_each(|range| left.remove(range));
        left
    }

    /// What either has.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.extend(other.iter());
        all
    }
}

impl Extend<BlockRange> for BlockRanges {
    fn extend<I: IntoIterator<Item = BlockRange>>(&mut self, ranges: I) {
        ranges.into_iter().for_each(|range| self.insert(range));
    }
}

impl FromIterator<BlockRange> for BlockRanges {
    fn from_iter<I: IntoIterator<Item = BlockRange>>(ranges: I) -> Self {
        let mut set = Self::new();
        set.extend(ranges);
        set
    }
}

impl From<BlockRange> for BlockRanges {
    fn from(range: BlockRange) -> Self {
        Self(vec![range])
    }
}

impl fmt::Display for BlockRanges {
    /// `7, 9–19`; `none` for the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (at, range) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn heights(set: &BlockRanges) -> BTreeSet<u64> {
        set.iter().flat_map(|range| range.first..=range.last).collect()
    }

    fn is_normal(set: &BlockRanges) -> bool {
        set.0.iter().all(|range| range.first <= range.last)
            && set.0.windows(2).all(|pair| pair[0].last + 1 < pair[1].first)
    }

    fn range() -> impl Strategy<Value = BlockRange> {
        (0_u64..40, 0_u64..6).prop_map(|(first, more)| BlockRange { first, last: first + more })
    }

    proptest! {
        #[test]
        fn a_set_of_ranges_is_the_set_of_its_heights(
            ops in prop::collection::vec((any::<bool>(), range()), 0..24),
            other in prop::collection::vec(range(), 0..8),
        ) {
            let (mut set, mut model) = (BlockRanges::new(), BTreeSet::new());
            for (is_insert, range) in ops {
                if is_insert {
                    set.insert(range);
                    model.extend(range.first..=range.last);
                } else {
                    set.remove(range);
                    model.retain(|number| !range.contains(*number));
                }
                prop_assert!(is_normal(&set), "{set:?}");
                prop_assert_eq!(&heights(&set), &model);
                prop_assert_eq!(set.blocks(), model.len() as u64);
            }
            let other: BlockRanges = other.into_iter().collect();
            let of = heights(&other);
            for (made, expected) in [
                (set.intersection(&other), model.intersection(&of).copied().collect()),
                (set.difference(&other), model.difference(&of).copied().collect()),
                (set.union(&other), model.union(&of).copied().collect::<BTreeSet<u64>>()),
            ] {
                prop_assert!(is_normal(&made), "{made:?}");
                prop_assert_eq!(heights(&made), expected);
            }
            for number in 0..48 {
                prop_assert_eq!(set.contains(number), model.contains(&number));
            }
        }
    }

    #[test]
    fn the_ends_of_all_heights_do_not_overflow() {
        let all = BlockRange { first: 0, last: u64::MAX };
        let mut set = BlockRanges::from(all);
        assert_eq!(set.blocks(), u64::MAX, "one less than there are: a count must fit its type");
        set.insert(all);
        set.remove(BlockRange::one(0));
        set.remove(BlockRange::one(u64::MAX));
        assert_eq!(set.to_string(), format!("1–{}", u64::MAX - 1));
        set.insert(all);
        set.remove(all);
        assert_eq!(set.to_string(), "none");
    }
}
