//! The busiest of many, in bounded room (Metwally, Agrawal and El Abbadi, *Efficient Computation of
//! Frequent and Top-k Elements in Data Streams*, 2005).

use model::Address;
use serde::{Deserialize, Serialize};

/// Accounts that are counted one by one. Beyond so many different ones within a window, a count is
/// too high by at most what it took over, which is kept beside it.
pub const COUNTED_MAX: usize = 256;

/// Counts per account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceSaving(Vec<Counted>);

/// One account's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Account.
    pub address: Address,
    /// Its count, never too low.
    pub count: u64,
    /// By how much the count may be too high.
    pub excess: u64,
}

impl Counted {
    /// Occurrences that are certain.
    pub fn at_least(&self) -> u64 {
        self.count - self.excess
    }
}

impl SpaceSaving {
    /// Counts an occurrence.
    pub fn add(&mut self, address: Address) {
        if let Some(known) = self.0.iter_mut().find(|known| known.address == address) {
            known.count += 1;
        } else if self.0.len() < COUNTED_MAX {
            self.0.push(Counted { address, count: 1, excess: 0 });
        } else if let Some(least) = self.0.iter_mut().min_by_key(|known| known.count) {
            *least = Counted { address, count: least.count + 1, excess: least.count };
        }
    }

    /// The count of an account, if it is among the busiest.
    pub fn of(&self, address: Address) -> Option<Counted> {
        self.0.iter().find(|known| known.address == address).copied()
    }

    /// All that are counted, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Counted> {
        self.0.iter()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A count is never too low, never too high by more than it says, and whoever has more than
        /// an equal share is there.
        #[test]
        fn counts_are_within_their_bounds(stream in prop::collection::vec(0u16..600, 0..3_000)) {
            let address = |number: u16| Address::left_padding_from(&number.to_be_bytes());
            let mut sketch = SpaceSaving::default();
            let mut exact: HashMap<u16, u64> = HashMap::new();
            for &number in &stream {
                sketch.add(address(number));
                *exact.entry(number).or_default() += 1;
            }
            prop_assert!(sketch.iter().count() <= COUNTED_MAX);
            for (&number, &count) in &exact {
                match sketch.of(address(number)) {
                    Some(found) => {
                        prop_assert!(found.count >= count && found.at_least() <= count);
                    }
                    None => prop_assert!(count <= stream.len() as u64 / COUNTED_MAX as u64),
                }
            }
        }
    }
}
