//! The language of monitors: a condition over one decoded event, call or transaction, and the
//! message that tells about it.
//!
//! ```text
//! when = "amount >= 250_000 token && !(holder in labels.treasury) && tx.status == success"
//! say  = "{{ holder | label }} redeemed {{ amount | token }}"
//! ```
//!
//! A text is read once, when the configuration loads: [`compile`] checks it against a [`Scope`] and
//! reports every mistake at once, each with its place, what is allowed and the nearest right
//! spelling. What comes out, a [`Program`], runs over [`Values`] without looking up a name, without
//! allocating (but for `lower`) and without a float.
//!
//! There is deliberately no state, no clock and no I/O here, and no way to loop other than over the
//! elements of one array. Windows and thresholds over time are detectors.
//!
//! # Grammar
//!
//! ```text
//! or        = and { ("||" | "or") and }
//! and       = not { ("&&" | "and") not }
//! not       = "not" not | compare
//! compare   = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in"
//!                   | "contains" | "starts_with" | "ends_with") sum ]
//! sum       = product { ("+" | "-") product }
//! product   = prefix { ("*" | "/" | "%") prefix }
//! prefix    = ("!" | "-") prefix | power
//! power     = postfix [ "**" prefix ]
//! postfix   = operand { "." name | "." digits | "[" or "]" | "[" [or] ":" [or] "]" }
//! operand   = number [ "%" | unit ] | 0xhex | "text" | 'text' | true | false | none
//!           | name | $position | name "(" [or { "," or }] ")" | "(" or ")"
//!           | "[" [or { "," or }] "]" | "labels." slug | "deployments." slug
//! ```
//!
//! `and`, `or` and `not` may be written in capitals. A `%` that touches a number is a percentage;
//! elsewhere it is the remainder.
//!
//! # Meaning
//!
//! Numbers are exact rationals (see [`EvalErrorKind::Overflow`] for their limit): signed and
//! unsigned, narrow and wide compare by value, `/` does not round, `5% * total` is exact. `&&`,
//! `||`, `any` and `all` go from left to right and stop when the answer is known; only what is
//! reached can fail. A failure is an [`EvalError`], never `false`. `none` equals nothing but
//! `none`; asking more than equality of it is an error.

mod builtin; // what surrounds a subject
mod check; // tree to program
mod diagnostic; // mistakes and how they are shown
mod evaluate; // running it
mod lexer; // text to tokens
mod literal; // numbers with units, addresses
mod number; // exact rationals
mod occurrence; // events, calls and transactions as values
mod parser; // tokens to tree
mod print; // tree to text
mod program; // the compiled form
mod say; // message templates
mod scope; // what can be named
mod syntax; // the tree
mod types; // types and parameters
mod value; // values, and errors instead of answers

#[cfg(test)]
mod tests;

pub use builtin::{Builtin, CALL_KIND_WORDS, STATUS_WORDS, Subject};
pub use diagnostic::Diagnostic;
pub use occurrence::{Call, Occurrence};
pub use program::{Program, Requirement};
pub use say::{Labels, Say};
pub use scope::{AddressSet, Scope, Slot, Unit};
pub use types::{Field, Parameter, Type};
pub use value::{EvalError, EvalErrorKind, Value, Values};

use check::Checker;

/// Bytes of one condition: some 350 addresses. Longer lists belong into a label set.
pub const SOURCE_LEN_MAX: usize = 16 * 1024;

/// Levels of parentheses, functions and operators inside each other. People write fewer than ten;
/// 64 keep the stack small.
pub const NESTING_MAX: usize = 64;

/// Items of one list.
pub const LIST_LEN_MAX: usize = 1_024;

/// Quantifiers inside each other: arrays of arrays of arrays, and one to spare.
pub const QUANTIFIER_DEPTH_MAX: usize = 4;

/// Elements that one evaluation looks at, counting 64 bytes of a string or of calldata as one. The
/// largest transaction of Ethereum (2²⁴ gas, EIP-7825) carries some 52,000 words of calldata; this
/// is five passes over all of them, a few milliseconds.
pub const STEPS_MAX: usize = 262_144;

/// Reads, checks and compiles a condition.
///
/// # Errors
/// All mistakes, in the order of the source.
pub fn compile(source: &str, scope: &Scope) -> Result<Program, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let expr = parser::parse(source, &mut diagnostics);
    let mut checker = Checker::new(scope, source, &mut diagnostics);
    let test = expr.and_then(|expr| checker.condition(&expr, "the condition"));
    let (references, label_sets) = (checker.references, checker.label_sets);
    match test {
        Some(test) if diagnostics.is_empty() => {
            Ok(Program { source: source.into(), test, references, label_sets })
        }
        _ => Err(diagnostic::sorted(diagnostics)),
    }
}
