//! Values as the text of a message.

use alloy_dyn_abi::DynSolValue;
use model::{FactValue, TokenAmount};

use super::{Labels, Say, Unit};
use crate::expression::{
    evaluate::Answer,
    number::{Exact, narrow_256},
    program::{Code, Text},
    types::Type,
    value::Value,
};

/// How a value is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// As its type is usually shown.
    Plain,
    /// An address by its label alone.
    Label,
    /// An amount of a token or of ether.
    Amount(Unit),
    /// An address by its checksummed digits alone.
    Address,
    /// A whole number or bytes in hexadecimal digits.
    Hex,
    /// A number with grouped thousands.
    Number,
    /// A number times hundred.
    Percent,
    /// Seconds as hours and minutes.
    Duration,
    /// Something long by its beginning and end.
    Short,
}

/// A value as the message shows it.
pub(super) fn shown(
    answer: Answer<'_>,
    code: &Code,
    ty: &Type,
    filter: &Filter,
    labels: Labels<'_>,
) -> String {
    match answer {
        Answer::Bool(value) => value.to_string(),
        Answer::Number(value) => number(value, filter),
        // Our own words, from the template itself.
        Answer::Text(text) if matches!(code, Code::Text(Text::Constant(_))) => text.into_owned(),
        Answer::Text(text) => string(&text, filter),
        Answer::Bytes(bytes) => octets(bytes, filter),
        Answer::Value(value) => match (value, filter) {
            (Value::None, _) => "none".to_owned(),
            (Value::Address(address), Filter::Address) => address.to_string(),
            (Value::Address(address), Filter::Label) => {
                labels(address).unwrap_or_else(|| address.to_string())
            }
            (Value::Address(address), Filter::Short) => {
                let text = address.to_string();
                format!("{}…{}", &text[..6], &text[38..])
            }
            (Value::Choice(word), _) => match ty.present() {
                Type::Choice(words) => words.get(usize::from(word)).unwrap_or(&"?").to_string(),
                _ => word.to_string(),
            },
            (value, _) => fact(value, labels).to_string(),
        },
    }
}

fn number(value: Exact, filter: &Filter) -> String {
    let (negative, magnitude) = value.truncated();
    let sign = if negative { "-" } else { "" };
    match filter {
        Filter::Amount(unit) => match narrow_256(magnitude) {
            Some(raw) => {
                let symbol = unit.symbol.clone();
                format!("{sign}{}", TokenAmount { raw, decimals: unit.decimals, symbol })
            }
            None => format!("{sign}{magnitude} (10^-{} {})", unit.decimals, unit.symbol),
        },
        Filter::Hex => format!("{sign}{magnitude:#x}"),
        Filter::Number => grouped(&value.to_string()),
        Filter::Percent => match value.multiply(Exact::from(100)) {
            Ok(hundredfold) => format!("{} %", hundredths(&hundredfold.to_string())),
            Err(_) => value.to_string(),
        },
        Filter::Duration => match u64::try_from(magnitude) {
            Ok(seconds) => format!("{sign}{}", FactValue::Seconds(seconds)),
            Err(_) => format!("{sign}{magnitude} s"),
        },
        _ => value.to_string(),
    }
}

/// Decimal digits with grouped thousands: `1,234,567.5`.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, part) = match digits.find('.') {
        Some(point) => digits.split_at(point),
        None => (digits, ""),
    };
    let mut text = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + part
}

/// Decimal digits with at most two behind the point, cut.
fn hundredths(digits: &str) -> &str {
    match digits.find('.') {
        Some(point) => {
            let end = digits.char_indices().nth(point + 3).map_or(digits.len(), |(end, _)| end);
            digits[..end].trim_end_matches('…')
        }
        None => digits,
    }
}

fn string(text: &str, filter: &Filter) -> String {
    const SHORT_CHARACTERS: usize = 24;
    match filter {
        Filter::Short if text.chars().count() > SHORT_CHARACTERS => {
            let beginning: String = text.chars().take(SHORT_CHARACTERS - 1).collect();
            FactValue::Untrusted(beginning + "…").to_string()
        }
        _ => FactValue::Untrusted(text.to_owned()).to_string(),
    }
}

fn octets(bytes: &[u8], filter: &Filter) -> String {
    match (filter, bytes) {
        (Filter::Short, [a, b, .., y, z]) if bytes.len() > 6 => {
            format!("0x{a:02x}{b:02x}…{y:02x}{z:02x}")
        }
        _ => FactValue::Bytes(bytes.to_vec().into()).to_string(),
    }
}

/// A value as evidence shows it.
fn fact(value: Value<'_>, labels: Labels<'_>) -> FactValue {
    match value {
        Value::None => FactValue::Text("none".to_owned()),
        Value::Bool(value) => FactValue::Bool(value),
        Value::Uint(value) => FactValue::Uint(value),
        Value::Int(value) => FactValue::Int(value),
        Value::Address(address) => FactValue::Address { address, label: labels(address) },
        Value::Bytes(bytes) => FactValue::Bytes(bytes.to_vec().into()),
        Value::Text(text) => FactValue::Untrusted(text.to_owned()),
        Value::Choice(word) => FactValue::Uint(alloy_primitives::U256::from(word)),
        Value::List(elements) => FactValue::List(facts(elements, labels)),
    }
}

fn facts(elements: &[DynSolValue], labels: Labels<'_>) -> Vec<FactValue> {
    let mut facts: Vec<FactValue> = elements
        .iter()
        .take(Say::LISTED_MAX)
        .map(|element| fact(Value::from(element), labels))
        .collect();
    if elements.len() > Say::LISTED_MAX {
        facts.push(FactValue::Text(format!("… {} more", elements.len() - Say::LISTED_MAX)));
    }
    facts
}
