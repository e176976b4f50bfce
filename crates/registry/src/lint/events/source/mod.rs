//! From the compiler's syntax tree: each function that others can call is walked through its
//! modifiers, the functions it calls in its own contract, its bases and libraries, noting what it
//! writes, what it emits and where the emitted values come from.
//!
//! Both sides of a branch are walked and loops once: "reaches" means on some path. Other contracts
//! are not walked into; what they write is not this contract's state, except through delegatecall,
//! which is given up with a reason.

mod expression; // values, calls, assignments
mod statement; //  blocks, branches, modifiers
mod tree; //       declarations by id

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::{
    Answer, Basis, Function, Verdict,
    score::{Emit, Facts, Origins, Payment, answers},
    shape::is_about_money,
    unseen,
};
use crate::lint::{Place, interface::Param};

pub(super) use tree::{Tree, Unit};
use tree::{children, id_of, kind, param_of, reference, text_at, type_of};

/// Most nodes that are walked for one function, its calls included; real functions stay below ten
/// thousand.
const STEPS_MAX: usize = 300_000;

/// Deepest nesting of statements, expressions and calls; keeps the walk on a small stack.
const DEPTH_MAX: usize = 200;

/// One function's walk.
struct Walk<'t, 'a> {
    tree: &'t Tree<'a>,
    /// The contract and its bases, most derived first.
    linear: &'t [i64],
    /// Most derived implementation of each function and modifier, by name and argument types.
    overrides: &'t FxHashMap<String, &'a Value>,
    /// Where the values of arguments and local variables come from, by declaration.
    values: FxHashMap<i64, Origins>,
    /// Functions that are being walked, so that recursion ends.
    open: Vec<&'a Value>,
    /// What runs where a modifier has its `_`: a function and the modifier after this one.
    inner: Vec<(&'a Value, usize)>,
    /// Where the values come from that the functions being walked return.
    returned: Vec<Origins>,
    /// What is written, in order: variable or field, and where the value comes from.
    writes: Vec<(i64, Origins)>,
    emits: Vec<Emit>,
    payments: Vec<Payment>,
    /// Whether a library that pays is being walked: its payment is known already.
    is_paying: bool,
    steps: usize,
    depth: usize,
    lost: Option<String>,
}

/// Judges all contracts of a compilation that can be deployed.
pub(super) fn judge(tree: &Tree<'_>) -> Vec<Function> {
    tree.contracts().filter(|of| is_deployable(of)).flat_map(|of| contract(tree, of)).collect()
}

fn is_deployable(contract: &Value) -> bool {
    text_at(contract, "contractKind") == "contract"
        && contract.get("abstract") != Some(&Value::Bool(true))
        // Compilers before 0.6 know no `abstract` and say only this.
        && contract.get("fullyImplemented") != Some(&Value::Bool(false))
}

/// Name and argument types: what an override must share.
fn key(function: &Value) -> String {
    let types = children(function.get("parameters").unwrap_or(&Value::Null), "parameters");
    let types: Vec<String> = types.map(|param| param_of(param).ty).collect();
    let name = match text_at(function, "kind") {
        "receive" => "receive",
        "fallback" => "fallback",
        _ => text_at(function, "name"),
    };
    format!("{name}({})", types.join(","))
}

fn contract(tree: &Tree<'_>, contract: &Value) -> Vec<Function> {
    let linear: Vec<i64> = contract
        .get("linearizedBaseContracts")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_i64).collect())
        .unwrap_or_default();
    let mut overrides: FxHashMap<String, &Value> = FxHashMap::default();
    let mut open: Vec<&Value> = Vec::new();
    let mut is_base_missing = false;
    for id in &linear {
        let Some(base) = tree.get(*id) else {
            is_base_missing = true;
            continue;
        };
        for node in children(base, "nodes") {
            let is_modifier = kind(node) == "ModifierDefinition";
            if !is_modifier && kind(node) != "FunctionDefinition" {
                continue;
            }
            let key =
                if is_modifier { format!("modifier {}", text_at(node, "name")) } else { key(node) };
            if overrides.contains_key(&key) || !has_body(node) {
                continue;
            }
            let is_open = matches!(text_at(node, "visibility"), "external" | "public")
                && matches!(text_at(node, "kind"), "function" | "receive" | "fallback")
                && matches!(text_at(node, "stateMutability"), "nonpayable" | "payable");
            if is_open {
                open.push(node);
            }
            overrides.insert(key, node);
        }
    }
    let walked = open.into_iter().map(|function| {
        let mut walk = Walk {
            tree,
            linear: &linear,
            overrides: &overrides,
            values: FxHashMap::default(),
            open: Vec::new(),
            inner: Vec::new(),
            returned: Vec::new(),
            writes: Vec::new(),
            emits: Vec::new(),
            payments: Vec::new(),
            is_paying: false,
            steps: 0,
            depth: 0,
            lost: is_base_missing.then(|| "a base contract is in none of the files".to_owned()),
        };
        let inputs: Vec<Origins> =
            tree::params(function).enumerate().map(|(at, _)| Origins::input(at)).collect();
        walk.function(function, &inputs);
        (function, walk)
    });
    let walked: Vec<(&Value, Walk<'_, '_>)> = walked.collect();
    // How many functions reach each event: one that only this function reaches tells it apart.
    let mut reached_by: FxHashMap<String, usize> = FxHashMap::default();
    for (_, walk) in &walked {
        let shown: BTreeSet<&str> = walk.emits.iter().map(|emit| emit.shown.as_str()).collect();
        shown.into_iter().for_each(|event| *reached_by.entry(event.to_owned()).or_default() += 1);
    }
    walked
        .into_iter()
        .filter_map(|(function, walk)| judged(tree, contract, function, walk, &reached_by))
        .collect()
}

fn has_body(node: &Value) -> bool {
    node.get("body").is_some_and(|body| !body.is_null())
}

fn judged(
    tree: &Tree<'_>,
    contract: &Value,
    function: &Value,
    walk: Walk<'_, '_>,
    reached_by: &FxHashMap<String, usize>,
) -> Option<Function> {
    let is_silent = walk.emits.is_empty();
    let verdict = match (walk.writes.is_empty(), is_silent, walk.lost) {
        (false, false, _) => Verdict::Emits,
        (_, _, Some(why)) => Verdict::Unknown(why),
        (false, true, None) => Verdict::Silent,
        // It writes nothing of this contract's.
        (true, _, None) => return None,
    };
    let inputs: Vec<Param> = tree::params(function).map(param_of).collect();
    let mut events: Vec<String> = walk.emits.iter().map(|emit| emit.shown.clone()).collect();
    let has_own_event = events.iter().any(|event| reached_by.get(event) == Some(&1));
    events.sort_unstable();
    events.dedup();
    let mut payments = walk.payments;
    if text_at(function, "stateMutability") == "payable" {
        let this = Origins { this: true, ..Origins::default() };
        payments.push(Payment { token: None, recipient: Some(this) });
    }
    let is_balance =
        |id: &i64| tree.get(*id).is_some_and(|of| type_of(of) == "mapping(address => uint256)");
    if payments.is_empty()
        && is_about_money(text_at(function, "name"))
        && walk.writes.iter().any(|(id, _)| is_balance(id))
    {
        payments.push(Payment { token: Some(Origins::default()), recipient: None });
    }
    let answers: [Answer; 7] = if is_silent {
        unseen()
    } else {
        answers(&Facts {
            emits: walk.emits,
            inputs: inputs.clone(),
            payments,
            writes: walk.writes,
            has_own_event,
            has_origins: true,
        })
    };
    let mut place = tree.place(contract, function);
    place.item = Some(key(function));
    let selector = function.get("functionSelector").and_then(Value::as_str);
    let selector = selector.and_then(|hex| alloy_primitives::hex::decode(hex).ok());
    let selector = selector.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    Some(Function { place, selector, basis: Basis::Source, verdict, events, answers })
}

impl<'a> Walk<'_, 'a> {
    /// Gives up on something, keeping the first reason.
    fn lose(&mut self, why: &str) {
        self.lost.get_or_insert_with(|| why.to_owned());
    }

    /// Whether the walk may go on one level deeper.
    fn may_enter(&mut self) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.depth >= DEPTH_MAX {
            self.lose("the function is too large to follow");
            return false;
        }
        true
    }

    fn write(&mut self, variable: i64, from: Origins) {
        self.writes.push((variable, from));
    }

    /// Takes writes out of a modifier that stand before and after its `_` and not inside: a lock
    /// that is taken and given back leaves no new state.
    fn forget_guard(&mut self, start: usize, inner: usize, after: usize) {
        let ids = |range: &[(i64, Origins)]| -> FxHashSet<i64> {
            range.iter().map(|(id, _)| *id).collect()
        };
        let (before, inside) = (ids(&self.writes[start..inner]), ids(&self.writes[inner..after]));
        let later = ids(&self.writes[after..]);
        let is_guard =
            |id: i64| before.contains(&id) && later.contains(&id) && !inside.contains(&id);
        let mut at = 0;
        self.writes.retain(|(id, _)| {
            at += 1;
            at <= start || !is_guard(*id)
        });
    }

    /// The most derived implementation of a function or modifier that is called by its plain name.
    fn most_derived(&self, declared: &'a Value) -> &'a Value {
        let in_this_contract = declared
            .get("scope")
            .and_then(Value::as_i64)
            .is_some_and(|scope| self.linear.contains(&scope));
        if !in_this_contract || text_at(declared, "visibility") == "private" {
            return declared;
        }
        let key = match kind(declared) {
            "ModifierDefinition" => format!("modifier {}", text_at(declared, "name")),
            _ => key(declared),
        };
        self.overrides.get(&key).copied().unwrap_or(declared)
    }

    /// What `super.f` means inside the function that is being walked.
    fn above(&self, declared: &'a Value) -> &'a Value {
        let here = self.open.last().and_then(|function| function.get("scope")?.as_i64());
        let at = self.linear.iter().position(|id| Some(*id) == here).map_or(0, |at| at + 1);
        let wanted = key(declared);
        let bases = self.linear[at..].iter().filter_map(|id| self.tree.get(*id));
        let mut functions = bases.flat_map(|base| children(base, "nodes"));
        functions
            .find(|node| {
                kind(node) == "FunctionDefinition" && has_body(node) && key(node) == wanted
            })
            .unwrap_or(declared)
    }

    fn declared(&self, node: &Value) -> Option<&'a Value> {
        self.tree.get(reference(node)?)
    }
}
