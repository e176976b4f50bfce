//! Tokens to syntax tree, by precedence climbing. A mistake is reported once; parsing goes on at
//! the next operand, so that several mistakes come out of one run.

mod operand; // names, literals, brackets

use std::ops::Range;

use super::{
    NESTING_MAX, SOURCE_LEN_MAX,
    diagnostic::Diagnostic,
    lexer::{Lexeme, Token, lex},
    syntax::{Arithmetic, Compare, Expr, ExprKind, Search, Word, precedence},
};

/// Reads a whole source as one expression.
pub(crate) fn parse(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Expr> {
    if source.len() > SOURCE_LEN_MAX {
        let message = format!(
            "the expression has {} bytes; at most {SOURCE_LEN_MAX} are allowed",
            source.len()
        );
        let help = "put long lists of addresses into a label set";
        diagnostics.push(Diagnostic::new(SOURCE_LEN_MAX..SOURCE_LEN_MAX, message).help(help));
        return None;
    }
    let mut parser = Parser::new(source, 0..source.len(), diagnostics);
    if *parser.peek() == Token::End {
        let message = "the expression is empty";
        parser.report(Diagnostic::new(0..0, message).help("leave the key out to match always"));
        return None;
    }
    let expr = parser.expression(0);
    parser.expect_end("the expression");
    Some(expr)
}

/// The parser over one range of a source.
pub(crate) struct Parser<'s, 'd> {
    source: &'s str,
    lexemes: Vec<Lexeme<'s>>,
    at: usize,
    depth: usize,
    /// Set when nothing sensible can follow; later mistakes would be echoes.
    stopped: bool,
    diagnostics: &'d mut Vec<Diagnostic>,
}

/// What may follow an operand.
enum Infix {
    Arithmetic(Arithmetic),
    Compare(Compare),
    In { negated: bool },
    Search(Search),
    And,
    Or,
}

impl Infix {
    fn precedence(&self) -> u8 {
        match self {
            Self::Arithmetic(operator) => precedence::of(*operator),
            Self::Compare(_) | Self::In { .. } | Self::Search(_) => precedence::COMPARE,
            Self::And => precedence::AND,
            Self::Or => precedence::OR,
        }
    }
}

impl<'s, 'd> Parser<'s, 'd> {
    /// A parser for the part `range` of `source`.
    pub(crate) fn new(
        source: &'s str,
        range: Range<usize>,
        diagnostics: &'d mut Vec<Diagnostic>,
    ) -> Self {
        let lexemes = lex(source, range, diagnostics);
        Self { source, lexemes, at: 0, depth: 0, stopped: false, diagnostics }
    }

    /// The next token.
    pub(crate) fn peek(&self) -> &Token<'s> {
        &self.lexemes[self.at].token
    }

    /// Place of the next token.
    pub(crate) fn peek_span(&self) -> Range<usize> {
        self.lexemes[self.at].span.clone()
    }

    /// Takes the next token; the end stays where it is.
    pub(crate) fn next(&mut self) -> Lexeme<'s> {
        let lexeme = self.lexemes[self.at].clone();
        if self.at + 1 < self.lexemes.len() {
            self.at += 1;
        }
        lexeme
    }

    /// Takes the next token if it is this symbol.
    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        if is_next {
            self.next();
        }
        is_next
    }

    /// Takes the next token if it is a name.
    pub(crate) fn take_name(&mut self) -> Option<Word> {
        let Token::Name(text) = *self.peek() else { return None };
        let span = self.next().span;
        Some(Word { text: text.to_owned(), span })
    }

    /// Reports a mistake, unless parsing has stopped.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if !self.stopped {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports whatever is left over behind `what`.
    pub(crate) fn expect_end(&mut self, what: &str) {
        let span = self.peek_span();
        let diagnostic = match self.peek() {
            Token::End | Token::Bad => return,
            Token::Symbol("|") => {
                Diagnostic::new(span, "there are no bit operators").help("write || for \"or\"")
            }
            Token::Symbol(close @ (")" | "]")) => {
                Diagnostic::new(span, format!("`{close}` closes nothing"))
            }
            _ => {
                let is_percent = self.at > 0
                    && matches!(&self.lexemes[self.at - 1], Lexeme { token: Token::Symbol("%"), span: percent }
                        if self.source[..percent.start].ends_with(|c: char| c.is_ascii_digit()));
                let found = self.found();
                let diagnostic = Diagnostic::new(
                    span,
                    format!("expected an operator or the end of {what}, found {found}"),
                );
                if is_percent {
                    diagnostic
                        .help("`5%` is a percentage; write `5 % 3` with spaces for the remainder")
                } else {
                    diagnostic.help("operators: && || == != < <= > >= + - * / % ** in, not in, contains, starts_with, ends_with")
                }
            }
        };
        self.report(diagnostic);
    }

    /// Parses an expression whose operators bind at least as tightly as `weakest`.
    pub(crate) fn expression(&mut self, weakest: u8) -> Expr {
        if self.depth >= NESTING_MAX {
            return self.too_deep();
        }
        self.depth += 1;
        let expr = self.expression_inside(weakest);
        self.depth -= 1;
        expr
    }

    fn expression_inside(&mut self, weakest: u8) -> Expr {
        let mut left = self.prefix();
        // `a && b && c` is one list; `(a && b) && c` is not, because the parentheses were written.
        let mut list_open = None;
        while let Some((infix, length)) = self.infix() {
            let own = infix.precedence();
            if own < weakest {
                break;
            }
            let operator_span = self.peek_span();
            for _ in 0..length {
                self.next();
            }
            let right_weakest = match infix {
                Infix::Arithmetic(Arithmetic::Power) => own,
                _ => own + 1,
            };
            let right = self.expression(right_weakest);
            let span = left.span.start..right.span.end;
            let is_list_open = list_open == Some(own);
            list_open = None;
            if own == precedence::COMPARE && self.compares_again(&operator_span, weakest) {
                return Expr::new(ExprKind::Missing, span);
            }
            left = match infix {
                Infix::And | Infix::Or => {
                    list_open = Some(own);
                    let parts = match left.kind {
                        ExprKind::And(mut parts) | ExprKind::Or(mut parts) if is_list_open => {
                            parts.push(right);
                            parts
                        }
                        kind => vec![Expr::new(kind, left.span), right],
                    };
                    let kind = if own == precedence::AND {
                        ExprKind::And(parts)
                    } else {
                        ExprKind::Or(parts)
                    };
                    self.made(kind, span)
                }
                Infix::Arithmetic(operator) => {
                    let kind = ExprKind::Arithmetic(operator, Box::new(left), Box::new(right));
                    self.made(kind, span)
                }
                Infix::Compare(compare) => {
                    let kind = ExprKind::Compare(compare, Box::new(left), Box::new(right));
                    self.made(kind, span)
                }
                Infix::In { negated } => {
                    let (item, set) = (Box::new(left), Box::new(right));
                    self.made(ExprKind::In { negated, item, set }, span)
                }
                Infix::Search(search) => {
                    let kind = ExprKind::Search(search, Box::new(left), Box::new(right));
                    self.made(kind, span)
                }
            };
        }
        left
    }

    /// Reports `a < b < c`, which would compare a truth with a number.
    fn compares_again(&mut self, first: &Range<usize>, weakest: u8) -> bool {
        let is_again = weakest <= precedence::COMPARE
            && self.infix().is_some_and(|(infix, _)| infix.precedence() == precedence::COMPARE);
        if is_again {
            let operator = self.source[first.clone()].to_owned();
            let message =
                format!("a comparison cannot follow another (`{operator}` stands before)");
            self.report(
                Diagnostic::new(self.peek_span(), message)
                    .help("write a < b && b < c, or use parentheses"),
            );
            self.skip_operand();
        }
        is_again
    }

    /// The operator at this place and how many tokens it has.
    fn infix(&self) -> Option<(Infix, usize)> {
        let infix = match self.peek() {
            Token::Symbol(symbol) => match *symbol {
                "+" => Infix::Arithmetic(Arithmetic::Add),
                "-" => Infix::Arithmetic(Arithmetic::Subtract),
                "*" => Infix::Arithmetic(Arithmetic::Multiply),
                "/" => Infix::Arithmetic(Arithmetic::Divide),
                "%" => Infix::Arithmetic(Arithmetic::Remainder),
                "**" => Infix::Arithmetic(Arithmetic::Power),
                "==" => Infix::Compare(Compare::Equal),
                "!=" => Infix::Compare(Compare::NotEqual),
                "<" => Infix::Compare(Compare::Less),
                "<=" => Infix::Compare(Compare::LessOrEqual),
                ">" => Infix::Compare(Compare::Greater),
                ">=" => Infix::Compare(Compare::GreaterOrEqual),
                "&&" => Infix::And,
                "||" => Infix::Or,
                _ => return None,
            },
            Token::Name(word) if word.eq_ignore_ascii_case("and") => Infix::And,
            Token::Name(word) if word.eq_ignore_ascii_case("or") => Infix::Or,
            Token::Name("in") => Infix::In { negated: false },
            Token::Name(word) if word.eq_ignore_ascii_case("not") => {
                let Some(Lexeme { token: Token::Name("in"), .. }) = self.lexemes.get(self.at + 1)
                else {
                    return None;
                };
                return Some((Infix::In { negated: true }, 2));
            }
            Token::Name(word) => Infix::Search(Search::from_word(word)?),
            _ => return None,
        };
        Some((infix, 1))
    }

    fn prefix(&mut self) -> Expr {
        let start = self.peek_span().start;
        let (weakest, is_not) = match self.peek() {
            Token::Symbol("!") => (precedence::PREFIX, true),
            Token::Symbol("-") => (precedence::PREFIX, false),
            Token::Name("not" | "NOT") => (precedence::NOT, true),
            _ => return self.postfix(),
        };
        self.next();
        let of = Box::new(self.expression(weakest));
        let span = start..of.span.end;
        self.made(if is_not { ExprKind::Not(of) } else { ExprKind::Negate(of) }, span)
    }

    /// Skips to where the next operand or condition can begin.
    fn skip_operand(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Symbol("(" | "[") => open += 1,
                Token::Symbol(")" | "]") if open > 0 => open -= 1,
                Token::Symbol("&&" | "||" | ")" | "]" | "," | "|") if open == 0 => return,
                Token::Name(word) if open == 0 && is_and_or(word) => return,
                _ => {}
            }
            self.next();
        }
    }

    /// Makes an expression, unless the tree would become too high to walk.
    fn made(&mut self, kind: ExprKind, span: Range<usize>) -> Expr {
        let expr = Expr::new(kind, span);
        if expr.height() < NESTING_MAX { expr } else { self.too_deep() }
    }

    fn too_deep(&mut self) -> Expr {
        let span = self.peek_span();
        let message = format!("more than {NESTING_MAX} levels inside each other");
        let help =
            "conditions joined by && or || may be many; split the rest into several monitors";
        self.report(Diagnostic::new(span.clone(), message).help(help));
        self.stopped = true;
        self.at = self.lexemes.len() - 1;
        Expr::new(ExprKind::Missing, span)
    }

    /// The next token in words.
    pub(crate) fn found(&self) -> String {
        match self.peek() {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", &self.source[self.peek_span()]),
        }
    }
}

fn is_and_or(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

/// Whether a word behind an operand is an operator and not a unit.
fn is_infix_word(word: &str) -> bool {
    is_and_or(word)
        || word == "in"
        || word.eq_ignore_ascii_case("not")
        || Search::from_word(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    /// The tree, printed with the fewest parentheses that keep it.
    fn parsed(source: &str) -> String {
        let mut diagnostics = Vec::new();
        let expr = parse(source, &mut diagnostics).expect("an expression");
        assert_eq!(diagnostics, [], "{source}");
        expr.to_string()
    }

    #[test]
    fn operators_bind_as_the_table_says() {
        let sources = [
            "a or b and not c == d + e * -f ** 2",
            "(a || b) && c",
            "(a && b) && c && d",
            "a - b - c - (d - e)",
            "2 ** 3 ** x",
            "!(x in labels.tornado-cash) && y not in [vault, deployments.vault-proxy_2.main]",
            "any(orders, o, o.0.amount > 5%)",
            "data[0:4] == 0xa9059cbb && data[x:] != data[:y]",
            "name starts_with 'a\"' AND $1 contains 5",
            "10 % 3 == 1 and 5% * x > 90s",
        ];
        let printed: Vec<String> = sources.into_iter().map(parsed).collect();
        expect![[r#"
            a || b && !(c == d + e * -f ** 2)
            (a || b) && c
            (a && b) && c && d
            a - b - c - (d - e)
            2 ** 3 ** x
            !(x in labels."tornado-cash") && y not in [vault, deployments."vault-proxy_2.main"]
            any(orders, o, o.0.amount > 5%)
            data[0:4] == 0xa9059cbb && data[x:] != data[:y]
            name starts_with "a\"" && $1 contains 5
            10 % 3 == 1 && 5% * x > 90 s"#]]
        .assert_eq(&printed.join("\n"));
    }

    #[test]
    fn hostile_nesting_is_refused_without_overflowing_the_stack() {
        for opening in ["(", "[", "!", "-", "not ", "a[", "f(", "any(", "2 ** "] {
            let source = opening.repeat(SOURCE_LEN_MAX / opening.len());
            let mut diagnostics = Vec::new();
            parse(&source, &mut diagnostics);
            assert_eq!(diagnostics.len(), 1, "{opening}");
            assert!(diagnostics[0].message.contains("levels inside each other"), "{opening}");
        }
        for link in [" + a", "[0]", ".a", " * a"] {
            let source = format!("a{}", link.repeat(3_000 / link.len()));
            let mut diagnostics = Vec::new();
            parse(&source, &mut diagnostics);
            assert!(diagnostics[0].message.contains("levels inside each other"), "{link}");
        }
    }

    #[test]
    fn many_conditions_side_by_side_are_no_nesting() {
        let source = vec!["a == b"; 1_000].join(" || ");
        assert_eq!(parsed(&source), source);
    }

    #[test]
    fn a_source_that_is_too_long_is_refused() {
        let mut diagnostics = Vec::new();
        assert!(parse(&"(".repeat(100_000), &mut diagnostics).is_none());
        expect!["the expression has 100000 bytes; at most 16384 are allowed"]
            .assert_eq(&diagnostics[0].message);
    }
}
