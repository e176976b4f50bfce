//! Operands and what is attached to them: fields, elements, slices, arguments, units.

use super::{Parser, is_infix_word};
use crate::expression::{
    LIST_LEN_MAX,
    diagnostic::Diagnostic,
    lexer::Token,
    syntax::{Each, Expr, ExprKind, Word},
};

impl Parser<'_, '_> {
    pub(super) fn postfix(&mut self) -> Expr {
        let mut expr = self.operand();
        loop {
            if self.take_symbol(".") {
                expr = self.field(expr);
            } else if self.take_symbol("[") {
                expr = self.index(expr);
            } else {
                return expr;
            }
        }
    }

    fn field(&mut self, of: Expr) -> Expr {
        if let ExprKind::Name(namespace) = &of.kind
            && (namespace == "labels" || namespace == "deployments")
        {
            let is_label = namespace == "labels";
            let Some(name) = self.slug() else {
                let message = format!("expected a name after `{namespace}.`");
                self.report(Diagnostic::new(self.peek_span(), message));
                return Expr::new(ExprKind::Missing, of.span);
            };
            let span = of.span.start..name.span.end;
            let kind = if is_label { ExprKind::Label(name) } else { ExprKind::Deployment(name) };
            return Expr::new(kind, span);
        }
        let word = match *self.peek() {
            Token::Name(text) | Token::Number(text) => {
                Word { text: text.to_owned(), span: self.next().span }
            }
            _ => {
                let message =
                    format!("expected the name of a field after `.`, found {}", self.found());
                self.report(Diagnostic::new(self.peek_span(), message));
                return Expr::new(ExprKind::Missing, of.span);
            }
        };
        let span = of.span.start..word.span.end;
        self.made(ExprKind::Field(Box::new(of), word), span)
    }

    /// A slug such as `tornado-cash`, quoted or not: here `-` and `.` belong to the name, because
    /// neither a set nor an address can be subtracted from.
    fn slug(&mut self) -> Option<Word> {
        if let Token::Text(text) = self.peek() {
            let text = text.clone();
            return Some(Word { text, span: self.next().span });
        }
        let start = self.peek_span().start;
        let is_slug = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let length = self.source.as_bytes()[start..].iter().take_while(|b| is_slug(b)).count();
        let text = self.source[start..start + length].trim_end_matches(['-', '.']);
        if text.is_empty() {
            return None;
        }
        let span = start..start + text.len();
        while *self.peek() != Token::End && self.peek_span().start < span.end {
            self.next();
        }
        Some(Word { text: text.to_owned(), span })
    }

    fn index(&mut self, of: Expr) -> Expr {
        let start = of.span.start;
        let is_at = |parser: &Self, symbol| *parser.peek() == Token::Symbol(symbol);
        let from = (!is_at(self, ":")).then(|| Box::new(self.expression(0)));
        let is_slice = self.take_symbol(":");
        let to = (is_slice && !is_at(self, "]")).then(|| Box::new(self.expression(0)));
        let end = self.close("]");
        let kind = match from {
            Some(index) if !is_slice => ExprKind::Index(Box::new(of), index),
            from => ExprKind::Slice(Box::new(of), from, to),
        };
        self.made(kind, start..end)
    }

    fn operand(&mut self) -> Expr {
        let span = self.peek_span();
        let start = span.start;
        match self.peek().clone() {
            Token::Number(text) => {
                self.next();
                let unit = self.unit(span.end);
                let end = unit.as_ref().map_or(span.end, |unit| unit.span.end);
                Expr::new(ExprKind::Number { text: text.to_owned(), unit }, start..end)
            }
            Token::Hex(text) => {
                self.next();
                Expr::new(ExprKind::Hex(text.to_owned()), span)
            }
            Token::Text(text) => {
                self.next();
                Expr::new(ExprKind::Text(text), span)
            }
            Token::Positional(digits) => {
                self.next();
                // A number that overflows names a parameter that cannot exist.
                Expr::new(ExprKind::Positional(digits.parse().unwrap_or(u32::MAX)), span)
            }
            Token::Name("true" | "false" | "none") => {
                let kind = match self.next().token {
                    Token::Name("none") => ExprKind::None,
                    Token::Name(word) => ExprKind::Bool(word == "true"),
                    _ => ExprKind::Missing,
                };
                Expr::new(kind, span)
            }
            Token::Name(text) => {
                self.next();
                if self.take_symbol("(") {
                    return self.call(Word { text: text.to_owned(), span });
                }
                Expr::new(ExprKind::Name(text.to_owned()), span)
            }
            Token::Symbol("(") => {
                self.next();
                let mut inside = self.expression(0);
                inside.span = start..self.close(")");
                inside
            }
            Token::Symbol("[") => {
                self.next();
                let items = self.items("]");
                let end = self.close("]");
                if items.len() > LIST_LEN_MAX {
                    let message = format!(
                        "the list has {} items; at most {LIST_LEN_MAX} are allowed",
                        items.len()
                    );
                    let help = "put addresses into a label set";
                    self.report(Diagnostic::new(start..end, message).help(help));
                }
                self.made(ExprKind::List(items), start..end)
            }
            _ => self.missing(),
        }
    }

    /// The unit behind a number: a `%` that touches it, or a word that is no operator.
    fn unit(&mut self, number_end: usize) -> Option<Word> {
        match *self.peek() {
            Token::Symbol("%") if self.peek_span().start == number_end => {
                Some(Word { text: "%".to_owned(), span: self.next().span })
            }
            Token::Name(text) if !is_infix_word(text) => {
                Some(Word { text: text.to_owned(), span: self.next().span })
            }
            _ => None,
        }
    }

    fn call(&mut self, name: Word) -> Expr {
        let start = name.span.start;
        let arguments = self.items(")");
        let end = self.close(")");
        let Some(each) = Each::from_word(&name.text) else {
            return self.made(ExprKind::Call(name, arguments), start..end);
        };
        let shape = format!("{word}(list, x, condition on x)", word = each.word());
        let Ok([over, variable, body]) = <[Expr; 3]>::try_from(arguments) else {
            let message = format!("`{}` takes three arguments", each.word());
            self.report(Diagnostic::new(start..end, message).help(shape));
            return Expr::new(ExprKind::Missing, start..end);
        };
        let ExprKind::Name(text) = variable.kind else {
            let message = "expected a new name for the element";
            self.report(Diagnostic::new(variable.span, message).help(shape));
            return Expr::new(ExprKind::Missing, start..end);
        };
        let variable = Word { text, span: variable.span };
        self.made(ExprKind::Each(each, Box::new(over), variable, Box::new(body)), start..end)
    }

    fn items(&mut self, close: &str) -> Vec<Expr> {
        let mut items = Vec::new();
        while !matches!(self.peek(), Token::Symbol(next) if *next == close) {
            items.push(self.expression(0));
            if !self.take_symbol(",") {
                break;
            }
        }
        items
    }

    /// Takes a closing bracket and says where it ends.
    fn close(&mut self, close: &str) -> usize {
        let span = self.peek_span();
        if self.take_symbol(close) {
            return span.end;
        }
        if *self.peek() != Token::Bad {
            let message = format!("expected `{close}`, found {}", self.found());
            self.report(Diagnostic::new(span.clone(), message));
        }
        // Look for it behind what is in the way, but not behind the next condition.
        self.skip_operand();
        self.take_symbol(close);
        span.start
    }

    fn missing(&mut self) -> Expr {
        let span = self.peek_span();
        if *self.peek() != Token::Bad {
            let message = format!("expected a value, found {}", self.found());
            self.report(Diagnostic::new(span.clone(), message).help(
                "a value is a name, a number, an address, a string in quotes, a list in [ ], or an expression in ( )",
            ));
        }
        self.skip_operand();
        Expr::new(ExprKind::Missing, span)
    }
}
