//! What many interfaces have alike, held once.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use rustc_hash::FxHashSet;

use super::{ContractAbi, ErrorAbi, EventAbi, FunctionAbi};

/// Functions, events and errors that were seen. Thousands of contracts of one protocol are mostly
/// the same few hundred items; a registry of them would not fit into memory otherwise.
#[derive(Debug, Default)]
pub struct Interner {
    functions: FxHashSet<Arc<FunctionAbi>>,
    events: FxHashSet<Arc<EventAbi>>,
    errors: FxHashSet<Arc<ErrorAbi>>,
}

impl Interner {
    /// The same interface, with every item that is equal to one seen before replaced by that one.
    pub fn intern(&mut self, mut abi: ContractAbi) -> ContractAbi {
        abi.functions.iter_mut().for_each(|item| share(&mut self.functions, item));
        abi.events.iter_mut().for_each(|item| share(&mut self.events, item));
        abi.errors.iter_mut().for_each(|item| share(&mut self.errors, item));
        abi
    }
}

fn share<T: Eq + Hash>(seen: &mut FxHashSet<Arc<T>>, item: &mut Arc<T>) {
    match seen.get(item) {
        Some(known) => *item = known.clone(),
        None => drop(seen.insert(item.clone())),
    }
}

// Equal items have equal signatures; the names of their arguments may still differ.
macro_rules! hashed_by_signature {
    ($($item:ident),+) => { $(
        impl Hash for $item {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.signature.hash(state);
            }
        }
    )+ };
}

hashed_by_signature!(FunctionAbi, EventAbi, ErrorAbi);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_items_that_are_wholly_equal_are_held_once() {
        let mut interner = Interner::default();
        let mut read = |items: &[&str]| {
            let abi = ContractAbi::from_solidity(items.iter().copied()).unwrap();
            interner.intern(abi)
        };
        let one = read(&["function pause()", "event Paused(address by)", "error Bad(uint256 why)"]);
        let same =
            read(&["function pause()", "event Paused(address by)", "error Bad(uint256 why)"]);
        let other = read(&[
            "function pause() view",
            "event Paused(address indexed by)",
            "error Bad(uint256 reason)",
        ]);
        let shared = |abi: &ContractAbi| {
            [
                Arc::ptr_eq(&one.functions[0], &abi.functions[0]),
                Arc::ptr_eq(&one.events[0], &abi.events[0]),
                Arc::ptr_eq(&one.errors[0], &abi.errors[0]),
            ]
        };
        assert_eq!(shared(&same), [true; 3]);
        assert_eq!(shared(&other), [false; 3], "another mutability, topic, name");
    }
}
