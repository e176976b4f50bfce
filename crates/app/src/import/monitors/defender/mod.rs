//! Defender: `serverless.yml` of its configuration as code, and the JSON of its API.
//!
//! Both hold the same monitors under other names. A monitor there is addresses with an ABI, any of
//! some events or functions, and a condition on the transaction; conditions may compute and negate.

mod api; //       JSON of the API
mod notify; //    notification channels
mod serverless; // configuration as code

use std::sync::Arc;

use model::{Name, Severity};
use registry::ContractAbi;
use serde_json::Value;

pub use serverless::take as take_serverless;
pub use api::take as take_api;

use super::{
    draft::{Draft, variable},
    rule::{Abi, Calls, Status, TransactionCondition},
};
use crate::init::chain_name;

/// Its names of chains.
const CHAINS: &[(&str, u64)] = &[
    ("mainnet", 1),
    ("sepolia", 11_155_111),
    ("holesky", 17_000),
    ("hoodi", 560_048),
    ("matic", 137),
    ("polygon", 137),
    ("amoy", 80_002),
    ("matic-zkevm", 1_101),
    ("optimism", 10),
    ("optimism-sepolia", 11_155_420),
    ("arbitrum", 42_161),
    ("arbitrum-nova", 42_170),
    ("arbitrum-sepolia", 421_614),
    ("base", 8_453),
    ("base-sepolia", 84_532),
    ("bsc", 56),
    ("bsctest", 97),
    ("xdai", 100),
    ("avalanche", 43_114),
    ("fuji", 43_113),
    ("fantom", 250),
    ("celo", 42_220),
    ("aurora", 1_313_161_554),
    ("moonbeam", 1_284),
    ("moonriver", 1_285),
    ("zksync", 324),
    ("zksync-sepolia", 300),
    ("linea", 59_144),
    ("linea-sepolia", 59_141),
    ("scroll", 534_352),
    ("scroll-sepolia", 534_351),
    ("mantle", 5_000),
];

/// Our network for its name of a chain.
fn network(name: &str, what: &str, draft: &mut Draft) -> Option<Name> {
    let known = CHAINS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, chain_id)) = known else {
        let why = format!("the chain behind its network {name:?} is not known");
        draft.report.leave(what, why);
        return None;
    };
    let ours = draft.network(&chain_name(*chain_id), *chain_id);
    let wanted = variable(&["rpc", ours.as_str()]);
    if let Some(new) = draft.new_network(&ours)
        && new.endpoints.is_empty()
    {
        new.endpoints.push(wanted.clone());
        draft.report.ask(format!("set {wanted} to an RPC URL of {ours}: Defender asked its own nodes"));
    }
    Some(ours)
}

/// Which calls count: it saw those inside transactions on Ethereum's main network alone.
fn calls(network: &str) -> Calls {
    if network.eq_ignore_ascii_case("mainnet") { Calls::AtAnyDepth } else { Calls::Outermost }
}

fn severity(word: Option<&str>) -> Severity {
    match word.map(str::to_ascii_uppercase).as_deref() {
        Some("HIGH") => Severity::High,
        Some("LOW") => Severity::Low,
        _ => Severity::Medium,
    }
}

/// An ABI as JSON text or as a value.
fn abi(value: Option<&Value>, what: &str, draft: &mut Draft) -> Option<Arc<Abi>> {
    let json = match value? {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) && !items.is_empty() => {
            let texts = items.iter().filter_map(Value::as_str);
            let parts: Result<Vec<Value>, _> = texts.map(serde_json::from_str).collect();
            match parts {
                Ok(parts) => Value::Array(parts).to_string(),
                Err(_) => Value::Array(items.clone()).to_string(),
            }
        }
        other => format!("{other:#}"),
    };
    match ContractAbi::from_json(&json) {
        Ok(read) => Some(Arc::new(Abi { json: format!("{}\n", json.trim()), read: Arc::new(read) })),
        Err(why) => {
            draft.report.leave(format!("{what}, abi"), why.to_string());
            None
        }
    }
}

/// A condition on transactions as text. An empty one is none.
fn transaction(text: Option<&str>) -> Vec<TransactionCondition> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let said = |text: &str| TransactionCondition {
        status: Status::Any,
        expression: Some(text.to_owned()),
    };
    text.map(said).into_iter().collect()
}

/// What is the same in both formats and has no counterpart here.
fn tell_rest(what: &str, has_threshold: bool, has_filter: bool, has_action: bool, draft: &mut Draft) {
    if has_threshold {
        draft.report.leave(
            format!("{what}, alert threshold"),
            "there people were told after so many matches within a window; here at the first, and more of the same join the open alert",
        );
    }
    if has_filter {
        draft.report.leave(
            format!("{what}, filter action"),
            "its code is not run: what it lets through and what it drops has to be said in `when`; until then the monitor tells more",
        );
    }
    if has_action {
        draft.report.leave(
            format!("{what}, action"),
            "its code is not run: nothing here acts by itself; a webhook receiver can start it",
        );
    }
}
