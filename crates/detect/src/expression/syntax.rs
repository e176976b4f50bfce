//! The syntax tree: what was written, before anything is known about types. Printing a tree and
//! parsing it again gives the same tree.

use std::{fmt, ops::Range};

/// An expression and its place in the source. Equality looks at what is said, not at where.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Range<usize>,
    /// Levels of expression below this one, so that nothing that walks the tree can run out of
    /// stack.
    height: u16,
}

/// A name inside an expression, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    /// `250_000 token`, `5%`, `1e18`
    Number { text: String, unit: Option<Word> },
    /// `0x…`: a number, an address or bytes, whatever is needed where it stands.
    Hex(String),
    /// `"…"`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `none`
    None,
    /// `amount`
    Name(String),
    /// `$0`
    Positional(u32),
    /// `order.maker`, `order.0`, `tx.value`, `amounts.length`
    Field(Box<Expr>, Word),
    /// `labels.NAME`, where a name may contain `-` and `.`
    Label(Word),
    /// `deployments.NAME`
    Deployment(Word),
    /// `amounts[0]`
    Index(Box<Expr>, Box<Expr>),
    /// `data[0:4]`
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `abs(x)`
    Call(Word, Vec<Expr>),
    /// `any(amounts, x, x > 1)`
    Each(Each, Box<Expr>, Word, Box<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `-x`
    Negate(Box<Expr>),
    /// `!x`, `not x`
    Not(Box<Expr>),
    /// `a + b`
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `a < b`
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// `a in b`, `a not in b`
    In { negated: bool, item: Box<Expr>, set: Box<Expr> },
    /// `a contains b`
    Search(Search, Box<Expr>, Box<Expr>),
    /// `a && b && c`: two or more.
    And(Vec<Expr>),
    /// `a || b || c`: two or more.
    Or(Vec<Expr>),
    /// A place where an operand was expected; already reported.
    Missing,
}

/// Operators on numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a part is looked for in a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

/// Functions that look at each element of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Each {
    Any,
    All,
    Count,
}

impl Arithmetic {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "**",
        }
    }
}

impl Compare {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The comparison with its sides exchanged: `a < b` is `b > a`.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// Whether it asks for the same or another value, not for an order.
    pub(crate) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether an ordering of left against right satisfies it.
    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Search {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Contains, Self::StartsWith, Self::EndsWith].into_iter().find(|s| s.word() == word)
    }
}

impl Each {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
            Self::Count => "count",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Any, Self::All, Self::Count].into_iter().find(|each| each.word() == word)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Expr {
    /// An expression at a place, one level higher than its highest part.
    pub(crate) fn new(kind: ExprKind, span: Range<usize>) -> Self {
        let mut height = 0;
        kind.each_part(&mut |part| height = height.max(part.height + 1));
        Self { kind, span, height }
    }

    /// Levels of expression below this one.
    pub(crate) fn height(&self) -> usize {
        usize::from(self.height)
    }
}

impl ExprKind {
    fn each_part<'e>(&'e self, visit: &mut impl FnMut(&'e Expr)) {
        match self {
            Self::Number { .. }
            | Self::Hex(_)
            | Self::Text(_)
            | Self::Bool(_)
            | Self::None
            | Self::Name(_)
            | Self::Positional(_)
            | Self::Label(_)
            | Self::Deployment(_)
            | Self::Missing => {}
            Self::Field(of, _) | Self::Negate(of) | Self::Not(of) => visit(of),
            Self::Slice(of, from, to) => {
                visit(of);
                from.iter().chain(to).for_each(|bound| visit(bound));
            }
            Self::Call(_, parts) | Self::List(parts) | Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(visit);
            }
            Self::Index(left, right)
            | Self::Each(_, left, _, right)
            | Self::Arithmetic(_, left, right)
            | Self::Compare(_, left, right)
            | Self::In { item: left, set: right, .. }
            | Self::Search(_, left, right) => {
                visit(left);
                visit(right);
            }
        }
    }

    /// How tightly the expression binds: see the table in the module documentation.
    fn precedence(&self) -> u8 {
        match self {
            Self::Or(_) => precedence::OR,
            Self::And(_) => precedence::AND,
            Self::Compare(..) | Self::In { .. } | Self::Search(..) => precedence::COMPARE,
            Self::Arithmetic(operator, ..) => precedence::of(*operator),
            Self::Not(_) | Self::Negate(_) => precedence::PREFIX,
            _ => precedence::ATOM,
        }
    }
}

/// Binding strengths, weakest first.
pub(crate) mod precedence {
    use super::Arithmetic;

    pub(crate) const OR: u8 = 1;
    pub(crate) const AND: u8 = 2;
    pub(crate) const NOT: u8 = 3;
    pub(crate) const COMPARE: u8 = 4;
    pub(crate) const ADD: u8 = 5;
    pub(crate) const MULTIPLY: u8 = 6;
    pub(crate) const PREFIX: u8 = 7;
    pub(crate) const POWER: u8 = 8;
    pub(crate) const ATOM: u8 = 9;

    pub(crate) fn of(operator: Arithmetic) -> u8 {
        match operator {
            Arithmetic::Add | Arithmetic::Subtract => ADD,
            Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => MULTIPLY,
            Arithmetic::Power => POWER,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number { text, unit: None } => f.write_str(text),
            ExprKind::Number { text, unit: Some(unit) } if unit.text == "%" => {
                write!(f, "{text}%")
            }
            ExprKind::Number { text, unit: Some(unit) } => write!(f, "{text} {}", unit.text),
            ExprKind::Hex(text) | ExprKind::Name(text) => f.write_str(text),
            ExprKind::Text(text) => write_quoted(f, text),
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::None => f.write_str("none"),
            ExprKind::Positional(position) => write!(f, "${position}"),
            ExprKind::Field(of, field) => {
                write_within(f, of, precedence::ATOM)?;
                write!(f, ".{}", field.text)
            }
            ExprKind::Label(name) => {
                f.write_str("labels.")?;
                write_quoted(f, &name.text)
            }
            ExprKind::Deployment(name) => {
                f.write_str("deployments.")?;
                write_quoted(f, &name.text)
            }
            ExprKind::Index(of, index) => {
                write_within(f, of, precedence::ATOM)?;
                write!(f, "[{index}]")
            }
            ExprKind::Slice(of, from, to) => {
                write_within(f, of, precedence::ATOM)?;
                f.write_str("[")?;
                from.iter().try_for_each(|from| write!(f, "{from}"))?;
                f.write_str(":")?;
                to.iter().try_for_each(|to| write!(f, "{to}"))?;
                f.write_str("]")
            }
            ExprKind::Call(name, arguments) => {
                write!(f, "{}(", name.text)?;
                write_separated(f, arguments, ", ", 0)?;
                f.write_str(")")
            }
            ExprKind::Each(each, over, name, body) => {
                write!(f, "{}({over}, {}, {body})", each.word(), name.text)
            }
            ExprKind::List(items) => {
                f.write_str("[")?;
                write_separated(f, items, ", ", 0)?;
                f.write_str("]")
            }
            ExprKind::Negate(of) => {
                f.write_str("-")?;
                write_within(f, of, precedence::PREFIX)
            }
            ExprKind::Not(of) => {
                f.write_str("!")?;
                write_within(f, of, precedence::PREFIX)
            }
            ExprKind::Arithmetic(operator, left, right) => {
                let own = precedence::of(*operator);
                // Powers group to the right and take a prefix on their right side.
                let (of_left, of_right) = match operator {
                    Arithmetic::Power => (own + 1, precedence::PREFIX),
                    _ => (own, own + 1),
                };
                write_within(f, left, of_left)?;
                write!(f, " {} ", operator.symbol())?;
                write_within(f, right, of_right)
            }
            ExprKind::Compare(compare, left, right) => {
                write_infix(f, left, compare.symbol(), right)
            }
            ExprKind::In { negated, item, set } => {
                write_infix(f, item, if *negated { "not in" } else { "in" }, set)
            }
            ExprKind::Search(search, left, right) => write_infix(f, left, search.word(), right),
            ExprKind::And(parts) => write_separated(f, parts, " && ", precedence::AND + 1),
            ExprKind::Or(parts) => write_separated(f, parts, " || ", precedence::OR + 1),
            ExprKind::Missing => f.write_str("?"),
        }
    }
}

fn write_within(f: &mut fmt::Formatter<'_>, part: &Expr, needed: u8) -> fmt::Result {
    if part.kind.precedence() < needed { write!(f, "({part})") } else { write!(f, "{part}") }
}

fn write_infix(
    f: &mut fmt::Formatter<'_>,
    left: &Expr,
    operator: &str,
    right: &Expr,
) -> fmt::Result {
    write_within(f, left, precedence::COMPARE + 1)?;
    write!(f, " {operator} ")?;
    write_within(f, right, precedence::COMPARE + 1)
}

fn write_separated(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expr],
    separator: &str,
    needed: u8,
) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        write_within(f, part, needed)?;
    }
    Ok(())
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
