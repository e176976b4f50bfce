//! Message templates: `{{ holder | label }} redeemed {{ amount | token }}`.
//!
//! Between `{{` and `}}` stands any expression, and behind `|` at most one filter that says how to
//! show it. Everything is checked when the configuration loads. Rendering cannot fail: a value that
//! has no answer is named as such in the message, because the finding must reach people all the
//! same. Strings from the chain are shown as [`FactValue::Untrusted`] shows them.

use std::{collections::BTreeSet, ops::Range};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::Address;
use model::{FactValue, TokenAmount};

use super::{
    Diagnostic, Scope, Slot, Unit,
    check::{Checker, Typed},
    diagnostic::{sorted, suggestion},
    evaluate::{Answer, Machine, Value, Values},
    literal,
    number::{Exact, narrow_256},
    parser::Parser,
    program::{Code, Text},
    types::Type,
};

/// A message template that has been read, checked and compiled.
#[derive(Debug, Clone)]
pub struct Say {
    source: Box<str>,
    parts: Box<[Part]>,
    references: BTreeSet<Slot>,
}

#[derive(Debug, Clone)]
enum Part {
    Words(Box<str>),
    Hole { code: Code, ty: Type, filter: Filter },
}

/// How a value is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
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

const FILTERS: [&str; 8] =
    ["label", "token", "address", "hex", "number", "percent", "duration", "short"];

/// Finds the label of an address.
pub type Labels<'a> = &'a dyn Fn(Address) -> Option<String>;

impl Say {
    /// Bytes of one template: a long paragraph.
    pub const SOURCE_LEN_MAX: usize = 4 * 1024;

    /// Characters of one message; more would be cut by most receivers anyway.
    pub const MESSAGE_LEN_MAX: usize = 4 * 1024;

    /// Elements of an array that a message shows.
    pub const LISTED_MAX: usize = 16;

    /// Reads, checks and compiles a template.
    ///
    /// # Errors
    /// All mistakes, in the order of the text.
    pub fn compile(text: &str, scope: &Scope) -> Result<Self, Vec<Diagnostic>> {
        if text.len() > Self::SOURCE_LEN_MAX {
            let message = format!(
                "the message has {} bytes; at most {} are allowed",
                text.len(),
                Self::SOURCE_LEN_MAX
            );
            return Err(vec![Diagnostic::new(Self::SOURCE_LEN_MAX..Self::SOURCE_LEN_MAX, message)]);
        }
        let mut diagnostics = Vec::new();
        let mut parts = Vec::new();
        let mut references = BTreeSet::new();
        let mut at = 0;
        while let Some(open) = text[at..].find("{{").map(|open| at + open) {
            push_words(&mut parts, text, at..open, &mut diagnostics);
            let Some(close) = close_of(text, open + 2) else {
                let diagnostic = Diagnostic::new(open..open + 2, "the value does not end");
                diagnostics.push(diagnostic.help("close it with }}"));
                return Err(sorted(diagnostics));
            };
            let hole = compile_hole(text, open + 2..close, scope, &mut diagnostics);
            if let Some((part, read)) = hole {
                parts.push(part);
                references.extend(read);
            }
            at = close + 2;
        }
        push_words(&mut parts, text, at..text.len(), &mut diagnostics);
        if !diagnostics.is_empty() {
            return Err(sorted(diagnostics));
        }
        Ok(Self { source: text.into(), parts: parts.into(), references })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables it reads.
    pub fn references(&self) -> &BTreeSet<Slot> {
        &self.references
    }

    /// The message for these values.
    pub fn render<V: Values + ?Sized>(&self, values: &V, labels: Labels<'_>) -> String {
        let mut message = String::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => message.push_str(words),
                Part::Hole { code, ty, filter } => match Machine::new(values).answer(code) {
                    Ok(answer) => message.push_str(&shown(answer, code, ty, filter, labels)),
                    Err(error) => {
                        message.push_str(&format!("[unknown: {}]", error.explain(&self.source)));
                    }
                },
            }
        }
        cut(message, Self::MESSAGE_LEN_MAX)
    }
}

fn push_words(
    parts: &mut Vec<Part>,
    text: &str,
    range: Range<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let words = &text[range.clone()];
    if let Some(stray) = words.find("}}").map(|stray| range.start + stray) {
        let diagnostic = Diagnostic::new(stray..stray + 2, "`}}` closes nothing");
        diagnostics.push(diagnostic.help(r#"for the characters themselves write {{ "}}" }}"#));
    }
    if !words.is_empty() {
        parts.push(Part::Words(words.into()));
    }
}

/// Where the `}}` stands that ends a value, not counting those in strings.
fn close_of(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = from;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn compile_hole(
    text: &str,
    range: Range<usize>,
    scope: &Scope,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(Part, BTreeSet<Slot>)> {
    if text[range.clone()].trim().is_empty() {
        let diagnostic = Diagnostic::new(range.start - 2..range.end + 2, "there is no value");
        diagnostics.push(diagnostic.help("write {{ name }} or {{ name | filter }}"));
        return None;
    }
    let mut parser = Parser::new(text, range, diagnostics);
    let expr = parser.expression(0);
    let mut filter = None;
    while parser.take_symbol("|") {
        let Some(name) = parser.take_name() else {
            let diagnostic = Diagnostic::new(
                parser.peek_span(),
                format!("expected a filter, found {}", parser.found()),
            );
            parser.report(diagnostic.help(format!("filters: {}", FILTERS.join(", "))));
            return None;
        };
        if filter.is_some() {
            let diagnostic = Diagnostic::new(name.span.clone(), "a value takes one filter");
            parser.report(diagnostic.help("remove the others"));
        } else {
            filter = Some(name);
        }
    }
    parser.expect_end("the value");

    let mut checker = Checker::new(scope, text, diagnostics);
    let typed = checker.value(&expr, None);
    let references = std::mem::take(&mut checker.references);
    let filter = match filter {
        None => Ok(Filter::Plain),
        Some(name) => filter_named(&name.text, scope)
            .map_err(|(message, help)| Diagnostic { span: name.span.clone(), message, help })
            .and_then(|filter| match &typed {
                Some(typed) => fitting(filter, &name.text, typed, name.span.clone()),
                None => Ok(filter),
            }),
    };
    match (typed, filter) {
        (Some(Typed { code, ty, .. }), Ok(filter)) => {
            Some((Part::Hole { code, ty, filter }, references))
        }
        (_, Err(diagnostic)) => {
            diagnostics.push(diagnostic);
            None
        }
        (None, Ok(_)) => None,
    }
}

fn filter_named(name: &str, scope: &Scope) -> Result<Filter, literal::Refusal> {
    let amount = |decimals| Filter::Amount(Unit { symbol: name.into(), decimals });
    Ok(match name {
        "label" => Filter::Label,
        "address" => Filter::Address,
        "hex" => Filter::Hex,
        "number" => Filter::Number,
        "percent" => Filter::Percent,
        "duration" => Filter::Duration,
        "short" => Filter::Short,
        "token" => match scope.token() {
            Some(token) => Filter::Amount(token.clone()),
            None => {
                let message = "the filter `token` has no meaning here".to_owned();
                let help = "the monitored contract has no token; give it one in its deployment file, or name a unit: amount | ether";
                return Err((message, Some(help.to_owned())));
            }
        },
        "ether" => Filter::Amount(Unit { symbol: "ETH".into(), decimals: 18 }),
        "gwei" => amount(9),
        _ => match scope.units().get(name) {
            Some(decimals) => amount(*decimals),
            None => {
                let units = scope.units().keys().map(String::as_str);
                let known: Vec<&str> =
                    FILTERS.into_iter().chain(["ether", "gwei"]).chain(units).collect();
                let help = suggestion(name, "filters", &known);
                return Err((format!("unknown filter `{name}`"), Some(help)));
            }
        },
    })
}

/// The filter, if it can show values of the type.
fn fitting(
    filter: Filter,
    name: &str,
    typed: &Typed,
    span: Range<usize>,
) -> Result<Filter, Diagnostic> {
    let ty = typed.ty.present();
    let is_octets = ty.is_bytes() || matches!(ty, Type::Hashed(_));
    let (fits, needs) = match filter {
        Filter::Plain => (true, ""),
        Filter::Label | Filter::Address => (*ty == Type::Address, "an address"),
        Filter::Hex => (ty.is_whole() || is_octets, "a whole number or bytes"),
        Filter::Amount(_) | Filter::Number | Filter::Percent | Filter::Duration => {
            (ty.is_number(), "a number")
        }
        Filter::Short => (
            *ty == Type::Address || *ty == Type::String || is_octets,
            "an address, bytes or a string",
        ),
    };
    if fits {
        return Ok(filter);
    }
    let message = format!("`{name}` shows {needs}; this is of type {}", typed.ty);
    Err(Diagnostic::new(span, message))
}

/// A value as the message shows it.
fn shown(
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

fn cut(message: String, characters_max: usize) -> String {
    let end = message.char_indices().nth(characters_max).map(|(end, _)| end);
    match end {
        Some(end) => format!("{}…", &message[..end]),
        None => message,
    }
}
