//! What a contract can say and be asked: its events, functions and errors, with every type resolved
//! and every index built when the configuration loads, so that decoding a block does neither.

mod artefact; // the JSON forms an ABI comes in
mod find; //     from the words of a user's file to one event or function
mod interner; // what many interfaces have alike, held once
mod item; //     events, functions, errors and their parameters
mod written; //  items as a file writes them

use std::sync::Arc;

use alloy_primitives::B256;
use rustc_hash::FxHashMap;

pub use artefact::AbiError;
pub use find::FindError;
pub use interner::Interner;
pub use item::{ErrorAbi, EventAbi, FunctionAbi, Param};

/// The interface of one contract, or of a proxy merged with what stands behind it.
///
/// Where two items answer to the same key (one selector, or one topic with as many indexed
/// arguments), the first one given answers; both stay in the listings.
#[derive(Debug, Clone, Default)]
pub struct ContractAbi {
    functions: Vec<Arc<FunctionAbi>>,
    events: Vec<Arc<EventAbi>>,
    errors: Vec<Arc<ErrorAbi>>,
    by_selector: FxHashMap<[u8; 4], u32>,
    by_topic: FxHashMap<(B256, usize), u32>,
    by_error: FxHashMap<[u8; 4], u32>,
    anonymous: Vec<u32>,
    has_fallback: bool,
    has_receive: bool,
}

impl ContractAbi {
    /// Reads a bare ABI array, a Foundry artefact or a Hardhat artefact.
    ///
    /// # Errors
    /// [`AbiError`] says what the text holds instead, and names every item with a type that does
    /// not exist.
    pub fn from_json(text: &str) -> Result<Self, AbiError> {
        artefact::read(text)
    }

    /// Reads items written as in Solidity: `event Redeemed(address indexed holder, uint256 amount)`,
    /// `function pause()`, `error Paused()`.
    ///
    /// # Errors
    /// [`AbiError::Items`] names every line that is none of the three.
    pub fn from_solidity<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, AbiError> {
        artefact::read_solidity(items)
    }

    /// One interface out of several, as a proxy with its implementation or a diamond with its
    /// facets. Earlier parts answer first; items that are equal appear once.
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut functions, mut events, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let (mut has_fallback, mut has_receive) = (false, false);
        for part in parts {
            // A proxy's fallback is the way to what stands behind it, and that is what counts.
            has_fallback = part.has_fallback;
            has_receive |= part.has_receive;
            functions.extend_from_slice(&part.functions);
            events.extend_from_slice(&part.events);
            errors.extend_from_slice(&part.errors);
        }
        Self { has_fallback, has_receive, ..Self::index(functions, events, errors) }
    }

    /// Whether it does something with calldata that no function is for; of a proxy, whether what
    /// stands behind it does.
    pub fn has_fallback(&self) -> bool {
        self.has_fallback
    }

    /// Whether it takes ether that comes without calldata.
    pub fn has_receive(&self) -> bool {
        self.has_receive
    }

    fn index(
        functions: Vec<Arc<FunctionAbi>>,
        events: Vec<Arc<EventAbi>>,
        errors: Vec<Arc<ErrorAbi>>,
    ) -> Self {
        let mut abi = Self::default();
        for function in functions {
            let is_known = |known: &Arc<FunctionAbi>| known.signature == function.signature;
            if let Some(&at) = abi.by_selector.get(&function.selector)
                && is_known(&abi.functions[at as usize])
            {
                continue;
            }
            abi.by_selector.entry(function.selector).or_insert(abi.functions.len() as u32);
            abi.functions.push(function);
        }
        for event in events {
            if abi.events.contains(&event) {
                continue;
            }
            let at = abi.events.len() as u32;
            match event.topic0 {
                Some(topic0) => {
                    abi.by_topic.entry((topic0, event.indexed_count())).or_insert(at);
                }
                None => abi.anonymous.push(at),
            }
            abi.events.push(event);
        }
        for error in errors {
            let is_known = |known: &Arc<ErrorAbi>| known.signature == error.signature;
            if let Some(&at) = abi.by_error.get(&error.selector)
                && is_known(&abi.errors[at as usize])
            {
                continue;
            }
            abi.by_error.entry(error.selector).or_insert(abi.errors.len() as u32);
            abi.errors.push(error);
        }
        abi
    }

    /// Functions, by name; of a merged interface, part by part.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = &Arc<FunctionAbi>> {
        self.functions.iter()
    }

    /// Events, by name; of a merged interface, part by part.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &Arc<EventAbi>> {
        self.events.iter()
    }

    /// Custom errors, by name; of a merged interface, part by part.
    pub fn errors(&self) -> impl ExactSizeIterator<Item = &Arc<ErrorAbi>> {
        self.errors.iter()
    }

    /// Whether there is nothing to decode with.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.events.is_empty() && self.errors.is_empty()
    }

    /// The function that calldata with this selector is for.
    pub fn function_by_selector(&self, selector: [u8; 4]) -> Option<&Arc<FunctionAbi>> {
        self.by_selector.get(&selector).map(|&at| &self.functions[at as usize])
    }

    /// The event with this signature hash and exactly this many indexed arguments (the number of
    /// topics less one). ERC-20 and ERC-721 `Transfer` differ in nothing else.
    pub fn event_by_topic(&self, topic0: B256, indexed: usize) -> Option<&Arc<EventAbi>> {
        self.by_topic.get(&(topic0, indexed)).map(|&at| &self.events[at as usize])
    }

    /// The custom error with this selector.
    pub fn error_by_selector(&self, selector: [u8; 4]) -> Option<&Arc<ErrorAbi>> {
        self.by_error.get(&selector).map(|&at| &self.errors[at as usize])
    }

    /// Events without a signature topic.
    pub fn anonymous_events(&self) -> impl Iterator<Item = &Arc<EventAbi>> {
        self.anonymous.iter().map(|&at| &self.events[at as usize])
    }

    /// The event a user's file means by `Redeemed`, `Redeemed(address,uint256)` or
    /// `event Redeemed(address indexed holder, uint256 amount)`. Names of arguments are free;
    /// `indexed`, where written at all, must agree.
    ///
    /// # Errors
    /// [`FindError`] when there is none or more than one, with what there is.
    pub fn find_event(&self, text: &str) -> Result<&Arc<EventAbi>, FindError> {
        find::event(&self.events, text)
    }

    /// The function a user's file means by `redeem`, `redeem(uint256)` or
    /// `function redeem(uint256 amount)`.
    ///
    /// # Errors
    /// [`FindError`] when there is none or more than one, with what there is.
    pub fn find_function(&self, text: &str) -> Result<&Arc<FunctionAbi>, FindError> {
        find::function(&self.functions, text)
    }
}

#[cfg(test)]
mod tests;
