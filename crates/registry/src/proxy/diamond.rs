//! Facets of an ERC-2535 diamond.

use std::collections::BTreeMap;

use alloy_primitives::Address;

use crate::recognise::Words;

/// Most facets that are read; the largest diamonds in use have a few dozen.
pub const FACETS_MAX: usize = 256;
/// Most selectors of one facet that are read: more than a contract of 24 KB can dispatch.
const SELECTORS_MAX: usize = 1_024;

/// A contract that answers some of a diamond's selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// Whose code runs.
    pub address: Address,
    /// For which selectors, sorted.
    pub selectors: Vec<[u8; 4]>,
}

/// The answer to `facets()`; `None` when it is not a list of facets, or one beyond all bounds.
/// Facets come sorted by address, those without selectors and repetitions joined away.
pub fn facets(answer: &[u8]) -> Option<Vec<Facet>> {
    let list = Words::new(answer).tail(0)?;
    let count = list.count(0, FACETS_MAX)?;
    let items = list.after(1)?;
    let mut by_address: BTreeMap<Address, Vec<[u8; 4]>> = BTreeMap::new();
    for at in 0..count {
        let facet = items.tail(at)?;
        let address = facet.address(0)?;
        let selectors = facet.tail(1)?;
        let many = selectors.count(0, SELECTORS_MAX)?;
        for at in 0..many {
            let word = selectors.word(1 + at)?;
            let (head, rest) = word.split_at(4);
            if rest.iter().any(|byte| *byte != 0) {
                return None;
            }
            let selector = [head[0], head[1], head[2], head[3]];
            by_address.entry(address).or_default().push(selector);
        }
    }
    let facets = by_address.into_iter().filter(|(address, _)| !address.is_zero());
    Some(
        facets
            .map(|(address, mut selectors)| {
                selectors.sort_unstable();
                selectors.dedup();
                Facet { address, selectors }
            })
            .collect(),
    )
}

/// Who answers each selector. Of a selector that several facets claim, the first in order of address
/// counts.
pub fn by_selector(facets: &[Facet]) -> BTreeMap<[u8; 4], Address> {
    let mut by_selector = BTreeMap::new();
    for facet in facets {
        for selector in &facet.selectors {
            let known = by_selector.entry(*selector).or_insert(facet.address);
            *known = (*known).min(facet.address);
        }
    }
    by_selector
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_dyn_abi::DynSolValue;
    use alloy_primitives::B256;
    use proptest::prelude::*;

    fn facet(byte: u8, selectors: &[u8]) -> Facet {
        let selectors = selectors.iter().map(|s| [*s; 4]).collect();
        Facet { address: Address::repeat_byte(byte), selectors }
    }

    fn encoded(facets: &[Facet]) -> Vec<u8> {
        let one = |facet: &Facet| {
            let selectors = facet.selectors.iter().map(|s| {
                let mut word = B256::ZERO;
                word[..4].copy_from_slice(s);
                DynSolValue::FixedBytes(word, 4)
            });
            let selectors = DynSolValue::Array(selectors.collect());
            DynSolValue::Tuple(vec![DynSolValue::Address(facet.address), selectors])
        };
        let list = DynSolValue::Array(facets.iter().map(one).collect());
        DynSolValue::Tuple(vec![list]).abi_encode_params()
    }

    #[test]
    fn a_loupe_is_read_and_anything_else_is_not() {
        let known = [facet(1, &[1, 2]), facet(2, &[3])];
        assert_eq!(facets(&encoded(&known)).unwrap(), known);
        assert_eq!(facets(&encoded(&[])).unwrap(), []);
        assert_eq!(facets(&[]), None);
        assert_eq!(facets(&[0xff; 320]), None, "an offset beyond the answer");
        let mut huge = encoded(&known);
        huge[32..64].copy_from_slice(&[0x7f; 32]);
        assert_eq!(facets(&huge), None, "more facets than bytes");
    }

    #[test]
    fn a_selector_that_two_facets_claim_is_answered_by_the_first() {
        let of = by_selector(&[facet(2, &[1, 3]), facet(1, &[1, 2])]);
        let a = Address::repeat_byte;
        assert_eq!(of, [([1; 4], a(1)), ([2; 4], a(1)), ([3; 4], a(2))].into());
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_loupe_panic(answer in prop::collection::vec(any::<u8>(), 0..512)) {
            facets(&answer);
        }

        #[test]
        fn small_words_do_not_either(words in prop::collection::vec(0u8..8, 0..64)) {
            let answer: Vec<u8> = words.iter().flat_map(|w| {
                let mut word = [0; 32];
                word[31] = w * 32;
                word
            }).collect();
            facets(&answer);
        }
    }
}
