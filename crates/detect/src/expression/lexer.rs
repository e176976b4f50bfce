//! Source text to tokens, each with its place. Never fails: what is no token becomes
//! [`Token::Bad`] and a diagnostic, so that the parser can go on behind it.

use std::ops::Range;

use super::diagnostic::Diagnostic;

/// The smallest pieces of the language.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'s> {
    /// A name or a word operator: letters, digits and `_`, not starting with a digit.
    Name(&'s str),
    /// Digits with `_`, at most one point and at most one exponent.
    Number(&'s str),
    /// `0x` and hexadecimal digits.
    Hex(&'s str),
    /// A quoted string, unescaped.
    Text(String),
    /// `$3`
    Positional(&'s str),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// Something already reported.
    Bad,
    /// The end of the source.
    End,
}

/// A token and its place in the source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lexeme<'s> {
    pub(crate) token: Token<'s>,
    pub(crate) span: Range<usize>,
}

/// Longest first, so that `**` is not read as two `*`.
const SYMBOLS: [&str; 27] = [
    "&&", "||", "==", "!=", "<=", ">=", "**", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")",
    "[", "]", ",", ".", ":", "|", "=", "&", "^", "$",
];

/// Reads the part `range` of `source`; all spans are positions in the whole `source`.
pub(crate) fn lex<'s>(
    source: &'s str,
    range: Range<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Lexeme<'s>> {
    let mut lexemes: Vec<Lexeme<'s>> = Vec::new();
    let end = range.end;
    let mut at = range.start;
    while at < end {
        let rest = &source[at..end];
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let after_point = matches!(lexemes.last(), Some(Lexeme { token: Token::Symbol("."), span }) if span.end == at);
        let (token, length) = if first.is_ascii_digit() {
            lex_number(rest, after_point)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = name_length(rest);
            (Token::Name(&rest[..length]), length)
        } else if first == '"' || first == '\'' {
            lex_text(rest, at, diagnostics)
        } else if first == '$' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            (Token::Positional(&rest[1..1 + digits]), 1 + digits)
        } else {
            lex_symbol(rest, at, diagnostics)
        };
        lexemes.push(Lexeme { token, span: at..at + length });
        at += length;
    }
    lexemes.push(Lexeme { token: Token::End, span: end..end });
    lexemes
}

/// Length of the name at the start of `text`.
fn name_length(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

/// A number or hexadecimal literal. Behind a point (`order.0.1`) only digits belong to it.
fn lex_number(text: &str, after_point: bool) -> (Token<'_>, usize) {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| {
        bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count()
    };
    if after_point {
        let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        return (Token::Number(&text[..length]), length);
    }
    if bytes[0] == b'0' && matches!(bytes.get(1), Some(b'x' | b'X')) {
        let length = 2 + name_length(&text[2..]);
        return (Token::Hex(&text[..length]), length);
    }
    let mut length = digits_from(0);
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length += 1;
        length += digits_from(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if bytes.get(length + 1 + sign).is_some_and(u8::is_ascii_digit) {
            length += 1 + sign;
            length += digits_from(length);
        }
    }
    (Token::Number(&text[..length]), length)
}

/// A string in single or double quotes with the escapes `\\ \" \' \n \t`.
fn lex_text<'s>(text: &'s str, at: usize, diagnostics: &mut Vec<Diagnostic>) -> (Token<'s>, usize) {
    let mut characters = text.char_indices();
    let Some((_, quote)) = characters.next() else { return (Token::Bad, 0) };
    let mut unescaped = String::new();
    while let Some((i, c)) = characters.next() {
        match c {
            _ if c == quote => return (Token::Text(unescaped), i + 1),
            '\\' => match characters.next() {
                Some((_, 'n')) => unescaped.push('\n'),
                Some((_, 't')) => unescaped.push('\t'),
                Some((_, escaped @ ('\\' | '"' | '\''))) => unescaped.push(escaped),
                Some((j, other)) => {
                    let span = at + i..at + j + other.len_utf8();
                    diagnostics.push(
                        Diagnostic::new(span, format!("unknown escape `\\{other}`"))
                            .help(r#"escapes: \\ \" \' \n \t"#),
                    );
                }
                None => break,
            },
            _ => unescaped.push(c),
        }
    }
    diagnostics.push(
        Diagnostic::new(at..at + 1, "the string does not end")
            .help(format!("close it with {quote}")),
    );
    (Token::Bad, text.len())
}

/// An operator; slips from other languages are reported and read as what they mean.
fn lex_symbol<'s>(
    text: &'s str,
    at: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Token<'s>, usize) {
    let Some(symbol) = SYMBOLS.into_iter().find(|symbol| text.starts_with(symbol)) else {
        let is_odd =
            |c: &char| !c.is_whitespace() && !c.is_ascii_alphanumeric() && !"_\"'()[]".contains(*c);
        let length = text.chars().take_while(is_odd).take(8).map(char::len_utf8).sum::<usize>();
        let length = length.max(text.chars().next().map_or(1, char::len_utf8));
        let found = &text[..length];
        diagnostics.push(
            Diagnostic::new(at..at + length, format!("`{}` is not part of the language", found.escape_debug()))
                .help("strings stand in quotes; operators: && || ! == != < <= > >= + - * / % ** in contains starts_with ends_with"),
        );
        return (Token::Bad, length);
    };
    let meant = match symbol {
        "=" => Some(("==", "`=` assigns nothing here", "write == to compare")),
        "&" => Some(("&&", "there are no bit operators", "write && for \"and\"")),
        "^" => Some(("**", "`^` is not an operator", "write ** for a power")),
        "$" => None,
        _ => return (Token::Symbol(symbol), symbol.len()),
    };
    let span = at..at + symbol.len();
    match meant {
        Some((meant, message, help)) => {
            diagnostics.push(Diagnostic::new(span, message).help(help));
            (Token::Symbol(meant), symbol.len())
        }
        None => {
            let message = "`$` needs the position of a parameter";
            diagnostics.push(Diagnostic::new(span, message).help("$0 is the first, $1 the second"));
            (Token::Bad, symbol.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<Token<'_>> {
        let mut diagnostics = Vec::new();
        let lexemes = lex(source, 0..source.len(), &mut diagnostics);
        assert_eq!(diagnostics, [], "{source}");
        lexemes.into_iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn numbers_end_where_units_begin() {
        use Token::{End, Name, Number};
        assert_eq!(tokens("90s"), [Number("90"), Name("s"), End]);
        assert_eq!(tokens("1e18"), [Number("1e18"), End]);
        assert_eq!(tokens("1.5e-3"), [Number("1.5e-3"), End]);
        assert_eq!(tokens("2ether"), [Number("2"), Name("ether"), End]);
        assert_eq!(tokens("250_000 token"), [Number("250_000"), Name("token"), End]);
    }

    #[test]
    fn positions_behind_a_point_are_not_decimals() {
        use Token::{End, Name, Number, Symbol};
        let expected = [Name("a"), Symbol("."), Number("0"), Symbol("."), Number("1"), End];
        assert_eq!(tokens("a.0.1"), expected);
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(
            tokens(r#"'a\'b' "c\n""#)[..2],
            [Token::Text("a'b".into()), Token::Text("c\n".into())]
        );
    }
}
