//! From text to tree, in either grammar.

use super::{Base, Dialect, Expr, Kind, Literal, Mistake, Operator, Path, Step};

/// Levels of parentheses, `NOT` and signs inside each other; people write fewer than ten.
const NESTING_MAX: usize = 64;

/// Longest condition, in bytes; the other tools' own examples stay below two hundred.
const SOURCE_LEN_MAX: usize = 16 * 1024;

/// Words that are no variables.
const KEYWORDS: [&str; 7] = ["true", "false", "and", "or", "contains", "starts_with", "ends_with"];

/// Reads a condition.
///
/// # Errors
/// The first mistake, with its place.
pub(crate) fn parse(source: &str, dialect: Dialect) -> Result<Expr, Mistake> {
    if source.len() > SOURCE_LEN_MAX {
        let message = format!("the condition is longer than {SOURCE_LEN_MAX} bytes");
        return Err(Mistake { at: 0, message });
    }
    let mut parser = Parser { source, at: 0, dialect, depth: 0 };
    let expr = parser.or()?;
    parser.skip_space();
    if parser.at < source.len() {
        return Err(parser.unexpected("AND, OR or the end"));
    }
    Ok(expr)
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    dialect: Dialect,
    depth: usize,
}

type Parsed = Result<Expr, Mistake>;

impl Parser<'_> {
    fn or(&mut self) -> Parsed {
        self.chain("or", Self::and, Kind::Or)
    }

    fn and(&mut self) -> Parsed {
        let part = match self.dialect {
            Dialect::OpenZeppelin => Self::term,
            Dialect::Defender => Self::not,
        };
        self.chain("and", part, Kind::And)
    }

    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Parsed,
        join: fn(Vec<Expr>) -> Kind,
    ) -> Parsed {
        let first = part(self)?;
        let start = first.span.start;
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        Ok(self.made(start, join(parts)))
    }

    fn made(&self, start: usize, kind: Kind) -> Expr {
        Expr { kind, span: start..self.at }
    }

    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Mistake>,
    ) -> Result<T, Mistake> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            let message = format!("more than {NESTING_MAX} levels inside each other");
            return Err(Mistake { at: self.at, message });
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // OpenZeppelin Monitor: a variable, an operator, a literal.

    fn term(&mut self) -> Parsed {
        if self.take_symbol("(") {
            let inner = self.nested(Self::or)?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.skip_space();
        let start = self.at;
        let left = self.path()?;
        let operator = self.operator()?;
        let right = self.literal()?;
        Ok(self.made(start, Kind::Compare(Box::new(left), operator, Box::new(right))))
    }

    fn literal(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        if let Some(quoted) = self.quoted()? {
            return Ok(self.made(start, Kind::Literal(Literal::Quoted(quoted))));
        }
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
        let word = self.take_while(is_part);
        let literal = match word.as_str() {
            "" => return Err(self.unexpected("a value: a number, 0x…, 'text', true or false")),
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            word if KEYWORDS.contains(&word.to_ascii_lowercase().as_str()) => {
                let message = format!("{word:?} is a keyword; quote it to compare with the text");
                return Err(Mistake { at: start, message });
            }
            word if is_hex(word) => Literal::Hex(word.to_owned()),
            word if is_number(word) => Literal::Number(word.to_owned()),
            word if word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) => {
                Literal::Bare(word.to_owned())
            }
            word => {
                let message = format!("{word:?} is neither a number nor a word; quote it");
                return Err(Mistake { at: start, message });
            }
        };
        Ok(self.made(start, Kind::Literal(literal)))
    }

    // Defender: anything on both sides.

    fn not(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        if self.take_word("not") {
            let inner = self.nested(Self::not)?;
            return Ok(self.made(start, Kind::Not(Box::new(inner))));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parsed {
        let left = self.sum()?;
        self.skip_space();
        if self.peek_operator().is_none() {
            return Ok(left);
        }
        let operator = self.operator()?;
        let right = self.sum()?;
        let start = left.span.start;
        Ok(self.made(start, Kind::Compare(Box::new(left), operator, Box::new(right))))
    }

    fn sum(&mut self) -> Parsed {
        self.operations(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.operations(&['*', '/'], Self::power)
    }

    fn operations(&mut self, signs: &[char], part: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = part(self)?;
        // Each round nests the left side once more, and the translation walks down again.
        let mut rounds = 0;
        loop {
            self.skip_space();
            let Some(sign) = self.peek().filter(|c| signs.contains(c)) else { return Ok(left) };
            rounds += 1;
            if rounds > NESTING_MAX {
                let message = format!("more than {NESTING_MAX} terms of one sum or product");
                return Err(Mistake { at: self.at, message });
            }
            self.at += sign.len_utf8();
            let right = part(self)?;
            let start = left.span.start;
            left = self.made(start, Kind::Arithmetic(Box::new(left), sign, Box::new(right)));
        }
    }

    fn power(&mut self) -> Parsed {
        let left = self.operand()?;
        if !self.take_symbol("^") {
            return Ok(left);
        }
        let right = self.nested(Self::power)?;
        let start = left.span.start;
        Ok(self.made(start, Kind::Arithmetic(Box::new(left), '^', Box::new(right))))
    }

    fn operand(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        if self.take_symbol("-") {
            let inner = self.nested(Self::operand)?;
            return Ok(self.made(start, Kind::Negate(Box::new(inner))));
        }
        if self.take_symbol("(") {
            let inner = self.nested(Self::or)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(quoted) = self.quoted()? {
            return Ok(self.made(start, Kind::Literal(Literal::Quoted(quoted))));
        }
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let word = self.take_while(|c| c.is_alphanumeric() || c == '.');
                let literal = if is_hex(&word) {
                    Literal::Hex(word)
                } else if is_number(&word) {
                    Literal::Number(word)
                } else {
                    let message = format!("{word:?} is no number");
                    return Err(Mistake { at: start, message });
                };
                Ok(self.made(start, Kind::Literal(literal)))
            }
            _ => {
                let word = self.rest().split(|c: char| !c.is_alphanumeric()).next();
                match word.map(str::to_ascii_lowercase).as_deref() {
                    Some("true") => Ok(self.word_literal(true)),
                    Some("false") => Ok(self.word_literal(false)),
                    _ => self.path(),
                }
            }
        }
    }

    fn word_literal(&mut self, value: bool) -> Expr {
        let start = self.at;
        self.at += if value { "true".len() } else { "false".len() };
        self.made(start, Kind::Literal(Literal::Bool(value)))
    }

    // What both have in common.

    fn path(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        let base = if self.dialect == Dialect::Defender && self.take_symbol("$") {
            Base::Position(self.digits()?)
        } else {
            let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
            let is_keyword = KEYWORDS.contains(&name.to_ascii_lowercase().as_str());
            if name.is_empty() || is_keyword {
                self.at = start;
                return Err(self.unexpected("the name of a parameter"));
            }
            Base::Name(name)
        };
        let mut steps = Vec::new();
        loop {
            if self.take_symbol("[") {
                steps.push(Step::Index(self.digits()?));
                self.expect("]")?;
            } else if self.rest().starts_with('.') {
                self.at += 1;
                let field = self.take_while(|c| c.is_alphanumeric() || c == '_');
                if field.is_empty() {
                    return Err(self.unexpected("the name or number of a field"));
                }
                steps.push(Step::Field(field));
            } else {
                break;
            }
            if steps.len() > NESTING_MAX {
                let message = format!("more than {NESTING_MAX} steps into one parameter");
                return Err(Mistake { at: start, message });
            }
        }
        Ok(self.made(start, Kind::Path(Path { base, steps })))
    }

    fn digits(&mut self) -> Result<usize, Mistake> {
        self.skip_space();
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| {
            self.at = start;
            self.unexpected("a whole number")
        })
    }

    fn peek_operator(&self) -> Option<(Operator, usize)> {
        const SYMBOLS: [(&str, Operator); 6] = [
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        let rest = self.rest();
        if let Some((symbol, operator)) = SYMBOLS.iter().find(|(s, _)| rest.starts_with(s)) {
            return Some((*operator, symbol.len()));
        }
        let word = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        let operator = match word.to_ascii_lowercase().as_str() {
            "contains" => Operator::Contains,
            "starts_with" => Operator::StartsWith,
            "ends_with" => Operator::EndsWith,
            _ => return None,
        };
        Some((operator, word.len()))
    }

    fn operator(&mut self) -> Result<Operator, Mistake> {
        self.skip_space();
        let Some((operator, length)) = self.peek_operator() else {
            return Err(
                self.unexpected("one of ==, !=, <, <=, >, >=, contains, starts_with, ends_with")
            );
        };
        self.at += length;
        Ok(operator)
    }

    /// The text between quotes. `\\` and `\<quote>` are kept as they stand.
    fn quoted(&mut self) -> Result<Option<String>, Mistake> {
        let Some(quote) = self.peek().filter(|c| matches!(c, '\'' | '"')) else {
            return Ok(None);
        };
        let start = self.at;
        let mut is_escaped = false;
        for (offset, c) in self.rest()[1..].char_indices() {
            if is_escaped {
                is_escaped = false;
            } else if c == '\\' {
                is_escaped = true;
            } else if c == quote {
                let text = self.rest()[1..=offset].to_owned();
                self.at += offset + 2;
                return Ok(Some(text));
            }
        }
        Err(Mistake { at: start, message: "this quote is never closed".to_owned() })
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        self.at = self.source.len() - self.rest().trim_start().len();
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let taken = rest[..end].to_owned();
        self.at += end;
        taken
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let is_there = self.rest().starts_with(symbol);
        if is_there {
            self.at += symbol.len();
        }
        is_there
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.rest();
        let found = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let is_there = found.eq_ignore_ascii_case(word);
        if is_there {
            self.at += found.len();
        }
        is_there
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Mistake> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Mistake {
        let rest = self.rest();
        let word: String = rest.chars().take_while(|c| !c.is_whitespace()).take(24).collect();
        let hint = match word.as_str() {
            word if word.starts_with("&&") => "; `&&` is AND there",
            word if word.starts_with("||") => "; `||` is OR there",
            word if word.starts_with('!') => "; there is no negation there",
            word if word.starts_with('=') => "; equality is == there",
            _ => "",
        };
        let found = if word.is_empty() { "the end".to_owned() } else { format!("`{word}`") };
        Mistake { at: self.at, message: format!("expected {wanted}, found {found}{hint}") }
    }
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    are_digits(whole) && are_digits(fraction)
}
