//! Syntax trees as text, with the fewest parentheses that keep their meaning. Parsing the text gives
//! the same tree.

use std::fmt;

use super::syntax::{Arithmetic, Expr, ExprKind, precedence};

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
