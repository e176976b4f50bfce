//! What goes into an evaluation and what may come out instead of an answer.

use std::{fmt, ops::Range};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, I256, U256};

use super::{STEPS_MAX, scope::Slot};

/// Gives the values of variables.
pub trait Values {
    /// The value in a slot; `None` when it is not known, which makes an evaluation that needs it an
    /// error. A value that is legitimately absent is [`Value::None`].
    fn value(&self, slot: Slot) -> Option<Value<'_>>;
}

/// Arguments alone, by position.
impl Values for [DynSolValue] {
    fn value(&self, slot: Slot) -> Option<Value<'_>> {
        self.get(slot.as_parameter()?).map(Value::from)
    }
}

/// A value as an evaluation sees it: small or borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Legitimately absent.
    None,
    /// `bool`
    Bool(bool),
    /// Unsigned integer of any width.
    Uint(U256),
    /// Signed integer of any width.
    Int(I256),
    /// `address`
    Address(Address),
    /// `bytes` and `bytesN`
    Bytes(&'a [u8]),
    /// `string`
    Text(&'a str),
    /// Index into the words of a [`Type::Choice`](super::Type::Choice).
    Choice(u8),
    /// Elements of an array or fields of a tuple.
    List(&'a [DynSolValue]),
}

impl<'a> From<&'a DynSolValue> for Value<'a> {
    fn from(value: &'a DynSolValue) -> Self {
        match value {
            DynSolValue::Bool(value) => Self::Bool(*value),
            DynSolValue::Int(value, _) => Self::Int(*value),
            DynSolValue::Uint(value, _) => Self::Uint(*value),
            DynSolValue::FixedBytes(word, length) => {
                Self::Bytes(word.get(..*length).unwrap_or(word.as_slice()))
            }
            DynSolValue::Address(address) => Self::Address(*address),
            DynSolValue::Function(function) => Self::Bytes(function.as_slice()),
            DynSolValue::Bytes(bytes) => Self::Bytes(bytes),
            DynSolValue::String(text) => Self::Text(text),
            sequence => sequence
                .as_array()
                .or_else(|| sequence.as_fixed_seq())
                .map_or(Self::None, Self::List),
        }
    }
}

/// Why an evaluation has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError {
    /// What failed.
    pub kind: EvalErrorKind,
    /// Which part of the source, in bytes.
    pub span: Range<usize>,
}

/// What can fail in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvalErrorKind {
    /// The value is not known here (a status before Byzantium, a call without a trace).
    #[error("the value is not known")]
    Unknown,
    /// The value is `none` and more than equality was asked of it.
    #[error("the value is none")]
    Absent,
    /// The exact result has more than 512 bits.
    #[error("the result does not fit into 512 bits")]
    Overflow,
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A power with a negative exponent.
    #[error("the exponent is negative")]
    NegativeExponent,
    /// A power or remainder with a fraction.
    #[error("the number has a fraction")]
    Fraction,
    /// An element that the array does not have.
    #[error("the index is outside the {length} elements")]
    IndexOutOfRange {
        /// Elements that there are.
        length: usize,
    },
    /// A slice that reaches outside, or whose end is before its beginning.
    #[error("the slice is outside the {length} bytes")]
    SliceOutOfRange {
        /// Bytes that there are.
        length: usize,
    },
    /// More work than [`STEPS_MAX`](super::STEPS_MAX) steps.
    #[error("the value has too many elements to look at (limit {STEPS_MAX} steps)")]
    TooManySteps,
    /// The value has another type than the scope said.
    #[error("the value does not have the declared type")]
    WrongType,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.kind, self.span.start)
    }
}

impl std::error::Error for EvalError {}

impl EvalError {
    /// The error with the part of the source that failed: ``division by zero in `a / b` ``.
    pub fn explain(&self, source: &str) -> String {
        match source.get(self.span.clone()) {
            Some(part) => format!("{} in `{part}`", self.kind),
            None => self.to_string(),
        }
    }
}
