//! What our contracts name, keep in storage or were made with.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};

use super::Reason;
use crate::{proxy::implementation_from_word, recognise::Recognition};

/// Bytes of an address that are not zero, at least: small numbers lie in the same words.
const ADDRESS_BYTES_MIN: usize = 10;

/// Addresses that a recognised contract names, each with the reason: its getters, the constants of
/// its code, and what its proxy points at.
pub fn named_by(recognition: &Recognition) -> Vec<(Address, Reason)> {
    let getters = recognition.getters.iter();
    let mut named: Vec<(Address, Reason)> =
        getters.map(|getter| (getter.target, Reason::Named(getter.name.clone()))).collect();
    let by_getter: BTreeSet<Address> = named.iter().map(|(of, _)| *of).collect();
    // An immutable that a getter shows as well is named better by it.
    let constants = recognition.constants.iter().filter(|of| !by_getter.contains(*of));
    named.extend(constants.map(|of| (*of, Reason::InCode)));
    if let Some(proxy) = &recognition.proxy {
        named.extend(proxy.kind.targets().into_iter().map(|of| (of, Reason::Delegated)));
    }
    named
}

/// Addresses among words: of storage with their slot, or of a constructor's arguments without one.
pub fn named_in_words(
    words: impl IntoIterator<Item = (Option<B256>, B256)>,
) -> Vec<(Address, Reason)> {
    let mut named = Vec::new();
    for (slot, word) in words {
        let Some(of) = implementation_from_word(word) else { continue };
        if of.iter().filter(|byte| **byte != 0).count() >= ADDRESS_BYTES_MIN {
            named.push((of, slot.map_or(Reason::Constructor, Reason::Stored)));
        }
    }
    named
}
