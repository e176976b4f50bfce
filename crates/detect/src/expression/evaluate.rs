//! Running a compiled program over values.
//!
//! Evaluation goes from left to right. `&&` stops at the first false part and `||` at the first
//! true one; `any` and `all` stop at the first element that decides. Only what is reached can fail:
//! `n != 0 && total / n > 5` is false, not an error, when `n` is 0. Whatever fails makes the whole
//! evaluation an [`EvalError`], never `false`: the engine records the monitor as blind there.

use std::borrow::Cow;

use alloy_dyn_abi::DynSolValue;

use super::{
    QUANTIFIER_DEPTH_MAX, STEPS_MAX,
    number::{ArithmeticError, Exact},
    program::{At, Code, Number, Octets, Operand, Place, Program, Root, Step, Test, Text},
    syntax::{Arithmetic, Search},
    value::{EvalError, EvalErrorKind, Value, Values},
};

impl Program {
    /// Whether the condition holds for these values.
    ///
    /// # Errors
    /// When a part that is reached has no answer; see the module documentation.
    pub fn matches<V: Values + ?Sized>(&self, values: &V) -> Result<bool, EvalError> {
        Machine::new(values).test(&self.test)
    }

    /// An error of this program in words, with the part of the source that failed.
    pub fn explain(&self, error: &EvalError) -> String {
        error.explain(&self.source)
    }
}

/// What code of any type evaluates to.
pub(crate) enum Answer<'a> {
    Bool(bool),
    Number(Exact),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Value(Value<'a>),
}

/// One evaluation: the values, the elements of enclosing quantifiers, the work left.
pub(crate) struct Machine<'a, V: ?Sized> {
    values: &'a V,
    locals: [Value<'a>; QUANTIFIER_DEPTH_MAX],
    steps_left: usize,
}

fn fail<T>(kind: EvalErrorKind, at: At) -> Result<T, EvalError> {
    Err(EvalError { kind, span: at.into() })
}

fn at(at: At) -> impl Fn(ArithmeticError) -> EvalError {
    move |error| {
        let kind = match error {
            ArithmeticError::Overflow => EvalErrorKind::Overflow,
            ArithmeticError::DivisionByZero => EvalErrorKind::DivisionByZero,
            ArithmeticError::NegativeExponent => EvalErrorKind::NegativeExponent,
            ArithmeticError::FractionalExponent | ArithmeticError::FractionalRemainder => {
                EvalErrorKind::Fraction
            }
        };
        EvalError { kind, span: at.into() }
    }
}

/// An arithmetic operation on two numbers; shared with constant folding.
pub(crate) fn arithmetic(
    operator: Arithmetic,
    left: Exact,
    right: Exact,
) -> Result<Exact, ArithmeticError> {
    match operator {
        Arithmetic::Add => left.add(right),
        Arithmetic::Subtract => left.subtract(right),
        Arithmetic::Multiply => left.multiply(right),
        Arithmetic::Divide => left.divide(right),
        Arithmetic::Remainder => left.remainder(right),
        Arithmetic::Power => left.power(right),
    }
}

impl<'a, V: Values + ?Sized> Machine<'a, V> {
    pub(crate) fn new(values: &'a V) -> Self {
        Self { values, locals: [Value::None; QUANTIFIER_DEPTH_MAX], steps_left: STEPS_MAX }
    }

    /// Evaluates code of any type.
    pub(crate) fn answer(&mut self, code: &'a Code) -> Result<Answer<'a>, EvalError> {
        Ok(match code {
            Code::Test(test) => Answer::Bool(self.test(test)?),
            Code::Number(number) => Answer::Number(self.number(number)?),
            Code::Text(text) => Answer::Text(self.text(text)?),
            Code::Octets(octets) => Answer::Bytes(self.octets(octets)?),
            Code::Operand(operand) => Answer::Value(self.operand(operand)?),
        })
    }

    /// Evaluates a condition.
    pub(crate) fn test(&mut self, test: &'a Test) -> Result<bool, EvalError> {
        match test {
            Test::Constant(value) => Ok(*value),
            Test::Flag(place) => match self.place(place)? {
                Value::Bool(value) => Ok(value),
                other => mismatch(other, place.at),
            },
            Test::Not(inner) => Ok(!self.test(inner)?),
            Test::All(parts) => {
                for part in parts {
                    if !self.test(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Any(parts) => {
                for part in parts {
                    if self.test(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::SameFlag(sides) => Ok(self.test(&sides.0)? == self.test(&sides.1)?),
            Test::Uint(place, compare, bound) => match self.place(place)? {
                Value::Uint(value) => Ok(compare.holds(value.cmp(bound))),
                other => mismatch(other, place.at),
            },
            Test::Numbers(compare, sides) => {
                let left = self.number(&sides.0)?;
                let right = self.number(&sides.1)?;
                Ok(compare.holds(left.cmp(&right)))
            }
            Test::UintIn(place, sorted) => match self.place(place)? {
                Value::Uint(value) => Ok(sorted.binary_search(&value).is_ok()),
                other => mismatch(other, place.at),
            },
            Test::IsAddress(place, address) => match self.place(place)? {
                Value::Address(value) => Ok(value == *address),
                Value::None => Ok(false),
                other => mismatch(other, place.at),
            },
            Test::AddressIn(place, addresses) => match self.place(place)? {
                Value::Address(value) => Ok(addresses.contains(&value)),
                Value::None => Ok(false),
                other => mismatch(other, place.at),
            },
            Test::IsNone(place) => Ok(self.place(place)? == Value::None),
            Test::Same(sides) => {
                let left = self.operand(&sides.0)?;
                let right = self.operand(&sides.1)?;
                self.spend(weight(left), &sides.0)?;
                Ok(left == right)
            }
            Test::SameText(sides) => {
                let left = self.text(&sides.0)?;
                let right = self.text(&sides.1)?;
                Ok(left == right)
            }
            Test::SameOctets(sides) => {
                let left = self.octets(&sides.0)?;
                let right = self.octets(&sides.1)?;
                Ok(left == right)
            }
            Test::SearchText(search, sides) => {
                let whole = self.text(&sides.0)?;
                let part = self.text(&sides.1)?;
                Ok(match search {
                    Search::Contains => whole.contains(part.as_ref()),
                    Search::StartsWith => whole.starts_with(part.as_ref()),
                    Search::EndsWith => whole.ends_with(part.as_ref()),
                })
            }
            Test::SearchOctets(search, sides) => {
                let whole = self.octets(&sides.0)?;
                let part = self.octets(&sides.1)?;
                Ok(match search {
                    Search::Contains => memchr::memmem::find(whole, part).is_some(),
                    Search::StartsWith => whole.starts_with(part),
                    Search::EndsWith => whole.ends_with(part),
                })
            }
            Test::NumberIn(item, list) => {
                let item = self.number(item)?;
                for element in list {
                    if self.number(element)? == item {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::OperandIn(item, list) => {
                let item = self.operand(item)?;
                for element in list {
                    if self.operand(element)? == item {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::TextIn(item, list) => {
                let item = self.text(item)?;
                for element in list {
                    if self.text(element)? == item {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::OctetsIn(item, list) => {
                let item = self.octets(item)?;
                for element in list {
                    if self.octets(element)? == item {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Elements { over, local, parts } => {
                let elements = self.list(over)?;
                if elements.len() != parts.len() {
                    return Ok(false);
                }
                for (element, part) in elements.iter().zip(parts) {
                    self.enter(*local, element, over.at)?;
                    if !self.test(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Each { all, over, local, body } => {
                for element in self.list(over)? {
                    self.enter(*local, element, over.at)?;
                    if self.test(body)? != *all {
                        return Ok(!*all);
                    }
                }
                Ok(*all)
            }
        }
    }

    /// Evaluates a number.
    fn number(&mut self, number: &'a Number) -> Result<Exact, EvalError> {
        match number {
            Number::Constant(value) => Ok(**value),
            Number::Place(place) => exact(self.place(place)?, place.at),
            Number::Binary(operator, sides, place) => {
                let left = self.number(&sides.0)?;
                let right = self.number(&sides.1)?;
                arithmetic(*operator, left, right).map_err(at(*place))
            }
            Number::Negate(inner) => Ok(self.number(inner)?.negated()),
            Number::Abs(inner) => Ok(self.number(inner)?.abs()),
            Number::Floor(inner, place) => self.number(inner)?.floor().map_err(at(*place)),
            Number::Ceil(inner, place) => self.number(inner)?.ceil().map_err(at(*place)),
            Number::Least(parts) => self.extreme(parts, Ord::min),
            Number::Greatest(parts) => self.extreme(parts, Ord::max),
            Number::Length(place) => Ok(Exact::from(self.list(place)?.len())),
            Number::TextLength(text) => Ok(Exact::from(self.text(text)?.len())),
            Number::OctetsLength(octets) => Ok(Exact::from(self.octets(octets)?.len())),
            Number::Sum(place) => {
                let mut sum = Exact::ZERO;
                for element in self.list(place)? {
                    self.spend_at(1, place.at)?;
                    let element = exact(Value::from(element), place.at)?;
                    sum = sum.add(element).map_err(at(place.at))?;
                }
                Ok(sum)
            }
            Number::Count { over, local, body } => {
                let mut count = 0_usize;
                for element in self.list(over)? {
                    self.enter(*local, element, over.at)?;
                    count += usize::from(self.test(body)?);
                }
                Ok(Exact::from(count))
            }
        }
    }

    fn extreme(
        &mut self,
        parts: &'a [Number],
        choose: fn(Exact, Exact) -> Exact,
    ) -> Result<Exact, EvalError> {
        let mut chosen: Option<Exact> = None;
        for part in parts {
            let value = self.number(part)?;
            chosen = Some(chosen.map_or(value, |before| choose(before, value)));
        }
        // The checker takes `min` and `max` of at least two numbers.
        Ok(chosen.unwrap_or(Exact::ZERO))
    }

    fn text(&mut self, text: &'a Text) -> Result<Cow<'a, str>, EvalError> {
        match text {
            Text::Constant(text) => Ok(Cow::Borrowed(text)),
            Text::Place(place) => match self.place(place)? {
                Value::Text(text) => {
                    self.spend_at(1 + text.len() / BYTES_PER_STEP, place.at)?;
                    Ok(Cow::Borrowed(text))
                }
                other => mismatch(other, place.at),
            },
            Text::Lower(inner) => Ok(Cow::Owned(self.text(inner)?.to_lowercase())),
        }
    }

    fn octets(&mut self, octets: &'a Octets) -> Result<&'a [u8], EvalError> {
        match octets {
            Octets::Constant(bytes) => Ok(bytes),
            Octets::Place(place) => match self.place(place)? {
                Value::Bytes(bytes) => {
                    self.spend_at(1 + bytes.len() / BYTES_PER_STEP, place.at)?;
                    Ok(bytes)
                }
                other => mismatch(other, place.at),
            },
            Octets::Slice(of, from, to, place) => {
                let bytes = self.octets(of)?;
                let mut bound = |bound: &'a Option<Box<Number>>, otherwise| match bound {
                    Some(bound) => self.number(bound).map(Exact::to_usize),
                    None => Ok(Some(otherwise)),
                };
                let from = bound(from, 0)?;
                let to = bound(to, bytes.len())?;
                match from.zip(to).and_then(|(from, to)| bytes.get(from..to)) {
                    Some(slice) => Ok(slice),
                    None => fail(EvalErrorKind::SliceOutOfRange { length: bytes.len() }, *place),
                }
            }
        }
    }

    fn operand(&mut self, operand: &'a Operand) -> Result<Value<'a>, EvalError> {
        match operand {
            Operand::Place(place) => self.place(place),
            Operand::Address(address) => Ok(Value::Address(*address)),
            Operand::Choice(word) => Ok(Value::Choice(*word)),
        }
    }

    fn list(&mut self, place: &'a Place) -> Result<&'a [DynSolValue], EvalError> {
        match self.place(place)? {
            Value::List(elements) => Ok(elements),
            other => mismatch(other, place.at),
        }
    }

    #[inline]
    fn place(&mut self, place: &'a Place) -> Result<Value<'a>, EvalError> {
        let value = match place.root {
            Root::Slot(slot) => match self.values.value(slot) {
                Some(value) => value,
                None => return fail(EvalErrorKind::Unknown, place.at),
            },
            Root::Local(local) => self.locals[usize::from(local)],
        };
        if place.path.is_empty() { Ok(value) } else { self.walk(value, place) }
    }

    fn walk(&mut self, mut value: Value<'a>, place: &'a Place) -> Result<Value<'a>, EvalError> {
        for step in &place.path {
            let Value::List(elements) = value else { return mismatch(value, place.at) };
            let index = match step {
                Step::Constant(index) => Some(*index),
                Step::Computed(number) => self.number(number)?.to_usize(),
            };
            value = match index.and_then(|index| elements.get(index)) {
                Some(element) => Value::from(element),
                None => {
                    let length = elements.len();
                    return fail(EvalErrorKind::IndexOutOfRange { length }, place.at);
                }
            };
        }
        Ok(value)
    }

    /// Makes an element the variable of its quantifier.
    fn enter(&mut self, local: u8, element: &'a DynSolValue, at: At) -> Result<(), EvalError> {
        self.spend_at(1, at)?;
        self.locals[usize::from(local)] = Value::from(element);
        Ok(())
    }

    fn spend(&mut self, steps: usize, operand: &Operand) -> Result<(), EvalError> {
        match operand {
            Operand::Place(place) => self.spend_at(steps, place.at),
            Operand::Address(_) | Operand::Choice(_) => Ok(()),
        }
    }

    fn spend_at(&mut self, steps: usize, at: At) -> Result<(), EvalError> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => fail(EvalErrorKind::TooManySteps, at),
        }
    }
}

/// Bytes of a string or of calldata whose reading counts as one step.
const BYTES_PER_STEP: usize = 64;

/// Steps that comparing a value takes.
fn weight(value: Value<'_>) -> usize {
    match value {
        Value::List(elements) => {
            elements.iter().map(|element| weight(Value::from(element))).sum::<usize>() + 1
        }
        Value::Bytes(bytes) => 1 + bytes.len() / BYTES_PER_STEP,
        Value::Text(text) => 1 + text.len() / BYTES_PER_STEP,
        _ => 1,
    }
}

fn exact(value: Value<'_>, at: At) -> Result<Exact, EvalError> {
    match value {
        Value::Uint(value) => Ok(Exact::from(value)),
        Value::Int(value) => Ok(Exact::from(value)),
        other => mismatch(other, at),
    }
}

/// The error for a value that is not of the type needed.
#[cold]
fn mismatch<T>(value: Value<'_>, at: At) -> Result<T, EvalError> {
    let kind = match value {
        Value::None => EvalErrorKind::Absent,
        _ => EvalErrorKind::WrongType,
    };
    fail(kind, at)
}
