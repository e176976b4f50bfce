//! How OpenZeppelin Monitor matches, written down as a pure function, to compare our answers with.
//!
//! - A transaction is looked at when its sender, its target or the address of one of its logs is
//!   listed. An event counts when its log's address is listed with an ABI, a function when the
//!   transaction itself calls a listed address with an ABI; calls inside transactions do not.
//! - No conditions: every such transaction. Conditions on transactions alone: any of them. None on
//!   transactions: any event or function. Both: (any event or function) and any of those.
//! - Receipts are fetched only when a status other than `Any` is asked for and **no** transaction of
//!   the block emitted a log, or when an expression names `gas_used`. Otherwise every transaction of
//!   the block counts as successful (its issue 498).
//! - A condition whose evaluation fails (unknown variable, unsupported kind, a literal of the wrong
//!   kind) does not match, and only a log line says so.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, I256, U256};
use model::{BlockBundle, Name, Transaction, TxStatus};
use registry::Param;

use crate::import::monitors::{
    assemble::normal,
    expression::{Base, Dialect, Expr, Kind, Literal, Operator, Path, Step, is_kind_known, parse},
    rule::{Condition, Place, Rule, Status},
};

/// What a rule says there about one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether it matches.
    pub(crate) is_match: bool,
    /// Why parts of it did not, where their evaluator failed.
    pub(crate) failures: Vec<String>,
}

/// How the status of a transaction is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipts {
    /// As theirs: fetched or assumed.
    AsThere,
    /// Always fetched, as a right evaluator would.
    Always,
}

/// The verdicts of a rule about every transaction of a block.
pub(crate) fn judge(
    rule: &Rule,
    network: &Name,
    block: &BlockBundle,
    receipts: Receipts,
) -> Vec<Verdict> {
    let places: Vec<&Place> = rule.places.iter().filter(|p| p.network == *network).collect();
    let has_logs = block.transactions.iter().any(|tx| !tx.logs.is_empty());
    let is_fetched = receipts == Receipts::Always || fetches_receipts(rule, has_logs);
    block.transactions.iter().map(|tx| transaction(rule, &places, tx, is_fetched)).collect()
}

fn fetches_receipts(rule: &Rule, has_logs: bool) -> bool {
    let asks_status = rule.transactions.iter().any(|of| of.status != Status::Any);
    let names_gas = rule
        .transactions
        .iter()
        .any(|of| of.expression.as_ref().is_some_and(|text| text.contains("gas_used")));
    asks_status && !has_logs || names_gas
}

fn transaction(rule: &Rule, places: &[&Place], tx: &Transaction, is_fetched: bool) -> Verdict {
    let place_of = |address: &Address| places.iter().find(|place| place.address == *address);
    let mut verdict = Verdict::default();
    let is_involved = place_of(&tx.from).is_some()
        || tx.to.as_ref().is_some_and(|to| place_of(to).is_some())
        || tx.logs.iter().any(|log| place_of(&log.address).is_some());
    if !is_involved {
        return verdict;
    }
    let failures = &mut verdict.failures;
    let mut is_matched = false;
    for log in &tx.logs {
        let Some(abi) = place_of(&log.address).and_then(|place| place.abi.as_ref()) else {
            continue;
        };
        let Some(topic0) = log.topic0() else { continue };
        let Some(event) = abi.read.event_by_topic(topic0, log.topics.len() - 1) else { continue };
        let Ok(decoded) = event.decode(log) else { continue };
        let subject = (event.signature.as_str(), &event.params[..], &decoded.args[..]);
        is_matched |= any(&rule.events, subject, failures);
    }
    if let Some(abi) = tx.to.as_ref().and_then(place_of).and_then(|place| place.abi.as_ref())
        && let Some(function) = tx.selector().and_then(|s| abi.read.function_by_selector(s))
        && let Ok(decoded) = function.decode(&tx.input)
    {
        let subject = (function.signature.as_str(), &function.inputs[..], &decoded.args[..]);
        is_matched |= any(&rule.functions, subject, failures);
    }
    let is_success = !is_fetched || tx.status != TxStatus::Failed;
    let mut is_transaction = false;
    for of in &rule.transactions {
        let is_status = match of.status {
            Status::Any => true,
            Status::Success => is_success,
            Status::Failure => !is_success,
        };
        is_transaction |= is_status
            && of.expression.as_ref().is_none_or(|source| {
                let value = |path: &Path| field(path, tx, is_fetched);
                told(source, evaluate(source, &value), failures)
            });
    }
    let asks_parts = !rule.events.is_empty() || !rule.functions.is_empty();
    verdict.is_match = match (asks_parts, rule.transactions.is_empty()) {
        (false, true) => true,
        (false, false) => is_transaction,
        (true, true) => is_matched,
        (true, false) => is_matched && is_transaction,
    };
    verdict
}

fn any(
    conditions: &[Condition],
    (signature, params, args): (&str, &[Param], &[DynSolValue]),
    failures: &mut Vec<String>,
) -> bool {
    let mut is_any = false;
    for condition in conditions.iter().filter(|c| normal(&c.signature) == normal(signature)) {
        is_any |= condition.expression.as_ref().is_none_or(|source| {
            let value = |path: &Path| parameter(path, params, args);
            told(source, evaluate(source, &value), failures)
        });
    }
    is_any
}

fn told(source: &str, result: Result<bool, String>, failures: &mut Vec<String>) -> bool {
    result.unwrap_or_else(|why| {
        let failure = format!("{source:?} failed there: {why}");
        if !failures.contains(&failure) {
            failures.push(failure);
        }
        false
    })
}

/// A value as their evaluator sees it.
enum Seen {
    Unsigned(U256),
    Signed(I256),
    Address(Address),
    /// Strings, bytes and hashes, all compared as text without case.
    Text(String),
    Bool(bool),
    List(Vec<Seen>),
    /// A kind that it does not support, or does not compare.
    Unsupported(String),
}

fn evaluate(source: &str, value: &dyn Fn(&Path) -> Result<Seen, String>) -> Result<bool, String> {
    let expr = parse(source, Dialect::OpenZeppelin).map_err(|mistake| mistake.message)?;
    holds(&expr, value)
}

fn holds(expr: &Expr, value: &dyn Fn(&Path) -> Result<Seen, String>) -> Result<bool, String> {
    match &expr.kind {
        Kind::Or(parts) => {
            for part in parts {
                if holds(part, value)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Kind::And(parts) => {
            for part in parts {
                if !holds(part, value)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Kind::Compare(left, operator, right) => match (&left.kind, &right.kind) {
            (Kind::Path(path), Kind::Literal(literal)) => {
                compare(&value(path)?, *operator, literal)
            }
            _ => Err("only a variable can be compared, and only with a value".to_owned()),
        },
        _ => Err("this has no place in its grammar".to_owned()),
    }
}

fn compare(seen: &Seen, operator: Operator, literal: &Literal) -> Result<bool, String> {
    let unsupported = |kind: &str| Err(format!("{} is no operator of {kind}", operator.as_str()));
    match seen {
        Seen::Unsigned(left) => {
            let right = number::<U256>(literal)?;
            ordered(left, operator, &right).map_or_else(|| unsupported("a number"), Ok)
        }
        Seen::Signed(left) => {
            let right = number::<I256>(literal)?;
            ordered(left, operator, &right).map_or_else(|| unsupported("a number"), Ok)
        }
        Seen::Address(left) => {
            let text = string(literal)?.to_lowercase();
            let is_same = left.to_string().to_lowercase().trim_start_matches("0x")
                == text.trim_start_matches("0x");
            equal(is_same, operator).map_or_else(|| unsupported("an address"), Ok)
        }
        Seen::Text(left) => {
            let (left, right) = (left.to_lowercase(), string(literal)?.to_lowercase());
            Ok(match operator {
                Operator::Contains => left.contains(&right),
                Operator::StartsWith => left.starts_with(&right),
                Operator::EndsWith => left.ends_with(&right),
                _ => return equal(left == right, operator).map_or_else(|| unsupported("text"), Ok),
            })
        }
        Seen::Bool(left) => match literal {
            Literal::Bool(right) => {
                equal(left == right, operator).map_or_else(|| unsupported("true or false"), Ok)
            }
            _ => Err(format!("{} is neither true nor false", literal.text())),
        },
        Seen::List(items) if operator == Operator::Contains => {
            for item in items {
                if compare(item, Operator::Equal, literal)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Seen::List(_) => unsupported("an array"),
        Seen::Unsupported(kind) => Err(format!("the kind {kind} is not supported")),
    }
}

fn ordered<T: Ord>(left: &T, operator: Operator, right: &T) -> Option<bool> {
    Some(match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => return None,
    })
}

fn equal(is_same: bool, operator: Operator) -> Option<bool> {
    match operator {
        Operator::Equal => Some(is_same),
        Operator::NotEqual => Some(!is_same),
        _ => None,
    }
}

/// A literal as a whole number.
fn number<T: std::str::FromStr>(literal: &Literal) -> Result<T, String> {
    let text = literal.text();
    let plain = text.strip_prefix('+').unwrap_or(text);
    let is_whole = !matches!(literal, Literal::Bool(_)) && !plain.contains(['.', '_']);
    let parsed = is_whole.then(|| plain.parse().ok()).flatten();
    parsed.ok_or_else(|| format!("{text:?} is no number of that kind"))
}

/// A literal as text.
fn string(literal: &Literal) -> Result<&str, String> {
    match literal {
        Literal::Quoted(text) | Literal::Bare(text) | Literal::Hex(text) => Ok(text),
        Literal::Number(_) | Literal::Bool(_) => {
            Err(format!("{} is no text; it needs quotes", literal.text()))
        }
    }
}

fn parameter(path: &Path, params: &[Param], args: &[DynSolValue]) -> Result<Seen, String> {
    let unknown = || format!("there is no variable {path}");
    let Base::Name(name) = &path.base else { return Err(unknown()) };
    let at = params.iter().position(|param| param.name == *name).ok_or_else(unknown)?;
    let (param, mut value) = (&params[at], args.get(at).ok_or_else(unknown)?);
    if !is_kind_known(&param.ty) {
        return Ok(Seen::Unsupported(param.type_name()));
    }
    let mut parts = param.components.as_slice();
    for step in &path.steps {
        let inner = value.as_array().or_else(|| value.as_fixed_seq()).ok_or_else(unknown)?;
        let at = match step {
            Step::Index(at) => Some(*at),
            Step::Field(field) => {
                let named = parts.iter().position(|part| part.name == *field);
                named.or_else(|| field.parse().ok())
            }
        };
        if let (Step::Field(_), Some(at)) = (step, at) {
            parts = parts.get(at).map_or(&[], |part| part.components.as_slice());
        }
        value = at.and_then(|at| inner.get(at)).ok_or_else(unknown)?;
    }
    Ok(seen(value))
}

fn seen(value: &DynSolValue) -> Seen {
    let hex = |bytes: &[u8]| Seen::Text(format!("0x{}", hex::encode(bytes)));
    match value {
        DynSolValue::Bool(value) => Seen::Bool(*value),
        DynSolValue::Int(value, _) => Seen::Signed(*value),
        DynSolValue::Uint(value, _) => Seen::Unsigned(*value),
        DynSolValue::Address(address) => Seen::Address(*address),
        DynSolValue::String(text) => Seen::Text(text.clone()),
        DynSolValue::Bytes(bytes) => hex(bytes),
        DynSolValue::FixedBytes(word, length) => hex(word.get(..*length).unwrap_or(&word[..])),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            Seen::List(items.iter().map(seen).collect())
        }
        other => Seen::Unsupported(other.sol_type_name().unwrap_or_default().into_owned()),
    }
}

fn field(path: &Path, tx: &Transaction, is_fetched: bool) -> Result<Seen, String> {
    let unknown = || Err(format!("there is no variable {path}"));
    let Base::Name(name) = &path.base else { return unknown() };
    if !path.steps.is_empty() {
        return unknown();
    }
    let number = |value: u64| Ok(Seen::Unsigned(U256::from(value)));
    match name.as_str() {
        "value" => Ok(Seen::Unsigned(tx.value)),
        "from" => Ok(Seen::Address(tx.from)),
        "to" => tx.to.map(Seen::Address).ok_or_else(|| "a creation has no `to`".to_owned()),
        "hash" => Ok(Seen::Text(tx.hash.to_string())),
        "gas_price" => Ok(Seen::Unsigned(tx.effective_gas_price)),
        "gas_limit" => number(tx.gas_limit),
        "nonce" => number(tx.nonce),
        "input" => Ok(Seen::Text(tx.input.to_string())),
        "gas_used" if is_fetched => number(tx.gas_used),
        "transaction_index" => number(tx.index.into()),
        _ => unknown(),
    }
}
