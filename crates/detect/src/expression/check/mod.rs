//! Syntax tree to program: names become slots, every part gets a type, constants are computed.
//!
//! A part that is wrong is reported once and becomes `None`; its siblings are still checked, so
//! that all mistakes of a source come out together.

mod arithmetic; // + - * / % **, signs
mod code; // the cheapest test for each comparison
mod compare; // == < and what they may compare
mod functions; // abs(x), any(list, x, …)
mod membership; // in, contains, starts_with, ends_with
mod names; // variables, fields, elements, deployments

use std::{collections::BTreeSet, ops::Range};

use super::{
    diagnostic::Diagnostic,
    literal,
    number::Exact,
    program::{Code, Number, Octets, Operand, Place, Test, Text},
    scope::{Scope, Slot},
    syntax::{Expr, ExprKind},
    types::Type,
};

/// The names that stand for the surroundings, whether or not a subject has them.
const NAMESPACES: [&str; 4] = ["tx", "block", "log", "call"];

/// The names that an element in a quantifier cannot have.
const NAMES_RESERVED: [&str; 7] = ["tx", "block", "log", "call", "labels", "deployments", "not"];

/// A part of the source with its type and code.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) code: Code,
    pub(crate) ty: Type,
    pub(crate) span: Range<usize>,
}

/// The state of checking one source.
pub(crate) struct Checker<'a> {
    scope: &'a Scope,
    source: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// The elements that enclosing quantifiers name, outermost first. An element that only the
    /// compiler needs has an empty name.
    locals: Vec<(String, Type)>,
    pub(crate) references: BTreeSet<Slot>,
    pub(crate) label_sets: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(
        scope: &'a Scope,
        source: &'a str,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let (locals, references, label_sets) = Default::default();
        Self { scope, source, diagnostics, locals, references, label_sets }
    }

    /// Checks a part that must be true or false; `place` says where it stands.
    pub(crate) fn condition(&mut self, expr: &Expr, place: &str) -> Option<Test> {
        let typed = self.value(expr, Some(&Type::Bool))?;
        match (typed.ty, typed.code) {
            (Type::Bool, Code::Test(test)) => Some(test),
            (ty, _) => {
                let what = self.text(&expr.span);
                let message = format!("{place} must be true or false; `{what}` is {}", a(&ty));
                let help = match (&ty, &expr.kind) {
                    (Type::Optional(_), _) => Some(format!("write {what} != none")),
                    _ if ty.is_number() => Some(format!("compare it: {what} > 0")),
                    (Type::Address, _) => {
                        Some(format!("compare it: {what} == 0x…, or {what} in labels.NAME"))
                    }
                    _ => None,
                };
                self.report(Diagnostic { span: expr.span.clone(), message, help });
                None
            }
        }
    }

    /// Checks a part; `wanted` is the type that its place calls for, which decides what a literal
    /// means.
    pub(crate) fn value(&mut self, expr: &Expr, wanted: Option<&Type>) -> Option<Typed> {
        let span = expr.span.clone();
        let test =
            |test| Some(Typed { code: Code::Test(test), ty: Type::Bool, span: span.clone() });
        match &expr.kind {
            ExprKind::Missing => None,
            ExprKind::Number { text, unit } => {
                let unit = unit.as_ref().map(|unit| unit.text.as_str());
                match literal::number(text, unit, self.scope) {
                    Ok(value) => Some(constant(value, span)),
                    Err(refusal) => self.refuse(span, refusal),
                }
            }
            ExprKind::Hex(text) => self.hex(text, wanted, span),
            ExprKind::Text(text) => self.quoted(text, wanted, span),
            ExprKind::Bool(value) => test(Test::Constant(*value)),
            ExprKind::None => {
                let message = "`none` can only be compared with == or !=";
                self.refuse(span, (message.into(), Some("such as: tx.to == none".into())))
            }
            ExprKind::Name(name) => self.name(name, wanted, span),
            ExprKind::Positional(position) => self.positional(*position, span),
            ExprKind::Field(of, field) => self.field(of, field, span),
            ExprKind::Label(name) => {
                let message = format!("`labels.{}` is a set of addresses, not a value", name.text);
                let help = format!("write: x in labels.{}", name.text);
                self.refuse(span, (message, Some(help)))
            }
            ExprKind::Deployment(name) => self.deployment(name, span),
            ExprKind::Index(of, index) => self.index(of, index, span),
            ExprKind::Slice(of, from, to) => self.slice(of, from.as_deref(), to.as_deref(), span),
            ExprKind::Call(name, arguments) => self.call(name, arguments, span),
            ExprKind::Each(each, over, variable, body) => {
                self.each(*each, over, variable, body, span)
            }
            ExprKind::List(_) => {
                let message = "a list can only stand behind `in`, or beside == with an array";
                self.refuse(span, (message.into(), None))
            }
            ExprKind::Negate(of) => self.negate(of, span),
            ExprKind::Not(of) => {
                let inner = self.condition(of, "what `!` turns around")?;
                test(Test::Not(Box::new(inner)))
            }
            ExprKind::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, left, right, span)
            }
            ExprKind::Compare(compare, left, right) => {
                test(self.compare(*compare, left, right, &span)?)
            }
            ExprKind::In { negated, item, set } => {
                let inside = self.membership(item, set)?;
                test(if *negated { Test::Not(Box::new(inside)) } else { inside })
            }
            ExprKind::Search(search, whole, part) => {
                test(self.search(*search, whole, part, &span)?)
            }
            ExprKind::And(parts) => {
                let parts: Vec<_> =
                    parts.iter().map(|part| self.condition(part, "each side of `&&`")).collect();
                let parts = parts.into_iter().collect::<Option<Vec<Test>>>()?;
                test(Test::All(parts.into()))
            }
            ExprKind::Or(parts) => {
                let parts: Vec<_> =
                    parts.iter().map(|part| self.condition(part, "each side of `||`")).collect();
                let parts = parts.into_iter().collect::<Option<Vec<Test>>>()?;
                test(Test::Any(parts.into()))
            }
        }
    }

    /// A hexadecimal literal is what its place calls for; without a call, 40 digits are an address
    /// and fewer than 65 a number.
    fn hex(&mut self, text: &str, wanted: Option<&Type>, span: Range<usize>) -> Option<Typed> {
        let digits = &text[2..];
        if let Some(at) = digits.bytes().position(|b| !b.is_ascii_hexdigit()) {
            let bad = span.start + 2 + at..span.start + 3 + at;
            let message = format!("`{}` is no hexadecimal digit", self.text(&bad));
            return self.refuse(bad, (message, Some("digits: 0-9 a-f A-F".into())));
        }
        let octets = |bytes: Vec<u8>, ty| {
            let code = Code::Octets(Octets::Constant(bytes.into()));
            Some(Typed { code, ty, span: span.clone() })
        };
        let wanted = wanted.map(Type::present);
        match wanted {
            Some(Type::FixedBytes(_) | Type::Hashed(_)) => {
                let length = match wanted {
                    Some(Type::FixedBytes(length)) => *length,
                    _ => 32,
                };
                match literal::bytes(digits) {
                    Some(bytes) if bytes.len() == length => octets(bytes, Type::FixedBytes(length)),
                    _ => {
                        let message = format!("`{}` is not {length} bytes long", shortened(text));
                        let help = format!(
                            "bytes{length} has {} digits, this has {}",
                            2 * length,
                            digits.len()
                        );
                        self.refuse(span, (message, Some(help)))
                    }
                }
            }
            Some(Type::Bytes) => match literal::bytes(digits) {
                Some(bytes) => octets(bytes, Type::Bytes),
                None => {
                    let message = "bytes need an even number of digits".to_owned();
                    self.refuse(span, (message, Some(format!("this has {}", digits.len()))))
                }
            },
            _ if digits.len() == 40 || wanted == Some(&Type::Address) => {
                match literal::address(text) {
                    Ok(address) => {
                        let code = Code::Operand(Operand::Address(address));
                        Some(Typed { code, ty: Type::Address, span })
                    }
                    Err(refusal) => self.refuse(span, refusal),
                }
            }
            None if digits.len() > 64 && digits.len().is_multiple_of(2) => {
                octets(literal::bytes(digits)?, Type::Bytes)
            }
            _ => match literal::hex_number(digits) {
                Some(value) if !digits.is_empty() => Some(constant(value, span)),
                _ => {
                    let message = format!("`{}` is no number of at most 512 bits", shortened(text));
                    self.refuse(span, (message, None))
                }
            },
        }
    }

    /// A quoted literal is a string, or the word of a choice; for an indexed string it is hashed.
    fn quoted(&mut self, text: &str, wanted: Option<&Type>, span: Range<usize>) -> Option<Typed> {
        match wanted.map(Type::present) {
            Some(Type::Choice(words)) => self.choice(text, words, span),
            Some(Type::Hashed(inner)) if matches!(**inner, Type::String | Type::Bytes) => {
                let hash = alloy_primitives::keccak256(text.as_bytes());
                let code = Code::Octets(Octets::Constant(hash.as_slice().into()));
                Some(Typed { code, ty: Type::FixedBytes(32), span })
            }
            Some(Type::Address) if text.starts_with("0x") => {
                let message = "an address is written without quotes".to_owned();
                self.refuse(span, (message, Some(format!("write {text}"))))
            }
            _ => {
                let code = Code::Text(Text::Constant(text.into()));
                Some(Typed { code, ty: Type::String, span })
            }
        }
    }

    fn choice(
        &mut self,
        word: &str,
        words: &'static [&'static str],
        span: Range<usize>,
    ) -> Option<Typed> {
        let index = words.iter().position(|own| *own == word);
        let Some(index) = index.and_then(|index| u8::try_from(index).ok()) else {
            let message = format!("`{word}` is not one of the words possible here");
            let help = super::diagnostic::suggestion(word, "words", words);
            return self.refuse(span, (message, Some(help)));
        };
        Some(Typed { code: Code::Operand(Operand::Choice(index)), ty: Type::Choice(words), span })
    }

    /// Makes the elements of `over` nameable while `body` is checked.
    fn with_local<T>(
        &mut self,
        name: &str,
        element: &Type,
        over: &Range<usize>,
        body: impl FnOnce(&mut Self, u8) -> Option<T>,
    ) -> Option<T> {
        const DEPTH: usize = super::QUANTIFIER_DEPTH_MAX;
        let index = u8::try_from(self.locals.len()).ok().filter(|i| usize::from(*i) < DEPTH);
        let Some(index) = index else {
            let message = format!("more than {DEPTH} searches through arrays inside each other");
            return self.refuse(over.clone(), (message, None));
        };
        self.locals.push((name.to_owned(), element.clone()));
        let result = body(self, index);
        self.locals.pop();
        result
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn refuse<T>(&mut self, span: Range<usize>, (message, help): literal::Refusal) -> Option<T> {
        self.report(Diagnostic { span, message, help });
        None
    }

    /// The source of a part, cut to what a message can hold.
    fn text(&self, span: &Range<usize>) -> String {
        shortened(self.source.get(span.clone()).unwrap_or("?"))
    }
}

/// A constant number; whether it is whole decides its type.
fn constant(value: Exact, span: Range<usize>) -> Typed {
    let value = value.reduced();
    let ty = if value.is_whole() { Type::Integer } else { Type::Ratio };
    Typed { code: Code::Number(Number::Constant(Box::new(value))), ty, span }
}

/// The code that reads a place of a type.
fn read(place: Place, ty: &Type) -> Code {
    match ty.present() {
        Type::Bool => Code::Test(Test::Flag(place)),
        Type::Uint(_) | Type::Int(_) | Type::Integer | Type::Ratio => {
            Code::Number(Number::Place(place))
        }
        Type::String => Code::Text(Text::Place(place)),
        Type::FixedBytes(_) | Type::Bytes | Type::Hashed(_) => Code::Octets(Octets::Place(place)),
        _ => Code::Operand(Operand::Place(place)),
    }
}

/// A type with its article: "a bool", "an address".
fn a(ty: &Type) -> String {
    let text = ty.to_string();
    let article = match text.as_bytes().first() {
        _ if matches!(ty, Type::Choice(_) | Type::Bytes | Type::FixedBytes(_)) => "",
        Some(b'a' | b'i' | b'e') => "an ",
        _ => "a ",
    };
    format!("{article}{text}")
}

/// A text cut to what a message can hold, on one line.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 48;
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(CHARACTERS_MAX) {
        words.truncate(cut);
        words.push('…');
    }
    words
}
