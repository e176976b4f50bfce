//! The syntax tree: what was written, before anything is known about types.

use std::ops::Range;

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
    pub(crate) fn precedence(&self) -> u8 {
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
