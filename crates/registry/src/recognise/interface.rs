//! What a contract answers, from its ABI, its bytecode, or both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_json_abi::StateMutability;
use alloy_primitives::{B256, keccak256};

use super::{Code, standard::DICTIONARY};
use crate::{ContractAbi, EventAbi, FunctionAbi};

/// A function that a contract answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its selector.
    pub selector: [u8; 4],
    /// Its declaration: the contract's own, or that of a well-known function with this selector.
    pub declared: Option<Arc<FunctionAbi>>,
    /// How many arguments it takes; from the code when it is not declared.
    pub inputs: usize,
    /// Whether it only reads.
    pub is_view: bool,
}

impl Function {
    /// Its name, or its selector in hex.
    pub fn name(&self) -> String {
        match &self.declared {
            Some(declared) => declared.name.clone(),
            None => format!("0x{}", alloy_primitives::hex::encode(self.selector)),
        }
    }
}

/// What a contract answers and emits.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    functions: BTreeMap<[u8; 4], Function>,
    events: Vec<Arc<EventAbi>>,
    topics: BTreeSet<B256>,
    /// Names of functions and of events as written, by their lower case: shapes are told by them.
    function_names: BTreeMap<String, String>,
    event_names: BTreeMap<String, String>,
}

impl Interface {
    /// From an ABI: everything in it is declared.
    pub fn of_abi(abi: &ContractAbi) -> Self {
        let mut interface = Self::default();
        interface.add_abi(abi);
        interface
    }

    /// From bytecode: what is dispatched, with the declarations of what is well known.
    pub fn of_code(code: &Code) -> Self {
        let mut interface = Self::default();
        interface.add_code(code);
        interface
    }

    /// Adds an ABI. A declaration of the contract's own goes before a well-known one.
    pub fn add_abi(&mut self, abi: &ContractAbi) {
        for declared in abi.functions() {
            let is_view =
                matches!(declared.mutability, StateMutability::View | StateMutability::Pure);
            let function = Function {
                selector: declared.selector,
                inputs: declared.inputs.len(),
                declared: Some(declared.clone()),
                is_view,
            };
            self.function_names.insert(declared.name.to_lowercase(), declared.name.clone());
            self.functions.insert(declared.selector, function);
        }
        for event in abi.events() {
            self.add_event(event);
        }
    }

    /// Adds what bytecode answers. A declaration that is there stays.
    pub fn add_code(&mut self, code: &Code) {
        for found in code.functions() {
            // A declaration whose arguments the code does not unpack is another function with the
            // same selector.
            let declared = DICTIONARY
                .abi
                .function_by_selector(found.selector)
                .filter(|known| known.inputs.is_empty() == found.inputs.is_empty());
            if let Some(declared) = declared {
                self.function_names.insert(declared.name.to_lowercase(), declared.name.clone());
            }
            self.functions.entry(found.selector).or_insert_with(|| Function {
                selector: found.selector,
                declared: declared.cloned(),
                inputs: declared.map_or(found.inputs.len(), |d| d.inputs.len()),
                is_view: found.is_view,
            });
        }
        for word in code.words() {
            for event in DICTIONARY.events.get(&word).into_iter().flatten() {
                self.add_event(event);
            }
        }
    }

    fn add_event(&mut self, event: &Arc<EventAbi>) {
        self.topics.extend(event.topic0);
        self.event_names.insert(event.name.to_lowercase(), event.name.clone());
        if !self.events.contains(event) {
            self.events.push(event.clone());
        }
    }

    /// Every function, by selector.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = &Function> {
        self.functions.values()
    }

    /// The function with this selector.
    pub fn function(&self, selector: [u8; 4]) -> Option<&Function> {
        self.functions.get(&selector)
    }

    /// Whether it has the function with this canonical signature.
    pub fn answers(&self, signature: &str) -> bool {
        let hash = keccak256(signature);
        self.functions.contains_key(&[hash[0], hash[1], hash[2], hash[3]])
    }

    /// Whether it has an event with this canonical signature.
    pub fn emits(&self, signature: &str) -> bool {
        self.topics.contains(&keccak256(signature))
    }

    /// The function of this name (lower case) as it is written, whatever its arguments.
    pub fn function_named(&self, name: &str) -> Option<&str> {
        self.function_names.get(name).map(String::as_str)
    }

    /// The event of this name (lower case) as it is written, whatever its arguments.
    pub fn event_named(&self, name: &str) -> Option<&str> {
        self.event_names.get(name).map(String::as_str)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.events.is_empty()
    }

    /// How many functions have no declaration.
    pub fn undeclared(&self) -> usize {
        self.functions.values().filter(|f| f.declared.is_none()).count()
    }

    /// The declarations as the JSON of an ABI: of unverified code, the part of it that is known.
    pub fn to_json(&self) -> String {
        let functions = self.functions.values().filter_map(|f| f.declared.as_deref());
        let functions = functions.map(super::json::function);
        let events = self.events.iter().map(|event| super::json::event(event));
        let items: Vec<serde_json::Value> = functions.chain(events).collect();
        let mut text = format!("{:#}", serde_json::Value::Array(items));
        text.push('\n');
        text
    }
}
