//! Storage that transactions changed, in the shape of Geth's `prestateTracer` in `diffMode`.
//!
//! `pre` holds the words that were there before and changed, `post` those that are there now; a slot
//! that is missing on one side held zero there.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use model::{Bytes, StorageWrite};
use serde::Deserialize;

use super::{Part, nesting::is_nested_at_most};
use crate::Refusal;

/// Entries, each with a result, two sides, accounts, and their storage.
const LEVELS_MAX: usize = 8;

#[derive(Deserialize)]
struct Entry {
    result: Option<Sides>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Sides {
    #[serde(default)]
    pre: BTreeMap<Address, Account>,
    #[serde(default)]
    post: BTreeMap<Address, Account>,
}

#[derive(Default, Deserialize)]
struct Account {
    #[serde(default)]
    storage: BTreeMap<B256, B256>,
}

/// The differences of a whole block, in block order, kept to a few contracts: of each the answer to
/// [`model::ReadRequest::Writes`].
pub(crate) fn read(body: &[u8], of: &[Address]) -> Result<Vec<Bytes>, Refusal> {
    super::check_body(Part::Traces, body)?;
    let malformed = |reason: String| Refusal::Malformed { part: Part::Traces, reason };
    if !is_nested_at_most(body, LEVELS_MAX) {
        return Err(malformed(format!("nested more than {LEVELS_MAX} levels deep")));
    }
    let entries: Vec<Entry> =
        sonic_rs::from_slice(body).map_err(|error| super::malformed(Part::Traces, &error))?;
    let mut writes: Vec<Vec<StorageWrite>> = vec![Vec::new(); of.len()];
    for (tx, entry) in (0u32..).zip(entries) {
        let Some(sides) = entry.result.filter(|_| entry.error.is_none()) else {
            return Err(malformed(format!("transaction {tx} has no differences")));
        };
        for (contract, writes) in of.iter().zip(&mut writes) {
            let nothing = BTreeMap::new();
            let storage = |side: &'_ BTreeMap<Address, Account>| {
                side.get(contract).map(|account| account.storage.clone())
            };
            let (pre, post) = (storage(&sides.pre), storage(&sides.post));
            let (pre, post) = (pre.as_ref().unwrap_or(&nothing), post.as_ref().unwrap_or(&nothing));
            let mut slots: Vec<B256> = pre.keys().chain(post.keys()).copied().collect();
            slots.sort_unstable();
            slots.dedup();
            for slot in slots {
                let word =
                    |side: &BTreeMap<B256, B256>| side.get(&slot).copied().unwrap_or_default();
                let (before, after) = (word(pre), word(post));
                if before != after {
                    writes.push(StorageWrite { tx, slot, before, after });
                }
            }
        }
    }
    Ok(writes.iter().map(|writes| StorageWrite::encode_all(writes)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(n: u8) -> B256 {
        B256::with_last_byte(n)
    }

    #[test]
    fn a_slot_that_is_missing_on_one_side_held_zero_there() {
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let body = format!(
            r#"[{{"txHash":"0x00","result":{{"pre":{{"{one}":{{"balance":"0x1","nonce":3,"storage":{{"{a}":"{x}","{b}":"{x}"}}}},"{other}":{{"balance":"0x0"}}}},
                "post":{{"{one}":{{"storage":{{"{a}":"{y}","{c}":"{y}"}}}}}}}}}},{{"result":{{"pre":{{}},"post":{{}}}}}}]"#,
            a = word(1),
            b = word(2),
            c = word(3),
            x = word(7),
            y = word(8),
        );
        let answers = read(body.as_bytes(), &[one, other]).unwrap();
        let write = |slot, before, after| StorageWrite { tx: 0, slot, before, after };
        let zero = B256::ZERO;
        let expected = [
            write(word(1), word(7), word(8)),
            write(word(2), word(7), zero),
            write(word(3), zero, word(8)),
        ];
        assert_eq!(StorageWrite::decode_all(&answers[0]), Some(expected.to_vec()));
        assert_eq!(StorageWrite::decode_all(&answers[1]), Some(Vec::new()));
    }

    #[test]
    fn a_transaction_that_could_not_be_traced_is_no_empty_answer() {
        for body in [r#"[{"error":"timeout"}]"#, "[{}]", "null", "[[[[[[[[[[[]]]]]]]]]]]"] {
            assert!(read(body.as_bytes(), &[Address::ZERO]).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_is_fatal(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body, &[Address::ZERO]);
        }
    }
}
