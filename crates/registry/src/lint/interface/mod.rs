//! Whether interfaces fit together, over everything that is given at once.
//!
//! A compiler sees one contract. What breaks a protocol is between contracts: four bytes that mean
//! one function here and another there, an event whose topics hold other arguments, one name for
//! two things. All rules are hash joins over [`Infrastructure`], linear in what they read.

mod agreement; // one signature, one meaning
mod identity; //  interface ids and reserved selectors
pub mod input; // the forms interfaces come in
mod names; //     one name for one thing, one thing under one name
mod selector; //  four bytes, one function
mod topic; //     one topic, one event

use std::hash::Hash;

use alloy_primitives::{B256, hex, keccak256};
use rustc_hash::FxHashMap;

use super::{LeftOut, Place, Report, Rule};
use crate::{ContractAbi, abi};

/// One argument, return value or field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Param {
    /// Name in the source; empty when there is none.
    pub name: String,
    /// Canonical type.
    pub ty: String,
    /// Whether an event keeps it in a topic.
    pub indexed: bool,
}

/// Whether a function may write state and take ether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutability {
    /// Reads not even state.
    Pure,
    /// Reads state.
    View,
    /// Writes state.
    NonPayable,
    /// Writes state and takes ether.
    Payable,
}

impl Mutability {
    /// Solidity's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::View => "view",
            Self::NonPayable => "nonpayable",
            Self::Payable => "payable",
        }
    }

    /// Whether calling it changes nothing.
    pub fn is_reading(self) -> bool {
        matches!(self, Self::Pure | Self::View)
    }
}

/// A function that a contract answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name alone.
    pub name: String,
    /// Canonical signature.
    pub signature: String,
    /// First four bytes of its hash.
    pub selector: [u8; 4],
    /// Arguments.
    pub inputs: Vec<Param>,
    /// Return values; `None` where the input does not say.
    pub outputs: Option<Vec<Param>>,
    /// `None` where the input does not say.
    pub mutability: Option<Mutability>,
    /// Line in its file.
    pub line: Option<u32>,
}

/// An event that a contract can emit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Name alone.
    pub name: String,
    /// Canonical signature.
    pub signature: String,
    /// Hash of the signature; `None` for an anonymous event.
    pub topic0: Option<B256>,
    /// Arguments.
    pub params: Vec<Param>,
    /// Whether the input says which arguments are indexed.
    pub is_split_known: bool,
    /// Line in its file.
    pub line: Option<u32>,
}

/// A custom error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomError {
    /// Canonical signature.
    pub signature: String,
    /// First four bytes of its hash.
    pub selector: [u8; 4],
    /// Line in its file.
    pub line: Option<u32>,
}

/// All that one contract can be asked and can say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface {
    /// The contract's name, or the user's label for it.
    pub name: String,
    /// File it was read from.
    pub file: String,
    /// Whether `name` is the name of a contract and not merely of a list of signatures.
    pub is_contract: bool,
    /// Functions.
    pub functions: Vec<Function>,
    /// Events.
    pub events: Vec<Event>,
    /// Custom errors.
    pub errors: Vec<CustomError>,
    /// Selectors that its bytecode answers to and that nothing here names. One that is equal to a
    /// named one elsewhere is taken for that function and is no collision.
    pub unnamed: Vec<[u8; 4]>,
}

/// What stands before other contracts and lets calls through to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JointKind {
    /// Answers what it knows itself and delegates the rest to one implementation.
    Proxy,
    /// Delegates each selector to one of its facets (ERC-2535).
    Diamond,
    /// Calls contracts that its caller names.
    Router,
}

/// Several contracts that are reached through one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joint {
    /// How.
    pub kind: JointKind,
    /// Name of the address: the proxy's label, the router's.
    pub name: String,
    /// The contract at the address itself, as index into the surfaces.
    pub front: usize,
    /// The contracts behind it.
    pub behind: Vec<usize>,
}

/// Everything that is judged together.
#[derive(Debug, Clone, Default)]
pub struct Infrastructure {
    /// Contracts, interfaces and lists of signatures.
    pub surfaces: Vec<Surface>,
    /// Which of them are reached through one address.
    pub joints: Vec<Joint>,
    /// What could not be read.
    pub left_out: Vec<LeftOut>,
}

pub(super) static RULES: &[&[&Rule]] =
    &[selector::RULES, topic::RULES, agreement::RULES, names::RULES, identity::RULES];

/// Judges all interfaces together.
pub fn check(all: &Infrastructure) -> Report {
    let mut report = Report { judged: all.surfaces.len(), ..Report::default() };
    report.left_out.clone_from(&all.left_out);
    let functions = functions_by_selector(all);
    selector::check(all, &functions, &mut report.diagnostics);
    topic::check(all, &mut report.diagnostics);
    agreement::check(all, &functions, &mut report.diagnostics);
    names::check(all, &mut report.diagnostics);
    identity::check(all, &functions, &mut report.diagnostics);
    report.sort();
    report
}

/// An item together with the contract it belongs to.
#[derive(Debug)]
struct Of<'a, T> {
    item: &'a T,
    surface: usize,
}

impl<T> Clone for Of<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Of<'_, T> {}

/// Groups items by a key; groups and their members keep the order in which they were met, so that
/// the same input always gives the same report.
fn joined<K: Hash + Eq + Copy, V>(items: impl IntoIterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut at: FxHashMap<K, usize> = FxHashMap::default();
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, item) in items {
        let group = *at.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(item);
    }
    groups
}

type BySelector<'a> = Vec<([u8; 4], Vec<Of<'a, Function>>)>;

fn functions_by_selector(all: &Infrastructure) -> BySelector<'_> {
    joined(all.surfaces.iter().enumerate().flat_map(|(surface, of)| {
        of.functions.iter().map(move |item| (item.selector, Of { item, surface }))
    }))
}

impl Infrastructure {
    fn place(&self, surface: usize, item: &str, line: Option<u32>) -> Place {
        let of = &self.surfaces[surface];
        Place { line, ..Place::contract(&of.file, &of.name).item(item) }
    }

    fn function_place(&self, of: Of<'_, Function>) -> Place {
        let selector = Some(hex::encode_prefixed(of.item.selector));
        Place { selector, ..self.place(of.surface, &of.item.signature, of.item.line) }
    }

    fn event_place(&self, of: Of<'_, Event>) -> Place {
        let selector = of.item.topic0.map(|topic| topic.to_string());
        Place { selector, ..self.place(of.surface, &of.item.to_string(), of.item.line) }
    }
}

fn selector_of(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn signature_of(name: &str, params: &[Param]) -> String {
    let types: Vec<&str> = params.iter().map(|param| param.ty.as_str()).collect();
    format!("{name}({})", types.join(","))
}

impl Function {
    /// A function by its name and arguments.
    pub fn new(name: impl Into<String>, inputs: Vec<Param>) -> Self {
        let name = name.into();
        let signature = signature_of(&name, &inputs);
        let selector = selector_of(&signature);
        Self { name, signature, selector, inputs, outputs: None, mutability: None, line: None }
    }
}

impl Event {
    /// An event by its name and arguments.
    pub fn new(name: impl Into<String>, params: Vec<Param>, is_anonymous: bool) -> Self {
        let name = name.into();
        let signature = signature_of(&name, &params);
        let topic0 = (!is_anonymous).then(|| keccak256(&signature));
        Self { name, signature, topic0, params, is_split_known: true, line: None }
    }
}

impl std::fmt::Display for Event {
    /// As in the source: `Redeemed(address indexed holder, uint256 amount)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(", self.name)?;
        for (at, param) in self.params.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let indexed = if param.indexed { " indexed" } else { "" };
            let space = if param.name.is_empty() { "" } else { " " };
            write!(f, "{comma}{}{indexed}{space}{}", param.ty, param.name)?;
        }
        f.write_str(if self.topic0.is_none() { ") anonymous" } else { ")" })
    }
}

impl CustomError {
    /// A custom error by its name and arguments.
    pub fn new(name: &str, params: &[Param]) -> Self {
        let signature = signature_of(name, params);
        Self { selector: selector_of(&signature), signature, line: None }
    }
}

impl Surface {
    /// A contract whose ABI the registry already holds.
    pub fn from_abi(name: &str, file: &str, abi: &ContractAbi) -> Self {
        let params = |params: &[abi::Param]| -> Vec<Param> {
            let param = |p: &abi::Param| Param {
                name: p.name.clone(),
                ty: p.type_name(),
                indexed: p.indexed,
            };
            params.iter().map(param).collect()
        };
        let functions = abi.functions().map(|function| {
            use alloy_json_abi::StateMutability as Json;
            let mutability = match function.mutability {
                Json::Pure => Mutability::Pure,
                Json::View => Mutability::View,
                Json::NonPayable => Mutability::NonPayable,
                Json::Payable => Mutability::Payable,
            };
            Function {
                outputs: Some(params(&function.outputs)),
                mutability: Some(mutability),
                ..Function::new(&function.name, params(&function.inputs))
            }
        });
        let events = abi
            .events()
            .map(|event| Event::new(&event.name, params(&event.params), event.topic0.is_none()));
        let errors =
            abi.errors().map(|error| CustomError::new(&error.name, &params(&error.params)));
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            is_contract: true,
            functions: functions.collect(),
            events: events.collect(),
            errors: errors.collect(),
            unnamed: Vec::new(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
            && self.events.is_empty()
            && self.errors.is_empty()
            && self.unnamed.is_empty()
    }
}
