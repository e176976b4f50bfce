//! The conditions of other monitors: read in their own grammar, said in our language.
//!
//! ```text
//! OpenZeppelin Monitor                           Defender
//! or        = and { "OR" and }                   or        = and { "OR" and }
//! and       = term { "AND" term }                and       = not { "AND" not }
//! term      = "(" or ")" | condition             not       = "NOT" not | compare
//! condition = lhs operator literal               compare   = sum [ operator sum ]
//! lhs       = base { "[" digits "]" | "." name } sum       = product { ("+"|"-") product }
//! literal   = quoted | hex | number | bool       product   = power { ("*"|"/") power }
//!           | bare word                          power     = operand [ "^" power ]
//!                                                operand   = "-" operand | "(" or ")" | path
//!                                                          | $n | literal
//! ```
//!
//! Both read into one tree. What a tree means depends on the types of the ABI, so it is translated
//! for one event, function or transaction at a time, and every place where their evaluator would
//! have failed and said nothing is told.

mod parse; //     text to tree
mod translate; // tree to our language

use std::{fmt, ops::Range};

pub(crate) use parse::parse;
pub(crate) use translate::{Remark, Scope, is_kind_known, translate};

/// Whose grammar and whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenZeppelin Monitor.
    OpenZeppelin,
    /// Defender, hosted or as code.
    Defender,
}

/// A condition or a part of one, with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Box<Expr>, Operator, Box<Expr>),
    Arithmetic(Box<Expr>, char, Box<Expr>),
    Negate(Box<Expr>),
    Path(Path),
    Literal(Literal),
}

/// A variable and the way into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) base: Base,
    pub(crate) steps: Vec<Step>,
}

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// `amount`
    Name(String),
    /// `$0`
    Position(usize),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// `[0]`
    Index(usize),
    /// `.maker`, `.0`
    Field(String),
}

/// What stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    /// `'text'`, `"text"`, without the quotes.
    Quoted(String),
    /// `pending`
    Bare(String),
    /// `0xff`
    Hex(String),
    /// `-1.5`
    Number(String),
    /// `true`
    Bool(bool),
}

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    StartsWith,
    EndsWith,
}

impl Operator {
    /// As written, which is alike in all languages concerned.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
        }
    }

    pub(crate) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

impl Literal {
    /// The characters, without quotes.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Quoted(text) | Self::Bare(text) | Self::Hex(text) | Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Base::Name(name) => f.write_str(name)?,
            Base::Position(position) => write!(f, "${position}")?,
        }
        for step in &self.steps {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Field(field) => write!(f, ".{field}")?,
            }
        }
        Ok(())
    }
}

/// A mistake in a condition, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Mistake {
    /// The mistake with the line and a mark under the place.
    pub(crate) fn render(&self, source: &str) -> String {
        let shown: String = source.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let column = source.get(..self.at).map_or(0, |before| before.chars().count());
        format!(
            "at character {}: {}\n  | {shown}\n  | {}^",
            column + 1,
            self.message,
            " ".repeat(column)
        )
    }
}

#[cfg(test)]
mod tests;
