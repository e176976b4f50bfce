//! ABI-encoded answers of contracts that may lie about every length in them.
//!
//! A decoder of whole types allocates what an answer claims; here each word is looked at only when
//! it is asked for, each length is held against a bound of the caller and against the answer.

use alloy_primitives::{Address, U256};

/// A sequence of 32-byte words inside an answer.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    /// The words of a whole answer.
    pub fn new(answer: &'a [u8]) -> Self {
        Self(answer)
    }

    /// The word at a position.
    pub fn word(&self, at: usize) -> Option<&'a [u8; 32]> {
        let start = at.checked_mul(32)?;
        self.0.get(start..start.checked_add(32)?)?.try_into().ok()
    }

    /// The word as a clean address; the zero address counts.
    pub fn address(&self, at: usize) -> Option<Address> {
        let (high, low) = self.word(at)?.split_at(12);
        high.iter().all(|byte| *byte == 0).then(|| Address::from_slice(low))
    }

    /// The word as a number of elements, no more than `max` and no more than there are words.
    pub fn count(&self, at: usize, max: usize) -> Option<usize> {
        let count = self.number(at)?;
        (count <= max && count <= self.0.len() / 32).then_some(count)
    }

    /// What the offset at a position points at, counted from the beginning of this sequence.
    pub fn tail(&self, at: usize) -> Option<Self> {
        let offset = self.number(at)?;
        self.0.get(offset..).map(Self)
    }

    /// The words from a position on.
    pub fn after(&self, at: usize) -> Option<Self> {
        self.0.get(at.checked_mul(32)?..).map(Self)
    }

    /// The list of addresses that the offset at a position points at.
    pub fn addresses(&self, at: usize, max: usize) -> Option<Vec<Address>> {
        let list = self.tail(at)?;
        let count = list.count(0, max)?;
        (0..count).map(|at| list.address(1 + at)).collect()
    }

    /// The text that the offset at a position points at, at most `bytes_max` long.
    pub fn text(&self, at: usize, bytes_max: usize) -> Option<String> {
        let text = self.tail(at)?;
        let length = text.number(0)?;
        let bytes = text.0.get(32..)?.get(..length).filter(|bytes| bytes.len() <= bytes_max)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn number(&self, at: usize) -> Option<usize> {
        usize::try_from(U256::from_be_bytes(*self.word(at)?)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_dyn_abi::DynSolValue;
    use proptest::prelude::*;

    #[test]
    fn lists_and_texts_are_read_within_bounds() {
        let list = [Address::repeat_byte(1), Address::repeat_byte(2)];
        let value = DynSolValue::Tuple(vec![
            DynSolValue::Array(list.iter().map(|a| DynSolValue::Address(*a)).collect()),
            DynSolValue::String("ETH / USD".into()),
        ]);
        let answer = value.abi_encode_params();
        let words = Words::new(&answer);
        assert_eq!(words.addresses(0, 2).unwrap(), list);
        assert_eq!(words.addresses(0, 1), None, "more than the caller reads");
        assert_eq!(words.text(1, 32).as_deref(), Some("ETH / USD"));
        assert_eq!(words.text(1, 4), None);
        assert_eq!(words.address(9), None);
    }

    proptest! {
        #[test]
        fn no_answer_panics(answer in prop::collection::vec(any::<u8>(), 0..256), at in any::<usize>()) {
            let words = Words::new(&answer);
            words.addresses(at, 16);
            words.text(at, 16);
            words.after(at).and_then(|w| w.tail(0));
        }
    }
}
