//! Message templates: `{{ holder | label }} redeemed {{ amount | token }}`.
//!
//! Between `{{` and `}}` stands any expression, and behind `|` at most one filter that says how to
//! show it. Everything is checked when the configuration loads. Rendering cannot fail: a value that
//! has no answer is named as such in the message, because the finding must reach people all the
//! same. Strings from the chain are shown as [`model::FactValue::Untrusted`] shows them.

mod show; // values as text

use std::{collections::BTreeSet, ops::Range};

use alloy_primitives::Address;

use show::{Filter, shown};

use super::{
    Diagnostic, Scope, Slot, Unit,
    check::{Checker, Typed},
    diagnostic::{sorted, suggestion},
    evaluate::Machine,
    literal,
    parser::Parser,
    program::Code,
    types::Type,
    value::Values,
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

fn cut(message: String, characters_max: usize) -> String {
    let end = message.char_indices().nth(characters_max).map(|(end, _)| end);
    match end {
        Some(end) => format!("{}…", &message[..end]),
        None => message,
    }
}
