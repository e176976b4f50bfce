//! Interfaces as a compiler writes them, no two alike.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::index};
use serde_json::{Value, json};

const VERBS: &[&str] = &[
    "deposit",
    "withdraw",
    "claim",
    "stake",
    "borrow",
    "repay",
    "settle",
    "harvest",
    "rebalance",
    "set",
    "queue",
    "cancel",
    "migrate",
    "accrue",
    "quote",
    "preview",
];

const NOUNS: &[&str] = &[
    "Assets",
    "Shares",
    "Collateral",
    "Reward",
    "Position",
    "Fee",
    "Limit",
    "Oracle",
    "Epoch",
    "Reserve",
    "Market",
    "Keeper",
    "Treasury",
    "Route",
    "Order",
    "Vault",
];

const TYPES: &[&str] = &[
    "uint256",
    "address",
    "uint256",
    "bool",
    "bytes32",
    "uint128",
    "bytes",
    "address[]",
    "int24",
    "string",
    "uint64",
];

/// Functions, events and errors that many contracts share, so that joins over them are not empty.
const STANDARD: &str = include_str!("../../../../contracts/artifacts/MeridianToken.json");

/// What protocols have alike: items that any contract may have.
const SHARED: usize = 2_000;

/// What contracts have in common with others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// Two thirds of the items are of [`SHARED`]; a third of the contracts are tokens besides.
    AsProtocolsAre,
    /// Nothing at all: the worst case.
    Nothing,
}

/// Makes an item with words of its own in its name.
type Make = fn(&mut StdRng, &str) -> Value;

/// The interface of the contract with this number: 12 to 36 functions, 4 to 10 events, 2 to 8
/// errors. No two interfaces are alike.
pub(super) fn abi(number: usize, alike: Alike) -> Value {
    let mut random = StdRng::seed_from_u64(number as u64);
    let mut items = Vec::new();
    if alike == Alike::AsProtocolsAre && number.is_multiple_of(3) {
        let standard: Value = serde_json::from_str(STANDARD).unwrap();
        items.extend(standard["abi"].as_array().unwrap().iter().cloned());
    }
    let kinds = [(function as Make, 12..=36), (event, 4..=10), (error, 2..=8)];
    for (kind, counts) in kinds {
        let count: usize = random.random_range(counts);
        let own = if alike == Alike::Nothing { count } else { count.div_ceil(3) };
        items.extend((0..own).map(|at| kind(&mut random, &format!("{number}x{at}"))));
        for which in index::sample(&mut random, SHARED, count - own) {
            let mut random = StdRng::seed_from_u64(which as u64 | 1 << 40);
            items.push(kind(&mut random, &format!("S{which}")));
        }
    }
    Value::Array(items)
}

fn function(random: &mut StdRng, own: &str) -> Value {
    let mutability = ["view", "nonpayable", "nonpayable", "payable"][random.random_range(0..4)];
    let outputs = params(random, usize::from(mutability == "view"), false);
    let count = random.random_range(0..=4);
    let name = format!("{}{}{own}", pick(random, VERBS), pick(random, NOUNS));
    let inputs = params(random, count, false);
    json!({
        "type": "function", "name": name, "stateMutability": mutability,
        "inputs": inputs, "outputs": outputs,
    })
}

fn event(random: &mut StdRng, own: &str) -> Value {
    let count = random.random_range(1..=5);
    let name = format!("{}Moved{own}", pick(random, NOUNS));
    json!({ "type": "event", "name": name, "anonymous": false, "inputs": params(random, count, true) })
}

fn error(random: &mut StdRng, own: &str) -> Value {
    let count = random.random_range(0..=2);
    let name = format!("Bad{}{own}", pick(random, NOUNS));
    json!({ "type": "error", "name": name, "inputs": params(random, count, false) })
}

fn pick<'t>(random: &mut StdRng, of: &[&'t str]) -> &'t str {
    of[random.random_range(0..of.len())]
}

fn params(random: &mut StdRng, count: usize, is_event: bool) -> Value {
    let param = |at: usize, random: &mut StdRng| {
        let kind = pick(random, TYPES);
        let mut param = json!({
            "name": format!("{}{at}", pick(random, NOUNS).to_lowercase()),
            "type": kind, "internalType": kind,
        });
        // A struct now and then, as routers and markets take them.
        if !is_event && random.random_ratio(1, 24) {
            param["type"] = "tuple".into();
            param["internalType"] = "struct Order".into();
            param["components"] = json!([
                { "name": "maker", "type": "address", "internalType": "address" },
                { "name": "amount", "type": "uint256", "internalType": "uint256" },
            ]);
        }
        if is_event {
            param["indexed"] = (at < 2).into();
        }
        param
    };
    Value::Array((0..count).map(|at| param(at, random)).collect())
}
